"""What is asked of, and put into, the tables of a PostgreSQL log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from eventsourcing.persistence import IntegrityError

from ledger.errors import StoreCorrupt
from ledger.store.identity import Identity
from ledger.store.log import Basis
from ledger.store.postgres.connections import Connection
from ledger.store.rows import Appended, Blank, Head, NewRow, Row

COLUMNS = "position, entry, version, type, recorded_at, meta, content"
TYPES = ["int8", "bytea", "int8", "text", "int8", "bytea", "bytea"]
LAST_POSITION = 2**63 - 1
BEHIND_ALL = b"\xff" * 17


class Queries:
    """The statements for the log in a schema."""

    def __init__(self, schema: str) -> None:
        log = f'"{schema}"'
        events = f"{log}.events"
        select = f"SELECT {COLUMNS} FROM {events} WHERE"
        groups = ", ".join(
            ["%s", "%s::integer[]", "%b::bytea[]", "%s::bigint[]", "%s::text[]"]
            + ["%b::bytea[]"] * 2
            + ["%s::integer[]", "%s::bytea[]", "%s::bigint[]"]
        )
        self.append = f"SELECT * FROM {log}.append({groups})".encode()
        self.append_at = f"SELECT * FROM {log}.append_at(%s, {groups})".encode()
        self.load = f"COPY {events} ({COLUMNS}) FROM STDIN (FORMAT BINARY)".encode()
        self.find = (
            f"SELECT DISTINCT entry FROM {events} WHERE entry BETWEEN %s AND %s "
            "ORDER BY entry LIMIT %s"
        ).encode()
        self.head = (
            f"SELECT position, recorded_at FROM {events} ORDER BY position DESC LIMIT 1"
        ).encode()
        self.identity = f"SELECT id, origin, created_at FROM {log}.ledger".encode()
        self.is_copy = f"SELECT EXISTS (SELECT FROM {log}.copy)".encode()
        self.last_erasure = (
            f"SELECT coalesce(max(position), 0) FROM {events} WHERE type LIKE 'EntryErased@%%'"
        ).encode()
        self.lock_head = f"SELECT FROM {log}.head WHERE single FOR UPDATE".encode()
        self.confirm = f"UPDATE {log}.copy SET confirmed = %s".encode()
        self.confirmed = f"SELECT coalesce(max(confirmed), 0) FROM {log}.copy".encode()
        self.promote = f"DELETE FROM {log}.copy".encode()
        self.read = (
            f"{select} position > %s AND position <= %s ORDER BY position LIMIT %s"
        ).encode()
        self.count = (
            f"SELECT count(*) FROM {events} JOIN "
            "unnest(%b::bytea[], %s::bigint[], %s::bigint[], %s::bigint[]) "
            "AS basis (entry, version, position, recorded_at) "
            "USING (entry, version, position, recorded_at)"
        ).encode()
        self.read_by_entry = (
            f"{select} (entry, version) > (%s, %s) AND entry < %s ORDER BY entry, version LIMIT %s"
        ).encode()
        self.read_entry = f"{select} entry = %s AND version > %s ORDER BY version".encode()
        self.vacuum = f"VACUUM (FULL, VERBOSE) {events}".encode()
        self._blank = f"UPDATE {events} SET {{}} = '' WHERE position = %s"

    def blank(self, connection: Connection, blanks: Sequence[Blank]) -> None:
        """Take blobs away, in a transaction that has begun.

        Raises:
            eventsourcing.persistence.IntegrityError: There is no such event.
        """
        for position, blob in blanks:
            done = connection.execute(self._blank.format(blob).encode(), (position,))
            if done.rowcount != 1:
                raise IntegrityError(f"ledger: there is no event {position} to blank")


def parameters(rows: Sequence[NewRow], seen: Mapping[bytes, int]) -> list[object]:
    """Return what the function `append` takes: it may be given several turns, and gets one."""
    entries, versions, types, metas, contents = zip(*rows, strict=True) if rows else [()] * 5
    return [
        1,
        _numbers(repeat(1, len(rows))),
        list(entries),
        _numbers(versions),
        list(types),
        list(metas),
        list(contents),
        _numbers(repeat(1, len(seen))),
        list(seen),
        _numbers(seen.values()),
    ]


def bases(upon: Collection[Basis]) -> list[object]:
    """Return what `Queries.count` takes."""
    entries, *numbers = zip(*upon, strict=True)
    return [list(entries), *map(_numbers, numbers)]


def _numbers(numbers: Iterable[int]) -> str:
    # One text: the statement's type does not change with the size of its numbers.
    return f"{{{','.join(map(str, numbers))}}}"


def appended(found: Sequence[tuple[Any, ...]]) -> Appended:
    """Return where an append went.

    Raises:
        eventsourcing.persistence.IntegrityError: It was refused.
    """
    ((first, stored_at, behind, refused),) = found
    if refused is not None:
        raise IntegrityError(refused)
    return Appended(first, stored_at, behind)


def rows(found: Iterable[tuple[Any, ...]]) -> list[Row]:
    """Return events as they come from the database."""
    # As `Row._make`, but all in C: every reading of the log goes through here.
    return list(map(tuple.__new__, repeat(Row), found))


def head(found: Sequence[tuple[Any, ...]]) -> Head:
    """Return the log's end."""
    return Head(*found[0]) if found else Head(0, 0)


def identity(found: Sequence[tuple[Any, ...]]) -> Identity:
    """Return what the ledger is called.

    Raises:
        StoreCorrupt: Nobody knows.
    """
    if not found:
        raise StoreCorrupt("the ledger's identity is gone from its database: restore a backup")
    return Identity(*found[0])
