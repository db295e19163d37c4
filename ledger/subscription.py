"""`Subscription`: the events of the log, old ones and then new ones as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from threading import Event
from types import TracebackType
from typing import Self

from ledger.domain.events import RecordedEvent
from ledger.store.application import BATCH, LedgerApplication

INTERVAL = 0.1


class Subscription(Iterator[RecordedEvent]):
    """Yields each event above a position once, in order, and waits for the next.

    SQLite tells nobody that another process has written, so the log is asked a few times a
    second.

    Args:
        application: The log.
        after: The position after which to begin.
    """

    def __init__(self, application: LedgerApplication, after: int = 0) -> None:
        self._application = application
        self._after = after
        self._waiting: deque[RecordedEvent] = deque()
        self._closed = Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the iteration, also one that waits in another thread."""
        self._closed.set()

    def __next__(self) -> RecordedEvent:
        while not self._closed.is_set():
            if not self._waiting:
                rows = self._application.log.read(self._after, BATCH)
                self._waiting.extend(map(self._application.event_mapper.to_event, rows))
            if self._waiting:
                event = self._waiting.popleft()
                self._after = event.position
                return event
            self._closed.wait(INTERVAL)
        raise StopIteration
