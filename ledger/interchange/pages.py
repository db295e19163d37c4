"""Importing published pages: each page becomes its entry's history.

Two passes over the files. The first reads every page and learns what only all of them together
tell: which contexts each entry touches, and which pages are older versions of others. The second
turns each page into commands and stores them, many pages a transaction. Everything that is stored
follows from the pages alone, so a run that was cut short is finished by running it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec

from ledger.domain import editions, ids
from ledger.domain.commands import Command
from ledger.domain.decide import Decided
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
    StoreError,
)
from ledger.interchange.edits import EditWriter, creation
from ledger.interchange.files import Failure, PageFile, walk
from ledger.interchange.said import said_of
from ledger.interchange.survey import Found, Key, Survey
from ledger.interchange.versions import PageVersion, path_of, versions_of
from ledger.pages.model import Page

PAGES_A_TRANSACTION = 250


class Target(Protocol):
    """The ledger that an import writes to."""

    def execute(
        self, commands: Sequence[Command], decided: Mapping[UUID, Decided]
    ) -> list[tuple[RecordedEvent, bool]]:
        """Do all commands in one transaction, or none; tell which were not done before.

        Args:
            commands: What to do.
            decided: What was decided already, by the commands' ids.
        """

    def known(self, entry: UUID) -> NewsEntry | None:
        """Return an entry as it is; None where there is none, or no ledger yet."""

    def events(self, entry: UUID) -> list[RecordedEvent]:
        """Return an entry's events, oldest first; none where there is no such entry."""

    def headlines(self, entry: UUID) -> list[tuple[str, str]]:
        """Return headline and path, oldest first, of the versions that changed either."""

    def present(self, entry: UUID) -> tuple[str, str] | None:
        """Return the edition and path that an entry has now; None where there is none."""

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
    """What is to be done for a page, or for an entry that pages tell something of."""

    commands: list[Command]
    decided: dict[UUID, Decided]
    found: Found | None = None
    is_new: bool = False


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
        surveyed = []
        for done, file in enumerate(files, 1):
            if (found := self._look_at(file)) is not None:
                surveyed.append(found)
            self._tell(done, 2 * len(files))
        newer = self._survey.newer()
        pages = [found for found in surveyed if found.key not in newer]
        self._report.files = len(files)
        self._report.indexes = self._survey.indexes
        self._report.unchanged = self._survey.repeated
        self._report.older = len(surveyed) - len(pages)
        self._learned = self._survey.learned(self._present_key)
        try:
            self._store_all(pages, len(files))
        except StoreError as error:
            if self._report.events:
                stored = f"{self._report.events} events of this run are stored"
                error.args = (f"{error}; {stored}: run it again to go on",)
            raise
        return self._report

    def _store_all(self, pages: Sequence[Found], files: int) -> None:
        done = 0
        *batches, last = list(self._batches(pages)) or [[]]
        for batch in batches:
            self._store(batch, ())
            done += len(batch)
            self._tell(files + done, 2 * files)
        self._store(last, self._others())
        self._tell(2 * files, 2 * files)

    def _tell(self, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress(done, total)

    def _look_at(self, file: PageFile | Failure) -> Found | None:
        if isinstance(file, Failure):
            self._fail(file.file, PageError(file.message, 0))
            return None
        try:
            return self._survey.add(file)
        except PageError as error:
            self._fail(str(file.path), error)
            return None

    def _batches(self, pages: Sequence[Found]) -> Iterator[list[Found]]:
        """Part the pages into transactions; of one entry's pages each sees the one before."""
        batch: dict[Key, Found] = {}
        for found in pages:
            if found.key in batch and self._strict:
                message = f"{batch[found.key].file.path} has the same permalink; import it before"
                self._fail(str(found.file.path), PageError(message, 0))
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
        return None if owner is None else self._target.present(owner)

    def _store(self, pages: Sequence[Found], others: Sequence[Key]) -> None:
        """Store pages, and what is to be said of other entries, in one transaction."""
        plans: list[_Plan] = []
        for found in pages:
            try:
                plans.append(self._plan(found))
            except (PageError, InvalidInput, Refused) as error:
                self._fail(str(found.file.path), error)
        plans += [plan for key in others if (plan := self._lesson(key)) is not None]
        try:
            self._carry_out(plans)
        except (Conflict, NotFound, Refused) as error:
            if self._strict:
                raise ImportFailed(f"{error}; nothing was stored") from error
            # Another writer came between: plan each again, on what is there now.
            for plan in plans:
                if plan.found is not None:
                    self._store_alone(plan.found)
            for key in others:
                with suppress(Conflict, NotFound, Refused):
                    self._carry_out([plan for plan in (self._lesson(key),) if plan])

    def _store_alone(self, found: Found) -> None:
        try:
            self._carry_out([self._plan(found)])
        except (PageError, InvalidInput, Conflict, NotFound, Refused) as error:
            self._fail(str(found.file.path), error)

    def _carry_out(self, plans: Sequence[_Plan]) -> None:
        """Store what is planned, in one transaction, and count what was not there before."""
        commands = [command for plan in plans for command in plan.commands]
        decided = dict(chain.from_iterable(plan.decided.items() for plan in plans))
        done = iter(self._target.execute(commands, decided) if commands else ())
        for plan in plans:
            stored = sum(is_new for _, is_new in islice(done, len(plan.commands)))
            self._report.events += stored
            if not stored:
                self._report.unchanged += plan.found is not None
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
                writer.edit(version)
            return _Plan(writer.commands, writer.decided, found, is_new=True)
        have = self._target.headlines(state.id)
        writer = EditWriter(state, self._now, actor=self._actor, origin=origin, path=have[-1][1])
        # What an import said before and says again is no news, whatever was edited here since.
        said = said_of(self._target.events(state.id))
        added = tuple(sorted(contexts - set(state.contexts)))
        news = _news(page, versions, have, said)
        for version in news[:-1]:
            writer.edit(version, said)
        if news:
            writer.edit(news[-1], said, added)
        elif added:
            writer.learn(added)
        return _Plan(writer.commands, writer.decided, found)

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

    def _older_page_of(self, found: Found) -> Callable[[str, str], Page | None]:
        """Return what finds the pages of a page's older versions among the input."""

        def older_page(path: str, headline: str) -> Page | None:
            key = (found.key[0], path)
            older = self._survey.page_at(key) if key != found.key else None
            if older is not None and older.headline != headline:
                message = f"{path}.md has another headline than this page lists; it is not used"
                self._survey.notes.append(Failure(str(found.file.path), 0, message))
                return None
            return older

        return older_page

    def _others(self) -> list[Key]:
        """Return the entries that no page of the run is about, but whose contexts pages tell."""
        return [key for key in self._learned if key not in self._survey]

    def _lesson(self, key: Key) -> _Plan | None:
        """Return what teaches an entry the contexts that pages say it shares with theirs."""
        edition, path = key
        owner = self._target.owner(path, edition)
        state = None if owner is None else self._target.known(owner)
        if state is None or state.status != "active" or self._learned[key] <= set(state.contexts):
            return None
        writer = EditWriter(state, self._now, actor=self._actor, origin=None)
        writer.learn(tuple(sorted(self._learned[key] - set(state.contexts))))
        return _Plan(writer.commands, writer.decided)

    def _fail(self, file: str, error: LedgerError) -> None:
        line = error.line if isinstance(error, PageError) else 0
        failure = Failure(file, line, str(error))
        if self._strict:
            raise ImportFailed(f"{failure}; nothing was stored") from error
        self._report.failures.append(failure)


def _news(
    page: Page,
    versions: Sequence[PageVersion],
    have: Sequence[tuple[str, str]],
    said: Mapping[str, object],
) -> Sequence[PageVersion]:
    """Return the versions that lead an entry on; none where the page is an older copy.

    Args:
        page: The page.
        versions: What it tells of.
        have: Headline and path, oldest first, of what the ledger has.
        said: What imports have said of the entry last.
    """
    # A list may repeat a line: nothing has changed there.
    steps = groupby(versions, lambda version: (version.headline, version.path))
    versions = [list(same)[-1] for _, same in steps]
    want = [(version.headline, version.path) for version in versions]
    last = versions[-1]
    grew = len(want) > len(have) and want[: len(have)] == have
    if not grew and (last.headline, last.day, last.slug) == tuple(
        said.get(name) for name in ("headline", "date", "slug")
    ):
        # As it was imported, whatever was edited here since: but its content may differ.
        return versions[-1:]
    if page.changes:
        is_older_copy = len(want) < len(have) and want == have[: len(want)]
    else:
        is_older_copy = want[0] in have[:-1] and want[0] != have[-1]
    if is_older_copy:
        return []
    # The last version that both know may have other content now.
    return versions[len(have) :] or versions[-1:] if want[: len(have)] == have else versions[-1:]
