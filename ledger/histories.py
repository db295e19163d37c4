"""What a writer keeps of entries between commands, so that not every command reads them anew.

Where anybody else has written meanwhile, what is kept is held against the log and brought up to
date from it. As long as the log ends as this writer left it, nobody has.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from uuid import UUID

import msgspec

from ledger.domain.entry import NewsEntry, fold
from ledger.domain.events import EntryErased, EntryRestated, Event, RecordedEvent
from ledger.errors import StoreNotFound, UndecodableEvent
from ledger.store.application import LedgerApplication

KEPT = 1000
"""How many entries' histories are kept."""


class History(msgspec.Struct, frozen=True):
    """What deciding needs to know of an entry.

    Attributes:
        last: Its last event; None before its first.
        state: The entry as it is; None before its first event.
        commands: Every command it has taken, with the version that answered.
    """

    last: Event | None = None
    state: NewsEntry | None = None
    commands: dict[UUID, int] = {}

    @property
    def version(self) -> int:
        """The current version; 0 before the first event."""
        return 0 if self.last is None else self.last.version

    def after(self, events: Sequence[Event]) -> History:
        """Return the history with `events` added."""
        if not events:
            return self
        answered = {event.meta.command: event.version for event in events}
        return History(events[-1], fold(events, self.state), self.commands | answered)

    def confirmed(self, recorded: Mapping[tuple[UUID, int], RecordedEvent]) -> History:
        """Return the history with its last event as the store recorded it."""
        if self.last is None:
            return self
        last = recorded.get((self.last.entry, self.last.version), self.last)
        return History(last, self.state, self.commands)


class Histories:
    """The histories of the entries that were asked for last; threads may share them.

    Args:
        application: The log.
    """

    def __init__(self, application: LedgerApplication) -> None:
        self._application = application
        self._kept: OrderedDict[UUID, History] = OrderedDict()
        # The end of the log, as this writer left it, and the entries that are kept as of there.
        self._end: RecordedEvent | None = None
        self._fresh: set[UUID] = set()
        self._lock = Lock()

    def look_at_end(self) -> None:
        """Trust nothing that is kept where the log does not end as this writer left it."""
        end = self._end
        if end is None:
            return
        try:
            found = [*map(self._application.to_event, self._application.rows(end.position - 1, 2))]
        except (StoreNotFound, UndecodableEvent):
            found = []
        if found != [end]:
            self.trust_nothing()

    def trust_nothing(self) -> None:
        """Hold everything that is kept against the log."""
        with self._lock:
            self._end = None
            self._fresh.clear()

    def get(self, entry: UUID, *, end_is_ours: bool = False) -> History:
        """Return what is known of an entry now; an empty history where there is no such entry.

        Args:
            entry: Which.
            end_is_ours: Whether the log's end was just looked at.
        """
        with self._lock:
            known = self._kept.get(entry, History())
            if end_is_ours and entry in self._fresh:
                return known
        try:
            # The last event known is read once more: the log may be another since.
            news = self._application.history(entry, max(known.version - 1, 0))
            if known.last is not None and news[:1] != [known.last]:
                known, news = History(), self._application.history(entry)
            elif known.last is not None:
                news = news[1:]
            if known.last is not None and any(
                isinstance(event.data, EntryErased | EntryRestated) for event in news
            ):
                # What is known may hold what was taken away.
                known, news = History(), self._application.history(entry)
        except StoreNotFound:
            if known.last is not None:
                raise
            return History()
        history = known.after(news)
        if history is not known:
            with self._lock:
                self._keep(entry, history)
        return history

    def note(self, recorded: Sequence[RecordedEvent], histories: Mapping[UUID, History]) -> None:
        """Keep what a transaction made of entries, and remember that the log ends with it."""
        with self._lock:
            for entry, history in histories.items():
                self._keep(entry, history)
            if not recorded:
                return
            if self._end is None or recorded[0].position != self._end.position + 1:
                self._fresh.clear()
            self._end = recorded[-1]
            self._fresh.update(entry for entry in histories if entry in self._kept)

    def _keep(self, entry: UUID, history: History) -> None:
        if entry in self._fresh and self._kept[entry].version > history.version:
            # Another thread has written since this one read.
            return
        self._kept[entry] = history
        self._kept.move_to_end(entry)
        if len(self._kept) > KEPT:
            oldest, _ = self._kept.popitem(last=False)
            self._fresh.discard(oldest)
