"""The log along its two times: its events by position or by time, and what a time means."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ledger.domain.events import RecordedEvent
from ledger.errors import InvalidInput, InvalidTime
from ledger.projections.moments import LAST, NOW, Moment
from ledger.results import When
from ledger.store.application import LedgerApplication
from ledger.store.rows import to_microseconds


class Timeline:
    """Answers questions about times, and about the events between them.

    Args:
        application: The log.
    """

    def __init__(self, application: LedgerApplication) -> None:
        self.application = application

    def events(
        self, after: int = 0, upto: int | None = None, *, reverse: bool = False
    ) -> Iterator[RecordedEvent]:
        """Yield the events of the log above position `after`, up to position `upto`, in order.

        Raises:
            UndecodableEvent: One cannot be read; it names the position.
        """
        return self.application.read(after, upto, reverse=reverse)

    def events_between(
        self, since: When | None, until: When | None, *, reverse: bool = False
    ) -> Iterator[RecordedEvent]:
        """Yield the events recorded from `since` to `until`, both included, in order."""
        return self.events(*self.positions(since, until), reverse=reverse)

    def positions(self, since: When | None, until: When | None) -> tuple[int, int | None]:
        """Return the position before `since`, and that at `until`; None for no end."""
        after = 0
        if isinstance(since, int):
            after = max(self.position(since) - 1, 0)
        elif since is not None:
            after = self.application.position_at(_aware(since), before=True)
        return after, None if until is None else self.position(until)

    def moment(self, as_of: When | None, known_at: When | None) -> Moment:
        """Return the moment that is meant by what was public and what was known.

        Raises:
            InvalidTime: The log has no such position.
            InvalidInput: A time has no time zone.
        """
        if as_of is None and known_at is None:
            return NOW
        public_at = LAST
        if isinstance(as_of, int):
            public_at = self._recorded_at(as_of)
        elif as_of is not None:
            public_at = to_microseconds(_aware(as_of))
        return Moment(public_at, LAST if known_at is None else self.position(known_at))

    def position(self, when: When) -> int:
        """Return the position that the log had come to at a time; 0: to none yet.

        Raises:
            InvalidTime: It is a position that the log has not.
            InvalidInput: The time has no time zone.
        """
        if not isinstance(when, int):
            return self.application.position_at(_aware(when))
        head = self.application.log.head().position
        if not 0 <= when <= head:
            raise InvalidTime(f"the log has no position {when}; it ends at {head}")
        return when

    def _recorded_at(self, position: int) -> int:
        rows = self.application.log.read(self.position(position) - 1, 1)
        if not rows or position < 1:
            raise InvalidTime("position 0 has no time: the first event is at 1")
        return rows[0].recorded_at


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise InvalidInput(f"the time {moment} has no time zone")
    return moment
