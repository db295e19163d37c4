"""A verification's two readings, beside the least that each could take."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from ledger import Ledger

READ = (
    "SELECT position, entry, version, type, recorded_at, meta, content FROM events "
    "ORDER BY position"
)


def bare_read(path: Path) -> float:
    """Return the seconds that it takes to read all rows, with SHA-256 of each."""
    began = time.perf_counter()
    with closing(sqlite3.connect(path)) as db:
        for row in db.execute(READ):
            sha256(b"%d%b%d%b%d%b%b" % (*row[:3], row[3].encode(), *row[4:])).digest()
    return time.perf_counter() - began


def readings(url: str, jobs: int) -> tuple[float, float]:
    """Return the seconds that the two readings of a verification take."""
    times = [time.perf_counter()]

    def tell(done: int, total: int) -> None:
        if done >= total / 2 and len(times) == 1:
            times.append(time.perf_counter())

    with Ledger.open(url) as ledger:
        found = ledger.audit.verify(jobs=jobs, progress=tell)
    times.append(time.perf_counter())
    if not found.sound:
        raise SystemExit(f"the log does not hold: {found.findings}")
    return times[1] - times[0], times[2] - times[1]


def rebuild_current(url: str) -> float:
    """Return the seconds that a rebuild of the current view takes."""
    with Ledger.open(url) as ledger:
        began = time.perf_counter()
        ledger.rebuild(("current",))
        return time.perf_counter() - began
