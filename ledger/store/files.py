"""A SQLite file before it is opened: is it there, and is it ours?

Nothing here opens a database's file but SQLite itself. A process that opened and closed the file
on its own would drop all the locks that SQLite holds for it (POSIX says so), and another process
could then take the write-ahead log away from under it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from ledger.errors import NotALedger, StoreNotFound
from ledger.store import schema
from ledger.store.connections import connect

_JOURNAL = bytes.fromhex("d9d505f920a163d7")


def is_there(path: Path) -> bool:
    """Return whether there is a file that is not empty."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def identity_of(path: Path | str) -> tuple[int, int] | None:
    """Return what tells a file from another of the same name; None where there is none."""
    try:
        # Not by the methods of a path: every read of the log looks.
        found = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def require_ours(path: Path) -> None:
    """Refuse a file of somebody else's before SQLite does anything to it.

    Read as it lies, without locks: so a journal or a log that was left beside it stays.
    """
    if is_half_made(path):
        return
    with closing(connect(path, "ro", immutable=True)) as connection:
        # Asked of the header alone: the pages it tells of may still be in a log beside it.
        connection.execute("PRAGMA writable_schema = ON")
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        # What is blank can become a ledger, unless there is more in a log beside it.
        may_become = mark == 0 and is_blank(connection) and not has_log(path)
        if mark != schema.APPLICATION_ID and not may_become:
            raise NotALedger(f"{path} is no ledger but another database; nothing was touched")


def is_half_made(path: Path) -> bool:
    """Return whether a process died while it made the ledger: the journal leads back to nothing.

    The journal's header tells how many pages the file had before (SQLite file format, 3).
    """
    try:
        header = path.with_name(path.name + "-journal").read_bytes()[:20]
    except FileNotFoundError:
        return False
    return header[:8] == _JOURNAL and header[16:20] == bytes(4)


def lies_still(path: Path) -> bool:
    """Return whether a file can be read without locks: its folder takes no new files.

    SQLite needs a shared-memory file beside a file with a write-ahead log. Where it cannot make
    one and no log is left beside it, the file is all there is.
    """
    return not os.access(path.parent, os.W_OK) and not has_log(path)


def log_of(path: Path) -> Path:
    """Return where SQLite keeps the write-ahead log of a file."""
    return path.with_name(path.name + "-wal")


def has_log(path: Path) -> bool:
    """Return whether a write-ahead log was left beside a file."""
    wal = log_of(path)
    return wal.exists() and wal.stat().st_size > 0


def remove_log(path: Path) -> None:
    """Remove the write-ahead log beside a file that it does not belong to."""
    log_of(path).unlink(missing_ok=True)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)


def is_blank(connection: sqlite3.Connection) -> bool:
    """Return whether the file holds no tables yet, as after a process died while making it."""
    return connection.execute("SELECT 1 FROM sqlite_schema").fetchone() is None


def not_found(path: Path) -> StoreNotFound:
    """Return the error of somebody who looks for a ledger where there is none."""
    return StoreNotFound(
        f"there is no ledger at {path}: make one with `ledger init`, "
        "or check --store and LEDGER_STORE"
    )


def require_file(path: Path) -> None:
    """Refuse a place without a file."""
    if not is_there(path):
        raise not_found(path)
