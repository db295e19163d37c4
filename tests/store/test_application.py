"""`LedgerApplication`: events appended and read back, and positions found by time."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from eventsourcing.persistence import IntegrityError
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.events import (
    EntryCreated,
    EntryEdited,
    EntryRetracted,
    Event,
    Meta,
    RecordedEvent,
)
from ledger.errors import InvalidStoreURL, StoreNotFound
from ledger.store.application import LedgerApplication
from ledger.store.rows import to_microseconds
from ledger.store.sqlite import SQLiteRecorder
from tests.conftest import NOW
from tests.stores import Store

A = UUID("20240501-aaaa-8aaa-8aaa-aaaaaaaaaaaa")
B = UUID("20240501-bbbb-8bbb-8bbb-bbbbbbbbbbbb")

META = Meta(actor="Ann", published_at=NOW, command=UUID(int=1))


class HandClock:
    """Says the time that it was set to, in the place of the store's clock."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return to_microseconds(self.now)

    def put_into(self, application: LedgerApplication) -> None:
        vars(application.log)["_clock"] = self


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def application(url: str, clock: HandClock) -> Iterator[LedgerApplication]:
    with LedgerApplication(url) as opened:
        clock.put_into(opened)
        yield opened


def created(entry: UUID) -> Event:
    data = EntryCreated(date=date(2024, 5, 1), headline="A", slug="a", edition="en", language="en")
    return Event(entry, 1, META, data)


def edited(entry: UUID, version: int) -> Event:
    return Event(entry, version, META, EntryEdited(topic=f"t{version}"))


def positions(events: Iterator[RecordedEvent]) -> list[int]:
    return [event.position for event in events]


def test_events_are_returned_as_recorded_and_read_back_the_same(
    application: LedgerApplication, clock: HandClock
) -> None:
    first, second = created(A), created(B)
    recorded = application.append([first, second])
    assert recorded == [
        RecordedEvent(A, 1, META, first.data, 1, NOW),
        RecordedEvent(B, 1, META, second.data, 2, NOW),
    ]
    clock.now += timedelta(microseconds=1)
    third = application.append([edited(A, 2)])
    assert [(event.position, event.recorded_at) for event in third] == [(3, clock.now)]
    assert list(application.read()) == recorded + third


def test_a_history_is_one_entry_s(application: LedgerApplication) -> None:
    application.append([created(A), created(B), edited(A, 2), edited(B, 2), edited(A, 3)])
    assert [(e.entry, e.version, e.position) for e in application.history(A)] == [
        (A, 1, 1),
        (A, 2, 3),
        (A, 3, 5),
    ]
    assert [event.version for event in application.history(A, after=2)] == [3]
    assert application.history(A, after=3) == []
    assert application.history(UUID(int=0)) == []


def test_a_conflict_stores_nothing(application: LedgerApplication) -> None:
    application.append([created(A)])
    with pytest.raises(IntegrityError):
        application.append([created(B), created(A)])
    assert positions(application.read()) == [1]


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize(
    ("after", "upto", "expected"),
    [
        (0, None, [1, 2, 3, 4, 5, 6, 7]),
        (3, None, [4, 5, 6, 7]),
        (7, None, []),
        (9, None, []),
        (0, 4, [1, 2, 3, 4]),
        (2, 5, [3, 4, 5]),
        (2, 2, []),
        (5, 2, []),
        (0, 0, []),
        (5, 99, [6, 7]),
    ],
)
def test_reads_forwards_and_backwards_across_batches(
    application: LedgerApplication,
    monkeypatch: pytest.MonkeyPatch,
    batch: int,
    after: int,
    upto: int | None,
    expected: list[int],
) -> None:
    monkeypatch.setattr("ledger.store.application.BATCH", batch)
    application.append([created(A), *(edited(A, version) for version in range(2, 8))])
    assert positions(application.read(after, upto)) == expected
    assert positions(application.read(after, upto, reverse=True)) == expected[::-1]


def test_an_empty_log_reads_as_nothing(application: LedgerApplication) -> None:
    application.log.create()
    assert list(application.read()) == []
    assert list(application.read(reverse=True)) == []
    assert application.position_at(NOW) == 0


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-3, 3), max_size=12), st.lists(st.integers(-15, 15), max_size=8))
def test_positions_by_time_are_those_of_a_scan(steps: list[int], asked: list[int]) -> None:
    clock = HandClock()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/news.db?synchronous=normal"
        with LedgerApplication(url) as application:
            clock.put_into(application)
            application.log.create()
            for version, step in enumerate(steps, 1):
                clock.now += timedelta(microseconds=step)
                application.append([edited(A, version)])
            events = list(application.read())
            times = [event.recorded_at for event in events]
            assert times == sorted(times)
            moments = [NOW + timedelta(microseconds=offset) for offset in asked]
            for moment in moments + times:
                naive = sum(recorded_at <= moment for recorded_at in times)
                assert application.position_at(moment) == naive


Warned = Callable[[], list[tuple[str, str]]]


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Warned:
    caplog.set_level(logging.DEBUG, logger="ledger")
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


def test_a_clock_far_behind_is_told(
    application: LedgerApplication, clock: HandClock, warned: Warned
) -> None:
    application.append([created(A)])
    clock.now -= timedelta(hours=2, microseconds=5)
    (event,) = application.append([edited(A, 2)])
    assert event.recorded_at == NOW
    ((level, message),) = warned()
    assert level == "WARNING"
    assert message == (
        "the clock is 2:00:00.000005 behind the last event: set it right; "
        "until then events are recorded at that event's time"
    )


def test_a_clock_a_little_behind_is_not_worth_a_word(
    application: LedgerApplication, clock: HandClock, warned: Warned
) -> None:
    application.append([created(A)])
    clock.now -= timedelta(seconds=1)
    application.append([edited(A, 2)])
    assert warned() == []
    clock.now -= timedelta(microseconds=1)
    application.append([edited(A, 3)])
    assert len(warned()) == 1


def test_the_process_s_environment_picks_no_other_store(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.db"
    for prefix in ("", "LEDGER_"):
        monkeypatch.setenv(f"{prefix}PERSISTENCE_MODULE", "eventsourcing.popo")
        monkeypatch.setenv(f"{prefix}IS_SNAPSHOTTING_ENABLED", "yes")
        monkeypatch.setenv(f"{prefix}CIPHER_TOPIC", "no.such:Cipher")
        monkeypatch.setenv(f"{prefix}COMPRESSOR_TOPIC", "zlib")
    monkeypatch.setenv("LEDGER_STORE", f"sqlite:///{other}")
    monkeypatch.setenv("LEDGER_LEDGER_STORE", f"sqlite:///{other}")
    with LedgerApplication(sqlite_url) as application:
        application.append([Event(A, 1, META, EntryRetracted())])
        assert isinstance(application.log, SQLiteRecorder)
        (row,) = application.log.read(0, 9)
        assert row.content[16:] == b"\x80"
    assert (tmp_path / "news.db").exists()
    assert not other.exists()


def test_a_url_is_checked_before_anything_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidStoreURL):
        LedgerApplication("news.db")
    assert list(tmp_path.iterdir()) == []


def test_reading_makes_no_ledger(application: LedgerApplication, store: Store) -> None:
    with pytest.raises(StoreNotFound):
        list(application.read())
    assert not store.exists()
