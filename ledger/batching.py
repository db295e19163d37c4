"""`Batching`: threads that write at the same time share one commit."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import WeakSet

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
        self.start()
        _all.add(self)

    def start(self) -> None:
        """Forget who commits and who waits: after a fork, they are the parent's."""
        # Who commits is the one whose ticket is in here. Not a lock: of that, a thread that is
        # interrupted just as it has taken it does not know that it has.
        self._leader: dict[None, Ticket[Item, Result]] = {}
        self._waiting: deque[Ticket[Item, Result]] = deque()

    def submit(self, item: Item) -> Result:
        """Write one item, together with others or alone, and return its result.

        Raises:
            Interrupted: Another thread was at it, and was interrupted.
            Exception: What `commit` returned for it, or raised.
        """
        ticket: Ticket[Item, Result] = Ticket(item)
        # Whatever interrupts this thread, and wherever, the others must not wait for it for ever.
        try:
            self._waiting.append(ticket)
            # Whoever commits first may take only others, who came before.
            while ticket.answer is None:
                if self._leader.setdefault(None, ticket) is ticket:
                    self._lead(ticket)
                else:
                    ticket.wait()
        except BaseException:
            with suppress(ValueError):
                self._waiting.remove(ticket)
            self._stop_leading(ticket)
            self._call_next()
            raise
        answer = ticket.answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _lead(self, ticket: Ticket[Item, Result]) -> None:
        """Commit for those who wait."""
        batch: list[Ticket[Item, Result]] = []
        try:
            if ticket.answer is None and ticket not in self._waiting:
                # Somebody took it along, and was interrupted.
                ticket.answer = _interrupted()
            self._take(batch)
            self._answer(batch)
        finally:
            self._stop_leading(ticket)
            # The next commit can begin before all who have their answer are awake.
            self._call_next()
            for one in batch:
                if one.answer is None:
                    one.answer = _interrupted()
                if one is not ticket:
                    one.call()

    def _stop_leading(self, ticket: Ticket[Item, Result]) -> None:
        if self._leader.get(None) is ticket:
            del self._leader[None]

    def _take(self, batch: list[Ticket[Item, Result]]) -> None:
        """Take the first who waits, and others as long as it is not too much."""
        weight = 0
        # Whoever stops waiting goes away just as he is looked at.
        with suppress(IndexError):
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
        told: set[int] = set()
        for one, result in zip(batch, results, strict=True):
            # Threads that raise the same error would each write their way into it.
            one.answer = copy(result) if id(result) in told else result
            if isinstance(result, Exception):
                told.add(id(result))

    def _call_next(self) -> None:
        """Let the first who waits look whether it is his turn."""
        if self._waiting:
            with suppress(IndexError):
                self._waiting[0].call()


def _interrupted() -> Interrupted:
    return Interrupted("the thread that was storing it was interrupted")


_all: WeakSet[Batching[Any, Any]] = WeakSet()


def _start_all() -> None:
    for batching in _all:
        batching.start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_all)
