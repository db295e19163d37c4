"""What an import asks of the ledger it writes to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

from msgspec import UNSET

from ledger.domain.commands import Command
from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import EntryCreated, EntryEdited, RecordedEvent
from ledger.domain.values import FIELDS
from ledger.errors import StoreNotFound
from ledger.projections import permalinks
from ledger.projections.views import Views
from ledger.service import CommandHandler
from ledger.store.application import LedgerApplication


class _Anything:
    """Equals whatever it is compared with."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


ANYTHING = _Anything()


class ImportTarget:
    """The ledger as `interchange` sees it; where there is none yet, it is empty."""

    def __init__(
        self, handler: CommandHandler, application: LedgerApplication, views: Views
    ) -> None:
        self._handler = handler
        self._application = application
        self._views = views

    def execute(self, commands: Sequence[Command]) -> list[tuple[RecordedEvent, bool]]:
        """Do all commands in one transaction, or none; see `CommandHandler.execute`."""
        return self._handler.execute(commands)

    def known(self, entry: UUID) -> NewsEntry | None:
        """Return an entry as it is; None where there is none."""
        return self._handler.history(entry).state

    def said(self, entry: UUID) -> dict[str, object]:
        """Return what imports have said of an entry last, field by field.

        A field that somebody edited here since is as the import had it; one that no import said
        anything of is not there.
        """
        said: dict[str, object] = {}
        for event in self._application.history(entry):
            data = event.data
            if data.origin is None or not isinstance(data, EntryCreated | EntryEdited):
                continue
            values = {name: getattr(data, name) for name in FIELDS}
            said |= {name: value for name, value in values.items() if value is not UNSET}
            if event.erased is not None:
                # Nobody knows what it was: whatever a page says there is no news.
                said |= dict.fromkeys(event.erased.fields, ANYTHING)
        return said

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
