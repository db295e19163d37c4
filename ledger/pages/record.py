"""What a page says to programs: one record, which JSON and XML write each in its own way.

Texts are CommonMark inline text as published, times are RFC 3339 in UTC, links lead to pages in
the same format. What may be in a record, and what it means, is said in `schemas/page.schema.json`
and `schemas/page.xsd`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.domain.editions import EDITIONS
from ledger.pages.links import AnyPage, Links, links_of
from ledger.pages.model import (
    ContextPage,
    ContextsPage,
    DayPage,
    EntryPage,
    FrontPage,
    Revision,
    Teaser,
)

FORMAT = "urn:ledger:page:1"
"""Names the format and its version; XML has it as its namespace."""

Record = dict[str, Any]


def record_of(page: AnyPage, extension: str) -> Record:
    """Return what a page says: dictionaries, lists, texts, numbers, truths and None.

    Args:
        page: The page.
        extension: json or xml: what its links lead to.
    """
    links = links_of(page, extension)
    match page:
        case EntryPage():
            said = _entry(page, links)
        case DayPage():
            around = {"previous_day": page.previous, "next_day": page.next}
            said = {
                "kind": "day",
                **_edition(page.edition),
                "date": page.day,
                "links": _links(links)
                | {name: day and links.day(day) for name, day in around.items()},
                "entries": [_teaser(entry, links) for entry in page.entries],
            }
        case FrontPage():
            previous = page.previous
            said = {
                "kind": "front",
                **_edition(page.edition),
                "links": _links(links) | {"previous_day": previous and links.day(previous)},
                "days": [
                    {
                        "date": day.day,
                        "link": links.day(day.day),
                        "entries": [_teaser(entry, links) for entry in day.entries],
                    }
                    for day in page.days
                ],
            }
        case ContextPage():
            said = {
                "kind": "context",
                **_edition(page.edition),
                "name": page.context,
                "links": _links(links),
                "entries": [_teaser(entry, links) for entry in page.entries],
            }
        case ContextsPage():
            said = {
                "kind": "contexts",
                **_edition(page.edition),
                "links": _links(links),
                "contexts": [
                    {"name": line.context, "link": links.to(line.path), "count": line.entries}
                    for line in page.contexts
                ],
            }
    record: Record = msgspec.to_builtins({"format": FORMAT} | said)
    return record


def _edition(code: str) -> Record:
    return {"edition": code, "language": EDITIONS[code].language}


def _links(links: Links) -> Record:
    return {**dict(links.formats()), "front": links.front, "contexts": links.contexts}


def _entry(page: EntryPage, links: Links) -> Record:
    shown = page.page

    def version(path: str | None, edition: str | None = None) -> str | None:
        return None if path is None else links.to(path, edition)

    merged = page.merged_into
    return {
        "kind": "entry",
        "edition": shown.edition,
        "language": page.language,
        "id": page.entry,
        "version": page.version,
        "date": shown.day,
        "links": {
            **_links(links),
            "day": links.day(shown.day),
            "current": version(page.current, page.history[-1].edition),
            "predecessor": version(page.predecessor),
            "successor": version(page.successor),
        },
        "status": page.status,
        "status_since": page.status_since,
        "merged_into": merged
        and {"headline": merged.headline, "link": links.to(merged.path, merged.edition)},
        "current_status": page.current_status,
        "erased": page.erased,
        "first_published_at": page.first_published_at,
        "published_at": page.published_at,
        "headline": shown.headline,
        "topic": shown.topic,
        "summary": shown.summary,
        "sources": [
            {"name": source.name, "url": source.url, "image": source.image}
            for source in shown.sources
        ],
        "cover_image": shown.cover_image,
        "contexts": [
            {"name": context.context, "link": version(context.path)}
            for context in page.context_links
        ],
        "notes": [msgspec.to_builtins(note) for note in page.notes],
        "changes": [_change(revision, links) for revision in page.history],
        "related": [
            {
                "headline": line.headline,
                "link": links.to(line.path),
                "contexts": list(line.contexts),
            }
            for line in shown.related
        ],
    }


def _change(revision: Revision, links: Links) -> Record:
    return {
        "version": revision.version,
        "type": revision.type,
        "label": revision.label,
        "listed": revision.listed,
        "minor": revision.minor,
        "erased": revision.erased,
        "published_at": revision.published_at,
        "basis": revision.basis,
        "headline": revision.headline,
        "link": links.to(revision.path, revision.edition),
        "diffs": list(revision.diffs),
    }


def _teaser(entry: Teaser, links: Links) -> Record:
    return {
        "id": entry.entry,
        "date": entry.day,
        "language": entry.language,
        "status": entry.status,
        "topic": entry.topic,
        "headline": entry.headline,
        "summary": entry.summary,
        "contexts": list(entry.contexts),
        "link": links.to(entry.path),
    }
