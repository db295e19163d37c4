"""The page at the root of a site: it leads to the front page of each edition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.domain.editions import DEFAULT, EDITIONS
from ledger.domain.permalinks import with_prefix
from ledger.pages.addresses import FRONT
from ledger.pages.html_head import opening
from ledger.pages.html_parts import words
from ledger.pages.words import WORDS


def root_page(editions: Sequence[str]) -> str:
    """Return the page in HTML; where there is one edition alone, it leads there by itself.

    It is in the language of that edition; where there are several or none, of the usual one.
    Its links are relative, so that it also works from a disk.
    """
    return "\n".join(_lines(editions)) + "\n"


def _lines(editions: Sequence[str]) -> Iterator[str]:
    usual, more = DEFAULT, []
    if len(editions) == 1:
        (usual,) = editions
        more.append(f'<meta http-equiv="refresh" content="0; url={_front(usual)}">')
    title = WORDS[usual].title
    yield from opening(usual, title, more)
    yield f'<header class="top"><p class="title">{words(title)}</p></header>'
    yield "<main>"
    yield "<ul>"
    for code in editions:
        language = words(EDITIONS[code].language)
        title = words(WORDS[code].title)
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
