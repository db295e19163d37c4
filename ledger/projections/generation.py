"""One generation of the views: a SQLite file that follows the log."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from eventsourcing.persistence import IntegrityError

from ledger.errors import StoreBusy, StoreError, StoreFull, StoreNotWritable, UndecodableEvent
from ledger.projections.projection import Projection
from ledger.store.application import LedgerApplication
from ledger.store.connections import Pool, connect, transaction, translated
from ledger.store.leaf import leaf_hash
from ledger.store.log import Head

Result = TypeVar("Result")

Progress = Callable[[int, int], None]
"""Is told the position reached and the position aimed at."""

_CACHE = -32 * 1024
"""SQLite's page cache in KiB (negative says so): enough for the upper pages of every index."""

_BOOKKEEPING = (
    "CREATE TABLE views (ledger TEXT NOT NULL) STRICT",
    """
    CREATE TABLE projections (
        name TEXT PRIMARY KEY,
        schema INTEGER NOT NULL,
        position INTEGER NOT NULL,
        leaf BLOB NOT NULL
    ) STRICT
    """,
)


class Damaged(Exception):
    """A file of views is damaged, or has been taken away."""


class Generation:
    """One file of views.

    Attributes:
        path: The file.
        pool: Connections to it.
        head: The last event that it is known to have taken; -1 while nobody has looked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pool = Pool(self._open)
        self.head = Head(-1, 0)

    @classmethod
    def make(
        cls,
        path: Path,
        application: LedgerApplication,
        read_models: Sequence[Projection],
        batch: int,
        progress: Progress | None,
    ) -> Generation:
        """Make a generation of this ledger, with every event in it."""
        generation = cls(path)
        with translated(path), closing(connect(path, "rwc")) as db:
            # Nobody reads it before the pointer names it, and a half-made one is thrown away: so
            # it needs no journal on the disk, and waits for the disk only once, at the end.
            db.execute("PRAGMA journal_mode = MEMORY")
            db.execute("PRAGMA synchronous = OFF")
            db.execute(f"PRAGMA cache_size = {_CACHE}")
            with transaction(db):
                for statement in _BOOKKEEPING:
                    db.execute(statement)
                db.execute("INSERT INTO views VALUES (?)", (application.log.identity().id,))
                for model in read_models:
                    for statement in model.ddl:
                        db.execute(statement)
                    db.execute(
                        "INSERT INTO projections VALUES (?, ?, 0, x'')", (model.name, model.schema)
                    )
            generation.take(db, application, read_models, batch, progress)
            db.execute("PRAGMA journal_mode = WAL")
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return generation

    def close(self) -> None:
        """Close the file, once whoever reads it is done."""
        self.pool.close()

    def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Ask the file, all at one moment; `Damaged` where it is damaged, or gone."""

        def at_one_moment(db: sqlite3.Connection) -> Result:
            db.execute("BEGIN")
            try:
                return query(db)
            finally:
                db.execute("COMMIT")

        return self._use(at_one_moment)

    def _use(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        try:
            with translated(self.path), self.pool.connection() as db:
                return work(db)
        except (StoreBusy, UndecodableEvent):
            raise
        except (StoreFull, StoreNotWritable) as error:
            if self.path.exists():
                raise
            raise Damaged from error
        except (StoreError, IntegrityError) as error:
            raise Damaged from error

    def _open(self) -> sqlite3.Connection:
        db = connect(self.path)
        try:
            # Views can be made again, so a power cut may cost them; readers never wait for it.
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA cache_size = {_CACHE}")
        except BaseException:
            db.close()
            raise
        return db

    def belongs_to(
        self, application: LedgerApplication, read_models: Sequence[Projection]
    ) -> bool:
        """Return whether these are views of this very log, in the program's schema."""
        ledger, have = self.read(
            lambda db: (
                db.execute("SELECT ledger FROM views").fetchone(),
                db.execute("SELECT name, schema, position, leaf FROM projections").fetchall(),
            )
        )
        if ledger != (application.log.identity().id,):
            return False
        if {(name, schema) for name, schema, _, _ in have} != {
            (model.name, model.schema) for model in read_models
        }:
            return False
        known = {(position, leaf) for _, _, position, leaf in have}
        return all(_leaf_at(application, position) == leaf for position, leaf in known)

    def catch_up(
        self, application: LedgerApplication, read_models: Sequence[Projection], batch: int
    ) -> None:
        """Take the events up to the log's present end."""
        self._use(lambda db: self.take(db, application, read_models, batch, None))

    def take(
        self,
        db: sqlite3.Connection,
        application: LedgerApplication,
        read_models: Sequence[Projection],
        batch: int,
        progress: Progress | None,
    ) -> None:
        """Take the events up to the log's present end, one transaction a batch."""
        target = application.log.head()
        while self.head != target:
            with transaction(db):
                # Read under the lock: another process may have come further meanwhile.
                positions = dict(db.execute("SELECT name, position FROM projections"))
                rows = application.log.read(min(positions.values()), batch, target.position)
                events = [application.event_mapper.to_event(row) for row in rows]
                for model in read_models:
                    new = [event for event in events if event.position > positions[model.name]]
                    if new:
                        model.apply(new, db)
                if rows:
                    db.execute(
                        "UPDATE projections SET position = ?, leaf = ? WHERE position < ?",
                        (rows[-1].position, leaf_hash(rows[-1]), rows[-1].position),
                    )
            self.head = Head(rows[-1].position, rows[-1].recorded_at) if rows else target
            if progress is not None:
                progress(self.head.position, target.position)


def _leaf_at(application: LedgerApplication, position: int) -> bytes:
    """Return the leaf hash of the event at `position`, empty where there is none."""
    rows = application.log.read(position - 1, 1, position)
    return leaf_hash(rows[0]) if rows else b""
