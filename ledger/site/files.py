"""Where the files of a site are, in its folder and on the site; and which formats feeds have."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from ledger.domain.editions import EDITIONS
from ledger.domain.permalinks import ROOT, with_prefix
from ledger.pages.feeds import atom, jsonfeed, rss
from ledger.pages.feeds.build import Kind
from ledger.pages.feeds.model import Feed
from ledger.pages.model import EntryPage

MOST_NAME_BYTES = 255
"""How long a name may be on common file systems."""


class FeedFormat(NamedTuple):
    """A format of feeds: how their names end, their media type, and how they are written."""

    ending: str
    type: str
    render: Callable[[Feed], str]


FEED_FORMATS = (
    FeedFormat("_rss.xml", rss.TYPE, rss.render),
    FeedFormat("_atom.xml", atom.TYPE, atom.render),
    FeedFormat("_feed.json", jsonfeed.TYPE, jsonfeed.render),
)

_BEGINNINGS: dict[Kind, str] = {"newest": "index", "changes": "changes"}


def file_of(edition: str, path: str, ending: str) -> str:
    """Return where a page or a feed lies in the folder, given its path without prefix."""
    return f"{with_prefix(path, EDITIONS[edition].prefix)}{ending}".removeprefix("/")


def address_of(file: str) -> str:
    """Return the address of a file of the folder, from the root of the site, percent-encoded."""
    return f"/{quote(file)}"


def edition_feed(kind: Kind, edition: str, format_: FeedFormat) -> str:
    """Return where a feed of an edition lies in the folder."""
    return file_of(edition, f"{ROOT}/{_BEGINNINGS[kind]}", format_.ending)


def entry_feed(page: EntryPage) -> str | None:
    """Return where the feed of an entry's changes lies: beside the page of its current version.

    A slug of the greatest length with a number after it may leave no room for the name; then
    there is no such feed, and None is returned.
    """
    path = page.current or page.page.path or ""
    file = file_of(page.history[-1].edition, path, ".changes.atom")
    return file if is_short_enough(file.rpartition("/")[2]) else None


def is_short_enough(name: str) -> bool:
    """Return whether file systems take a name."""
    return len(name.encode(errors="surrogatepass")) <= MOST_NAME_BYTES
