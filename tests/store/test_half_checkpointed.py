"""A process that died while SQLite moved the write-ahead log into the file: nothing is lost."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.errors import NotALedger


def died(folder: Path, source: Path) -> Path:
    """Return a copy of a log of which only the first page has been moved into the file."""
    whole, half = folder / "whole.db", folder / "half.db"
    for suffix in ("", "-wal"):
        for copy in (whole, half):
            shutil.copyfile(f"{source}{suffix}", f"{copy}{suffix}")
    with closing(sqlite3.connect(whole)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with half.open("r+b") as file:
        file.write(whole.read_bytes()[:size])
    assert half.stat().st_size < whole.stat().st_size
    return half


def test_a_log_that_is_half_in_its_file_is_read_whole(tmp_path: Path) -> None:
    source = tmp_path / "news.db"
    with Ledger.open(f"sqlite:///{source}") as ledger:
        for number in range(60):
            ledger.create(date(2021, 3, 4), f"Ferry {number} {'sails ' * 40}", actor="Ann")
        half = died(tmp_path, source)
    with Ledger.open(f"sqlite:///{half}") as ledger:
        assert len(ledger.entries()) == 60
        ledger.create(date(2021, 3, 4), "Ferry stays", actor="Ann")
        assert [event.position for event in ledger.events()] == list(range(1, 62))


def test_somebody_else_s_file_in_that_state_is_still_refused(tmp_path: Path) -> None:
    source = tmp_path / "other.db"
    with closing(sqlite3.connect(source, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA application_id = 7")
        db.execute("CREATE TABLE things (thing)")
        db.executemany("INSERT INTO things VALUES (?)", [("thing" * 500,) for _ in range(60)])
        half = died(tmp_path, source)
    before = half.read_bytes()
    with (
        Ledger.open(f"sqlite:///{half}") as ledger,
        pytest.raises(NotALedger, match="is no ledger but another database"),
    ):
        ledger.entries()
    assert half.read_bytes() == before
