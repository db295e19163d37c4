"""A feed as RSS 2.0, with two elements of Atom that it has no own for: `link`, `updated`.

RSS has no tombstones: what is gone stays an item of the same `guid`, and says that it is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime

from ledger.pages.feeds.markup import attribute, text
from ledger.pages.feeds.model import Feed, FeedItem
from ledger.pages.times import rfc3339

TYPE = "application/rss+xml"


def render(feed: Feed) -> str:
    """Return a feed as an RSS document."""
    return "\n".join(_lines(feed)) + "\n"


def _lines(feed: Feed) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">'
    yield "<channel>"
    yield f"<title>{text(feed.title)}</title>"
    yield f"<link>{text(feed.page)}</link>"
    yield f"<description>{text(f'{feed.title}: {feed.author}')}</description>"
    yield f"<language>{text(feed.language)}</language>"
    yield f"<lastBuildDate>{_rfc822(feed.updated_at)}</lastBuildDate>"
    yield f'<atom:link rel="self" type="{TYPE}" href={attribute(feed.url)}/>'
    for item in feed.items:
        yield from _item(item)
    yield "</channel>"
    yield "</rss>"


def _item(item: FeedItem) -> Iterator[str]:
    yield "<item>"
    yield f"<title>{text(item.title)}</title>"
    yield f"<link>{text(item.url)}</link>"
    yield f'<guid isPermaLink="false">{text(item.id)}</guid>'
    yield f"<pubDate>{_rfc822(item.published_at)}</pubDate>"
    yield f"<atom:updated>{rfc3339(item.updated_at)}</atom:updated>"
    for category in item.categories:
        yield f"<category>{text(category)}</category>"
    yield f"<description>{text(item.html)}</description>"
    yield "</item>"


def _rfc822(moment: datetime) -> str:
    return format_datetime(moment)
