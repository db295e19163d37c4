"""`Batching`: threads that write at the same time share one commit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition
from typing import Generic, TypeVar

from ledger.errors import StoreUnreachable

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Ticket(Generic[Item, Result]):
    """What one thread wants written, and what came of it."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.answers: list[Result | Exception] = []


class Batching(Generic[Item, Result]):
    """Gathers what waits while a commit runs into the next one, in the order of its coming.

    There is no thread of its own: whoever finds nobody committing does it, for all who wait. Then
    it is the turn of the first who came meanwhile.

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
        self._changed = Condition()
        self._waiting: deque[_Ticket[Item, Result]] = deque()
        self._is_committing = False

    def submit(self, item: Item) -> Result:
        """Write one item, together with others or alone, and return its result.

        Raises:
            Exception: What `commit` returned for it, or raised.
        """
        ticket = _Ticket[Item, Result](item)
        try:
            with self._changed:
                self._waiting.append(ticket)
            # The first to commit may take only others, who came before.
            while not ticket.answers:
                self._wait_or_lead(ticket)
        finally:
            with self._changed:
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
        answer = ticket.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _wait_or_lead(self, ticket: _Ticket[Item, Result]) -> None:
        batch: list[_Ticket[Item, Result]] = []
        leads = False
        # Whatever interrupts this thread, the others must not wait for it.
        try:
            with self._changed:
                while self._is_committing and not ticket.answers:
                    self._changed.wait()
                if not ticket.answers:
                    leads = self._is_committing = True
                    self._take(batch)
            if batch:
                self._answer(batch)
        finally:
            if leads:
                with self._changed:
                    self._is_committing = False
                    for one in batch:
                        if not one.answers:
                            one.answers.append(_interrupted())
                    self._changed.notify_all()

    def _answer(self, batch: list[_Ticket[Item, Result]]) -> None:
        try:
            results = self._commit([ticket.item for ticket in batch])
        except Exception as error:  # noqa: BLE001 - each of those who wait is told
            results = [error] * len(batch)
        for ticket, result in zip(batch, results, strict=True):
            ticket.answers.append(result)

    def _take(self, batch: list[_Ticket[Item, Result]]) -> None:
        """Take the first who waits, and others as long as it is not too much."""
        weight = 0
        while self._waiting:
            weight += self._weigh(self._waiting[0].item)
            if batch and weight > self._limit:
                break
            batch.append(self._waiting.popleft())


def _interrupted() -> StoreUnreachable:
    return StoreUnreachable("the thread that was storing it was interrupted")
