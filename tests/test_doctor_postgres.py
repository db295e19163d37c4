"""The doctor on PostgreSQL: the server, its settings, its clock, and who may alter history."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date

import pytest
from psycopg import sql

from ledger import Ledger
from ledger.doctor import examine
from ledger.errors import AccessDenied, StoreError, StoreNotFound, StoreUnreachable
from ledger.store.checks import Check
from ledger.store.identity import system_clock
from ledger.store.postgres import checks as postgres_checks
from ledger.store.rights import make_roles
from tests.postgres import OwnServer
from tests.stores import PostgresStore

DAY = date(2021, 3, 4)


@pytest.fixture
def ledger(postgres_store: PostgresStore) -> Iterator[Ledger]:
    """A ledger of one event."""
    with Ledger.open(postgres_store.with_options()) as opened:
        opened.init("harbour.example/news")
        opened.create(DAY, "Ferry", actor="Ann")
        yield opened


def found(ledger: Ledger) -> dict[str, Check]:
    return {check.name: check for check in examine(ledger)}


def opened(store: PostgresStore, **options: str) -> dict[str, Check]:
    with Ledger.open(store.with_options(**options)) as ledger:
        return found(ledger)


def test_what_a_server_is_asked(ledger: Ledger, postgres_store: PostgresStore) -> None:
    checks = found(ledger)
    assert list(checks) == [
        *("store", "ledger", "role", "version", "schema", "fsync", "durability", "checksums"),
        *("archiving", "clock", "connections", "rights", "tables", "views"),
    ]
    ((version,),) = postgres_store.server.execute("SHOW server_version")
    assert checks["version"].found == f"PostgreSQL {version}; supported is 13 and newer"
    assert checks["schema"].found.startswith("log schema ")
    assert checks["fsync"].found == "fsync=on, full_page_writes=on"
    assert checks["durability"].found == "synchronous_commit=on"
    assert checks["archiving"].found.startswith("wal_level=")
    assert {name for name, check in checks.items() if check.state != "ok"} <= {
        "checksums",
        "rights",
    }


def test_less_durability_is_warned_of(ledger: Ledger, postgres_store: PostgresStore) -> None:
    check = opened(postgres_store, synchronous="normal")["durability"]
    assert (check.state, check.found) == ("warn", "synchronous_commit=off")


@contextmanager
def set_to(store: PostgresStore, name: str, value: str) -> Iterator[None]:
    """Set a server's setting for a while."""

    def alter(action: sql.Composed, expected: str) -> None:
        store.server.execute(sql.SQL("ALTER SYSTEM ") + action, "SELECT pg_reload_conf()")
        deadline = time.monotonic() + 10
        while shown(store, name) != expected:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    before, setting = shown(store, name), sql.Identifier(name)
    alter(sql.SQL("SET {} = {}").format(setting, sql.Literal(value)), value)
    try:
        yield
    finally:
        alter(sql.SQL("RESET {}").format(setting), before)


def shown(store: PostgresStore, name: str) -> str:
    ((value,),) = store.server.execute(sql.SQL("SHOW {}").format(sql.Identifier(name)))
    return str(value)


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_a_server_that_a_power_cut_may_ruin_is_to_be_put_right(
    ledger: Ledger, postgres_store: PostgresStore, name: str
) -> None:
    if not isinstance(postgres_store.server, OwnServer):
        pytest.skip("LEDGER_TEST_POSTGRES is set, and that server is not ours to ruin")
    with set_to(postgres_store, name, "off"):
        check = found(ledger)["fsync"]
    assert check.state == "fail"
    assert f"{name}=off" in check.found
    assert found(ledger)["fsync"].state == "ok"


@pytest.mark.parametrize(("skew", "side"), [(-60_000_000, "ahead of"), (60_000_000, "behind")])
def test_a_clock_that_differs_is_warned_of(ledger: Ledger, skew: int, side: str) -> None:
    (check,) = (
        check for check in examine(ledger, lambda: system_clock() + skew) if check.name == "clock"
    )
    assert check.state == "warn"
    said = re.fullmatch(rf"the server's is ([0-9.]+) s {side} ours", check.found)
    assert said is not None
    assert 55 < float(said[1]) < 65


def test_a_server_behind_the_log_is_warned_of(
    ledger: Ledger, postgres_store: PostgresStore
) -> None:
    with postgres_store.log() as db:
        db.execute("UPDATE events SET recorded_at = recorded_at + 3600000000 WHERE position = 1")
    check = found(ledger)["clock"]
    assert check.state == "warn"
    assert "behind the last event" in check.found


def test_a_pool_that_is_too_large_is_warned_of(
    ledger: Ledger, postgres_store: PostgresStore
) -> None:
    check = opened(postgres_store, pool="9000")["connections"]
    assert check.state == "warn"
    assert check.found.endswith("are in use; a process takes up to 9000")


def test_an_old_server_is_to_be_put_right(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_checks, "OLDEST", 990000)
    assert found(ledger)["version"].state == "fail"


def test_who_could_alter_history_is_told(ledger: Ledger, postgres_store: PostgresStore) -> None:
    schema, server = postgres_store.schema, postgres_store.server
    owner = ledger.application.log
    assert make_roles(ledger.application.url, owner) == [
        f"{schema}_news_writer",
        f"{schema}_news_reader",
        f"{schema}_news_auditor",
    ]
    ledger.views.status()
    if server.owner is not None:
        check = found(ledger)["rights"]
        assert (check.state, check.found) == ("warn", f"{server.owner} owns the log")
        assert check.advice.endswith(f"work as a user with the role {schema}_news_writer")
        with Ledger.open(server.url(user="postgres", schema=schema)) as superuser:
            assert found(superuser)["rights"].found == "postgres is a superuser"
    for role in ("writer", "reader", "auditor"):
        user = f"{schema}_{role}_ann"
        server.execute(
            sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(
                sql.Identifier(user), sql.Identifier(f"{schema}_news_{role}")
            )
        )
        with Ledger.open(server.url(user=user, schema=schema)) as theirs:
            checks = found(theirs)
            assert checks["rights"] == Check("rights", "ok", f"{user} cannot alter history")
            assert {n for n, c in checks.items() if c.state != "ok"} <= {"checksums"}


def test_a_guard_that_is_missing_is_to_be_put_right(
    ledger: Ledger, postgres_store: PostgresStore
) -> None:
    with closing(postgres_store.server.connect(postgres_store.server.owner)) as db:
        db.execute(
            sql.SQL("DROP TRIGGER events_are_never_deleted ON {}.events").format(
                sql.Identifier(postgres_store.schema)
            )
        )
    check = found(ledger)["tables"]
    assert check.state == "fail"
    assert "events_are_never_deleted" in check.found


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"database": "nowhere"}, StoreNotFound),
        ({"user": "nobody"}, AccessDenied),
        ({"host": "/nowhere"}, StoreUnreachable),
    ],
)
def test_what_cannot_be_opened_is_told_first(
    ledger: Ledger, postgres_store: PostgresStore, given: dict[str, str], error: type[StoreError]
) -> None:
    with Ledger.open(postgres_store.server.url(**given)) as nobody:
        checks = examine(nobody)
        first = next(checks)
        with pytest.raises(error) as caught:
            next(checks)
    said = " ".join(str(caught.value).split())
    assert (first.name, first.state, first.found) == ("store", "fail", said)
