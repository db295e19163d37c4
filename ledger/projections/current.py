"""The current version of every entry."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import RecordedEvent
from ledger.projections.database import Db, select_among
from ledger.projections.projection import Projection

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(NewsEntry).decode


class Current(Projection):
    """Folds each event into its entry."""

    name = "current"
    schema = 2
    ddl = ("CREATE TABLE current (entry BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT",)
    tables = {"current": "entry, body"}

    def apply(self, events: Sequence[RecordedEvent], db: Db) -> None:
        """Fold `events` into the rows of their entries."""
        rows = select_among(
            db,
            "SELECT entry, body FROM current WHERE entry IN (?)",
            {event.entry.bytes for event in events if event.version > 1},
        )
        states: dict[bytes, NewsEntry] = {entry: _decode(body) for entry, body in rows}
        for event in events:
            entry = event.entry.bytes
            states[entry] = evolve(states.get(entry), event)
        db.executemany(
            "INSERT INTO current (entry, body) VALUES (?, ?) "
            "ON CONFLICT (entry) DO UPDATE SET body = excluded.body",
            [(entry, _encode(state)) for entry, state in states.items()],
        )


def get(db: Db, entry: UUID) -> NewsEntry | None:
    """Return an entry as it is now, or None."""
    row = db.execute("SELECT body FROM current WHERE entry = ?", (entry.bytes,)).fetchone()
    return _decode(row[0]) if row else None
