"""`Batching`: threads that write at the same time share one commit."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_GLANCE = 1.0
"""After so many seconds whoever waits looks whether he was forgotten."""


class Interrupted(Exception):
    """The thread that was storing it was interrupted: nobody knows how far it came."""


class Ticket(Generic[Item, Result]):
    """What one thread wants written, and what came of it."""

    __slots__ = ("_called", "answer", "item")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.answer: Result | Exception | None = None
        self._called = Lock()
        self._called.acquire()

    def wait(self) -> None:
        """Return once it was called, or after a while."""
        self._called.acquire(timeout=_GLANCE)

    def call(self) -> None:
        """Let who waits go on: it is answered, or it is its thread's turn to commit."""
        # Both may have come to be before it woke.
        with suppress(RuntimeError):
            self._called.release()


class Batching(Generic[Item, Result]):
    """Gathers what waits while a commit runs into the next one, in the order of its coming.

    There is no thread of its own: whoever finds nobody committing does it, for all who wait.

    Args:
        commit: Writes items in one go. Returns for each its result, or the error that is its
            alone; raises what befell them all.
        weigh: How much an item is.
        limit: How much goes in one go, where it is more than one item.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        weigh: Callable[[Item], int],
        limit: int = 500,
    ) -> None:
        self._commit = commit
        self._weigh = weigh
        self._limit = limit
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._committing = Lock()
        self._waiting: deque[Ticket[Item, Result]] = deque()

    def submit(self, item: Item) -> Result:
        """Write one item, together with others or alone, and return its result.

        Raises:
            Exception: What `commit` returned for it, or raised.
        """
        if self._process != os.getpid():
            # Forked: the threads that commit and wait are the parent's.
            self._start()
        ticket: Ticket[Item, Result] = Ticket(item)
        self._waiting.append(ticket)
        # Whatever interrupts this thread, and wherever, the others must not wait for it for ever.
        try:
            # Whoever commits first may take only others, who came before.
            while ticket.answer is None:
                if self._committing.acquire(blocking=False):
                    self._lead(ticket)
                else:
                    ticket.wait()
        except BaseException:
            with suppress(ValueError):
                self._waiting.remove(ticket)
            self._call_next()
            raise
        answer = ticket.answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _lead(self, ticket: Ticket[Item, Result]) -> None:
        """Commit for those who wait, with `_committing` held, which is let go of."""
        batch: list[Ticket[Item, Result]] = []
        try:
            if ticket.answer is None and ticket not in self._waiting:
                # Somebody took it along, and was interrupted.
                ticket.answer = _interrupted()
            self._take(batch)
            self._answer(batch)
        finally:
            self._committing.release()
            # The next commit can begin before all who have their answer are awake.
            self._call_next()
            for one in batch:
                if one.answer is None:
                    one.answer = _interrupted()
                if one is not ticket:
                    one.call()

    def _take(self, batch: list[Ticket[Item, Result]]) -> None:
        """Take the first who waits, and others as long as it is not too much."""
        weight = 0
        while self._waiting:
            weight += self._weigh(self._waiting[0].item)
            if batch and weight > self._limit:
                break
            batch.append(self._waiting.popleft())

    def _answer(self, batch: Sequence[Ticket[Item, Result]]) -> None:
        if not batch:
            return
        try:
            results = self._commit([one.item for one in batch])
        except Exception as error:  # noqa: BLE001 - each of those who wait is told
            results = [error] * len(batch)
        for one, result in zip(batch, results, strict=True):
            one.answer = result

    def _call_next(self) -> None:
        """Let the first who waits look whether it is his turn."""
        with suppress(IndexError):
            self._waiting[0].call()


def _interrupted() -> Interrupted:
    return Interrupted("the thread that was storing it was interrupted")
