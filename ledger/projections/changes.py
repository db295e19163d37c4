"""The history of every entry: one row a version, from which the Changes list is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from msgspec import UNSET

from ledger.domain.events import EntryCreated, EntryEdited, RecordedEvent, fields_set
from ledger.domain.values import Basis
from ledger.projections import permalinks
from ledger.projections.database import Db, select_among
from ledger.projections.moments import NOW, Moment
from ledger.projections.projection import Projection
from ledger.projections.records import Change
from ledger.store.rows import to_datetime, to_microseconds


class Changes(Projection):
    """Notes each event as a row.

    `headline` is there only where the event brought one; `public_at` is the running maximum of
    the publication times within the entry.
    """

    name = "changes"
    schema = 3
    ddl = (
        """
        CREATE TABLE changes (
            entry BLOB NOT NULL,
            version INTEGER NOT NULL,
            position INTEGER NOT NULL,
            type TEXT NOT NULL,
            published_at INTEGER NOT NULL,
            public_at INTEGER NOT NULL,
            basis TEXT NOT NULL,
            recorded_at INTEGER NOT NULL,
            actor TEXT NOT NULL,
            reason TEXT,
            minor INTEGER NOT NULL,
            fields TEXT NOT NULL,
            headline TEXT,
            erased INTEGER,
            PRIMARY KEY (entry, version)
        ) STRICT, WITHOUT ROWID
        """,
    )
    tables = {
        "changes": "entry, version, position, type, published_at, public_at, basis, recorded_at, "
        "actor, reason, minor, fields, headline, erased"
    }

    def apply(self, events: Sequence[RecordedEvent], db: Db) -> None:
        """Write one row an event."""
        public: dict[bytes, int] = dict(
            select_among(
                db,
                "SELECT entry, max(public_at) FROM changes WHERE entry IN (?) GROUP BY entry",
                {event.entry.bytes for event in events if event.version > 1},
            )
        )
        rows = []
        for event in events:
            entry = event.entry.bytes
            published_at = to_microseconds(event.meta.published_at)
            public[entry] = max(published_at, public.get(entry, published_at))
            rows.append(
                (
                    entry,
                    event.version,
                    event.position,
                    type(event.data).__name__,
                    published_at,
                    public[entry],
                    event.meta.basis,
                    to_microseconds(event.recorded_at),
                    event.meta.actor,
                    event.meta.reason,
                    event.meta.minor,
                    " ".join(fields_set(event)),
                    _headline(event),
                    None if event.erased is None else event.erased.position,
                )
            )
        db.executemany(
            "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )


def _headline(event: RecordedEvent) -> str | None:
    data = event.data
    if isinstance(data, EntryCreated):
        return data.headline
    if isinstance(data, EntryEdited) and data.headline is not UNSET:
        return data.headline
    return None


def version_at(db: Db, entry: UUID, moment: Moment) -> int | None:
    """Return the version that an entry had at a moment, or None where it was not there."""
    found: tuple[int | None] = db.execute(
        "SELECT max(version) FROM changes "
        "WHERE entry = :entry AND position <= :position AND public_at <= :public_at",
        {"entry": entry.bytes, **moment.parameters},
    ).fetchone()
    return found[0]


def history(db: Db, entry: UUID, moment: Moment = NOW) -> tuple[Change, ...]:
    """Return an entry's history up to a moment, oldest first; empty where it was not there."""
    rows = db.execute(
        "SELECT version, position, type, published_at, basis, recorded_at, actor, reason, minor, "
        "fields, headline, erased FROM changes WHERE entry = :entry "
        "AND position <= :position AND public_at <= :public_at ORDER BY version",
        {"entry": entry.bytes, **moment.parameters},
    ).fetchall()
    if not rows:
        return ()
    paths = permalinks.moves(db, entry)
    found: list[Change] = []
    headline = ""
    for row in rows:
        version, position, kind, published, basis, recorded, actor, reason, minor, names, *rest = (
            row
        )
        new, erased = rest
        headline = new if new is not None else headline
        found.append(
            Change(
                version=version,
                label="First version" if version == 1 else "Update",
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
                erased=erased,
            )
        )
    return tuple(found)
