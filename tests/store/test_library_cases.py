"""The `eventsourcing` library's own recorder tests, and its way of making infrastructure."""

from __future__ import annotations

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
from ledger.store.factory import LogFactory
from ledger.store.log import LogEvent, LogRecorder, PollingSubscription
from ledger.store.mapper import EventMapper
from ledger.store.postgres import PostgresRecorder
from ledger.store.sqlite import SQLiteFactory, SQLiteRecorder
from ledger.store.urls import parse_store_url
from tests.store.recorders import recorder_of
from tests.stores import PostgresStore, SQLiteStore, Store

ENTRY = UUID("20200102-aaaa-8aaa-8aaa-aaaaaaaaaaaa")


class Recorders(TestCase):
    """Gives the library's cases recorders, each of a new ledger."""

    store: Store

    def create_recorder(self) -> Any:
        recorder = recorder_of(self.store.another().url)
        self.addCleanup(recorder.close)
        recorder.create()
        return recorder


class OnSQLite(Recorders):
    @pytest.fixture(autouse=True)
    def _give_store(self, tmp_path: Path) -> None:
        self.store = SQLiteStore(tmp_path / "news.db")


class OnPostgres(Recorders):
    @pytest.fixture(autouse=True)
    def _give_store(self, postgres_store: PostgresStore) -> None:
        self.store = postgres_store


class Subscribing(cases.ApplicationRecorderTestCase[Any]):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestSQLiteRecorder(OnSQLite, Subscribing):
    pass


class TestPostgresRecorder(OnPostgres, Subscribing):
    pass


class TestSQLiteNonInterleaving(OnSQLite, cases.NonInterleavingNotificationIDsBaseCase):
    pass


class TestPostgresNonInterleaving(OnPostgres, cases.NonInterleavingNotificationIDsBaseCase):
    pass


del Subscribing

MODULES = {"sqlite": "ledger.store.sqlite", "postgres": "ledger.store.postgres"}


@pytest.fixture
def factory(store: Store) -> Iterator[LogFactory]:
    made = InfrastructureFactory.construct(
        {"PERSISTENCE_MODULE": MODULES[store.kind], "LEDGER_STORE": store.url}
    )
    assert isinstance(made, LogFactory)
    with closing(made):
        yield made


def test_factory_makes_our_recorder_and_mapper(factory: LogFactory, url: str) -> None:
    recorder = factory.application_recorder()
    assert isinstance(recorder, SQLiteRecorder | PostgresRecorder)
    assert recorder.url == parse_store_url(url)
    assert type(factory.mapper()) is EventMapper
    assert type(factory.aggregate_recorder()) is type(recorder)


def test_factory_closes_the_recorders_it_made(sqlite_url: str, tmp_path: Path) -> None:
    factory = InfrastructureFactory.construct(
        {"PERSISTENCE_MODULE": "ledger.store.sqlite", "LEDGER_STORE": sqlite_url}
    )
    assert isinstance(factory, SQLiteFactory)
    recorder = factory.application_recorder()
    recorder.create()
    recorder.head()
    assert (tmp_path / "news.db-wal").exists()
    factory.close()
    # The last connection to close takes the write-ahead log away.
    assert not (tmp_path / "news.db-wal").exists()


@pytest.mark.parametrize(
    ("kind", "url", "message"),
    [
        ("sqlite", "postgresql://desk/news", "postgresql://desk/news names no SQLite file"),
        ("postgres", "sqlite:///news.db", "sqlite:///news.db is not on PostgreSQL"),
    ],
)
def test_a_factory_makes_recorders_of_its_kind_alone(kind: str, url: str, message: str) -> None:
    factory = InfrastructureFactory.construct(
        {"PERSISTENCE_MODULE": MODULES[kind], "LEDGER_STORE": url}
    )
    with pytest.raises(InfrastructureFactoryError) as caught:
        factory.application_recorder()
    assert str(caught.value) == message


def test_factory_falls_back_to_the_default_store() -> None:
    factory = InfrastructureFactory.construct({"PERSISTENCE_MODULE": "ledger.store.sqlite"})
    assert isinstance(factory, SQLiteFactory)
    recorder = factory.application_recorder()
    assert isinstance(recorder, SQLiteRecorder)
    assert recorder.path == Path("ledger.db").absolute()


def test_snapshots_tracking_and_processes_are_refused(factory: LogFactory) -> None:
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
def recorder(factory: LogFactory) -> LogRecorder:
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
    factory: LogFactory, recorder: LogRecorder
) -> None:
    recorder.insert_events([stored(1)])
    other = factory.application_recorder()
    with recorder.subscribe(gt=1) as subscription:
        assert isinstance(subscription, PollingSubscription)
        other.insert_events([stored(2), stored(3)])
        assert [next(subscription).id, next(subscription).id] == [2, 3]


def test_subscription_hands_its_error_to_whoever_iterates(recorder: LogRecorder) -> None:
    with recorder.subscribe() as subscription, pytest.raises(StoreNotFound, match="no ledger"):
        next(subscription)
