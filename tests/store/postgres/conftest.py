"""A ledger in a PostgreSQL schema, and its owner's connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ledger.store.postgres import PostgresRecorder
from ledger.store.rows import NewRow
from ledger.store.urls import PostgresURL, parse_store_url
from tests.stores import PostgresStore

Db = psycopg.Connection[tuple[Any, ...]]

A, B = b"a" * 16, b"b" * 16
TIME = 1_700_000_000_000_000


def new(entry: bytes, version: int, content: bytes = b"content") -> NewRow:
    return NewRow(entry, version, "EntryEdited@1", b"meta", content)


@pytest.fixture
def opened() -> Iterator[Callable[..., PostgresRecorder]]:
    """Opens recorders of URLs, and closes them at the end."""
    with ExitStack() as stack:

        def open_one(url: str, **options: Any) -> PostgresRecorder:
            found = parse_store_url(url)
            assert isinstance(found, PostgresURL)
            return stack.enter_context(closing(PostgresRecorder(found, **options)))

        yield open_one


@pytest.fixture
def recorder(
    postgres_store: PostgresStore, opened: Callable[..., PostgresRecorder]
) -> PostgresRecorder:
    """The owner's recorder of a ledger of three events: A1, A2, B1."""
    recorder = opened(postgres_store.url, clock=lambda: TIME)
    recorder.append([new(A, 1), new(A, 2), new(B, 1)])
    return recorder


@pytest.fixture
def db(postgres_store: PostgresStore) -> Iterator[Db]:
    """The owner's connection; the ledger's schema is the first that is searched."""
    with closing(postgres_store.server.connect(postgres_store.server.owner)) as db:
        db.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(postgres_store.schema)))
        yield db


def everything(db: Db) -> list[tuple[Any, ...]]:
    """Return all that is in the log's tables."""
    return [
        *db.execute("SELECT * FROM events ORDER BY position"),
        *db.execute("SELECT * FROM ledger"),
        *db.execute("SELECT * FROM head"),
        *db.execute("SELECT * FROM copy"),
    ]
