"""`LedgerApplication`: the `eventsourcing` application that all events go through."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from types import MappingProxyType
from typing import cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.utils import Environment, EnvType

from ledger.domain.events import Event, RecordedEvent
from ledger.store.erasures import Erasures, erasures_of, is_blank
from ledger.store.leaf import Digest
from ledger.store.log import Basis, LogRecorder
from ledger.store.mapper import EventMapper
from ledger.store.rows import Row, to_datetime, to_microseconds
from ledger.store.urls import DEFAULT_URL, PostgresURL, SQLiteURL, absolute, parse_store_url

BATCH = 1000

PERSISTENCE_MODULES: dict[type, str] = {
    PostgresURL: "ledger.store.postgres",
    SQLiteURL: "ledger.store.sqlite",
}

_META, _CONTENT = attrgetter("meta"), attrgetter("content")

CLOCK_TOLERANCE = 1_000_000
"""How many microseconds the clock may be behind the log before somebody is told."""

NO_ENTRIES: Mapping[UUID, int] = MappingProxyType({})

_log = logging.getLogger("ledger")


class LedgerApplication(Application[UUID]):
    """The log as domain events: appended, and read back by position or by entry.

    Commands are decided by `ledger.domain`, so the library's repository and its `save` are left
    out of the way: a load and a deep copy for every save cost more than the insert does.

    Attributes:
        url: Where the log is.
    """

    name = "ledger"

    def __init__(self, url: str = DEFAULT_URL) -> None:
        self.url = absolute(url)
        # The environment is given whole, so that no stray variable picks another store.
        module = PERSISTENCE_MODULES[type(parse_store_url(self.url))]
        super().__init__({"PERSISTENCE_MODULE": module, "LEDGER_STORE": self.url})

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
        self,
        events: Sequence[Event],
        unless_moved: Mapping[UUID, int] = NO_ENTRIES,
        epoch: int | None = None,
        upon: Collection[Basis] = (),
    ) -> list[RecordedEvent]:
        """Append events in one transaction, all of them or none, and return them as recorded.

        Args:
            events: What to append, in order.
            unless_moved: Entries that were looked at to decide them, with the version seen.
            epoch: The epoch that they were decided in; see `log.LogRecorder.append`.
            upon: What was read of their entries; see there.

        Raises:
            OthersWrote: The epoch is another one, or the log.
            eventsourcing.persistence.IntegrityError: An entry has moved on meanwhile.
            StoreError: The store failed; nothing was stored.
        """
        appended = self.log.append(
            [self.event_mapper.to_row(event) for event in events],
            {entry.bytes: version for entry, version in unless_moved.items()},
            epoch,
            upon,
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
        return list(map(self.to_event, self.rows_of(entry, after)))

    def rows(self, after: int, limit: int, upto: int | None = None) -> list[Row]:
        """Return at most `limit` rows above position `after`, in order, up to `upto`.

        Where a blob was erased, its digest stands in its place (`leaf.Digest`).
        """
        return self._resolved(self.log.read(after, limit, upto))

    def rows_by_entry(
        self, after: tuple[bytes, int], before: bytes | None, limit: int
    ) -> list[Row]:
        """Return at most `limit` rows by entry and version; see `rows`, `log.read_by_entry`."""
        return self._resolved(self.log.read_by_entry(after, before, limit))

    def rows_of(self, entry: UUID, after: int = 0) -> list[Row]:
        """Return the rows of one entry above version `after`, in order; see `rows`."""
        return self._resolved(self.log.read_entry(entry.bytes, after))

    def to_event(self, row: Row) -> RecordedEvent:
        """Return a row that `rows` or `rows_of` gave as an event.

        Raises:
            UndecodableEvent: Nobody can read it; it names the position.
        """
        if is_blank(row) or isinstance(row.content, Digest) or isinstance(row.meta, Digest):
            return self._erasures(row.entry).event(row, self.event_mapper)
        return self.event_mapper.to_event(row)

    def _resolved(self, rows: list[Row]) -> list[Row]:
        if all(map(_META, rows)) and all(map(_CONTENT, rows)):
            return rows
        return [self._erasures(row.entry).resolved(row) if is_blank(row) else row for row in rows]

    def _erasures(self, entry: bytes) -> Erasures:
        return erasures_of(self.log.read_entry(entry), self.event_mapper)

    def read(
        self, after: int = 0, upto: int | None = None, *, reverse: bool = False
    ) -> Iterator[RecordedEvent]:
        """Yield the events above position `after`, up to `upto`, in order or backwards."""
        if reverse:
            head = self.log.head().position
            high = head if upto is None else min(upto, head)
            while high > after:
                low = max(after, high - BATCH)
                yield from map(self.to_event, reversed(self.rows(low, BATCH, high)))
                high = low
            return
        while rows := self.rows(after, BATCH, upto):
            yield from map(self.to_event, rows)
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
