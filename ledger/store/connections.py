"""Connections to SQLite files: opened, shared by threads, and their errors put into words."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar
from urllib.parse import quote

from eventsourcing.persistence import IntegrityError

from ledger.errors import (
    LedgerError,
    NotALedger,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreNotWritable,
)

_MEANING: dict[int, tuple[type[LedgerError], str]] = {
    sqlite3.SQLITE_NOTADB: (NotALedger, "is no ledger; nothing was touched"),
    sqlite3.SQLITE_CORRUPT: (StoreCorrupt, "is damaged: restore it from a backup"),
    sqlite3.SQLITE_FULL: (StoreFull, "could not be written, the disk is full: make room"),
    sqlite3.SQLITE_IOERR: (
        StoreFull,
        "could not be read or written, the disk is full or failing: make room",
    ),
    sqlite3.SQLITE_BUSY: (StoreBusy, "is being written by another process: try again"),
    sqlite3.SQLITE_READONLY: (StoreNotWritable, "cannot be written: check its permissions"),
    sqlite3.SQLITE_PERM: (StoreNotWritable, "cannot be opened: check its permissions"),
    sqlite3.SQLITE_CANTOPEN: (
        StoreNotWritable,
        "cannot be opened: check that it and its folder may be used",
    ),
}


class Still(sqlite3.Connection):
    """A connection to a file as it lay when it was opened: good for one look."""


def is_lasting(connection: sqlite3.Connection) -> bool:
    """Return whether a connection is good for more than one look."""
    return not isinstance(connection, Still)


Opened = TypeVar("Opened", bound=sqlite3.Connection)


def connect(
    path: Path, mode: str = "rw", *, timeout: float = 30.0, immutable: bool = False
) -> sqlite3.Connection:
    """Open a SQLite file; see `connect_as`. Where it is read as it lies, it is `Still`."""
    factory = Still if immutable else sqlite3.Connection
    return connect_as(factory, path, mode, timeout=timeout, immutable=immutable)


def connect_as(
    factory: type[Opened],
    path: Path,
    mode: str = "rw",
    *,
    timeout: float = 30.0,
    immutable: bool = False,
) -> Opened:
    """Open a SQLite file in autocommit, for use by any thread, one at a time.

    Args:
        factory: What the connection is to be.
        path: The file.
        mode: ro, rw, or rwc (make it if it is not there).
        timeout: Seconds to wait for a lock.
        immutable: Read the file as it lies, without locks: nobody may be writing it.
    """
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}" + ("&immutable=1" if immutable else "")
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        factory=factory,
    )
    try:
        # Somebody else's file must not make us run its functions.
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def transaction(connection: sqlite3.Connection) -> Committed:
    """Hold the file's write lock and commit at the end, or roll everything back."""
    connection.execute("BEGIN IMMEDIATE")
    return Committed(connection)


def begin_at_once(connection: sqlite3.Connection) -> bool:
    """Take the file's write lock; return False where another process holds it."""
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return False
        raise
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")
    return True


def write_ahead(connection: sqlite3.Connection, timeout: float) -> None:
    """Give the file a write-ahead log; SQLite does not wait for others here, so we do."""
    deadline = time.monotonic() + timeout
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


class Committed:
    """Commit the transaction that has begun, or roll everything back.

    As with `translated`, a generator would take longer than the statements of an append.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        if error is not None:
            self._roll_back()

    def _roll_back(self) -> None:
        # SQLite has rolled back by itself where the disk was full.
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")


class translated:  # noqa: N801 - used as the function that it is
    """Turn SQLite's errors into ours, or into the library's where its contract asks for it.

    Args:
        path: The file that is used.
        so: What follows from a failure, for the message.

    Raises:
        StoreError: By its subclass, and in words, what happened to the file at `path`.
        eventsourcing.persistence.IntegrityError: A constraint or a trigger refused a row.
    """

    __slots__ = ("_path", "_so")

    def __init__(self, path: Path, so: str = "") -> None:
        self._path = path
        self._so = so

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, sqlite3.Error):
            raise self._of_sqlite(error) from error
        if isinstance(error, OSError):
            raise StoreNotWritable(f"{self._path} cannot be opened: {error.strerror}") from error

    def _of_sqlite(self, error: sqlite3.Error) -> Exception:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_CONSTRAINT:
            return IntegrityError(str(error))
        if code in _NOT_OPENED and (reason := _why_not(self._path)) is not None:
            return StoreNotWritable(f"{self._path} cannot be opened: {reason}")
        cls, what = _MEANING.get(code, (StoreError, "failed"))
        return cls(f"{self._path} {what}{self._so} ({error})")


_NOT_OPENED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)


def _why_not(path: Path) -> str | None:
    if path.is_dir():
        return os.strerror(errno.EISDIR)
    if path.exists() and not os.access(path, os.R_OK):
        return os.strerror(errno.EACCES)
    return None
