"""Rebuilds: what they prove, what they leave alone, and what stands in their way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest

from ledger import Ledger, Projection
from ledger.errors import InvalidInput, StoreNotFound
from ledger.projections.places import place_of
from ledger.projections.records import RebuildProof, ViewStatus
from ledger.projections.views import Views
from tests.projections.desk import (
    DAY,
    NAMES,
    digests,
    fill,
    generation,
    one_generation,
    projected_anew,
    write_many,
)
from tests.stores import Store


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """The 7 events of `fill`."""
    fill(url)
    with Ledger.open(url) as ledger:
        yield ledger


def full(url: str) -> None:
    """Store 167 events of every type, of 43 entries."""
    ids = [*fill(url), *write_many(url, 40, 3)]
    assert len(ids) == 43
    with Ledger.open(url) as ledger:
        ledger.correct(ids[3], "It was late.", actor="Ann")
        ledger.merge(ids[4], ids[3], actor="Ann")
        ledger.reinstate(ids[1], actor="Ben")
        ledger.revert(ids[5], 1, actor="Ben")


def proven(status: tuple[ViewStatus, ...], same: bool | None) -> tuple[RebuildProof, ...]:
    return tuple(RebuildProof(one, same) for one in status)


# Proofs


def test_a_rebuild_proves_that_it_says_the_same(ledger: Ledger, store: Store) -> None:
    before = ledger.views.status()
    for _ in range(2):
        old = store.serving()
        proofs = ledger.rebuild()
        assert proofs == proven(before, True)
        assert [proof.status.name for proof in proofs] == list(NAMES)
        assert {proof.status.position for proof in proofs} == {7}
        assert store.serving() != old
        assert one_generation(store)
        assert ledger.views.status() == before


def test_a_first_rebuild_has_nothing_to_compare_with(ledger: Ledger, store: Store) -> None:
    assert store.serving() is None
    first = ledger.rebuild()
    assert first == proven(ledger.views.status(), None)
    store.drop_views()
    assert ledger.rebuild() == first
    assert ledger.rebuild() == proven(ledger.views.status(), True)


def test_an_empty_ledger_is_rebuilt(url: str) -> None:
    with Ledger.open(url) as ledger:
        ledger.init()
        first, again = ledger.rebuild(), ledger.rebuild()
    nothing = tuple(
        ViewStatus(name, schema, 0, 0, "0" * 64)
        for name, schema in zip(NAMES, (3, 3, 2, 1, 2, 2, 2, 1), strict=True)
    )
    assert (first, again) == (proven(nothing, None), proven(nothing, True))


@pytest.mark.parametrize(
    ("names", "rebuilt"),
    [
        (("current",), ["current"]),
        (("search", "changes"), ["changes", "search"]),
        (("days", "days"), ["days"]),
    ],
)
def test_a_rebuild_by_name_copies_the_others(
    ledger: Ledger, store: Store, names: tuple[str, ...], rebuilt: list[str]
) -> None:
    right = {status.name: status for status in ledger.views.status()}
    old = store.serving()
    with store.views() as db:
        for table in (*NAMES[:5], "texts", "flips", "edge"):
            db.execute(f"DELETE FROM {table}")
    wrong = {status.name: status for status in ledger.views.status()}
    assert all(right[name].rows > wrong[name].rows for name in NAMES)
    assert ledger.rebuild(names) == tuple(RebuildProof(right[name], False) for name in rebuilt)
    assert {status.name: status for status in ledger.views.status()} == {
        name: right[name] if name in rebuilt else wrong[name] for name in NAMES
    }
    assert store.serving() != old
    assert one_generation(store)
    assert [proof.same for proof in ledger.rebuild()] == [name in rebuilt for name in NAMES]
    assert list(ledger.check()) == []


def test_a_rebuild_compares_at_one_position_while_others_write(
    ledger: Ledger, url: str, store: Store, tmp_path: Path
) -> None:
    ledger.views.status()
    told: list[tuple[int, int]] = []
    seen: list[int] = []
    with (
        Ledger.open(url) as other,
        closing(Views(ledger.application, place_of(url), batch=5)) as views,
    ):

        def write(reached: int, aim: int) -> None:
            told.append((reached, aim))
            if len(told) <= 4:
                other.create(DAY, f"Crane {len(told)} falls", actor="Cy")
                seen.append(len(other.entries()))

        for names in ((), ("days", "search")):
            told.clear()
            proofs = views.rebuild(names, write)
            assert [proof.same for proof in proofs] == [True] * (len(names) or 8)
            assert len({proof.status.position for proof in proofs}) == 1
            # What came after the rebuild had begun is compared, too.
            assert proofs[0].status.position > told[0][1]
            head = ledger.application.log.head().position
            assert {status.position for status in views.status()} == {head}
    # Whoever read meanwhile knew all that had been written.
    assert seen == [4, 5, 6, 7, 8, 9, 10, 11]
    assert digests(url) == projected_anew(url, tmp_path / "other")


@pytest.mark.parametrize("batch", [1, 7, 5000])
def test_batches_of_any_size_rebuild_the_same(url: str, store: Store, batch: int) -> None:
    full(url)
    before = digests(url)
    with (
        Ledger.open(url) as ledger,
        closing(Views(ledger.application, place_of(url), batch=batch)) as views,
    ):
        assert views.rebuild() == proven(before, True)
        assert views.rebuild(("activity", "tree")) == proven(before[-2:], True)
        store.drop_views()
        assert views.rebuild() == proven(before, None)
        store.drop_views()
        assert views.status() == before
    assert {status.position for status in before} == {171}
    assert digests(url) == before


def test_names_that_there_are_not_are_refused(ledger: Ledger, store: Store) -> None:
    ledger.views.status()
    serving = store.serving()
    message = f"no projection is called 'nothing'; there are: {', '.join(NAMES)}"
    for ask in (ledger.rebuild, lambda names: list(ledger.check(names))):
        with pytest.raises(InvalidInput) as caught:
            ask(("current", "nothing"))
        assert str(caught.value) == message
    assert store.serving() == serving


def test_nothing_is_made_where_there_is_no_ledger(url: str, store: Store) -> None:
    with Ledger.open(url) as ledger:
        for ask in (ledger.rebuild, lambda: list(ledger.check())):
            with pytest.raises(StoreNotFound, match="there is no ledger"):
                ask()
    assert not store.exists()
    assert store.generations() == []


# What stands in its way


@pytest.mark.parametrize("names", [(), ("changes",)])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_rebuild_that_is_stopped_leaves_the_old_views_serving(
    ledger: Ledger, url: str, store: Store, names: tuple[str, ...], error: type[BaseException]
) -> None:
    before = ledger.views.status()
    old = store.serving()

    def stop(reached: int, aim: int) -> None:
        assert len(store.generations()) == 2
        raise error

    with pytest.raises(error):
        ledger.rebuild(names, stop)
    assert store.serving() == old
    assert one_generation(store)
    assert ledger.views.status() == before == digests(url)
    assert {proof.same for proof in ledger.rebuild(names)} == {True}


class Crooked(Projection):
    """Its tables cannot be made."""

    name = "crooked"
    ddl = ("CREATE TABLE crooked (a INTEGER)", "CREATE TABLE days (a INTEGER)")
    tables: ClassVar[dict[str, str]] = {"crooked": "a"}


@pytest.mark.parametrize("names", [(), ("crooked",)])
def test_tables_that_cannot_be_made_leave_the_old_views_serving(
    ledger: Ledger, url: str, store: Store, names: tuple[str, ...]
) -> None:
    before = ledger.views.status()
    old = store.serving()
    ledger.register(Crooked())
    with pytest.raises(
        InvalidInput,
        match=r"^the projection crooked cannot make its tables: "
        r"(table days|relation \"days\") already exists$",
    ):
        ledger.rebuild(names)
    assert len(ledger.entries()) == 3
    assert store.serving() == old
    assert one_generation(store)
    assert digests(url) == before
    assert [proof.status.name for proof in ledger.rebuild(("days",))] == ["days"]


FULL = """
import json, resource, sys
from ledger import Ledger
from ledger.errors import StoreFull
with Ledger.open(sys.argv[1]) as ledger:
    print(len(ledger.entries()))
    # Python ignores the signal that comes with it, so a write beyond the limit fails.
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
    for _ in range(2):
        try:
            ledger.rebuild(sys.argv[3:])
        except StoreFull as error:
            print(str(error).count("make room"))
        print(len(ledger.entries()))
"""


@pytest.mark.parametrize("names", [(), ("search",)])
def test_a_disk_that_fills_leaves_the_old_views_serving(
    url: str, store: Store, log: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    full(url)
    before = digests(url)
    old, content = generation(log), generation(log).read_bytes()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", FULL, url, str(len(content) // 2), *names],
        # A measurement of coverage could not write its own file either.
        env={k: v for k, v in os.environ.items() if "COVERAGE" not in k}
        | {"TMPDIR": str(elsewhere)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert (ran.stderr, ran.returncode) == ("", 0)
    assert ran.stdout.split() == ["43", "1", "43", "1", "43"]
    assert (generation(log), old.read_bytes()) == (old, content)
    assert one_generation(store)
    assert list(elsewhere.iterdir()) == []
    assert digests(url) == before
    with Ledger.open(url) as ledger:
        assert {proof.same for proof in ledger.rebuild(names)} == {True}
