"""How readers of a page come to know of the feeds that the site has: links in its head."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.pages.html_parts import words


class FeedLink(NamedTuple):
    """A feed: its media type, its title as plain text, its address from the root of the site."""

    type: str
    title: str
    address: str


def with_feeds(document: str, feeds: Iterable[FeedLink]) -> str:
    """Return an HTML page that names feeds.

    Args:
        document: A page as `pages.rendering` gives it: no text in it can be taken for a tag.
        feeds: Which.
    """
    links = "".join(
        f'<link rel="alternate" type="{feed.type}" title="{words(feed.title)}" '
        f'href="{words(feed.address)}">\n'
        for feed in feeds
    )
    return document.replace("</head>", f"{links}</head>", 1)
