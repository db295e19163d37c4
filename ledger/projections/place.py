"""The folder that the generations of one ledger's views lie in: who serves, who builds, who leads.

On SQLite each generation is a file of its own in a folder beside the log (`news.db-views/`), and a
pointer names the one that serves. A rebuild fills a new file and swaps the pointer, so it never
holds up a reader, and never the log. The folder can be deleted at any time.
"""

from __future__ import annotations

import logging
import re
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from ledger.errors import StoreBusy
from ledger.store.connections import begin_at_once, connect, translated
from ledger.store.files import identity_of

_POINTER = "current"
_NAME = re.compile(r"[0-9a-f]{16}\.db")

# How long one process waits for another that builds, in seconds.
_PATIENCE = 3600.0
_TELL_AFTER = 2.0
_PAUSE = 0.02

_log = logging.getLogger("ledger")


class Place:
    """One folder of generations.

    Attributes:
        folder: Where it is; made when it is first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def serving(self) -> Path | None:
        """Return the file that the pointer names; None where it names none."""
        try:
            name = (self.folder / _POINTER).read_text().strip()
        except (OSError, UnicodeDecodeError):
            return None
        # One of our files in this very folder, whatever somebody wrote into the pointer.
        return self.folder / name if _NAME.fullmatch(name) else None

    @contextmanager
    def making(self) -> Iterator[Path]:
        """Lend a file for a new generation; what is left half-made is cleared away."""
        self.clear()
        try:
            yield self.folder / f"{secrets.token_hex(8)}.db"
        except BaseException:
            self.clear()
            raise

    def clear(self) -> None:
        """Remove all generations but the one that serves; only who builds alone may do so."""
        serving = self.serving()
        for stale in self.folder.glob("*.db*"):
            if _NAME.match(stale.name) and (
                serving is None or not stale.name.startswith(serving.name)
            ):
                stale.unlink(missing_ok=True)

    def point_to(self, path: Path) -> None:
        """Let a generation serve, from one moment to the next, and remove the one before it."""
        before = self.serving()
        fresh = self.folder / f"{_POINTER}.new"
        fresh.write_text(path.name + "\n")
        fresh.replace(self.folder / _POINTER)
        if before is not None:
            # The file goes before its log: without it, it would be read as it once was.
            for old in sorted(self.folder.glob(f"{before.name}*")):
                old.unlink(missing_ok=True)

    @contextmanager
    def building_alone(self) -> Iterator[None]:
        """Keep other processes from building, or clearing away what is being built.

        Raises:
            StoreBusy: Another process has been building for very long.
        """
        with translated(self.folder):
            self.folder.mkdir(exist_ok=True)
            with closing(connect(self.folder / "lock", "rwc", timeout=0)) as lock:
                # Nothing is ever written to it: closing it lets go of the lock.
                self._wait_for(lock)
                yield

    def _wait_for(self, lock: sqlite3.Connection) -> None:
        began = time.monotonic()
        told = False
        # Not left to SQLite, which hears no Ctrl-C while it waits.
        while not begin_at_once(lock):
            waited = time.monotonic() - began
            if waited > _PATIENCE:
                raise StoreBusy(f"the views in {self.folder} are being built all the time")
            if waited > _TELL_AFTER and not told:
                _log.warning("waiting for another process that builds the views")
                told = True
            time.sleep(_PAUSE)

    def lead(self) -> Lead | None:
        """Return what makes this process the leader while it is open; None: another process is."""
        path = self.folder / "leader"
        with translated(self.folder):
            self.folder.mkdir(exist_ok=True)
            connection = connect(path, "rwc", timeout=0)
            try:
                if begin_at_once(connection):
                    return Lead(connection, path, identity_of(path))
            except BaseException:
                connection.close()
                raise
            connection.close()
            return None


class Lead(NamedTuple):
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
