"""The `eventsourcing` library's own recorder tests, and its way of making infrastructure."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import TestCase
from uuid import UUID

import pytest
from eventsourcing.persistence import (
    InfrastructureFactory,
    InfrastructureFactoryError,
    StoredEvent,
)
from eventsourcing.tests import persistence as cases

from ledger.errors import StoreNotFound
from ledger.store.log import LogEvent, LogRecorder, PollingSubscription
from ledger.store.mapper import EventMapper
from ledger.store.sqlite import SQLiteFactory, SQLiteRecorder
from ledger.store.urls import SQLiteURL, parse_store_url

ENTRY = UUID("20200102-aaaa-8aaa-8aaa-aaaaaaaaaaaa")


def new_recorder(case: TestCase) -> SQLiteRecorder:
    folder = tempfile.TemporaryDirectory()
    case.addCleanup(folder.cleanup)
    recorder = SQLiteRecorder(SQLiteURL(Path(folder.name) / "news.db"))
    case.addCleanup(recorder.close)
    recorder.create()
    return recorder


class TestApplicationRecorder(cases.ApplicationRecorderTestCase[SQLiteRecorder]):
    def create_recorder(self) -> SQLiteRecorder:
        return new_recorder(self)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNonInterleaving(cases.NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> SQLiteRecorder:
        return new_recorder(self)


@pytest.fixture
def factory(url: str) -> Iterator[SQLiteFactory]:
    made = InfrastructureFactory.construct(
        {"PERSISTENCE_MODULE": "ledger.store.sqlite", "LEDGER_STORE": url}
    )
    assert isinstance(made, SQLiteFactory)
    with closing(made):
        yield made


def test_factory_makes_our_recorder_and_mapper(factory: SQLiteFactory, url: str) -> None:
    recorder = factory.application_recorder()
    assert type(recorder) is SQLiteRecorder
    assert recorder.url == parse_store_url(url)
    assert type(factory.mapper()) is EventMapper
    assert type(factory.aggregate_recorder()) is SQLiteRecorder


def test_factory_closes_the_recorders_it_made(factory: SQLiteFactory, tmp_path: Path) -> None:
    recorder = factory.application_recorder()
    recorder.create()
    recorder.head()
    assert (tmp_path / "news.db-wal").exists()
    factory.close()
    # The last connection to close takes the write-ahead log away.
    assert not (tmp_path / "news.db-wal").exists()


def test_factory_falls_back_to_the_default_store() -> None:
    factory = InfrastructureFactory.construct({"PERSISTENCE_MODULE": "ledger.store.sqlite"})
    assert isinstance(factory, SQLiteFactory)
    assert factory.application_recorder().path == Path("ledger.db").absolute()


def test_snapshots_tracking_and_processes_are_refused(factory: SQLiteFactory) -> None:
    with pytest.raises(InfrastructureFactoryError, match=r"^a ledger keeps no snapshots$"):
        factory.aggregate_recorder("snapshots")
    with pytest.raises(
        InfrastructureFactoryError, match=r"^use ledger\.projections to track positions$"
    ):
        factory.tracking_recorder()
    with pytest.raises(
        InfrastructureFactoryError, match=r"^use ledger\.projections to process events$"
    ):
        factory.process_recorder()


@pytest.fixture
def recorder(factory: SQLiteFactory) -> LogRecorder:
    return factory.application_recorder()


def stored(version: int, topic: str = "a") -> StoredEvent:
    return StoredEvent(ENTRY, version, topic, b"state")


def test_notifications_by_topic_are_found_across_many_others(
    recorder: LogRecorder,
) -> None:
    recorder.insert_events([stored(n, "b" if n in {5, 9} else "a") for n in range(1, 12)])
    found = recorder.select_notifications(1, 2, topics=["b"])
    assert [(event.id, event.topic) for event in found] == [(5, "b"), (9, "b")]
    assert [event.id for event in recorder.select_notifications(6, 2, topics=["b"])] == [9]
    assert [event.id for event in recorder.select_notifications(1, 2, 8, topics=["b"])] == [5]


def test_an_entry_s_events_are_selected_as_the_library_asks(recorder: LogRecorder) -> None:
    recorder.insert_events([stored(n) for n in range(6)])

    def versions(**asked: Any) -> list[int]:
        return [event.originator_version for event in recorder.select_events(ENTRY, **asked)]

    assert versions() == [0, 1, 2, 3, 4, 5]
    assert versions(gt=1, lte=3) == [2, 3]
    assert versions(desc=True, limit=2) == [5, 4]
    assert versions(lte=3, desc=True, limit=1) == [3]
    assert versions(gt=2, limit=2) == [3, 4]
    assert versions(gt=5) == []


def test_no_events_are_no_insert(recorder: LogRecorder) -> None:
    recorder.create()
    assert recorder.insert_events([]) == []
    assert recorder.max_notification_id() is None


def test_ids_may_be_texts_and_notifications_carry_the_whole_row(
    recorder: LogRecorder,
) -> None:
    recorder.insert_events([StoredEvent(str(ENTRY), 1, "a", b"state")])
    (event,) = recorder.select_notifications(None, 10)
    assert isinstance(event, LogEvent)
    (row,) = recorder.read(0, 10)
    assert event == LogEvent(ENTRY, 1, "a", b"state", 1, b"", row.recorded_at)


def test_subscription_sees_what_another_recorder_writes(
    factory: SQLiteFactory, recorder: LogRecorder
) -> None:
    recorder.insert_events([stored(1)])
    other = factory.application_recorder()
    with recorder.subscribe(gt=1) as subscription:
        assert isinstance(subscription, PollingSubscription)
        other.insert_events([stored(2), stored(3)])
        assert [next(subscription).id, next(subscription).id] == [2, 3]


def test_subscription_hands_its_error_to_whoever_iterates(recorder: LogRecorder) -> None:
    with recorder.subscribe() as subscription, pytest.raises(StoreNotFound, match="no ledger at"):
        next(subscription)
