"""Alignment: the differences told are the edits made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger.audit.alignment import FARTHEST, MOST, Difference, Leaf, differences, runs
from ledger.store.leaf import Digest, leaf_hash
from ledger.store.rows import Row


def row(position: int) -> Row:
    """Return the event that was at a position; no two are alike."""
    entry, blob = b"%016d" % (position // 3), b"%d" % position
    return Row(position, entry, position % 3 + 1, "EntryEdited@1", position, b"m" + blob, blob)


def strange(number: int) -> Row:
    """Return an event that never was, as if at a position."""
    return row(number)._replace(content=b"strange %d" % number)


def leaves_of(rows: Iterable[Row]) -> Iterator[Leaf]:
    return (Leaf(row.position, leaf_hash(row)) for row in rows)


def rows(count: int) -> list[Row]:
    return list(map(row, range(1, count + 1)))


def closed(rows: Iterable[Row]) -> list[Row]:
    """Return rows at the positions 1, 2, 3, ..."""
    return [row._replace(position=position) for position, row in enumerate(rows, 1)]


def told(now: Iterable[Row], before: Iterable[Row]) -> list[Difference]:
    found, is_all, _ = differences(now, leaves_of(before))
    assert is_all
    return found


def light(row: Row) -> Row:
    return row._replace(meta=b"", content=b"")


def altered(row: Row, was: int | None = None) -> Difference:
    at = row.position
    return Difference("altered", at, at, at if was is None else was, light(row))


def inserted(row: Row) -> Difference:
    return Difference("inserted", row.position, row.position, None, light(row))


def moved(row: Row, was: int) -> Difference:
    return Difference("reordered", row.position, row.position, was, light(row))


def missing(first: int, last: int) -> Difference:
    return Difference("missing", first, last)


# One edit


@pytest.mark.parametrize("size", [0, 1, 2, 500])
def test_a_log_that_is_what_it_was_has_no_differences(size: int) -> None:
    assert told(rows(size), rows(size)) == []


@pytest.mark.parametrize("new", [1, 3, FARTHEST + 1])
def test_what_came_later_is_no_difference(new: int) -> None:
    assert told(rows(20 + new), rows(20)) == []
    assert told(rows(new), []) == []


@pytest.mark.parametrize(
    "change",
    [
        {"entry": b"another entry..."},
        {"version": 9},
        {"type": "EntryEdited@2"},
        {"recorded_at": 0},
        {"meta": b"x"},
        {"content": b""},
    ],
)
@pytest.mark.parametrize("at", [1, 7, 20])
def test_every_column_counts(change: dict[str, Any], at: int) -> None:
    now = rows(20)
    now[at - 1] = now[at - 1]._replace(**change)
    assert told(now, rows(20)) == [altered(now[at - 1])]


@pytest.mark.parametrize("at", [1, 10, 5000 - FARTHEST + 2])
@pytest.mark.parametrize("length", [1, 15, 16, 17, 500, MOST])
def test_a_run_that_is_gone_is_told_as_one(at: int, length: int) -> None:
    kept = [one for one in rows(5000) if not at <= one.position < at + length]
    expected = [missing(at, at + length - 1)]
    assert told(kept, rows(5000)) == expected
    assert told(closed(kept), rows(5000)) == expected


@pytest.mark.parametrize("at", [1, 10])
@pytest.mark.parametrize("length", [1, 15, 16, 17, 500, MOST])
def test_a_run_that_was_slipped_in_is_told_event_by_event(at: int, length: int) -> None:
    before = rows(300)
    new = [strange(number) for number in range(length)]
    now = closed(before[: at - 1] + new + before[at - 1 :])
    assert told(now, before) == list(map(inserted, now[at - 1 : at - 1 + length]))


@pytest.mark.parametrize("distance", range(1, 41))
def test_two_that_changed_places(distance: int) -> None:
    now, other = rows(100), 30 + distance
    now[29], now[other - 1] = now[other - 1], now[29]
    first, second = (now := closed(now))[29], now[other - 1]
    # Of two neighbours it cannot be told which of them moved.
    expected = [] if distance == 1 else [moved(first, other)]
    assert told(now, rows(100)) == [*expected, moved(second, 30)]


@pytest.mark.parametrize(("was", "at"), [(1, 20), (20, 1), (5, 12), (12, 5), (3, 90), (90, 3)])
def test_one_that_was_moved(was: int, at: int) -> None:
    now = rows(100)
    now.insert(at - 1, now.pop(was - 1))
    now = closed(now)
    assert told(now, rows(100)) == [moved(now[at - 1], was)]


@pytest.mark.parametrize("new", [0, 1, 100, 2 * FARTHEST])
def test_one_that_was_moved_among_those_that_came_later(new: int) -> None:
    now = rows(50 + new)
    now.append(now.pop(9))
    now = closed(now)
    assert told(now, rows(50)) == [moved(now[-1], 10)]


@pytest.mark.parametrize(("was", "to"), [(1, 0), (1, -5), (20, 25), (10, 0), (10, 30)])
def test_one_that_was_moved_where_none_was(was: int, to: int) -> None:
    now = [one._replace(position=to) if one.position == was else one for one in rows(20)]
    now.sort()
    assert told(now, rows(20)) == [moved(now[0 if to < 1 else -1], was)]


def test_all_that_moved_from_one_position_on_is_told() -> None:
    now = [one._replace(position=one.position + (one.position > 5)) for one in rows(20)]
    found = told(now, rows(20))
    assert found
    assert found[0].position in {6, 7}


@pytest.mark.parametrize("cut", [1, 16, 17, 499, 500, MOST, FARTHEST, FARTHEST + 1])
def test_a_tail_that_is_gone_is_told_as_one(cut: int) -> None:
    before = rows(cut + 500 - (cut == 500) * 500)
    kept = before[: len(before) - cut]
    last = len(before)
    assert told(kept, before) == [Difference("truncated", last - cut + 1, last)]


def test_a_hole_in_the_end_is_no_truncation() -> None:
    now = [*rows(10), row(12)]
    assert told(now, rows(12)) == [missing(11, 11)]


# Which is which


def test_the_altered_one_is_the_one_at_its_own_place() -> None:
    now = [one for one in rows(30) if one.position != 11]
    now[9], now[10] = (now[at]._replace(content=b"x") for at in (9, 10))
    assert told(now, rows(30)) == [altered(now[9]), missing(11, 11), altered(now[10])]


@pytest.mark.parametrize("length", [1, 2, 3, 15])
def test_altered_ones_that_moved_up_were_each_one_further(length: int) -> None:
    now = closed(one for one in rows(60) if one.position != 3)
    for at in range(9, 9 + length):
        now[at] = now[at]._replace(content=b"x%d" % at)
    assert told(now, rows(60)) == [
        missing(3, 3),
        *(altered(one, one.position + 1) for one in now[9 : 9 + length]),
    ]


def test_surplus_in_an_altered_run_was_slipped_in() -> None:
    before = rows(40)
    now = closed([*before[:10], *map(strange, range(100, 104)), *before[12:]])
    assert told(now, before) == [
        *(altered(now[at], at + 1) for at in (10, 11)),
        *(inserted(now[at]) for at in (12, 13)),
    ]


def test_what_was_copied_is_the_one_event_once() -> None:
    before = rows(30)
    now = closed([*before[:20], before[4], *before[20:]])
    assert told(now, before) == [inserted(now[20])]


def test_erased_blobs_and_texts_that_are_none_are_what_they_were() -> None:
    before = rows(30)
    before[4] = before[4]._replace(type="Entry\udcffEdited@1")
    now = list(before)
    digest = bytes.fromhex("ab" * 32)
    now[9] = before[9] = before[9]._replace(content=Digest(digest), meta=Digest(digest))
    assert told(now, before) == []
    now[9] = now[9]._replace(content=digest)
    now[4] = now[4]._replace(type="Entry\udcfeEdited@1")
    assert told(now, before) == [altered(now[4]), altered(now[9])]


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ([], []),
        ([4], [(4, 4)]),
        ([1, 2, 3], [(1, 3)]),
        ([1, 3, 4, 7, 8, 9], [(1, 1), (3, 4), (7, 9)]),
    ],
)
def test_runs(positions: Sequence[int], expected: list[tuple[int, int]]) -> None:
    assert list(runs(positions)) == expected


# Many edits


class Edited(NamedTuple):
    """A log before and after edits, and the differences."""

    before: list[Row]
    now: list[Row]
    expected: list[Difference]


KINDS = ("alter", "delete", "swap", "insert")
APART = 40
"""So many events between two edits are let be: none of them is taken for one of the next."""


@st.composite
def edited(draw: st.DrawFn) -> Edited:
    closes = draw(st.booleans())
    edits = draw(
        st.lists(
            st.tuples(
                # Where holes stay open, there is no place to slip anything in.
                st.sampled_from(KINDS if closes else KINDS[:3]),
                st.integers(1, 15) | st.integers(16, 300),
                st.integers(APART, APART + 5),
            ),
            max_size=5,
        )
    )
    before: list[Row] = []
    now: list[Row] = []
    expected: list[Difference] = []

    def keep(one: Row) -> Row:
        now.append(one._replace(position=len(now) + 1) if closes else one)
        return now[-1]

    def take() -> Row:
        before.append(row(len(before) + 1))
        return before[-1]

    for kind, length, gap in edits:
        for _ in range(gap):
            keep(take())
        if kind == "delete":
            expected.append(missing(len(before) + 1, len(before) + length))
            for _ in range(length):
                take()
        elif kind == "insert":
            expected += [inserted(keep(strange(10_000 + len(now)))) for _ in range(length)]
        elif kind == "swap":
            # The next nearest but one is left to a test of its own.
            first, *between, last = (take() for _ in range(3 + length))
            for one, place in ((last, first), *((one, one) for one in between), (first, last)):
                kept = keep(one._replace(position=place.position))
                if one is not place:
                    assume(kept.position != one.position)
                    expected.append(moved(kept, one.position))
        else:
            # What several were that moved up is left to a test of its own.
            for _ in range(min(length, 40) if len(before) == len(now) or not closes else 1):
                one = take()
                expected.append(altered(keep(one._replace(content=b"x")), one.position))
    for _ in range(APART):
        keep(take())
    end = draw(st.sampled_from(["", "tail", "new"]))
    length = draw(st.integers(1, 300))
    if end == "tail":
        expected.append(Difference("truncated", len(before) + 1, len(before) + length))
        for _ in range(length):
            take()
    elif end == "new":
        for number in range(length):
            now.append(strange(20_000 + number)._replace(position=now[-1].position + 1))
    return Edited(before, now, sorted(expected, key=lambda one: one.position))


@settings(deadline=None, max_examples=60)
@given(edited())
def test_the_differences_are_the_edits(case: Edited) -> None:
    found, is_all, _ = differences(case.now, leaves_of(case.before))
    assert found == (case.expected if is_all else case.expected[: len(found)])
    assert is_all or sum(one.upto - one.position + 1 for one in found) > MOST


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 12), max_size=12), st.booleans())
def test_whatever_was_done_is_told(numbers: list[int], closes: bool) -> None:
    """Any events, any order, any number of times: where a log is another, it is told."""
    unique = list(dict.fromkeys(numbers))
    now = closed(map(row, unique)) if closes else list(map(row, sorted(unique)))
    before = rows(8)
    found = told(now, before)
    assert (found == []) == (now[:8] == before)
    for one in found:
        if one.kind == "reordered":
            assert one.was is not None
            assert now[[n.position for n in now].index(one.position)] == row(one.was)._replace(
                position=one.position
            )
            assert one.position != one.was
