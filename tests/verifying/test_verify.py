"""Verify, where all is well: what holds, what is told, and that nothing is written."""

from __future__ import annotations

import tracemalloc
from contextlib import closing
from pathlib import Path
from random import Random
from threading import Event, Thread

import pytest

from ledger import Ledger
from ledger.audit import notes as signing
from ledger.audit.checkpoints import Checkpoint
from ledger.audit.findings import HeldAgainst, Verification
from ledger.audit.merkle import root_of
from ledger.errors import AuditError, BadSignature
from tests.audit.evidence import LOG, ORIGIN, STRANGE, WITNESS, signed
from tests.projections.desk import DAY, generation
from tests.stores import Store
from tests.verifying.logs import (
    NO_CHECKPOINT,
    NO_KEY,
    NO_TREE,
    attack,
    checkpoint,
    entry_at,
    fill,
    fill_tree,
    told,
    verify,
)

SIZES = (0, 1, 255, 256, 257, 512, 600)
MANY = (0, 1, 2, 255, 256, 257, 600, 1023, 1024, 1025, 1279, 1280, 1281, 1300)


def sound(leaves: list[bytes], *held: HeldAgainst, notes: tuple[str, ...]) -> Verification:
    """Return what comes of a log with these leaves, in which nothing is wrong."""
    return Verification(
        sound=True,
        origin=ORIGIN,
        size=len(leaves),
        root=root_of(leaves).hex(),
        entries=len({entry_at(n) for n in range(1, len(leaves) + 1)}),
        checkpoints=held,
        findings=(),
        more=0,
        erased={},
        notes=notes,
    )


@pytest.mark.parametrize("size", SIZES)
def test_a_sound_log_without_views(store: Store, size: int) -> None:
    leaves = fill(store, size, views=False)
    notes = (NO_CHECKPOINT, NO_TREE) if size else (NO_CHECKPOINT,)
    assert verify(store) == sound(leaves, notes=notes)
    assert store.generations() == []


def test_the_root_is_the_one_that_is_signed(store: Store) -> None:
    with Ledger.open(store.url) as ledger:
        for size in SIZES[1:]:
            # The tree is that of the size before.
            leaves = fill(store, size, views=False)
            before = ledger.audit.verify()
            assert before.root == ledger.audit.head().root
            assert before.notes == ((NO_CHECKPOINT, NO_TREE) if size == 1 else (NO_CHECKPOINT,))
            assert ledger.audit.verify() == sound(leaves, notes=(NO_CHECKPOINT,))


@pytest.mark.parametrize("jobs", [1, 2])
def test_checkpoints_of_many_sizes_hold(store: Store, jobs: int) -> None:
    leaves = fill_tree(store, 1300)
    given = [checkpoint(leaves, size) for size in MANY]
    Random(3).shuffle(given)
    held = (HeldAgainst(size, (), holds=True) for size in MANY)
    assert verify(store, *given, jobs=jobs) == sound(leaves, *held, notes=(NO_KEY,))
    # So they do where there is no tree.
    store.drop_views()
    assert verify(store, *given).checkpoints == tuple(HeldAgainst(n, (), holds=True) for n in MANY)


def test_what_came_after_the_checkpoint_is_told(store: Store) -> None:
    leaves = fill(store, 20)
    for size in (0, 15):
        assert verify(store, checkpoint(leaves, size)) == sound(
            leaves,
            HeldAgainst(size, (), holds=True),
            notes=(f"no checkpoint vouches for what came after event {size}", NO_KEY),
        )


def test_who_signed_is_told(store: Store) -> None:
    leaves = fill(store, 20)
    bodies = [Checkpoint(ORIGIN, n, root_of(leaves[:n])).body for n in (20, 8, 20)]
    both, one, strange = (
        signing.encode_note(signed(body, *by))
        for body, by in zip(bodies, ((LOG, WITNESS), (LOG, STRANGE), (STRANGE,)), strict=True)
    )
    known = (WITNESS.verifier, LOG.verifier)
    assert verify(store, both, one, known=known) == sound(
        leaves,
        HeldAgainst(8, (ORIGIN,), holds=True),
        HeldAgainst(20, (ORIGIN, "wit.example"), holds=True),
        notes=(),
    )
    assert verify(store, both).notes == (NO_KEY,)
    with pytest.raises(AuditError) as caught:
        verify(store, both, strange, known=known)
    assert str(caught.value) == (
        "the checkpoint cannot be used: none of the keys given has signed: signed by "
        "strange.example"
    )
    broken = both.replace(b"\n20\n", b"\n19\n")
    with pytest.raises(AuditError) as caught:
        verify(store, broken, known=known)
    assert str(caught.value) == (
        f"the checkpoint cannot be used: the signature of {ORIGIN} does not hold"
    )
    assert isinstance(caught.value.__cause__, BadSignature)


