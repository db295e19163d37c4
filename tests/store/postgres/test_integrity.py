"""What is not as the ledger made it is named."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest

from ledger.store.log import Integrity
from ledger.store.postgres import PostgresRecorder
from tests.store.postgres.conftest import Db
from tests.stores import PostgresStore

OTHER = "of the database is not the ledger's own"
GONE = "of the ledger's own is missing from the database"
OFF = "of the database is switched off"
REFUSE = """
    CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NULL; END'
"""


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("CREATE TABLE mine (x int)", [f"the table mine {OTHER}"]),
        ("CREATE VIEW mine AS SELECT 1", [f"the rule mine._RETURN {OTHER}", "the table mine"]),
        ("ALTER TABLE events ADD COLUMN x text", [f"the table events {OTHER}"]),
        ("ALTER TABLE copy ALTER since DROP NOT NULL", [f"the table copy {OTHER}"]),
        ("ALTER TABLE events ALTER content SET DEFAULT ''", [f"the table events {OTHER}"]),
        ("ALTER TABLE events ENABLE ROW LEVEL SECURITY", [f"the table events {OTHER}"]),
        ("CREATE POLICY mine ON events", [f"the policy events.mine {OTHER}"]),
        ("CREATE INDEX mine ON events (type)", [f"the index mine {OTHER}"]),
        ("CREATE UNIQUE INDEX mine ON events (position, type)", [f"the index mine {OTHER}"]),
        ("ALTER TABLE events ADD CONSTRAINT c CHECK (true)", [f"the constraint events.c {OTHER}"]),
        (
            "CREATE TRIGGER mine BEFORE INSERT ON ledger EXECUTE FUNCTION refuse('x')",
            [f"the trigger ledger.mine {OTHER}"],
        ),
        ("CREATE RULE r AS ON DELETE TO copy DO INSTEAD NOTHING", [f"the rule copy.r {OTHER}"]),
        (REFUSE, [f"the function refuse {OTHER}"]),
        ("ALTER FUNCTION append SECURITY INVOKER", [f"the function append {OTHER}"]),
        ("ALTER FUNCTION append RESET search_path", [f"the function append {OTHER}"]),
        ("GRANT EXECUTE ON FUNCTION append_at TO PUBLIC", [f"the function append_at {OTHER}"]),
        (
            "CREATE FUNCTION append(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            [f"the function append {OTHER}"],
        ),
        (
            "GRANT UPDATE ON events TO PUBLIC",
            ["the right to change events for everybody"],
        ),
    ],
)
def test_what_is_other_than_it_should_be_is_wrong(
    recorder: PostgresRecorder, db: Db, statement: str, wrong: list[str]
) -> None:
    db.execute(statement.encode())
    found = recorder.integrity()
    assert found.missing == []
    assert len(found.wrong) == len(wrong)
    for line, begin in zip(found.wrong, wrong, strict=True):
        assert line.startswith(begin)


def test_a_child_table_is_wrong(recorder: PostgresRecorder, postgres_store: PostgresStore) -> None:
    home = f"{postgres_store.schema}_views"
    with closing(postgres_store.server.connect(postgres_store.server.owner)) as db:
        db.execute(
            f"CREATE TABLE {home}.mine () INHERITS ({postgres_store.schema}.events)".encode()
        )
    assert recorder.integrity() == Integrity(
        [
            (
                f"the inheritance events {postgres_store.schema}.events {home}.mine "
                "of the database is not the ledger's own"
            )
        ],
        [],
    )


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        (
            "DROP TRIGGER events_are_never_changed ON events",
            f"the trigger events.events_are_never_changed {GONE}",
        ),
        ("DROP INDEX erasures", f"the index erasures {GONE}"),
        (
            "ALTER TABLE events DROP CONSTRAINT events_entry_check",
            f"the constraint events.events_entry_check {GONE}",
        ),
        (
            "ALTER TABLE events DISABLE TRIGGER events_are_appended",
            f"the trigger events.events_are_appended {OFF}",
        ),
        (
            "ALTER TABLE head ENABLE TRIGGER head_is_never_changed",
            f"the trigger head.head_is_never_changed {OFF}",
        ),
    ],
)
def test_a_guard_that_is_gone_is_missing(
    recorder: PostgresRecorder, db: Db, statement: str, missing: str
) -> None:
    db.execute(statement.encode())
    assert recorder.integrity() == Integrity([], [missing])


@pytest.mark.parametrize("index", ["events_pkey", "events_entry_version_key", "erasures"])
def test_an_index_that_lacks_an_event_is_found(
    recorder: PostgresRecorder, postgres_store: PostgresStore, index: str
) -> None:
    schema = postgres_store.schema
    ready = f"UPDATE pg_index SET indisready = %s WHERE indexrelid = '{schema}.{index}'::regclass"
    with closing(postgres_store.server.connect()) as db:
        # While it is not ready, nothing is put into it.
        db.execute(ready.encode(), (False,))
        db.execute(f"ALTER TABLE {schema}.events DISABLE TRIGGER ALL".encode())
        db.execute(
            f"INSERT INTO {schema}.events "
            "VALUES (4, 'cccccccccccccccc', 1, 'EntryErased@1', 9e15, '', '')".encode()
        )
        db.execute(ready.encode(), (True,))
    assert recorder.integrity().wrong == [
        f"the index {index} of the database does not agree with its table"
    ]


@pytest.mark.parametrize(
    ("statements", "wrong"),
    [
        (
            (
                "CREATE TABLE {home}.above (position bigint)",
                "ALTER TABLE events INHERIT {home}.above",
            ),
            "the inheritance ",
        ),
        (("ALTER TABLE events SET UNLOGGED",), "the table events "),
        (
            ("GRANT UPDATE (content) ON events TO PUBLIC",),
            "the right to change events.content ",
        ),
        (("GRANT CREATE ON SCHEMA {schema} TO PUBLIC",), "the right to make tables in "),
        (("ALTER FUNCTION append_at STABLE",), "the function append_at "),
        (("ALTER TABLE copy OWNER TO postgres",), "the table copy "),
    ],
)
def test_what_would_let_others_change_the_log_is_wrong(
    recorder: PostgresRecorder,
    postgres_store: PostgresStore,
    statements: tuple[str, ...],
    wrong: str,
) -> None:
    schema = postgres_store.schema
    assert recorder.integrity() == Integrity([], [])
    with closing(postgres_store.server.connect()) as db:
        db.execute(f"SET search_path = {schema}".encode())
        for statement in statements:
            db.execute(statement.format(schema=schema, home=f"{schema}_views").encode())
    (line,) = recorder.integrity().wrong
    assert line.startswith(wrong)


def test_a_row_cannot_be_deleted_through_a_table_above(
    recorder: PostgresRecorder, postgres_store: PostgresStore
) -> None:
    before = recorder.head()
    assert before.position > 0
    schema = postgres_store.schema
    with closing(postgres_store.server.connect(postgres_store.server.owner)) as db:
        db.execute(f"CREATE TABLE {schema}_views.above (position bigint NOT NULL)".encode())
        db.execute(f"ALTER TABLE {schema}.events INHERIT {schema}_views.above".encode())
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="never deleted"):
            db.execute(f"DELETE FROM {schema}_views.above".encode())
    assert recorder.head() == before
