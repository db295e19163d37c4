"""What the facade answers with, beside the domain's and the read models' own records."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from ledger.domain.entry import NewsEntry
from ledger.domain.erasure import Plan
from ledger.domain.events import RecordedEvent
from ledger.projections.records import ViewStatus

When = datetime | int
"""A time, aware; or the time at which the log had come to a position."""


class EntryVersion(msgspec.Struct, frozen=True, kw_only=True):
    """An entry in one of its versions.

    Attributes:
        entry: What it says in that version.
        path: Where that version is, without edition prefix and extension.
        event: What made that version: who, why, when, and its place in the log.
        as_of: The time of publication that was asked for, if any.
        known_at: The time of recording that was asked for, if any.
        current_version: The version that is current now.
        current_path: Where the current version is.
    """

    entry: NewsEntry
    path: str
    event: RecordedEvent
    as_of: When | None = None
    known_at: When | None = None
    current_version: int
    current_path: str

    @property
    def is_current(self) -> bool:
        """Whether this is the current version."""
        return self.entry.version == self.current_version


class Listed(msgspec.Struct, frozen=True):
    """An entry in a list, in one version, with its path (no edition prefix, no extension)."""

    entry: NewsEntry
    path: str


class Day(msgspec.Struct, frozen=True):
    """A day of an edition.

    Attributes:
        day: Which.
        edition: Of which edition.
        entries: Its entries, in the order the ledger learned of them.
        previous: The last day before it that has entries.
        next: The first day after it that has entries.
    """

    day: date
    edition: str
    entries: tuple[Listed, ...]
    previous: date | None
    next: date | None


class ContextCount(msgspec.Struct, frozen=True):
    """A context, and how many entries touch it."""

    context: str
    entries: int


class BlamedWord(msgspec.Struct, frozen=True):
    """A word, a space or a sign of a text, and where it comes from.

    Attributes:
        text: Itself.
        version: The version that brought it.
        actor: Who made that version, as claimed.
        published_at: When that version became public; aware, UTC.
    """

    text: str
    version: int
    actor: str
    published_at: datetime


class Blame(msgspec.Struct, frozen=True):
    """Where each word of an entry's headline and summary comes from."""

    entry: UUID
    headline: tuple[BlamedWord, ...]
    summary: tuple[BlamedWord, ...]


class Erased(msgspec.Struct, frozen=True):
    """What an erasure came to.

    Attributes:
        event: The event that says so.
        plan: What went, and what stays; None where the same command was done before.
    """

    event: RecordedEvent
    plan: Plan | None


class Replayed(msgspec.Struct, frozen=True):
    """One step of a replay: an event, the entry before and after it, and its path then."""

    event: RecordedEvent
    before: NewsEntry | None
    after: NewsEntry
    path: str


class ReplayReport(msgspec.Struct, frozen=True):
    """What a replay of the whole log came to.

    Attributes:
        events: How many events were replayed; the last one's position.
        views: What each read model held in the end.
    """

    events: int
    views: tuple[ViewStatus, ...]
