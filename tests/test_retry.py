"""A connection that is lost in the middle of a command: neither lost nor doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from threading import Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest

from ledger import EditEntry, Ledger
from ledger.domain.commands import CreateEntry
from ledger.errors import Conflict, StoreUnreachable
from ledger.store.postgres import PostgresRecorder
from tests.postgres import OwnServer
from tests.stores import PostgresStore

COMMAND = UUID("00000000-0000-4000-8000-000000000001")


@pytest.fixture
def ledger(place: PostgresStore) -> Iterator[Ledger]:
    with Ledger.open(place.with_options(timeout="20")) as ledger:
        ledger.create(date(2021, 3, 4), "First", actor="Ann")
        yield ledger


Stored = Callable[..., Any]


class Line:
    """Breaks the connection around the next append: before the server has it, or after."""

    def __init__(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        assert isinstance(ledger.application.log, PostgresRecorder)
        self._stored: Stored = ledger.application.log._stored
        self._break: Callable[[psycopg.Connection[Any]], None] | None = None
        self._after = False
        self.appends = 0
        monkeypatch.setattr(ledger.application.log, "_stored", self)

    def breaks(self, *, after: bool, how: Callable[[psycopg.Connection[Any]], None]) -> None:
        self._break, self._after = how, after

    def __call__(self, connection: psycopg.Connection[Any], *given: Any) -> Any:
        self.appends += 1
        how, self._break = self._break, None
        if how is not None and not self._after:
            how(connection)
        appended = self._stored(connection, *given)
        if how is not None:
            how(connection)
            # The answer is on its way, and nobody hears it.
            connection.execute("SELECT 1")
        return appended


@pytest.fixture
def line(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(ledger, monkeypatch)


def terminate(server: OwnServer) -> Callable[[psycopg.Connection[Any]], None]:
    def how(connection: psycopg.Connection[Any]) -> None:
        with closing(server.connect()) as db:
            db.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))

    return how


def restart(server: OwnServer) -> Callable[[psycopg.Connection[Any]], None]:
    def how(connection: psycopg.Connection[Any]) -> None:
        server.kill()
        # Started while the command waits for it.
        thread = Thread(target=server.start)
        thread.start()

    return how


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("way", [terminate, restart])
def test_a_command_is_stored_once(
    ledger: Ledger, line: Line, server: OwnServer, after: bool, way: Callable[..., Any]
) -> None:
    entry = next(ledger.events()).entry
    line.breaks(after=after, how=way(server))
    done = ledger._handler.execute(
        [
            EditEntry(entry=entry, headline="Second", actor="Ann", id=COMMAND, expected_version=1),
            CreateEntry(date=date(2021, 3, 5), headline="Other", actor="Ann"),
        ]
    )
    assert [(event.position, event.version, is_new) for event, is_new in done] == [
        (2, 2, True),
        (3, 1, True),
    ]
    assert line.appends == (1 if after else 2)
    assert [event.position for event in ledger.events()] == [1, 2, 3]


def test_a_command_that_another_overtook_meanwhile_conflicts(
    ledger: Ledger, line: Line, place: PostgresStore, server: OwnServer
) -> None:
    entry = next(ledger.events()).entry

    def overtake(connection: psycopg.Connection[Any]) -> None:
        terminate(server)(connection)
        with Ledger.open(place.with_options()) as other:
            other.edit(entry, headline="Overtaken", actor="Ben")

    line.breaks(after=False, how=overtake)
    with pytest.raises(Conflict, match="is at version 2, not at 1 as expected"):
        ledger.edit(entry, headline="Second", actor="Ann", expected_version=1)
    assert [event.meta.actor for event in ledger.events()] == ["Ann", "Ben"]


def test_where_the_time_runs_out_it_is_said_that_nobody_knows(
    place: PostgresStore, server: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(place.with_options(timeout="0.3")) as ledger:
        entry = ledger.create(date(2021, 3, 4), "First", actor="Ann").entry
        line = Line(ledger, monkeypatch)
        line.breaks(after=True, how=lambda _: server.kill())
        command = EditEntry(entry=entry, headline="Second", actor="Ann", id=COMMAND)
        try:
            with pytest.raises(StoreUnreachable) as caught:
                ledger.execute([command])
        finally:
            server.start()
        assert str(caught.value).endswith(
            "; it is not known whether it was stored: send the same again, under the same command "
            f"id ({COMMAND}), and it is stored once"
        )
        ledger.execute([command])
        assert [event.position for event in ledger.events()] == [1, 2]


def test_a_first_contact_that_fails_is_not_waited_for(
    place: PostgresStore, server: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.store.patience.sleep", pytest.fail)
    with Ledger.open(place.with_options()) as ledger:
        server.stop()
        try:
            with pytest.raises(StoreUnreachable, match="cannot be reached"):
                ledger.create(date(2021, 3, 4), "First", actor="Ann")
        finally:
            server.start()


def test_idle_connections_that_died_are_replaced(
    ledger: Ledger, line: Line, server: OwnServer
) -> None:
    server.stop()
    server.start()
    ledger.create(date(2021, 3, 5), "Second", actor="Ann")
    server.stop()
    server.start()
    assert [event.position for event in ledger.events()] == [1, 2]
    assert line.appends == 1
