"""The database itself refuses what must never happen, even where its owner asks for it."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest
from psycopg import errors

from ledger.domain.events import EntryErased
from ledger.store.erasures import blanked
from ledger.store.mapper import EventMapper
from ledger.store.postgres import PostgresRecorder
from ledger.store.rows import NewRow
from tests.store.postgres.conftest import TIME, A, B, Db, everything, new
from tests.store.test_mapper import event
from tests.stores import PostgresStore

APPENDED = "ledger: events are only appended, each once and in turn"
CHANGED = "ledger: events are never changed"
DELETED = "ledger: events are never deleted"
LOCK = "ledger: the lock is never changed"
NAMED = "ledger: the identity is never"


def insert(*rows: tuple[object, bytes, object, object]) -> str:
    values = ", ".join(
        f"({position}, '{entry.decode()}', {version}, 'EntryEdited@1', {time}, 'm', 'c')"
        for position, entry, version, time in rows
    )
    return f"INSERT INTO events VALUES {values}"


def refused(db: Db, statement: str, message: str) -> None:
    before = everything(db)
    with pytest.raises(errors.IntegrityError) as caught:
        db.execute(statement.encode())
    assert caught.value.diag.message_primary == message
    assert everything(db) == before


@pytest.mark.usefixtures("recorder")
def test_the_next_events_in_turn_are_taken(db: Db) -> None:
    db.execute(insert((4, B, 2, TIME), (5, A, 3, TIME), (6, A, 4, TIME + 1)).encode())
    db.execute(insert((8, b"c" * 16, 1, TIME + 1), (7, b"d" * 16, 0, TIME + 1)).encode())
    db.execute("INSERT INTO events SELECT * FROM events WHERE false")
    assert [row[0] for row in everything(db)[:8]] == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize(
    "rows",
    [
        [(5, A, 3, TIME)],
        [(2**63 - 1, A, 3, TIME)],
        [(4, A, 3, TIME), (6, A, 4, TIME)],
        [(4, A, 3, TIME - 1)],
        [(4, A, 3, TIME + 1), (5, A, 4, TIME)],
        [(4, A, 4, TIME)],
        [(4, A, 0, TIME)],
        [(4, b"c" * 16, 2, TIME)],
        [(4, b"c" * 16, -1, TIME)],
        [(4, A, 4, TIME), (5, A, 3, TIME)],
        [(4, A, 3, TIME), (5, A, 5, TIME)],
        [(4, b"c" * 16, 1, TIME), (5, b"c" * 16, 3, TIME)],
    ],
)
def test_no_event_is_inserted_out_of_turn(
    db: Db, rows: list[tuple[object, bytes, object, object]]
) -> None:
    refused(db, insert(*rows), APPENDED)


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize("position", [0, -1])
def test_no_event_lies_before_the_first(db: Db, position: int) -> None:
    refused(
        db,
        insert((position, A, 3, TIME)),
        'new row for relation "events" violates check constraint "events_position_check"',
    )


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (insert((5, A, 3, TIME)), APPENDED),
        ("INSERT INTO events VALUES (3, 'x') ON CONFLICT DO NOTHING", None),
        ("UPDATE events SET position = 4 WHERE position = 3", CHANGED),
        ("UPDATE events SET version = 4 WHERE position = 3", CHANGED),
        ("UPDATE events SET entry = 'cccccccccccccccc' WHERE position = 3", CHANGED),
        ("UPDATE events SET type = 'EntryCreated@1'", CHANGED),
        ("UPDATE events SET recorded_at = recorded_at + 1", CHANGED),
        ("UPDATE events SET content = ''", CHANGED),
        ("UPDATE events SET meta = 'other'", CHANGED),
        ("DELETE FROM events", DELETED),
        ("DELETE FROM events WHERE position = 3", DELETED),
        ("TRUNCATE events", DELETED),
        ("TRUNCATE events, ledger CASCADE", DELETED),
        ("UPDATE head SET single = true", LOCK),
        ("DELETE FROM head", LOCK),
        ("TRUNCATE head", LOCK),
        ("INSERT INTO head VALUES (true)", LOCK),
        ("UPDATE ledger SET origin = 'other'", f"{NAMED} changed"),
        ("DELETE FROM ledger", f"{NAMED} deleted"),
        ("TRUNCATE ledger", f"{NAMED} deleted"),
        ("INSERT INTO ledger VALUES ('i', 'o', 0)", "ledger: there is one identity"),
    ],
)
def test_nothing_is_changed_whoever_asks_and_however_triggers_are_set(
    postgres_store: PostgresStore, role: str, statement: str, message: str | None
) -> None:
    with closing(postgres_store.server.connect()) as db:
        db.execute(f"SET search_path = {postgres_store.schema}".encode())
        db.execute(f"SET session_replication_role = {role}".encode())
        if message is None:
            with pytest.raises(errors.NotNullViolation):
                db.execute(statement.encode())
        else:
            refused(db, statement, message)


def test_a_transaction_of_one_snapshot_cannot_append(recorder: PostgresRecorder, db: Db) -> None:
    groups = "1, '{1}', ARRAY['\\x00'::bytea], '{1}', '{T}', ARRAY[''::bytea], ARRAY[''::bytea]"
    for isolation in ("REPEATABLE READ", "SERIALIZABLE"):
        db.execute(f"SET default_transaction_isolation = '{isolation}'".encode())
        with pytest.raises(psycopg.Error) as caught:
            db.execute(f"SELECT append({groups}, '{{}}', '{{}}', '{{}}')".encode())
        assert caught.value.diag.message_primary == (
            "ledger: events are appended in transactions that are read committed"
        )
    assert recorder.head().position == 3


def test_a_lock_that_is_gone_lets_nothing_in(
    recorder: PostgresRecorder, postgres_store: PostgresStore
) -> None:
    with postgres_store.log() as log:
        log.execute("DELETE FROM head")
    with pytest.raises(Exception, match="the row that appends lock is gone"):
        recorder.append([new(A, 3)])


def erased(entry: bytes, version: int, *lines: str) -> NewRow:
    data = EntryErased(authority="Court", blanked=lines)
    return EventMapper().to_row(event(data, version))._replace(entry=entry)


@pytest.fixture
def named(recorder: PostgresRecorder) -> None:
    """Named are the content of event 2 and the meta of event 1, both of A."""
    lines = [blanked(2, "content", "00" * 32), blanked(1, "meta", "00" * 32)]
    recorder.append([erased(A, 3, *lines, blanked(4, "content", "00" * 32))])
    recorder.append([erased(B, 2, blanked(1, "content", "00" * 32))])


@pytest.mark.usefixtures("named")
def test_what_an_erasure_names_goes_and_does_not_come_back(db: Db) -> None:
    db.execute("UPDATE events SET content = '' WHERE position = 2")
    db.execute("UPDATE events SET meta = '' WHERE position = 1")
    assert [row[5:] for row in everything(db)[:3]] == [
        (b"", b"content"),
        (b"meta", b""),
        (b"meta", b"content"),
    ]
    refused(db, "UPDATE events SET content = 'content' WHERE position = 2", CHANGED)
    refused(db, "UPDATE events SET meta = 'meta' WHERE position = 1", CHANGED)


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    "change",
    [
        "content = '' WHERE position = 1",
        "meta = '' WHERE position = 2",
        "content = '', meta = '' WHERE position = 2",
        "content = 'other' WHERE position = 2",
        "content = '', version = 99 WHERE position = 2",
        "content = '', recorded_at = 1 WHERE position = 2",
        # An erasure takes nothing of itself, or of another entry.
        "content = '' WHERE position = 4",
        "content = '' WHERE position = 3",
    ],
)
def test_nothing_else_changes(db: Db, change: str) -> None:
    refused(db, f"UPDATE events SET {change}", CHANGED)
