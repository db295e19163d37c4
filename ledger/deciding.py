"""Deciding commands, those of a transaction one after the other, before any of it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ledger.domain.commands import Command, CreateEntry, digest_of
from ledger.domain.decide import Decided, Lookup, decide, entry_of
from ledger.domain.entry import NewsEntry, fold
from ledger.domain.events import Event, RecordedEvent
from ledger.errors import CommandIdReused, Conflict, Refused, VersionNotFound
from ledger.histories import Histories, History, not_found
from ledger.store.log import Basis, OthersWrote
from ledger.store.rows import to_microseconds


class Request:
    """Commands that one caller wants done, all or none, and what was found out for it.

    Attributes:
        commands: The commands.
        entries: Which entry each is about.
        decided: What was decided already, by the commands' ids.
        trusts: Whether what is kept of entries is to be trusted; else they were read.
        epoch: In which they are trusted, or that in which they were begun to be read.
        known: What was read of entries; where it trusts, also what is guessed of new ones.
        guesses: Whether there is such a guess.
        sent: The ids of the commands whose events were sent to be appended, as long as nobody
            knows that they were not.
        unanswered: The ids of those that got no answer: the log tells whether they were stored.
    """

    def __init__(self, commands: Sequence[Command], decided: Mapping[UUID, Decided]) -> None:
        self.commands = commands
        self.entries = list(map(entry_of, commands))
        self.decided = decided
        self.trusts = False
        self.epoch = 0
        self.known: Mapping[UUID, History] = {}
        self.guesses = False
        self.sent: set[UUID] = set()
        self.unanswered: set[UUID] = set()


class Transaction:
    """What is to be appended together, and what becomes of entries by it.

    Args:
        log: What is kept of entries, and read.

    Attributes:
        log: That.
        epoch: In which what is kept of entries is how they are; None: nothing is trusted.
        is_strict: Whether something was decided on that is so in that epoch only.
        upon: The last events of the entries that the rest was decided on, as they were read.
        histories: What entries come to.
        events: What is to be appended, by entry and version.
        looked_at: Entries that something was decided on, with the version seen.
    """

    def __init__(self, log: Histories) -> None:
        self.log = log
        self.epoch = log.epoch
        self.is_strict = False
        self.upon: list[Basis] = []
        self.histories: dict[UUID, History] = {}
        self.events: dict[tuple[UUID, int], Event] = {}
        self.looked_at: dict[UUID, int] = {}

    def add(self, attempt: Attempt) -> None:
        """Append what was decided for a request, too."""
        if attempt.request.trusts:
            self.is_strict = True
        self.upon += attempt.upon.values()
        self.histories |= attempt.histories
        self.events |= attempt.events
        self.looked_at |= attempt.looked_at


class Attempt:
    """One request, decided behind the others of a transaction.

    Args:
        request: That.
        before: What comes before it.

    Attributes:
        request: That.
        refused: Why it is refused; None: it is not.
        relies: Whether it relies on what is kept of entries, or guessed, and not on what was read.
        leans: Whether it relies on what comes before it in the transaction.
        found: One event a command: a recorded one where the command was done before.
        upon: The last event of each entry that it was decided on, where it was read.
        histories, events, looked_at: What it adds to the transaction's.
    """

    def __init__(self, request: Request, before: Transaction) -> None:
        self.request = request
        self.refused: Exception | None = None
        self.relies = request.guesses
        self.leans = False
        self.found: list[Event] = []
        self.upon: dict[UUID, Basis] = {}
        self.histories: dict[UUID, History] = {}
        self.events: dict[tuple[UUID, int], Event] = {}
        self.looked_at: dict[UUID, int] = {}
        self._before = before

    def decide(self, now: datetime) -> None:
        """Decide what is asked for.

        Args:
            now: The present time, aware.

        Raises:
            OthersWrote: What was kept or read of an entry is not so.
            LedgerError: The request is refused.
        """
        request = self.request
        if request.trusts and request.epoch != self._before.epoch:
            raise OthersWrote("ledger: what was trusted was so in another epoch")
        for command, entry in zip(request.commands, request.entries, strict=True):
            history = self._history(entry)
            answered = history.commands.get(command.id)
            if answered is not None:
                event = self._event(entry, answered) or self._recorded(command, entry, answered)
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
            self.found.append(event)

    def _history(self, entry: UUID) -> History:
        """Return what an entry comes to, with what is kept, read, or decided just before."""
        decided = self._decided(entry)
        if decided is not None:
            return decided
        request = self.request
        history = request.known.get(entry)
        kept = self._before.log.fresh(entry, request.epoch)
        if kept is not None and (history is None or history.version < kept.version):
            # Even what was read may have moved on, by an append of this process.
            self.relies |= request.trusts
            history = kept
        if history is None:
            history = self._before.log.get(entry)
        if not request.trusts and isinstance(last := history.last, RecordedEvent):
            at = last.position, to_microseconds(last.recorded_at)
            self.upon[entry] = Basis(entry.bytes, last.version, *at)
        return history

    def _decided(self, entry: UUID) -> History | None:
        """Return what an entry comes to by this transaction; None where it changes nothing."""
        own = self.histories.get(entry)
        if own is not None:
            return own
        before = self._before.histories.get(entry)
        self.leans |= before is not None
        return before

    def _event(self, entry: UUID, version: int) -> Event | None:
        at = entry, version
        return self.events.get(at) or self._before.events.get(at)

    def _recorded(self, command: Command, entry: UUID, version: int) -> RecordedEvent:
        """Return the event that a command was answered with, as the log has it.

        Raises:
            OthersWrote: The log has it no more.
        """
        event = self._before.log.event(entry, version)
        if event is None or event.meta.command != command.id:
            self._before.log.forget(entry)
            raise OthersWrote("ledger: an event that was known is gone from the log")
        return event

    # What `decide` may look up

    def version(self, entry: UUID, version: int) -> NewsEntry:
        """Return an entry as a version has it, one of this transaction's too; see `Histories`."""
        steps: list[Event] = []
        while step := self._event(entry, version - len(steps)):
            steps.append(step)
        stored = version - len(steps)
        state = self._before.log.version(entry, stored) if stored else None
        state = fold(reversed(steps), state)
        if state is None:
            raise VersionNotFound(f"entry {entry} has no version {version}")
        return state

    def current(self, entry: UUID) -> NewsEntry:
        """Return an entry as this transaction finds it; see `Histories`."""
        decided = self._decided(entry)
        if decided is not None and decided.state is not None:
            return decided.state
        state = self._before.log.current(entry)
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

        try:
            diffs = diff_entries(look_up.version(entry, expected), history.state)
        except Refused:
            message += f"; what version {expected} said was erased"
        else:
            changed = "; ".join(map(brief, diffs))
            message += f"; changed meanwhile: {changed or 'nothing that shows'}"
    raise Conflict(message, expected, history.version)
