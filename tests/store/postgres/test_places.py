"""Where there is no ledger, or none for us: one clear line each, and nothing half done."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest
from psycopg import sql

from ledger.errors import (
    AccessDenied,
    InvalidStoreURL,
    LedgerError,
    NotALedger,
    StoreNotFound,
    StoreNotWritable,
    StoreTooNew,
    StoreTooOld,
    StoreUnhealthy,
    StoreUnreachable,
)
from ledger.store.log import Integrity
from ledger.store.postgres import PostgresRecorder, schema
from ledger.store.postgres.functions import SETTINGS
from tests.postgres import Server
from tests.store.postgres.conftest import A, Db, new
from tests.stores import PostgresStore

Opened = Callable[..., PostgresRecorder]


def refuses(recorder: PostgresRecorder, error: type[LedgerError], *words: str) -> None:
    """Reading, writing and making are refused alike."""
    for use in (recorder.head, lambda: recorder.append([new(A, 1)]), recorder.create):
        with pytest.raises(error) as caught:
            use()
        assert type(caught.value) is error
        assert "\n" not in str(caught.value)
        for word in words:
            assert word in str(caught.value)


def test_nothing_is_read_where_there_is_none(
    opened: Opened, postgres_store: PostgresStore
) -> None:
    recorder = opened(postgres_store.url, create=False)
    message = f"there is no ledger {postgres_store.at}: make one with `ledger init`, "
    for use in (recorder.head, recorder.identity, lambda: recorder.append([new(A, 1)])):
        with pytest.raises(StoreNotFound) as caught:
            use()
        assert str(caught.value) == message + "or check --store and LEDGER_STORE"
    assert not postgres_store.exists()


def test_a_ledger_that_was_there_is_missed_and_not_made_anew(
    recorder: PostgresRecorder, postgres_store: PostgresStore
) -> None:
    postgres_store.delete()
    for use in (recorder.head, lambda: recorder.append([new(A, 3)])):
        with pytest.raises(StoreNotFound, match="there is no ledger in schema"):
            use()
    assert not postgres_store.exists()


def test_a_server_that_is_not_there(opened: Opened) -> None:
    refuses(
        opened("postgresql://desk:secret@127.0.0.1:1/news"),
        StoreUnreachable,
        "postgresql://desk:***@127.0.0.1:1/news cannot be reached, or the connection was lost",
    )
    refuses(opened("postgresql:///news?host=/nowhere/at/all"), StoreUnreachable)


def test_a_wrong_password(opened: Opened, postgres_store: PostgresStore, recorder: object) -> None:
    server, schema = postgres_store.server, postgres_store.schema
    user = f"{schema}_user"
    server.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'right'").format(sql.Identifier(user)))
    refuses(
        opened(server.url(user=user, password="wrong", schema=schema)),
        AccessDenied,
        "does not let this user in",
        "password authentication failed",
        ":***@",
    )
    refuses(
        opened(server.url(user=f"{schema}_stranger", schema=schema)),
        AccessDenied,
        "does not exist",
    )


def test_no_such_database(opened: Opened, postgres: Server) -> None:
    url = postgres.url(database="nowhere")
    refuses(opened(url), StoreNotFound, "names a database that is not there", '"nowhere"')


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ("sslmod=require", "sslmod"),
        ("sslmode=perhaps", "sslmode"),
        ("connect_timeout=soon", "connect_timeout"),
        ("service=nowhere", "nowhere"),
        ("port=99999999", "port"),
    ],
)
def test_what_the_library_does_not_understand(
    opened: Opened, postgres: Server, option: str, word: str
) -> None:
    name, _, value = option.partition("=")
    refuses(opened(postgres.url(**{name: value})), InvalidStoreURL, "is not understood", word)


def test_a_schema_of_somebody_else_s(
    opened: Opened, postgres_store: PostgresStore, postgres: Server
) -> None:
    schema = sql.Identifier(postgres_store.schema)
    with closing(postgres.connect(postgres.owner)) as db:
        db.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        db.execute(sql.SQL("CREATE TABLE {}.events (x int)").format(schema))
    refuses(
        opened(postgres_store.url),
        NotALedger,
        "is no ledger but holds other tables; nothing was touched",
    )


def test_an_empty_schema_becomes_a_ledger(
    opened: Opened, postgres_store: PostgresStore, postgres: Server
) -> None:
    with closing(postgres.connect(postgres.owner)) as db:
        db.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(postgres_store.schema)))
    assert opened(postgres_store.url).append([new(A, 1)]).first == 1


@pytest.mark.parametrize(
    ("version", "error", "words"),
    [
        (3, StoreTooNew, "has log schema 3, this program knows 2: use a newer program"),
        (1, StoreTooOld, "has log schema 1, this program works with 2: bring it up with `ledger"),
    ],
)
def test_another_version_of_the_schema(
    recorder: PostgresRecorder, db: Db, version: int, error: type[LedgerError], words: str
) -> None:
    db.execute("UPDATE schema_version SET version = %s", (version,))
    recorder.close()
    refuses(recorder, error, words)


def test_a_log_of_schema_1_is_brought_up(
    opened: Opened, postgres_store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setitem(schema.TABLES, "copy", ("since bigint NOT NULL",))
        older.setattr(schema, "SETTINGS", SETTINGS[:-1])
        older.setattr(schema, "UPGRADES", ())
        with closing(opened(postgres_store.url)) as recorder:
            recorder.append([new(A, 1)])
    recorder = opened(postgres_store.url)
    refuses(recorder, StoreTooOld, "bring it up with `ledger upgrade`")
    assert recorder.upgrade() == (1, 2)
    assert recorder.integrity() == Integrity([], [])
    assert recorder.append([new(A, 2)]).first == 2
    assert recorder.confirmed() == 0
    assert recorder.upgrade() == (2, 2)


def test_who_may_not_make_a_ledger(
    opened: Opened, postgres_store: PostgresStore, postgres: Server
) -> None:
    user = f"{postgres_store.schema}_user"
    postgres.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(user)))
    recorder = opened(postgres.url(user=user, schema=postgres_store.schema))
    with pytest.raises(StoreNotWritable) as caught:
        recorder.create()
    assert str(caught.value) == (
        f"the user {user} may not make a ledger in the database news: let its owner "
        f"GRANT CREATE ON DATABASE news TO {user}"
    )


def test_a_database_that_does_not_take_every_character(
    opened: Opened, postgres_store: PostgresStore, postgres: Server
) -> None:
    name = f"{postgres_store.schema}_latin"
    database = sql.Identifier(name)
    postgres.execute(
        sql.SQL("CREATE DATABASE {} ENCODING LATIN1 LOCALE 'C' TEMPLATE template0").format(
            database
        )
    )
    try:
        with pytest.raises(StoreUnhealthy) as caught:
            opened(postgres.url(database=name)).append([new(A, 1)])
        assert str(caught.value) == (
            f"the database {name} has the encoding LATIN1: make one with UTF8 for a ledger"
        )
    finally:
        postgres.execute(sql.SQL("DROP DATABASE {}").format(database))


def test_many_creators_at_once_make_one_ledger(
    opened: Opened, postgres_store: PostgresStore
) -> None:
    start = Barrier(6)

    def create(number: int) -> str:
        recorder = opened(postgres_store.url)
        start.wait()
        return recorder.create(f"desk-{number}.example").id

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(create, range(6)))) == 1


def test_a_home_of_the_views_is_there_from_the_beginning(
    recorder: PostgresRecorder, postgres_store: PostgresStore, db: Db
) -> None:
    home = f"{postgres_store.schema}_views"
    assert db.execute(f"SELECT * FROM {home}.serving".encode()).fetchall() == [(None,)]
    assert db.execute(f"SELECT * FROM {home}.skips".encode()).fetchall() == []
    db.execute(f"DROP SCHEMA {home} CASCADE".encode())
    recorder.create()
    assert db.execute(f"SELECT * FROM {home}.serving".encode()).fetchall() == [(None,)]


def test_the_driver_may_be_missing() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from ledger import Ledger\n"
        "from ledger.errors import MissingExtra\n"
        "try: Ledger.open('postgresql://host/news')\n"
        "except MissingExtra as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.startswith(
        "PostgreSQL needs the package psycopg: pip install 'ledger[postgres]' ("
    )
