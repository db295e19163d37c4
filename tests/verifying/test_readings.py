"""The readings: every event once, in one process or in several, and nothing left behind."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import strategies as st

from ledger import Ledger
from ledger.audit.sections import ByEntry, ByPosition
from ledger.projections.places import place_of
from ledger.store.application import LedgerApplication
from ledger.store.rows import Row
from ledger.verifying.readings import SECTION, Reader, Readings
from tests.properties import on_both
from tests.stores import Store
from tests.verifying.logs import attack, fill, fill_tree, verify

SIZE = 2 * SECTION + 300
FAR = 10**15 + 7


@contextmanager
def reading(store: Store, jobs: int, tree: str | None = None) -> Iterator[Readings]:
    """Lend readings of a log."""
    with (
        closing(LedgerApplication(store.url)) as application,
        closing(Readings(application, tree, jobs)) as readings,
    ):
        yield readings


def by_position(store: Store, jobs: int, *sizes: int, tree: str | None = None) -> list[ByPosition]:
    with reading(store, jobs, tree) as readings, closing(LedgerApplication(store.url)) as opened:
        return list(readings.by_position(opened.log.head().position, sizes))


def by_entry(store: Store, jobs: int, head: int) -> tuple[list[ByEntry], list[int]]:
    told: list[int] = []
    with reading(store, jobs) as readings:
        return list(readings.by_entry(head, told.append)), told


def test_sections_follow_each_other(store: Store) -> None:
    leaves = fill_tree(store, SIZE)
    found = by_position(store, 1, 700, SIZE, tree=store.serving())
    assert [(one.low, one.count) for one in found] == [
        (0, SECTION),
        (SECTION, SECTION),
        (2 * SECTION, 300),
    ]
    assert [len(one.tiles) for one in found] == [SECTION // 256, SECTION // 256, 1]
    assert not any(one.differs or one.has_gaps or one.backwards for one in found)
    assert [one.cuts for one in found] == [
        {700: leaves[512:700]},
        {},
        {SIZE: leaves[2 * SECTION + 256 :]},
    ]


def test_two_processes_find_what_one_finds(store: Store) -> None:
    fill_tree(store, SIZE)
    attack(
        store,
        "UPDATE events SET meta = x'00' WHERE position IN (77, 1500)",
        "DELETE FROM events WHERE position = 2000",
        "UPDATE events SET recorded_at = recorded_at - 9000000 WHERE position = 2200",
    )
    tree = store.serving()
    one, two = (by_position(store, jobs, 700, 2048, tree=tree) for jobs in (1, 2))
    assert one == two
    assert [section.differs for section in one] == [True, True, True]
    (all_,), told = by_entry(store, 1, SIZE)
    several, told_in_ranges = by_entry(store, 2, SIZE)
    assert len(several) > 2
    assert (sum(part.entries for part in several), sum(part.events for part in several)) == (
        all_.entries,
        all_.events,
    )
    assert [finding for part in several for finding in part.findings] == all_.findings
    assert len(all_.findings) == 3
    assert all_.events == SIZE - 1
    assert told[-1] == told_in_ranges[-1] == SIZE - 1
    assert told_in_ranges == sorted(told_in_ranges)
    assert verify(store, jobs=1) == verify(store, jobs=2)


def test_events_behind_the_head_are_not_read(store: Store) -> None:
    fill(store, 40, views=False)
    for jobs in (1, 2):
        found, told = by_entry(store, jobs, 20)
        assert sum(part.events for part in found) == told[-1] == 20
        assert [finding for part in found for finding in part.findings] == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_where_no_events_are_nothing_is_read(store: Store, jobs: int) -> None:
    fill(store, 600, views=False)
    attack(
        store,
        f"UPDATE events SET position = {FAR} WHERE position = 600",
        f"UPDATE events SET position = {FAR // 2 // SECTION * SECTION} WHERE position = 599",
    )
    found = by_position(store, jobs)
    assert [(one.low, one.count, one.has_gaps) for one in found] == [
        (0, 598, False),
        (FAR // 2 // SECTION * SECTION - SECTION, 1, True),
        (FAR // SECTION * SECTION, 1, True),
    ]
    sections, told = by_entry(store, jobs, FAR)
    assert sum(part.events for part in sections) == told[-1] == 600


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_log_without_events(store: Store, jobs: int) -> None:
    fill(store, 0, views=False)
    assert by_position(store, jobs, 0) == []
    assert by_entry(store, jobs, 0)[0] == [ByEntry()]


entries = st.integers(0, 9).map(lambda number: sha256(b"%d" % number).digest()[:16])


@on_both(40, st.lists(entries, max_size=80), st.integers(2, 4))
def test_ranges_hold_every_entry_once(store: Store, owners: list[bytes], jobs: int) -> None:
    with closing(store.another()) as other, Ledger.open(other.url) as ledger:
        ledger.init()
        ledger.application.log.load(
            [
                Row(n, owner, owners[:n].count(owner), "Any@1", 0, b"m", b"c")
                for n, owner in enumerate(owners, 1)
            ]
        )
        application, head = ledger.application, len(owners)
        with closing(Readings(application, None, jobs)) as readings:
            ranges = list(readings._ranges(head))
        reader = Reader(application, None)
        parts = [reader.by_entry(bounds, head) for bounds in ranges]
    assert ranges[0][0] == b""
    assert ranges[-1][1] is None
    assert [high for _, high in ranges[:-1]] == [low for low, _ in ranges[1:]]
    assert sum(part.entries for part in parts) == len(set(owners))
    assert sum(part.events for part in parts) == head


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("jobs", [1, 2])
def test_nothing_is_left_behind_also_where_it_is_broken_off(store: Store, jobs: int) -> None:
    fill_tree(store, 3 * SECTION)
    verify(store, jobs=jobs)
    # The tracker that Python keeps for processes stays.
    before = open_files()
    verify(store, jobs=jobs)
    with reading(store, jobs, store.serving()) as readings:
        assert next(iter(readings.by_position(3 * SECTION, ()))).low == 0
        assert next(iter(readings.by_entry(3 * SECTION, lambda _: None))).entries > 0
    assert open_files() == before
    assert multiprocessing.active_children() == []


def test_processes_find_a_log_whose_name_was_relative(
    store: Store, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, 30)
    monkeypatch.chdir(log.parent)
    with Ledger.open(f"sqlite:///{log.name}") as ledger:
        assert ledger.audit.verify().sound
        monkeypatch.chdir(log.parent.parent)
        assert ledger.audit.verify(jobs=1) == ledger.audit.verify(jobs=2)


def test_the_tree_is_read_as_it_lies(store: Store) -> None:
    fill_tree(store, 300)
    with (
        closing(LedgerApplication(store.url)) as application,
        closing(place_of(store.url)) as place,
        closing(place.generation(store.serving() or "")) as tree,
    ):
        fill(store, 400, views=False)
        assert not Reader(application, tree).by_position(0, 400, ()).differs
        attack(store, "UPDATE events SET meta = x'00' WHERE position = 300")
        assert Reader(application, tree).by_position(0, 400, ()).differs
        assert not Reader(application, tree).by_position(0, 299, ()).differs
        assert not Reader(application, None).by_position(0, 400, ()).differs
