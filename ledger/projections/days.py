"""Days: how each entry was filed (its edition, day, topic and status), and from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import UNSET

from ledger.domain.editions import EDITIONS
from ledger.domain.events import (
    EntryCreated,
    EntryEdited,
    EntryMerged,
    EntryReinstated,
    EntryRetracted,
    EventData,
    RecordedEvent,
)
from ledger.domain.values import Status
from ledger.projections.database import Db, select_among
from ledger.projections.moments import NOW, Moment, held
from ledger.projections.projection import Projection, known_before


class Filed(NamedTuple):
    """How an entry is filed."""

    edition: str
    day: str
    topic: str | None
    status: Status = "active"


class Days(Projection):
    """Files each entry, anew whenever that changes."""

    name = "days"
    schema = 1
    ddl = (
        """
        CREATE TABLE days (
            entry BLOB NOT NULL,
            since INTEGER NOT NULL,
            until INTEGER,
            first INTEGER NOT NULL,
            edition TEXT NOT NULL,
            day TEXT NOT NULL,
            topic TEXT,
            status TEXT NOT NULL,
            PRIMARY KEY (entry, since)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX days_in_order ON days (edition, day, first)",
        "CREATE INDEX days_by_day ON days (day)",
        "CREATE INDEX days_by_topic ON days (topic)",
    )
    # A topic may be longer than an ordered index takes.
    postgres_ddl = (*ddl[:-1], "CREATE INDEX days_by_topic ON days USING hash (topic)")
    tables = {"days": "entry, since, until, first, edition, day, topic, status"}

    def apply(self, events: Sequence[RecordedEvent], db: Db) -> None:
        """File new entries, and file anew those that moved."""
        filing = [(event, said) for event in events if (said := _said(event.data))]
        rows = select_among(
            db,
            "SELECT entry, since, first, edition, day, topic, status FROM days "
            "WHERE until IS NULL AND entry IN (?) ORDER BY since",
            known_before([event for event, _ in filing]),
        )
        stays = {entry: (since, first, Filed(*filed)) for entry, since, first, *filed in rows}
        begun: list[tuple[Any, ...]] = []
        ended: list[tuple[int, bytes, int]] = []
        for event, said in filing:
            entry = event.entry.bytes
            if isinstance(event.data, EntryCreated):
                first, filed = event.position, Filed(**said)
            else:
                since, first, before = stays[entry]
                filed = before._replace(**said)
                if filed == before:
                    continue
                ended.append((event.version, entry, since))
            stays[entry] = (event.version, first, filed)
            begun.append((entry, event.version, None, first, *filed))
        db.executemany("INSERT INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?)", begun)
        db.executemany("UPDATE days SET until = ? WHERE entry = ? AND since = ?", ended)


def _said(data: EventData) -> dict[str, Any]:
    """Return what an event says of how its entry is filed."""
    match data:
        case EntryRetracted():
            return {"status": "retracted"}
        case EntryMerged():
            return {"status": "merged"}
        case EntryReinstated():
            return {"status": "active"}
        case EntryCreated() | EntryEdited():
            day = UNSET if data.date is UNSET else data.date.isoformat()
            said = {"edition": data.edition, "day": day, "topic": data.topic}
            return {name: value for name, value in said.items() if value is not UNSET}
    return {}


def find(
    db: Db,
    moment: Moment = NOW,
    *,
    day: date | None = None,
    topic: str | None = None,
    context: str | None = None,
    status: Status | None = None,
) -> list[UUID]:
    """Return the entries that matched everything given at a moment, by day, then by id."""
    conditions = {
        "day": "days.day = :day",
        "topic": "days.topic = :topic",
        "status": "days.status = :status",
        "context": "EXISTS (SELECT 1 FROM contexts WHERE context = :context "
        f"AND contexts.entry = days.entry AND {held('contexts', moment)})",
    }
    values = {
        "day": None if day is None else day.isoformat(),
        "topic": topic,
        "status": status,
        "context": context,
    }
    given = {name: value for name, value in values.items() if value is not None}
    where = " AND ".join([*(conditions[name] for name in given), held("days", moment)])
    rows = db.execute(
        f"SELECT entry FROM days WHERE {where} ORDER BY day, entry",
        given | moment.parameters,
    )
    return [UUID(bytes=entry) for (entry,) in rows]


def editions_at(db: Db, moment: Moment = NOW) -> list[str]:
    """Return the editions that had entries at a moment."""
    return [
        code
        for code in EDITIONS
        if db.execute(
            f"SELECT 1 FROM days WHERE edition = :edition AND {held('days', moment)} LIMIT 1",
            {"edition": code, **moment.parameters},
        ).fetchone()
    ]


def entries_of(db: Db, edition: str, day: date, moment: Moment = NOW) -> tuple[UUID, ...]:
    """Return the entries that a day of an edition had, in the order the ledger learned of them."""
    rows = db.execute(
        "SELECT entry FROM days WHERE edition = :edition AND day = :day "
        f"AND {held('days', moment)} ORDER BY first",
        {"edition": edition, "day": day.isoformat(), **moment.parameters},
    )
    return tuple(UUID(bytes=entry) for (entry,) in rows)


def neighbours(
    db: Db, edition: str, day: date, moment: Moment = NOW
) -> tuple[date | None, date | None]:
    """Return the last day before and the first day after that had entries."""

    def nearest(side: str, order: str) -> date | None:
        row = db.execute(
            f"SELECT day FROM days WHERE edition = :edition AND day {side} :day "
            f"AND {held('days', moment)} ORDER BY day {order} LIMIT 1",
            {"edition": edition, "day": day.isoformat(), **moment.parameters},
        ).fetchone()
        return None if row is None else date.fromisoformat(row[0])

    return nearest("<", "DESC"), nearest(">", "ASC")
