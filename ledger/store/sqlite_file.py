"""The file of a SQLite log: one connection that writes, and those that read.

It is opened at the first use. Where another file comes into its place, that one is opened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from threading import RLock
from typing import Concatenate, ParamSpec, TypeVar

from ledger.errors import StoreBusy, StoreNotFound, StoreTooOld
from ledger.store import schema
from ledger.store.connections import Still, connect, transaction, translated, write_ahead
from ledger.store.files import (
    has_log,
    identity_of,
    is_blank,
    is_there,
    lies_still,
    log_of,
    not_found,
    remove_log,
    require_file,
    require_ours,
)
from ledger.store.identity import Clock, Identity, new_identity
from ledger.store.pool import Pool
from ledger.store.urls import SQLiteURL

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class LogFile:
    """A log's file, and all connections to it.

    Args:
        url: The file and its options.
        create: Make the ledger when it is first written, if there is none.
        clock: Tells when the ledger was made.

    Attributes:
        lock: Whoever writes holds it.
        path: The file.
        writer: The connection that writes; None while it is not open.
    """

    def __init__(self, url: SQLiteURL, *, create: bool, clock: Clock) -> None:
        self.lock = RLock()
        self.path = url.path
        self.writer: sqlite3.Connection | None = None
        self._url = url
        self._name = str(url.path)
        self._create = create
        self._clock = clock
        self._readers = Pool(self._open_reader, self._is_lasting)
        self._is_ours = False
        self._file: tuple[int, int] | None = None
        self._log: tuple[int, int] | None = None
        self._is_lost = False

    def close(self) -> None:
        """Close all connections. New ones are opened if it is used again."""
        with self.lock:
            self._let_go()
            self._is_lost = False

    def make(
        self, origin: str | None = None, copy_of: Identity | None = None
    ) -> sqlite3.Connection:
        """Make the ledger if there is none; return the connection that writes."""
        return self._open_writer(create=True, origin=origin, copy_of=copy_of)

    def upgrade(self) -> int:
        """Bring an older schema up to the program's; return the schema before."""
        require_file(self.path)
        with closing(self._connect()) as connection, transaction(connection):
            if is_blank(connection):
                raise not_found(self.path)
            before = schema.version_of(connection, self.path)
            schema.migrate(connection, before)
        return before

    def ask(
        self,
        question: Callable[Concatenate[sqlite3.Connection, Asked], Answer],
        *asked: Asked.args,
        **named: Asked.kwargs,
    ) -> Answer:
        """Return what is asked of a connection that reads."""
        # Not within `translated`: every read of ledger and views looks for the log's end first.
        try:
            self.follow()
            return self._readers.use(question, *asked, **named)
        except (sqlite3.Error, OSError):
            with translated(self.path):
                raise

    def _is_lasting(self, reader: sqlite3.Connection) -> bool:
        """Return whether a connection that was read from is good for another look."""
        if not isinstance(reader, Still):
            return True
        if has_log(self.path):
            raise StoreBusy(f"{self.path} was written while it was read: try again")
        return False

    def follow(self) -> None:
        """Let go of a file that another one has taken the place of: a backup put back, say."""
        file = self._file
        if file is None or identity_of(self._name) == file:
            return
        with self.lock:
            if self._file != file:
                return
            now, log = identity_of(self.path), self._log
            self._let_go()
            self._is_lost = now is None
            if log is not None and identity_of(log_of(self.path)) == log:
                # The old file's log: SQLite would play it into the new one.
                remove_log(self.path)

    def _note_file(self, before: tuple[int, int] | None) -> None:
        """Remember which file was opened: the one seen before it was, if there was one."""
        if self._file is None:
            self._file = before or identity_of(self.path)
        if self._log is None:
            self._log = identity_of(log_of(self.path))

    def _open_reader(self) -> sqlite3.Connection:
        require_file(self.path)
        before = identity_of(self.path)
        # Not "ro": a reader that may write leaves no write-ahead log behind when it closes.
        connection = self._connect()
        try:
            connection.execute("PRAGMA query_only = ON")
            self._check(connection)
            self._note_file(before)
        except sqlite3.OperationalError:
            connection.close()
            if not lies_still(self.path):
                raise
            connection = connect(self.path, "ro", immutable=True)
            try:
                self._check(connection)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            connection.close()
            raise
        return connection

    def sound_writer(self) -> sqlite3.Connection:
        """Return the connection that writes, opened and in no transaction; hold the lock."""
        self.follow()
        # A ledger that was here a moment ago is missed, not made anew.
        create = self._create and not self._is_lost
        writer = self._open_writer(create=create)
        if writer.in_transaction:
            # The last rollback failed as well: closing ends the transaction all the same.
            self._close_writer()
            writer = self._open_writer(create=create)
        return writer

    def _let_go(self) -> None:
        self._readers.close()
        self._readers = Pool(self._open_reader, self._is_lasting)
        self._is_ours = False
        self._file = None
        self._log = None
        self._close_writer()

    def _close_writer(self) -> None:
        writer, self.writer = self.writer, None
        if writer is not None:
            writer.close()

    def _open_writer(
        self, *, create: bool, origin: str | None = None, copy_of: Identity | None = None
    ) -> sqlite3.Connection:
        if self.writer is not None:
            return self.writer
        if not create:
            require_file(self.path)
        elif not is_there(self.path) and not self.path.parent.is_dir():
            raise StoreNotFound(f"the folder {self.path.parent} does not exist: make it first")
        before = identity_of(self.path)
        connection = self._connect("rwc")
        try:
            if is_blank(connection):
                self._make(connection, origin, copy_of)
            self._check(connection)
            # The journal mode is a property of the file: set after the file is surely ours.
            write_ahead(connection, self._url.timeout)
            connection.execute(f"PRAGMA synchronous = {self._url.synchronous}")
            # The first look makes the write-ahead log, which is noted with the file.
            is_blank(connection)
        except BaseException:
            connection.close()
            raise
        self._note_file(before)
        self.writer = connection
        return connection

    def _make(
        self, connection: sqlite3.Connection, origin: str | None, copy_of: Identity | None
    ) -> None:
        """Make tables, triggers and identity, unless another process is first."""
        with transaction(connection):
            if is_blank(connection):
                connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
                schema.migrate(connection, 0)
                identity = copy_of or new_identity(origin, self._clock())
                connection.execute("INSERT INTO ledger VALUES (?, ?, ?)", identity)
                if copy_of is not None:
                    connection.execute("INSERT INTO copy (since) VALUES (?)", (self._clock(),))

    def _connect(self, mode: str = "rw") -> sqlite3.Connection:
        if not self._is_ours and is_there(self.path):
            require_ours(self.path)
            self._is_ours = True
        return connect(self.path, mode, timeout=self._url.timeout)

    def _check(self, connection: sqlite3.Connection) -> None:
        """Refuse a file that holds no ledger, or one of another schema."""
        if is_blank(connection):
            raise not_found(self.path)
        version = schema.version_of(connection, self.path)
        if version < schema.schema_version():
            raise StoreTooOld(
                f"{self.path} has log schema {version}, this program works with "
                f"{schema.schema_version()}: bring it up with `ledger upgrade`"
            )
