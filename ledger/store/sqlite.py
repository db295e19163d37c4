"""The log on SQLite: a persistence module for the `eventsourcing` library.

`PERSISTENCE_MODULE=ledger.store.sqlite` with `LEDGER_STORE=sqlite:///news.db` gives any
application of that library this store.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from eventsourcing.persistence import InfrastructureFactoryError, IntegrityError

from ledger.errors import StoreBusy, StoreNotFound
from ledger.store import factory, queries, schema
from ledger.store.connections import transaction, translated
from ledger.store.files import log_of, require_file
from ledger.store.identity import Clock, Identity, system_clock, was_promoted
from ledger.store.log import NOTHING, Basis, Integrity, LogRecorder, OthersWrote
from ledger.store.rows import Appended, Blank, Head, NewRow, Row, head_of
from ledger.store.sqlite_file import LogFile
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
        self.url = url._replace(path=url.path.absolute())
        self._clock = clock
        self.file = LogFile(self.url, create=create, clock=self._now)
        # The log's last event as this recorder left it, or saw it since, in an epoch.
        self._last: Row | None = None
        self._epoch = 0

    @property
    def path(self) -> Path:
        """The log's file."""
        return self.url.path

    def _now(self) -> int:
        return self._clock()

    def close(self) -> None:
        """Close all connections. The recorder opens new ones if it is used again."""
        self.file.close()

    def create(self, origin: str | None = None, copy_of: Identity | None = None) -> Identity:
        """Make the ledger if there is none, and return its identity."""
        with self.file.lock, translated(self.path):
            return queries.identity(self.file.make(origin, copy_of))

    def is_copy(self) -> bool:
        """Return whether this is a copy that nobody has promoted."""
        return self.file.ask(queries.is_copy)

    def confirm(self, position: int) -> None:
        """Note that a copy was held against its source up to a position."""
        with self.file.lock, translated(self.path):
            require_file(self.path)
            self.file.sound_writer().execute("UPDATE copy SET confirmed = ?", (position,))

    def confirmed(self) -> int:
        """Return up to which position a copy was last held against its source; 0: never."""
        return self.file.ask(queries.confirmed)

    def promote(self) -> bool:
        """Let a copy take over; return whether it was one."""
        with self.file.lock, translated(self.path):
            require_file(self.path)
            return self.file.sound_writer().execute("DELETE FROM copy").rowcount > 0

    def upgrade(self) -> tuple[int, int]:
        """Bring an older log schema up to the program's; return the versions before and after."""
        with self.file.lock, translated(self.path):
            before = self.file.upgrade()
        return before, schema.schema_version()

    def identity(self) -> Identity:
        """Return what this ledger is called."""
        return self.file.ask(queries.identity)

    def epoch(self) -> int:
        """Look whether others have written, and return a number that grows whenever they have."""
        with self.file.lock:
            try:
                self._note_end(self.file.ask(queries.last))
            except StoreNotFound:
                self._note_end(None)
            return self._epoch

    def _note_end(self, last: Row | None) -> Row | None:
        """Note the log's last event: where it is not as this recorder left it, an epoch ends."""
        if last != self._last:
            self._last = last
            self._epoch += 1
        return last

    def append(
        self,
        rows: Sequence[NewRow],
        unless_moved: Mapping[bytes, int] = NOTHING,
        epoch: int | None = None,
        upon: Collection[Basis] = (),
    ) -> Appended:
        """Append events in one transaction: all of them, or none."""
        with self.file.lock, translated(self.path, "; nothing was stored"):
            writer = self.file.sound_writer()
            is_short = len(rows) <= queries.TOGETHER and not unless_moved and not upon
            if epoch == self._epoch and is_short:
                appended = self._append_behind(writer, rows)
                if appended is not None:
                    return appended
            with transaction(writer):
                last = self._note_end(queries.last(writer))
                queries.require_promoted(writer)
                if epoch is not None and epoch != self._epoch:
                    raise OthersWrote("ledger: others have written to the log")
                if not all(queries.has(writer, basis) for basis in upon):
                    raise OthersWrote("ledger: another log has come into its place")
                self._require_unmoved(writer, unless_moved)
                stored, appended = self._placed(rows, head_of(last))
                queries.insert(writer, stored)
            self._last = stored[-1] if stored else last
        return appended

    def _append_behind(
        self, writer: sqlite3.Connection, rows: Sequence[NewRow]
    ) -> Appended | None:
        """Append events with one statement; None where the log is not as this recorder left it."""
        last = self._last
        if last is None or not rows:
            return None
        stored, appended = self._placed(rows, head_of(last))
        if not queries.append_behind(writer, last, stored):
            return None
        self._last = stored[-1]
        return appended

    def _placed(self, rows: Sequence[NewRow], head: Head) -> tuple[list[Row], Appended]:
        """Return events as they are to lie behind a log's end, and where that is."""
        now = self._now()
        recorded_at = max(now, head.recorded_at)
        appended = Appended(head.position + 1, recorded_at, recorded_at - now)
        return queries.place(rows, head.position, recorded_at), appended

    @staticmethod
    def _require_unmoved(writer: sqlite3.Connection, seen: Mapping[bytes, int]) -> None:
        for entry, version in seen.items():
            if queries.version_of(writer, entry) != version:
                raise IntegrityError("ledger: an entry that was looked at has moved on")

    def erase(self, rows: Sequence[NewRow], blanks: Sequence[Blank], head: int) -> Appended:
        """Append events that say what is erased, and blank it, in one transaction."""
        with self.file.lock, translated(self.path, "; nothing was erased"):
            writer = self.file.sound_writer()
            with transaction(writer):
                queries.require_promoted(writer)
                now = queries.head(writer)
                if now.position != head:
                    raise IntegrityError("ledger: the log has moved on")
                stored, appended = self._placed(rows, now)
                queries.insert(writer, stored)
                queries.blank(writer, blanks)
        return appended

    def purge(self) -> None:
        """Take what was blanked out of free pages and out of the write-ahead log."""
        with self.file.lock, translated(self.path, ": what was erased may still lie in it"):
            writer = self.file.sound_writer()
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
        return self.file.ask(schema.integrity)

    def last_erasure(self) -> int:
        """Return the position of the last event that says what was erased; 0 where none does."""
        return self.file.ask(queries.last_erasure)

    def load(
        self, rows: Sequence[Row], blanks: Sequence[Blank] = (), *, into_copy: bool = False
    ) -> None:
        """Append events as they lie in another log: their bytes, positions and times."""
        so = "; nothing was stored"
        with (
            self.file.lock,
            translated(self.path, so),
            transaction(writer := self.file.sound_writer()),
        ):
            if into_copy and not queries.is_copy(writer):
                raise was_promoted()
            queries.insert(writer, rows)
            queries.blank(writer, blanks)

    def head(self) -> Head:
        """Return the end of the log."""
        return self.file.ask(queries.head)

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
        return self.file.ask(_find_entries, low, high, limit)

    def _rows(self, where: str, parameters: tuple[object, ...]) -> list[Row]:
        return self.file.ask(queries.select, where, parameters)


def _find_entries(reader: sqlite3.Connection, low: bytes, high: bytes, limit: int) -> list[bytes]:
    found = reader.execute(
        "SELECT DISTINCT entry FROM events WHERE entry BETWEEN ? AND ? ORDER BY entry LIMIT ?",
        (low, high, limit),
    )
    return [entry for (entry,) in found]


# Of the factory, the module alone is imported: the library wants one class of its kind here.
class SQLiteFactory(factory.LogFactory):
    """Makes recorder and mapper from the environment variable `LEDGER_STORE`."""

    def recorder(self, url: str) -> SQLiteRecorder:
        """Return a recorder of the file that a URL names."""
        found = parse_store_url(url)
        if not isinstance(found, SQLiteURL):
            raise InfrastructureFactoryError(f"{url} names no SQLite file")
        return SQLiteRecorder(found)
