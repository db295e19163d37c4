"""Connections: how they are set, shared and waited for, and what comes of those that are lost."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier, Event

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError

from ledger.domain.events import EntryErased
from ledger.errors import StoreBusy, StoreUnreachable
from ledger.store.erasures import blanked
from ledger.store.mapper import EventMapper
from ledger.store.postgres import PostgresRecorder
from ledger.store.postgres.connections import connect
from ledger.store.rows import Blank, NewRow
from ledger.store.urls import PostgresURL, parse_store_url
from tests.store.postgres.conftest import A, B, Db, new
from tests.store.test_mapper import event
from tests.stores import PostgresStore

Opened = Callable[..., PostgresRecorder]


def settings(url: str) -> list[str]:
    found = parse_store_url(url)
    assert isinstance(found, PostgresURL)
    names = ("search_path", "lock_timeout", "synchronous_commit", "application_name")
    with closing(connect(found)) as db:
        return [str(db.execute(f"SHOW {name}".encode()).fetchone()) for name in names]


def test_what_a_connection_is_set_to(postgres_store: PostgresStore) -> None:
    store, off = postgres_store, "-csynchronous_commit=off"
    same = ["('pg_catalog',)", "('1500ms',)"]
    options = {"timeout": "1.5"}
    assert settings(store.with_options(**options)) == [*same, "('on',)", "('ledger',)"]
    options |= {"application_name": "desk"}
    # Off is for who asks for it here, whatever the server is set to; more than on stays.
    assert settings(store.with_options(**options, options=off)) == [*same, "('on',)", "('desk',)"]
    remote = store.with_options(**options, options="-csynchronous_commit=remote_apply")
    assert settings(remote) == [*same, "('remote_apply',)", "('desk',)"]
    normal = store.with_options(**options, synchronous="normal")
    assert settings(normal) == [*same, "('off',)", "('desk',)"]


def backends(db: Db, recorder: PostgresRecorder) -> int:
    name = recorder.url.conninfo.rpartition("application_name=")[2]
    found = db.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (name,)
    )
    (count,) = found.fetchone() or (0,)
    return int(count)


def test_threads_share_as_many_connections_as_are_allowed(
    recorder: PostgresRecorder, opened: Opened, postgres_store: PostgresStore, db: Db
) -> None:
    name = postgres_store.schema
    shared = opened(postgres_store.with_options(pool="2", application_name=name))
    start = Barrier(8)

    def use(number: int) -> int:
        start.wait()
        return max(len(shared.read(0, 10)) for _ in range(20))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(8))) == [3] * 8
    assert 1 <= backends(db, shared) <= 2


def test_one_who_waits_too_long_for_a_connection_is_told(
    recorder: PostgresRecorder, opened: Opened, postgres_store: PostgresStore
) -> None:
    shared = opened(postgres_store.with_options(pool="1", timeout="0.1"))
    with shared._lent(), pytest.raises(StoreBusy) as caught:
        shared.head()
    assert str(caught.value) == (
        "all 1 connections of this process were in use for 0.1 s: try again, or allow more with "
        "?pool="
    )
    assert shared.head().position == 3


def test_one_who_waits_too_long_for_the_log_is_told(
    recorder: PostgresRecorder, opened: Opened, postgres_store: PostgresStore, db: Db
) -> None:
    other = opened(postgres_store.with_options(timeout="0.1"))
    with db.transaction():
        db.execute("SELECT FROM head FOR UPDATE")
        with pytest.raises(StoreBusy) as caught:
            other.append([new(A, 3)])
    assert str(caught.value) == (
        f"{other.url.place} is held by another process: try again; nothing was stored "
        "(canceling statement due to lock timeout)"
    )
    assert other.append([new(A, 3)]).first == 4


def terminate(db: Db, connection: psycopg.Connection[object]) -> None:
    db.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))


def test_a_connection_that_died_idle_is_replaced(recorder: PostgresRecorder, db: Db) -> None:
    with recorder._lent() as connection:
        pass
    terminate(db, connection)
    assert recorder.append([new(A, 3)]).first == 4
    with recorder._lent() as connection:
        pass
    terminate(db, connection)
    assert recorder.head().position == 4


def test_what_was_on_its_way_is_not_sent_again(
    recorder: PostgresRecorder, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, asked = recorder._fetch, 0

    def broken(connection: psycopg.Connection[object], *query: object) -> object:
        nonlocal asked
        asked += 1
        if asked == 1:
            terminate(db, connection)
        return fetch(connection, *query)  # type: ignore[arg-type]

    monkeypatch.setattr(recorder, "_fetch", broken)
    with pytest.raises(StoreUnreachable) as caught:
        recorder.append([new(A, 3)])
    assert "nothing was stored" not in str(caught.value)
    assert asked == 1
    asked = 0
    # A reading does no harm, so it is.
    assert recorder.head().position == 3
    assert asked == 2


@pytest.mark.parametrize(
    "error", [psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected]
)
def test_what_was_surely_not_stored_is_sent_again(
    recorder: PostgresRecorder, monkeypatch: pytest.MonkeyPatch, error: type[psycopg.Error]
) -> None:
    stored, sent = recorder._stored, 0

    def unlucky(*given: object) -> object:
        nonlocal sent
        sent += 1
        if sent < 3:
            raise error
        return stored(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(recorder, "_stored", unlucky)
    assert recorder.append([new(A, 3)]).first == 4
    assert sent == 3


def test_why_an_append_is_refused(recorder: PostgresRecorder) -> None:
    recorder.append([new(A, 3), new(A, 4)], {B: 1})
    twice = 'duplicate key value violates unique constraint "events_entry_version_key"'
    with pytest.raises(IntegrityError, match=f"^{twice}$"):
        recorder.append([new(A, 4)])
    with pytest.raises(IntegrityError, match=r"^ledger: an entry that was looked at has moved on"):
        recorder.append([new(B, 2)], {A: 2})
    assert recorder.append([]).first == 6
    assert recorder.append([new(B, 2)], {A: 4}).first == 6
    assert [row.position for row in recorder.read(3, 9)] == [4, 5, 6]


def in_child(recorder: PostgresRecorder, version: int) -> None:
    first = recorder.append([new(A, version)]).first
    recorder.close()
    os._exit(0 if first == version + 1 else 1)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_leaves_the_parent_s_connections_alone(
    recorder: PostgresRecorder,
) -> None:
    with recorder._lent() as connection:
        pass
    child = multiprocessing.get_context("fork").Process(target=in_child, args=(recorder, 3))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert recorder.head().position == 4
    with recorder._lent() as same:
        assert same is connection


def test_a_recorder_that_was_closed_keeps_no_connections(
    recorder: PostgresRecorder, opened: Opened, postgres_store: PostgresStore, db: Db
) -> None:
    other = opened(postgres_store.with_options(application_name=f"{postgres_store.schema}_x"))
    other.close()
    assert other.head().position == 3
    while backends(db, other):
        pass


def test_a_watch_hears_of_an_append_and_looks_by_itself_where_its_line_is_cut(
    recorder: PostgresRecorder, postgres_store: PostgresStore, db: Db
) -> None:
    with closing(recorder.watch()) as watch:
        stop = Event()
        watch.wait(stop)
        connection = vars(watch)["_connection"]
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(watch.wait, stop)
            recorder.append([new(A, 3)])
            waiting.result(20)
        terminate(db, connection)
        watch.wait(stop)
        assert vars(watch)["_connection"] is None
        watch.wait(stop)
        assert vars(watch)["_connection"] is not None


def erasure(version: int, *positions: int) -> NewRow:
    lines = tuple(blanked(position, "content", "00" * 32) for position in positions)
    data = EntryErased(authority="Court", blanked=lines)
    return EventMapper().to_row(event(data, version))._replace(entry=A)


def test_a_purge_leaves_nothing_of_it_in_the_table(
    recorder: PostgresRecorder, postgres_store: PostgresStore, opened: Opened
) -> None:
    # One in the row itself, one in the table beside it.
    secrets = [b"A lock opens", os.urandom(8).hex().encode() * 500]
    recorder.append([new(A, 3, secrets[0]), new(A, 4, secrets[1])])
    words = [secret[:12].decode() for secret in secrets]
    impatient = opened(postgres_store.with_options(timeout="0.1"))
    other = postgres_store.server.connect()
    with closing(other):
        # Somebody still sees what was.
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1")
        recorder.erase([erasure(5, 4, 5)], [Blank(4, "content"), Blank(5, "content")], 5)
        with pytest.raises(StoreBusy, match="because somebody is reading what was"):
            impatient.purge()
        assert postgres_store.found(words) >= {words[0]}
        other.execute("COMMIT")
    recorder.purge()
    assert postgres_store.found(words) == set()
    assert [row.content for row in recorder.read(3, 2)] == [b"", b""]


def test_a_purge_waits_for_who_reads_in_passing(
    recorder: PostgresRecorder, postgres_store: PostgresStore, db: Db
) -> None:
    def file() -> object:
        return db.execute("SELECT pg_relation_filepath('events')").fetchone()

    recorder.append([new(A, 3, b"A lock opens")])
    before = file()
    other = postgres_store.server.connect()
    with closing(other), ThreadPoolExecutor() as pool:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1")
        recorder.erase([erasure(4, 4)], [Blank(4, "content")], 4)
        purging = pool.submit(recorder.purge)
        while file() == before and not purging.done():
            pass
        # It was written anew, in vain.
        assert not purging.done()
        other.execute("COMMIT")
        purging.result()
    assert postgres_store.found(["A lock opens"]) == set()


def test_a_reader_of_the_table_holds_up_a_purge(
    recorder: PostgresRecorder, opened: Opened, postgres_store: PostgresStore, db: Db
) -> None:
    other = opened(postgres_store.with_options(timeout="0.1"))
    with db.transaction():
        db.execute("SELECT FROM events")
        with pytest.raises(StoreBusy, match=": what was erased may still lie in it"):
            other.purge()
    other.purge()
