"""A feed as JSON Feed 1.1 (jsonfeed.org).

It has no tombstones: what is gone stays an item of the same `id`, and says that it is gone.
"""

from __future__ import annotations

import msgspec

from ledger.pages.feeds.model import Feed, FeedItem
from ledger.pages.times import rfc3339

TYPE = "application/feed+json"
VERSION = "https://jsonfeed.org/version/1.1"


def render(feed: Feed) -> str:
    """Return a feed as a JSON Feed document."""
    document = {
        "version": VERSION,
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": feed.url,
        "language": feed.language,
        "authors": [{"name": feed.author}],
        "items": [_item(item) for item in feed.items],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _item(item: FeedItem) -> dict[str, object]:
    return {
        "id": item.id,
        "url": item.url,
        "title": item.title,
        "content_html": item.html,
        "date_published": rfc3339(item.published_at),
        "date_modified": rfc3339(item.updated_at),
        "language": item.language,
        "tags": item.categories,
    }
