"""A process that writes, one step after the other, and says what was said to it of each.

Run as `python -m tests.chaos.writer URL NAME EVENTS SEED SHARED...`; it ends once so many events
were acknowledged. It never repeats a step by itself. Each line that it prints is one of `Step`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Literal
from uuid import UUID

import msgspec

from ledger import Ledger
from ledger.domain.commands import Command, CreateEntry, EditEntry
from ledger.domain.events import RecordedEvent
from ledger.errors import StoreBusy, StoreUnreachable

# Most steps are small, most events are in large ones.
SIZES = (1, 1, 1, 3, 3, 3, 60)

HASTY = "hasty"
"""How those are called who do not wait, and go on to the next step whatever became of one."""


class Step(msgspec.Struct, frozen=True):
    """What became of commands that were given together.

    Attributes:
        commands: Their ids.
        became: Whether they were acknowledged, refused, or nobody said.
        positions: Where they were stored, if acknowledged.
    """

    commands: list[UUID]
    became: Literal["stored", "refused", "unknown"]
    positions: list[int] = []


class Writer:
    """Makes up commands, and gives them.

    Args:
        ledger: Where to.
        name: The actor.
        shared: Entries that others edit as well.
        rng: What chance is.
    """

    def __init__(self, ledger: Ledger, name: str, shared: Sequence[UUID], rng: Random) -> None:
        self._ledger = ledger
        self._name = name
        self._entries = list(shared)
        self._rng = rng
        self._count = 0

    def write(self, events: int) -> None:
        left = events
        while left > 0:
            step = self._step(min(left, self._rng.choice(SIZES)))
            print(msgspec.json.encode(step).decode(), flush=True)  # noqa: T201
            left -= len(step.positions)

    def _step(self, size: int) -> Step:
        commands = [self._command() for _ in range(size)]
        ids = [command.id for command in commands]
        try:
            recorded = self._give(commands)
        except (StoreBusy, StoreUnreachable) as error:
            if not self._name.startswith(HASTY):
                raise
            time.sleep(0.05)
            return Step(ids, "refused" if isinstance(error, StoreBusy) else "unknown")
        self._entries.extend(
            event.entry for event in recorded if event.version == 1 and len(self._entries) < 50
        )
        return Step(ids, "stored", [event.position for event in recorded])

    def _give(self, commands: Sequence[Command]) -> list[RecordedEvent]:
        (command, *others) = commands
        if others:
            return self._ledger.execute(commands)
        if isinstance(command, CreateEntry):
            one = self._ledger.create(
                command.date, command.headline, actor=self._name, id=command.id
            )
        else:
            assert isinstance(command, EditEntry)
            assert isinstance(command.headline, str)
            one = self._ledger.edit(
                command.entry, headline=command.headline, actor=self._name, id=command.id
            )
        return [one]

    def _command(self) -> Command:
        self._count += 1
        id_ = UUID(int=self._rng.getrandbits(128), version=4)
        headline = f"{self._name} says {self._count}"
        if self._rng.random() < 0.5:
            day = date(2021, 1, 1) + timedelta(self._rng.randrange(300))
            return CreateEntry(date=day, headline=headline, actor=self._name, id=id_)
        entry = self._rng.choice(self._entries)
        return EditEntry(entry=entry, headline=headline, actor=self._name, id=id_)


if __name__ == "__main__":
    url, name, events, seed, *shared = sys.argv[1:]
    with Ledger.open(url) as opened:
        Writer(opened, name, list(map(UUID, shared)), Random(seed)).write(int(events))
