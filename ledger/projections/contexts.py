"""Contexts: what each entry touches, from when to when, and so which entries are related."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET

from ledger.domain.events import EntryCreated, EntryEdited, RecordedEvent
from ledger.projections import changes, permalinks
from ledger.projections.moments import NOW, Moment, held
from ledger.projections.projection import Projection
from ledger.projections.records import Related


class Contexts(Projection):
    """Keeps the contexts of each entry, with the versions in which it has them."""

    name = "contexts"
    schema = 2
    ddl = (
        """
        CREATE TABLE contexts (
            context TEXT NOT NULL,
            entry BLOB NOT NULL,
            since INTEGER NOT NULL,
            until INTEGER,
            PRIMARY KEY (context, entry, since)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX contexts_by_entry ON contexts (entry)",
    )
    tables = {"contexts": "context, entry, since, until"}

    def apply(self, events: Sequence[RecordedEvent], db: sqlite3.Connection) -> None:
        """Begin and end the contexts of the entries that changed theirs."""
        for event in events:
            data = event.data
            if not isinstance(data, EntryCreated | EntryEdited) or data.contexts is UNSET:
                continue
            entry, version = event.entry.bytes, event.version
            before: set[str] = set()
            if version > 1:
                rows = db.execute(
                    "SELECT context FROM contexts WHERE entry = ? AND until IS NULL", (entry,)
                )
                before = {context for (context,) in rows}
            after = set(data.contexts)
            db.executemany(
                "UPDATE contexts SET until = ? WHERE context = ? AND entry = ? AND until IS NULL",
                [(version, context, entry) for context in before - after],
            )
            db.executemany(
                "INSERT INTO contexts VALUES (?, ?, ?, NULL)",
                [(context, entry, version) for context in after - before],
            )


def related(
    db: sqlite3.Connection, entry: UUID, limit: int, moment: Moment = NOW
) -> tuple[Related, ...]:
    """Return the entries of the same edition that shared contexts with this one at a moment.

    Most shared contexts first, then the newest path first; paths are compared as text. Entries
    that were retracted or merged are left out.
    """
    edition = _filed(db, entry, moment)[0]
    shared: defaultdict[bytes, list[str]] = defaultdict(list)
    for other, context in db.execute(
        "SELECT theirs.entry, theirs.context FROM contexts mine "
        "JOIN contexts theirs ON theirs.context = mine.context AND theirs.entry <> mine.entry "
        f"WHERE mine.entry = :entry AND {held('mine', moment)} AND {held('theirs', moment)}",
        {"entry": entry.bytes, **moment.parameters},
    ):
        shared[other].append(context)
    ranked = sorted((-len(names), other) for other, names in shared.items())
    found: list[tuple[int, str, UUID]] = []
    for rank, other in ranked if limit > 0 else ():
        # Enough of a higher rank: the rest cannot come in any more.
        if len(found) >= limit and rank > found[limit - 1][0]:
            break
        that = UUID(bytes=other)
        if _filed(db, that, moment) == (edition, "active"):
            found.append((rank, _path(db, that, moment), that))
    found.sort(key=lambda item: item[1], reverse=True)
    found.sort(key=lambda item: item[0])
    return tuple(
        Related(that, _headline(db, that, moment), path, tuple(sorted(shared[that.bytes])))
        for _, path, that in found[:limit]
    )


def _filed(db: sqlite3.Connection, entry: UUID, moment: Moment) -> tuple[str, str]:
    row: tuple[str, str] | None = db.execute(
        f"SELECT edition, status FROM days WHERE entry = :entry AND {held('days', moment)}",
        {"entry": entry.bytes, **moment.parameters},
    ).fetchone()
    return row or ("", "")


def _path(db: sqlite3.Connection, entry: UUID, moment: Moment) -> str:
    return permalinks.path_of_version(db, entry, changes.version_at(db, entry, moment) or 0)


def _headline(db: sqlite3.Connection, entry: UUID, moment: Moment) -> str:
    (headline,) = db.execute(
        "SELECT headline FROM changes WHERE entry = :entry AND headline IS NOT NULL "
        "AND position <= :position AND public_at <= :public_at ORDER BY version DESC LIMIT 1",
        {"entry": entry.bytes, **moment.parameters},
    ).fetchone()
    return str(headline)


def counts(db: sqlite3.Connection, moment: Moment = NOW) -> list[tuple[str, int]]:
    """Return each context with its number of entries at a moment, the most touched first."""
    return db.execute(
        "SELECT context, count(*) FROM contexts "
        f"WHERE {held('contexts', moment)} GROUP BY context ORDER BY count(*) DESC, context",
        moment.parameters,
    ).fetchall()
