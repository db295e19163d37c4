"""What has to be shown, and whether it is."""

from __future__ import annotations

from typing import NamedTuple

from benchmark.rounds import Run

GROWTH = 1.3
"""A figure for one event or question may be so many times what it is in the smaller run."""

PEAK = 150.0
"""So many MB may a process ever have."""


class Goal(NamedTuple):
    """A ratio that has to be reached, or not to be passed.

    Attributes:
        what: What it is about.
        over: The figure and the contestant above the line.
        under: The same below it.
        bound: What the ratio is held against.
        at_least: Whether larger is better.
    """

    what: str
    over: tuple[str, str]
    under: tuple[str, str]
    bound: float
    at_least: bool

    @property
    def own(self) -> str:
        """The figure of ours that it is about."""
        return (self.under if self.at_least else self.over)[0]


class Verdict(NamedTuple):
    """A goal, and what came of it.

    Attributes:
        what: What it is about.
        goal: The goal, in words.
        measured: What was measured.
        met: Whether that meets it.
    """

    what: str
    goal: str
    measured: float
    met: bool


def speed(name: str, bound: float) -> Goal:
    """Want so much of the floor's speed."""
    return Goal(f"{name}: speed of the floor's", (name, "floor"), (name, "ledger"), bound, True)


def times(name: str, bound: float) -> Goal:
    """Want at most so many times what the floor takes."""
    return Goal(f"{name}: times the floor's", (name, "ledger"), (name, "floor"), bound, False)


def ahead(name: str, bound: float) -> Goal:
    """Want to be so many times as fast as `eventsourcing`."""
    what = f"{name}: how many times as fast as `eventsourcing`"
    return Goal(what, (name, "eventsourcing"), (name, "ledger"), bound, True)


def own(what: str, over: str, under: str, bound: float, *, at_least: bool) -> Goal:
    """Want a ratio between two figures of our own."""
    return Goal(what, (over, "ledger"), (under, "ledger"), bound, at_least)


APPEND, BULK, CHANGES = "single durable append", "bulk load", "Changes list"
BYTES, REBUILD = "bytes on disk an event", "rebuild of current, changes, permalinks"

GOALS = (
    speed(APPEND, 0.80),
    own(
        "16 threads appending: times the speed of one",
        APPEND,
        "16 threads appending",
        2.0,
        at_least=True,
    ),
    speed(BULK, 0.60),
    speed(REBUILD, 0.70),
    times("current version by id", 2.0),
    times("current version by permalink", 2.0),
    times(CHANGES, 2.5),
    times("as of a time", 2.5),
    own(
        "audit verify, first pass: speed of a bare read with SHA-256",
        "bare read with SHA-256",
        "audit verify, first pass",
        0.40,
        at_least=True,
    ),
    own(
        "audit verify, second pass: times a rebuild of the current view",
        "audit verify, second pass",
        "rebuild of the current view",
        1.5,
        at_least=False,
    ),
    times(BYTES, 1.35),
    ahead(APPEND, 2.5),
    ahead(BULK, 3.5),
    Goal(
        "bulk load of commands: how many times as fast as `eventsourcing`",
        (BULK, "eventsourcing"),
        ("bulk load of commands", "ledger"),
        3.5,
        True,
    ),
    ahead(REBUILD, 20),
    ahead(CHANGES, 3),
    Goal(
        f"{BYTES}: times those of `eventsourcing`",
        (BYTES, "ledger"),
        (BYTES, "eventsourcing"),
        1.0,
        False,
    ),
)

STARTING = (("ledger --help", 1.6), ("ledger show", 2.2))


def judge(run: Run) -> list[Verdict]:
    """Return what came of the goals of one size; what was not measured is left out."""
    return [
        verdict(goal.what, measured, goal.bound, at_least=goal.at_least)
        for goal in GOALS
        if (measured := run.ratio(goal.over, goal.under)) is not None
    ]


def judge_growth(small: Run, large: Run) -> list[Verdict]:
    """Return how much more each figure of ours is for one event, or question, in a larger run."""
    return [
        verdict(f"growth of {name}", grown, GROWTH, at_least=False)
        for name in dict.fromkeys(goal.own for goal in GOALS)
        if (grown := growth(small, large, name, "ledger")) is not None
    ]


def growth(small: Run, large: Run, name: str, contestant: str) -> float | None:
    """Return what a figure is in a larger run, in times of what it is in a smaller one."""
    before, after = small.median(name, contestant), large.median(name, contestant)
    return after / before if before and after else None


def judge_starting(run: Run, imports: tuple[str, str]) -> list[Verdict]:
    """Return whether it starts quickly."""
    return [
        verdict(f"{name}: times its imports", measured, bound, at_least=False)
        for name, bound in STARTING
        if (measured := run.ratio((name, "ledger"), imports)) is not None
    ]


def judge_memory(run: Run) -> list[Verdict]:
    """Return whether memory is kept."""
    return [
        verdict(f"{name}, MB", measured, PEAK, at_least=False)
        for name in run.taken
        if (measured := run.median(name, "ledger")) is not None
    ]


def verdict(what: str, measured: float, bound: float, *, at_least: bool) -> Verdict:
    """Return whether something meets its bound."""
    if at_least:
        return Verdict(what, f"at least {bound:g}", measured, measured >= bound)
    return Verdict(what, f"at most {bound:g}", measured, measured <= bound)
