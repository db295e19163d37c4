"""The page at the root of a site: it leads to the front page of each edition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from ledger.domain.editions import DEFAULT, EDITIONS
from ledger.domain.permalinks import with_prefix
from ledger.pages.addresses import FRONT
from ledger.pages.page_style import STYLE
from ledger.pages.words import WORDS


def root_page(editions: Sequence[str]) -> str:
    """Return the page in HTML; where there is one edition alone, it leads there by itself.

    Its links are relative, so that it also works from a disk.
    """
    return "\n".join(_lines(editions)) + "\n"


def _lines(editions: Sequence[str]) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield f'<html lang="{EDITIONS[DEFAULT].language}">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    if len(editions) == 1:
        yield f'<meta http-equiv="refresh" content="0; url={_front(editions[0])}">'
    yield f"<title>{WORDS[DEFAULT].title}</title>"
    yield f"<style>{STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield f'<header class="top"><p class="title">{WORDS[DEFAULT].title}</p></header>'
    yield "<main>"
    yield "<ul>"
    for code in editions:
        language = escape(EDITIONS[code].language)
        title = escape(WORDS[code].title)
        yield (
            f'<li><a href="{_front(code)}" hreflang="{language}" lang="{language}">{title}</a>'
            f" ({language})</li>"
        )
    yield "</ul>"
    yield "</main>"
    yield "</body>"
    yield "</html>"


def _front(code: str) -> str:
    return f"{with_prefix(FRONT, EDITIONS[code].prefix)}.html".removeprefix("/")
