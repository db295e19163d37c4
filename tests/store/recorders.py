"""Rows, and files that hold some."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ledger.store.log import NewRow
from ledger.store.sqlite import SQLiteRecorder
from ledger.store.urls import SQLiteURL

Make = Callable[..., SQLiteRecorder]

# A program that has a recorder of the store it is called with.
WRITE = """
import sys
from ledger.store.log import NewRow
from ledger.store.sqlite import SQLiteRecorder
from ledger.store.urls import parse_store_url
recorder = SQLiteRecorder(parse_store_url(sys.argv[1]))
"""


def row(version: int, content: bytes = b"c") -> NewRow:
    return NewRow(b"e" * 16, version, "EntryEdited@1", b"m", content)


def store(path: Path, events: int = 3) -> None:
    recorder = SQLiteRecorder(SQLiteURL(path))
    recorder.append([row(version) for version in range(1, events + 1)])
    recorder.close()
