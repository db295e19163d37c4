"""What is asked of, and put into, the tables of a SQLite log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain, repeat
from typing import Any

from eventsourcing.persistence import IntegrityError

from ledger.errors import StoreCorrupt
from ledger.store.identity import Identity, read_only_copy
from ledger.store.log import Basis
from ledger.store.rows import Blank, Head, NewRow, Row

COLUMNS = "position, entry, version, type, recorded_at, meta, content"

TOGETHER = 100
"""How many events go with one statement."""


def select(
    connection: sqlite3.Connection, where: str, parameters: tuple[object, ...]
) -> list[Row]:
    """Return the events that a condition, with its order and limit, chooses."""
    query = f"SELECT {COLUMNS} FROM events WHERE {where}"  # noqa: S608
    try:
        return _rows(connection.execute(query, parameters))
    except sqlite3.OperationalError as error:
        if "Could not decode to UTF-8" not in str(error):
            raise
    # Somebody wrote into the file: whoever makes sense of the type will tell.
    connection.text_factory = lambda text: text.decode(errors="surrogateescape")
    try:
        return _rows(connection.execute(query, parameters))
    finally:
        connection.text_factory = str


def _rows(found: Iterable[tuple[Any, ...]]) -> list[Row]:
    # As `Row._make`, but all in C: every reading of the log goes through here.
    return list(map(tuple.__new__, repeat(Row), found))


def place(rows: Sequence[NewRow], after: int, recorded_at: int) -> list[Row]:
    """Return events as they are to lie behind a position."""
    return [
        Row(position, entry, version, type_, recorded_at, meta, content)
        for position, (entry, version, type_, meta, content) in enumerate(rows, after + 1)
    ]


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Put events into the log, in a transaction that has begun.

    Many with one statement: between two statements other threads take their turn, while those who
    wait for the commit wait on.
    """
    for at in range(0, len(rows), TOGETHER):
        together = rows[at : at + TOGETHER]
        connection.execute(_insert(len(together)), list(chain.from_iterable(together)))


def append_behind(connection: sqlite3.Connection, last: Row, rows: Sequence[Row]) -> bool:
    """Put events behind the last one, in a transaction of its own that is one statement.

    Returns:
        Whether they were; not, if another event is the last, or the log is a copy.
    """
    # Each event's salt is its own: those of two events are never the same.
    after = (last.position, last.recorded_at, last.meta, last.content)
    done = connection.execute(_append_behind(len(rows)), [*chain.from_iterable(rows), *after])
    return done.rowcount == len(rows)


@cache
def _insert(count: int) -> str:
    return f"INSERT INTO events ({COLUMNS}) {_values(count)}"


@cache
def _append_behind(count: int) -> str:
    last = "SELECT position, recorded_at, meta, content FROM events ORDER BY position DESC LIMIT 1"
    return (
        f"INSERT INTO events ({COLUMNS}) SELECT * FROM ({_values(count)}) "  # noqa: S608
        f"WHERE ({last}) = (?, ?, ?, ?) AND NOT EXISTS (SELECT 1 FROM copy)"
    )


def _values(count: int) -> str:
    one = f"({', '.join('?' * len(Row._fields))})"
    return f"VALUES {', '.join([one] * count)}"


def head(connection: sqlite3.Connection) -> Head:
    """Return the log's end."""
    row = connection.execute(
        "SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1"
    ).fetchone()
    return Head(*row) if row else Head(0, 0)


def last(connection: sqlite3.Connection) -> Row | None:
    """Return the log's last event; None where it is empty."""
    rows = select(connection, "TRUE ORDER BY position DESC LIMIT 1", ())
    return rows[0] if rows else None


def has(connection: sqlite3.Connection, basis: Basis) -> bool:
    """Return whether an event is where it was seen."""
    entry, version, *where = basis
    found = connection.execute(
        "SELECT position, recorded_at FROM events WHERE entry = ? AND version = ?",
        (entry, version),
    )
    return bool(found.fetchone() == tuple(where))


def version_of(connection: sqlite3.Connection, entry: bytes) -> int:
    """Return an entry's last version; 0 where there is none."""
    found = connection.execute("SELECT max(version) FROM events WHERE entry = ?", (entry,))
    return int(found.fetchone()[0] or 0)


def identity(connection: sqlite3.Connection) -> Identity:
    """Return what the ledger is called."""
    row = connection.execute("SELECT id, origin, created_at FROM ledger").fetchone()
    if row is None:
        raise StoreCorrupt("the ledger's identity is gone from its database: restore a backup")
    return Identity(*row)


def is_copy(connection: sqlite3.Connection) -> bool:
    """Return whether the ledger is a copy that nobody has promoted."""
    return connection.execute("SELECT 1 FROM copy").fetchone() is not None


def confirmed(connection: sqlite3.Connection) -> int:
    """Return up to which position a copy was last held against its source; 0: never."""
    row = connection.execute("SELECT confirmed FROM copy").fetchone()
    return int(row[0]) if row else 0


def require_promoted(connection: sqlite3.Connection) -> None:
    """Refuse to write into a copy.

    Raises:
        ReadOnlyCopy: It is one.
    """
    if is_copy(connection):
        raise read_only_copy()


def blank(connection: sqlite3.Connection, blanks: Sequence[Blank]) -> None:
    """Take blobs away, in a transaction that has begun.

    Raises:
        eventsourcing.persistence.IntegrityError: There is no such event.
    """
    # What is freed is overwritten with zeros.
    connection.execute("PRAGMA secure_delete = ON")
    for position, blob in blanks:
        done = connection.execute(
            f"UPDATE events SET {blob} = x'' WHERE position = ?",  # noqa: S608
            (position,),
        )
        if done.rowcount != 1:
            raise IntegrityError(f"ledger: there is no event {position} to blank")


def last_erasure(connection: sqlite3.Connection) -> int:
    """Return the position of the last event that says what was erased; 0 where none does."""
    found = connection.execute("SELECT max(position) FROM events WHERE type GLOB 'EntryErased@*'")
    return int(found.fetchone()[0] or 0)
