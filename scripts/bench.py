"""Speed, as ratios to a floor measured in the same run."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sqlite3
import statistics
import tempfile
from pathlib import Path

from benchmark.entrants import NAMES
from benchmark.verifying import bare_read, readings, rebuild_current
from measure import fill, peak_memory

from ledger import Ledger


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
            current.append(rebuild_current(url))
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


def number(text: str) -> int:
    """Return how many are wanted: one, or more."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return int(text)


def into(text: str) -> Path:
    """Return a file that can be written at the end, which is long from now."""
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text} cannot be written: its folder is not there")
    return path


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Compare ledger with a hand-written floor and with its peers; or, with a "
        "command, a part of it with a floor of its own.",
    )
    parser.add_argument("--quick", action="store_true", help="10,000 events, within 3 minutes")
    parser.add_argument("--events", type=number, help="[default: 10,000, 200,000 and 1,000,000]")
    parser.add_argument("--rounds", type=number, default=3, help="[default: 3]")
    parser.add_argument(
        "--only", nargs="+", default=[], choices=NAMES, help="who takes part beside the floor"
    )
    parser.add_argument("--json", type=into, metavar="FILE", help="where the figures go, too")
    commands = parser.add_subparsers(dest="command")
    for_verify = commands.add_parser("verify", help="the two readings of a verification")
    for_verify.add_argument("--events", type=number, default=200_000)
    for_verify.add_argument("--rounds", type=number, default=3)
    for_postgres = commands.add_parser("postgres", help="beside eventsourcing's own recorder")
    for_postgres.add_argument("--events", type=number, default=20_000)
    for_postgres.add_argument("--rounds", type=number, default=3)
    for_import = commands.add_parser("import", help="git history, beside git's own plumbing")
    for_import.add_argument("--repository", type=Path, help="[default: one that is made]")
    for_import.add_argument("--rounds", type=number, default=5)
    given = parser.parse_args()
    if given.command == "import":
        from bench_import import bench

        bench(given.repository, given.rounds)
    elif given.command == "postgres":
        # Imported here: the others need no server.
        from bench_postgres import postgres

        postgres(given.events, given.rounds)
    elif given.command == "verify":
        verify(given.events, given.rounds)
    else:
        from benchmark.whole import compare

        compare(
            quick=given.quick,
            events=given.events,
            rounds=given.rounds,
            only=given.only,
            into=given.json,
        )


if __name__ == "__main__":
    main()
