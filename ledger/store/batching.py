"""`Batching`: threads that write at the same time share one commit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Event, Lock
from typing import Generic, NamedTuple, TypeVar

from ledger.errors import StoreUnreachable

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Ticket(NamedTuple, Generic[Item, Result]):
    """What one thread wants written, what came of it, and what the thread waits for."""

    item: Item
    answer: Future[Result]
    woken: Event


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
        self._lock = Lock()
        self._waiting: deque[_Ticket[Item, Result]] = deque()
        self._is_committing = False

    def submit(self, item: Item) -> Result:
        """Write one item, together with others or alone, and return its result.

        Raises:
            Exception: What `commit` returned for it, or raised.
        """
        ticket = _Ticket[Item, Result](item, Future(), Event())
        with self._lock:
            self._waiting.append(ticket)
            leads, self._is_committing = not self._is_committing, True
        if not leads:
            self._wait(ticket)
        if not ticket.answer.done():
            self._lead()
        return ticket.answer.result()

    def _wait(self, ticket: _Ticket[Item, Result]) -> None:
        """Wait until the ticket is answered, or until it is its turn to lead."""
        try:
            ticket.woken.wait()
        except BaseException:
            with self._lock:
                if ticket in self._waiting:
                    self._waiting.remove(ticket)
                    if ticket.woken.is_set():
                        self._pass_on()
            raise

    def _lead(self) -> None:
        with self._lock:
            batch = self._take()
        try:
            results = self._commit([ticket.item for ticket in batch])
            for ticket, result in zip(batch, results, strict=True):
                if isinstance(result, Exception):
                    ticket.answer.set_exception(result)
                else:
                    ticket.answer.set_result(result)
        except BaseException as error:
            told = error
            if not isinstance(error, Exception):
                # An interrupt is meant for this thread alone.
                told = StoreUnreachable("the thread that was storing it was interrupted")
            for ticket in batch:
                ticket.answer.set_exception(told)
            raise
        finally:
            with self._lock:
                self._pass_on()
            for ticket in batch:
                ticket.woken.set()

    def _take(self) -> list[_Ticket[Item, Result]]:
        batch = [self._waiting.popleft()]
        weight = self._weigh(batch[0].item)
        while self._waiting:
            weight += self._weigh(self._waiting[0].item)
            if weight > self._limit:
                break
            batch.append(self._waiting.popleft())
        return batch

    def _pass_on(self) -> None:
        self._is_committing = bool(self._waiting)
        if self._waiting:
            self._waiting[0].woken.set()
