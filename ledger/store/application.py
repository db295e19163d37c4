"""`LedgerApplication`: the `eventsourcing` application that all events go through."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.utils import Environment, EnvType

from ledger.domain.events import Event, RecordedEvent
from ledger.store.log import LogRecorder, to_datetime, to_microseconds
from ledger.store.mapper import EventMapper
from ledger.store.urls import DEFAULT_URL, parse_store_url

BATCH = 1000

CLOCK_TOLERANCE = 1_000_000
"""How many microseconds the clock may be behind the log before somebody is told."""

NO_ENTRIES: Mapping[UUID, int] = MappingProxyType({})

_log = logging.getLogger("ledger")


class LedgerApplication(Application[UUID]):
    """The log as domain events: appended, and read back by position or by entry.

    Commands are decided by `ledger.domain`, so the library's repository and its `save` are left
    out of the way: a load and a deep copy for every save cost more than the insert does.
    """

    name = "ledger"

    def __init__(self, url: str = DEFAULT_URL) -> None:
        parse_store_url(url)
        # The environment is given whole, so that no stray variable picks another store.
        super().__init__({"PERSISTENCE_MODULE": "ledger.store.sqlite", "LEDGER_STORE": url})

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Return the environment that was given, and nothing of the process's own."""
        return Environment(name, dict(env or {}))

    @property
    def log(self) -> LogRecorder:  # type: ignore[override]
        """The recorder, which reads and writes rows."""
        return cast("LogRecorder", self.recorder)

    @property
    def event_mapper(self) -> EventMapper:
        """What encodes and decodes events."""
        return cast("EventMapper", self.mapper)

    def append(
        self, events: Sequence[Event], unless_moved: Mapping[UUID, int] = NO_ENTRIES
    ) -> list[RecordedEvent]:
        """Append events in one transaction, all of them or none, and return them as recorded.

        Args:
            events: What to append, in order.
            unless_moved: Entries that were looked at to decide them, with the version seen.

        Raises:
            eventsourcing.persistence.IntegrityError: An entry has moved on meanwhile.
            StoreError: The store failed; nothing was stored.
        """
        appended = self.log.append(
            [self.event_mapper.to_row(event) for event in events],
            {entry.bytes: version for entry, version in unless_moved.items()},
        )
        if appended.clock_behind > CLOCK_TOLERANCE:
            _log.warning(
                "the clock is %s behind the last event: set it right; until then events are "
                "recorded at that event's time",
                timedelta(microseconds=appended.clock_behind),
            )
        recorded_at = to_datetime(appended.recorded_at)
        return [
            RecordedEvent(
                event.entry, event.version, event.meta, event.data, position, recorded_at
            )
            for position, event in enumerate(events, appended.first)
        ]

    def history(self, entry: UUID, after: int = 0) -> list[RecordedEvent]:
        """Return the events of one entry above version `after`, in order."""
        return [self.event_mapper.to_event(row) for row in self.log.read_entry(entry.bytes, after)]

    def read(
        self, after: int = 0, upto: int | None = None, *, reverse: bool = False
    ) -> Iterator[RecordedEvent]:
        """Yield the events above position `after`, up to `upto`, in order or backwards."""
        if reverse:
            head = self.log.head().position
            high = head if upto is None else min(upto, head)
            while high > after:
                low = max(after, high - BATCH)
                yield from map(
                    self.event_mapper.to_event, reversed(self.log.read(low, BATCH, high))
                )
                high = low
            return
        while rows := self.log.read(after, BATCH, upto):
            yield from map(self.event_mapper.to_event, rows)
            after = rows[-1].position

    def position_at(self, moment: datetime, *, before: bool = False) -> int:
        """Return the position of the last event recorded at or before `moment`; 0 for none.

        Args:
            moment: An aware time.
            before: Leave out what was recorded at that very time.
        """
        aim = to_microseconds(moment) - before
        low, high = 0, self.log.head().position
        # Recorded times never run backwards along the log, so it can be halved.
        while low < high:
            middle = (low + high + 1) // 2
            rows = self.log.read(middle - 1, 1)
            if rows and rows[0].recorded_at <= aim:
                low = middle
            else:
                high = middle - 1
        return low
