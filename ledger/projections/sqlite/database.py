"""A SQLite file of views, opened."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar

from ledger.errors import StoreBusy
from ledger.projections.database import STANDINGS
from ledger.store.connections import Committed, Still, begin_at_once

# What tells of the disk or of other processes, not of the read model or the event.
CIRCUMSTANCES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
}

_PATIENCE = 30.0
_PAUSE = 0.0002


class SQLiteDb(sqlite3.Connection):
    """A connection to a file of views; see `ViewsDb`."""

    is_postgres: ClassVar[bool] = False

    def begin(
        self,
        done: Callable[[], bool] = lambda: False,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> list[Any] | None:
        """Take the file's write lock; or return None once somebody else has done the work.

        SQLite's own waiting sleeps for milliseconds; whoever holds the lock is at our very work,
        and done with it in less.
        """
        deadline = time.monotonic() + _PATIENCE
        while not begin_at_once(self):
            if done():
                return None
            if time.monotonic() > deadline:
                raise StoreBusy("the views are being written by another process: try again")
            time.sleep(_PAUSE)
        meanwhile()
        return self.execute(STANDINGS).fetchall()

    def committed(self) -> AbstractContextManager[None]:
        """Commit at the end what was begun, or roll everything back."""
        return Committed(self)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin, and commit at the end."""
        self.begin()
        with self.committed():
            yield

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo what handlers did where they fail; they cannot end the transaction themselves."""
        self.execute("SAVEPOINT attempt")
        self.set_authorizer(_authorize)
        try:
            yield
        except BaseException:
            self.set_authorizer(None)
            # SQLite has rolled all back by itself where the disk was full.
            if self.in_transaction:
                self.execute("ROLLBACK TO attempt")
            raise
        finally:
            self.set_authorizer(None)
            if self.in_transaction:
                self.execute("RELEASE attempt")

    def was_guarded(self, error: BaseException) -> bool:
        """Return whether an error says that a handler tried to."""
        return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_AUTH

    def is_circumstance(self, error: BaseException) -> bool:
        """Return whether an error tells of the disk or of other processes."""
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in CIRCUMSTANCES

    def stream(self, table: str, columns: str, *, in_order: bool) -> Iterator[tuple[Any, ...]]:
        """Return the rows of a table; `in_order`: by their columns, from left to right."""
        order = ""
        if in_order:
            count = len(columns.split(","))
            order = " ORDER BY " + ", ".join(f"{n} COLLATE BINARY" for n in range(1, count + 1))
        return self.execute(f"SELECT {columns} FROM {table}{order}")

    def tables(self) -> list[str]:
        """Return the names of the tables, those of SQLite's own left out."""
        rows = self.execute(
            "SELECT name FROM sqlite_schema "
            "WHERE type IN ('table', 'view') AND name NOT GLOB 'sqlite_*'"
        )
        return [name for (name,) in rows]

    def drop(self, table: str) -> None:
        """Drop a table or a view, if it is there."""
        kind = self.execute("SELECT type FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        if kind is not None:
            self.execute(f'DROP {kind[0]} "{table}"')


class FillingDb(SQLiteDb):
    """A connection to a file that nobody else knows of, which is thrown away if filling it fails.

    Batches that follow each other are one transaction, or pages that many of them change would be
    written as often.
    """

    def begin(
        self,
        done: Callable[[], bool] = lambda: False,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> list[Any] | None:
        """Begin once for all batches."""
        if not self.in_transaction:
            return super().begin(done, meanwhile)
        meanwhile()
        return self.execute(STANDINGS).fetchall()

    def committed(self) -> AbstractContextManager[None]:
        """Leave it to `end`."""
        return nullcontext()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end, and what came before: only then are pages of dropped tables free."""
        with super().transaction():
            yield
        self.end()

    def end(self) -> None:
        """Commit all batches."""
        if self.in_transaction:
            self.execute("COMMIT")


class StillDb(SQLiteDb, Still):
    """A connection to a file as it lies, good for one look."""


def _authorize(action: int, *_args: object) -> int:
    return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_TRANSACTION else sqlite3.SQLITE_OK
