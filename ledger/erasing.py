"""Erasing: content is taken out of the log, the views and the files, and the proofs go on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import NAMESPACE_OID, uuid5

from eventsourcing.persistence import IntegrityError
from msgspec.structs import replace

from ledger.deciding import require_expected, require_same
from ledger.domain import erasure, rules
from ledger.domain.commands import EraseVersions, digest_of
from ledger.domain.decide import meta_of, storable
from ledger.domain.erasure import Plan
from ledger.domain.events import EntryErased, EntryRestated, Event, RecordedEvent
from ledger.errors import (
    CommandIdReused,
    EntryNotFound,
    InvalidInput,
    StoreBusy,
    StoreError,
    StoreUnreachable,
)
from ledger.projections import permalinks
from ledger.projections.views import Views
from ledger.results import Erased
from ledger.service import CommandHandler
from ledger.store.application import LedgerApplication
from ledger.store.erasures import blanked
from ledger.store.leaf import digest_of as digest_of_blob
from ledger.store.patience import Patience
from ledger.store.rows import Blank, Row
from ledger.store.urls import parse_store_url

TRIES = 100
"""How often an erasure begins again where others write to the log meanwhile."""

_NAMES_A_BLOB = re.compile(r"@[0-9]+ (content|meta) ")
_REASON = "restates what remains of erased versions"


class Eraser:
    """Takes the content of versions away; who, when, and every proof stay.

    Args:
        application: The log.
        views: Its views, which are made anew.
        handler: What decides all other commands.
        now: The present time, aware.
    """

    def __init__(
        self,
        application: LedgerApplication,
        views: Views,
        handler: CommandHandler,
        now: Callable[[], datetime],
    ) -> None:
        self._application = application
        self._views = views
        self._histories = handler.histories
        self._now = now

    def erase(self, command: EraseVersions) -> Erased:
        """Blank what is named, say so in the log, and make the views anew; then `purge`.

        Raises:
            EntryNotFound: There is no such entry.
            VersionNotFound: It has no such version.
            Refused: The current version still shows the text, or nothing would go.
            Conflict: The entry has moved on from the command's `expected_version`.
            StoreError: The store failed; nothing was erased.
        """
        patience = Patience(parse_store_url(self._application.url).timeout)
        for _ in range(TRIES):
            try:
                done = self._attempt(command)
            except StoreUnreachable as error:
                if not patience.wait():
                    raise StoreUnreachable(
                        f"{error}; it is not known whether it was erased: send the same again, "
                        f"under the same command id ({command.id})"
                    ) from error
                continue
            if done is not None:
                try:
                    self.purge()
                except StoreError as error:
                    at = done.event.position
                    raise type(error)(f"it is erased, as event {at} says; but {error}") from error
                return done
        raise StoreBusy("the log is being written all the time: try again; nothing was erased")

    def plan(self, command: EraseVersions) -> Plan:
        """Return what an erasure would come to; see `erase` for the errors."""
        return self._plan(command, self._events(command))

    def purge(self) -> None:
        """Take what was erased out of the views and of the freed parts of all files.

        Raises:
            StoreBusy: Another process is reading what was; nothing is lost by trying again.
        """
        self._views.purge()
        self._application.log.purge()

    def _attempt(self, command: EraseVersions) -> Erased | None:
        """Erase, or return None where somebody else wrote to the log meanwhile."""
        head = self._application.log.head().position
        events = self._events(command)
        for event in events:
            if event.meta.command == command.id:
                if not isinstance(event.data, EntryErased):
                    raise CommandIdReused(
                        f"the command id {command.id} was already used for another command "
                        f"(version {event.version} of entry {event.entry})"
                    )
                require_same(command, event)
                return Erased(event, None)
        require_expected(command, self._histories.get(command.entry), self._histories)
        plan = self._plan(command, events)
        rows = self._application.rows_of(command.entry)
        blanks = [Blank(rows[v - 1].position, "content") for v in plan.contents]
        blanks += [Blank(rows[v - 1].position, "meta") for v in plan.metas]
        first, second = self._said(command, plan, rows, blanks)
        mapper = self._application.event_mapper
        try:
            self._application.log.erase(
                [mapper.to_row(first), mapper.to_row(second)], blanks, head
            )
        except IntegrityError:
            if self._application.log.head().position == head:
                raise
            return None
        return Erased(self._application.history(command.entry, first.version - 1)[0], plan)

    def _events(self, command: EraseVersions) -> list[RecordedEvent]:
        events = self._application.history(command.entry)
        if not events:
            raise EntryNotFound(f"there is no entry {command.entry}")
        return events

    def _plan(self, command: EraseVersions, events: list[RecordedEvent]) -> Plan:
        numbering = self._views.read(
            partial(permalinks.numbering, entry=command.entry), "permalinks"
        )
        return erasure.plan(events, command, numbering)

    def _said(
        self, command: EraseVersions, plan: Plan, rows: list[Row], blanks: list[Blank]
    ) -> tuple[Event, Event]:
        """Return the events that say what was erased, and what remains."""
        if command.reason is None:
            raise InvalidInput("say why it is erased")
        by_position = {row.position: row for row in rows}
        meta = meta_of(command, self._now())
        version = rows[-1].version + 1
        authority = rules.check_text("authority", command.authority)
        if _NAMES_A_BLOB.search(authority):
            # The database looks for such words to see what may go.
            raise InvalidInput("the authority must not name a position as an erasure does")
        data = EntryErased(
            authority=authority,
            blanked=tuple(
                blanked(blank.position, blank.blob, digest_of_blob(_blob(by_position, blank)))
                for blank in blanks
            ),
            digest=digest_of(command),
        )
        restated = replace(
            meta, minor=True, reason=_REASON, command=uuid5(NAMESPACE_OID, command.id.hex)
        )
        return (
            storable(Event(command.entry, version, meta, data)),
            storable(
                Event(command.entry, version + 1, restated, EntryRestated(versions=plan.remains))
            ),
        )


def _blob(rows: dict[int, Row], blank: Blank) -> bytes:
    row = rows[blank.position]
    return row.meta if blank.blob == "meta" else row.content
