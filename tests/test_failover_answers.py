"""A question or an answer that is lost on the way: each command is stored once all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest
from psycopg import sql

from ledger import Ledger
from ledger.domain.commands import CreateEntry, EditEntry
from ledger.domain.events import RecordedEvent
from ledger.errors import StoreUnreachable
from tests.chaos.proxy import Loss, Proxy
from tests.cli.runner import Shell
from tests.postgres import Server
from tests.stores import PostgresStore

DAY = date(2021, 3, 4)
ID = UUID("5f0c2f5e-7a0b-4d3c-9d53-0123456789ab")


@pytest.fixture
def proxy(postgres: Server) -> Iterator[Proxy]:
    ((port,),) = postgres.execute("SELECT current_setting('port')::integer")
    with closing(Proxy(port)) as proxy:
        yield proxy


@pytest.fixture
def far(postgres_store: PostgresStore, proxy: Proxy) -> str:
    """The URL of the store, through the proxy; for 30 s a lost server may come back."""
    server, user = postgres_store.server, f"{postgres_store.schema}_desk"
    server.execute(
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'barrier' IN ROLE {}").format(
            sql.Identifier(user), sql.Identifier("owner")
        ),
    )
    with Ledger.open(postgres_store.url) as ledger:
        ledger.create(date(2021, 3, 3), "Tide rises", actor="start")
    return server.url(
        user=user, password="barrier", port=str(proxy.port), schema=postgres_store.schema
    )


def stored(store: PostgresStore) -> list[RecordedEvent]:
    """Return the events but for the first, as somebody sees them who is near the server."""
    with Ledger.open(store.url) as ledger:
        return list(ledger.application.read(1))


LOSSES: list[list[Loss]] = [
    ["question"],
    ["answer"],
    ["question", "question", "answer"],
]


@pytest.mark.parametrize("losses", LOSSES)
def test_one_event(
    postgres_store: PostgresStore, far: str, proxy: Proxy, losses: list[Loss]
) -> None:
    with Ledger.open(far) as ledger:
        entry = ledger.create(DAY, "Ferry sails", actor="ana").entry
        proxy.lose("Ferry stays", *losses)
        # That it is stored now is no conflict with itself.
        event = ledger.edit(entry, headline="Ferry stays", actor="ana", id=ID, expected_version=1)
    assert proxy.losses == losses
    assert [event] == stored(postgres_store)[1:]
    assert (event.position, event.meta.command) == (3, ID)


def batch() -> list[CreateEntry | EditEntry]:
    first = CreateEntry(date=DAY, headline="Ferry sails", entry=ID, actor="ana")
    return [
        first,
        CreateEntry(date=DAY, headline="Crane falls", actor="ana"),
        EditEntry(entry=ID, headline="Ferry stays", actor="ana"),
    ]


@pytest.mark.parametrize("losses", LOSSES)
def test_several_events(
    postgres_store: PostgresStore, far: str, proxy: Proxy, losses: list[Loss]
) -> None:
    commands = batch()
    proxy.lose("Crane falls", *losses)
    with Ledger.open(far) as ledger:
        events = ledger.execute(commands)
    assert proxy.losses == losses
    assert events == stored(postgres_store)
    assert [event.meta.command for event in events] == [command.id for command in commands]


@pytest.mark.parametrize("losses", LOSSES)
def test_events_of_threads_that_share_a_commit(
    postgres_store: PostgresStore, far: str, proxy: Proxy, losses: list[Loss]
) -> None:
    answers: dict[str, RecordedEvent] = {}
    with Ledger.open(far) as ledger:

        def write(name: str) -> None:
            answers[name] = ledger.create(DAY, f"Quay {name} floods", actor="ana")

        proxy.lose("Quay 7 floods", *losses)
        threads = [Thread(target=write, args=(str(n),)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert proxy.losses == losses
    assert sorted(answers.values(), key=lambda event: event.position) == stored(postgres_store)
    assert len(answers) == 12


@pytest.mark.parametrize("loss", ["question", "answer"])
def test_nobody_knows_whether_it_was_stored(
    postgres_store: PostgresStore, far: str, proxy: Proxy, loss: Loss
) -> None:
    proxy.lose("Ferry sails", loss, stays_away=True)
    with Ledger.open(f"{far}&timeout=0.5") as ledger:
        with pytest.raises(StoreUnreachable) as raised:
            ledger.create(DAY, "Ferry sails", actor="ana", id=ID)
        assert "***" in str(raised.value)
        assert "barrier" not in str(raised.value)
        assert str(raised.value).endswith(
            "; it is not known whether it was stored: send the same again, under the same "
            f"command id ({ID}), and it is stored once"
        )
        assert len(stored(postgres_store)) == (loss == "answer")
        proxy.come_back()
        event = ledger.create(DAY, "Ferry sails", actor="ana", id=ID)
    assert [event] == stored(postgres_store)


@pytest.mark.parametrize("loss", ["question", "answer"])
def test_nobody_can_tell_the_command_line(
    postgres_store: PostgresStore, far: str, proxy: Proxy, loss: Loss, tmp_path: Path
) -> None:
    shell = Shell(tmp_path)
    shell.environment["LEDGER_STORE"] = f"{far}&timeout=0.5"
    add = ("add", "--date", "2021-03-04", "--headline", "Ferry sails", "--command-id", str(ID))
    proxy.lose("Ferry sails", loss, stays_away=True)
    answer = shell(*add)
    assert (answer.status, answer.out) == (51, "")
    (line,) = answer.err.splitlines()
    assert line.startswith(f"ledger: postgresql://{postgres_store.schema}_desk:***@/news?")
    assert "barrier" not in line
    assert line.endswith(
        "it is not known whether it was stored: send the same again, under the same command id "
        f"({ID}), and it is stored once"
    )
    proxy.come_back()
    (entry,) = [shell.ok(*add).split()[1] for _ in range(2)][:1]
    (event,) = stored(postgres_store)
    assert (str(event.entry), event.meta.command) == (entry, ID)
