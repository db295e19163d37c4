"""The current version of every entry."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import RecordedEvent
from ledger.projections.database import Db
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
        states: dict[UUID, NewsEntry] = {}
        for event in events:
            state = states.get(event.entry)
            if state is None and event.version > 1:
                state = get(db, event.entry)
            states[event.entry] = evolve(state, event)
        db.executemany(
            "INSERT INTO current VALUES (?, ?) "
            "ON CONFLICT (entry) DO UPDATE SET body = excluded.body",
            [(entry.bytes, _encode(state)) for entry, state in states.items()],
        )


def get(db: Db, entry: UUID) -> NewsEntry | None:
    """Return an entry as it is now, or None."""
    row = db.execute("SELECT body FROM current WHERE entry = ?", (entry.bytes,)).fetchone()
    return _decode(row[0]) if row else None
