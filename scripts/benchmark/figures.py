"""How each figure is told: its unit, and what its ratio is to."""

from __future__ import annotations

from typing import Literal, NamedTuple

from benchmark.rounds import Run

Kind = Literal["speed", "time"]
"""The speed of the floor's is larger for the better; the time (or the size) of it, smaller."""

MICROSECONDS, BYTES, EVENTS, MILLISECONDS, MEGABYTES = "us", "bytes", "events", "ms", "MB"

SCALES = {MICROSECONDS: 1e6, MILLISECONDS: 1e3}
"""Figures are kept in seconds."""


class Figure(NamedTuple):
    """A row of a table.

    Attributes:
        name: Its name.
        kind: What its ratio is; None: it has none.
        unit: What it is told in, for one event or one question.
        beside: The figure and the contestant it is held against; None: the same of the floor.
    """

    name: str
    kind: Kind | None
    unit: str = MICROSECONDS
    beside: tuple[str, str] | None = None

    def told(self, figure: float) -> float:
        """Return a figure in its unit."""
        return figure * SCALES.get(self.unit, 1)

    def ratio(self, run: Run, contestant: str) -> float | None:
        """Return its ratio for a contestant, as a median of the rounds; None: there is none."""
        if self.kind is None:
            return None
        own, beside = (self.name, contestant), self.beside or (self.name, "floor")
        return run.ratio(beside, own) if self.kind == "speed" else run.ratio(own, beside)


FIGURES = (
    Figure("single durable append", "speed"),
    Figure("16 threads appending", "speed"),
    Figure("events a shared commit", None, EVENTS),
    Figure("shared commit", None, MILLISECONDS),
    Figure("bulk load", "speed"),
    Figure("bulk load of commands", "speed", beside=("bulk load", "floor")),
    Figure("current version by id", "time"),
    Figure(
        "current version by id, from a read model",
        "time",
        beside=("current version by id", "floor"),
    ),
    Figure("current version by permalink", "time"),
    Figure("Changes list", "time"),
    Figure("Changes list, from a read model", "time", beside=("Changes list", "floor")),
    Figure("as of a time", "time"),
    Figure("search", "time"),
    Figure("rebuild of current, changes, permalinks", "speed"),
    Figure("rebuild of all views", None),
    Figure("bare read with SHA-256", None),
    Figure("rebuild of the current view", None),
    Figure("audit verify, first pass", "speed", beside=("bare read with SHA-256", "ledger")),
    Figure("audit verify, second pass", "time", beside=("rebuild of the current view", "ledger")),
    Figure("bytes on disk an event", "time", BYTES),
)

IMPORTS = 'python -c "import click, msgspec, sqlite3"'
STARTING = (
    Figure(IMPORTS, None, MILLISECONDS),
    Figure("ledger --help", "time", MILLISECONDS, (IMPORTS, "python")),
    Figure("ledger show", "time", MILLISECONDS, (IMPORTS, "python")),
)

MEMORY = (
    Figure("peak memory of a bulk load", None, MEGABYTES),
    Figure("peak memory of a rebuild of all views", None, MEGABYTES),
)
