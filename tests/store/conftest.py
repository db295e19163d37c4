"""A log's file, and recorders of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.store.sqlite import SQLiteRecorder
from ledger.store.urls import SQLiteURL, parse_store_url
from tests.store.recorders import Make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "news.db"


@pytest.fixture
def make(path: Path) -> Iterator[Make]:
    """Makes recorders of a file, and closes them at the end."""
    made: list[SQLiteRecorder] = []

    def one(options: str = "", at: Path = path, *, create: bool = True) -> SQLiteRecorder:
        url = parse_store_url(f"sqlite:///{at}{options}")
        assert isinstance(url, SQLiteURL)
        made.append(SQLiteRecorder(url, create=create))
        return made[-1]

    yield one
    for recorder in made:
        recorder.close()
