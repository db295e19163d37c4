"""Skips in a file of their own, beside the log."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from ledger.projections.records import Skip
from ledger.projections.skips import Skips
from ledger.store.connections import connect, transaction, translated
from ledger.store.rows import to_datetime, to_microseconds

_log = logging.getLogger("ledger")


class FileSkips(Skips):
    """The skips kept in a file.

    Args:
        path: The file; made when something is first skipped.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, skip: Skip) -> None:
        """Note a skip; a second one for the same event changes nothing."""
        with translated(self._path), closing(connect(self._path, "rwc")) as db, transaction(db):
            db.execute(
                "CREATE TABLE IF NOT EXISTS skips (name TEXT, position INTEGER, leaf BLOB, "
                "reason TEXT, actor TEXT, skipped_at INTEGER, "
                "PRIMARY KEY (name, position, leaf)) STRICT"
            )
            db.execute(
                "INSERT OR IGNORE INTO skips VALUES (?, ?, ?, ?, ?, ?)",
                (
                    skip.name,
                    skip.position,
                    skip.leaf,
                    skip.reason,
                    skip.actor,
                    to_microseconds(skip.skipped_at),
                ),
            )

    def remove(self, name: str, position: int) -> bool:
        """Take a skip back; return whether there was one."""
        if not self._path.exists():
            return False
        with translated(self._path), closing(connect(self._path)) as db, transaction(db):
            done = db.execute(
                "DELETE FROM skips WHERE name = ? AND position = ?", (name, position)
            )
            return done.rowcount > 0

    def list(self) -> tuple[Skip, ...]:
        """Return all skips, by position.

        Where the file is damaged there are none: projections then stop again, and say so.
        """
        if not self._path.exists():
            return ()
        try:
            with closing(connect(self._path)) as db:
                rows = db.execute(
                    "SELECT name, position, leaf, reason, actor, skipped_at FROM skips "
                    "ORDER BY position, name"
                ).fetchall()
        except sqlite3.DatabaseError as error:
            # A file that has no table yet is being made.
            if "no such table" not in str(error):
                _log.warning("%s cannot be read, so nothing is skipped: %s", self._path, error)
            return ()
        return tuple(
            Skip(name, position, leaf, reason, actor, to_datetime(skipped_at))
            for name, position, leaf, reason, actor, skipped_at in rows
        )
