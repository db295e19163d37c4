"""Rounds: everybody does the same, operation by operation, one after the other."""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import NamedTuple

from benchmark.entrants import Entrant
from benchmark.operations import OPERATIONS, READING, Operation
from benchmark.worker import Worker

BEGAN = time.monotonic()
LATE = 130
"""A quick run begins no further round after so many seconds."""

Taken = dict[str, dict[str, list[float]]]
"""By the figure's name and the contestant's: the figures of the rounds."""


class Run(NamedTuple):
    """What came of all rounds of one size.

    Attributes:
        events: How many were loaded.
        rounds: How many rounds there were.
        taken: The figures; who sits later rounds out has fewer.
        about: What each contestant says of itself.
    """

    events: int
    rounds: int
    taken: Taken
    about: dict[str, str]

    def median(self, figure: str, contestant: str) -> float | None:
        """Return the median of a figure; None: there is none."""
        found = self.taken.get(figure, {}).get(contestant)
        return statistics.median(found) if found else None

    def ratio(self, own: tuple[str, str], beside: tuple[str, str]) -> float | None:
        """Return the median of the rounds' ratios of two figures, each with its contestant."""
        pairs = zip(
            self.taken.get(own[0], {}).get(own[1], ()),
            self.taken.get(beside[0], {}).get(beside[1], ()),
            strict=False,
        )
        ratios = [one / other for one, other in pairs]
        return statistics.median(ratios) if ratios else None


def run(entrants: Sequence[Entrant], events: int, rounds: int, *, quick: bool) -> Run:
    """Return what came of rounds of some size.

    Args:
        entrants: Who takes part; the first is the floor.
        events: How many are loaded.
        rounds: How many rounds.
        quick: The slow sit out all rounds but the first, and none begins late.
    """
    taken: Taken = defaultdict(lambda: defaultdict(list))
    about: dict[str, str] = {}
    done = 0
    for number in range(rounds):
        if quick and number and time.monotonic() - BEGAN > LATE:
            tell(f"no time is left for round {number + 1}")
            break
        done += 1
        with ExitStack() as stack:
            workers = [
                stack.enter_context(closing(Worker(entrant, events, number)))
                for entrant in entrants
                if not (quick and entrant.is_slow and number)
            ]
            for worker in workers:
                about.setdefault(worker.entrant.name, worker.about())
            for place, operation in enumerate(OPERATIONS):
                tell(f"{events:,} events, round {number + 1} of {rounds}: {operation.name}")
                visit_all(workers, place, operation, taken)
                if operation.name == "settling" and number == 0:
                    tell(f"{events:,} events: do all say the same?")
                    compare(workers)
    return Run(events, done, {name: dict(by) for name, by in taken.items()}, about)


def visit_all(workers: Sequence[Worker], place: int, operation: Operation, taken: Taken) -> None:
    """Let everybody do one operation, and take the medians of its visits."""
    visits: Taken = defaultdict(lambda: defaultdict(list))
    able = list(workers)
    for visit in range(operation.visits):
        for worker in tuple(able):
            figures = worker.run(place, visit)
            if figures is None:
                able.remove(worker)
                continue
            for name, figure in figures.items():
                visits[name][worker.entrant.name].append(figure)
    for name, by in visits.items():
        for contestant, figures_ in by.items():
            taken[name][contestant].append(statistics.median(figures_))


def compare(workers: Sequence[Worker]) -> None:
    """See that everybody answers as the floor does; who is asked less is held against as much."""
    floor, *others = workers
    for method in READING:
        expected = floor.answers(method.removesuffix("_in_view"))
        assert expected is not None
        for worker in others:
            found = worker.answers(method)
            if found is not None and found != expected[: len(found)]:
                at, one, other = next(
                    (at, *pair)
                    for at, pair in enumerate(zip(found, expected, strict=False))
                    if pair[0] != pair[1]
                )
                raise SystemExit(
                    f"bench: {worker.entrant.name} answers question {at} of {method!r} with\n"
                    f"{one}\nand the floor with\n{other}"
                )


def tell(text: str) -> None:
    """Say how far it has come."""
    print(f"bench: {time.monotonic() - BEGAN:4.0f} s: {text}", file=sys.stderr, flush=True)
