"""What a writer keeps of entries between commands, so that not every command reads them anew.

As long as the log's epoch stays (see `store.log.LogRecorder.epoch`), nobody else has written, and
what this writer made of an entry is how it is. Else what is kept is held against the log, and
brought up to date from it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ledger.domain.entry import NewsEntry, at_version, fold
from ledger.domain.events import EntryErased, EntryRestated, Event, RecordedEvent
from ledger.errors import EntryNotFound, Refused, StoreNotFound
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


_NO_HISTORY = History()


class Histories:
    """The histories of the entries that were asked for last; threads may share them.

    Args:
        application: The log.
    """

    def __init__(self, application: LedgerApplication) -> None:
        self._application = application
        self._kept: OrderedDict[UUID, History] = OrderedDict()
        # The entries that are kept as they were in an epoch.
        self._epoch: int | None = None
        self._fresh: set[UUID] = set()
        self._lock = Lock()

    @property
    def epoch(self) -> int | None:
        """The epoch in which what is kept is how entries are; None: nothing is trusted."""
        return self._epoch

    def trust_nothing(self) -> None:
        """Hold everything that is kept against the log."""
        with self._lock:
            self._epoch = None
            self._fresh.clear()

    def fresh(self, entry: UUID, epoch: int | None) -> History | None:
        """Return what an entry is in an epoch, or in one after it; None where the log must tell.

        Whether it is still that epoch shows when something is appended.
        """
        with self._lock:
            is_so = epoch is not None and self._epoch is not None and self._epoch >= epoch
            return self._kept[entry] if is_so and entry in self._fresh else None

    def forget(self, entry: UUID) -> None:
        """Keep nothing of an entry: what is kept of it is not so."""
        with self._lock:
            self._fresh.discard(entry)
            self._kept.pop(entry, None)

    def get(self, entry: UUID) -> History:
        """Return what the log says of an entry; an empty history where there is no such entry."""
        with self._lock:
            known = self._kept.get(entry, _NO_HISTORY)
        try:
            # The last event known is read once more: the log may be another since.
            news = self._application.history(entry, max(known.version - 1, 0))
            if known.last is not None and news[:1] != [known.last]:
                known, news = _NO_HISTORY, self._application.history(entry)
            elif known.last is not None:
                news = news[1:]
            if known.last is not None and any(
                isinstance(event.data, EntryErased | EntryRestated) for event in news
            ):
                # What is known may hold what was taken away.
                known, news = _NO_HISTORY, self._application.history(entry)
        except StoreNotFound:
            if known.last is not None:
                raise
            return _NO_HISTORY
        history = known.after(news)
        if history is not known:
            with self._lock:
                # What was stored since is not taken back by what was read, perhaps before.
                if entry not in self._fresh:
                    self._keep(entry, history)
        return history

    def event(self, entry: UUID, version: int) -> RecordedEvent | None:
        """Return the event that made a version, as the log has it; None where it has none."""
        return next(iter(self._application.history(entry, version - 1)), None)

    # What `decide` may look up

    def version(self, entry: UUID, version: int) -> NewsEntry:
        """Return an entry as a version has it.

        Raises:
            EntryNotFound: There is no such entry.
            VersionNotFound: It has no such version.
            Refused: What it said was erased.
        """
        events = self._application.history(entry)
        if not events:
            raise not_found(entry)
        state = at_version(events, version)
        erased = events[version - 1].erased
        if erased is not None and erased.text:
            raise Refused(
                f"version {version} was erased, as event {erased.position} says: nothing can be "
                "restored from it"
            )
        return state

    def current(self, entry: UUID) -> NewsEntry:
        """Return an entry as it is.

        Raises:
            EntryNotFound: There is no such entry.
        """
        state = self.get(entry).state
        if state is None:
            raise not_found(entry)
        return state

    # Keeping

    def note(
        self, recorded: Iterable[RecordedEvent], histories: Mapping[UUID, History], epoch: int
    ) -> None:
        """Keep what this writer made of entries in an epoch.

        Args:
            recorded: The events, as stored.
            histories: What their entries have come to.
            epoch: That.
        """
        last = {event.entry: event for event in recorded}
        with self._lock:
            if self._epoch != epoch:
                self._epoch = epoch
                self._fresh.clear()
            for entry, history in histories.items():
                self._fresh.add(entry)
                self._keep(entry, replace(history, last=last.get(entry, history.last)))

    def _keep(self, entry: UUID, history: History) -> None:
        self._kept[entry] = history
        self._kept.move_to_end(entry)
        if len(self._kept) > KEPT:
            oldest, _ = self._kept.popitem(last=False)
            self._fresh.discard(oldest)


def not_found(entry: UUID) -> EntryNotFound:
    """Return the error that says so."""
    return EntryNotFound(f"there is no entry {entry}")
