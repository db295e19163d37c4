"""The write side of the facade: single commands, and whole archives taken in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Unpack

from ledger.domain.commands import (
    Command,
    CreateEntry,
    EditEntry,
    MergeEntry,
    PublishCorrection,
    ReinstateEntry,
    RetractEntry,
    RevertEntry,
)
from ledger.domain.events import RecordedEvent
from ledger.domain.values import CorrectionKind
from ledger.lists import LedgerLists
from ledger.options import CommandOptions, CreateOptions, EditOptions
from ledger.projections.projector import Progress
from ledger.projections.views import Views
from ledger.reading import EntryRef
from ledger.service import CommandHandler
from ledger.store.application import LedgerApplication

if TYPE_CHECKING:
    from ledger.importing import ImportTarget
    from ledger.interchange.git.history import GitOptions, GitReport
    from ledger.interchange.pages import ImportReport
    from ledger.loading import LoadReport


class LedgerWriter(LedgerLists):
    """Does what commands ask for, and takes in what was published before.

    Each command returns the event that it made, once it is durable.

    Args:
        application: The log.
        views: Its read models.
        now: The present time, aware.
    """

    def __init__(
        self, application: LedgerApplication, views: Views, now: Callable[[], datetime]
    ) -> None:
        super().__init__(application, views)
        self._now = now
        self._handler = CommandHandler(application, now)

    # Single commands

    def execute(self, commands: Sequence[Command]) -> list[RecordedEvent]:
        """Do all of `commands` in one transaction, or none; return each one's event.

        A command that was done before (by its id) is not done again: its event is returned.

        Raises:
            InvalidInput: A value cannot be taken.
            NotFound: A command names an entry or a version that is not there.
            Refused: A rule forbids a command; nothing changed, the entry is closed, ...
            Conflict: An entry has moved on from a command's `expected_version`.
        """
        return [event for event, _ in self._handler.execute(commands)]

    def create(self, date: date, headline: str, **options: Unpack[CreateOptions]) -> RecordedEvent:
        """Create an entry; its id is the event's `entry`."""
        return self._do(CreateEntry(date=date, headline=headline, **options))

    def edit(self, entry: EntryRef, **options: Unpack[EditOptions]) -> RecordedEvent:
        """Change some fields of an entry; NothingChanged where it already says that."""
        return self._do(EditEntry(entry=self.id_of(entry), **options))

    def revert(
        self, entry: EntryRef, to_version: int, **options: Unpack[CommandOptions]
    ) -> RecordedEvent:
        """Give an entry all the fields that it had in an earlier version."""
        return self._do(RevertEntry(entry=self.id_of(entry), to_version=to_version, **options))

    def retract(self, entry: EntryRef, **options: Unpack[CommandOptions]) -> RecordedEvent:
        """Take an entry back, in public; it stays readable."""
        return self._do(RetractEntry(entry=self.id_of(entry), **options))

    def reinstate(self, entry: EntryRef, **options: Unpack[CommandOptions]) -> RecordedEvent:
        """Undo a retraction or a merge."""
        return self._do(ReinstateEntry(entry=self.id_of(entry), **options))

    def correct(
        self,
        entry: EntryRef,
        text: str,
        kind: CorrectionKind = "correction",
        **options: Unpack[CommandOptions],
    ) -> RecordedEvent:
        """Put a public note on an entry."""
        return self._do(
            PublishCorrection(entry=self.id_of(entry), text=text, kind=kind, **options)
        )

    def merge(
        self, entry: EntryRef, into: EntryRef, **options: Unpack[CommandOptions]
    ) -> RecordedEvent:
        """Merge an entry into another, which goes on in its place."""
        return self._do(MergeEntry(entry=self.id_of(entry), into=self.id_of(into), **options))

    def _do(self, command: Command) -> RecordedEvent:
        return self.execute([command])[0]

    # Importing; what for is imported when it is done

    def import_pages(
        self,
        paths: Sequence[Path],
        *,
        actor: str,
        strict: bool = False,
        edition: str | None = None,
        progress: Progress | None = None,
    ) -> ImportReport:
        """Store the published pages in files and folders; see `interchange.pages`.

        Raises:
            InvalidInput: A path is neither a file nor a folder.
            ImportFailed: With `strict`, a page could not be stored; nothing was.
        """
        from ledger.interchange.pages import import_pages

        return import_pages(
            self._import_target(),
            paths,
            actor=actor,
            now=self._now(),
            strict=strict,
            edition=edition,
            progress=progress,
        )

    def import_jsonl(self, lines: IO[bytes], progress: Progress | None = None) -> LoadReport:
        """Put a log that was exported as JSON Lines into the store; see `loading.load`.

        Raises:
            InvalidInput: The file is damaged, or its events do not follow those of the store.
            DoesNotHold: What was stored is not what the file's last line says of it.
        """
        from ledger.loading import load

        return load(lines, self, progress)

    def import_git(
        self, repository: Path, *, actor: str, **options: Unpack[GitOptions]
    ) -> GitReport:
        """Store what the commits of a git repository of published pages changed.

        Args:
            repository: Its folder, with a work tree or bare; or a bundle.
            actor: Who imports, and so tells what is learned at the end.
            options: Which commits, and how; see `interchange.git.history.import_git`.

        Raises:
            InvalidInput: There is no such repository or commit, or it cannot be read.
        """
        from ledger.interchange.git.history import import_git
        from ledger.interchange.git.repository import Repository

        with Repository(repository) as source:
            target = self._import_target()
            return import_git(target, source, actor=actor, now=self._now(), **options)

    def _import_target(self) -> ImportTarget:
        from ledger.importing import ImportTarget

        return ImportTarget(self._handler, self.application, self.views)
