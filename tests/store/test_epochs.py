"""An epoch lasts as long as nobody else writes; in it, an append need not look first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
from eventsourcing.persistence import IntegrityError

from ledger.errors import ReadOnlyCopy
from ledger.store.identity import Identity
from ledger.store.log import Basis, LogRecorder, OthersWrote
from ledger.store.rows import Blank, NewRow
from ledger.store.sqlite import SQLiteRecorder
from tests.store.recorders import HandClock, Make, recorder_of


@pytest.fixture
def recorder(url: str) -> Iterator[LogRecorder]:
    with closing(recorder_of(url)) as opened:
        opened.create()
        yield opened


@pytest.fixture
def other(url: str) -> Iterator[LogRecorder]:
    with closing(recorder_of(url)) as opened:
        yield opened


def new(number: int, version: int, type_: str = "EntryEdited@1") -> NewRow:
    return NewRow(number.to_bytes(16, "big"), version, type_, b"meta", b"content")


def settled(recorder: LogRecorder) -> int:
    """Return the epoch after an append, which a recorder's first one may begin."""
    recorder.append([new(99, 1)])
    return recorder.epoch()


def test_an_epoch_lasts_as_long_as_nobody_else_writes(recorder: LogRecorder) -> None:
    epoch = settled(recorder)
    for version in range(1, 4):
        recorder.append([new(1, version)], epoch=epoch)
        recorder.read(0, 10)
        assert recorder.epoch() == epoch


def test_others_end_an_epoch(recorder: LogRecorder, other: LogRecorder) -> None:
    epoch = settled(recorder)
    other.append([new(2, 1)])
    assert recorder.epoch() != epoch
    assert recorder.epoch() == recorder.epoch()


def test_an_append_of_an_epoch_that_is_over_is_refused(
    recorder: LogRecorder, other: LogRecorder
) -> None:
    epoch = settled(recorder)
    other.append([new(2, 1)])
    with pytest.raises(OthersWrote):
        recorder.append([new(1, 1)], epoch=epoch)
    assert recorder.head().position == 2
    assert recorder.append([new(1, 1)]).first == 3
    now = recorder.epoch()
    assert recorder.append([new(1, 2)], epoch=now).first == 4


def test_an_erasure_ends_an_epoch(recorder: LogRecorder) -> None:
    settled(recorder)
    recorder.append([new(1, 1)])
    epoch = recorder.epoch()
    erased = NewRow(new(1, 2).entry, 2, "EntryErased@1", b"m", b"@2 content 00")
    recorder.erase([erased], [Blank(2, "content")], 2)
    assert recorder.epoch() != epoch


def test_another_file_in_its_place_ends_an_epoch(make: Make, path: Path) -> None:
    recorder = make()
    epoch = settled(recorder)
    kept = path.with_name("kept.db")
    with closing(sqlite3.connect(path)) as db:
        db.execute("VACUUM INTO ?", (str(kept),))
    recorder.append([new(99, 2)])
    kept.replace(path)
    with pytest.raises(OthersWrote):
        recorder.append([new(1, 1)], epoch=epoch)
    assert recorder.append([new(1, 1)]).first == 2


def test_a_file_put_back_under_who_only_writes_is_written_as_it_is(make: Make, path: Path) -> None:
    recorder = make()
    recorder.append([new(1, 1)])
    kept = path.with_name("kept.db")
    with closing(sqlite3.connect(path)) as db:
        db.execute("VACUUM INTO ?", (str(kept),))
    recorder.append([new(1, 2)])
    kept.replace(path)
    assert recorder.append([new(2, 1)]).first == 2
    assert [row.entry for row in recorder.read(0, 9)] == [new(1, 1).entry, new(2, 1).entry]


def test_in_an_epoch_an_append_is_one_statement(make: Make) -> None:
    recorder = make()
    epoch = settled(recorder)
    said = statements(recorder)
    recorder.append([new(1, 1), new(1, 2)], epoch=epoch)
    # Each row's trigger says so again.
    assert {sql.split()[0] for sql in said} - {"--"} == {"INSERT"}
    del said[:]
    # What was looked at is looked at once more.
    recorder.append([new(2, 1)], {new(1, 1).entry: 2}, epoch)
    assert said[0] == "BEGIN IMMEDIATE"
    assert [row.position for row in recorder.read(0, 9)] == [1, 2, 3, 4]


