"""The database itself refuses what must never happen, whoever speaks to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger.store.rows import NewRow
from ledger.store.sqlite import SQLiteRecorder
from ledger.store.urls import SQLiteURL

A, B = "x'" + "aa" * 16 + "'", "x'" + "bb" * 16 + "'"
TIME = 1_700_000_000_000_000

APPENDED = "ledger: events are only appended, each once and in turn"
CHANGED = "ledger: events are never changed"
DELETED = "ledger: events are never deleted"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of three events: A1, A2, B1."""
    recorder = SQLiteRecorder(SQLiteURL(tmp_path / "news.db"), clock=lambda: TIME)
    recorder.append(
        [
            NewRow(bytes.fromhex(entry * 16), version, "EntryEdited@1", b"meta", b"content")
            for entry, version in (("aa", 1), ("aa", 2), ("bb", 1))
        ]
    )
    recorder.close()
    return recorder.path


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def everything(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return [
            *connection.execute("SELECT rowid, * FROM events ORDER BY rowid"),
            *connection.execute("SELECT rowid, * FROM ledger ORDER BY rowid"),
            *connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name"),
        ]


def insert(
    position: object,
    entry: str = A,
    version: object = 3,
    recorded_at: object = TIME,
    verb: str = "INSERT",
) -> str:
    return (
        f"{verb} INTO events VALUES "
        f"({position}, {entry}, {version}, 'EntryEdited@1', {recorded_at}, x'00', x'00')"
    )


def refused(db: sqlite3.Connection, path: Path, sql: str, message: str) -> None:
    before = everything(path)
    with pytest.raises(sqlite3.IntegrityError) as caught:
        db.execute(sql)
    assert str(caught.value) == message
    assert not db.in_transaction
    assert everything(path) == before


def test_the_next_event_in_turn_is_taken(db: sqlite3.Connection, path: Path) -> None:
    db.execute(insert(4))
    db.execute(insert(5, B, 2, TIME + 1))
    assert [row[0] for row in everything(path)[:5]] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM events",
        "DELETE FROM events WHERE position = 3",
        "DELETE FROM events WHERE position = 1",
    ],
)
def test_no_event_is_deleted(db: sqlite3.Connection, path: Path, sql: str) -> None:
    refused(db, path, sql, DELETED)


@pytest.mark.parametrize("verb", ["UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE"])
@pytest.mark.parametrize(
    "change",
    [
        "position = 4",
        "position = 1",
        "rowid = 9",
        f"entry = {A}",
        "version = 3",
        "version = 2",
        "type = 'EntryCreated@1'",
        "recorded_at = recorded_at + 1",
        "meta = x''",
        "content = x''",
        "content = x'', meta = x''",
    ],
)
def test_no_event_is_changed(db: sqlite3.Connection, path: Path, verb: str, change: str) -> None:
    refused(db, path, f"{verb} events SET {change} WHERE position = 3", CHANGED)
    refused(db, path, f"{verb} events SET {change}", CHANGED)


@pytest.mark.parametrize("change", ["content = content", "version = 1", f"entry = {B}"])
def test_an_update_that_changes_nothing_does_nothing(
    db: sqlite3.Connection, path: Path, change: str
) -> None:
    before = everything(path)
    db.execute(f"UPDATE events SET {change} WHERE position = 3")
    assert everything(path) == before


VERBS = [
    "INSERT",
    "REPLACE",
    "INSERT OR REPLACE",
    "INSERT OR IGNORE",
    "INSERT OR FAIL",
    "INSERT OR ROLLBACK",
]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("position", [5, 0, -1, "NULL", 1, 3, 2**63 - 1])
def test_no_event_is_inserted_out_of_turn(
    db: sqlite3.Connection, path: Path, verb: str, position: object
) -> None:
    refused(db, path, insert(position, verb=verb), APPENDED)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("entry", "version"), [(A, 1), (A, 2), (B, 1)])
