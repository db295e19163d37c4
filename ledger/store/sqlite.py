"""The log on SQLite: a persistence module for the `eventsourcing` library.

`PERSISTENCE_MODULE=ledger.store.sqlite` with `LEDGER_STORE=sqlite:///news.db` gives any
application of that library this store.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock

from eventsourcing.persistence import InfrastructureFactoryError, IntegrityError
from msgspec.structs import replace

from ledger.errors import StoreBusy, StoreNotFound, StoreTooOld
from ledger.store import factory, queries, schema
from ledger.store.connections import (
    Still,
    connect,
    is_lasting,
    transaction,
    translated,
    write_ahead,
)
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
from ledger.store.identity import Clock, Identity, new_identity, system_clock, was_promoted
from ledger.store.log import NOTHING, Integrity, LogRecorder
from ledger.store.pool import Pool
from ledger.store.rows import Appended, Blank, Head, NewRow, Row
from ledger.store.urls import SQLiteURL, parse_store_url

_LAST_POSITION = 2**63 - 1
_BEHIND_ALL = b"\xff" * 17


class SQLiteRecorder(LogRecorder):
    """The log in one SQLite file. Threads and processes may share it.

    One connection writes, under a lock; readers have connections of their own and never wait for
    it (write-ahead log). The file is opened at the first use, and made then if `create` allows.

    Args:
        url: The file and its options.
        create: Make the ledger at the first write if there is none.
        clock: The source of `recorded_at`.
    """

    def __init__(
        self, url: SQLiteURL, *, create: bool = True, clock: Clock = system_clock
    ) -> None:
        # Absolute from now on, wherever the process goes.
        self.url = replace(url, path=url.path.absolute())
        self._create = create
        self._clock = clock
        self._lock = RLock()
        self._writer: sqlite3.Connection | None = None
        self._readers = Pool(self._open_reader, is_lasting)
        self._is_ours = False
        self._file: tuple[int, int] | None = None
        self._log: tuple[int, int] | None = None
        self._is_lost = False

    @property
    def path(self) -> Path:
        """The log's file."""
        return self.url.path

    def close(self) -> None:
        """Close all connections. The recorder opens new ones if it is used again."""
        with self._lock:
            self._let_go()
            self._is_lost = False

    def create(self, origin: str | None = None, copy_of: Identity | None = None) -> Identity:
        """Make the ledger if there is none, and return its identity."""
        with self._lock, translated(self.path):
            writer = self._open_writer(create=True, origin=origin, copy_of=copy_of)
            return queries.identity(writer)

    def is_copy(self) -> bool:
        """Return whether this is a copy that nobody has promoted."""
        with self._reading() as reader:
            return queries.is_copy(reader)

    def confirm(self, position: int) -> None:
        """Note that a copy was held against its source up to a position."""
        with self._lock, translated(self.path):
            require_file(self.path)
            self._sound_writer().execute("UPDATE copy SET confirmed = ?", (position,))

    def confirmed(self) -> int:
        """Return up to which position a copy was last held against its source; 0: never."""
        with self._reading() as reader:
            return queries.confirmed(reader)

    def promote(self) -> bool:
        """Let a copy take over; return whether it was one."""
        with self._lock, translated(self.path):
            require_file(self.path)
            return self._sound_writer().execute("DELETE FROM copy").rowcount > 0

    def upgrade(self) -> tuple[int, int]:
        """Bring an older log schema up to the program's; return the versions before and after."""
        with self._lock, translated(self.path):
            require_file(self.path)
            with closing(self._connect()) as connection, transaction(connection):
                if is_blank(connection):
                    raise not_found(self.path)
                before = schema.version_of(connection, self.path)
                schema.migrate(connection, before)
        return before, schema.schema_version()

    def identity(self) -> Identity:
        """Return what this ledger is called."""
        with self._reading() as reader:
            return queries.identity(reader)

    def append(
        self, rows: Sequence[NewRow], unless_moved: Mapping[bytes, int] = NOTHING
    ) -> Appended:
        """Append events in one transaction: all of them, or none."""
        with self._lock, translated(self.path, "; nothing was stored"):
            writer = self._sound_writer()
            with transaction(writer):
                queries.require_promoted(writer)
                for entry, version in unless_moved.items():
                    if queries.version_of(writer, entry) != version:
                        raise IntegrityError("ledger: an entry that was looked at has moved on")
                return queries.insert(writer, rows, queries.head(writer), self._clock())

    def erase(self, rows: Sequence[NewRow], blanks: Sequence[Blank], head: int) -> Appended:
        """Append events that say what is erased, and blank it, in one transaction."""
        with self._lock, translated(self.path, "; nothing was erased"):
            writer = self._sound_writer()
            with transaction(writer):
                queries.require_promoted(writer)
                now = queries.head(writer)
                if now.position != head:
                    raise IntegrityError("ledger: the log has moved on")
                appended = queries.insert(writer, rows, now, self._clock())
                queries.blank(writer, blanks)
        return appended

    def purge(self) -> None:
        """Take what was blanked out of free pages and out of the write-ahead log."""
        with self._lock, translated(self.path, ": what was erased may still lie in it"):
            writer = self._sound_writer()
            # Pages that were split long ago may hold copies: only writing all anew is sure.
            writer.execute("VACUUM")
            (busy, *_) = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreBusy(
                f"what was erased still lies in {log_of(self.path)}, because another process is "
                "reading: run `ledger purge` once it is done"
            )

    def integrity(self) -> Integrity:
        """Return what is wrong with the file itself: its tables, their indexes, their guards."""
        with self._reading() as reader:
            return schema.integrity(reader)

    def last_erasure(self) -> int:
        """Return the position of the last event that says what was erased; 0 where none does."""
        with self._reading() as reader:
            return queries.last_erasure(reader)

    def load(
        self, rows: Sequence[Row], blanks: Sequence[Blank] = (), *, into_copy: bool = False
    ) -> None:
        """Append events as they lie in another log: their bytes, positions and times."""
        so = "; nothing was stored"
        with self._lock, translated(self.path, so), transaction(writer := self._sound_writer()):
            if into_copy and not queries.is_copy(writer):
                raise was_promoted()
            writer.executemany(queries.INSERT, rows)
            queries.blank(writer, blanks)

    def head(self) -> Head:
        """Return the end of the log."""
        with self._reading() as reader:
            return queries.head(reader)

    def read(self, after: int, limit: int, upto: int | None = None) -> list[Row]:
        """Return at most `limit` events above position `after`, in order, up to `upto`."""
        return self._rows(
            "position > ? AND position <= ? ORDER BY position LIMIT ?",
            (after, _LAST_POSITION if upto is None else upto, limit),
        )

    def read_by_entry(
        self, after: tuple[bytes, int], before: bytes | None, limit: int
    ) -> list[Row]:
        """Return at most `limit` events by entry and version, behind `after`."""
        return self._rows(
            "(entry, version) > (?, ?) AND entry < ? ORDER BY entry, version LIMIT ?",
            (*after, _BEHIND_ALL if before is None else before, limit),
        )

    def read_entry(self, entry: bytes, after: int = 0) -> list[Row]:
        """Return the events of one entry above version `after`, in order."""
        return self._rows("entry = ? AND version > ? ORDER BY version", (entry, after))

    def find_entries(self, low: bytes, high: bytes, limit: int) -> list[bytes]:
        """Return at most `limit` ids of entries from `low` to `high`, both included."""
        with self._reading() as reader:
            found = reader.execute(
                "SELECT DISTINCT entry FROM events WHERE entry BETWEEN ? AND ? "
                "ORDER BY entry LIMIT ?",
                (low, high, limit),
            ).fetchall()
        return [entry for (entry,) in found]

    def _rows(self, where: str, parameters: tuple[object, ...]) -> list[Row]:
        with self._reading() as reader:
            return queries.select(reader, where, parameters)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with translated(self.path):
            self._follow_file()
            with self._readers.connection() as reader:
                yield reader
                if isinstance(reader, Still) and has_log(self.path):
                    raise StoreBusy(f"{self.path} was written while it was read: try again")

    def _follow_file(self) -> None:
        """Let go of a file that another one has taken the place of: a backup put back, say."""
        file = self._file
        if file is None or identity_of(self.path) == file:
            return
        with self._lock:
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

    def _sound_writer(self) -> sqlite3.Connection:
        self._follow_file()
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
        self._readers = Pool(self._open_reader, is_lasting)
        self._is_ours = False
        self._file = None
        self._log = None
        self._close_writer()

    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open_writer(
        self, *, create: bool, origin: str | None = None, copy_of: Identity | None = None
    ) -> sqlite3.Connection:
        if self._writer is not None:
            return self._writer
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
            write_ahead(connection, self.url.timeout)
            connection.execute(f"PRAGMA synchronous = {self.url.synchronous}")
        except BaseException:
            connection.close()
            raise
        self._note_file(before)
        self._writer = connection
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
        return connect(self.path, mode, timeout=self.url.timeout)

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


# Of the factory, the module alone is imported: the library wants one class of its kind here.
class SQLiteFactory(factory.LogFactory):
    """Makes recorder and mapper from the environment variable `LEDGER_STORE`."""

    def recorder(self, url: str) -> SQLiteRecorder:
        """Return a recorder of the file that a URL names."""
        found = parse_store_url(url)
        if not isinstance(found, SQLiteURL):
            raise InfrastructureFactoryError(f"{url} names no SQLite file")
        return SQLiteRecorder(found)
