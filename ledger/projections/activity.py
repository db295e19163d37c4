"""Activity: who edits what and when, what flips back, and which headlines changed in silence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Literal, cast
from uuid import UUID

import msgspec
from msgspec import UNSET

from ledger.domain.events import (
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    RecordedEvent,
    edited,
)
from ledger.domain.values import FIELDS, Basis
from ledger.projections.database import Db, select_among
from ledger.projections.projection import Projection
from ledger.store.rows import to_datetime, to_microseconds

By = Literal["day", "actor", "field", "entry"]

# A slug follows its headline, and a layout is not seen: what flips back is what readers see.
_FLIPPING = tuple(field for field in FIELDS if field not in {"slug", "layout"})

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, tuple[bytes, bytes | None]]).decode


class Count(msgspec.Struct, frozen=True):
    """How many edits there were.

    Attributes:
        of: A day (UTC, of publication), an actor, a field, or an entry's id.
        edits: The edits; a creation, a retraction or a correction is none.
        minor: How many of them were called minor.
    """

    of: str
    edits: int
    minor: int


class Flip(msgspec.Struct, frozen=True, kw_only=True):
    """An edit by which a field went back to what it had said before the last change (A-B-A)."""

    entry: UUID
    version: int
    field: str
    actor: str
    published_at: datetime


class SilentEdit(msgspec.Struct, frozen=True, kw_only=True):
    """A headline that changed, with no correction published on the entry since.

    Attributes:
        entry: Whose.
        version: The version that changed it.
        actor: Who did, as claimed.
        published_at: When, as stated; aware, UTC.
        basis: How that time is known.
        minor: Whether the actor called it minor.
        old: The headline before.
        new: The headline after.
    """

    entry: UUID
    version: int
    actor: str
    published_at: datetime
    basis: Basis
    minor: bool
    old: str
    new: str


class Activity(Projection):
    """Counts edits, and compares the values of each field with the two before."""

    name = "activity"
    schema = 2
    ddl = (
        """
        CREATE TABLE edits (
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            edits INTEGER NOT NULL,
            minor INTEGER NOT NULL,
            PRIMARY KEY (kind, key)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE last_values (
            entry BLOB PRIMARY KEY,
            headline TEXT NOT NULL,
            digests BLOB NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE flips (
            entry BLOB NOT NULL,
            version INTEGER NOT NULL,
            field TEXT NOT NULL,
            position INTEGER NOT NULL,
            actor TEXT NOT NULL,
            published_at INTEGER NOT NULL,
            PRIMARY KEY (entry, version, field)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE silent_edits (
            entry BLOB NOT NULL,
            version INTEGER NOT NULL,
            position INTEGER NOT NULL,
            actor TEXT NOT NULL,
            published_at INTEGER NOT NULL,
            basis TEXT NOT NULL,
            minor INTEGER NOT NULL,
            old TEXT NOT NULL,
            new TEXT NOT NULL,
            PRIMARY KEY (entry, version)
        ) STRICT, WITHOUT ROWID
        """,
    )
    # An actor's name may be longer than an ordered index takes.
    postgres_ddl = (
        """
        CREATE TABLE edits (
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            edits INTEGER NOT NULL,
            minor INTEGER NOT NULL
        )
        """,
        "CREATE INDEX edits_by_key ON edits USING hash (key)",
        *ddl[1:],
    )
    tables = {
        "edits": "kind, key, edits, minor",
        "last_values": "entry, headline, digests",
        "flips": "entry, version, field, position, actor, published_at",
        "silent_edits": "entry, version, position, actor, published_at, basis, minor, old, new",
    }

    def apply(self, events: Sequence[RecordedEvent], db: Db) -> None:
        """Count each edit, and compare what it says."""
        _count(events, db)
        _compare(events, db)


def _count(events: Sequence[RecordedEvent], db: Db) -> None:
    keys: list[tuple[str, str]] = []
    minor_ones: list[tuple[str, str]] = []
    for event in events:
        if isinstance(event.data, EntryEdited):
            counted = _keys(event, event.data)
            keys += counted
            if event.meta.minor:
                minor_ones += counted
    edits, minor = Counter(keys), Counter(minor_ones)
    rows = select_among(
        db,
        "SELECT kind, key FROM edits "
        "WHERE kind IN ('day', 'actor', 'entry', 'field') AND key IN (?)",
        {key for _, key in edits},
    )
    known = set(rows)
    db.executemany(
        "INSERT INTO edits VALUES (?, ?, ?, ?)",
        [(*key, number, minor[key]) for key, number in edits.items() if key not in known],
    )
    db.executemany(
        "UPDATE edits SET edits = edits + ?, minor = minor + ? WHERE kind = ? AND key = ?",
        [(number, minor[key], *key) for key, number in edits.items() if key in known],
    )


def _keys(event: RecordedEvent, data: EntryEdited) -> list[tuple[str, str]]:
    """Return what an edit counts for: a kind and what it is of, each."""
    return [
        ("day", event.meta.published_at.date().isoformat()),
        ("actor", event.meta.actor),
        ("entry", str(event.entry)),
        *[("field", field) for field in edited(data)],
    ]


def _compare(events: Sequence[RecordedEvent], db: Db) -> None:
    rows = select_among(
        db,
        "SELECT entry, headline, digests FROM last_values WHERE entry IN (?)",
        {event.entry.bytes for event in events if isinstance(event.data, EntryEdited)},
    )
    last = {entry: (headline, _decode(digests)) for entry, headline, digests in rows}
    created, corrected, flipped = [], [], []
    silent: defaultdict[bytes, list[tuple[object, ...]]] = defaultdict(list)
    for event in events:
        entry, data, meta = event.entry.bytes, event.data, event.meta
        if isinstance(data, CorrectionPublished):
            corrected.append((entry,))
            silent.pop(entry, None)
        elif isinstance(data, EntryCreated):
            created.append(entry)
            last[entry] = (
                data.headline,
                {field: (_seen(event, field, getattr(data, field)), None) for field in _FLIPPING},
            )
        elif isinstance(data, EntryEdited):
            old, seen = last[entry]
            published_at = to_microseconds(meta.published_at)
            for field, value in edited(data).items():
                if field not in seen:
                    continue
                now, before = seen[field]
                seen[field] = (digest := _seen(event, field, value), now)
                if digest == before:
                    flipped.append(
                        (entry, event.version, field, event.position, meta.actor, published_at)
                    )
            new = old if data.headline is UNSET else data.headline
            if new != old:
                silent[entry].append(
                    (
                        *(entry, event.version, event.position, meta.actor),
                        *(published_at, meta.basis, meta.minor, old, new),
                    )
                )
            last[entry] = (new, seen)
    db.executemany(
        "INSERT INTO last_values VALUES (?, ?, ?)",
        [(entry, last[entry][0], _encode(last[entry][1])) for entry in created],
    )
    db.executemany(
        "INSERT INTO last_values VALUES (?, ?, ?) ON CONFLICT (entry) DO UPDATE SET "
        "headline = excluded.headline, digests = excluded.digests",
        [(entry, last[entry][0], _encode(last[entry][1])) for entry in last.keys() - created],
    )
    db.executemany("INSERT INTO flips VALUES (?, ?, ?, ?, ?, ?)", flipped)
    db.executemany("DELETE FROM silent_edits WHERE entry = ?", corrected)
    db.executemany(
        "INSERT INTO silent_edits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [edit for edits in silent.values() for edit in edits],
    )


def _seen(event: RecordedEvent, field: str, value: object) -> bytes:
    """Return what tells the value that an event gave a field from others."""
    if event.erased is not None and field in event.erased.fields:
        # It is like no other: nobody knows what it was.
        value = event.position
    return sha256(_encode(value)).digest()[:8]


def counts(db: Db, by: By) -> list[Count]:
    """Return the numbers of edits: days in order, all else the most edited first."""
    order = "key" if by == "day" else "edits DESC, key"
    rows = db.execute(
        f"SELECT key, edits, minor FROM edits WHERE kind = ? ORDER BY {order}",
        (by,),
    )
    return [Count(*row) for row in rows]


def flips(db: Db) -> list[Flip]:
    """Return the edits by which a field flipped back, in the order they were recorded."""
    rows = db.execute(
        "SELECT entry, version, field, actor, published_at FROM flips ORDER BY position, field"
    )
    return [
        Flip(
            entry=UUID(bytes=entry),
            version=version,
            field=field,
            actor=actor,
            published_at=to_datetime(published_at),
        )
        for entry, version, field, actor, published_at in rows
    ]


def silent_edits(db: Db) -> list[SilentEdit]:
    """Return the silent edits, in the order they were recorded."""
    rows = db.execute(
        "SELECT entry, version, actor, published_at, basis, minor, old, new FROM silent_edits "
        "ORDER BY position"
    )
    return [
        SilentEdit(
            entry=UUID(bytes=entry),
            version=version,
            actor=actor,
            published_at=to_datetime(published_at),
            basis=cast("Basis", basis),
            minor=bool(minor),
            old=old,
            new=new,
        )
        for entry, version, actor, published_at, basis, minor, old, new in rows
    ]