def test_no_version_is_inserted_twice(
    db: sqlite3.Connection, path: Path, verb: str, entry: str, version: int
) -> None:
    refused(db, path, insert(4, entry, version, verb=verb), APPENDED)


@pytest.mark.parametrize("verb", VERBS)
def test_no_event_is_inserted_before_the_last_one_s_time(
    db: sqlite3.Connection, path: Path, verb: str
) -> None:
    refused(db, path, insert(4, recorded_at=TIME - 1, verb=verb), APPENDED)


@pytest.mark.parametrize(
    "sql",
    [
        insert(3, B, 1) + " ON CONFLICT (position) DO UPDATE SET content = x''",
        insert(4, B, 1) + " ON CONFLICT (entry, version) DO UPDATE SET content = x''",
        insert(4, B, 1) + " ON CONFLICT DO NOTHING",
        insert(4) + f", (6, {A}, 4, 'EntryEdited@1', {TIME}, x'', x'')",
        insert(4) + f", (5, {A}, 3, 'EntryEdited@1', {TIME}, x'', x'')",
        "INSERT OR REPLACE INTO events SELECT * FROM events",
        f"INSERT INTO events SELECT NULL, {A}, 3, type, recorded_at, meta, content FROM events",
    ],
)
def test_no_other_way_of_inserting_passes(db: sqlite3.Connection, path: Path, sql: str) -> None:
    refused(db, path, sql, APPENDED)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (insert(4, "NULL"), APPENDED),
        (insert(4, recorded_at="NULL"), "NOT NULL constraint failed: events.recorded_at"),
        (insert(4, "'text'"), "cannot store TEXT value in BLOB column events.entry"),
        (insert(4, version="'x'"), "cannot store TEXT value in INTEGER column events.version"),
    ],
)
def test_no_event_lacks_a_column_or_has_one_of_another_type(
    db: sqlite3.Connection, path: Path, sql: str, message: str
) -> None:
    refused(db, path, sql, message)


def test_a_refused_statement_leaves_the_rest_of_its_transaction_to_be_rolled_back(
    db: sqlite3.Connection, path: Path
) -> None:
    before = everything(path)
    db.execute("BEGIN")
    db.execute(insert(4))
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("DELETE FROM events WHERE position = 4")
    db.execute("ROLLBACK")
    assert everything(path) == before


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("UPDATE ledger SET id = 'other'", "ledger: the identity is never changed"),
        ("UPDATE ledger SET origin = 'other'", "ledger: the identity is never changed"),
        ("UPDATE ledger SET created_at = 0", "ledger: the identity is never changed"),
        ("UPDATE OR REPLACE ledger SET rowid = 2", "ledger: the identity is never changed"),
        ("DELETE FROM ledger", "ledger: the identity is never deleted"),
        ("INSERT INTO ledger VALUES ('i', 'o', 0)", "ledger: there is one identity"),
        ("REPLACE INTO ledger VALUES ('i', 'o', 0)", "ledger: there is one identity"),
        (
            "REPLACE INTO ledger (rowid, id, origin, created_at) VALUES (1, 'i', 'o', 0)",
            "ledger: there is one identity",
        ),
        ("INSERT OR IGNORE INTO ledger VALUES ('i', 'o', 0)", "ledger: there is one identity"),
    ],
)
def test_the_identity_stays(db: sqlite3.Connection, path: Path, sql: str, message: str) -> None:
    refused(db, path, sql, message)


@pytest.mark.parametrize("version", [0, 1, 2, 4, 99])
def test_versions_only_go_on(db: sqlite3.Connection, path: Path, version: int) -> None:
    refused(db, path, insert(4, A, version), APPENDED)


@pytest.mark.parametrize("version", [-1, 2, 7])
def test_versions_begin_at_the_beginning(db: sqlite3.Connection, path: Path, version: int) -> None:
    refused(db, path, insert(4, "x'" + "cc" * 16 + "'", version), APPENDED)
