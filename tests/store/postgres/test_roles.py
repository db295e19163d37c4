"""Who writes can append and nothing else, even with SQL of his own; who reads can only read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import psycopg
import pytest
from psycopg import errors

from ledger.errors import StoreNotWritable
from ledger.store.postgres import PostgresRecorder
from ledger.store.urls import PostgresURL, parse_store_url
from tests.store.postgres.conftest import TIME, A, Db, everything, new
from tests.stores import PostgresStore

Login = Callable[[str], Db]
Opened = Callable[..., PostgresRecorder]


@pytest.fixture
def schema(recorder: PostgresRecorder, postgres_store: PostgresStore) -> str:
    """The schema of a ledger that has roles; a user of each is called as it is, with _one."""
    recorder.make_roles()
    schema = postgres_store.schema
    with closing(postgres_store.server.connect()) as db:
        for role in ("writer", "reader", "auditor"):
            db.execute(
                f"CREATE ROLE {schema}_{role}_one LOGIN IN ROLE {schema}_news_{role}".encode()
            )
        db.execute(f"CREATE ROLE {schema}_nobody_one LOGIN".encode())
    return schema


@pytest.fixture
def login(schema: str, postgres_store: PostgresStore) -> Iterator[Login]:
    """Opens connections of users; the ledger's schema is the first that is searched."""
    with ExitStack() as stack:

        def connected(role: str) -> Db:
            user = f"{schema}_{role}_one"
            db = stack.enter_context(closing(postgres_store.server.connect(user)))
            db.execute(f"SET search_path = {schema}".encode())
            return db

        yield connected


def url_of(store: PostgresStore, role: str) -> str:
    return store.server.url(user=f"{store.schema}_{role}_one", schema=store.schema)


ONE = "ARRAY['{}'::bytea], '{{3}}', '{{T@1}}', ARRAY['m'::bytea], ARRAY['c'::bytea]"


def call(rows: str = f"1, '{{1}}', {ONE.format('a' * 16)}") -> str:
    return f"SELECT * FROM append({rows}, '{{}}', '{{}}', '{{}}')"


def test_a_writer_appends_and_reads(
    opened: Opened, schema: str, postgres_store: PostgresStore
) -> None:
    writer = opened(url_of(postgres_store, "writer"))
    appended = writer.append([new(A, 3)])
    assert (appended.first, appended.recorded_at > TIME) == (4, True)
    assert writer.read(3, 9)[0].version == 3
    assert writer.identity() == writer.create()
    assert writer.integrity() == ([], [])


REFUSED = [
    "UPDATE events SET content = ''",
    "UPDATE events SET content = content WHERE false",
    "DELETE FROM events",
    "DELETE FROM copy",
    "TRUNCATE events",
    "INSERT INTO events VALUES (4, 'aaaaaaaaaaaaaaaa', 3, 'T', 1, '', '')",
    "INSERT INTO copy VALUES (1)",
    "UPDATE schema_version SET version = 9",
    "COPY events FROM STDIN",
    "SELECT FROM head FOR UPDATE",
    "DROP TRIGGER events_are_never_changed ON events",
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "ALTER TABLE events ADD COLUMN x text",
    "DROP TABLE events",
    "DROP FUNCTION refuse",
    "ALTER FUNCTION append OWNER TO current_user",
    "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    "CREATE FUNCTION harmless() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE harmless (x int)",
    "CREATE TRIGGER mine BEFORE INSERT ON events EXECUTE FUNCTION refuse()",
    "CREATE RULE mine AS ON INSERT TO events DO INSTEAD NOTHING",
    "CREATE INDEX mine ON events (type)",
    "SET session_replication_role = replica",
    "SELECT append_at(1, 1, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')",
    "SELECT lock_head()",
]


@pytest.mark.parametrize("role", ["writer", "reader", "auditor"])
def test_nobody_but_the_owner_touches_the_log(login: Login, db: Db, role: str) -> None:
    user = login(role)
    before = everything(db)
    for statement in REFUSED:
        with pytest.raises((errors.InsufficientPrivilege, errors.FeatureNotSupported)):
            user.execute(statement.replace("current_user", user.info.user).encode())
    # The server says no more than that nothing was granted.
    user.execute(f"GRANT UPDATE ON events TO {user.info.user}".encode())
    with pytest.raises(errors.InsufficientPrivilege):
        user.execute("UPDATE events SET content = ''")
    if role != "writer":
        with pytest.raises(errors.InsufficientPrivilege):
            user.execute(call().encode())
    assert everything(db) == before


