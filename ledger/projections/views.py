"""`Views`: the read models of one ledger, kept beside its log and brought up to date by readers.

On SQLite each generation of the views is a file of its own in a folder beside the log
(`news.db-views/`), and a pointer names the one that serves. A rebuild fills a new file and swaps
the pointer, so it never holds up a reader, and never the log. The folder can be deleted at any
time.

A generation knows the ledger's id, its positions, and the leaf hash at each; a log that was
restored to an older copy no longer matches, and the views are rebuilt.
"""

from __future__ import annotations

import re
import secrets
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import RLock

from ledger.errors import StoreBusy, StoreFull, StoreNotWritable
from ledger.projections.changes import Changes
from ledger.projections.contexts import Contexts
from ledger.projections.current import Current
from ledger.projections.generation import Damaged, Generation, Progress, Result
from ledger.projections.permalinks import Permalinks
from ledger.projections.projection import Projection
from ledger.projections.records import ViewStatus
from ledger.store.application import LedgerApplication
from ledger.store.connections import connect, transaction, translated

READ_MODELS: tuple[Projection, ...] = (Current(), Changes(), Permalinks(), Contexts())

BATCH = 1000

# How often a read begins again where other processes swap the views under it.
_TRIES = 10

_POINTER = "current"
_NAME = re.compile(r"[0-9a-f]{16}\.db")


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
        self._generation: Generation | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what `query` finds in views that know every event recorded until now.

        Views that turn out damaged are thrown away, and the query is asked again of new ones.

        Raises:
            StoreError: The log cannot be read, or no views can be made anywhere.
        """
        for _ in range(_TRIES):
            generation = self._up_to_date()
            try:
                return generation.read(query)
            except Damaged:
                self._discard(generation)
        raise StoreBusy(f"the views in {self._place} are taken away again and again: try later")

    def rebuild(self, progress: Progress | None = None) -> tuple[ViewStatus, ...]:
        """Fill new views from the log beside those that serve, swap, and say what they hold."""
        with self._lock:
            self._application.log.head()
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

    def _up_to_date(self) -> Generation:
        with self._lock:
            # Asked first: where there is no log, nothing is made for its views.
            head = self._application.log.head()
            generation = self._serving()
            if generation is None:
                generation = self._build()
            elif generation.head != head:
                generation = self._caught_up(generation)
            self._use(generation)
            return generation

    def _serving(self) -> Generation | None:
        """Return the generation that the pointer names, if it belongs to this log."""
        while name := self._pointed(self._place):
            path = self._place / name
            if self._generation is not None and self._generation.path == path:
                return self._generation
            generation = Generation(path)
            try:
                if generation.belongs_to(self._application, self._read_models):
                    return generation
            except Damaged:
                pass
            except StoreNotWritable:
                self._go_elsewhere()
            generation.close()
            # Another process may have swapped just now; then the new one is the one to look at.
            if self._pointed(self._place) == name:
                break
        return None

    def _pointed(self, place: Path) -> str:
        try:
            name = (place / _POINTER).read_text().strip()
        except (OSError, UnicodeDecodeError):
            return ""
        # One of our files in this very folder, whatever somebody wrote into the pointer.
        return name if _NAME.fullmatch(name) else ""

    @property
    def _place(self) -> Path:
        return self._folder if self._temporary is None else Path(self._temporary.name)

    def _go_elsewhere(self) -> None:
        if self._temporary is not None:
            return
        with translated(Path(tempfile.tempdir or "the folder for temporary files")):
            self._temporary = tempfile.TemporaryDirectory(prefix="ledger-views-")

    def _use(self, generation: Generation | None) -> None:
        if self._generation is not None and self._generation is not generation:
            self._generation.close()
        self._generation = generation

    def _discard(self, generation: Generation) -> None:
        with self._lock, suppress(OSError):
            if self._generation is generation:
                self._use(None)
            generation.path.unlink()

    # Filling it

    def _caught_up(self, generation: Generation) -> Generation:
        """Return `generation` after the events it lacked, or a new one if the log is another."""
        try:
            if generation.belongs_to(self._application, self._read_models):
                generation.catch_up(self._application, self._read_models, self._batch)
                return generation
        except Damaged:
            pass
        except (StoreNotWritable, StoreFull):
            if self._temporary is not None:
                raise
            self._go_elsewhere()
        self._use(None)
        return self._build()

    def _build(self, progress: Progress | None = None, *, anyway: bool = False) -> Generation:
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

    def _build_in(self, place: Path, progress: Progress | None, anyway: bool) -> Generation:
        with translated(place):
            place.mkdir(exist_ok=True)
            with self._building_alone(place):
                if not anyway and (serving := self._serving()) is not None:
                    with suppress(Damaged):
                        serving.catch_up(self._application, self._read_models, self._batch)
                        return serving
                for stale in place.glob("*.db*"):
                    if not stale.name.startswith(self._pointed(place) or "\0"):
                        stale.unlink(missing_ok=True)
                generation = Generation.make(
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
        before = self._pointed(place)
        fresh = place / f"{_POINTER}.new"
        fresh.write_text(path.name + "\n")
        fresh.replace(place / _POINTER)
        if before:
            # The file goes before its log: without it, it would be read as it once was.
            for old in sorted(place.glob(f"{before}*")):
                old.unlink(missing_ok=True)


def views_folder(log: Path) -> Path:
    """Return where the views of the log in this file lie."""
    return log.with_name(log.name + "-views")
