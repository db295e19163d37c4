"""The write side: commands in, events out, whatever other writers do meanwhile."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from threading import Lock
from uuid import UUID

import msgspec
from eventsourcing.persistence import IntegrityError

from ledger.domain.commands import Command, CreateEntry
from ledger.domain.decide import decide, entry_of
from ledger.domain.diffs import brief, diff_entries
from ledger.domain.entry import NewsEntry, fold
from ledger.domain.events import Event, RecordedEvent
from ledger.errors import (
    CommandIdReused,
    Conflict,
    EntryNotFound,
    LedgerError,
    StoreError,
    StoreNotFound,
    VersionNotFound,
)
from ledger.store.application import LedgerApplication

CACHED_HISTORIES = 1000


class History(msgspec.Struct, frozen=True):
    """What deciding needs to know of an entry.

    Attributes:
        state: The entry as it is; None before its first event.
        commands: Every command it has taken, with the version that answered.
    """

    state: NewsEntry | None = None
    commands: dict[UUID, int] = {}

    @property
    def version(self) -> int:
        """The current version; 0 before the first event."""
        return 0 if self.state is None else self.state.version

    def after(self, events: Sequence[Event]) -> History:
        """Return the history with `events` added."""
        if not events:
            return self
        answered = {event.meta.command: event.version for event in events}
        return History(fold(events, self.state), self.commands | answered)


class CommandHandler:
    """Decides commands against the log and appends what they make happen.

    It reads no view: an entry is folded from its own events. Histories are kept between commands
    and brought up to date from the log each time, so they are never stale.

    Args:
        application: The log.
        now: The present time, aware.
    """

    def __init__(self, application: LedgerApplication, now: Callable[[], datetime]) -> None:
        self._application = application
        self._now = now
        self._histories: OrderedDict[UUID, History] = OrderedDict()
        self._lock = Lock()

    def execute(self, commands: Sequence[Command]) -> list[RecordedEvent]:
        """Do all of `commands` in one transaction, or none; return each one's event.

        A command that was done before is not done again: its first event is returned.

        Raises:
            Conflict: An entry has moved on from a command's `expected_version`.
            CommandIdReused: An id was used before, for something else.
            EntryNotFound: There is no such entry.
            InvalidInput, Refused: See `decide`.
            StoreError: The store failed; nothing was stored.
        """
        while True:
            events = self._decide_all(commands)
            # Keyed, because a command may be there twice: its event is one all the same.
            new = {
                (event.entry, event.version): event
                for event in events
                if not isinstance(event, RecordedEvent)
            }
            try:
                recorded = self._application.append(list(new.values())) if new else []
            except IntegrityError as error:
                # Another writer was first. Decide again on what the entry is now.
                if not self._anybody_was_first(new.values()):
                    raise StoreError(f"the store refused the events: {error}") from error
                continue
            self._remember(recorded)
            fresh = {(event.entry, event.version): event for event in recorded}
            return [
                event if isinstance(event, RecordedEvent) else fresh[event.entry, event.version]
                for event in events
            ]

    def history(self, entry: UUID) -> History:
        """Return what is known of an entry now; an empty history where there is no such entry."""
        with self._lock:
            known = self._histories.get(entry, History())
        try:
            history = known.after(self._application.history(entry, known.version))
        except StoreNotFound:
            return History()
        if history is not known:
            self._keep(entry, history)
        return history

    # What `decide` may look up

    def version(self, entry: UUID, version: int) -> NewsEntry:
        """Return an entry as a version has it.

        Raises:
            EntryNotFound: There is no such entry.
            VersionNotFound: It has no such version.
        """
        events = self._application.history(entry)
        if not events:
            raise _not_found(entry)
        state = fold(event for event in events if event.version <= version)
        if state is None or state.version != version:
            raise VersionNotFound(
                f"entry {entry} has no version {version}; it has 1 to {len(events)}"
            )
        return state

    def current(self, entry: UUID) -> NewsEntry:
        """Return an entry as it is.

        Raises:
            EntryNotFound: There is no such entry.
        """
        state = self.history(entry).state
        if state is None:
            raise _not_found(entry)
        return state

    # Steps

    def _decide_all(self, commands: Sequence[Command]) -> list[Event]:
        """Return one event a command: a recorded one where the command was done before."""
        now = self._now()
        pending = _Pending(self)
        found: list[Event] = []
        for command in commands:
            entry = entry_of(command)
            history = pending.histories.get(entry) or self.history(entry)
            answered = history.commands.get(command.id)
            if answered is not None:
                event = pending.events.get((entry, answered)) or self._recorded(entry, answered)
                self._require_same(command, event, pending, now)
            else:
                self._require_expected(command, history)
                if history.state is None and not isinstance(command, CreateEntry):
                    raise _not_found(entry)
                (event,) = decide(command, history.state, now, pending)
                pending.add(event, history)
            found.append(event)
        return found

    def _keep(self, entry: UUID, history: History) -> None:
        with self._lock:
            self._histories[entry] = history
            self._histories.move_to_end(entry)
            if len(self._histories) > CACHED_HISTORIES:
                self._histories.popitem(last=False)

    def _remember(self, recorded: Sequence[RecordedEvent]) -> None:
        for event in recorded:
            known = self._histories.get(event.entry, History())
            if known.version == event.version - 1:
                self._keep(event.entry, known.after([event]))

    def _recorded(self, entry: UUID, version: int) -> RecordedEvent:
        return self._application.history(entry, version - 1)[0]

    def _anybody_was_first(self, events: Iterable[Event]) -> bool:
        return any(
            self._application.log.read_entry(event.entry.bytes, event.version - 1)
            for event in events
        )

    def _require_same(
        self, command: Command, event: Event, pending: _Pending, now: datetime
    ) -> None:
        """Refuse an id that stands for another command: a silent success would lose an edit."""
        try:
            before = event.version - 1
            state = pending.version(event.entry, before) if before else None
            (again,) = decide(command, state, now, pending)
        except LedgerError:
            again = None
        if again is None or (again.data, again.meta.actor, again.meta.reason) != (
            event.data,
            event.meta.actor,
            event.meta.reason,
        ):
            raise CommandIdReused(
                f"the command id {command.id} was already used for another command "
                f"(version {event.version} of entry {event.entry})"
            )

    def _require_expected(self, command: Command, history: History) -> None:
        expected = command.expected_version
        if expected is None or expected == history.version:
            return
        entry = entry_of(command)
        message = f"entry {entry} is at version {history.version}, not at {expected} as expected"
        if history.state is not None and 0 < expected < history.version:
            diffs = diff_entries(self.version(entry, expected), history.state)
            changed = "; ".join(map(brief, diffs))
            message += f"; changed meanwhile: {changed or 'nothing that shows'}"
        raise Conflict(message, expected, history.version)


class _Pending:
    """Looks things up with the events of this transaction, which the log does not have yet."""

    def __init__(self, handler: CommandHandler) -> None:
        self._handler = handler
        self.histories: dict[UUID, History] = {}
        self.events: dict[tuple[UUID, int], Event] = {}

    def add(self, event: Event, history: History) -> None:
        self.events[event.entry, event.version] = event
        self.histories[event.entry] = history.after([event])

    def version(self, entry: UUID, version: int) -> NewsEntry:
        steps: list[Event] = []
        while (entry, version - len(steps)) in self.events:
            steps.append(self.events[entry, version - len(steps)])
        stored = version - len(steps)
        state = self._handler.version(entry, stored) if stored else None
        state = fold(reversed(steps), state)
        if state is None:
            raise VersionNotFound(f"entry {entry} has no version {version}")
        return state

    def current(self, entry: UUID) -> NewsEntry:
        history = self.histories.get(entry)
        if history is not None and history.state is not None:
            return history.state
        return self._handler.current(entry)


def _not_found(entry: UUID) -> EntryNotFound:
    return EntryNotFound(f"there is no entry {entry}")
