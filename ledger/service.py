"""The write side: commands in, events out, whatever other writers do meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from eventsourcing.persistence import IntegrityError

from ledger.domain.commands import Command, CreateEntry, digest_of
from ledger.domain.decide import Decided, Lookup, decide, entry_of
from ledger.domain.entry import NewsEntry, at_version, fold
from ledger.domain.events import Event, RecordedEvent
from ledger.errors import (
    CommandIdReused,
    Conflict,
    EntryNotFound,
    LedgerError,
    Refused,
    StoreBusy,
    StoreError,
    StoreUnreachable,
    VersionNotFound,
)
from ledger.histories import Histories, History
from ledger.store.application import LedgerApplication
from ledger.store.log import OthersWrote
from ledger.store.patience import Patience
from ledger.store.urls import parse_store_url

NOTHING_DECIDED: Mapping[UUID, Decided] = MappingProxyType({})

_NAMED = 3
"""How many commands' ids an error names."""


class CommandHandler:
    """Decides commands against the log and appends what they make happen.

    It reads no view: an entry is folded from its own events, which are kept between commands.

    Args:
        application: The log.
        now: The present time, aware.
    """

    def __init__(self, application: LedgerApplication, now: Callable[[], datetime]) -> None:
        self._application = application
        self._now = now
        self._timeout = parse_store_url(application.url).timeout
        self._histories = Histories(application)

    def execute(
        self, commands: Sequence[Command], decided: Mapping[UUID, Decided] = NOTHING_DECIDED
    ) -> list[tuple[RecordedEvent, bool]]:
        """Do all of `commands` in one transaction, or none.

        Args:
            commands: What to do.
            decided: What was decided already, by the commands' ids; where an entry is in another
                state by now, it is decided anew.

        Returns:
            Each one's event, and whether it was stored now: a command that was done before is not
            done again, and its first event is returned.

        Raises:
            Conflict: An entry has moved on from a command's `expected_version`.
            CommandIdReused: An id was used before, for something else.
            EntryNotFound: There is no such entry.
            InvalidInput, Refused: See `decide`.
            StoreUnreachable: The store cannot be reached; the error says so where it is not known
                whether it was stored.
            StoreError: The store failed; nothing was stored.
        """
        patience: Patience | None = None
        unanswered: set[UUID] = set()
        epoch = self._histories.epoch
        while True:
            try:
                done = self._attempt(commands, decided, unanswered, epoch)
            except StoreUnreachable as error:
                # Where nothing was sent, there is nothing to find out.
                if not unanswered:
                    raise
                patience = patience or Patience(self._timeout)
                if not patience.wait():
                    raise _unknown(error, commands) from error
                done = None
            if done is not None:
                return done
            # What was known may have been so once. From here on, all is read.
            epoch = None

    def _attempt(
        self,
        commands: Sequence[Command],
        decided: Mapping[UUID, Decided],
        unanswered: set[UUID],
        epoch: int | None,
    ) -> list[tuple[RecordedEvent, bool]] | None:
        """Decide and append; return None where that has to be done again.

        Args:
            commands: What to do.
            decided: What was decided already.
            unanswered: The ids of commands whose append got no answer: the log tells whether they
                were stored. Those of this attempt are added where it gets none.
            epoch: The epoch in which what is known of entries is so; None: it is read.
        """
        pending = _Pending(self, epoch)
        try:
            events = self._decide_all(commands, decided, pending)
        except OthersWrote:
            self._histories.trust_nothing()
            return None
        except StoreError:
            raise
        except LedgerError:
            # Refused, perhaps on what is so no more: another thread may have stored something that
            # it has not noted yet. Somebody is told only of what was just read.
            if epoch is not None:
                return None
            raise
        # Keyed, because a command may be there twice: its event is one all the same.
        new = {
            (event.entry, event.version): event
            for event in events
            if not isinstance(event, RecordedEvent)
        }
        fresh = self._append(new, pending, epoch, unanswered) if new else {}
        if fresh is None:
            return None
        return [
            (event, event.meta.command in unanswered)
            if isinstance(event, RecordedEvent)
            else (fresh[event.entry, event.version], True)
            for event in events
        ]

    def _append(
        self,
        new: Mapping[tuple[UUID, int], Event],
        pending: _Pending,
        epoch: int | None,
        unanswered: set[UUID],
    ) -> dict[tuple[UUID, int], RecordedEvent] | None:
        """Append what was decided; return None where another writer was first."""
        now = self._application.log.epoch() if epoch is None else epoch
        try:
            recorded = self._application.append([*new.values()], pending.looked_at, epoch)
        except StoreUnreachable:
            unanswered |= {event.meta.command for event in new.values()}
            raise
        except IntegrityError as error:
            # Decide again on what the entry is now.
            self._histories.trust_nothing()
            is_late = isinstance(error, OthersWrote)
            if not is_late and not self._anybody_was_first(new.values(), pending.looked_at):
                raise StoreError(f"the store refused the events: {error}") from error
            return None
        self._histories.note(recorded, pending.histories, now)
        return {(event.entry, event.version): event for event in recorded}

    def history(self, entry: UUID) -> History:
        """Return what is known of an entry now; an empty history where there is no such entry."""
        return self._histories.get(entry)

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
            raise _not_found(entry)
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
        state = self.history(entry).state
        if state is None:
            raise _not_found(entry)
        return state

    # Steps

    def _decide_all(
        self,
        commands: Sequence[Command],
        decided: Mapping[UUID, Decided],
        pending: _Pending,
    ) -> list[Event]:
        """Return one event a command: a recorded one where the command was done before."""
        now = self._now()
        found: list[Event] = []
        for command in commands:
            entry = entry_of(command)
            history = pending.histories.get(entry) or self._histories.get(entry, pending.epoch)
            answered = history.commands.get(command.id)
            if answered is not None:
                event = pending.events.get((entry, answered)) or self._recorded(
                    command, entry, answered, pending.epoch
                )
                require_same(command, event)
            else:
                self.require_expected(command, history, pending)
                if history.state is None and not isinstance(command, CreateEntry):
                    raise _not_found(entry)
                before = decided.get(command.id)
                if before is not None and before.state == history.state:
                    event = before.event
                else:
                    (event,) = decide(command, history.state, now, pending)
                pending.add(event, history)
            found.append(event)
        return found

    def _recorded(
        self, command: Command, entry: UUID, version: int, epoch: int | None
    ) -> RecordedEvent:
        """Return the event that a command was answered with.

        Raises:
            OthersWrote: It was, for all that was known in an epoch, and the log says otherwise.
        """
        events = self._application.history(entry, version - 1)
        if epoch is not None and (not events or events[0].meta.command != command.id):
            raise OthersWrote("ledger: an event that was known is gone from the log")
        if not events:
            raise StoreBusy("the log was replaced while it was read: try again")
        return events[0]

    def _anybody_was_first(self, events: Iterable[Event], looked_at: Mapping[UUID, int]) -> bool:
        ours = [(event.entry, event.version - 1) for event in events]
        return any(
            self._application.log.read_entry(entry.bytes, version)
            for entry, version in (*ours, *looked_at.items())
        )

    def require_expected(self, command: Command, history: History, look_up: Lookup) -> None:
        """Refuse a command whose entry has moved on from the version that it expects.

        Raises:
            Conflict: It has; the error says what was changed meanwhile.
        """
        expected = command.expected_version
        if expected is None or expected == history.version:
            return
        entry = entry_of(command)
        message = f"entry {entry} is at version {history.version}, not at {expected} as expected"
        if history.state is not None and 0 < expected < history.version:
            from ledger.domain.diffs import brief, diff_entries

            before = look_up.version(entry, expected)
            diffs = diff_entries(before, history.state)
            changed = "; ".join(map(brief, diffs))
            message += f"; changed meanwhile: {changed or 'nothing that shows'}"
        raise Conflict(message, expected, history.version)


