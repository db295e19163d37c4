"""What `ledger doctor` looks at on SQLite alone: the library, the file, and the disk under it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from ledger.store import schema
from ledger.store.checks import Check, fail_if, ok, warn_if
from ledger.store.connections import connect, translated
from ledger.store.files import lies_still, log_of
from ledger.store.rows import Head
from ledger.store.urls import SQLiteURL

NEEDED = (3, 37, 0)
"""The first SQLite with STRICT tables."""

ROOM = 64 * 1024**2
"""Below so many free bytes, a disk is as good as full."""


def checks(url: SQLiteURL, head: Head, now: int) -> Iterator[Check]:
    """Yield what is found of a log's file.

    Args:
        url: The file, which is there.
        head: The end of its log.
        now: Microseconds since 1970-01-01T00:00:00Z.
    """
    needed = ".".join(map(str, NEEDED))
    yield fail_if(
        sqlite3.sqlite_version_info < NEEDED,
        "version",
        f"SQLite {sqlite3.sqlite_version}; needed is {needed}",
        "use a Python with a newer SQLite",
    )
    yield ok("schema", f"log schema {schema.schema_version()}")
    yield from _durability(url)
    behind = timedelta(microseconds=max(head.recorded_at - now, 0))
    yield warn_if(
        behind > timedelta(seconds=1),
        "clock",
        f"{behind} behind the last event" if behind else "not behind the last event",
        "set this host's clock right; until then events are recorded at that event's time",
    )
    yield _disk(url.path)
    yield _permissions(url.path)


def _durability(url: SQLiteURL) -> Iterator[Check]:
    still = lies_still(url.path)
    with (
        translated(url.path),
        closing(connect(url.path, "ro" if still else "rw", immutable=still)) as db,
    ):
        (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    yield warn_if(
        mode != "wal" and not still,
        "journal",
        f"journal mode {mode}",
        "the next write gives the file a write-ahead log; until then readers and writers wait "
        "for each other",
    )
    yield warn_if(
        url.synchronous != "FULL",
        "durability",
        f"synchronous={url.synchronous.lower()}",
        "a power cut may take the last events that were acknowledged: use the URL without "
        "synchronous=normal",
    )


def _disk(path: Path) -> Check:
    size = sum(file.stat().st_size for file in (path, log_of(path)) if file.exists())
    free = shutil.disk_usage(path.parent).free
    return warn_if(
        free < max(size, ROOM),
        "disk",
        f"{_megabytes(free)} free, the log takes {_megabytes(size)}",
        "make room: an erasure and a rebuild need as much again as there is",
    )


def _permissions(path: Path) -> Check:
    open_to_all = [
        str(one)
        for one in (path, path.parent)
        if (mode := one.stat().st_mode) & stat.S_IWOTH and not mode & stat.S_ISVTX
    ]
    # A log lies beside it while it is written.
    is_writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    may = "may write it" if is_writable else "may only read it"
    found = f"this user {may}"
    if open_to_all:
        found += f"; every user may write {' and '.join(open_to_all)}"
    return warn_if(bool(open_to_all), "permissions", found, "take that right away: `chmod o-w`")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
