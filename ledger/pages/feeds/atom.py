"""A feed as Atom (RFC 4287), with tombstones for what is gone (RFC 6721)."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.pages.feeds.markup import attribute, text
from ledger.pages.feeds.model import Feed, FeedItem
from ledger.pages.times import rfc3339

TYPE = "application/atom+xml"


def render(feed: Feed) -> str:
    """Return a feed as an Atom document."""
    return "\n".join(_lines(feed)) + "\n"


def _lines(feed: Feed) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield (
        '<feed xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:at="http://purl.org/atompub/tombstones/1.0" '
        f"xml:lang={attribute(feed.language)}>"
    )
    yield f"<id>{text(feed.id)}</id>"
    yield f"<title>{text(feed.title)}</title>"
    yield f"<updated>{rfc3339(feed.updated_at)}</updated>"
    yield f"<author><name>{text(feed.author)}</name></author>"
    yield f'<link rel="self" type="{TYPE}" href={attribute(feed.url)}/>'
    yield f'<link rel="alternate" type="text/html" href={attribute(feed.page)}/>'
    for item in feed.items:
        if item.gone is not None:
            yield from _tombstone(item.id, item, item.gone)
            continue
        yield from _entry(item)
        if item.ends is not None:
            yield from _tombstone(item.ends, item, item.title)
    yield "</feed>"


def _entry(item: FeedItem) -> Iterator[str]:
    yield f"<entry xml:lang={attribute(item.language)}>"
    yield f"<id>{text(item.id)}</id>"
    yield f"<title>{text(item.title)}</title>"
    yield f"<published>{rfc3339(item.published_at)}</published>"
    yield f"<updated>{rfc3339(item.updated_at)}</updated>"
    yield f'<link rel="alternate" type="text/html" href={attribute(item.url)}/>'
    for source in item.sources:
        yield (f'<link rel="via" href={attribute(source.url)} title={attribute(source.name)}/>')
    for category in item.categories:
        yield f"<category term={attribute(category)}/>"
    yield f'<content type="html">{text(item.html)}</content>'
    yield "</entry>"


def _tombstone(id_: str, item: FeedItem, why: str) -> Iterator[str]:
    yield f"<at:deleted-entry ref={attribute(id_)} when={attribute(rfc3339(item.updated_at))}>"
    yield f"<at:comment xml:lang={attribute(item.language)}>{text(why)}</at:comment>"
    yield f'<link rel="alternate" type="text/html" href={attribute(item.url)}/>'
    yield "</at:deleted-entry>"
