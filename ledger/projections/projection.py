"""`Projection`: what one read model declares, and how it takes events."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import sha256
from typing import ClassVar

import msgspec

from ledger.domain.events import RecordedEvent

_encode = msgspec.msgpack.Encoder().encode


class Projection(ABC):
    """A read model: its tables, and the rule that fills them from events.

    Subclasses set the class attributes and write `apply`. A change of `ddl` or of the rule needs
    a new `schema`: views of another schema are rebuilt.

    Attributes:
        name: What it is called.
        schema: The version of its tables and its rule.
        ddl: The statements that make its tables.
        tables: Table to its logical columns, which the digest is taken over: no row numbers, no
            indexes.
    """

    name: ClassVar[str]
    schema: ClassVar[int]
    ddl: ClassVar[tuple[str, ...]]
    tables: ClassVar[dict[str, str]]

    @abstractmethod
    def apply(self, events: Sequence[RecordedEvent], db: sqlite3.Connection) -> None:
        """Bring the tables from before `events` to after them.

        Args:
            events: Consecutive events of the log.
            db: In a transaction, which also moves the position; so each event counts once.
        """

    def digest(self, db: sqlite3.Connection) -> tuple[int, str]:
        """Return the number of rows and the digest of what they say; see `ViewStatus.digest`."""
        total = rows = 0
        for table, columns in sorted(self.tables.items()):
            for row in db.execute(f"SELECT {columns} FROM {table}"):  # noqa: S608
                total += int.from_bytes(sha256(_encode((table, *row))).digest())
                rows += 1
        return rows, f"{total % 2**256:064x}"
