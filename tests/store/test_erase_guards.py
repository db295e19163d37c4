"""The database lets a blob go where an erasure names it, and changes nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger.domain.events import EntryErased
from ledger.store.erasures import blanked
from ledger.store.mapper import EventMapper
from ledger.store.rows import NewRow
from ledger.store.sqlite import SQLiteRecorder
from ledger.store.urls import SQLiteURL
from tests.store.test_guards import CHANGED, DELETED, everything, refused
from tests.store.test_mapper import event

A, B = b"a" * 16, b"b" * 16


def edited(entry: bytes, version: int, content: bytes = b"content") -> NewRow:
    return NewRow(entry, version, "EntryEdited@1", b"meta", content)


def erased(entry: bytes, version: int, *lines: str) -> NewRow:
    data = EntryErased(authority="Court", blanked=lines)
    return EventMapper().to_row(event(data, version))._replace(entry=entry)


def named(position: int, blob: str = "content") -> str:
    return blanked(position, blob, "00" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A1 to A17 are at positions 1 to 17, B1 at 18; an erasure of A is at 19, of B at 21."""
    recorder = SQLiteRecorder(SQLiteURL(tmp_path / "news.db"))
    recorder.append(
        [
            *(edited(A, version) for version in range(1, 18)),
            edited(B, 1),
            erased(A, 18, named(17), named(3, "meta"), named(18), named(19), named(20)),
            edited(A, 19, f"the words {named(5)}".encode()),
            erased(B, 2, named(6)),
        ]
    )
    recorder.close()
    return recorder.path


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def blank(position: int, change: str = "content = x''") -> str:
    return f"UPDATE events SET {change} WHERE position = {position}"


def test_what_an_erasure_names_goes_and_does_not_come_back(
    db: sqlite3.Connection, path: Path
) -> None:
    before = everything(path)
    db.execute(blank(17))
    db.execute(blank(3, "meta = x''"))
    after = everything(path)
    assert [row for row in after if row not in before] == [
        (3, 3, A, 3, "EntryEdited@1", before[2][5], b"", b"content"),
        (17, 17, A, 17, "EntryEdited@1", before[16][5], b"meta", b""),
    ]
    assert len(after) == len(before)
    refused(db, path, blank(17, "content = CAST('content' AS BLOB)"), CHANGED)
    refused(db, path, blank(3, "meta = CAST('meta' AS BLOB)"), CHANGED)


@pytest.mark.parametrize(
    "sql",
    [
        # Named are the content of 17 and the meta of 3.
        blank(1),
        blank(7),
        blank(3),
        blank(17, "meta = x''"),
        blank(17, "content = x'', meta = x''"),
        blank(17, "content = x'00'"),
        blank(17, "content = CAST('another' AS BLOB)"),
        blank(17, "content = x'', version = 99"),
        blank(17, "content = x'', entry = zeroblob(16)"),
        blank(17, "content = x'', type = 'EntryEdited@2'"),
        blank(17, "content = x'', recorded_at = recorded_at - 1"),
        blank(17, "content = x'', position = 99"),
        "UPDATE events SET content = x''",
        "UPDATE OR REPLACE events SET content = x'' WHERE position IN (16, 17)",
        # An erasure takes nothing of another entry, of itself, or of what came after it.
        blank(18),
        blank(19),
        blank(20),
        # Only an erasure names what goes, and only of its own entry.
        blank(5),
        blank(6),
    ],
)
def test_nothing_else_changes(db: sqlite3.Connection, path: Path, sql: str) -> None:
    refused(db, path, sql, CHANGED)


@pytest.mark.parametrize("value", ["NULL", "''"])
def test_a_blank_is_no_text_and_not_nothing(
    db: sqlite3.Connection, path: Path, value: str
) -> None:
    before = everything(path)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(blank(17, f"content = {value}"))
    assert everything(path) == before


def test_an_erased_event_is_not_deleted(db: sqlite3.Connection, path: Path) -> None:
    db.execute(blank(17))
    refused(db, path, "DELETE FROM events WHERE position = 17", DELETED)
