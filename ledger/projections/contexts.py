"""Contexts: what each entry touches, and so which entries are related."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET

from ledger.domain.events import EntryCreated, EntryEdited, RecordedEvent
from ledger.projections import current, permalinks
from ledger.projections.projection import Projection
from ledger.projections.records import Related


class Contexts(Projection):
    """Keeps the contexts of the current versions."""

    name = "contexts"
    schema = 1
    ddl = (
        """
        CREATE TABLE contexts (
            context TEXT NOT NULL,
            entry BLOB NOT NULL,
            PRIMARY KEY (context, entry)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX contexts_by_entry ON contexts (entry)",
    )
    tables = {"contexts": "context, entry"}  # noqa: RUF012

    def apply(self, events: Sequence[RecordedEvent], db: sqlite3.Connection) -> None:
        """Replace the contexts of the entries that changed theirs."""
        latest: dict[UUID, tuple[str, ...]] = {}
        for event in events:
            data = event.data
            if isinstance(data, EntryCreated | EntryEdited) and data.contexts is not UNSET:
                latest[event.entry] = data.contexts
        db.executemany(
            "DELETE FROM contexts WHERE entry = ?", [(entry.bytes,) for entry in latest]
        )
        db.executemany(
            "INSERT INTO contexts VALUES (?, ?)",
            [(context, entry.bytes) for entry, names in latest.items() for context in names],
        )


def related(db: sqlite3.Connection, entry: UUID, limit: int) -> tuple[Related, ...]:
    """Return the entries of the same edition that share contexts with this one.

    Most shared contexts first, then the newest path first; paths are compared as text. Entries
    that are retracted or merged are left out.
    """
    this = current.get(db, entry)
    if this is None or limit < 1:
        return ()
    shared: defaultdict[bytes, list[str]] = defaultdict(list)
    for other, context in db.execute(
        "SELECT b.entry, b.context FROM contexts a JOIN contexts b ON b.context = a.context "
        "WHERE a.entry = ? AND b.entry <> a.entry",
        (entry.bytes,),
    ):
        shared[other].append(context)
    ranked = sorted((-len(names), other) for other, names in shared.items())
    found: list[tuple[int, str, Related]] = []
    for rank, other in ranked:
        # Enough of a higher rank: the rest cannot come in any more.
        if len(found) >= limit and rank > found[limit - 1][0]:
            break
        that = current.get(db, UUID(bytes=other))
        path = permalinks.current_path(db, UUID(bytes=other))
        if that is None or path is None or that.edition != this.edition:
            continue
        if that.status == "active":
            names = tuple(sorted(shared[other]))
            found.append((rank, path, Related(that.id, that.headline, path, names)))
    found.sort(key=lambda item: item[1], reverse=True)
    found.sort(key=lambda item: item[0])
    return tuple(item for _, _, item in found[:limit])
