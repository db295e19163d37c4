"""Everybody works in a process of its own, one at a time."""

from __future__ import annotations

import shutil
import tempfile
import traceback
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmark.contestant import CannotDo
from benchmark.entrants import Entrant
from benchmark.operations import OPERATIONS, Figures, Session, answers

LONGEST = 7200
"""So many seconds may an operation take."""


class Worker:
    """One contestant in one round, in a process and a folder of its own; close it.

    Args:
        entrant: Who.
        events: How many are to be loaded.
        round_: Which round.
    """

    def __init__(self, entrant: Entrant, events: int, round_: int) -> None:
        self.entrant = entrant
        self._folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self._pipe, theirs = get_context("spawn").Pipe()
        self._process = get_context("spawn").Process(
            target=work, args=(theirs, entrant, self._folder, events, round_), daemon=True
        )
        self._process.start()
        theirs.close()

    def about(self) -> str:
        """Return its version, and how durably it writes."""
        return str(self._ask("about", 0))

    def run(self, number: int, visit: int) -> Figures | None:
        """Return the figures of one of `OPERATIONS`; None: it has no such operation."""
        figures: Figures | None = self._ask(number, visit)
        return figures

    def answers(self, method: str) -> list[Any] | None:
        """Return what it answers; None: it cannot be asked so."""
        found: list[Any] | None = self._ask(method, 0)
        return found

    def close(self) -> None:
        """End the process, and remove the folder."""
        self._pipe.close()
        self._process.join(60)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        shutil.rmtree(self._folder)

    def _ask(self, what: int | str, visit: int) -> Any:
        try:
            self._pipe.send((what, visit))
            if not self._pipe.poll(LONGEST):
                raise SystemExit(f"bench: {self.entrant.name} takes too long for {what}")
            answer, failure = self._pipe.recv()
        except (EOFError, BrokenPipeError):
            raise SystemExit(f"bench: the process of {self.entrant.name} has ended") from None
        if failure:
            raise SystemExit(f"bench: {self.entrant.name} failed\n{failure}")
        return answer


def work(pipe: Connection, entrant: Entrant, folder: Path, events: int, round_: int) -> None:
    """Do what is told, until the pipe is closed."""
    session: Session | None = None
    while True:
        try:
            what, visit = pipe.recv()
        except EOFError:
            break
        try:
            session = session or Session(entrant.contestant()(folder), events, round_)
            pipe.send((_answer(session, what, visit), None))
        except Exception:  # noqa: BLE001 - told to the parent, which ends
            pipe.send((None, traceback.format_exc()))
    if session is not None:
        session.contestant.close()


def _answer(session: Session, what: int | str, visit: int) -> Any:
    try:
        if what == "about":
            return session.contestant.about()
        if isinstance(what, str):
            return answers(what, session)
        return OPERATIONS[what].run(session, visit)
    except CannotDo:
        return None
