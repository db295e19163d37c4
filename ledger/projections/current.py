"""The current version of every entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import EVENT_TYPES, Erasure, EventData, Meta, RecordedEvent
from ledger.projections.database import Db, select_among
from ledger.projections.moments import Moment, version_of
from ledger.projections.projection import Projection, known_before

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(NewsEntry).decode


class Current(Projection):
    """Folds each event into its entry, and keeps the last one beside it.

    So whoever reads a current version need not ask the log who made it.
    """

    name = "current"
    schema = 3
    ddl = (
        """
        CREATE TABLE current (
            entry BLOB PRIMARY KEY,
            body BLOB NOT NULL,
            type TEXT NOT NULL,
            event BLOB NOT NULL
        ) STRICT
        """,
    )
    tables = {"current": "entry, body, type, event"}

    def apply(self, events: Sequence[RecordedEvent], db: Db) -> None:
        """Fold `events` into the rows of their entries."""
        rows = select_among(
            db, "SELECT body FROM current WHERE entry IN (?)", known_before(events)
        )
        states = {state.id.int: state for (body,) in rows for state in [_decode(body)]}
        last: dict[int, RecordedEvent] = {}
        for event in events:
            entry = event.entry.int
            states[entry] = evolve(states.get(entry), event)
            last[entry] = event
        db.executemany(
            "INSERT INTO current (entry, body, type, event) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (entry) DO UPDATE "
            "SET body = excluded.body, type = excluded.type, event = excluded.event",
            [
                (
                    event.entry.bytes,
                    _encode(states[entry]),
                    type(event.data).__name__,
                    _encode(
                        (event.meta, event.data, event.position, event.recorded_at, event.erased)
                    ),
                )
                for entry, event in last.items()
            ],
        )


Data = TypeVar("Data", bound=EventData)


class _Event(msgspec.Struct, Generic[Data], array_like=True):
    """An event as it lies beside the version that it made."""

    meta: Meta
    data: Data
    position: int
    recorded_at: datetime
    erased: Erasure | None


@cache
def _decoder(type_: str) -> Callable[[bytes], _Event[Any]]:
    return msgspec.msgpack.Decoder(_Event[EVENT_TYPES[type_]]).decode  # type: ignore[valid-type]


_SHOWN = (
    "body, type, event, (SELECT path FROM permalinks AS now WHERE now.entry = current.entry "
    "ORDER BY version DESC LIMIT 1)"
)
BY_ID = f"SELECT {_SHOWN} FROM current WHERE entry = ?"
"""What `shown` takes, of an entry."""

AT_PATH = (
    f"SELECT {_SHOWN}, edition "
    "FROM permalinks JOIN current ON current.entry = permalinks.entry WHERE permalinks.path = ?"
)
"""The same of the entries that have, or had, a path, with the edition that they had it in."""


def at(entry: UUID, moment: Moment) -> tuple[str, dict[str, object]]:
    """Return the query of the same of an entry, with the version that it had at a moment.

    Its parameters come with it.
    """
    query = f"SELECT {_SHOWN}, {version_of(':entry', moment)} FROM current WHERE entry = :entry"
    return query, {"entry": entry.bytes, **moment.parameters}


def shown(body: bytes, type_: str, event: bytes) -> tuple[NewsEntry, RecordedEvent]:
    """Return a current version and the event that made it, from what the view has of them."""
    state = _decode(body)
    made = _decoder(type_)(event)
    return state, RecordedEvent(
        state.id, state.version, made.meta, made.data, made.position, made.recorded_at, made.erased
    )


def get(db: Db, entry: UUID) -> NewsEntry | None:
    """Return an entry as it is now, or None."""
    row = db.execute("SELECT body FROM current WHERE entry = ?", (entry.bytes,)).fetchone()
    return _decode(row[0]) if row else None
