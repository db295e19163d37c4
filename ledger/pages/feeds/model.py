"""A feed as a model: what its readers are told, before it is written in any format.

An item is one thing for life: whoever follows the feed knows it by its id. In the feed of the
newest entries it is an entry, and an edit of the entry is an update of the same item. In a feed of
changes it is a version, which never changes but for an erasure. What was retracted, merged into
another or erased is gone: Atom says so by a tombstone (RFC 6721); RSS and JSON Feed have none, so
there the item stays, without its text, and says that it is gone.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class FeedSource(msgspec.Struct, frozen=True):
    """A source of an item: its name as plain text, and its address."""

    name: str
    url: str


class FeedItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a feed.

    Attributes:
        id: A URN; the same for life.
        url: The absolute address of its page.
        title: Plain text.
        html: What it says, as HTML whose links are absolute.
        language: A BCP 47 tag.
        published_at: When it first became public; aware, UTC.
        updated_at: When it last changed; aware, UTC.
        categories: The contexts of the entry, as plain text.
        sources: The sources of the entry.
        gone: Why it is gone, in a sentence; None where it stands.
        ends: The id of the entry, where this item tells that the entry is gone.
    """

    id: str
    url: str
    title: str
    html: str
    language: str
    published_at: datetime
    updated_at: datetime
    categories: tuple[str, ...] = ()
    sources: tuple[FeedSource, ...] = ()
    gone: str | None = None
    ends: str | None = None


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed.

    Attributes:
        id: A URN; the same for life, in every format.
        url: Its own absolute address.
        page: The absolute address of the HTML page that it belongs to.
        title: Plain text.
        author: Who publishes it: the name of the site.
        language: A BCP 47 tag.
        items: The newest first; at least one.
    """

    id: str
    url: str
    page: str
    title: str
    author: str
    language: str
    items: tuple[FeedItem, ...]

    @property
    def updated_at(self) -> datetime:
        """When its newest change was made; no present time, so that the same feed is the same."""
        return max(item.updated_at for item in self.items)
