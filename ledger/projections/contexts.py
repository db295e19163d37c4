"""Contexts: what each entry touches, from when to when, and so which entries are related."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET

from ledger.domain.events import EntryCreated, EntryEdited, RecordedEvent
from ledger.projections.database import Db, select_among
from ledger.projections.moments import NOW, Moment, held, version_of
from ledger.projections.projection import Projection, known_before
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
    # A context's name may be longer than an ordered index takes.
    postgres_ddl = (
        """
        CREATE TABLE contexts (
            context TEXT NOT NULL,
            entry BLOB NOT NULL,
            since INTEGER NOT NULL,
            until INTEGER
        )
        """,
        ddl[1],
        "CREATE INDEX contexts_by_name ON contexts USING hash (context)",
    )
    tables = {"contexts": "context, entry, since, until"}

    def apply(self, events: Sequence[RecordedEvent], db: Db) -> None:
        """Begin and end the contexts of the entries that changed theirs."""
        touching = [
            (event, set(event.data.contexts))
            for event in events
            if isinstance(event.data, EntryCreated | EntryEdited)
            and event.data.contexts is not UNSET
        ]
        rows = select_among(
            db,
            "SELECT entry, context, since FROM contexts WHERE until IS NULL AND entry IN (?)",
            known_before([event for event, _ in touching]),
        )
        stays: defaultdict[bytes, dict[str, int]] = defaultdict(dict)
        for entry, context, since in rows:
            stays[entry][context] = since
        begun: list[tuple[str, bytes, int, None]] = []
        ended: list[tuple[int, str, bytes, int]] = []
        for event, after in touching:
            entry, version = event.entry.bytes, event.version
            before = stays[entry]
            left, come = before.keys() - after, after - before.keys()
            ended += [(version, context, entry, before.pop(context)) for context in left]
            begun += [(context, entry, version, None) for context in come]
            before.update(dict.fromkeys(come, version))
        db.executemany("INSERT INTO contexts VALUES (?, ?, ?, ?)", begun)
        db.executemany(
            "UPDATE contexts SET until = ? WHERE context = ? AND entry = ? AND since = ?", ended
        )


def related(db: Db, entry: UUID, limit: int, moment: Moment = NOW) -> tuple[Related, ...]:
    """Return the entries of the same edition that shared contexts with this one at a moment.

    Most shared contexts first, then the newest path first; paths are compared as text. Entries
    that were retracted or merged are left out.
    """
    rows = db.execute(
        f"""
        WITH shared AS (
            SELECT
                theirs.entry,
                count(*) AS number,
                {version_of("theirs.entry", moment)} AS version
            FROM contexts mine
            JOIN contexts theirs
                ON theirs.context = mine.context AND theirs.entry <> mine.entry
            WHERE mine.entry = :entry AND {held("mine", moment)} AND {held("theirs", moment)}
            GROUP BY theirs.entry
        )
        SELECT shared.entry, (
            SELECT path FROM permalinks
            WHERE entry = shared.entry AND version <= shared.version
            ORDER BY version DESC LIMIT 1
        ) AS path, (
            SELECT headline FROM changes
            WHERE entry = shared.entry AND version <= shared.version AND headline IS NOT NULL
            ORDER BY version DESC LIMIT 1
        )
        FROM shared
        JOIN days this ON this.entry = :entry AND {held("this", moment)}
        JOIN days that ON that.entry = shared.entry AND {held("that", moment)}
        WHERE that.edition = this.edition AND that.status = 'active'
        ORDER BY number DESC, path DESC
        LIMIT :limit
        """,
        {"entry": entry.bytes, "limit": max(limit, 0), **moment.parameters},
    ).fetchall()
    mine = _contexts_of(db, entry, moment)
    return tuple(
        Related(
            that := UUID(bytes=other),
            headline,
            path,
            tuple(sorted(mine & _contexts_of(db, that, moment))),
        )
        for other, path, headline in rows
    )


def _contexts_of(db: Db, entry: UUID, moment: Moment) -> set[str]:
    rows = db.execute(
        f"SELECT context FROM contexts WHERE entry = :entry AND {held('contexts', moment)}",
        {"entry": entry.bytes, **moment.parameters},
    )
    return {context for (context,) in rows}


def counts_in(db: Db, edition: str, moment: Moment = NOW) -> list[tuple[str, int]]:
    """Return each context of an edition with its number of entries at a moment, by name."""
    return db.execute(
        "SELECT context, count(*) FROM contexts JOIN days ON days.entry = contexts.entry "
        f"WHERE days.edition = :edition AND {held('contexts', moment)} AND {held('days', moment)} "
        "GROUP BY context ORDER BY context",
        {"edition": edition, **moment.parameters},
    ).fetchall()


def counts(db: Db, moment: Moment = NOW) -> list[tuple[str, int]]:
    """Return each context with its number of entries at a moment, the most touched first."""
    return db.execute(
        "SELECT context, count(*) FROM contexts "
        f"WHERE {held('contexts', moment)} GROUP BY context ORDER BY count(*) DESC, context",
        moment.parameters,
    ).fetchall()
