"""Batches of any size: however a history is cut, views hold the same, and stop at the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise

from hypothesis import strategies as st

from ledger import Ledger
from ledger.projections.places import place_of
from ledger.projections.registry import BUILT_IN
from ledger.projections.views import Views
from ledger.store.rows import Row
from tests.histories import Step, histories, play
from tests.projections.desk import write_many
from tests.properties import on_both
from tests.stores import Store

TABLES = {
    table: columns
    for model in BUILT_IN
    for table, columns in (model.tables | model.indexes).items()
}


def outcomes(store: Store, rows: Sequence[Row], *sizes: int) -> Iterator[object]:
    """Yield what views hold, and where they stop, that take a log in batches of these sizes."""
    with closing(store.another()) as other, Ledger.open(other.url) as ledger:
        ledger.init()
        ledger.application.log.load(
            [row._replace(position=position) for position, row in enumerate(rows, 1)]
        )
        for size in sizes:
            with closing(Views(ledger.application, place_of(other.url), batch=size)) as views:
                standing = views.standing()
            with other.views() as db:
                held = {
                    table: sorted(map(repr, db.execute(f"SELECT {columns} FROM {table}")))
                    for table, columns in TABLES.items()
                }
            yield held, standing
            other.drop_views()


def damaged(rows: Sequence[Row], first: int, second: int) -> list[Row]:
    """Return a log in which two events took each other's place, which may be illegal there."""
    found = list(rows)
    for at, of in ((first, rows[second]), (second, rows[first])):
        found[at] = rows[at]._replace(type=of.type, meta=of.meta, content=of.content)
    return found


@on_both(25, histories(), st.integers(0), st.integers(0), few=2)
def test_a_history_cut_anyhow_gives_the_same_rows(
    store: Store, history: list[Step], first: int, second: int
) -> None:
    with closing(store.another()) as other, Ledger.open(other.url) as ledger:
        play(ledger, history * 3)
        rows = ledger.application.log.read(0, 1000)
    for log in (rows, damaged(rows, first % len(rows), second % len(rows))):
        for one, another in pairwise(outcomes(store, log, 1, 2, 7, 1000)):
            assert one == another


def test_batches_of_more_rows_than_are_asked_for_at_once(store: Store) -> None:
    write_many(store.url, 600, 2)
    with Ledger.open(store.url) as ledger:
        rows = ledger.application.log.read(0, 2000)
    small, large = outcomes(store, rows, 99, 1800)
    assert small == large
