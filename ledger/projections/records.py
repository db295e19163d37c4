"""What the read models answer with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ledger.domain.values import Basis

Label = Literal["First version", "Update", "Current version"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an entry's history.

    Attributes:
        version: The version that the change made.
        label: First version, Update, or, for the last one of a list, Current version.
        listed: Whether a page lists it: the first version, and each that changed the headline.
        headline: As it was in that version.
        path: Where that version is, without edition prefix and extension; for the current one,
            where the entry is now.
        published_at: When it became public, as stated; aware, UTC.
        basis: How that time is known.
        recorded_at: When the ledger learned of it; aware, UTC.
        position: The event's place in the log.
        type: What happened, as in `EntryEdited`.
        actor: Who did it, as claimed.
        reason: Why.
        minor: Whether the actor called it minor.
        fields: Names of the fields that it set; none for other events.
        erased: The position of the event that says that its text or its names were erased.
    """

    version: int
    label: Label
    listed: bool
    headline: str
    path: str
    published_at: datetime
    basis: Basis
    recorded_at: datetime
    position: int
    type: str
    actor: str
    reason: str | None
    minor: bool
    fields: tuple[str, ...]
    erased: int | None = None


def listed(history: Sequence[Change]) -> tuple[Change, ...]:
    """Return what a page lists of a history: the versions that brought a headline.

    The last of them stands for the current version: it is labelled so, and links where that is.
    """
    return with_current([change for change in history if change.listed], history[-1].path)


def with_current(changes: Sequence[Change], path: str) -> tuple[Change, ...]:
    """Return changes whose last is labelled the current version, which is at `path`."""
    return (*changes[:-1], replace(changes[-1], label="Current version", path=path))


class Related(msgspec.Struct, frozen=True):
    """An entry that shares contexts with another.

    Attributes:
        entry: Its id.
        headline: Its current headline.
        path: Its current path, without edition prefix and extension.
        contexts: The contexts they share, in alphabetical order.
    """

    entry: UUID
    headline: str
    path: str
    contexts: tuple[str, ...]


class Resolved(msgspec.Struct, frozen=True):
    """What a path leads to.

    Attributes:
        entry: The entry's id.
        version: The last version that the path showed; None where it shows the current one.
    """

    entry: UUID
    version: int | None


class ViewStatus(msgspec.Struct, frozen=True):
    """What a read model holds.

    Attributes:
        name: What it is called.
        schema: The version of its tables.
        position: The last event it has taken.
        rows: How many rows it has.
        digest: The sum modulo 2^256 of SHA-256 over each row's canonical encoding, in hexadecimal
            digits: it depends on what the rows say, not on their order or the back end.
    """

    name: str
    schema: int
    position: int
    rows: int
    digest: str


class Skip(msgspec.Struct, frozen=True):
    """An event that a projection passes over.

    Attributes:
        name: The projection.
        position: The event.
        leaf: Its leaf hash: another event that came to its place is not passed over.
        reason: Why.
        actor: Who decided it.
        skipped_at: When; aware, UTC.
    """

    name: str
    position: int
    leaf: bytes
    reason: str
    actor: str
    skipped_at: datetime


class ProjectionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a read model stands.

    Attributes:
        name: What it is called.
        schema: The version of its tables.
        position: The last event it has taken.
        lag: How many events it has not taken yet.
        state: running; stopped: it has failed on an event, and waits there; unknown: it is of
            another program, which takes it on.
        failed_at: That event's position.
        error: The handler that failed, and what it raised; or why an installed one cannot be used.
        skipped: The events that it passes over, because somebody decided so.
    """

    name: str
    schema: int
    position: int
    lag: int
    state: Literal["running", "stopped", "unknown"]
    failed_at: int | None
    error: str | None
    skipped: tuple[Skip, ...]


class RebuildProof(msgspec.Struct, frozen=True):
    """What a rebuild ended with.

    Attributes:
        status: What the new read model holds, at that position.
        same: Whether the one before it held the same at the same position; None where there was
            none to compare with.
    """

    status: ViewStatus
    same: bool | None


class Drift(msgspec.Struct, frozen=True):
    """Where a serving read model differs from a rebuilt one.

    Attributes:
        name: The read model.
        table: Its table; empty where one of the two has stopped at an event and the other not.
        kind: surplus (the serving one has the row, and should not) or missing (it should have
            it); or which of the two has stopped.
        row: The row's logical columns, bytes in hexadecimal digits; or the position of the event
            and what failed.
    """

    name: str
    table: str
    kind: Literal["surplus", "missing", "stopped", "rebuilt, stops"]
    row: list[object]
