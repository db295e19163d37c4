"""Processes that follow a store, with a projection installed that counts every event."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.stores import Store

DEADLINE = 60
"""After so many seconds a wait is given up: that is no measure of anything."""

COUNTING = """
from ledger import Projection

class Counting(Projection):
    name = "counting"
    ddl = ("CREATE TABLE counting (position INTEGER PRIMARY KEY, times INTEGER NOT NULL)",)
    tables = {"counting": "position, times"}

    def apply(self, events, db):
        db.executemany(
            "INSERT INTO counting VALUES (?, 1) "
            "ON CONFLICT (position) DO UPDATE SET times = counting.times + 1",
            [(event.position,) for event in events],
        )
"""


def install_counting(folder: Path) -> Path:
    """Return a folder to have on the path: the counting projection, installed."""
    info = folder / "site" / "counting-1.0.dist-info"
    info.mkdir(parents=True)
    (info.parent / "counting.py").write_text(COUNTING)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ledger.projections]\nc = counting:Counting\n")
    return info.parent


class Follower:
    """A process that runs `ledger project --follow`.

    Args:
        site: What `install_counting` made.
        url: The store.
        name: What to call it.
    """

    def __init__(self, site: Path, url: str, name: str) -> None:
        self.name = name
        self._out, self._err = site / f"{name}.out", site / f"{name}.err"
        with self._out.open("w") as out, self._err.open("w") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ledger", "--store", url, "project", "--follow"],
                env={**os.environ, "PYTHONPATH": str(site)},
                stdout=out,
                stderr=err,
            )

    @property
    def lines(self) -> list[str]:
        return self._out.read_text().splitlines()

    @property
    def err(self) -> str:
        return self._err.read_text().strip()

    def leads(self) -> bool:
        assert self._process.poll() is None, self.err
        return bool(self.lines) and self.lines[-1].startswith("projecting")

    def end(self, how: signal.Signals) -> int:
        self._process.send_signal(how)
        return self._process.wait(DEADLINE)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it does not come to that"
        time.sleep(0.02)


def counted(store: Store) -> list[tuple[int, int]]:
    """Return each position with how often it was counted, in the generation that serves."""
    with store.views() as db:
        found: list[tuple[int, int]] = db.execute(
            "SELECT position, times FROM counting ORDER BY position"
        ).fetchall()
    return found


def once(store: Store, head: int) -> bool:
    """Return whether all events up to the end are counted, which none may be twice."""
    found = counted(store)
    assert found == [(position, 1) for position in range(1, len(found) + 1)]
    return len(found) == head
