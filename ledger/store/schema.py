"""The schema of a SQLite log: its tables, the triggers that guard them, and its upgrades."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ledger.errors import NotALedger, StoreTooNew
from ledger.store.log import Integrity

APPLICATION_ID = 0x6C656467
"""Marks a SQLite file as ours ("ledg")."""

# One script a schema version: script n leads from schema n to n + 1. A released script is never
# changed. The database itself refuses what must never happen. REPLACE passes the triggers on
# UPDATE and DELETE, so the insert trigger lets an entry's versions only go on, from 1 (or from 0,
# as some users of the library have it).
MIGRATIONS: list[tuple[str, ...]] = [
    (
        """
        CREATE TABLE ledger (
            id TEXT NOT NULL,
            origin TEXT NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE events (
            position INTEGER PRIMARY KEY,
            entry BLOB NOT NULL CHECK (length(entry) = 16),
            version INTEGER NOT NULL,
            type TEXT NOT NULL,
            recorded_at INTEGER NOT NULL,
            meta BLOB NOT NULL,
            content BLOB NOT NULL,
            UNIQUE (entry, version)
        ) STRICT
        """,
        """
        CREATE TRIGGER events_are_appended BEFORE INSERT ON events
        WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM events)
            OR NEW.recorded_at <
                (SELECT recorded_at FROM events WHERE position = NEW.position - 1)
            OR NEW.version IS NOT coalesce(
                (SELECT max(version) + 1 FROM events WHERE entry = NEW.entry),
                CASE WHEN NEW.version IN (0, 1) THEN NEW.version END
            )
        BEGIN
            SELECT RAISE(ABORT, 'ledger: events are only appended, each once and in turn');
        END
        """,
        """
        CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
        BEGIN
            SELECT RAISE(ABORT, 'ledger: events are never changed');
        END
        """,
        """
        CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
        BEGIN
            SELECT RAISE(ABORT, 'ledger: events are never deleted');
        END
        """,
        """
        CREATE TRIGGER identity_is_never_changed BEFORE UPDATE ON ledger
        BEGIN
            SELECT RAISE(ABORT, 'ledger: the identity is never changed');
        END
        """,
        """
        CREATE TRIGGER identity_is_never_deleted BEFORE DELETE ON ledger
        BEGIN
            SELECT RAISE(ABORT, 'ledger: the identity is never deleted');
        END
        """,
        """
        CREATE TRIGGER identity_is_single BEFORE INSERT ON ledger
        WHEN EXISTS (SELECT 1 FROM ledger)
        BEGIN
            SELECT RAISE(ABORT, 'ledger: there is one identity');
        END
        """,
    ),
    (
        # The one exception: content may go where an `EntryErased` of the same entry names it.
        "DROP TRIGGER events_are_never_changed",
        """
        CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
        WHEN NEW.position IS NOT OLD.position
            OR NEW.entry IS NOT OLD.entry
            OR NEW.version IS NOT OLD.version
            OR NEW.type IS NOT OLD.type
            OR NEW.recorded_at IS NOT OLD.recorded_at
            OR NEW.meta IS NOT OLD.meta AND NOT (NEW.meta = x'' AND EXISTS (
                SELECT 1 FROM events
                WHERE entry = OLD.entry AND version > OLD.version AND type GLOB 'EntryErased@*'
                    AND instr(content, CAST('@' || OLD.position || ' meta ' AS BLOB))
            ))
            OR NEW.content IS NOT OLD.content AND NOT (NEW.content = x'' AND EXISTS (
                SELECT 1 FROM events
                WHERE entry = OLD.entry AND version > OLD.version AND type GLOB 'EntryErased@*'
                    AND instr(content, CAST('@' || OLD.position || ' content ' AS BLOB))
            ))
        BEGIN
            SELECT RAISE(ABORT, 'ledger: events are never changed');
        END
        """,
        "CREATE INDEX erasures ON events (position) WHERE type GLOB 'EntryErased@*'",
    ),
    (
        # A row while the ledger is a copy of another, which takes no events of its own.
        "CREATE TABLE copy (since INTEGER NOT NULL) STRICT",
    ),
    (
        # Up to which position it was last held against its source.
        "ALTER TABLE copy ADD COLUMN confirmed INTEGER NOT NULL DEFAULT 0",
    ),
]


def schema_version() -> int:
    """Return the log schema that this program works with."""
    return len(MIGRATIONS)


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """Return the schema of the log in a file.

    Raises:
        NotALedger: It is somebody else's database.
        StoreTooNew: The schema is newer than the program's.
    """
    # Asked again: somebody else may have made something of the file since it was looked at.
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise NotALedger(f"{path} is no ledger but another database; nothing was touched")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > schema_version():
        raise StoreTooNew(
            f"{path} has log schema {version}, this program knows {schema_version()}: "
            "use a newer program"
        )
    return version


def integrity(connection: sqlite3.Connection) -> Integrity:
    """Return what is wrong with a log's tables, indexes and triggers.

    An index decides what is read of an entry, and a view or a trigger could decide anything; no
    proof covers them. So each has to be the one that this program makes, and SQLite compares the
    indexes with the tables row by row.
    """
    with closing(sqlite3.connect(":memory:")) as sound:
        migrate(sound, 0)
        should = _objects(sound)
    have = _objects(connection)
    wrong = [
        f"the {kind} {name} of the database is not the ledger's own"
        for (kind, name), sql in have.items()
        if should.get((kind, name)) != sql
    ]
    missing = [
        f"the {kind} {name} of the ledger's own is missing from the database"
        for kind, name in should.keys() - have.keys()
    ]
    if not wrong:
        wrong += [
            f"the database says of itself: {line}"
            for (line,) in connection.execute("PRAGMA integrity_check")
            if line != "ok"
        ]
    return Integrity(wrong, sorted(missing))


def _objects(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """Return what was made in a database: kind and name to the statement that made it."""
    rows = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_schema")
    return {(kind, name): " ".join(sql.split()) for kind, name, sql in rows}


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a log from a schema to the program's."""
    for script in MIGRATIONS[version:]:
        for statement in script:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {schema_version()}")
