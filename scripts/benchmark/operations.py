"""What is timed: each operation, as one contestant does it in its own process."""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from threading import Barrier
from typing import Any, NamedTuple

from benchmark.contestant import BATCH, Contestant
from benchmark.workload import FIRST, STEP, Change, Workload, keys, rarest

Figures = dict[str, float]
"""By name; in seconds for one event or one question, or in what the name says."""

APPENDS, QUESTIONS, THREADS = 250, 1000, 16
"""How much is asked at a visit: appends, questions; and threads that append.

Visits are short and many: what else the machine does then falls on everybody alike.
"""

COMMANDS = 50_000
"""So many commands are loaded at most: what one of them takes does not grow."""

WARMING = 10
"""One for so many is asked or appended before, and not timed."""

COMPARED = 200
"""How many answers of a kind are compared."""


class Session:
    """A contestant at work, in one round.

    Args:
        contestant: Who.
        events: How many are loaded.
        round_: Which round: each asks about other entries.
    """

    def __init__(self, contestant: Contestant, events: int, round_: int) -> None:
        self.contestant = contestant
        self.events = events
        self.round = round_
        self.changes = iter(Workload(sys.maxsize))
        """What is not stored yet."""

    def count(self, method: str, most: int) -> int:
        """Return how often it is asked, at a visit: no more often than there are entries."""
        return min(most, self.contestant.fewer.get(method, most), self.events // 5)

    def keys(self, count: int, visit: int) -> list[int]:
        """Return the entries that are asked for at a visit: the same ones in all processes."""
        return keys(self.events, count, 1000 * self.round + visit)


class Operation(NamedTuple):
    """What everybody is asked to do, one after the other.

    Attributes:
        name: What it is called on the way.
        run: What does it: takes the session, and which visit it is.
        visits: How often all are visited in a round.
    """

    name: str
    run: Callable[[Session, int], Figures]
    visits: int = 1


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes; what others have left to collect is collected."""
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


# Writing


def load(session: Session, _: int) -> Figures:
    """Store all events, in transactions of a thousand."""
    contestant, seconds = session.contestant, 0.0
    for batch in batches(islice(session.changes, session.events)):
        prepared = contestant.prepare(batch)
        began = time.perf_counter()
        contestant.load(prepared)
        seconds += time.perf_counter() - began
    return {"bulk load": seconds / session.events}


def load_commands(session: Session, _: int) -> Figures:
    """Store a part of the events as commands, each of which is decided."""
    events = min(session.events, COMMANDS)
    seconds = session.contestant.load_commands(batches(Workload(events)))
    return {"bulk load of commands": seconds / events}


def batches(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """Yield changes, as many at a time as go into one transaction."""
    left = iter(changes)
    while batch := list(islice(left, BATCH)):
        yield batch


def append(session: Session, _: int) -> Figures:
    """Store one event after the other."""
    count = session.count("append", APPENDS)
    each(session.contestant.append, islice(session.changes, count // WARMING))
    changes = list(islice(session.changes, count))
    seconds = timed(lambda: each(session.contestant.append, changes))
    return {"single durable append": seconds / count}


def append_beside(session: Session, _: int) -> Figures:
    """Let threads store events, each those of its own entries."""
    store = session.contestant.append_beside
    count = 4 * session.count("append_beside", APPENDS)
    shares: list[list[Change]] = [[] for _ in range(THREADS)]
    for change in islice(session.changes, count):
        shares[change.entry % THREADS].append(change)
    barrier = Barrier(THREADS + 1)

    def share(changes: list[Change]) -> None:
        barrier.wait()
        each(store, changes)

    def all_shares() -> None:
        barrier.wait()
        for future in futures:
            future.result()

    session.contestant.watch()
    with ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(share, changes) for changes in shares]
        figures = {f"{THREADS} threads appending": timed(all_shares) / count}
    group = session.contestant.group()
    if group is not None:
        figures |= {"events a shared commit": group.events, "shared commit": group.seconds}
    return figures


def each(store: Callable[[Change], None], changes: Iterable[Change]) -> None:
    """Store changes one by one."""
    for change in changes:
        store(change)


# Reading


def ask(name: str, method: str, session: Session, visit: int) -> Figures:
    """Ask questions of one kind."""
    asked = questions(method, session, visit)
    answer = getattr(session.contestant, method)
    for question in asked[: len(asked) // WARMING]:
        answer(*question)

    def all_of_them() -> None:
        for question in asked:
            answer(*question)

    return {name: timed(all_of_them) / len(asked)}


def questions(method: str, session: Session, visit: int, most: int = QUESTIONS) -> list[Any]:
    """Return what a method is asked."""
    contestant, events = session.contestant, session.events
    entries = session.keys(session.count(method, most), visit)
    if method == "by_path":
        return [(contestant.path(entry),) for entry in entries]
    if method == "as_of":
        chance = random.Random(f"{session.round} {visit}")
        return [
            (entry, FIRST + STEP * chance.randrange(entry * 5 + 1, events + 2))
            for entry in entries
        ]
    if method == "search":
        said = (contestant.said(contestant.current(entry)) for entry in entries)
        return [(rarest(str(headline)),) for headline, *_ in said]
    return [(entry,) for entry in entries]


def answers(method: str, session: Session) -> list[Any]:
    """Return what a contestant answers, in words that all have in common."""
    asked = questions(method, session, -1, COMPARED)
    contestant = session.contestant
    found = [getattr(contestant, method)(*question) for question in asked]
    if method.startswith("changes"):
        return [contestant.listed(lines) for lines in found]
    if method == "search":
        return [sorted(map(contestant.said, hits)) for hits in found]
    return [contestant.said(version) for version in found]


# Upkeep


def rebuild(session: Session, _: int) -> Figures:
    """Make three read models anew."""
    name = "rebuild of current, changes, permalinks"
    return {name: timed(session.contestant.rebuild) / session.events}


def rebuild_all(session: Session, _: int) -> Figures:
    """Make all read models anew."""
    return {"rebuild of all views": timed(session.contestant.rebuild_all) / session.events}


def verify(session: Session, _: int) -> Figures:
    """Audit all."""
    gc.collect()
    found = session.contestant.verify()
    return {name: seconds / session.events for name, seconds in found.items()}


def size(session: Session, _: int) -> Figures:
    """Weigh what is stored."""
    return {"bytes on disk an event": session.contestant.size() / session.events}


def settle(session: Session, _: int) -> Figures:
    """Bring read models up to date, which is not timed."""
    session.contestant.settle()
    return {}


READING = {
    "current": "current version by id",
    "by_path": "current version by permalink",
    "changes": "Changes list",
    "as_of": "as of a time",
    "search": "search",
    "current_in_view": "current version by id, from a read model",
    "changes_in_view": "Changes list, from a read model",
}
"""The methods that ask, and the names of their figures."""

OPERATIONS: Sequence[Operation] = (
    Operation("bulk load", load),
    Operation("bulk load of commands", load_commands),
    Operation("rebuild", rebuild),
    Operation("settling", settle),
    Operation("size", size),
    *(Operation(name, partial(ask, name, method), visits=5) for method, name in READING.items()),
    Operation("verify", verify),
    Operation("rebuild of all views", rebuild_all),
    Operation("append", append, visits=8),
    Operation("threads", append_beside, visits=3),
)
