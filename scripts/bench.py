"""Speed, as ratios to a floor measured in the same run."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from measure import fill, peak_memory

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


def rebuild(url: str) -> float:
    """Return the seconds that a rebuild of the current view takes."""
    with Ledger.open(url) as ledger:
        began = time.perf_counter()
        ledger.rebuild(("current",))
        return time.perf_counter() - began


def peak(url: str, out: multiprocessing.Queue) -> None:
    """Put out the peak of a process that verifies, in MB."""
    readings(url, 1)
    out.put(peak_memory())


def verify(events: int, rounds: int) -> None:
    """Print what the readings take beside the floor, and whether their memory grows."""
    context = multiprocessing.get_context("spawn")
    peaks: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for size in (events // 10, events):
            path = Path(folder, f"{size}.db")
            url = f"sqlite:///{path}"
            fill(url, size)
            with Ledger.open(url) as ledger:
                ledger.views.status()
            out = context.Queue()
            process = context.Process(target=peak, args=(url, out))
            process.start()
            peaks.append(out.get(timeout=3600))
            process.join()
        many = os.cpu_count() or 1
        print(
            f"{events:,} events; Python {platform.python_version()}, SQLite "
            f"{sqlite3.sqlite_version}, {many} processors; medians of {rounds} rounds"
        )
        bare, current = [], []
        taken: dict[int, list[tuple[float, float]]] = {jobs: [] for jobs in sorted({1, many})}
        for _ in range(rounds):
            bare.append(bare_read(path))
            for jobs, times in taken.items():
                times.append(readings(url, jobs))
            current.append(rebuild(url))
        print("| reading | jobs | seconds | beside | seconds | ratio |")
        print("| --- | --- | --- | --- | --- | --- |")
        for jobs, times in taken.items():
            for name, at, beside, floor in (
                ("by position", 0, "bare read with SHA-256", bare),
                ("by entry", 1, "rebuild of current", current),
            ):
                own = [pair[at] for pair in times]
                ratio = statistics.median(a / b for a, b in zip(own, floor, strict=True))
                print(
                    f"| {name} | {jobs} | {statistics.median(own):.2f} | {beside} | "
                    f"{statistics.median(floor):.2f} | {ratio:.2f} |"
                )
        print(
            f"peak memory: {peaks[0]:.1f} MB at {events // 10:,} events, {peaks[1]:.1f} MB at "
            f"{events:,}"
        )


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for_verify = commands.add_parser("verify", help="the two readings of a verification")
    for_verify.add_argument("--events", type=int, default=200_000)
    for_verify.add_argument("--rounds", type=int, default=3)
    for_postgres = commands.add_parser("postgres", help="beside eventsourcing's own recorder")
    for_postgres.add_argument("--events", type=int, default=20_000)
    for_postgres.add_argument("--rounds", type=int, default=3)
    for_import = commands.add_parser("import", help="git history, beside git's own plumbing")
    for_import.add_argument("--repository", type=Path, help="[default: one that is made]")
    for_import.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    if given.command == "import":
        from bench_import import bench

        bench(given.repository, given.rounds)
    elif given.command == "postgres":
        # Imported here: the others need no server.
        from bench_postgres import postgres

        postgres(given.events, given.rounds)
    else:
        verify(given.events, given.rounds)


if __name__ == "__main__":
    main()
