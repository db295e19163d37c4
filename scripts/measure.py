"""What a rebuild costs: the time of those who read meanwhile, and memory."""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.synchronize
import queue
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from ledger import CreateEntry, EditEntry, Ledger, Source

Event = multiprocessing.synchronize.Event

WORDS = (
    *("harbour", "council", "ferry", "tide", "barrier", "quay", "storm", "vote", "mayor"),
    *("bridge", "island", "crew", "strike", "budget", "court", "union", "port", "inquiry"),
    *("rescue", "price", "grain", "cable", "pilot", "dredger", "wharf", "customs"),
)
SEED = 20210304


def text(chance: random.Random, words: int) -> str:
    """Return a sentence of so many words."""
    return " ".join(chance.choices(WORDS, k=words)).capitalize() + "."


def fill(url: str, events: int) -> list[UUID]:
    """Make a ledger of so many events, four to an entry, and return its entries."""
    chance = random.Random(SEED)
    entries: list[UUID] = []
    options = f"{'&' if '?' in url else '?'}synchronous=normal"
    with Ledger.open(url + options) as ledger:
        ledger.init()
        while events > 0:
            new = min(events, 250)
            created = ledger.execute(
                [
                    CreateEntry(
                        date=date(2015, 1, 1) + timedelta(days=(len(entries) + number) % 3000),
                        headline=text(chance, 9),
                        summary=text(chance, 22),
                        topic=chance.choice(WORDS).capitalize(),
                        contexts=tuple(sorted(set(chance.choices(WORDS, k=4)))),
                        sources=(Source("Courier", f"https://courier.example/{number}"),),
                        actor="measure",
                    )
                    for number in range(new)
                ]
            )
            entries += [event.entry for event in created]
            events -= new
            for _ in range(3):
                edits = min(events, new)
                ledger.execute(
                    [
                        EditEntry(entry=event.entry, summary=text(chance, 22), actor="measure")
                        for event in created[:edits]
                    ]
                )
                events -= edits
    return entries


# Reading under load


def read(
    url: str, entries: list[UUID], number: int, go: Event, stop: Event, out: multiprocessing.Queue
) -> None:
    """Read entries until told to stop; put out the times, in microseconds."""
    chance = random.Random(SEED + number)
    seen: dict[UUID, int] = {}
    times: list[float] = []
    with Ledger.open(url) as ledger:
        ledger.get(entries[0])
        go.wait()
        while not stop.is_set():
            entry = chance.choice(entries)
            began = time.perf_counter()
            version = ledger.get(entry).entry.version
            times.append((time.perf_counter() - began) * 1e6)
            if version < seen.get(entry, 0):
                raise SystemExit(f"entry {entry} went back from {seen[entry]} to {version}")
            seen[entry] = version
    out.put(times)


def write(url: str, entries: list[UUID], edits: int, seconds: float) -> None:
    """Add edits, evenly over a time."""
    chance = random.Random(SEED)
    began = time.perf_counter()
    with Ledger.open(url) as ledger:
        for number in range(edits):
            summary = f"Edit {number} of {began}: {text(chance, 20)}"
            ledger.edit(chance.choice(entries), summary=summary, actor="writer")
            time.sleep(max(0.0, began + seconds * number / edits - time.perf_counter()))


def rebuild(url: str, stop: Event, rebuilds: multiprocessing.Queue) -> None:
    """Rebuild again and again, as a user does, until told to stop."""
    done = 0
    while not stop.is_set():
        command = [sys.executable, "-m", "ledger", "--store", url, "rebuild", "--all"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        done += 1
    rebuilds.put(done)


def run(url: str, entries: list[UUID], *, rebuilding: bool, edits: int, seconds: float) -> None:
    """Print the times of four readers while a writer writes, with or without a rebuild."""
    go, stop = multiprocessing.Event(), multiprocessing.Event()
    out: multiprocessing.Queue = multiprocessing.Queue()
    rebuilds: multiprocessing.Queue = multiprocessing.Queue()
    readers = [
        multiprocessing.Process(target=read, args=(url, entries, number, go, stop, out))
        for number in range(4)
    ]
    others = [multiprocessing.Process(target=write, args=(url, entries, edits, seconds))]
    if rebuilding:
        others.append(multiprocessing.Process(target=rebuild, args=(url, stop, rebuilds)))
    for process in (*readers, *others):
        process.start()
    go.set()
    others[0].join()
    stop.set()
    try:
        done = rebuilds.get(timeout=120) if rebuilding else 0
        times = sorted(t for _ in readers for t in out.get(timeout=60))
    except queue.Empty:
        raise SystemExit("a process failed") from None
    for process in (*readers, *others):
        process.join()
        if process.exitcode:
            raise SystemExit("a process failed")
    points = statistics.quantiles(times, n=1000)
    print(
        f"| {'yes' if rebuilding else 'no'} | {done} | {len(times):,} | "
        + " | ".join(f"{points[p]:,.0f}" for p in (499, 899, 989, 998))
        + f" | {times[-1]:,.0f} |"
    )


def load(events: int, edits: int, seconds: float, rounds: int) -> None:
    """Compare the times of readers with and without a rebuild."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'news.db'}"
        entries = fill(url, events)
        print(f"{events:,} events; 4 readers, 1 writer of {edits:,} edits; microseconds a read")
        print("| rebuilding | rebuilds | reads | p50 | p90 | p99 | p99.9 | most |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for _ in range(rounds):
            for rebuilding in (False, True):
                run(url, entries, rebuilding=rebuilding, edits=edits, seconds=seconds)
        with Ledger.open(url) as ledger:
            served = ledger.views.status()
            assert [proof.status for proof in ledger.rebuild()] == list(served)
        print("the digests are those of a rebuild on the quiet store")


# Memory


def peak_memory() -> float:
    """Return the most memory that this process ever had, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not `getrusage`, which counts what the process had that it was forked from.
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


def peak(url: str, out: multiprocessing.Queue) -> None:
    """Rebuild all views, and put out the peak of the process, in MB, and the seconds."""
    with Ledger.open(url) as ledger:
        ledger.application.log.head()
        began = time.perf_counter()
        ledger.rebuild()
        seconds = time.perf_counter() - began
    out.put((peak_memory(), seconds))


def memory(sizes: list[int]) -> None:
    """Print the peak of a rebuild for logs of different sizes."""
    print("| events | peak MB | rebuild, events/s |")
    print("| --- | --- | --- |")
    context = multiprocessing.get_context("spawn")
    peaks = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{Path(folder) / 'news.db'}"
            fill(url, size)
            out = context.Queue()
            process = context.Process(target=peak, args=(url, out))
            process.start()
            most, seconds = out.get(timeout=3600)
            process.join()
            peaks.append(most)
            print(f"| {size:,} | {most:.1f} | {size / seconds:,.0f} |", flush=True)
    print(f"the largest takes {peaks[-1] - peaks[0]:.1f} MB more than the smallest")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for_load = commands.add_parser("load", help="readers' times while the views are rebuilt")
    for_load.add_argument("--events", type=int, default=20_000)
    for_load.add_argument("--edits", type=int, default=2_000)
    for_load.add_argument("--seconds", type=float, default=10.0)
    for_load.add_argument("--rounds", type=int, default=3)
    for_memory = commands.add_parser("memory", help="the peak of a rebuild")
    for_memory.add_argument("sizes", type=int, nargs="*", default=[20_000, 200_000])
    given = parser.parse_args()
    if given.command == "load":
        load(given.events, given.edits, given.seconds, given.rounds)
    else:
        memory(given.sizes)


if __name__ == "__main__":
    main()
