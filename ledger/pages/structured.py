"""What an entry's HTML page tells search engines: a NewsArticle of schema.org, as JSON-LD."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.domain.values import CorrectionKind
from ledger.pages.characters import exchangeable
from ledger.pages.inline import to_plain
from ledger.pages.links import Links
from ledger.pages.model import EntryPage

# So that nothing in it ends the script element or begins a comment, whatever the texts hold.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})

# A note of another kind adds to the article, and corrects nothing.
_CORRECTIONS: frozenset[CorrectionKind] = frozenset({"correction", "clarification"})


def json_ld(page: EntryPage, links: Links) -> str:
    """Return the JSON-LD of a page, to stand in a script element as it is.

    Its addresses are relative to the page, its texts plain.
    """
    shown = page.page
    images = [*([shown.cover_image] if shown.cover_image else [])]
    images += [source.image for source in shown.sources if source.image]
    said: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "identifier": f"urn:uuid:{page.entry}",
        "url": links.to(links.own),
        "mainEntityOfPage": links.to(page.current or links.own, page.history[-1].edition),
        "headline": _text(shown.headline),
        "description": _text(shown.summary),
        "inLanguage": page.language,
        "version": page.version,
        "creativeWorkStatus": None if page.status == "active" else page.status.capitalize(),
        "datePublished": page.first_published_at,
        "dateModified": page.updated_at,
        "keywords": [_text(name) for name in page.contexts],
        "citation": [
            {"@type": "CreativeWork", "name": _text(source.name), "url": source.url}
            for source in shown.sources
        ],
        "image": images,
        "correction": [
            {
                "@type": "CorrectionComment",
                "text": _text(note.text),
                "datePublished": note.published_at,
            }
            for note in page.notes
            if note.kind in _CORRECTIONS
        ],
        "isBasedOn": None if page.predecessor is None else links.to(page.predecessor),
    }
    told = {name: value for name, value in said.items() if value not in (None, [])}
    return exchangeable(msgspec.json.encode(told).decode()).translate(_ESCAPES)


def _text(text: str | None) -> str | None:
    return None if text is None else to_plain(text).strip()
