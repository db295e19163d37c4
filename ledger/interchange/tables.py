"""Tables for analysts: which columns they have, and how CSV and Parquet say what is in them.

CSV is RFC 4180: UTF-8, a line of headings, CRLF, quotes where they are needed. Times are ISO 8601
in UTC, truth is true or false, lists are JSON; what is not there is empty. The values are exact:
nothing is put in front of one that a spreadsheet would take for a formula, so open the file there
as text.

Parquet has the types: timestamps of microseconds in UTC, dates, lists, structs, null.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import IO, Any, Literal, NamedTuple

import msgspec

from ledger.errors import MissingExtra

TableName = Literal["entries", "changes", "events"]

Kind = Literal["text", "int", "bool", "time", "date", "texts", "sources", "corrections"]

Record = Sequence[object]
"""A value for each column: a UUID or a text for text; None for what is not there."""


class Column(NamedTuple):
    """A column: its heading, and what is in it."""

    name: str
    kind: Kind = "text"


_WHEN = (
    Column("published_at", "time"),
    Column("basis"),
    Column("recorded_at", "time"),
    Column("position", "int"),
)
_WHO = (Column("actor"), Column("reason"), Column("minor", "bool"))

TABLES: dict[TableName, tuple[Column, ...]] = {
    # One row an entry, in one version.
    "entries": (
        Column("entry"),
        Column("version", "int"),
        Column("status"),
        Column("edition"),
        Column("path"),
        Column("date", "date"),
        Column("headline"),
        Column("topic"),
        Column("summary"),
        Column("sources", "sources"),
        Column("cover_image"),
        Column("contexts", "texts"),
        Column("language"),
        Column("merged_into"),
        Column("corrections", "corrections"),
        Column("inferred", "texts"),
        *_WHEN,
    ),
    # One row a version of an entry, as its Changes list has it.
    "changes": (
        Column("entry"),
        Column("version", "int"),
        Column("label"),
        Column("listed", "bool"),
        Column("headline"),
        Column("path"),
        *_WHEN,
        Column("type"),
        *_WHO,
        Column("fields", "texts"),
        Column("erased", "int"),
    ),
    # One row an event, in the log's order.
    "events": (
        Column("position", "int"),
        Column("recorded_at", "time"),
        Column("entry"),
        Column("version", "int"),
        Column("type"),
        Column("published_at", "time"),
        Column("basis"),
        *_WHO,
        Column("command"),
        Column("origin"),
        Column("fields", "texts"),
        Column("data"),
        Column("erased", "int"),
    ),
}
"""The tables and their columns, in order.

`path` is without edition prefix and extension; `erased` is the position of the event that says
that something was erased of this one; `data` is JSON: all that an event says.
"""

ROW_GROUP = 10_000
"""How many rows are in memory at once, and in a row group of a Parquet file."""


def write_csv(table: TableName, records: Iterable[Record], file: IO[bytes]) -> int:
    """Write a table as CSV; return how many rows it has."""
    count = 0
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text)
        writer.writerow([column.name for column in TABLES[table]])
        for count, record in enumerate(records, 1):  # noqa: B007
            writer.writerow(map(_cell, record))
    finally:
        # Whoever lent the file closes it.
        text.detach()
    return count


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, tuple):
        return msgspec.json.encode(value).decode()
    return value


def write_parquet(table: TableName, records: Iterable[Record], file: IO[bytes]) -> int:
    """Write a table as Parquet, a row group at a time; return how many rows it has.

    Raises:
        MissingExtra: The package pyarrow is not installed.
    """
    arrow, parquet = _pyarrow()
    columns = TABLES[table]
    types = _types(arrow)
    schema = arrow.schema([(column.name, types[column.kind]) for column in columns])
    count = 0
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _groups(records):
            arrays = [
                arrow.array(map(_VALUES.get(column.kind, _same), values), types[column.kind])
                for column, values in zip(columns, zip(*group, strict=True), strict=True)
            ]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
            count += len(group)
    return count


def _groups(records: Iterable[Record]) -> Iterator[list[Record]]:
    left = iter(records)
    while group := list(islice(left, ROW_GROUP)):
        yield group


def _same(value: object) -> object:
    return value


_VALUES: dict[Kind, Callable[[Any], object]] = {
    "text": lambda value: None if value is None else str(value),
    "sources": msgspec.to_builtins,
    "corrections": msgspec.to_builtins,
}


def _types(arrow: Any) -> dict[Kind, Any]:
    text = arrow.string()
    source = arrow.struct([(name, text) for name in ("name", "url", "image")])
    correction = arrow.struct([("kind", text), ("text", text), ("version", arrow.int64())])
    return {
        "text": text,
        "int": arrow.int64(),
        "bool": arrow.bool_(),
        "time": arrow.timestamp("us", "UTC"),
        "date": arrow.date32(),
        "texts": arrow.list_(text),
        "sources": arrow.list_(source),
        "corrections": arrow.list_(correction),
    }


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra(
            "Parquet needs the package pyarrow: pip install 'ledger[tables]'"
        ) from None
    return pa, parquet
