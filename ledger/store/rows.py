"""Rows: what lies in the log of every back end, byte for byte."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class NewRow(NamedTuple):
    """An event on its way into the log; see `Row`."""

    entry: bytes
    version: int
    type: str
    meta: bytes
    content: bytes


class Row(NamedTuple):
    """An event as it lies in the log.

    Attributes:
        position: 1, 2, 3, ... without gaps, in one order for the whole log.
        entry: The entry's id, 16 bytes.
        version: The entry's version that the event makes.
        type: Name and schema, as in `EntryEdited@1`.
        recorded_at: Microseconds since 1970-01-01T00:00:00Z; never less than the row before.
        meta: A random salt of 16 bytes, then the encoded `Meta`.
        content: A random salt of 16 bytes, then the encoded data. Where it was erased, nothing;
            so with `meta`.
    """

    position: int
    entry: bytes
    version: int
    type: str
    recorded_at: int
    meta: bytes
    content: bytes


BlobName = Literal["meta", "content"]


class Blank(NamedTuple):
    """A blob to take away: meta or content of the event at a position."""

    position: int
    blob: BlobName


class Appended(NamedTuple):
    """Where an append went.

    Attributes:
        first: The position of its first event; the others follow without a gap.
        recorded_at: Microseconds since 1970-01-01T00:00:00Z, the same for all its events.
        clock_behind: By how many microseconds the clock was behind the log's last event. Then
            `recorded_at` repeats that event's time, because the log's time never runs backwards.
    """

    first: int
    recorded_at: int
    clock_behind: int = 0


class Head(NamedTuple):
    """The end of the log: its last position and that event's time; zeros where it is empty."""

    position: int
    recorded_at: int


def head_of(last: Row | None) -> Head:
    """Return the end of a log whose last event this is."""
    return Head(0, 0) if last is None else Head(last.position, last.recorded_at)


def to_datetime(microseconds: int) -> datetime:
    """Return an aware UTC time from microseconds since 1970-01-01T00:00:00Z."""
    return _EPOCH + _MICROSECOND * microseconds


def to_microseconds(moment: datetime) -> int:
    """Return microseconds since 1970-01-01T00:00:00Z, exactly."""
    return (moment - _EPOCH) // _MICROSECOND
