"""Pages as HTML: semantic, readable without a script, and nothing is loaded from anywhere.

An entry's page names its versions by the link relations of RFC 5829, and describes itself as a
NewsArticle of schema.org. Texts are rendered by `inline`; U+FFFD stands for noncharacters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ledger.pages.html_entry import article
from ledger.pages.html_head import opening
from ledger.pages.html_lists import main_part
from ledger.pages.html_parts import anchor, day, words
from ledger.pages.inline import to_plain
from ledger.pages.links import AnyPage, FeedLink, Links, links_of
from ledger.pages.model import (
    ContextPage,
    ContextsPage,
    DayPage,
    EntryPage,
    FrontPage,
    day_text,
)
from ledger.pages.structured import json_ld
from ledger.pages.words import WORDS

_TYPES = {"json": "application/json", "xml": "application/xml", "md": "text/markdown"}

_FEED_TYPES = {
    "application/rss+xml": "RSS",
    "application/atom+xml": "Atom",
    "application/feed+json": "JSON Feed",
}

_DESCRIPTION = 300


def render(page: AnyPage, feeds: Sequence[FeedLink] = ()) -> str:
    """Return a page as an HTML document that names feeds, in its head and at its foot."""
    lines = _lines(page, links_of(page, "html"), feeds)
    return "\n".join(line for line in lines if line) + "\n"


def _lines(page: AnyPage, links: Links, feeds: Sequence[FeedLink]) -> Iterator[str]:
    title = _title(page, links.edition)
    yield from opening(links.edition, title, _described(page, links, feeds))
    yield from _top(page, links)
    yield "<main>"
    yield from article(page, links) if isinstance(page, EntryPage) else main_part(page, links)
    yield "</main>"
    yield from _bottom(page, links, feeds)
    yield "</body>"
    yield "</html>"


def _described(page: AnyPage, links: Links, feeds: Sequence[FeedLink]) -> Iterator[str]:
    if isinstance(page, EntryPage) and page.page.summary:
        said = to_plain(page.page.summary).strip()[:_DESCRIPTION]
        yield f'<meta name="description" content="{words(said)}">'
    for relation, target, more in _relations(page, links):
        yield f'<link rel="{relation}" href="{words(target)}"{more}>'
    for type_, title, address in feeds:
        more = f' type="{type_}" title="{words(title)}"'
        yield f'<link rel="alternate" href="{words(address)}"{more}>'
    if isinstance(page, EntryPage):
        yield f'<script type="application/ld+json">{json_ld(page, links)}</script>'


def _title(page: AnyPage, edition: str) -> str:
    title = WORDS[edition].title
    match page:
        case EntryPage():
            shown = page.page
            return to_plain(shown.headline).strip() or day_text(shown.day, shown.edition)
        case DayPage():
            return f"{title}, {day_text(page.day, page.edition)}"
        case FrontPage():
            return title
        case ContextPage():
            return f"{to_plain(page.context).strip()} – {title}"
        case ContextsPage():
            return f"{WORDS[page.edition].contexts} – {title}"


def _relations(page: AnyPage, links: Links) -> Iterator[tuple[str, str, str]]:
    """Yield what a page is related to: the relation, the address, more attributes."""
    latest = links.to(links.own)
    if isinstance(page, EntryPage):
        if page.current is not None:
            latest = links.to(page.current, page.history[-1].edition)
        if len(page.history) > 1:
            yield "version-history", "#changes", ""
        yield "latest-version", latest, ""
        if page.predecessor is not None:
            yield "predecessor-version", links.to(page.predecessor), ""
        if page.successor is not None:
            yield "successor-version", links.to(page.successor), ""
    if isinstance(page, DayPage):
        if page.previous is not None:
            yield "prev", links.day(page.previous), ""
        if page.next is not None:
            yield "next", links.day(page.next), ""
    yield "canonical", latest, ""
    for extension, target in links.formats():
        if extension in _TYPES:
            yield "alternate", target, f' type="{_TYPES[extension]}"'


def _top(page: AnyPage, links: Links) -> Iterator[str]:
    said = WORDS[links.edition]
    yield '<header class="top">'
    if isinstance(page, FrontPage):
        yield f'<h1 class="title">{words(said.title)}</h1>'
    else:
        yield f'<p class="title">{anchor(links.front, words(said.title))}</p>'
    yield f'<nav aria-label="{words(said.navigation)}">'
    if isinstance(page, EntryPage):
        shown = page.page
        yield f"{anchor(links.day(shown.day), day(shown.day, shown.edition))} ·"
    yield anchor(links.contexts, words(said.contexts))
    yield "</nav>"
    yield "</header>"


def _bottom(page: AnyPage, links: Links, feeds: Sequence[FeedLink]) -> Iterator[str]:
    said = WORDS[links.edition]
    yield '<footer class="bottom">'
    if isinstance(page, EntryPage) and (page.predecessor or page.successor):
        yield "<ul>"
        for path, name, relation in (
            (page.predecessor, said.previous_version, "predecessor-version"),
            (page.successor, said.next_version, "successor-version"),
        ):
            if path is not None:
                link = anchor(links.to(path), words(name), f' rel="{relation}"')
                yield f"<li>{link}</li>"
        yield "</ul>"
    yield f'<nav aria-label="{words(said.formats)}">'
    yield "<ul>"
    for extension, target in links.formats():
        if extension in _TYPES:
            name = "Markdown" if extension == "md" else extension.upper()
            link = anchor(target, name, f' type="{_TYPES[extension]}"')
            yield f"<li>{link}</li>"
    yield "</ul>"
    yield "</nav>"
    if feeds:
        yield f'<nav aria-label="{words(said.feeds)}">'
        yield "<ul>"
        for title, group in groupby(feeds, lambda feed: feed.title):
            each = " · ".join(
                anchor(feed.address, _FEED_TYPES[feed.type], f' type="{feed.type}"')
                for feed in group
            )
            yield f"<li>{words(title)}: {each}</li>"
        yield "</ul>"
        yield "</nav>"
    yield "</footer>"
