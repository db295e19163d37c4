"""What an import asks of the ledger it writes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from uuid import UUID

from ledger.domain.commands import Command
from ledger.domain.decide import Decided
from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import RecordedEvent
from ledger.errors import StoreNotFound
from ledger.projections import permalinks
from ledger.projections.views import Views
from ledger.service import CommandHandler
from ledger.store.application import LedgerApplication


class ImportTarget:
    """The ledger as `interchange` sees it; where there is none yet, it is empty."""

    def __init__(
        self, handler: CommandHandler, application: LedgerApplication, views: Views
    ) -> None:
        self._handler = handler
        self._application = application
        self._views = views

    def execute(
        self, commands: Sequence[Command], decided: Mapping[UUID, Decided]
    ) -> list[tuple[RecordedEvent, bool]]:
        """Do all commands in one transaction, or none; see `CommandHandler.execute`."""
        return self._handler.execute(commands, decided)

    def known(self, entry: UUID) -> NewsEntry | None:
        """Return an entry as it is; None where there is none."""
        return self._handler.histories.get(entry).state

    def events(self, entry: UUID) -> list[RecordedEvent]:
        """Return an entry's events, oldest first; none where there is no such entry."""
        try:
            return self._application.history(entry)
        except StoreNotFound:
            return []

    def is_empty(self) -> bool:
        """Return whether there is no event yet."""
        try:
            return self._application.log.head().position == 0
        except StoreNotFound:
            return True

    def origins(self) -> Iterator[str]:
        """Yield where imports found what they stored, last first."""
        for event in self._application.read(reverse=True):
            if event.data.origin is not None:
                yield event.data.origin

    def headlines(self, entry: UUID) -> list[tuple[str, str]]:
        """Return headline and path, oldest first, of the versions that changed either."""
        moves = self._views.read(lambda db: permalinks.moves(db, entry), "permalinks")
        state: NewsEntry | None = None
        steps: list[tuple[str, str]] = []
        for event in self._application.history(entry):
            state = evolve(state, event)
            steps.append((state.headline, permalinks.path_at(moves, state.version)))
        return [step for step, _ in groupby(steps)]

    def present(self, entry: UUID) -> tuple[str, str] | None:
        """Return the edition and path that an entry has now; None where there is none."""
        return self._views.read(lambda db: permalinks.present(db, entry), "permalinks")

    def owner(self, path: str, edition: str) -> UUID | None:
        """Return the entry that is or was at a path of an edition; None where none was."""
        try:
            return self._views.read(lambda db: permalinks.owner(db, path, edition), "permalinks")
        except StoreNotFound:
            return None
