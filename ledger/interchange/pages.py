"""Importing published pages: each page becomes its entry's history.

Two passes over the files. The first reads every page and learns what only all of them together
tell: which contexts each entry touches, and which pages are older versions of others. The second
turns each page into commands and stores them, many pages a transaction. Everything that is stored
follows from the pages alone, so a run that was cut short is finished by running it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec

from ledger.domain import editions, ids
from ledger.domain.commands import Command
from ledger.domain.entry import NewsEntry
from ledger.domain.events import RecordedEvent
from ledger.errors import (
    Conflict,
    ImportFailed,
    InvalidInput,
    LedgerError,
    NotFound,
    PageError,
    Refused,
)
from ledger.interchange.files import Failure, PageFile, walk
from ledger.interchange.survey import Found, Key, Survey
from ledger.interchange.versions import (
    EditWriter,
    PageVersion,
    creation,
    path_of,
    versions_of,
)
from ledger.pages.model import Page

PAGES_A_TRANSACTION = 250


class Target(Protocol):
    """The ledger that an import writes to."""

    def execute(self, commands: Sequence[Command]) -> list[RecordedEvent]:
        """Do all commands in one transaction, or none."""

    def known(self, entry: UUID) -> NewsEntry | None:
        """Return an entry as it is; None where there is none, or no ledger yet."""

    def headlines(self, entry: UUID) -> list[tuple[str, str]]:
        """Return headline and path of the versions that a Changes list shows, oldest first."""

    def owner(self, path: str, edition: str) -> UUID | None:
        """Return the entry that is or was at a path of an edition; None where none was."""


class ImportReport(msgspec.Struct, kw_only=True):
    """What an import did.

    Attributes:
        files: How many files were looked at.
        indexes: How many of them were day indexes, which are derived and not stored.
        created: Entries that are new.
        edited: Entries that were there and took edits.
        unchanged: Pages that brought nothing new.
        older: Pages of older versions, whose content went into the history of their entry.
        events: How many events were stored.
        failures: The pages that were not stored.
        notes: Pages that were stored, but would be rendered differently.
    """

    files: int = 0
    indexes: int = 0
    created: int = 0
    edited: int = 0
    unchanged: int = 0
    older: int = 0
    events: int = 0
    failures: list[Failure] = []
    notes: list[Failure] = []


Progress = Callable[[int, int], None]


class _Plan(msgspec.Struct, frozen=True):
    """What is to be done for a page."""

    found: Found
    commands: list[Command]
    is_new: bool


def import_pages(
    target: Target,
    paths: Sequence[Path],
    *,
    actor: str,
    now: datetime,
    strict: bool = False,
    edition: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Store the published pages in files and folders.

    Args:
        target: The ledger.
        paths: Files, and folders of any depth.
        actor: Who imports.
        now: The present time, aware.
        strict: Stop at the first page that cannot be stored, and store nothing of the run.
        edition: The edition of pages that do not tell theirs.
        progress: Is told how many pages are done, and how many there are.

    Raises:
        InvalidInput: A path is neither a file nor a folder.
        ImportFailed: With `strict`, a page could not be stored.
        StoreError: The store failed; the transactions before are stored.
    """
    if edition is not None:
        editions.edition(edition)
    return _Import(target, actor, now, strict, edition, progress).run(paths)


