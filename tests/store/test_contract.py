"""What every back end of the log promises."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier, Event

import pytest
from eventsourcing.persistence import IntegrityError

from ledger.errors import ReadOnlyCopy, StoreNotFound
from ledger.store.identity import Identity
from ledger.store.log import Integrity, LogRecorder
from ledger.store.rows import Appended, Head, NewRow, Row
from tests.store.recorders import HandClock, recorder_of


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def recorder(url: str, clock: HandClock) -> Iterator[LogRecorder]:
    with closing(recorder_of(url, clock)) as opened:
        opened.create()
        yield opened


def entry(number: int) -> bytes:
    return number.to_bytes(16, "big")


def new(number: int, version: int, content: bytes = b"content") -> NewRow:
    return NewRow(entry(number), version, "EntryEdited@1", b"meta", content)


def positions(rows: list[Row]) -> list[int]:
    return [row.position for row in rows]


def test_an_empty_log_has_no_end_and_no_events(recorder: LogRecorder) -> None:
    assert recorder.head() == Head(0, 0)
    assert recorder.read(0, 10) == []
    assert recorder.read_entry(entry(1)) == []
    assert recorder.find_entries(bytes(16), b"\xff" * 16, 10) == []


def test_an_identity_is_given_once(recorder: LogRecorder, clock: HandClock) -> None:
    first = recorder.identity()
    clock.now += 1
    assert recorder.create("another.example/name") == first
    assert recorder.identity() == first
    assert len(bytes.fromhex(first.id)) == 16
    assert first.origin == f"ledger-{first.id[:8]}"
    assert first.created_at == 1_700_000_000_000_000


def test_an_origin_is_kept(url: str) -> None:
    with closing(recorder_of(url)) as recorder:
        assert recorder.create("desk.example/news").origin == "desk.example/news"
        assert recorder.identity().origin == "desk.example/news"


def test_positions_have_no_gaps_and_rows_come_back_as_given(
    recorder: LogRecorder, clock: HandClock
) -> None:
    first_time = clock.now
    assert recorder.append([new(1, 1), new(2, 1, b"")]) == Appended(1, first_time, 0)
    clock.now += 5
    assert recorder.append([new(1, 2, b"\x00\xff")]) == Appended(3, first_time + 5, 0)
    assert recorder.read(0, 10) == [
        Row(1, entry(1), 1, "EntryEdited@1", first_time, b"meta", b"content"),
        Row(2, entry(2), 1, "EntryEdited@1", first_time, b"meta", b""),
        Row(3, entry(1), 2, "EntryEdited@1", first_time + 5, b"meta", b"\x00\xff"),
    ]
    assert recorder.head() == Head(3, first_time + 5)


def test_nothing_appended_is_nothing_stored(recorder: LogRecorder) -> None:
    recorder.append([new(1, 1)])
    assert recorder.append([]).first == 2
    assert recorder.head().position == 1


def test_time_never_runs_backwards(recorder: LogRecorder, clock: HandClock) -> None:
    latest = clock.now
    recorder.append([new(1, 1)])
    clock.now -= 3_000_000
    assert recorder.append([new(1, 2)]) == Appended(2, latest, 3_000_000)
    clock.now = latest
    assert recorder.append([new(1, 3)]) == Appended(3, latest, 0)
    clock.now += 1
    assert recorder.append([new(1, 4)]) == Appended(4, latest + 1, 0)
    assert [row.recorded_at for row in recorder.read(0, 9)] == [latest] * 3 + [latest + 1]


@pytest.mark.parametrize(
    "rows",
    [
        [new(1, 1)],
        [new(1, 2)],
        [new(2, 1), new(1, 2)],
        [new(1, 2), new(2, 1)],
        [new(2, 1), new(1, 3), new(1, 3)],
    ],
)
def test_a_version_twice_is_a_conflict_and_stores_nothing(
    recorder: LogRecorder, rows: list[NewRow]
) -> None:
    recorder.append([new(1, 1), new(1, 2)])
    before = recorder.read(0, 10)
    with pytest.raises(IntegrityError):
        recorder.append(rows)
    assert recorder.read(0, 10) == before
    # No hole is left: the next event takes the next position.
    assert recorder.append([new(1, 3)]).first == 3


def test_an_append_is_all_or_nothing_where_the_caller_fails(recorder: LogRecorder) -> None:
    recorder.append([new(1, 1)])
    broken = NewRow(entry(3), 1, "EntryEdited@1", b"meta", None)  # type: ignore[arg-type]
    with pytest.raises(IntegrityError):
        recorder.append([new(2, 1), broken])
    assert positions(recorder.read(0, 10)) == [1]
    assert recorder.append([new(2, 1)]).first == 2


@pytest.mark.parametrize(
    ("after", "limit", "upto", "expected"),
    [
        (0, 100, None, [1, 2, 3, 4, 5]),
        (0, 2, None, [1, 2]),
        (2, 2, None, [3, 4]),
        (4, 2, None, [5]),
        (5, 2, None, []),
        (9, 2, None, []),
        (0, 0, None, []),
        (1, 100, 3, [2, 3]),
        (1, 1, 3, [2]),
        (3, 100, 3, []),
        (4, 100, 2, []),
        (0, 100, 0, []),
        (0, 100, 99, [1, 2, 3, 4, 5]),
    ],
)
def test_read_takes_a_section(
    recorder: LogRecorder, after: int, limit: int, upto: int | None, expected: list[int]
) -> None:
    recorder.append([new(1, version) for version in range(1, 6)])
    assert positions(recorder.read(after, limit, upto)) == expected


def test_read_entry_takes_one_entry_in_order_of_versions(recorder: LogRecorder) -> None:
    recorder.append([new(1, 1), new(2, 1), new(1, 2), new(2, 2), new(1, 3)])
    assert positions(recorder.read_entry(entry(1))) == [1, 3, 5]
    assert positions(recorder.read_entry(entry(1), 1)) == [3, 5]
    assert positions(recorder.read_entry(entry(1), 3)) == []
    assert positions(recorder.read_entry(entry(3))) == []


def test_find_entries_takes_ids_between_two_each_once(recorder: LogRecorder) -> None:
    recorder.append([new(n, version) for n in (9, 3, 5, 7) for version in (1, 2)])
    assert recorder.find_entries(entry(3), entry(7), 10) == [entry(3), entry(5), entry(7)]
    assert recorder.find_entries(entry(3), entry(7), 2) == [entry(3), entry(5)]
    assert recorder.find_entries(entry(4), entry(4), 2) == []
    assert recorder.find_entries(entry(4), entry(6), 2) == [entry(5)]


def test_many_threads_lose_nothing_and_leave_no_hole(recorder: LogRecorder) -> None:
    threads, appends, batch = 12, 15, 4
    start = Barrier(threads)

    def write(writer: int) -> list[int]:
        start.wait()
        return [
            recorder.append(
                [new(writer, number * batch + step) for step in range(1, batch + 1)]
            ).first
            for number in range(appends)
        ]

    with ThreadPoolExecutor(threads) as pool:
        firsts = list(pool.map(write, range(threads)))
    rows = recorder.read(0, 10_000)
    assert positions(rows) == list(range(1, threads * appends * batch + 1))
    for writer, mine in enumerate(firsts):
        assert [row.version for row in rows if row.entry == entry(writer)] == list(
            range(1, appends * batch + 1)
        )
        # Each append lies together, where its answer said.
        for first in mine:
            assert {row.entry for row in rows[first - 1 : first - 1 + batch]} == {entry(writer)}


def test_one_of_many_threads_wins_a_version(recorder: LogRecorder) -> None:
    threads, versions = 8, 20
    start = Barrier(threads)

    def write(writer: int) -> list[int]:
        start.wait()
        won = []
        for version in range(1, versions + 1):
            try:
                recorder.append([new(1, version, bytes([writer]))])
                won.append(version)
            except IntegrityError:
                pass
        return won

    with ThreadPoolExecutor(threads) as pool:
        won = list(pool.map(write, range(threads)))
    assert sorted(version for mine in won for version in mine) == list(range(1, versions + 1))
    for row in recorder.read(0, 1000):
        assert row.version in won[row.content[0]]


APPENDS = 40
EACH = sum(number % 3 + 1 for number in range(APPENDS))


def append_some(url: str, writer: int) -> None:
    """Append 1, 2, 3, 1, 2, 3, ... events at a time; this runs in a process of its own."""
    with closing(recorder_of(url)) as recorder:
        version = 1
        for number in range(APPENDS):
            rows = [new(writer, version + step) for step in range(number % 3 + 1)]
            recorder.append(rows)
            version += len(rows)


def test_a_reader_that_tails_many_processes_sees_each_event_once_in_order(
    url: str, recorder: LogRecorder
) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=append_some, args=(url, number)) for number in range(3)]
    for writer in writers:
        writer.start()
    tail: list[Row] = []
    while True:
        # Asked before the read, so that the last read comes after the last write.
        working = any(writer.is_alive() for writer in writers)
        rows = recorder.read(len(tail), 7)
        tail += rows
        if not working and not rows:
            break
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert positions(tail) == list(range(1, 3 * EACH + 1))
    assert tail == recorder.read(0, 10_000)
    for number in range(3):
        mine = [row.version for row in tail if row.entry == entry(number)]
        assert mine == list(range(1, EACH + 1))
    times = [row.recorded_at for row in tail]
    assert times == sorted(times)


def test_processes_that_come_and_go_neither_hide_nor_lose_events(
    url: str, recorder: LogRecorder
) -> None:
    """A process stays where it is, reading and writing, while others come, write and leave."""
    recorder.append([new(9, 1)])
    assert recorder.head().position == 1
    spawn = multiprocessing.get_context("spawn")
    expected = 1
    for visit in range(2):
        visitor = spawn.Process(target=append_some, args=(url, visit))
        visitor.start()
        visitor.join()
        assert visitor.exitcode == 0
        expected += EACH
        assert recorder.head().position == expected
        expected += 1
        assert recorder.append([new(9, visit + 2)]).first == expected
    recorder.close()
    assert positions(recorder.read(0, 10_000)) == list(range(1, expected + 1))


def test_an_append_is_refused_where_what_was_looked_at_has_moved(recorder: LogRecorder) -> None:
    seen, other = b"s" * 16, b"o" * 16
    recorder.append([NewRow(seen, 1, "EntryCreated@1", b"m", b"c")])
    new = NewRow(other, 1, "EntryCreated@1", b"m", b"c")
    for version in (0, 2):
        with pytest.raises(IntegrityError):
            recorder.append([new], {seen: version})
    assert recorder.head().position == 1
    assert recorder.append([new], {seen: 1}).first == 2


def test_a_copy_takes_nothing_but_by_load_until_it_is_promoted(url: str, clock: HandClock) -> None:
    identity = Identity("ab" * 16, "desk.example/news", 5)
    with closing(recorder_of(url, clock)) as copy:
        assert copy.create("another.example", identity) == identity
        assert copy.is_copy()
        with pytest.raises(ReadOnlyCopy, match="is a copy"):
            copy.append([new(1, 1)])
        with pytest.raises(ReadOnlyCopy, match="is a copy"):
            copy.erase([new(1, 1)], [], 0)
        copy.load([Row(1, entry(1), 1, "EntryEdited@1", 7, b"meta", b"\x00")])
        assert (copy.promote(), copy.is_copy(), copy.promote()) == (True, False, False)
        assert copy.append([new(1, 2)]) == Appended(2, clock.now, 0)
        assert copy.identity() == identity


def test_a_load_keeps_everything_and_is_all_or_nothing(recorder: LogRecorder) -> None:
    rows = [
        Row(1, entry(1), 1, "EntryCreated@1", 7, b"meta", b"\x00\xff"),
        Row(2, entry(2), 0, "EntryEdited@9", 7, b"", b""),
        Row(3, entry(1), 2, "EntryEdited@1", 2**60, b"meta", b"c"),
    ]
    recorder.load(rows)
    assert recorder.read(0, 10) == rows
    follows = Row(4, entry(1), 3, "EntryEdited@1", 2**60, b"m", b"c")
    for wrong in (
        follows._replace(position=5),
        follows._replace(position=3),
        follows._replace(version=2),
        follows._replace(version=4),
        follows._replace(recorded_at=2**60 - 1),
        follows._replace(entry=entry(3), version=2),
        follows._replace(entry=b"short"),
    ):
        with pytest.raises(IntegrityError):
            recorder.load([follows, follows._replace(position=5, version=4), wrong])
        with pytest.raises(IntegrityError):
            recorder.load([wrong])
    assert recorder.read(0, 10) == rows
    recorder.load([follows])
    assert recorder.read(3, 10) == [follows]


def test_events_by_entry_and_version(recorder: LogRecorder) -> None:
    recorder.append([new(2, 1), new(1, 1), new(3, 1), new(1, 2), new(2, 2)])

    def read(after: tuple[bytes, int], before: bytes | None, limit: int) -> list[int]:
        return positions(recorder.read_by_entry(after, before, limit))

    assert read((b"", 0), None, 10) == [2, 4, 1, 5, 3]
    assert read((entry(1), 1), None, 2) == [4, 1]
    assert read((entry(1), 2), entry(3), 10) == [1, 5]
    assert read((entry(3), 1), None, 10) == []


def test_a_sound_store_has_nothing_wrong(recorder: LogRecorder) -> None:
    recorder.append([new(1, 1)])
    assert recorder.integrity() == Integrity([], [])


def test_a_watch_returns_where_there_is_something_new_or_somebody_stops_it(
    url: str, recorder: LogRecorder
) -> None:
    stop = Event()
    with closing(recorder.watch()) as watch, closing(recorder_of(url)) as other:
        seen = 0
        for version in (1, 2, 3):
            other.append([new(1, version)])
            while recorder.head().position == seen:
                watch.wait(stop)
            seen = recorder.head().position
        stop.set()
        watch.wait(stop)
        watch.wait(stop)
    assert seen == 3


def test_an_older_log_is_brought_up_and_one_that_is_not_there_is_not_found(url: str) -> None:
    with closing(recorder_of(url)) as recorder:
        with pytest.raises(StoreNotFound, match="there is no ledger"):
            recorder.upgrade()
        with pytest.raises(StoreNotFound, match="there is no ledger"):
            recorder.promote()
        recorder.create()
        before, after = recorder.upgrade()
        assert before == after