@pytest.mark.parametrize(
    "rows",
    [
        # Short, of no entry, a version out of turn, nothing where something has to be.
        "1, '{1}', ARRAY['short'::bytea], '{3}', '{T}', ARRAY[''::bytea], ARRAY[''::bytea]",
        "1, '{1}', NULL, '{3}', '{T}', ARRAY[''::bytea], ARRAY[''::bytea]",
        f"1, '{{1}}', {ONE.format('a' * 16).replace('{3}', '{9}')}",
        f"1, '{{1}}', {ONE.format('a' * 16).replace('{3}', '{NULL}')}",
        f"1, '{{1}}', {ONE.format('a' * 16).replace('{T@1}', '{NULL}')}",
        f"1, '{{1}}', {ONE.format('c' * 16)}",
        f"1, '{{1,1}}', {ONE.format('a' * 16)}",
    ],
)
def test_forged_events_are_refused(login: Login, db: Db, rows: str) -> None:
    before = everything(db)
    ((first, _, _, refused),) = login("writer").execute(call(rows).encode()).fetchall()
    assert (first, bool(refused)) == (4, True)
    assert everything(db) == before


TRICKS = [
    "CREATE TEMP TABLE events (LIKE events)",
    "CREATE TEMP TABLE head (single boolean)",
    "CREATE TEMP TABLE copy (since bigint)",
    "CREATE FUNCTION {own}.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
    "CREATE FUNCTION {own}.zero(bigint, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 0::int8'",
    "CREATE OPERATOR {own}.+ (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = {own}.zero)",
    "CREATE FUNCTION {own}.max(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 0::int8'",
    "SET search_path = pg_temp, {own}, {log}, pg_catalog",
]


def test_nothing_of_the_writer_s_own_comes_in_between(login: Login, db: Db, schema: str) -> None:
    writer = login("writer")
    for statement in TRICKS:
        writer.execute(statement.format(own=f"{schema}_views", log=schema).encode())
    statement = call().replace("append", f"{schema}.append").replace("'{T@1}'", "'{T@1}'::text[]")
    ((first, stored_at, _, refused),) = writer.execute(statement.encode()).fetchall()
    assert (first, refused, stored_at > TIME) == (4, None, True)
    assert [row[:2] for row in everything(db)[2:4]] == [(3, b"b" * 16), (4, A)]
    assert writer.execute("SELECT count(*) FROM pg_temp.events").fetchone() == (0,)


def test_a_writer_keeps_the_views_and_readers_read_them(login: Login, schema: str) -> None:
    home = f"{schema}_views"
    writer = login("writer")
    writer.execute(f"UPDATE {home}.serving SET generation = '{home}_0badcafe'".encode())
    writer.execute(f"INSERT INTO {home}.skips VALUES ('days', 1, '', '', '', 0)".encode())
    writer.execute(f"CREATE SCHEMA {home}_0badcafe".encode())
    for role in ("reader", "auditor"):
        user = login(role)
        assert user.execute("SELECT count(*) FROM events").fetchone() == (3,)
        found = user.execute(f"SELECT generation FROM {home}.serving".encode()).fetchone()
        assert found == (f"{home}_0badcafe",)
        with pytest.raises(errors.InsufficientPrivilege):
            user.execute(f"UPDATE {home}.serving SET generation = NULL".encode())
    with pytest.raises(errors.InsufficientPrivilege):
        login("nobody").execute(f"SELECT FROM {schema}.events".encode())


def test_roles_that_are_there_stay_and_the_ledger_stays_whole(recorder: PostgresRecorder) -> None:
    assert recorder.make_roles() == recorder.make_roles()
    assert recorder.integrity() == ([], [])


def test_who_may_not_is_told(opened: Opened, schema: str, postgres_store: PostgresStore) -> None:
    reader = opened(url_of(postgres_store, "reader"))
    with pytest.raises(StoreNotWritable) as caught:
        reader.append([new(A, 3)])
    url = parse_store_url(url_of(postgres_store, "reader"))
    assert isinstance(url, PostgresURL)
    assert str(caught.value) == (
        f"{url.place} gives this user no right to do that; nothing was stored "
        "(permission denied for function append)"
    )
    with pytest.raises(StoreNotWritable, match="; no roles were made"):
        reader.make_roles()
    nobody = opened(url_of(postgres_store, "nobody"))
    with pytest.raises(StoreNotWritable, match="permission denied for schema"):
        nobody.head()
    with pytest.raises(psycopg.Error):
        postgres_store.server.connect(f"{schema}_news_writer")
