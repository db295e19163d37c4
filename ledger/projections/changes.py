"""The history of every entry: one row a version, from which the Changes list is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from msgspec import UNSET

from ledger.domain.events import EntryCreated, EntryEdited, RecordedEvent
from ledger.domain.values import FIELDS, Basis
from ledger.projections import permalinks
from ledger.projections.projection import Projection
from ledger.projections.records import Change, Label
from ledger.store.log import to_datetime, to_microseconds


class Changes(Projection):
    """Notes each event as a row. `headline` is there only where the event brought one."""

    name = "changes"
    schema = 1
    ddl = (
        """
        CREATE TABLE changes (
            entry BLOB NOT NULL,
            version INTEGER NOT NULL,
            position INTEGER NOT NULL,
            type TEXT NOT NULL,
            published_at INTEGER NOT NULL,
            basis TEXT NOT NULL,
            recorded_at INTEGER NOT NULL,
            actor TEXT NOT NULL,
            reason TEXT,
            minor INTEGER NOT NULL,
            fields TEXT NOT NULL,
            headline TEXT,
            PRIMARY KEY (entry, version)
        ) STRICT, WITHOUT ROWID
        """,
    )
    tables = {  # noqa: RUF012
        "changes": "entry, version, position, type, published_at, basis, recorded_at, actor, "
        "reason, minor, fields, headline"
    }

    def apply(self, events: Sequence[RecordedEvent], db: sqlite3.Connection) -> None:
        """Write one row an event."""
        db.executemany(
            "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    event.entry.bytes,
                    event.version,
                    event.position,
                    type(event.data).__name__,
                    to_microseconds(event.meta.published_at),
                    event.meta.basis,
                    to_microseconds(event.recorded_at),
                    event.meta.actor,
                    event.meta.reason,
                    event.meta.minor,
                    " ".join(fields_set(event)),
                    _headline(event),
                )
                for event in events
            ],
        )


def fields_set(event: RecordedEvent) -> tuple[str, ...]:
    """Return the names of the fields that an event set, in their usual order."""
    data = event.data
    if isinstance(data, EntryEdited):
        return tuple(name for name in FIELDS if getattr(data, name) is not UNSET)
    if isinstance(data, EntryCreated):
        return tuple(name for name in FIELDS if getattr(data, name) not in (None, ()))
    return ()


def _headline(event: RecordedEvent) -> str | None:
    data = event.data
    if isinstance(data, EntryCreated):
        return data.headline
    if isinstance(data, EntryEdited) and data.headline is not UNSET:
        return data.headline
    return None


def history(db: sqlite3.Connection, entry: UUID) -> tuple[Change, ...]:
    """Return an entry's whole history, oldest first; empty where there is no such entry."""
    rows = db.execute(
        "SELECT version, position, type, published_at, basis, recorded_at, actor, reason, minor, "
        "fields, headline FROM changes WHERE entry = ? ORDER BY version",
        (entry.bytes,),
    ).fetchall()
    if not rows:
        return ()
    paths = permalinks.moves(db, entry)
    last_listed = max(row[0] for row in rows if row[10] is not None)
    found: list[Change] = []
    headline = ""
    for (
        version,
        position,
        kind,
        published,
        basis,
        recorded,
        actor,
        reason,
        minor,
        names,
        new,
    ) in rows:
        headline = new if new is not None else headline
        label: Label = "Update"
        if version == last_listed:
            label = "Current version"
        elif version == 1:
            label = "First version"
        found.append(
            Change(
                version=version,
                label=label,
                listed=new is not None,
                headline=headline,
                path=permalinks.path_at(paths, version),
                published_at=to_datetime(published),
                basis=cast("Basis", basis),
                recorded_at=to_datetime(recorded),
                position=position,
                type=kind,
                actor=actor,
                reason=reason,
                minor=bool(minor),
                fields=tuple(names.split()),
            )
        )
    return tuple(found)
