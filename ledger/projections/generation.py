"""One generation of the views: a SQLite file that follows the log."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

from ledger.errors import InvalidInput, StoreBusy, StoreError, StoreFull, StoreNotWritable
from ledger.projections.projection import Projection
from ledger.projections.projector import (
    BOOKKEEPING,
    CIRCUMSTANCES,
    Damaged,
    Progress,
    Source,
    Standing,
    add,
    leaf_at,
    project,
    retry,
    standings,
)
from ledger.store.application import LedgerApplication
from ledger.store.connections import Pool, connect, transaction, translated
from ledger.store.files import lies_still
from ledger.store.log import Head

Result = TypeVar("Result")

_log = logging.getLogger("ledger")

_CACHE = -32 * 1024
"""SQLite's page cache in KiB (negative says so): enough for the upper pages of every index."""

IN_PASSING = -1024
"""A cache that is enough for whoever reads a table once from end to end."""


class Generation:
    """One file of views.

    Args:
        path: The file.
        cache: The size of SQLite's page cache, as `PRAGMA cache_size` takes it.

    Attributes:
        path: The file.
        head: The end of the log up to which those that run are known to be; -1 while nobody
            has looked.
        standings: Where each read model stood then.
        begun: The log's last position when it was begun.
    """

    def __init__(self, path: Path, cache: int = _CACHE) -> None:
        self.path = path
        self._cache = cache
        self._readers = Pool(self._open_reader)
        self._writers = Pool(self._open)
        self.head = Head(-1, 0)
        self.standings: dict[str, Standing] = {}
        self.begun = 0

    @classmethod
    def make(
        cls,
        path: Path,
        source: Source,
        target: int,
        progress: Progress | None,
        *,
        anew: Collection[Projection],
        of: Generation | None = None,
    ) -> Generation:
        """Make a generation of this ledger, filled up to position `target`.

        Args:
            path: The file to make.
            source: What to fill it from.
            target: The position to fill it up to; a copy may be further.
            progress: Is told how far it is.
            anew: The read models to begin; those of them that the copy has are begun again.
            of: The generation to copy; None: begin with nothing.
        """
        generation = cls(path)
        # Taken before anything is read: what is erased later may be read as it was.
        begun = source.application.log.head().position
        if of is not None:
            with of._writing() as db:
                db.execute("VACUUM INTO ?", (str(path),))
        with generation._filling() as db:
            with transaction(db):
                if of is None:
                    for statement in BOOKKEEPING:
                        db.execute(statement)
                    identity = source.application.log.identity().id
                    db.execute("INSERT INTO generation VALUES (?, ?)", (identity, begun))
                for model in anew:
                    try:
                        add(db, model)
                    except sqlite3.OperationalError as error:
                        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
                            raise
                        raise InvalidInput(
                            f"the projection {model.name} cannot make its tables: {error}"
                        ) from error
            generation.standings = project(db, source, target, progress)
        return generation

    def advance(self, source: Source, target: int, progress: Progress | None) -> None:
        """Bring a generation that nobody else knows of up to position `target`."""
        with self._filling() as db:
            self.standings = project(db, source, target, progress)

    def finish(self) -> None:
        """Make a generation that was filled ready to serve."""
        with self._filling() as db:
            db.execute("PRAGMA journal_mode = WAL")
        with self.path.open("rb") as file:
            os.fsync(file.fileno())

    @contextmanager
    def _filling(self) -> Iterator[sqlite3.Connection]:
        with translated(self.path), closing(connect(self.path, "rwc")) as db:
            # Nobody reads it before the pointer names it, and a half-made one is thrown away: so
            # it needs no journal on the disk, and waits for the disk only once, at the end.
            db.execute("PRAGMA journal_mode = MEMORY")
            db.execute("PRAGMA synchronous = OFF")
            db.execute(f"PRAGMA cache_size = {_CACHE}")
            yield db

    def close(self) -> None:
        """Close the file, once whoever reads it is done."""
        self._readers.close()
        self._writers.close()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees the file as it is now, and cannot write it.

        Raises:
            Damaged: The file turns out to be damaged, or gone.
        """
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

    def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Ask the file, all at one moment; `Damaged` where it is damaged, or gone."""
        with self.snapshot() as db:
            return query(db)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._blamed(), self._writers.connection() as db:
            yield db

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
            with closing(connect(self.path)) as db:
                names = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
                lists = db.execute("SELECT tables FROM projections").fetchall()
        except sqlite3.Error:
            return False
        listed = {table for (tables,) in lists for table in tables.split()}
        return names.issuperset(listed | {"generation", "projections"})

    def _open(self) -> sqlite3.Connection:
        db = connect(self.path)
        try:
            # Views can be made again, so a power cut may cost them; readers never wait for it.
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA cache_size = {self._cache}")
        except BaseException:
            db.close()
            raise
        return db

    def _open_reader(self) -> sqlite3.Connection:
        if lies_still(self.path):
            return connect(self.path, "ro", immutable=True)
        db = self._open()
        db.execute("PRAGMA query_only = ON")
        return db

    def is_of(self, application: LedgerApplication) -> bool:
        """Return whether these are views of this ledger, be it as it was."""
        (ledger, self.begun), self.standings = self.read(
            lambda db: (
                db.execute("SELECT ledger, begun FROM generation").fetchone() or ("", 0),
                standings(db),
            )
        )
        return bool(ledger == application.log.identity().id)

    def belongs_to(self, application: LedgerApplication) -> bool:
        """Return whether these are views of this very log, as it is now.

        Views that were begun before something was erased still show it: they are not.
        """
        if not self.is_of(application) or self.begun < application.log.last_erasure():
            return False
        known = {(standing.position, standing.leaf) for standing in self.standings.values()}
        if all(leaf_at(application, position) == leaf for position, leaf in known):
            return True
        _warn(self.path.parent)
        return False

    def catch_up(self, source: Source, head: Head) -> None:
        """Bring the read models that run up to the log's end."""
        with self._writing() as db:
            self.standings = project(db, source, head.position)
        self.head = head

    def retry(self, name: str) -> None:
        """Let a read model that has stopped try again at the next catching up."""
        with self._writing() as db, transaction(db):
            retry(db, name)


@cache
def _warn(folder: Path) -> None:
    """Say that views no longer fit their log; once, however often they are looked at."""
    _log.warning(
        "the log is no longer what its views in %s were made from: another copy was put in its "
        "place, or it was altered; `ledger audit verify` with a checkpoint tells",
        folder,
    )
