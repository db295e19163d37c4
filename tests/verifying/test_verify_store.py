"""Verify, where somebody changed the database itself: what no leaf and no checkpoint covers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.stores import Store
from tests.verifying.logs import NO_KEY, attack, checkpoint, fill, verify


def rewrite_schema(log: Path, name: str, old: str, new: str) -> None:
    """Change the statement that something was made by, and nothing else."""
    with closing(sqlite3.connect(log, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        changed = db.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = ? AND instr(sql, ?)",
            (old, new, name, old),
        )
        assert changed.rowcount == 1


@pytest.mark.parametrize("change", ["content = 'text'", "version = 'two'", "meta = NULL"])
def test_a_table_that_takes_anything(store: Store, log: Path, change: str) -> None:
    given = checkpoint(fill(store, 60))
    rewrite_schema(log, "events", ") STRICT", ")")
    rewrite_schema(log, "events", "NOT NULL", "")
    attack(store, f"UPDATE events SET {change} WHERE position = 7")
    found = verify(store, given)
    assert not found.sound
    message = "the table events of the database is not the ledger's own"
    assert message in [one.message for one in found.findings]
    # Whatever it holds now, nothing breaks: it is read as far as it can be.
    is_read = {one.position for one in found.findings} >= {7}
    assert is_read or found.notes[0].startswith("the log could not be read to its end: ")


def test_an_index_that_hides_a_version(store: Store, log: Path) -> None:
    given = checkpoint(fill(store, 60))
    with closing(sqlite3.connect(log, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        (root,) = db.execute(
            "SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'events' "
            "AND sql IS NULL"
        ).fetchone()
        # The index as a table of its own, from which a row can be taken.
        db.execute("DELETE FROM sqlite_schema WHERE type = 'index' AND sql IS NULL")
        db.execute(
            "INSERT INTO sqlite_schema VALUES ('table', 'pages', 'pages', ?, "
            "'CREATE TABLE pages (entry, version, position, PRIMARY KEY (entry, version)) "
            "WITHOUT ROWID')",
            (root,),
        )
    with closing(sqlite3.connect(log, isolation_level=None)) as db:
        db.execute("DELETE FROM pages WHERE position = 7")
        db.execute("PRAGMA writable_schema = ON")
        db.execute("DELETE FROM sqlite_schema WHERE name = 'pages'")
        db.execute(
            "INSERT INTO sqlite_schema VALUES ('index', 'sqlite_autoindex_events_1', 'events', "
            "?, NULL)",
            (root,),
        )
    found = verify(store, given)
    assert not found.sound
    assert any("row 7 missing from index" in one.message for one in found.findings)


def test_a_trigger_that_was_left_behind(store: Store, log: Path) -> None:
    given = checkpoint(fill(store, 60))
    with closing(sqlite3.connect(log, isolation_level=None)) as db:
        db.execute("CREATE TRIGGER helps AFTER INSERT ON events BEGIN SELECT 1; END")
    found = verify(store, given)
    assert [one.message for one in found.findings] == [
        "the trigger helps of the database is not the ledger's own"
    ]


def test_guards_that_are_missing_change_nothing_yet(store: Store, log: Path) -> None:
    given = checkpoint(fill(store, 60))
    with closing(sqlite3.connect(log, isolation_level=None)) as db:
        db.execute("DROP TRIGGER events_are_never_changed")
    found = verify(store, given)
    assert found.sound
    assert found.notes == (
        "the trigger events_are_never_changed of the ledger's own is missing from the database",
        NO_KEY,
    )
