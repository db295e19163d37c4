"""`Views`: the read models of one ledger, kept beside its log and brought up to date by readers.

On SQLite each generation of the views is a file of its own in a folder beside the log
(`news.db-views/`), and a pointer names the one that serves. A rebuild fills a new file and swaps
the pointer, so it never holds up a reader, and never the log. The folder can be deleted at any
time.

A generation knows the ledger's id, its positions, and the leaf hash at each; a log that was
restored to an older copy no longer matches, and the views are rebuilt.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import TypeVar

from ledger.errors import NotALedger, StoreCorrupt, StoreFull, StoreNotWritable
from ledger.projections.changes import Changes
from ledger.projections.contexts import Contexts
from ledger.projections.current import Current
from ledger.projections.permalinks import Permalinks
from ledger.projections.projection import Projection
from ledger.projections.records import ViewStatus
from ledger.store.application import LedgerApplication
from ledger.store.connections import Pool, connect, transaction, translated
from ledger.store.leaf import leaf_hash

READ_MODELS: tuple[Projection, ...] = (Current(), Changes(), Permalinks(), Contexts())

BATCH = 1000

Result = TypeVar("Result")

Progress = Callable[[int, int], None]
"""Is told the position reached and the position aimed at."""

_POINTER = "current"

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


class Views:
    """The read models of one ledger.

    Every read first takes the events it does not know yet, so a process sees its own writes.
    Where the folder cannot be written, views are projected into a temporary folder instead.

    Args:
        application: The log.
        folder: Where the generations lie.
        read_models: What to project.
        batch: How many events are taken in one transaction.
    """

    def __init__(
        self,
        application: LedgerApplication,
        folder: Path,
        read_models: Sequence[Projection] = READ_MODELS,
        batch: int = BATCH,
    ) -> None:
        self._application = application
        self._folder = folder
        self._read_models = read_models
        self._batch = batch
        self._lock = RLock()
        self._generation: _Generation | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what `query` finds in views that know every event recorded until now.

        Views that turn out damaged are thrown away, and the query is asked again of new ones.

        Raises:
            StoreError: The log cannot be read, or no views can be made anywhere.
        """
        generation = self._up_to_date()
        try:
            return generation.read(query)
        except (StoreCorrupt, NotALedger):
            self._discard(generation)
            return self._up_to_date().read(query)

    def rebuild(self, progress: Progress | None = None) -> tuple[ViewStatus, ...]:
        """Fill new views from the log beside those that serve, swap, and say what they hold."""
        with self._lock:
            self._use(self._build(progress, anyway=True))
        return self.status()

    def status(self) -> tuple[ViewStatus, ...]:
        """Return how each read model stands, once it is up to date."""

        def look(db: sqlite3.Connection) -> tuple[ViewStatus, ...]:
            positions = dict(db.execute("SELECT name, position FROM projections").fetchall())
            return tuple(
                ViewStatus(model.name, model.schema, positions[model.name], *model.digest(db))
                for model in self._read_models
            )

        return self.read(look)

    def close(self) -> None:
        """Close the views; the next read opens them again."""
        with self._lock:
            self._use(None)
            if self._temporary is not None:
                self._temporary.cleanup()
                self._temporary = None

    # Which generation serves

    def _up_to_date(self) -> _Generation:
        with self._lock:
            # Asked first: where there is no log, nothing is made for its views.
            position = self._application.log.head().position
            generation = self._serving()
            if generation is None:
                generation = self._build()
            elif generation.position != position:
                generation = self._caught_up(generation)
            self._use(generation)
            return generation

    def _serving(self) -> _Generation | None:
        """Return the generation that the pointer names, if it belongs to this log."""
        name = self._pointed()
        if self._generation is not None and self._generation.path == self._place / name:
            return self._generation
        if not name or not (self._place / name).is_file():
            return None
        try:
            generation = _Generation(self._place / name)
            if generation.belongs_to(self._application, self._read_models):
                return generation
            generation.close()
        except (StoreCorrupt, NotALedger):
            pass
        except StoreNotWritable:
            self._go_elsewhere()
        return None

    def _pointed(self) -> str:
        try:
            # One file in this very folder, whatever somebody wrote into the pointer.
            return Path((self._place / _POINTER).read_text().strip()).name
        except OSError:
            return ""

    @property
    def _place(self) -> Path:
        return self._folder if self._temporary is None else Path(self._temporary.name)

    def _go_elsewhere(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="ledger-views-")

    def _use(self, generation: _Generation | None) -> None:
        if self._generation is not None and self._generation is not generation:
            self._generation.close()
        self._generation = generation

    def _discard(self, generation: _Generation) -> None:
        with self._lock, suppress(OSError):
            if self._generation is generation:
                self._use(None)
            generation.path.unlink()

    # Filling it

    def _caught_up(self, generation: _Generation) -> _Generation:
        """Return `generation` after the events it lacked, or a new one if the log is another."""
        try:
            if generation.belongs_to(self._application, self._read_models):
                generation.catch_up(self._application, self._read_models, self._batch)
                return generation
        except (StoreCorrupt, NotALedger):
            pass
        except (StoreNotWritable, StoreFull):
            if self._temporary is not None:
                raise
            self._go_elsewhere()
        return self._build()

    def _build(self, progress: Progress | None = None, *, anyway: bool = False) -> _Generation:
        """Fill a new generation, point to it, and clear the others away.

        Args:
            progress: Is told how far it is.
            anyway: Even if another process has just done it.
        """
        try:
            return self._build_in(self._place, progress, anyway)
        except (StoreNotWritable, StoreFull):
            if self._temporary is not None:
                raise
            self._go_elsewhere()
            return self._build_in(self._place, progress, anyway)

    def _build_in(self, place: Path, progress: Progress | None, anyway: bool) -> _Generation:
        with translated(place):
            place.mkdir(exist_ok=True)
            with self._building_alone(place):
                if not anyway and (serving := self._serving()) is not None:
                    serving.catch_up(self._application, self._read_models, self._batch)
                    return serving
                for stale in place.glob("*.db*"):
                    if not stale.name.startswith(self._pointed() or "\0"):
                        stale.unlink(missing_ok=True)
                generation = _Generation.make(
                    place / f"{secrets.token_hex(8)}.db",
                    self._application,
                    self._read_models,
                    self._batch,
                    progress,
                )
                self._point_to(place, generation.path)
        return generation

    @contextmanager
    def _building_alone(self, place: Path) -> Iterator[None]:
        """Keep other processes from building, or clearing away what is being built."""
        with (
            closing(connect(place / "lock", "rwc", timeout=3600)) as lock,
            transaction(lock),
        ):
            yield

    def _point_to(self, place: Path, path: Path) -> None:
        before = self._pointed()
        fresh = place / f"{_POINTER}.new"
        fresh.write_text(path.name + "\n")
        fresh.replace(place / _POINTER)
        if before:
            for old in place.glob(f"{before}*"):
                old.unlink(missing_ok=True)


