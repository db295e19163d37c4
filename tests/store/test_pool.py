"""Connections that wait for their next use."""

from __future__ import annotations

import os

import pytest

from ledger.errors import StoreBusy
from ledger.store.pool import Pool


class Line:
    """What is lent: it remembers whether it was closed."""

    def __init__(self) -> None:
        self.is_open = True
        self.is_sound = True

    def close(self) -> None:
        self.is_open = False


def sound(line: Line) -> bool:
    return line.is_sound


@pytest.fixture(params=["use", "connection"])
def lend(request: pytest.FixtureRequest) -> str:
    """Both ways to have one."""
    return str(request.param)


def use(pool: Pool[Line], way: str, *, fail: bool = False, spoil: bool = False) -> Line:
    lent: list[Line] = []

    def work(line: Line) -> Line:
        assert line.is_open
        lent.append(line)
        line.is_sound = not spoil
        if fail:
            raise ValueError("too much")
        return line

    if way == "use":
        return pool.use(work)
    with pool.connection() as line:
        return work(line)


def test_one_is_used_again(lend: str) -> None:
    pool = Pool(Line)
    assert use(pool, lend) is use(pool, lend)


def test_those_in_use_at_once_are_others(lend: str) -> None:
    pool = Pool(Line)
    with pool.connection() as first:
        assert use(pool, lend) is not first


@pytest.mark.parametrize("limit", [None, 1])
def test_one_that_saw_an_error_is_closed(lend: str, limit: int | None) -> None:
    pool = Pool(Line, limit=limit, patience=0)
    first = use(pool, lend)
    with pytest.raises(ValueError, match="too much"):
        use(pool, lend, fail=True)
    assert not first.is_open
    assert use(pool, lend) is not first


@pytest.mark.parametrize("limit", [None, 1])
def test_one_that_is_good_for_one_use_is_closed_after_it(lend: str, limit: int | None) -> None:
    pool = Pool(Line, sound, limit, patience=0)
    first = use(pool, lend, spoil=True)
    assert not first.is_open
    assert use(pool, lend) is not first


@pytest.mark.parametrize("limit", [None, 1])
def test_what_is_found_wrong_afterwards_is_told(lend: str, limit: int | None) -> None:
    def look(line: Line) -> bool:
        if not line.is_sound:
            raise StoreBusy("it was written meanwhile")
        return True

    pool = Pool(Line, look, limit, patience=0)
    first = use(pool, lend)
    with pytest.raises(StoreBusy, match="meanwhile"):
        use(pool, lend, spoil=True)
    assert not first.is_open
    assert use(pool, lend) is not first


def test_where_there_is_a_limit_one_that_went_while_idle_is_replaced(lend: str) -> None:
    pool = Pool(Line, sound, 1, patience=0)
    first = use(pool, lend)
    first.is_sound = False
    assert use(pool, lend) is not first
    assert not first.is_open


def test_more_than_there_may_be_are_refused(lend: str) -> None:
    pool = Pool(Line, sound, 1, patience=0)
    with pool.connection(), pytest.raises(StoreBusy, match="all 1 connections"):
        use(pool, lend)
    assert use(pool, lend).is_open


def test_one_that_cannot_be_opened_leaves_its_place(lend: str) -> None:
    lines: list[Line] = []

    def connect() -> Line:
        if not lines:
            lines.append(Line())
            raise OSError("not now")
        return lines[0]

    pool = Pool(connect, sound, 1, patience=0)
    with pytest.raises(OSError, match="not now"):
        use(pool, lend)
    assert use(pool, lend) is lines[0]


def test_closing_closes_the_idle_at_once_and_the_lent_when_they_come_back(lend: str) -> None:
    pool = Pool(Line)
    idle = use(pool, lend)
    with pool.connection() as lent:
        assert lent is idle
        other = use(pool, lend)
        pool.close()
        assert (lent.is_open, other.is_open) == (True, False)
    assert not lent.is_open


def test_a_fork_leaves_the_parent_its_own(lend: str) -> None:
    pool = Pool(Line)
    first = use(pool, lend)
    child = os.fork()
    if not child:
        os._exit(use(pool, lend) is first or not first.is_open)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert use(pool, lend) is first