class _Import:
    def __init__(
        self,
        target: Target,
        actor: str,
        now: datetime,
        strict: bool,
        edition: str | None,
        progress: Progress | None,
    ) -> None:
        self._target = target
        self._actor = actor
        self._now = now
        self._strict = strict
        self._survey = Survey(edition)
        self._progress = progress
        self._report = ImportReport(notes=self._survey.notes)
        self._learned: dict[Key, set[str]] = {}

    def run(self, paths: Sequence[Path]) -> ImportReport:
        files = list(walk(paths))
        surveyed = [found for file in files if (found := self._look_at(file)) is not None]
        newer = self._survey.newer()
        pages = [found for found in surveyed if found.key not in newer]
        self._report.files = len(files)
        self._report.indexes = self._survey.indexes
        self._report.unchanged = self._survey.repeated
        self._report.older = len(surveyed) - len(pages)
        self._learned = self._survey.learned(self._present_key)
        done = 0
        for batch in self._batches(pages):
            self._store(batch)
            done += len(batch)
            if self._progress is not None:
                self._progress(done, len(pages))
        self._teach_others()
        return self._report

    def _look_at(self, file: PageFile) -> Found | None:
        try:
            return self._survey.add(file)
        except PageError as error:
            self._fail(file, error)
            return None

    def _batches(self, pages: Sequence[Found]) -> Iterator[list[Found]]:
        """Part the pages into transactions; of one entry's pages each sees the one before."""
        batch: dict[Key, Found] = {}
        for found in pages:
            if found.key in batch and self._strict:
                message = f"{batch[found.key].file.name} has the same permalink; import it before"
                self._fail(found.file, PageError(message))
            if found.key in batch or (len(batch) == PAGES_A_TRANSACTION and not self._strict):
                yield list(batch.values())
                batch = {}
            batch[found.key] = found
        if batch:
            yield list(batch.values())

    def _present_key(self, key: Key) -> Key | None:
        """Return the present path of the entry that the ledger has at a path."""
        edition, path = key
        owner = self._target.owner(path, edition)
        state = None if owner is None else self._target.known(owner)
        return None if state is None else (edition, state.wanted_path)

    def _store(self, pages: Sequence[Found]) -> None:
        plans: list[_Plan] = []
        for found in pages:
            try:
                plans.append(self._plan(found))
            except (PageError, InvalidInput, Refused) as error:
                self._fail(found.file, error)
        try:
            self._carry_out(plans)
        except (Conflict, NotFound, Refused):
            if self._strict:
                raise
            # Another writer came between: plan each page again, on what is there now.
            for plan in plans:
                self._store_alone(plan.found)

    def _store_alone(self, found: Found) -> None:
        try:
            self._carry_out([self._plan(found)])
        except (PageError, InvalidInput, Conflict, NotFound, Refused) as error:
            self._fail(found.file, error)

    def _carry_out(self, plans: Sequence[_Plan]) -> None:
        """Store what is planned, in one transaction, and count it."""
        if commands := [command for plan in plans for command in plan.commands]:
            self._report.events += len(self._target.execute(commands))
        for plan in plans:
            if not plan.commands:
                self._report.unchanged += 1
            elif plan.is_new:
                self._report.created += 1
            else:
                self._report.edited += 1

    def _plan(self, found: Found) -> _Plan:
        """Return what brings the ledger to what a page says."""
        page = self._survey.page(found)
        versions = versions_of(page, self._now, self._older_page_of(found))
        contexts = self._learned.get(found.key, set())
        state = self._state_of(page, versions[0])
        origin = found.file.name
        if state is None:
            first = creation(page, versions[0], sorted(contexts), actor=self._actor, origin=origin)
            writer = EditWriter(first, self._now, actor=self._actor, origin=origin)
            for version in versions[1:]:
                writer.edit(version, first.contexts)
            return _Plan(found, writer.commands, is_new=True)
        writer = EditWriter(state, self._now, actor=self._actor, origin=origin)
        have = state.contexts + tuple(sorted(contexts - set(state.contexts)))
        news = self._news(page, versions, state)
        for version in news[:-1]:
            writer.edit(version, state.contexts)
        if news:
            writer.edit(news[-1], have)
        elif have != state.contexts:
            writer.learn(have)
        return _Plan(found, writer.commands, is_new=False)

    def _state_of(self, page: Page, first: PageVersion) -> NewsEntry | None:
        """Return the entry that a page is of, if it is in the ledger."""
        state = self._target.known(ids.imported_entry_id(first.day, page.edition, first.path))
        if state is not None:
            return state
        owner = self._target.owner(first.path, page.edition)
        if owner is None:
            # Two entries may come to one path: the same headline tells that it is the same one.
            owner = self._target.owner(path_of(page), page.edition)
            own = (page.headline, path_of(page))
            owner = owner if owner and own in self._target.headlines(owner) else None
        return None if owner is None else self._target.known(owner)

    def _news(
        self, page: Page, versions: list[PageVersion], state: NewsEntry
    ) -> list[PageVersion]:
        """Return the versions that lead an entry on; none where the page is an older copy."""
        have = self._target.headlines(state.id)
        # A list may repeat a line: nothing has changed there.
        steps = groupby(versions, lambda version: (version.headline, version.path))
        versions = [list(same)[-1] for _, same in steps]
        want = [(version.headline, version.path) for version in versions]
        if page.changes:
            is_older_copy = len(want) < len(have) and want == have[: len(want)]
        else:
            is_older_copy = want[0] in have[:-1] and want[0] != have[-1]
        if is_older_copy:
            return []
        # The last version that both know may have other content now.
        return (
            versions[len(have) :] or versions[-1:] if want[: len(have)] == have else versions[-1:]
        )

    def _older_page_of(self, found: Found) -> Callable[[str, str], Page | None]:
        """Return what finds the pages of a page's older versions among the input."""

        def older_page(path: str, headline: str) -> Page | None:
            key = (found.key[0], path)
            older = self._survey.page_at(key) if key != found.key else None
            if older is not None and older.headline != headline:
                message = f"{path}.md has another headline than this page lists; it is not used"
                self._survey.notes.append(Failure(found.file.name, 0, message))
                return None
            return older

        return older_page

    def _teach_others(self) -> None:
        """Teach entries that no page of the run is about what its pages say they share."""
        for (edition, path), contexts in self._learned.items():
            if (edition, path) in self._survey:
                continue
            owner = self._target.owner(path, edition)
            state = None if owner is None else self._target.known(owner)
            if state is None or state.status != "active" or contexts <= set(state.contexts):
                continue
            writer = EditWriter(state, self._now, actor=self._actor, origin=None)
            writer.learn(state.contexts + tuple(sorted(contexts - set(state.contexts))))
            self._report.events += len(self._target.execute(writer.commands))
            self._report.edited += 1

    def _fail(self, file: PageFile, error: LedgerError) -> None:
        line = error.line if isinstance(error, PageError) else 0
        failure = Failure(file.name, line, str(error))
        if self._strict:
            raise ImportFailed(f"{failure}; nothing was stored") from error
        self._report.failures.append(failure)
