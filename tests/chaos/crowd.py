"""Writers and readers at one log at the same time, and what has to be true in the end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import msgspec

from ledger import Ledger
from tests.chaos import reader, writer
from tests.chaos.writer import HASTY, Step
from tests.cli.runner import Answer

ROOT = Path(__file__).resolve().parents[2]

PATIENCE = 300
"""After so many seconds a wait is given up: that is no measure of anything."""


class Process:
    """A process whose words go into files.

    Args:
        folder: Where these are.
        name: What to call it.
        arguments: What Python is to run.
    """

    def __init__(self, folder: Path, name: str, *arguments: str) -> None:
        self.name = name
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        with self._out.open("w") as out, self._err.open("w") as err:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def has_spoken(self) -> bool:
        return self._out.stat().st_size > 0

    def answer(self) -> Answer:
        """Wait for its end, and return what it said."""
        status = self._process.wait(PATIENCE)
        return Answer(status, self._out.read_text(), self._err.read_text())

    def lines(self) -> list[str]:
        """Wait for its end, which must be a good one, and return what it printed."""
        answer = self.answer()
        assert (answer.status, answer.err) == (0, ""), f"{self.name}: {answer.err}"
        return answer.out.splitlines()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Crowd:
    """Processes at one log: those who write it and those who tail it.

    Args:
        url: The store, which is not there yet.
        folder: For what they say.
        seed: For what they write.
        events: How many each writer is to store.
        patient: How many writers go on until each of their commands is stored.
        hasty: How many give up after a moment, and go on with another.
    """

    def __init__(
        self, url: str, folder: Path, seed: int, events: int, patient: int, hasty: int = 0
    ) -> None:
        self._url = url
        self._events = events
        with Ledger.open(url) as ledger:
            self._shared = [
                ledger.create(date(2021, 3, 4), f"Shared {n}", actor="start").entry
                for n in range(4)
            ]
        self.readers = [
            Process(folder, f"{how}{n}", "-m", reader.__name__, url, how)
            for how in reader.WAYS
            for n in range(2)
        ]
        names = [f"patient{n}" for n in range(patient)] + [f"{HASTY}{n}" for n in range(hasty)]
        self.writers = [
            Process(
                folder,
                name,
                *("-m", writer.__name__, f"{url}&timeout=0.3" if HASTY in name else url, name),
                *(str(events), f"{seed} {name}", *map(str, self._shared)),
            )
            for name in names
        ]

    def begin(self) -> None:
        """Wait until all have been at the log: who never reached a server does not wait for it."""
        waiting = [*self.readers, *self.writers]
        while waiting := [process for process in waiting if not process.has_spoken]:
            for process in waiting:
                assert process.is_running, process.lines()
            time.sleep(0.02)

    def is_writing(self) -> bool:
        """Return whether a writer is still at work; no reader may have given up meanwhile."""
        for process in self.readers:
            if not process.is_running:
                process.lines()
                raise AssertionError(f"{process.name} ended too early")
        return any(process.is_running for process in self.writers)

    def require_sound(self) -> None:
        """Wait until all are done, and hold what each of them was told against the log."""
        steps = {
            process.name: [msgspec.json.decode(line, type=Step) for line in process.lines()]
            for process in self.writers
        }
        with Ledger.open(self._url) as ledger:
            ledger.create(date(2021, 3, 5), "That is all", actor=reader.END)
            events = list(ledger.application.read())
            rows = list(ledger.application.rows(0, len(events) + 1))
        assert [event.position for event in events] == list(range(1, len(events) + 1))
        assert all(a.recorded_at <= b.recorded_at for a, b in pairwise(events))
        found = {event.meta.command: event.position for event in events}
        assert len(found) == len(events), "a command is stored twice"
        versions: Counter[UUID] = Counter()
        for event in events:
            versions[event.entry] += 1
            assert event.version == versions[event.entry]
        for name, told in steps.items():
            for step in told:
                require_told(name, step, found)
            acknowledged = sum(len(step.positions) for step in told)
            assert acknowledged == self._events
            assert name.startswith(HASTY) or {step.became for step in told} == {"stored"}
        given = {id_ for told in steps.values() for step in told for id_ in step.commands}
        others = [event.meta.actor for event in events if event.meta.command not in given]
        assert others == ["start"] * len(self._shared) + [reader.END]
        # Exactly as the log has them: each once, in order, without a hole.
        seen = {
            "subscribe": list(map(reader.of_event, events)),
            "read": list(map(reader.of_row, rows)),
        }
        for process in self.readers:
            assert process.lines() == seen[process.name[:-1]], process.name

    def close(self) -> None:
        for process in (*self.writers, *self.readers):
            process.close()


def require_told(name: str, step: Step, found: dict[UUID, int]) -> None:
    """Require that a step became what its writer was told: all of it, or nothing."""
    positions = [found[id_] for id_ in step.commands if id_ in found]
    if step.became == "stored":
        assert positions == step.positions, (name, step)
    elif step.became == "refused" or not positions:
        assert positions == [], (name, step)
    if positions:
        first = positions[0]
        assert positions == list(range(first, first + len(step.commands))), (name, step)