class _Generation:
    """One file of views."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pool = Pool(self._open)
        self.position = -1

    @classmethod
    def make(
        cls,
        path: Path,
        application: LedgerApplication,
        read_models: Sequence[Projection],
        batch: int,
        progress: Progress | None,
    ) -> _Generation:
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
            generation._take(db, application, read_models, batch, progress)
            db.execute("PRAGMA journal_mode = WAL")
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return generation

    def close(self) -> None:
        self.pool.close()

    def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        with translated(self.path), self.pool.connection() as db:
            return query(db)

    def _open(self) -> sqlite3.Connection:
        db = connect(self.path)
        # Views can be made again, so a power cut may cost them; readers never wait for the disk.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA cache_size = {_CACHE}")
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
        if any(_leaf_at(application, position) != leaf for position, leaf in known):
            return False
        self.position = min(position for position, _ in known)
        return True

    def catch_up(
        self, application: LedgerApplication, read_models: Sequence[Projection], batch: int
    ) -> None:
        """Take the events up to the log's present end."""
        self.read(lambda db: self._take(db, application, read_models, batch, None))

    def _take(
        self,
        db: sqlite3.Connection,
        application: LedgerApplication,
        read_models: Sequence[Projection],
        batch: int,
        progress: Progress | None,
    ) -> None:
        """Take the events up to the log's present end, one transaction a batch."""
        target = application.log.head().position
        while self.position < target:
            with transaction(db):
                # Read under the lock: another process may have come further meanwhile.
                positions = dict(db.execute("SELECT name, position FROM projections"))
                rows = application.log.read(min(positions.values()), batch)
                events = [application.event_mapper.to_event(row) for row in rows]
                for model in read_models:
                    new = [event for event in events if event.position > positions[model.name]]
                    if new:
                        model.apply(new, db)
                if rows:
                    db.execute(
                        "UPDATE projections SET position = ?1, leaf = ?2 WHERE position < ?1",
                        (rows[-1].position, leaf_hash(rows[-1])),
                    )
            self.position = rows[-1].position if rows else target
            if progress is not None:
                progress(min(self.position, target), target)


def _leaf_at(application: LedgerApplication, position: int) -> bytes:
    """Return the leaf hash of the event at `position`, empty where there is none."""
    rows = application.log.read(position - 1, 1, position)
    return leaf_hash(rows[0]) if rows else b""


def views_folder(log: Path) -> Path:
    """Return where the views of the log in this file lie."""
    return log.with_name(log.name + "-views")


def delete_views(log: Path) -> None:
    """Delete the views of the log in this file; the next read makes them again."""
    with suppress(FileNotFoundError):
        shutil.rmtree(views_folder(log))
