"""Many rows at once: what takes a message a row otherwise is done at a fraction of the price.

An INSERT of nothing but parameters goes by COPY; one with ON CONFLICT DO UPDATE, as one statement
of many rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import psycopg

Cursor = psycopg.Cursor[Any] | psycopg.RawCursor[Any]

_FEW = 10
_MOST_PARAMETERS = 65_535

_INSERT = re.compile(
    r"\s*(?P<insert>INSERT\s+INTO\s+(?P<table>\w+)\s*(?:\((?P<columns>[\w\s,]+)\)\s*)?VALUES)\s*"
    r"\((?P<marks>[?\s,]+)\)\s*"
    r"(?P<update>ON\s+CONFLICT\s*\((?P<key>[\w\s,]+)\)\s*DO\s+UPDATE\b[^?:]*)?",
    re.IGNORECASE,
)

# INSERT casts what it is given to a column's type, and COPY does not; so what it takes is of the
# type already. The types by their numbers (pg_type.dat).
_TAKEN: dict[int, set[type]] = {
    17: {bytes, type(None)},
    20: {int, bool, type(None)},
    25: {str, type(None)},
    701: {float, type(None)},
}


def insert(
    connection: psycopg.Connection[Any], sql: str, rows: Sequence[Sequence[Any]]
) -> Cursor | None:
    """Insert many rows at once, where that comes to the same.

    Args:
        connection: Where.
        sql: Any statement, in the SQL of read models.
        rows: The parameters for each row.

    Returns:
        The cursor that did it; None: nothing was done.
    """
    found = _INSERT.fullmatch(sql)
    if found is None or len(rows) <= _FEW:
        return None
    table, columns, key = found.group("table", "columns", "key")
    cursor = connection.execute(f"SELECT {columns or '*'} FROM {table} LIMIT 0".encode())
    described = {column.name: column.type_code for column in cursor.description or ()}
    if {len(described)} != {found["marks"].count("?"), *map(len, rows)}:
        return None
    if key is None:
        target = f"{table} ({columns})" if columns else table
        return _copy(cursor, target, list(described.values()), rows)
    at = [n for n, name in enumerate(described) if name in re.findall(r"\w+", key)]
    # One statement cannot update a row twice.
    if len({tuple(row[n] for n in at) for row in rows}) < len(rows):
        return None
    return _upsert(connection, found["insert"], found["update"], rows)


def _copy(
    cursor: psycopg.Cursor[Any], target: str, types: list[int], rows: Sequence[Sequence[Any]]
) -> Cursor | None:
    for type_, values in zip(types, zip(*rows, strict=True), strict=True):
        if not set(map(type, values)) <= _TAKEN.get(type_, set()):
            return None
    with cursor.copy(f"COPY {target} FROM STDIN (FORMAT BINARY)".encode()) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
    return cursor


def _upsert(
    connection: psycopg.Connection[Any], insert: str, update: str, rows: Sequence[Sequence[Any]]
) -> Cursor | None:
    values = [value for row in rows for value in row]
    if len(values) > _MOST_PARAMETERS:
        return None
    width = len(rows[0])
    marks = ", ".join(
        f"({', '.join(f'${number}' for number in range(first, first + width))})"
        for first in range(1, len(values), width)
    )
    # Numbered by us: psycopg would take longer to do so than the server to insert.
    cursor = psycopg.RawCursor(connection)
    return cursor.execute(f"{insert} {marks} {update}".encode(), values)
