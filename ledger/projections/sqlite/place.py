"""The folder that generations lie in: `news.db-views/` beside the log `news.db`.

Each is a file of its own, and a pointer names the one that serves: a rebuild in the same file
would hold its one write lock. The folder can be deleted at any time.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from ledger.projections.generation import Generation
from ledger.projections.place import Place
from ledger.projections.sqlite.generation import IN_PASSING, FileGeneration
from ledger.projections.sqlite.skips import FileSkips
from ledger.store.connections import begin_at_once, connect, translated
from ledger.store.files import identity_of

_POINTER = "current"
_NAME = re.compile(r"[0-9a-f]{16}\.db")


class FilePlace(Place):
    """One folder of generations.

    Attributes:
        folder: Where it is; made when it is first needed.
    """

    disposal = "delete that folder"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = str(folder)
        self._pointer = str(folder / _POINTER)
        self._seen: tuple[tuple[int, int, int], str | None] = ((0, 0, 0), None)
        beside = folder.with_name(folder.name.removesuffix("-views") + "-skips")
        self._skips = FileSkips(beside)

    @classmethod
    def beside(cls, log: Path) -> FilePlace:
        """Return where the views of the log in a file lie."""
        return cls(log.with_name(log.name + "-views"))

    @property
    def skips(self) -> FileSkips:
        """What projections pass over, in a file of its own beside the folder."""
        return self._skips

    def serving(self) -> str | None:
        """Return the name of the file that the pointer names; None where it names none."""
        try:
            # Not by the methods of a path: every read of the views looks.
            found = os.stat(self._pointer)  # noqa: PTH116
        except OSError:
            return None
        # It is never written over, but replaced: the same file says the same.
        seen = found.st_ino, found.st_mtime_ns, found.st_size
        if self._seen[0] != seen:
            try:
                name = Path(self._pointer).read_text().strip()
            except (OSError, UnicodeDecodeError):
                return None
            # One of our files in this very folder, whatever somebody wrote into the pointer.
            self._seen = seen, name if _NAME.fullmatch(name) else None
        return self._seen[1]

    def generation(self, name: str, *, in_passing: bool = False) -> FileGeneration:
        """Return the generation in a file of the folder."""
        path = self.folder / name
        return FileGeneration(path, IN_PASSING) if in_passing else FileGeneration(path)

    def new_name(self) -> str:
        """Return a name that no file has."""
        return f"{os.urandom(8).hex()}.db"

    def discard(self, generation: Generation) -> bool:
        """Remove a file that is damaged; return False where this user may not."""
        try:
            (self.folder / generation.name).unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def clear(self) -> bool:
        """Remove all generations but the one that serves."""
        serving = self.serving()
        for stale in self.folder.glob("*.db*"):
            if _NAME.match(stale.name) and (serving is None or not stale.name.startswith(serving)):
                stale.unlink(missing_ok=True)
        return True

    def point_to(self, generation: Generation) -> None:
        """Let a file serve, from one moment to the next, and remove the one before it."""
        before = self.serving()
        fresh = self.folder / f"{_POINTER}.new"
        fresh.write_text(generation.name + "\n")
        fresh.replace(self.folder / _POINTER)
        if before is not None:
            # The file goes before its log: without it, it would be read as it once was.
            for old in sorted(self.folder.glob(f"{before}*")):
                old.unlink(missing_ok=True)

    @contextmanager
    def building_alone(self) -> Iterator[None]:
        """Keep other processes from building."""
        with translated(self.folder):
            self.folder.mkdir(exist_ok=True)
            with closing(connect(self.folder / "lock", "rwc", timeout=0)) as lock:
                # Nothing is ever written to it: closing it lets go of the lock.
                self.wait_for(lambda: begin_at_once(lock))
                yield

    def lead(self) -> FileLead | None:
        """Return what makes this process the leader while it is open; None: another process is."""
        path = self.folder / "leader"
        with translated(self.folder):
            self.folder.mkdir(exist_ok=True)
            connection = connect(path, "rwc", timeout=0)
            try:
                if begin_at_once(connection):
                    return FileLead(connection, path, identity_of(path))
            except BaseException:
                connection.close()
                raise
            connection.close()
            return None

    def was_taken_away(self) -> bool:
        """Return whether somebody deleted the folder, which can be made anew."""
        return not self.folder.exists() and self.folder.parent.exists()

    def close(self) -> None:
        """Do nothing: no connection stays open."""


class FileLead(NamedTuple):
    """What makes a process the leader: the system lets go of the lock when the process dies."""

    connection: sqlite3.Connection
    path: Path
    identity: tuple[int, int] | None

    def holds(self) -> bool:
        """Return whether others see it; not after somebody deleted the folder."""
        return identity_of(self.path) == self.identity

    def close(self) -> None:
        """Lead no more."""
        self.connection.close()