def statements(recorder: SQLiteRecorder) -> list[str]:
    """Return a list that statements of the connection that writes are added to."""
    found: list[str] = []
    writer = recorder.file.writer
    assert writer is not None
    writer.set_trace_callback(found.append)
    return found


def test_why_an_append_in_an_epoch_is_refused(recorder: LogRecorder) -> None:
    recorder.append([new(1, 1)])
    epoch = recorder.epoch()
    for rows, seen in (
        ([new(2, 1), new(1, 1)], {}),
        ([new(1, 3)], {}),
        ([new(5, 1)], {new(1, 1).entry: 2}),
    ):
        with pytest.raises(IntegrityError) as caught:
            recorder.append(rows, seen, epoch)
        assert not isinstance(caught.value, OthersWrote)
    # Nothing of it was stored, and the epoch goes on.
    assert recorder.append([new(2, 1)], epoch=epoch).first == 2


def test_what_was_read_of_an_entry_has_to_be_there(
    recorder: LogRecorder, other: LogRecorder
) -> None:
    recorder.append([new(1, 1)])
    epoch = recorder.epoch()
    (row,) = recorder.read(0, 9)
    basis = Basis(row.entry, row.version, row.position, row.recorded_at)
    assert recorder.append([new(1, 2)], upon=[basis]).first == 2
    for wrong in (
        basis._replace(entry=new(2, 1).entry),
        basis._replace(version=3),
        basis._replace(position=2),
        basis._replace(recorded_at=row.recorded_at - 1),
    ):
        for so in (None, epoch):
            with pytest.raises(OthersWrote, match="another log has come into its place"):
                recorder.append([new(1, 3)], epoch=so, upon=[basis, wrong])
    # Others may write on.
    other.append([new(2, 1)])
    assert recorder.append([new(1, 3)], upon=[basis]).first == 4


def test_a_clock_that_goes_back_is_held_up(url: str) -> None:
    clock = HandClock()
    with closing(recorder_of(url, clock)) as recorder:
        epoch = settled(recorder)
        clock.now -= 7_000
        appended = recorder.append([new(1, 1)], epoch=epoch)
    assert appended == (2, clock.now + 7_000, 7_000)


def test_a_copy_takes_nothing_in_an_epoch_that_began_before(make: Make, path: Path) -> None:
    recorder = make()
    epoch = settled(recorder)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO copy VALUES (5, 0)")
    with pytest.raises(ReadOnlyCopy):
        recorder.append([new(1, 1)], epoch=epoch)


def test_many_events_in_an_epoch(make: Make) -> None:
    recorder = make()
    epoch = settled(recorder)
    recorder.append([new(1, version) for version in range(1, 251)], epoch=epoch)
    recorder.append([new(2, 1)], epoch=epoch)
    assert recorder.head().position == 252


def test_a_last_event_of_a_type_that_is_no_text_is_followed_all_the_same(
    make: Make, path: Path
) -> None:
    recorder = make()
    recorder.append([new(1, 1)])
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("DROP TRIGGER events_are_never_changed")
        db.execute("UPDATE events SET type = CAST(x'ff' AS TEXT)")
        db.commit()
    assert recorder.append([new(1, 2)]).first == 2


def test_a_copy_takes_nothing(make: Make) -> None:
    recorder = make()
    recorder.create(copy_of=Identity("ab" * 16, "desk.example/news", 5))
    barrier = Barrier(4)

    def append(number: int) -> None:
        barrier.wait()
        with pytest.raises(ReadOnlyCopy):
            recorder.append([new(number, 1)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(4)))
    assert recorder.head().position == 0


def test_threads_write_together_and_get_each_its_own(recorder: LogRecorder) -> None:
    barrier = Barrier(8)

    def append(number: int) -> list[int]:
        barrier.wait()
        return [recorder.append([new(number, version)]).first for version in range(1, 21)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(append, range(8)))
    assert sorted(position for mine in found for position in mine) == list(range(1, 161))
    rows = recorder.read(0, 200)
    for number, mine in enumerate(found):
        assert [row.position for row in rows if row.entry[-1] == number] == mine
