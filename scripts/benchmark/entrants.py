"""Who takes part, and in what."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple, cast

from benchmark.contestant import Contestant


class Entrant(NamedTuple):
    """Somebody who takes part.

    Attributes:
        name: What the tables call it.
        place: Its module and class.
        needs: The module or the program that has to be installed.
        largest: The most events that it can be asked to store in good time.
        is_slow: In a quick run it takes part in the first round alone.
    """

    name: str
    place: str
    needs: str
    largest: int
    is_slow: bool = False

    def is_there(self) -> bool:
        """Return whether what it needs is installed."""
        return find_spec(self.needs) is not None or shutil.which(self.needs) is not None

    def contestant(self) -> type[Contestant]:
        """Return its class; only its own process imports it."""
        module, _, name = self.place.partition(":")
        return cast("type[Contestant]", getattr(import_module(module), name))


FLOOR = Entrant("floor", "benchmark.floor:Floor", "sqlite3", 1_000_000)
ENTRANTS = (
    FLOOR,
    Entrant("ledger", "benchmark.ours:Ours", "ledger", 1_000_000),
    Entrant("eventsourcing", "benchmark.peers.documented:Documented", "eventsourcing", 200_000),
    Entrant(
        "SQLAlchemy-Continuum",
        "benchmark.peers.continuum:Continuum",
        "sqlalchemy_continuum",
        10_000,
        is_slow=True,
    ),
    Entrant(
        "django-simple-history",
        "benchmark.peers.simple_history:SimpleHistory",
        "simple_history",
        10_000,
        is_slow=True,
    ),
    Entrant("git", "benchmark.peers.git:Git", "git", 10_000, is_slow=True),
)
NAMES = [entrant.name for entrant in ENTRANTS]


def taking_part(events: int, only: Collection[str] = ()) -> list[Entrant]:
    """Return who takes part in a run of so many events; the floor always does, and comes first.

    Args:
        events: How many.
        only: Their names; none means all.
    """
    return [
        entrant
        for entrant in ENTRANTS
        if entrant is FLOOR
        or (entrant.is_there() and events <= entrant.largest and entrant.name in (only or NAMES))
    ]
