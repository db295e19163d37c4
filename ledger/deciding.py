"""Deciding commands, those of a transaction one after the other, before any of it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ledger.domain.commands import Command, CreateEntry, digest_of
from ledger.domain.decide import Decided, Lookup, decide, entry_of
from ledger.domain.entry import NewsEntry, fold
from ledger.domain.events import Event, RecordedEvent
from ledger.errors import CommandIdReused, Conflict, StoreBusy, VersionNotFound
from ledger.histories import Histories, History, not_found
from ledger.store.log import OthersWrote


class Request:
    """Commands that one caller wants done, all or none, and what was found out for it.

    Attributes:
        commands: The commands.
        entries: Which entry each is about.
        decided: What was decided already, by the commands' ids.
        known: What was read of entries, in this attempt.
        guesses: Whether some of that was not read, but is what a new entry would be.
        unanswered: The ids of commands whose append got no answer: the log tells whether they
            were stored.
    """

    def __init__(self, commands: Sequence[Command], decided: Mapping[UUID, Decided]) -> None:
        self.commands = commands
        self.entries = list(map(entry_of, commands))
        self.decided = decided
        self.known: Mapping[UUID, History] = {}
        self.guesses = False
        self.unanswered: set[UUID] = set()


class Pending:
    """What a transaction is to append, and what becomes of entries by it.

    Args:
        log: What is known of entries, and read.
        epoch: In which what is kept of them is how they are; None: nothing is trusted.

    Attributes:
        epoch: In which what is kept of entries is how they are; None: nothing is trusted.
        known: What was just read of entries.
        trusts: Whether something was taken from what is kept, or was guessed.
        histories: What entries come to.
        events: What is to be appended, by entry and version.
        looked_at: Entries that something was decided on, with the version seen.
    """

    def __init__(self, log: Histories, epoch: int | None) -> None:
        self._log = log
        self.epoch = epoch
        self.known: Mapping[UUID, History] = {}
        self.trusts = False
        self.histories: dict[UUID, History] = {}
        self.events: dict[tuple[UUID, int], Event] = {}
        self.looked_at: dict[UUID, int] = {}

    def beside(self, request: Request) -> Pending:
        """Return a copy for a request, which may be refused."""
        other = Pending(self._log, self.epoch)
        other.known, other.trusts = request.known, request.guesses
        other.histories = self.histories.copy()
        other.events = self.events.copy()
        other.looked_at = self.looked_at.copy()
        return other

    def decide(self, request: Request, now: datetime) -> list[Event]:
        """Decide what a request asks for.

        Returns:
            One event a command: a recorded one where the command was done before.

        Raises:
            OthersWrote: What was known in an epoch is not so.
            LedgerError: The request is refused; what was decided of it is not to be appended.
        """
        found: list[Event] = []
        for command, entry in zip(request.commands, request.entries, strict=True):
            history = self.history(entry)
            answered = history.commands.get(command.id)
            if answered is not None:
                event = self.events.get((entry, answered)) or self._recorded(
                    command, entry, answered
                )
                require_same(command, event)
            else:
                require_expected(command, history, self)
                if history.state is None and not isinstance(command, CreateEntry):
                    raise not_found(entry)
                before = request.decided.get(command.id)
                if before is not None and before.state == history.state:
                    event = before.event
                else:
                    (event,) = decide(command, history.state, now, self)
                self.events[entry, event.version] = event
                self.histories[entry] = history.after([event])
            found.append(event)
        return found

    def _recorded(self, command: Command, entry: UUID, version: int) -> RecordedEvent:
        """Return the event that a command was answered with.

        Raises:
            OthersWrote: It was, for all that was known in an epoch, and the log says otherwise.
        """
        event = self._log.event(entry, version)
        if self.trusts and (event is None or event.meta.command != command.id):
            raise OthersWrote("ledger: an event that was known is gone from the log")
        if event is None:
            raise StoreBusy("the log was replaced while it was read: try again")
        return event

    def history(self, entry: UUID) -> History:
        """Return what an entry comes to, with what is kept, read, or decided just before."""
        found = self.histories.get(entry)
        if found is not None:
            return found
        kept, known = self._log.fresh(entry, self.epoch), self.known.get(entry)
        if kept is not None and (known is None or known.version < kept.version):
            self.trusts = True
            return kept
        return self._log.get(entry) if known is None else known

    def is_news(self, event: Event, request: Request) -> bool:
        """Return whether an event comes of a request, and of none before it."""
        if isinstance(event, RecordedEvent):
            return event.meta.command in request.unanswered
        return (event.entry, event.version) not in self.events

    # What `decide` may look up

    def version(self, entry: UUID, version: int) -> NewsEntry:
        """Return an entry as a version has it, one of this transaction's too; see `Histories`."""
        steps: list[Event] = []
        while (entry, version - len(steps)) in self.events:
            steps.append(self.events[entry, version - len(steps)])
        stored = version - len(steps)
        state = self._log.version(entry, stored) if stored else None
        state = fold(reversed(steps), state)
        if state is None:
            raise VersionNotFound(f"entry {entry} has no version {version}")
        return state

    def current(self, entry: UUID) -> NewsEntry:
        """Return an entry as this transaction finds it; see `Histories`."""
        history = self.histories.get(entry)
        if history is not None and history.state is not None:
            return history.state
        state = self._log.current(entry)
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


def require_expected(command: Command, history: History, look_up: Lookup) -> None:
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
