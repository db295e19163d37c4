"""A published page as a model: what a reader of the page can know."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from ledger.domain.diffs import FieldDiff
from ledger.domain.editions import EDITIONS, Edition
from ledger.domain.permalinks import path_of, with_prefix
from ledger.domain.values import Basis, CorrectionKind, Layout, Source, Status

FORMATS = ("html", "json", "xml")
"""The formats that a page links, beside the one it is in."""


ChangeLabel = Literal["first_version", "update", "current_version"]


class ChangeLine(msgspec.Struct, frozen=True):
    """A line of the Changes list.

    Attributes:
        headline: The headline of that version.
        path: Where that version is, without edition prefix and extension.
        published_at: The time listed, UTC; None for the current version, which has none.
        label: Which of the edition's three labels it has.
        edition: In which edition it is there; None: in that of the page.
    """

    headline: str
    path: str
    published_at: datetime | None
    label: ChangeLabel
    edition: str | None = None


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

    def link(self, path: str, extension: str = "md", edition: str | None = None) -> str:
        """Return `path` as this page links it; of another edition, if that is given."""
        prefix = self.prefix if edition is None else EDITIONS[edition].prefix
        return f"{with_prefix(path, prefix)}.{extension}"

    def day_text(self) -> str:
        """Return the date as this edition writes it."""
        return day_text(self.day, self.edition)


def day_text(day: date, edition: str) -> str:
    """Return a date as an edition writes it."""
    number = f"{day.day:02}" if EDITIONS[edition].padded_day else str(day.day)
    return f"{day.year:04}-{day.month:02}-{number}"


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an entry, as the whole history on its page tells it.

    Who made it and why is not published: that is for those who audit.

    Attributes:
        version: Its number.
        headline: As it was in that version.
        path: Where that version is, without edition prefix and extension.
        edition: In which edition it is there.
        published_at: When it became public, as stated; aware, UTC.
        updated_at: The latest such time, up to this version, of those that readers are told of
            (`is_told`): never before that of an earlier version, whatever was stated.
        basis: How the time stated is known.
        label: Which of the edition's three labels it has.
        listed: Whether the Changes list shows it: the first, and each that changed the headline.
        type: What happened, as in `EntryEdited`.
        minor: Whether it was called minor.
        erased: Whether its text was erased.
        diffs: What it changed against the version before; none for the first.
    """

    version: int
    headline: str
    path: str
    edition: str
    published_at: datetime
    updated_at: datetime
    basis: Basis
    label: ChangeLabel
    listed: bool
    type: str
    minor: bool = False
    erased: bool = False
    diffs: tuple[FieldDiff, ...] = ()

    @property
    def is_told(self) -> bool:
        """Whether it is news to readers.

        What remains after an erasure, said anew, is none; nor is a minor edit of an assumed time,
        as those are by which an import adds the contexts that it learned from other pages.
        """
        if self.type == "EntryEdited":
            return not (self.minor and self.basis == "inferred")
        return self.type != "EntryRestated"


class PublicNote(msgspec.Struct, frozen=True):
    """A correction, clarification, update or editor's note, with the version that it made."""

    kind: CorrectionKind
    text: str
    version: int
    published_at: datetime


class EntryLink(msgspec.Struct, frozen=True):
    """Another entry: its headline, its path (no prefix, no extension) and its edition."""

    headline: str
    path: str
    edition: str


class ContextLink(msgspec.Struct, frozen=True):
    """A context of an entry, and where its page is; None: no entry of the edition has it now."""

    context: str
    path: str | None


class EntryPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of one version of an entry, with what only HTML, JSON, XML and feeds tell of it.

    Attributes:
        page: What the Markdown page says.
        entry: The entry's id.
        version: Which version is shown.
        language: A BCP 47 tag.
        status: active, retracted or merged, in that version.
        status_since: When it came to that; None where it is active.
        merged_into: The entry that goes on in its place.
        contexts: What it touches.
        context_links: The same, with where their pages are.
        first_published_at: When its first version became public; aware, UTC.
        published_at: When this version did, and no earlier than those before it.
        notes: The public notes up to this version, oldest first.
        history: All versions known at the moment of publication, oldest first.
        current: Where the current version is; None where this is it.
        current_status: active, retracted or merged, in the current version.
        predecessor: Where the last version before this is that was at another path; None where
            there is none. A path that shows a later version by now is passed over.
        successor: Where the first version after this is that is at another path; None likewise.
        erased: Whether the text of this version was erased.
    """

    page: Page
    entry: UUID
    version: int
    language: str
    status: Status
    status_since: datetime | None
    merged_into: EntryLink | None
    contexts: tuple[str, ...]
    first_published_at: datetime
    published_at: datetime
    notes: tuple[PublicNote, ...]
    history: tuple[Revision, ...]
    current: str | None
    predecessor: str | None
    successor: str | None
    current_status: Status = "active"
    context_links: tuple[ContextLink, ...] = ()
    erased: bool = False

    @property
    def last_told(self) -> Revision:
        """The newest version, up to the one shown, that is news to readers."""
        return next(one for one in reversed(self.history[: self.version]) if one.is_told)

    @property
    def updated_at(self) -> datetime:
        """When there last was news of the entry, up to the version shown; aware, UTC."""
        return self.last_told.updated_at


class Teaser(msgspec.Struct, frozen=True, kw_only=True):
    """An entry on the page of a day, on the front page, or on that of a context."""

    entry: UUID
    day: date
    headline: str
    path: str
    language: str
    status: Status
    topic: str | None
    summary: str | None
    contexts: tuple[str, ...]


class DayPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page of a day of an edition; its neighbours are the nearest days that have entries."""

    edition: str
    day: date
    entries: tuple[Teaser, ...]
    previous: date | None
    next: date | None


class FrontPage(msgspec.Struct, frozen=True, kw_only=True):
    """The first page of an edition: its newest days (three at most), newest first.

    Attributes:
        previous: The last day before those that has entries.
    """

    edition: str
    days: tuple[DayPage, ...]
    previous: date | None


class ContextPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page of a context (a place, a person, a subject): its entries, newest first.

    Attributes:
        path: Its own, without edition prefix and extension.
    """

    edition: str
    context: str
    path: str
    entries: tuple[Teaser, ...]


class ContextCountLine(msgspec.Struct, frozen=True):
    """A context on the list of all: its name, its page's path, how many entries touch it."""

    context: str
    path: str
    entries: int


class ContextsPage(msgspec.Struct, frozen=True, kw_only=True):
    """The list of an edition's contexts, in alphabetical order."""

    edition: str
    contexts: tuple[ContextCountLine, ...]
