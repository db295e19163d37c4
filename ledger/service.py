"""The write side: commands in, events out, whatever other writers do meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from eventsourcing.persistence import IntegrityError

from ledger.batching import Batching, Interrupted
from ledger.deciding import Attempt, Request, Transaction
from ledger.domain.commands import Command, CreateEntry
from ledger.domain.decide import Decided
from ledger.domain.events import RecordedEvent
from ledger.errors import (
    LedgerError,
    StoreError,
    StoreUnreachable,
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
        self.histories = Histories(application)
        self._batching: Batching[Request, _Done] = Batching(
            self._do, lambda request: len(request.commands)
        )

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
        request = Request(commands, decided)
        patience = Patience(self._timeout)
        epoch = self.histories.epoch
        while True:
            try:
                self._look(request, epoch)
                return self._batching.submit(request)
            except (_Again, Interrupted):
                request.unanswered |= request.sent
            except StoreError as error:
                request.unanswered |= request.sent
                # Where nothing was sent, there is nothing to find out.
                if not request.unanswered:
                    raise
                if not patience.wait():
                    raise _unknown(error, commands) from error
            # What was known may have been so once. From here on, all is read.
            epoch = None

    def _look(self, request: Request, epoch: int | None) -> None:
        """Read what is not known of a request's entries, in its own thread.

        In an epoch, what is kept of them is trusted, and a new one is taken to be new: where it is
        otherwise, the append is refused. Without one, all is read.
        """
        known: dict[UUID, History] = {}
        request.known, request.guesses, request.trusts = known, False, epoch is not None
        # Before anything is read: so it is known since when it is so.
        request.epoch = self._application.log.epoch() if epoch is None else epoch
        for command, entry in zip(request.commands, request.entries, strict=True):
            if entry in known or (request.trusts and self.histories.fresh(entry, epoch)):
                continue
            if request.trusts and isinstance(command, CreateEntry):
                known[entry] = History()
                request.guesses = True
            else:
                known[entry] = self.histories.get(entry)

    def _do(self, requests: Sequence[Request]) -> list[_Answer]:
        """Do what threads ask for at the same time: in one transaction, in the order of asking.

        It is decided where it is committed: threads that each decide for themselves hand Python's
        lock to and fro, which takes longer than deciding does.
        """
        transaction = Transaction(self.histories)
        attempts = [self._attempt(request, transaction) for request in requests]
        if not transaction.events:
            return _told(attempts, ())
        return self._store(attempts, transaction)

    def _attempt(self, request: Request, transaction: Transaction) -> Attempt:
        """Decide a request, behind those that were decided before."""
        attempt = Attempt(request, transaction)
        try:
            attempt.decide(self._now())
        except OthersWrote:
            attempt.refused = _Again()
        except LedgerError as error:
            # Perhaps on what is so no more. Somebody is told only of what was read for him, or is
            # stored before.
            is_sure = isinstance(error, StoreError) or not attempt.relies
            attempt.refused = error if is_sure else _Again()
        except Exception as error:  # noqa: BLE001 - it is its caller's alone
            attempt.refused = error
        else:
            transaction.add(attempt)
            return attempt
        # Nothing of it is stored.
        attempt.events.clear()
        return attempt

    def _store(self, attempts: Sequence[Attempt], transaction: Transaction) -> list[_Answer]:
        """Append what was decided; where another writer was first, it is to be decided again."""
        epoch = transaction.epoch if transaction.is_strict else None
        try:
            now = self._application.log.epoch() if epoch is None else epoch
            # Before: where this thread is interrupted, the others have to find out.
            for one in attempts:
                one.request.sent = {event.meta.command for event in one.events.values()}
            recorded = self._application.append(
                [*transaction.events.values()], transaction.looked_at, epoch, transaction.upon
            )
        except StoreUnreachable as error:
            return [_unless(one, error) for one in attempts]
        except (IntegrityError, StoreError) as error:
            for one in attempts:
                one.request.sent = set()
            if isinstance(error, StoreError):
                return [_unless(one, error) for one in attempts]
            if isinstance(error, OthersWrote):
                self.histories.trust_nothing()
            return self._apart(attempts, transaction, error)
        self.histories.note(recorded, transaction.histories, now)
        return _told(attempts, recorded)

    def _apart(
        self, attempts: Sequence[Attempt], transaction: Transaction, error: IntegrityError
    ) -> list[_Answer]:
        """Answer where an append was refused: each request for itself, where there were more."""
        if len(attempts) > 1:
            return [
                self._alone(one.request)
                if one.events and not one.request.trusts
                else _unless(one, _Again())
                for one in attempts
            ]
        (only,) = attempts
        if (
            only.request.trusts
            or isinstance(error, OthersWrote)
            or self._anybody_was_first(transaction)
        ):
            return [_Again()]
        return [StoreError(f"the store refused the events: {error}")]

    def _alone(self, request: Request) -> _Answer:
        try:
            (answer,) = self._do([request])
        except Exception as error:  # noqa: BLE001 - the others may be stored by now
            return error
        return answer

    def _anybody_was_first(self, transaction: Transaction) -> bool:
        ours = [(event.entry, event.version - 1) for event in transaction.events.values()]
        return any(
            self._application.log.read_entry(entry.bytes, version)
            for entry, version in (*ours, *transaction.looked_at.items())
        )


_Done = list[tuple[RecordedEvent, bool]]
"""One event a command, and whether it is new."""

_Answer = _Done | Exception
"""What comes of a request, or the error that it is refused with."""


class _Again(Exception):
    """A request is to be made again, on what is read anew."""


def _told(attempts: Iterable[Attempt], recorded: Iterable[RecordedEvent]) -> list[_Answer]:
    """Return what comes of requests once their events are stored."""
    stored = {(event.entry, event.version): event for event in recorded}

    def told(attempt: Attempt) -> Iterator[tuple[RecordedEvent, bool]]:
        for event in attempt.found:
            if isinstance(event, RecordedEvent):
                yield event, event.meta.command in attempt.request.unanswered
            else:
                at = event.entry, event.version
                # Another request of this transaction may have asked for the same before.
                yield stored[at], at in attempt.events

    return [one.refused or list(told(one)) for one in attempts]


def _unless(attempt: Attempt, error: Exception) -> _Answer:
    """Return what comes of a request of a transaction that was not stored, or nobody knows.

    Args:
        attempt: The request, as it was decided.
        error: What is told to those that have something to store in it.
    """
    if attempt.events:
        return error
    # What it is told may stand on what was not stored.
    return _Again() if attempt.leans else _told([attempt], ())[0]


def _unknown(error: Exception, commands: Sequence[Command]) -> StoreUnreachable:
    ids = ", ".join(str(command.id) for command in commands[:_NAMED])
    more = " ..." if len(commands) > _NAMED else ""
    return StoreUnreachable(
        f"{error}; it is not known whether it was stored: send the same again, under the same "
        f"command id ({ids}{more}), and it is stored once"
    )
