"""`Subscription`: the events of the log, old ones and then new ones as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from threading import Event, Lock
from types import TracebackType
from typing import Self

from ledger.domain.events import RecordedEvent
from ledger.errors import InvalidInput, LogReplaced
from ledger.store.application import BATCH, LedgerApplication
from ledger.store.leaf import leaf_hash
from ledger.store.log import Watch
from ledger.store.rows import Row


class Subscription(Iterator[RecordedEvent]):
    """Yields each event above a position once, in order, and waits for the next.

    Args:
        application: The log.
        after: The position after which to begin.

    Raises:
        InvalidInput: There can be no such position.
        UndecodableEvent: While iterating: the next event cannot be read.
        LogReplaced: While iterating: another log has come into the place of this one.
    """

    def __init__(self, application: LedgerApplication, after: int = 0) -> None:
        if not 0 <= after < 2**63 - 1:
            raise InvalidInput(f"there can be no position {after}")
        self._application = application
        self._after = after
        self._leaf: bytes | None = None
        self._waiting: deque[Row] = deque()
        self._erasure = 0
        self._closed = Event()
        self._watch: Watch | None = None
        self._waiting_alone = Lock()

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
        # Whoever waits hears of it within a tenth of a second.
        with self._waiting_alone:
            if self._watch is not None:
                self._watch.close()

    def __next__(self) -> RecordedEvent:
        while not self._closed.is_set():
            if self._waiting or self._fetch():
                self._forget_erased()
                row = self._waiting[0]
                event = self._application.to_event(row)
                self._waiting.popleft()
                self._after = row.position
                return event
            with self._waiting_alone:
                if not self._closed.is_set():
                    self._watch = self._watch or self._application.log.watch()
                    self._watch.wait(self._closed)
        raise StopIteration

    def _forget_erased(self) -> None:
        """Read what waits once more, where something was erased since it was read."""
        erasure = self._application.log.last_erasure()
        if erasure > self._erasure:
            self._erasure = erasure
            self._waiting = deque(self._application.rows(self._after, len(self._waiting)))

    def _fetch(self) -> bool:
        """Fetch the next events, and return whether there are any."""
        rows = self._application.rows(max(self._after - 1, 0), BATCH + 1)
        if self._leaf is None and rows and rows[0].position == self._after:
            self._leaf = leaf_hash(rows[0])
        if self._leaf is not None and (not rows or leaf_hash(rows[0]) != self._leaf):
            raise LogReplaced(
                f"event {self._after} is no longer the one that was read: the log was replaced"
            )
        self._waiting.extend(row for row in rows if row.position > self._after)
        if self._waiting:
            self._leaf = leaf_hash(self._waiting[-1])
        return bool(self._waiting)
