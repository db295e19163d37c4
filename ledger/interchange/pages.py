"""Importing published pages: each page becomes its entry's history.

Two passes over the files. The first reads every page and learns what only all of them together
tell: which contexts each entry touches, and which pages are older versions of others. The second
turns each page into commands and stores them, many pages a transaction. Everything that is stored
follows from the pages alone, so a run that was cut short is finished by running it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec.structs import replace

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
from ledger.interchange.files import Failure, PageFile, read_text, walk
from ledger.interchange.versions import (
    EditWriter,
    PageVersion,
    creation,
    path_of,
    versions_of,
    with_slug,
)
from ledger.pages.markdown import is_index, parse, render
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

Key = tuple[str, str]
"""Edition and path: what a page is called by other pages."""


class _Found(msgspec.Struct, frozen=True):
    """What the second pass needs to know of a page before it reads it again."""

    file: PageFile
    key: Key


class _Plan(msgspec.Struct, frozen=True):
    """What is to be done for a page."""

    found: _Found
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
        self._edition = edition
        self._progress = progress
        self._report = ImportReport()
        self._learned: defaultdict[Key, set[str]] = defaultdict(set)
        self._newer: dict[Key, Key] = {}
        self._files: dict[Key, PageFile] = {}

    def run(self, paths: Sequence[Path]) -> ImportReport:
        files = list(walk(paths))
        self._report.files = len(files)
        surveyed = [found for file in files if (found := self._survey(file)) is not None]
        pages = [found for found in surveyed if self._newer.get(found.key) not in self._files]
        self._report.older = len(surveyed) - len(pages)
        size = max(len(pages), 1) if self._strict else PAGES_A_TRANSACTION
        for start in range(0, len(pages), size):
            self._store(pages[start : start + size])
            if self._progress is not None:
                self._progress(min(start + size, len(pages)), len(pages))
        self._teach_others()
        return self._report

    # First pass

    def _survey(self, file: PageFile) -> _Found | None:
        """Read a page and note what it tells about others; None where it is not to be stored."""
        try:
            text = "" if file.is_index else read_text(file.path)
            if file.is_index or is_index(text):
                self._report.indexes += 1
                return None
            page = self._parse(file, text)
        except PageError as error:
            self._fail(file, error)
            return None
        key = (page.edition, path_of(page))
        self._files[key] = file
        if page.topic and page.topic.strip():
            self._learned[key].add(page.topic)
        for line in page.related:
            # What A's page says it shares with B, both have.
            self._learned[key].update(line.contexts)
            self._learned[page.edition, line.path].update(line.contexts)
        for change in page.changes[:-1]:
            if (page.edition, change.path) != key:
                self._newer[page.edition, change.path] = key
        self._note_difference(file, text, page)
        return _Found(file, key)

    def _parse(self, file: PageFile, text: str) -> Page:
        page = with_slug(parse(text, self._edition), file.path)
        if page.changes and page.changes[-1].headline != page.headline:
            raise PageError("the current version in the Changes list has another headline")
        return page

    def _note_difference(self, file: PageFile, text: str, page: Page) -> None:
        """Note the first line that would not come back as it is; the Related list is derived."""
        rendered = render(replace(page, related=())).splitlines()
        for number, (was, is_) in enumerate(zip(text.split("\n"), rendered, strict=False), 1):
            if was != is_:
                message = "this line would be rendered differently"
                self._report.notes.append(Failure(file.name, number, message))
                return

    # Second pass

    def _store(self, pages: Sequence[_Found]) -> None:
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

    def _store_alone(self, found: _Found) -> None:
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

    def _plan(self, found: _Found) -> _Plan:
        """Return what brings the ledger to what a page says."""
        page = self._parse(found.file, read_text(found.file.path))
        versions = versions_of(page, self._now, self._older_page_of(page))
        contexts = self._learned[found.key]
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
        elif have != state.contexts and state.status == "active":
            writer.learn(have)
        return _Plan(found, writer.commands, is_new=False)

    def _state_of(self, page: Page, first: PageVersion) -> NewsEntry | None:
        """Return the entry that a page is of, if it is in the ledger."""
        state = self._target.known(ids.imported_entry_id(first.day, page.edition, first.path))
        if state is None:
            owner = self._target.owner(path_of(page), page.edition)
            state = None if owner is None else self._target.known(owner)
        return state

    def _news(
        self, page: Page, versions: list[PageVersion], state: NewsEntry
    ) -> list[PageVersion]:
        """Return the versions that lead an entry on; none where the page is an older copy."""
        have = self._target.headlines(state.id)
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

    def _older_page_of(self, page: Page) -> Callable[[str, str], Page | None]:
        """Return what finds the pages of the older versions of `page` among the input."""

        def older_page(path: str, headline: str) -> Page | None:
            file = self._files.get((page.edition, path))
            if file is None or path == page.path:
                return None
            older = self._parse(file, read_text(file.path))
            return older if older.headline == headline else None

        return older_page

    def _teach_others(self) -> None:
        """Teach entries that no page of the run is about what its pages say they share."""
        for (edition, path), contexts in self._learned.items():
            if (edition, path) in self._files:
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
