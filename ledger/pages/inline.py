"""CommonMark inline text, as entries hold it: as HTML that does no harm, and as plain text.

Raw HTML is shown as the text that it is. A link leads to http, https, mailto, or a place on the
site itself; anything else that looks like a link is shown as the text that it is. Nothing is
loaded: an image is a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ledger.domain.permalinks import parse_permalink
from ledger.pages.characters import exchangeable

# Browsers take a backslash for a slash, and two slashes lead to another site.
_SAFE = re.compile(r"https?:|mailto:|/(?![/\\])", re.IGNORECASE)
_MARKDOWN = re.compile(r"\.md(?=$|[?#])")

# What character references can bring in, though a text is one line.
_SPACES = str.maketrans("\t\n\f\r", "    ")


def to_html(text: str, *, links: bool = True) -> str:
    """Return a text as HTML phrasing content.

    Args:
        text: CommonMark inline text.
        links: Whether its links are links, be it to Markdown pages: those lead to HTML pages. If
            not, their text is there alone, so that it can stand inside of a link.
    """
    return "".join(_html(_parse(text), links))


def to_plain(text: str) -> str:
    """Return a text without markup: links and images are their text alone."""
    return "".join(_plain(_parse(text)))


def is_safe(url: str) -> bool:
    """Return whether a page may link an address."""
    return _SAFE.match(url) is not None


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    parser.validateLink = is_safe  # type: ignore[method-assign]
    return parser


def _parse(text: str) -> Sequence[Token]:
    (token,) = _parser().parseInline(exchangeable(text))
    return token.children or ()


def _html(tokens: Sequence[Token], links: bool) -> Iterator[str]:
    inside = False
    for token in tokens:
        match token.type:
            case "link_open" | "link_close":
                inside = token.type == "link_open"
                if links:
                    yield _link(token, "href") if inside else "</a>"
            case "image":
                words = escape("".join(_plain([token])))
                yield f"{_link(token, 'src')}{words}</a>" if links and not inside else words
            case "em_open" | "strong_open":
                yield f"<{token.tag}>"
            case "em_close" | "strong_close":
                yield f"</{token.tag}>"
            case "code_inline":
                yield f"<code>{escape(token.content)}</code>"
            case _:
                yield escape("".join(_plain([token])))


def _link(token: Token, attribute: str) -> str:
    target = str(token.attrGet(attribute) or "")
    if target.startswith("/") and parse_permalink(target) is not None:
        target = _MARKDOWN.sub(".html", target)
    title = token.attrGet("title")
    told = f' title="{escape(str(title))}"' if title else ""
    return f'<a href="{escape(target)}"{told}>'


def _plain(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "image":
            yield from _plain(token.children or ())
        else:
            yield token.content.translate(_SPACES)
