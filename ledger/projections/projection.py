"""`Projection`: what one read model declares, and how it takes events."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from hashlib import sha256
from itertools import islice
from typing import Any, ClassVar, TypeVar, cast

import msgspec

from ledger.domain.events import EventData, RecordedEvent
from ledger.errors import InvalidInput
from ledger.projections.database import Db, ViewsDb
from ledger.projections.sqlite.database import SQLiteDb
from ledger.store.rows import Row

_encode = msgspec.msgpack.Encoder().encode

_CHUNK = 1000

_NAME = re.compile(r"[a-z][a-z0-9_]*")

Handler = Callable[[Any, RecordedEvent, Db], None]
Method = TypeVar("Method", bound=Handler)


def known_before(events: Sequence[RecordedEvent]) -> set[bytes]:
    """Return the entries among `events` that had versions before these."""
    first = {event.entry.int: event.version for event in reversed(events)}
    return {entry.to_bytes(16) for entry, version in first.items() if version > 1}


def handles(*types: type[EventData]) -> Callable[[Method], Method]:
    """Mark a method of a projection as the handler of events of these types."""

    def mark(method: Method) -> Method:
        method.handled_types = types  # type: ignore[attr-defined]
        return method

    return mark


class Projection:
    """A read model: its tables, and the rule that fills them from events.

    Subclasses set the class attributes and mark methods with `handles`; where events are better
    taken many at a time, they write `apply` instead. Query methods take the connection first; see
    `Ledger.query`. A change of `ddl` or of the rule needs a new `schema`: the read model is then
    rebuilt by itself.

    A handler depends on nothing but the events and its own tables; else a rebuild could not give
    the same rows again.

    Attributes:
        name: What it is called: lower-case letters, digits and underscores.
        schema: The version of its tables and its rule.
        ddl: The statements that make its tables.
        tables: Table to its logical columns, which the digest is taken over: no row numbers, no
            indexes.
        indexes: Table to columns that tell what an index of one's own holds: no digest is taken
            over them, but a check compares them.
        postgres_ddl: The statements for PostgreSQL, where `ddl` cannot be translated or where
            other indexes are better.
        postgres_indexes: As `indexes`, there.
        takes_rows: Whether it takes the log's rows as they lie there, by `apply_rows`; an event
            that cannot be decoded does not stop it.
    """

    name: ClassVar[str]
    schema: ClassVar[int] = 1
    ddl: ClassVar[tuple[str, ...]]
    tables: ClassVar[dict[str, str]]
    indexes: ClassVar[dict[str, str]] = {}
    postgres_ddl: ClassVar[tuple[str, ...]] = ()
    postgres_indexes: ClassVar[dict[str, str]] = {}
    takes_rows: ClassVar[bool] = False
    _handlers: ClassVar[dict[type[EventData], str]] = {}

    def __init_subclass__(cls) -> None:
        cls._handlers = {
            type_: name
            for base in reversed(cls.__mro__)
            for name, member in vars(base).items()
            for type_ in getattr(member, "handled_types", ())
        }

    def apply(self, events: Sequence[RecordedEvent], db: Db) -> None:
        """Bring the tables from before `events` to after them.

        Args:
            events: Events of the log, in order. Where it fails on one of them, what it did is
                undone, and they are given again one by one, up to that event.
            db: In a transaction, which also moves the position; so each event counts once. It may
                not be ended here.
        """
        for event in events:
            if name := self._handlers.get(type(event.data)):
                getattr(self, name)(event, db)

    def apply_rows(self, rows: Sequence[Row], db: Db) -> None:
        """Bring the tables from before `rows` to after them, where `takes_rows`; see `apply`."""
        raise NotImplementedError

    def handler_of(self, event: RecordedEvent | Row) -> str:
        """Return the name of the method that takes an event."""
        name = "apply_rows"
        if not isinstance(event, Row):
            name = self._handlers.get(type(event.data), "apply")
        return f"{type(self).__name__}.{name}"

    def check(self) -> None:
        """Refuse a projection that is not declared as it must be.

        Raises:
            InvalidInput: Name, schema, ddl or tables are missing or wrong.
        """
        for attribute in ("name", "ddl", "tables"):
            if not hasattr(self, attribute):
                raise InvalidInput(f"the projection {type(self).__name__} declares no {attribute}")
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(
                f"{self.name!r} names no projection: use lower-case letters, digits, underscores"
            )
        schema, ddl, tables = (
            cast("object", value) for value in (self.schema, self.ddl, self.tables)
        )
        if type(schema) is not int or schema < 1:
            raise InvalidInput(f"the schema of {self.name} is {schema!r}: number them from 1")
        if self.takes_rows and type(self).apply_rows is Projection.apply_rows:
            raise InvalidInput(f"the projection {self.name} takes rows, but has no apply_rows")
        if isinstance(ddl, str):
            raise InvalidInput(f"the ddl of {self.name} is one text: give a tuple of statements")
        if not isinstance(tables, dict):
            raise InvalidInput(f"the tables of {self.name} are not told with their columns")
        try:
            with closing(sqlite3.connect(":memory:", factory=SQLiteDb)) as db:
                for statement in self.ddl:
                    db.execute(statement)
                for table, columns in (self.tables | self.indexes).items():
                    db.stream(table, columns, in_order=True)
        except sqlite3.Error as error:
            raise InvalidInput(
                f"the projection {self.name} does not declare its tables right: {error}"
            ) from error

    def statements(self, db: ViewsDb) -> tuple[str, ...]:
        """Return the statements that make its tables in a database."""
        return self.postgres_ddl if db.is_postgres and self.postgres_ddl else self.ddl

    def compared(self, db: ViewsDb) -> dict[str, str]:
        """Return what tells of its indexes in a database; see `indexes`."""
        return self.postgres_indexes if db.is_postgres else self.indexes

    def digest(self, db: ViewsDb) -> tuple[int, str]:
        """Return the number of rows and the digest of what they say; see `ViewStatus.digest`."""
        total = rows = 0
        for table, columns in sorted(self.tables.items()):
            name = table.replace("'", "''")
            # From here to the digests all is done in C, row by row.
            rows_said = db.stream(table, f"'{name}', {columns}", in_order=False)
            hashes = map(sha256, map(_encode, rows_said))
            while digests := [hash_.digest() for hash_ in islice(hashes, _CHUNK)]:
                total += sum(map(int.from_bytes, digests))
                rows += len(digests)
        return rows, f"{total % 2**256:064x}"
