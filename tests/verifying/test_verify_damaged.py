"""Verify, where something does not hold: what it is called, and where."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from random import Random

import psycopg
import pytest
from hypothesis import strategies as st

from ledger import Ledger
from ledger.audit.alignment import FARTHEST
from ledger.audit.checkpoints import Checkpoint
from ledger.audit.findings import HeldAgainst
from ledger.verifying.judging import LOWEST, MOST
from tests.audit import workshop
from tests.audit.evidence import ORIGIN
from tests.projections.desk import DAY
from tests.properties import on_both
from tests.stores import Store
from tests.verifying.logs import (
    NO_CHECKPOINT,
    NO_KEY,
    NO_TREE,
    attack,
    checkpoint,
    fill,
    fill_tree,
    finding,
    move_from,
    told,
    verify,
)

ALTERED = "the event is not what it was"
FORKED = (
    "these are not the events that the checkpoint of {} tells of: they were rewritten, or it is "
    "of another copy"
)
UNTOLD = (
    "whether more of the first {} events was changed cannot be told: no checkpoint vouches for "
    "the stored tree"
)


def change_views(store: Store, *statements: str) -> None:
    with store.views() as db:
        for statement in statements:
            assert db.execute(statement).rowcount > 0, statement


# The log is another than a checkpoint says


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
@pytest.mark.parametrize("views", [True, False])
def test_a_checkpoint_of_another_copy(store: Store, size: int, views: bool) -> None:
    leaves = fill(store, 600, views=views)
    other = Checkpoint(ORIGIN, size, bytes(32)).body.encode()
    found = verify(store, other)
    assert told(found) == [("forked", 1, None if size == 1 else size)]
    assert found.findings[0].message == FORKED.format(size)
    assert found.notes == ((NO_KEY,) if views else (NO_KEY, NO_TREE))
    assert not found.sound
    if size > 255:
        found = verify(store, other, checkpoint(leaves, 255))
        assert told(found) == [("forked", 256, None if size == 256 else size)]
        assert [one.holds for one in found.checkpoints] == [True, False]


def test_an_empty_log_has_one_root(store: Store) -> None:
    fill(store, 5)
    found = verify(store, Checkpoint(ORIGIN, 0, bytes(32)).body.encode())
    assert found.checkpoints == (HeldAgainst(0, (), holds=False),)
    assert not found.sound


def test_two_checkpoints_of_another_copy(store: Store) -> None:
    fill(store, 20)
    given_ = (Checkpoint(ORIGIN, size, bytes(32)).body.encode() for size in (15, 7))
    found = verify(store, *given_)
    assert told(found) == [("forked", 1, 7)]
    assert found.notes == (UNTOLD.format(15), NO_KEY)


def test_checkpoints_of_a_longer_log(store: Store) -> None:
    leaves = fill(store, 30)
    given_ = [checkpoint(leaves, size) for size in (25, 20, 30, 10)]
    shorter = store.another()
    fill(shorter, 20, views=False)
    found = verify(shorter, *given_)
    assert told(found) == [("truncated", 21, 30)]
    assert found.findings[0].message == "the log ends before; it had event 30"
    assert [one.holds for one in found.checkpoints] == [True, True, False, False]


def test_the_tree_tells_what_the_checkpoint_cannot(store: Store) -> None:
    leaves = fill(store, 60)
    attack(store, "UPDATE events SET meta = x'00' WHERE position IN (9, 50)")
    for size in (60, 50, 49):
        found = verify(store, checkpoint(leaves, size), checkpoint(leaves, 8))
        assert found.findings == tuple(finding("altered", at, ALTERED) for at in (9, 50))
        assert [one.holds for one in found.checkpoints] == [True, False]
        assert found.notes == (NO_KEY,)
    strange = Checkpoint(ORIGIN, 55, bytes(32)).body.encode()
    assert verify(store, strange).notes == (UNTOLD.format(55), NO_KEY)


def test_views_that_lag_tell_nothing_of_what_came_later(store: Store) -> None:
    fill(store, 40)
    leaves = fill(store, 60, views=False)
    attack(store, "UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 50")
    assert verify(store).sound
    found = verify(store, checkpoint(leaves), checkpoint(leaves, 40))
    assert told(found) == [("forked", 41, 60)]
    attack(store, "UPDATE events SET meta = x'00' WHERE position = 9")
    found = verify(store, checkpoint(leaves))
    assert found.findings == (finding("altered", 9, ALTERED),)
    assert found.notes == (UNTOLD.format(60), NO_KEY)


# Holes, and what is where nothing can be


@pytest.mark.parametrize("views", [True, False])
@pytest.mark.parametrize(("low", "high"), [(1, 12), (10, 12), (1024, 1024), (1021, 2052)])
def test_a_hole_is_told(store: Store, low: int, high: int, views: bool) -> None:
    fill_tree(store, 2100) if views else fill(store, 2100, views=False)
    attack(store, f"DELETE FROM events WHERE position BETWEEN {low} AND {high}")
    found = verify(store)
    assert told(found)[0] == ("missing", low, None if low == high else high)
    assert found.findings[0].message == (
        "what was there is gone" if views else "no event is there"
    )
    # Where a later version of the entry is there, that is told, too.
    assert told(found)[1:] == ([("missing", None, None)] if low == 1024 else [])


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize("views", [True, False])
@pytest.mark.parametrize(("at", "by"), [(1, 1), (6, 1), (6, 2000), (60, 1), (60, 5)])
def test_events_that_were_moved_up(
    store: Store, at: int, by: int, views: bool, checked: bool
) -> None:
    leaves = fill(store, 60, views=views)
    move_from(store, at, by)
    found = told(verify(store, *([checkpoint(leaves)] if checked else [])))
    if views:
        assert ("reordered", at + by, None) in found
        holes = [(low or 0, high or low or 0) for kind, low, high in found if kind == "missing"]
        assert not any(low <= at + by <= high for low, high in holes)
    else:
        assert found[0] == ("missing", at, at + by - 1 if by > 1 else None)


@pytest.mark.parametrize("position", [0, -7, LOWEST])
@pytest.mark.parametrize("views", [True, False])
def test_an_event_where_none_can_be(store: Store, position: int, views: bool) -> None:
    fill(store, 60, views=views)
    attack(
        store,
        f"INSERT INTO events SELECT {position}, x'{'ab' * 16}', 1, type, recorded_at, meta, "
        "content FROM events WHERE position = 1",
    )
    found = verify(store)
    # What is at the very lowest is told by the second reading alone.
    kind = "reordered" if position == LOWEST else "inserted"
    assert told(found)[0] == (kind, position, None)
    assert found.entries == 21


def test_the_last_event_and_its_leaf_are_gone(store: Store) -> None:
    fill(store, 60)
    attack(store, "DELETE FROM events WHERE position = 60")
    change_views(store, "DELETE FROM edge WHERE number = 59")
    assert told(verify(store)) == [("truncated", 60, None)]


def test_a_log_put_back_far(store: Store) -> None:
    size = FARTHEST + 500
    leaves = fill_tree(store, size)
    attack(store, "DELETE FROM events WHERE position > 60")
    for given_, note in (((), NO_CHECKPOINT), ((checkpoint(leaves),), NO_KEY)):
        found = verify(store, *given_)
        assert told(found) == [("truncated", 61, size)]
        assert found.notes == (note,)


# Times


@pytest.mark.parametrize(
    ("statements", "position"),
    [
        (["UPDATE events SET recorded_at = 0 WHERE position = 9"], 9),
        (["UPDATE events SET recorded_at = 0 WHERE position = 1024"], 1024),
        (["UPDATE events SET recorded_at = 0 WHERE position = 1025"], 1025),
        (
            [
                "DELETE FROM events WHERE position = 1025",
                "UPDATE events SET recorded_at = 0 WHERE position = 1026",
            ],
            1026,
        ),
    ],
)
def test_times_that_run_backwards(store: Store, statements: list[str], position: int) -> None:
    fill(store, 1030, views=False)
    attack(store, *statements)
    assert backwards(store) == [("altered", position)]
    # Views that were made since have the leaf that is there now.
    if len(statements) == 1:
        with Ledger.open(store.url) as ledger:
            ledger.audit.head()
        assert backwards(store) == [("altered", position)]


def backwards(store: Store) -> list[tuple[str, int | None]]:
    return [
        (one.kind, one.position)
        for one in verify(store).findings
        if one.message == "it was recorded before the event before it"
    ]


def test_an_event_behind_one_that_was_set_forward_is_not_blamed(store: Store) -> None:
    fill(store, 60)
    attack(store, "UPDATE events SET recorded_at = recorded_at + 9000000 WHERE position = 20")
    assert verify(store).findings == (finding("altered", 20, ALTERED),)


# How many


@pytest.mark.parametrize("views", [True, False])
def test_findings_beyond_the_most_are_counted(store: Store, views: bool) -> None:
    fill(store, 1200, views=views)
    attack(store, "UPDATE events SET meta = x'00'")
    found = verify(store)
    assert len(found.findings) == MOST
    assert found.more == 200
    told_at = [one.position or 0 for one in found.findings]
    assert told_at == sorted(set(told_at))
    assert {one.kind for one in found.findings} == {"altered"}
    gave_up = "the log differs from its stored tree in more places than are told"
    assert found.notes == ((gave_up, NO_CHECKPOINT) if views else (NO_CHECKPOINT, NO_TREE))


# Erasures


@pytest.fixture
def erased(store: Store) -> Store:
    """A log in which event 1 was erased, as event 3 says."""
    with Ledger.open(store.url) as ledger:
        ledger.init(ORIGIN)
        entry = ledger.create(DAY, "Ida Moll sails", actor="Ann", contexts=("Ida Moll",)).entry
        ledger.edit(entry, actor="Ben", headline="Ferry sails", contexts=("Ferries",))
        ledger.erase(entry, [1], "a court", actor="Cy", reason="an order")
        ledger.create(DAY, "Tide rises", actor="Ann")
        ledger.views.status()
    return store


@pytest.mark.parametrize("position", [3, 4])
@pytest.mark.parametrize("views", [True, False])
def test_an_erasure_that_cannot_be_read_stops_nothing(
    erased: Store, position: int, views: bool
) -> None:
    if not views:
        erased.drop_views()
    attack(
        erased,
        "UPDATE events SET content = CAST(substr(content, 1, 16) || x'c1' AS BLOB) "
        f"WHERE position = {position}",
        "UPDATE events SET meta = x'00' WHERE position = 5",
    )
    found = told(verify(erased))
    assert ("altered", position, None) in found
    assert ("altered", 5, None) in found


def test_content_that_came_back_is_told(erased: Store) -> None:
    attack(erased, "UPDATE events SET content = x'00' WHERE position = 1")
    assert told(verify(erased)) == [("altered", 1, None)]


# Anything


EVERYTHING = "SELECT * FROM events ORDER BY position"


@on_both(
    60,
    st.lists(st.sampled_from(sorted(workshop.ATTACKS)), min_size=1, max_size=3),
    st.integers(0, 2**32),
    st.booleans(),
)
def test_what_was_damaged_never_looks_sound(
    store: Store, attacks: list[str], seed: int, views: bool
) -> None:
    random = Random(seed)
    with closing(store.another()) as other:
        given = checkpoint(fill(other, 24, views=views))
        with other.log() as db:
            before = db.execute(EVERYTHING).fetchall()
            for name in attacks:
                # One may undo another, or be of an event that is no longer there.
                with suppress(sqlite3.IntegrityError, psycopg.IntegrityError, TypeError):
                    workshop.ATTACKS[name](db, random.randrange(1, 25), random)
            after = db.execute(EVERYTHING).fetchall()
        found = verify(other, given)
    assert found.sound == (before == after) == found.checkpoints[0].holds
