"""Many rows written by one statement, or asked for at once: as if it had been one by one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from ledger.projections.database import ViewsDb, select_among
from ledger.projections.postgres.database import PostgresDb
from ledger.projections.sqlite.database import SQLiteDb
from tests.stores import PostgresStore, Store

INSERT = "INSERT INTO desks VALUES (?, ?, ?, ?, ?)"
UPSERT = INSERT + " ON CONFLICT (number) DO UPDATE SET name = desks.name || excluded.name"

Rows = list[tuple[Any, ...]]


@pytest.fixture
def db(store: Store) -> Iterator[ViewsDb]:
    """A database of views with one table; all is gone at the end."""
    opened: SQLiteDb | PostgresDb
    if isinstance(store, PostgresStore):
        connection = psycopg.connect(store.server.url(user=store.server.owner))
        connection.execute(f"CREATE SCHEMA {store.schema}; SET search_path = {store.schema}")
        opened = PostgresDb(connection, store.schema)
    else:
        opened = sqlite3.connect(":memory:", factory=SQLiteDb)
    with closing(opened):
        opened.execute(
            "CREATE TABLE desks (number INTEGER PRIMARY KEY, name TEXT, seal BLOB, "
            "is_open INTEGER, width REAL) STRICT"
        )
        yield opened


def desks(count: int) -> Rows:
    texts = ("", "a\tb\\N\n", None, "渡轮 \x7f '\"")
    return [
        (n - 7, texts[n % 4], None if n % 3 else bytes([0, n % 256, 92]), n % 2 == 0, n / 8)
        for n in range(count)
    ]


def found(db: ViewsDb) -> Rows:
    return db.execute("SELECT * FROM desks ORDER BY number").fetchall()


@pytest.mark.parametrize("count", [1, 10, 11, 1000])
def test_what_is_inserted_is_there(db: ViewsDb, count: int) -> None:
    db.executemany(INSERT, iter(desks(count)))
    assert found(db) == desks(count)
    assert type(found(db)[0][3]) is int


@pytest.mark.parametrize("count", [2, 500])
def test_columns_may_be_named_in_any_order_and_some_left_out(db: ViewsDb, count: int) -> None:
    db.executemany(
        "INSERT INTO desks (name, number) VALUES (?, ?)", [(str(n), n) for n in range(count)]
    )
    assert found(db) == [(n, str(n), None, None, None) for n in range(count)]


@pytest.mark.parametrize("count", [2, 500])
def test_constants_and_other_statements_are_taken_as_they_are(db: ViewsDb, count: int) -> None:
    numbers = [(n,) for n in range(count)]
    db.executemany("INSERT INTO desks VALUES (?, 'new', NULL, 0, 1.5)", numbers)
    db.executemany("UPDATE desks SET is_open = 1 WHERE number = ?", numbers[1:])
    assert found(db) == [(n, "new", None, int(n > 0), 1.5) for n in range(count)]


@pytest.mark.parametrize("count", [2, 500])
def test_rows_that_are_there_are_updated_in_turn(db: ViewsDb, count: int) -> None:
    rows = [(n, "a", b"", 0, 0.0) for n in range(count)]
    db.executemany(UPSERT, rows[: count // 2])
    db.executemany(UPSERT, [(n, "b", b"new", 1, 1.0) for n in range(count)])
    # One that comes twice is updated by itself.
    db.executemany(UPSERT, [(0, letter, b"", 0, 0.0) for letter in "cdefghijklmnop"])
    half = count // 2
    assert [row[1] for row in found(db)] == [
        "abcdefghijklmnop",
        *["ab"] * (half - 1),
        *["b"] * (count - half),
    ]
    assert found(db)[-1] == (count - 1, "b", b"new", 1, 1.0)


@pytest.mark.parametrize("count", [1, 500])
def test_values_of_other_types_are_cast_or_refused_however_many(
    postgres_store: PostgresStore, count: int
) -> None:
    with closing(psycopg.connect(postgres_store.server.url())) as connection:
        connection.execute("CREATE TEMP TABLE desks (number BIGINT, name TEXT, seal BYTEA)")
        db = PostgresDb(connection, "pg_temp")
        insert = "INSERT INTO desks VALUES (?, ?, ?)"
        db.executemany(insert, [(2.0, 5, "b")] * count)
        assert found(db) == [(2, "5", b"b")] * count
        with pytest.raises(psycopg.errors.DatatypeMismatch), connection.transaction():
            db.executemany(insert, [(1, "a", b"a")] * count + [(1, None, 5)])
        assert len(found(db)) == count


@pytest.mark.parametrize("count", [2, 500])
def test_a_constraint_is_kept_and_nothing_is_written(db: ViewsDb, count: int) -> None:
    violated = sqlite3.IntegrityError if not db.is_postgres else psycopg.errors.UniqueViolation
    rows = [(n, "a", None, 0, 0.0) for n in range(count)]
    db.execute("SAVEPOINT before")
    with pytest.raises(violated):
        db.executemany(INSERT, [*rows, rows[1]])
    db.execute("ROLLBACK TO before")
    assert found(db) == []
    db.executemany(INSERT, [])
    assert found(db) == []


@pytest.mark.parametrize("count", [0, 1, 500, 501, 1201])
def test_many_are_asked_for_at_once(db: ViewsDb, count: int) -> None:
    db.executemany(INSERT, desks(1300))
    wanted = {row[0] for row in desks(count)} | {-100}
    rows = select_among(
        db, "SELECT number, name FROM desks WHERE number IN (?) ORDER BY number DESC", wanted
    )
    assert sorted(rows) == [row[:2] for row in desks(count)]
