"""The current version of every entry."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

import msgspec

from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import RecordedEvent
from ledger.projections.projection import Projection

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(NewsEntry).decode


class Current(Projection):
    """Folds each event into its entry."""

    name = "current"
    schema = 1
    ddl = (
        """
        CREATE TABLE current (
            entry BLOB PRIMARY KEY,
            status TEXT NOT NULL,
            day TEXT NOT NULL,
            topic TEXT,
            body BLOB NOT NULL
        ) STRICT
        """,
        "CREATE INDEX current_by_day ON current (day)",
        "CREATE INDEX current_by_topic ON current (topic)",
    )
    tables = {"current": "entry, status, day, topic, body"}  # noqa: RUF012

    def apply(self, events: Sequence[RecordedEvent], db: sqlite3.Connection) -> None:
        """Fold `events` into the rows of their entries."""
        states: dict[UUID, NewsEntry] = {}
        for event in events:
            state = states.get(event.entry)
            if state is None and event.version > 1:
                state = get(db, event.entry)
            states[event.entry] = evolve(state, event)
        db.executemany(
            "INSERT OR REPLACE INTO current VALUES (?, ?, ?, ?, ?)",
            [
                (entry.bytes, state.status, state.date.isoformat(), state.topic, _encode(state))
                for entry, state in states.items()
            ],
        )


def get(db: sqlite3.Connection, entry: UUID) -> NewsEntry | None:
    """Return an entry as it is now, or None."""
    row = db.execute("SELECT body FROM current WHERE entry = ?", (entry.bytes,)).fetchone()
    return _decode(row[0]) if row else None


def find(
    db: sqlite3.Connection,
    *,
    day: date | None = None,
    topic: str | None = None,
    context: str | None = None,
    status: str | None = None,
) -> Iterator[NewsEntry]:
    """Yield the current entries that match everything given, by date, then by id."""
    conditions = {
        "day = ?": None if day is None else day.isoformat(),
        "topic = ?": topic,
        "status = ?": status,
        "entry IN (SELECT entry FROM contexts WHERE context = ?)": context,
    }
    given = {sql: value for sql, value in conditions.items() if value is not None}
    where = " AND ".join(given) or "TRUE"
    rows = db.execute(
        f"SELECT body FROM current WHERE {where} ORDER BY day, entry",  # noqa: S608
        tuple(given.values()),
    )
    for (body,) in rows:
        yield _decode(body)
