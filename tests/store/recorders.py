"""Rows, and files that hold some."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from ledger.store import schema
from ledger.store.identity import Clock, system_clock
from ledger.store.log import LogRecorder
from ledger.store.postgres import PostgresRecorder
from ledger.store.rows import NewRow, Row
from ledger.store.sqlite import SQLiteRecorder
from ledger.store.urls import SQLiteURL, parse_store_url

Make = Callable[..., SQLiteRecorder]

# A program that has a recorder of the store it is called with.
WRITE = """
import sys
from ledger.store.rows import NewRow
from ledger.store.sqlite import SQLiteRecorder
from ledger.store.urls import parse_store_url
recorder = SQLiteRecorder(parse_store_url(sys.argv[1]))
"""


class HandClock:
    """Says the time that it was set to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000_000

    def __call__(self) -> int:
        return self.now


def recorder_of(url: str, clock: Clock | None = None) -> LogRecorder:
    """Return a recorder of a store of either kind."""
    found = parse_store_url(url)
    if isinstance(found, SQLiteURL):
        return SQLiteRecorder(found, clock=clock or system_clock)
    return PostgresRecorder(found, clock=clock)


def row(version: int, content: bytes = b"c") -> NewRow:
    return NewRow(b"e" * 16, version, "EntryEdited@1", b"m", content)


def store(path: Path, events: int = 3) -> None:
    recorder = SQLiteRecorder(SQLiteURL(path))
    recorder.append([row(version) for version in range(1, events + 1)])
    recorder.close()


def make_schema_1(path: Path, rows: Sequence[Row]) -> None:
    """Make a log as a program of schema 1 did."""
    with closing(sqlite3.connect(path)) as db, db:
        for statement in schema.MIGRATIONS[0]:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
        db.execute("INSERT INTO ledger VALUES ('i', 'o', 0)")
        db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