def test_a_checkpoint_of_another_ledger_is_refused(store: Store) -> None:
    fill(store, 5)
    with pytest.raises(AuditError) as caught:
        verify(store, Checkpoint("other.example", 5, bytes(32)).body.encode())
    assert str(caught.value) == (
        f"the checkpoint is of other.example, not of this ledger, {ORIGIN}"
    )


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_is_that_of_both_readings(store: Store, jobs: int) -> None:
    fill_tree(store, 1300)
    steps: list[tuple[int, int]] = []
    verify(store, jobs=jobs, progress=lambda done, total: steps.append((done, total)))
    assert {total for _, total in steps} == {2600}
    assert steps == sorted(steps)
    assert [done for done, _ in steps[:2]] == [1024, 1300]
    assert steps[-1][0] == 2600


# Nothing is written


@pytest.mark.parametrize("lag", [0, 7])
@pytest.mark.parametrize("options", [{}, {"jobs": 2}, {"with_views": True}], ids=str)
def test_nothing_is_written(store: Store, lag: int, options: dict[str, int]) -> None:
    leaves = fill(store, 60 - lag)
    leaves = fill(store, 60, views=False)
    before = store.content()
    assert verify(store, checkpoint(leaves), **options).sound
    assert store.content() == before


def test_nothing_is_mended(store: Store) -> None:
    leaves = fill(store, 60)
    attack(store, "UPDATE events SET meta = x'00' WHERE position IN (5, 60)")
    with store.views() as db:
        db.execute(f"UPDATE edge SET hash = x'{bytes(32).hex()}' WHERE number = 20")
    before = store.content()
    first = verify(store, checkpoint(leaves))
    assert not first.sound
    assert store.content() == before
    assert verify(store, checkpoint(leaves)) == first


# Beside others


def test_a_writer_goes_on_meanwhile(store: Store) -> None:
    fill(store, 300)
    stop, written = Event(), []

    def write() -> None:
        with Ledger.open(store.url) as ledger:
            while not stop.wait(0.01):
                written.append(ledger.create(DAY, "Ferry sails", actor="Ann").position)

    writer = Thread(target=write)
    writer.start()
    try:
        found = [verify(store, jobs=1 + n % 2) for n in range(4)]
    finally:
        stop.set()
        writer.join()
    assert [one.findings for one in found] == [()] * 4
    sizes = [one.size for one in found]
    assert sizes == sorted(sizes)
    assert 300 <= sizes[0] < sizes[-1] <= written[-1]
    with Ledger.open(store.url) as ledger:
        assert [one.root for one in found] == [ledger.audit.head(size).root for size in sizes]


@pytest.mark.parametrize("views", [True, False])
def test_what_was_erased_is_told_and_still_holds(store: Store, views: bool) -> None:
    with Ledger.open(store.url) as ledger:
        ledger.init(ORIGIN)
        one, other = (
            ledger.create(DAY, "Ida Moll sails", actor="Ida Moll", summary="Ida").entry
            for _ in range(2)
        )
        for entry in (one, other):
            ledger.edit(entry, actor="Ben", headline="Ferry sails", summary="It sails.")
        before = ledger.audit.checkpoint()
        ledger.erase(one, [1], "a court", actor="Cy", reason="an order")
        ledger.erase(other, [1, 2], "Ida", actor="Cy", reason="a request", text=False, names=True)
        ledger.erase(other, [1], "Ida", actor="Cy", reason="another")
        if views:
            ledger.views.status()
        after = ledger.audit.verify([before.body.encode()])
    assert after.findings == ()
    # Of what a later erasure took away, too, the later one is told; it restates the others.
    assert after.erased == {1: 5, 2: 9, 4: 7, 8: 9}
    assert after.checkpoints == (HeldAgainst(4, (), holds=True),)
    assert after.entries == 2
    assert after.size == 10


# Views that cannot testify


def test_views_of_another_ledger_do_not_testify(store: Store) -> None:
    leaves = fill(store, 20)
    with store.views() as db:
        db.execute("UPDATE generation SET ledger = 'another'")
    assert verify(store) == sound(leaves, notes=(NO_CHECKPOINT, NO_TREE))


def test_damaged_views_do_not_testify_and_are_let_be(store: Store, log: Path) -> None:
    leaves = fill(store, 20)
    generation(log).write_bytes(b"these are no views" * 1000)
    before = store.content()
    found = verify(store, checkpoint(leaves))
    assert told(found) == [("view drift", None, None)]
    assert found.findings[0].message == f"the views in {store.views_place} are damaged"
    assert found.notes == (NO_KEY, NO_TREE)
    assert store.content() == before


# Memory


def peak(store: Store, given: bytes) -> int:
    """Return how many bytes a verification holds at most."""
    tracemalloc.start()
    try:
        with closing(Ledger.open(store.url)) as ledger:
            found = ledger.audit.verify([given])
        assert told(found) in ([], [("altered", found.size, None)])
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_log(store: Store) -> None:
    few_of, many_of = sizes = [(store.another(), size) for size in (2_000, 10_000)]
    given = {size: checkpoint(fill_tree(one, size)) for one, size in sizes}
    few, many = (peak(one, given[size]) for one, size in (few_of, many_of))
    assert many - few < 1_000_000
    # Nor where it has to be told what is wrong.
    for one, _ in sizes:
        attack(
            one,
            "UPDATE events SET meta = x'00' WHERE position = (SELECT max(position) FROM events)",
        )
    few, many = (peak(one, given[size]) for one, size in (few_of, many_of))
    assert many - few < 1_000_000
