"""The page of an entry, made from what the ledger knows."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ledger.domain.entry import NewsEntry
from ledger.domain.permalinks import parse_permalink
from ledger.domain.values import StyleName
from ledger.pages.labels import STYLES
from ledger.pages.model import ChangeLine, Page, RelatedLine
from ledger.projections.records import Change, Related


def build_page(
    entry: NewsEntry,
    path: str,
    changes: Sequence[Change],
    related: Sequence[Related],
    style: StyleName | None = None,
) -> Page:
    """Return the page of one version of an entry.

    Args:
        entry: The version shown.
        path: Where it is, without edition prefix and extension.
        changes: What the page lists of the entry's history.
        related: The related entries, best first; the page shows as many as its style does.
        style: The style to use; None: the one it was published in.
    """
    layout = entry.layout if style is None else replace(entry.layout, style=style)
    link = parse_permalink(path)
    return Page(
        edition=entry.edition,
        layout=layout,
        day=entry.date,
        slug=link.slug if link else entry.slug,
        headline=entry.headline,
        topic=entry.topic,
        summary=entry.summary,
        sources=entry.sources,
        cover_image=entry.cover_image,
        changes=_change_lines(changes),
        related=tuple(
            RelatedLine(item.headline, item.path, item.contexts)
            for item in related[: STYLES[layout.style].related]
        ),
    )


def _change_lines(changes: Sequence[Change]) -> tuple[ChangeLine, ...]:
    if len(changes) < 2:
        return ()
    *earlier, last = changes
    return (
        *(
            ChangeLine(
                change.headline,
                change.path,
                change.published_at,
                "first_version" if index == 0 else "update",
            )
            for index, change in enumerate(earlier)
        ),
        ChangeLine(last.headline, last.path, None, "current_version"),
    )
