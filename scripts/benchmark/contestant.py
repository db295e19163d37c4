"""What is asked of everybody who takes part."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from benchmark.workload import Change

BATCH = 1000
"""How many events go into one transaction of a bulk load."""


class CannotDo(Exception):
    """Somebody has no such operation; it is left out of the table."""


def _cannot(*_: object) -> Any:
    raise CannotDo


cannot: Any = _cannot
"""Stands for an operation that somebody does not have."""


class Group(NamedTuple):
    """How writers that waited together shared commits.

    Attributes:
        events: How many events a commit had, on average.
        seconds: How long a commit took, on average.
    """

    events: float
    seconds: float


class Contestant(ABC):
    """Stores changes, and answers from what is stored.

    Whoever has no such operation says so: `search = cannot`.

    Args:
        folder: An empty folder of its own.

    Attributes:
        name: What the tables call it.
        fewer: How often it is asked where it is too slow to be asked as often as the others, by
            the name of the method.
    """

    name: ClassVar[str]
    fewer: ClassVar[dict[str, int]] = {}

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def about(self) -> str:
        """Return its version, and how durably it writes."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""

    # Writing

    def prepare(self, changes: list[Change]) -> Any:
        """Return changes as `load` takes them; not timed."""
        return changes

    @abstractmethod
    def load(self, prepared: Any) -> None:
        """Store many changes, as fast as can be, durably."""

    def load_commands(self, changes: Iterable[list[Change]]) -> float:
        """Do what `load` does, in a store of its own, each change decided; return the seconds.

        Who has nothing beside what `load` takes cannot.
        """
        return cannot(changes)

    @abstractmethod
    def append(self, change: Change) -> None:
        """Store one change; when it returns, it is durable."""

    @abstractmethod
    def append_beside(self, change: Change) -> None:
        """Do what `append` does, in one of several threads."""

    def watch(self) -> None:
        """Begin to note how threads share commits, for `group`."""
        return

    def group(self) -> Group | None:
        """Return how the threads of `append_beside` shared commits; None: they did not."""
        return None

    @abstractmethod
    def settle(self) -> None:
        """Bring up to date what is asked from now on; not timed."""

    # Reading; what comes back is whatever a user would get

    @abstractmethod
    def current(self, entry: int) -> Any:
        """Return an entry as it is."""

    @abstractmethod
    def by_path(self, path: str) -> Any:
        """Return the entry that is at a path."""

    @abstractmethod
    def changes(self, entry: int) -> Any:
        """Return an entry's Changes list: the versions that brought a headline."""

    @abstractmethod
    def as_of(self, entry: int, at: datetime) -> Any:
        """Return an entry as it was public at a time."""

    @abstractmethod
    def search(self, words: str) -> Iterable[Any]:
        """Return the entries that hold all of some words."""

    @abstractmethod
    def current_in_view(self, entry: int) -> Any:
        """Return an entry as it is, where `current` does not ask a read model but this does."""

    @abstractmethod
    def changes_in_view(self, entry: int) -> Any:
        """Return a Changes list, where `changes` does not ask a read model but this does."""

    @abstractmethod
    def path(self, entry: int) -> str:
        """Return the path that an entry is at; not timed."""

    # Upkeep

    @abstractmethod
    def rebuild(self) -> None:
        """Make the read models of current versions, Changes lists and permalinks anew."""

    @abstractmethod
    def rebuild_all(self) -> None:
        """Make all read models anew."""

    @abstractmethod
    def verify(self) -> dict[str, float]:
        """Audit all that is stored; return how many seconds each part took."""

    @abstractmethod
    def size(self) -> int:
        """Return how many bytes lie on the disk for what was stored, read models left out."""

    # What answers say, so that it can be seen that all say the same

    @abstractmethod
    def said(self, version: Any) -> tuple[object, ...]:
        """Return headline, summary, sources and contexts of what `current` and `as_of` gave."""

    @abstractmethod
    def listed(self, changes: Any) -> list[tuple[int, datetime, str]]:
        """Return version, time and headline of each line that `changes` gave."""


class Ids:
    """The ids of the entries, by number: 16 bytes each, so that they hardly count as memory."""

    def __init__(self) -> None:
        self._ids = bytearray()

    def __setitem__(self, entry: int, id_: bytes) -> None:
        at = entry * 16
        if len(self._ids) < at + 16:
            self._ids.extend(bytes(at + 16 - len(self._ids)))
        self._ids[at : at + 16] = id_

    def __getitem__(self, entry: int) -> bytes:
        return bytes(self._ids[entry * 16 : entry * 16 + 16])


def settings_of(db: sqlite3.Connection) -> str:
    """Return how durably a connection writes, as it says itself."""
    (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    (sync,) = db.execute("PRAGMA synchronous").fetchone()
    return (
        f"SQLite {sqlite3.sqlite_version}, journal_mode={mode}, "
        f"synchronous={('OFF', 'NORMAL', 'FULL', 'EXTRA')[sync]}"
    )


def checkpointed(path: Path) -> int:
    """Return the size of an SQLite file, once all that was written is in it; in bytes."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def bytes_in(folder: Path, *patterns: str) -> int:
    """Return the bytes of a folder's files."""
    return sum(
        path.stat().st_size
        for pattern in patterns or ("**/*",)
        for path in folder.glob(pattern)
        if path.is_file()
    )
