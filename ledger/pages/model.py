"""A published page as a model: what a reader of the page can know."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from ledger.domain.editions import EDITIONS, Edition
from ledger.domain.permalinks import path_of, with_prefix
from ledger.domain.values import Layout, Source

FORMATS = ("html", "json", "xml")
"""The formats that a page links, beside the one it is in."""


class ChangeLine(msgspec.Struct, frozen=True):
    """A line of the Changes list.

    Attributes:
        headline: The headline of that version.
        path: Where that version is, without edition prefix and extension.
        published_at: The time listed, UTC; None for the current version, which has none.
        label: Which of the edition's three labels it has.
    """

    headline: str
    path: str
    published_at: datetime | None
    label: Literal["first_version", "update", "current_version"]


class RelatedLine(msgspec.Struct, frozen=True):
    """A line of the Related list: an entry, and the contexts shared with it."""

    headline: str
    path: str
    contexts: tuple[str, ...]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of one entry in one version.

    Attributes:
        edition: The edition's code.
        layout: Style and prefixes.
        day: The entry's date.
        slug: The last part of its path; None where the page does not tell.
        headline, topic, summary, sources, cover_image: As in the entry.
        changes: Its Changes list; empty where there is none.
        related: Its Related list; empty where there is none.
    """

    edition: str
    layout: Layout
    day: date
    slug: str | None
    headline: str
    topic: str | None = None
    summary: str | None = None
    sources: tuple[Source, ...] = ()
    cover_image: str | None = None
    changes: tuple[ChangeLine, ...] = ()
    related: tuple[RelatedLine, ...] = ()

    @property
    def path(self) -> str | None:
        """Its path, without edition prefix and extension; None where the page does not tell."""
        return None if self.slug is None else path_of(self.day, self.slug)

    @property
    def prefix(self) -> str:
        """Where its links to entries point."""
        return self.layout.prefix or self._edition.prefix

    @property
    def day_prefix(self) -> str:
        """Where its link to the day points."""
        return self.layout.day_prefix or self.prefix

    @property
    def _edition(self) -> Edition:
        return EDITIONS[self.edition]

    def link(self, path: str, extension: str = "md") -> str:
        """Return `path` as this page links it."""
        return f"{with_prefix(path, self.prefix)}.{extension}"

    def day_text(self) -> str:
        """Return the date as this edition writes it."""
        day = f"{self.day.day:02}" if self._edition.padded_day else str(self.day.day)
        return f"{self.day.year:04}-{self.day.month:02}-{day}"