class _Pending:
    """Looks things up with the events of this transaction, which the log does not have yet."""

    def __init__(self, handler: CommandHandler, epoch: int | None) -> None:
        self._handler = handler
        self.epoch = epoch
        self.histories: dict[UUID, History] = {}
        self.events: dict[tuple[UUID, int], Event] = {}
        self.looked_at: dict[UUID, int] = {}

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
        state = self._handler.current(entry)
        self.looked_at[entry] = state.version
        return state


def require_same(command: Command, event: Event) -> None:
    """Refuse an id that stands for another command: a silent success would lose an edit."""
    erased = event.erased if isinstance(event, RecordedEvent) else None
    # The digest of what was erased is gone with it. The command was done all the same: an import
    # that comes again does not bring the text back.
    # Older programs took other digests, which cannot be compared.
    is_known = not (erased and erased.text) and not event.meta.digest
    if is_known and event.data.digest != digest_of(command):
        raise CommandIdReused(
            f"the command id {command.id} was already used for another command "
            f"(version {event.version} of entry {event.entry})"
        )


def _not_found(entry: UUID) -> EntryNotFound:
    return EntryNotFound(f"there is no entry {entry}")


def _unknown(error: StoreUnreachable, commands: Sequence[Command]) -> StoreUnreachable:
    ids = ", ".join(str(command.id) for command in commands[:_NAMED])
    more = " ..." if len(commands) > _NAMED else ""
    return StoreUnreachable(
        f"{error}; it is not known whether it was stored: send the same again, under the same "
        f"command id ({ids}{more}), and it is stored once"
    )
