"""What is wrong with the database itself: its tables, their indexes, the log's guards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger.store.log import Integrity
from tests.store.recorders import Make, store

GUARDS = [
    "events_are_appended",
    "events_are_never_changed",
    "events_are_never_deleted",
    "identity_is_never_changed",
    "identity_is_never_deleted",
    "identity_is_single",
]


def found(path: Path, make: Make, *statements: str) -> Integrity:
    """Do to a log of three events what nobody should, and return what is told of it."""
    store(path)
    for statement in statements:
        # A new connection each: none goes on with a schema that it has read before.
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA writable_schema = ON")
            db.execute(statement)
    return make().integrity()


def foreign(what: str) -> Integrity:
    return Integrity([f"the {what} of the database is not the ledger's own"], [])


def test_a_sound_log_has_nothing_wrong(path: Path, make: Make) -> None:
    assert found(path, make) == Integrity([], [])


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_that_is_missing_is_told(path: Path, make: Make, name: str) -> None:
    message = f"the trigger {name} of the ledger's own is missing from the database"
    assert found(path, make, f"DROP TRIGGER {name}") == Integrity([], [message])


def test_every_guard_that_is_missing_is_told(path: Path, make: Make) -> None:
    told = found(path, make, *(f"DROP TRIGGER {name}" for name in GUARDS), "DROP INDEX erasures")
    assert (told.wrong, len(told.missing)) == ([], 7)
    assert told.missing[0] == (
        "the index erasures of the ledger's own is missing from the database"
    )


@pytest.mark.parametrize(
    ("what", "sql"),
    [
        ("view answers", "CREATE VIEW answers AS SELECT * FROM events"),
        ("table notes", "CREATE TABLE notes (text)"),
        ("index times", "CREATE INDEX times ON events (recorded_at)"),
        (
            "trigger quiet",
            "CREATE TRIGGER quiet BEFORE INSERT ON events BEGIN SELECT RAISE(IGNORE); END",
        ),
    ],
)
def test_what_does_not_belong_there_is_wrong(path: Path, make: Make, what: str, sql: str) -> None:
    assert found(path, make, sql) == foreign(what)


def altered(name: str, old: str, new: str) -> str:
    return f"UPDATE sqlite_schema SET sql = replace(sql, '{old}', '{new}') WHERE name = '{name}'"


@pytest.mark.parametrize(
    ("what", "old", "new"),
    [
        ("trigger events_are_never_deleted", "BEFORE DELETE", "AFTER DELETE"),
        ("table events", "length(entry) = 16", "length(entry) > 15"),
        ("index erasures", "EntryErased@*", "EntryErased@1"),
    ],
)
def test_what_is_another_than_the_ledger_made_is_wrong(
    path: Path, make: Make, what: str, old: str, new: str
) -> None:
    assert found(path, make, altered(what.split()[1], old, new)) == foreign(what)


UNGUARDED = "DROP TRIGGER events_are_never_changed"


def test_an_index_that_lacks_a_row_is_wrong(path: Path, make: Make) -> None:
    told = found(
        path,
        make,
        UNGUARDED,
        altered("erasures", "EntryErased", "Nothing"),
        "UPDATE events SET type = 'EntryErased@1' WHERE position = 2",
        altered("erasures", "Nothing", "EntryErased"),
    )
    assert told.wrong == [
        "the database says of itself: row 2 missing from index erasures",
        "the database says of itself: wrong # of entries in index erasures",
    ]


def test_an_index_that_says_another_version_is_wrong(path: Path, make: Make) -> None:
    told = found(
        path,
        make,
        UNGUARDED,
        altered("events", "UNIQUE (entry, version)", "UNIQUE (entry, position)"),
        "UPDATE events SET version = 7 WHERE position = 3",
        altered("events", "UNIQUE (entry, position)", "UNIQUE (entry, version)"),
    )
    assert told.wrong == [
        "the database says of itself: row 3 missing from index sqlite_autoindex_events_1"
    ]
