"""Where the links of a page lead, in the format that the page is in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from ledger.domain.editions import EDITIONS
from ledger.domain.permalinks import day_path, with_prefix
from ledger.pages.addresses import CONTEXTS, FRONT
from ledger.pages.model import (
    ContextPage,
    ContextsPage,
    DayPage,
    EntryPage,
    FrontPage,
)

AnyPage = EntryPage | DayPage | FrontPage | ContextPage | ContextsPage
"""A page of any kind."""

EXTENSIONS = ("html", "json", "xml", "md")
"""The formats that every page has, as its address ends."""

_SAFE = "/~-._"


class FeedLink(NamedTuple):
    """A feed: its media type, its title as plain text, its address from the root of the site."""

    type: str
    title: str
    address: str


class Links(msgspec.Struct, frozen=True):
    """The links of one page.

    Attributes:
        edition: The code of its edition.
        own: Where the page itself is, without edition prefix and extension.
        extension: That of the page; its links lead to pages of the same format.
        prefix: Where its links to entries point; None: as its edition does.
        day_prefix: Where its links to days point; None: the same.
    """

    edition: str
    own: str
    extension: str
    prefix: str | None = None
    day_prefix: str | None = None

    def to(self, path: str, edition: str | None = None, extension: str | None = None) -> str:
        """Return the address of a page, percent-encoded.

        Args:
            path: Its path, without edition prefix and extension.
            edition: Its edition; None: that of this page.
            extension: Its format; None: that of this page.
        """
        code = edition or self.edition
        prefix = EDITIONS[code].prefix
        if code == self.edition and self.prefix is not None:
            prefix = self.prefix
        return f"{quote(with_prefix(path, prefix), _SAFE)}.{extension or self.extension}"

    def day(self, day: date) -> str:
        """Return the address of a day's page."""
        prefix = self.day_prefix or self.prefix or EDITIONS[self.edition].prefix
        return f"{with_prefix(day_path(day), prefix)}.{self.extension}"

    @property
    def front(self) -> str:
        """The address of the edition's front page."""
        return self.to(FRONT)

    @property
    def contexts(self) -> str:
        """The address of the list of the edition's contexts."""
        return self.to(CONTEXTS)

    def formats(self) -> Iterator[tuple[str, str]]:
        """Yield every format, and the address of this page in it."""
        for extension in EXTENSIONS:
            yield extension, self.to(self.own, extension=extension)


def links_of(page: AnyPage, extension: str) -> Links:
    """Return the links of a page in the format of an extension."""
    match page:
        case EntryPage(page=shown):
            own = shown.path or ""
            layout = shown.layout
            return Links(shown.edition, own, extension, layout.prefix, layout.day_prefix)
        case DayPage():
            return Links(page.edition, day_path(page.day), extension)
        case FrontPage():
            return Links(page.edition, FRONT, extension)
        case ContextPage():
            return Links(page.edition, page.path, extension)
        case ContextsPage():
            return Links(page.edition, CONTEXTS, extension)
