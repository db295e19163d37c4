"""The write side: commands in, events out, whatever other writers do meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from eventsourcing.persistence import IntegrityError

from ledger.batching import Batching, Interrupted
from ledger.deciding import Pending, Request
from ledger.domain.commands import Command, CreateEntry
from ledger.domain.decide import Decided
from ledger.domain.events import Event, RecordedEvent
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
        is_first = True
        while True:
            try:
                self._look(request, is_first=is_first)
                return self._batching.submit(request)
            except _Again:
                pass
            except (StoreUnreachable, Interrupted) as error:
                if isinstance(error, Interrupted):
                    request.unanswered |= {command.id for command in commands}
                # Where nothing was sent, there is nothing to find out.
                if not request.unanswered:
                    raise
                if not patience.wait():
                    raise _unknown(error, commands) from error
            is_first = False

    def _look(self, request: Request, *, is_first: bool) -> None:
        """Read what is not known of a request's entries, in its own thread.

        At first, in an epoch, what is kept of them is trusted, and a new one is taken to be new:
        where it is otherwise, the append is refused, and from then on all is read.
        """
        epoch = self.histories.epoch if is_first else None
        request.known = known = dict[UUID, History]()
        request.guesses = False
        for command, entry in zip(request.commands, request.entries, strict=True):
            if entry in known or self.histories.fresh(entry, epoch) is not None:
                continue
            if epoch is not None and isinstance(command, CreateEntry):
                known[entry] = History()
                request.guesses = True
            else:
                known[entry] = self.histories.get(entry)

    def _do(self, requests: Sequence[Request]) -> list[_Answer]:
        """Do what threads ask for at the same time: in one transaction, in the order of asking.

        It is decided where it is committed: threads that each decide for themselves hand Python's
        lock to and fro, which takes longer than deciding does.
        """
        pending = Pending(self.histories, self.histories.epoch)
        answers: list[_Wanted] = []
        for request in requests:
            trial = pending.beside(request)
            try:
                events = trial.decide(request, self._now())
            except OthersWrote:
                self.histories.trust_nothing()
                answers.append(_Again())
            except LedgerError as error:
                # Perhaps on what is so no more. Somebody is told only of what was just read.
                is_sure = isinstance(error, StoreError) or not trial.trusts
                answers.append(error if is_sure else _Again())
            except Exception as error:  # noqa: BLE001 - it is its caller's alone
                answers.append(error)
            else:
                answers.append([(event, pending.is_news(event, request)) for event in events])
                pending = trial
        if not pending.events:
            return _told(answers, ())
        return self._store(requests, answers, pending)

    def _store(
        self, requests: Sequence[Request], answers: Sequence[_Wanted], pending: Pending
    ) -> list[_Answer]:
        """Append what was decided; where another writer was first, it is to be decided again."""
        epoch = pending.epoch
        again: list[_Answer] = [_Again() for _ in requests]
        try:
            now = self._application.log.epoch() if epoch is None else epoch
            recorded = self._application.append(
                [*pending.events.values()], pending.looked_at, epoch
            )
        except OthersWrote:
            self.histories.trust_nothing()
            return again
        except IntegrityError as error:
            if len(requests) > 1:
                return [answer for request in requests for answer in self._do([request])]
            if self._anybody_was_first(pending):
                return again
            return [StoreError(f"the store refused the events: {error}")]
        except StoreError as error:
            # The others were perhaps refused for what was not stored.
            for number, (request, answer) in enumerate(zip(requests, answers, strict=True)):
                if isinstance(answer, list) and any(is_news for _, is_news in answer):
                    again[number] = error
                    if isinstance(error, StoreUnreachable):
                        request.unanswered |= {event.meta.command for event, _ in answer}
            return again
        self.histories.note(recorded, pending.histories, now)
        return _told(answers, recorded)

    def _anybody_was_first(self, pending: Pending) -> bool:
        ours = [(event.entry, event.version - 1) for event in pending.events.values()]
        return any(
            self._application.log.read_entry(entry.bytes, version)
            for entry, version in (*ours, *pending.looked_at.items())
        )


_Done = list[tuple[RecordedEvent, bool]]
"""One event a command, and whether it is new."""

_Answer = _Done | Exception
_Wanted = list[tuple[Event, bool]] | Exception
"""What comes of a request, and what is to come of it: or the error that it is refused with."""


class _Again(Exception):
    """A request is to be made again, on what is read anew."""


def _told(answers: Iterable[_Wanted], recorded: Iterable[RecordedEvent]) -> list[_Answer]:
    """Return answers with their events as recorded."""
    stored = {(event.entry, event.version): event for event in recorded}

    def told(event: Event) -> RecordedEvent:
        if isinstance(event, RecordedEvent):
            return event
        return stored[event.entry, event.version]

    return [
        answer if isinstance(answer, Exception) else [(told(event), new) for event, new in answer]
        for answer in answers
    ]


def _unknown(error: Exception, commands: Sequence[Command]) -> StoreUnreachable:
    ids = ", ".join(str(command.id) for command in commands[:_NAMED])
    more = " ..." if len(commands) > _NAMED else ""
    return StoreUnreachable(
        f"{error}; it is not known whether it was stored: send the same again, under the same "
        f"command id ({ids}{more}), and it is stored once"
    )
