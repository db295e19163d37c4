"""Alignment: how far it looks, how much it tells, and how much it holds."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import chain, count

import pytest

from ledger.audit.alignment import FARTHEST, MOST, differences
from ledger.store.rows import Row
from tests.audit.test_alignment import (
    altered,
    closed,
    leaves_of,
    missing,
    row,
    rows,
    strange,
    told,
)


def test_as_many_as_are_told_apart() -> None:
    before = rows(MOST + 100)
    now = [one._replace(content=b"x") for one in before[:MOST]] + before[MOST:]
    assert told(now, before) == list(map(altered, now[:MOST]))


@pytest.mark.parametrize("run", [FARTHEST, FARTHEST + 1])
def test_how_far_a_run_is_looked_over(run: int) -> None:
    is_known = run <= FARTHEST
    long = rows(10 + run + 2 * MOST)
    short = closed([*long[:10], *long[10 + run :]])
    found, is_all, _ = differences(short, leaves_of(long))
    assert not is_all
    assert found == [missing(11, 10 + run)] if is_known else found[0].kind == "altered"
    strangers = list(map(strange, range(run)))
    found, is_all, _ = differences(
        closed([*long[:10], *strangers, *long[10 : 2 * MOST]]), leaves_of(long[: 2 * MOST])
    )
    assert not is_all
    assert {one.kind for one in found} == {"inserted" if is_known else "altered"}
    assert len(found) == (run if is_known else MOST + 1)


class Counted:
    """An iterator that knows how far it was read."""

    def __init__(self, items: Iterator[Row]) -> None:
        self._items = items
        self.read = 0

    def __iter__(self) -> Iterator[Row]:
        for item in self._items:
            self.read += 1
            yield item


def test_two_logs_without_end_that_have_nothing_in_common_are_given_up() -> None:
    now, before = Counted(map(strange, count(1))), Counted(map(row, count(1)))
    found, is_all, _ = differences(now, leaves_of(before))
    assert not is_all
    assert [one.kind for one in found] == ["altered"] * (MOST + 1)
    assert max(now.read, before.read) <= MOST + FARTHEST + 1


def test_new_events_without_end_are_not_read_where_nothing_is_missed() -> None:
    now = Counted(chain(rows(10), map(strange, count(11))))
    assert told(now, rows(10)) == []
    assert now.read <= 10 + FARTHEST


def test_memory_is_that_of_the_look_ahead() -> None:
    blob = 2000

    def long(damaged: bool) -> Iterator[Row]:
        for position in range(1, 3 * FARTHEST):
            one = row(position)
            if damaged and 1000 <= position < 1020:
                # Too many at once to be looked over: what follows is read as far as can be.
                one = strange(position)
            yield one._replace(meta=b"%*d" % (blob, position))

    tracemalloc.start()
    try:
        found = told(long(True), long(False))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [one.position for one in found] == list(range(1000, 1020))
    assert peak < FARTHEST * blob / 2
