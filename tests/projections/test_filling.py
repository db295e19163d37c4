"""A file of views that is filled: nobody sees any of it before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from ledger.projections.permalinks import FURTHEST, Permalinks
from ledger.projections.projector import BOOKKEEPING
from ledger.projections.sqlite.generation import FileGeneration
from ledger.store.connections import connect


@pytest.fixture
def generation(tmp_path: Path) -> Iterator[FileGeneration]:
    with closing(FileGeneration(tmp_path / "new.db")) as generation:
        with generation.filling() as db:
            for statement in BOOKKEEPING:
                db.execute(statement)
        yield generation


def numbers(generation: FileGeneration) -> list[int] | None:
    """Return what others see; None where there is no table."""
    with closing(connect(generation.path)) as db:
        if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'seen'").fetchone() is None:
            return None
        return [number for (number,) in db.execute("SELECT number FROM seen ORDER BY number")]


def test_all_batches_are_there_at_once(generation: FileGeneration) -> None:
    with generation.filling() as db:
        with db.transaction():
            db.execute("CREATE TABLE seen (number INTEGER) STRICT")
        for number in range(3):
            db.begin()
            with db.committed():
                db.execute("INSERT INTO seen VALUES (?)", (number,))
            assert numbers(generation) == []
    assert numbers(generation) == [0, 1, 2]


def test_what_fails_takes_nothing_with_it_that_went_before(generation: FileGeneration) -> None:
    with generation.filling() as db:
        db.execute("CREATE TABLE seen (number INTEGER) STRICT")
        for number in range(4):
            db.begin()
            with db.committed(), suppress(ValueError), db.attempt():
                db.execute("INSERT INTO seen VALUES (?)", (number,))
                if number % 2:
                    raise ValueError
    assert numbers(generation) == [0, 2]


def test_where_filling_stops_nothing_of_it_is_left(generation: FileGeneration) -> None:
    with suppress(KeyboardInterrupt), generation.filling() as db:
        db.begin()
        with db.committed():
            db.execute("CREATE TABLE seen (number INTEGER) STRICT")
        raise KeyboardInterrupt
    assert numbers(generation) is None


def test_the_number_to_go_on_from_is_found_by_an_index(generation: FileGeneration) -> None:
    with generation.filling() as db:
        for statement in Permalinks.ddl:
            db.execute(statement)
        plan = db.execute(f"EXPLAIN QUERY PLAN {FURTHEST}", ("en", "2021-03-04", "x")).fetchall()
    assert "INDEX permalinks_by_wish (day=? AND slug=? AND edition=? AND <expr>>?)" in plan[0][3]
    assert len(plan) == 1
