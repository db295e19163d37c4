"""One generation of the views in a SQLite file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ledger.errors import InvalidInput, StoreBusy, StoreError, StoreFull, StoreNotWritable
from ledger.projections.database import Parameters
from ledger.projections.generation import Generation, whole
from ledger.projections.projector import Damaged
from ledger.projections.sqlite.database import CIRCUMSTANCES, FillingDb, SQLiteDb, StillDb
from ledger.store.connections import connect_as, is_lasting, translated
from ledger.store.files import lies_still
from ledger.store.pool import Pool

_CACHE = -32 * 1024
"""SQLite's page cache in KiB (negative says so): enough for the upper pages of every index."""

IN_PASSING = -1024
"""A cache that is enough for whoever reads a table once from end to end."""


class FileGeneration(Generation):
    """One file of views.

    Args:
        path: The file.
        cache: The size of SQLite's page cache, as `PRAGMA cache_size` takes it.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, cache: int = _CACHE) -> None:
        super().__init__(path.name, str(path.parent))
        self.path = path
        self._cache = cache
        self._readers = Pool(self._open_reader, is_lasting)
        self._writers = Pool(self._open)

    @contextmanager
    def snapshot(self) -> Iterator[SQLiteDb]:
        """Lend a connection that sees the file as it is now, and cannot write it."""
        with self._blamed(), self._readers.connection() as db:
            db.execute("BEGIN")
            try:
                yield db
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY:
                    raise InvalidInput("a query may not write the views") from error
                raise
            finally:
                db.execute("COMMIT")

    def rows(self, query: str, parameters: Parameters = ()) -> list[Any]:
        """Return the rows that one query finds."""
        # Not all of it within `_blamed`: most reads of the views come here.
        try:
            return self._readers.use(_rows, query, parameters)
        except sqlite3.Error:
            with self._blamed():
                raise

    @contextmanager
    def writing(self) -> Iterator[SQLiteDb]:
        """Lend a connection that can write."""
        with self._blamed(), self._writers.connection() as db:
            yield db

    @contextmanager
    def filling(self) -> Iterator[SQLiteDb]:
        """Lend a connection that can write where nobody reads yet."""
        with (
            translated(self.path),
            closing(connect_as(FillingDb, self.path, "rwc")) as db,
        ):
            # Nobody reads it before the pointer names it, and a half-made one is thrown away: so
            # it needs no journal on the disk, and waits for the disk only once, at the end.
            db.execute("PRAGMA journal_mode = MEMORY")
            db.execute("PRAGMA synchronous = OFF")
            db.execute(f"PRAGMA cache_size = {_CACHE}")
            yield db
            db.end()

    def create(self) -> None:
        """Do nothing: SQLite makes a file when it is first written."""

    def copy(self, of: Generation, leaving: Collection[str]) -> None:  # noqa: ARG002
        """Begin with what another generation has; SQLite copies the whole file."""
        with of.writing() as db:
            db.execute("VACUUM INTO ?", (str(self.path),))

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    def finish(self) -> None:
        """Make a file that was filled ready to serve."""
        with self.filling() as db:
            db.execute("PRAGMA journal_mode = WAL")
        with self.path.open("rb") as file:
            os.fsync(file.fileno())

    def close(self) -> None:
        """Close the file, once whoever reads it is done."""
        self._readers.close()
        self._writers.close()

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """Tell what is wrong with the file from what is wrong with its place, or with a query."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            # The one error of damage that is told by Python, not by SQLite.
            if "Could not decode to UTF-8" in str(error):
                raise Damaged from error
            if code not in CIRCUMSTANCES and (code != sqlite3.SQLITE_ERROR or self._whole()):
                raise
            try:
                with translated(self.path):
                    raise
            except (StoreBusy, StoreFull, StoreNotWritable):
                if self.path.exists():
                    raise
                raise Damaged from error
            except StoreError:
                raise Damaged from error

    def _whole(self) -> bool:
        """Return whether the file has all its tables."""
        try:
            with closing(connect_as(SQLiteDb, self.path)) as db:
                return whole(db, db.tables())
        except sqlite3.Error:
            return False

    def _open(self) -> SQLiteDb:
        db = connect_as(SQLiteDb, self.path)
        try:
            # Views can be made again, so a power cut may cost them; readers never wait for it.
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA cache_size = {self._cache}")
        except BaseException:
            db.close()
            raise
        return db

    def _open_reader(self) -> SQLiteDb:
        if lies_still(self.path):
            return connect_as(StillDb, self.path, "ro", immutable=True)
        db = self._open()
        db.execute("PRAGMA query_only = ON")
        return db


def _rows(db: SQLiteDb, query: str, parameters: Parameters) -> list[Any]:
    return db.execute(query, parameters).fetchall()
