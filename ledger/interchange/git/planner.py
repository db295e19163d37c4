"""What the pages of a commit come to: entries created, edited, retitled, taken back, brought back.

The rules, for the pages that a commit changes:

- A page that changed in derived parts only is noise (see `essence`).
- A page that changed edits its entry: by what it says otherwise than imports said last, and by
  nothing else, so that what was edited in the ledger meanwhile stays.
- One that went and one that came under the same permalink are one, whose file was moved.
- One whose Changes list names the permalink of another is of the same entry, which was retitled.
- So are one that went and one of the same day that came, alike enough (see `likeness`).
- One that went alone retracts its entry, unless a copy of it is left; one that comes where a page
  went reinstates it.
- One that comes where no entry is creates one, under the id that every import gives it.
- One at a permalink that an entry has left, with a headline that it had there, is an older copy,
  as long as the entry's own page is elsewhere.
- One at a permalink whose entry's page is in another file is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby

from msgspec.structs import replace

from ledger.domain import ids
from ledger.domain.commands import CreateEntry
from ledger.domain.entry import NewsEntry
from ledger.domain.permalinks import parse_permalink
from ledger.domain.values import Basis
from ledger.errors import InvalidInput, PageError, Refused
from ledger.interchange.edits import EditWriter, creation
from ledger.interchange.files import Failure
from ledger.interchange.git.entries import Entries, Known, origin_of, wanted_key
from ledger.interchange.git.likeness import pairs
from ledger.interchange.git.plans import Group, Kind, Plan
from ledger.interchange.git.reader import Found, PageReader, key_of
from ledger.interchange.git.repository import Change, Commit
from ledger.interchange.survey import Key
from ledger.interchange.versions import PageVersion, versions_of
from ledger.pages.model import Page

_SAID = ("headline", "slug", "topic", "summary", "sources", "cover_image", "edition", "layout")

_MOST_REASON = 2_000


class Planner:
    """Decides what changed pages come to; it stores nothing.

    Args:
        reader: Reads them, and those that a change does not bring along.
        entries: Where their entries are found.
        now: The present time, aware: no version is later.
        alike: From which likeness on a page that went and one that came are one entry.
    """

    def __init__(self, reader: PageReader, entries: Entries, now: datetime, alike: float) -> None:
        self.reader = reader
        self.entries = entries
        self.now = now
        self.alike = alike

    def plan(self, commit: Commit, number: int, group: Group) -> Plan:
        """Return what the pages of a group come to.

        Args:
            commit: The commit that they are of.
            number: Its number in its history.
            group: What it changed.
        """
        return _Planning(self, commit, number).run(group)


class _Planning:
    """Plans one group."""

    def __init__(self, planner: Planner, commit: Commit, number: int) -> None:
        self._reader = planner.reader
        self._entries = planner.entries
        self._now = planner.now
        self._alike = planner.alike
        self._commit = commit
        self._number = number
        self._actor = _plain(commit.author) or "unknown"
        self._reason = _plain(commit.subject)[:_MOST_REASON] or None
        # The clock of whoever committed may have been ahead.
        self._at = min(commit.at, planner.now)
        self._basis: Basis = "commit" if self._at == commit.at else "inferred"
        self._plan = Plan()
        self._others: dict[Key, Page] = {}

    def run(self, group: Group) -> Plan:
        went: dict[str, Page | None] = {}
        came: dict[str, Page] = {}
        for change, content in group:
            with self._failing(change.path):
                if change.new is None:
                    went[change.path] = self._as_it_was(change.path, content)
                elif (found := self._read(change, content)) is None:
                    self._plan.fates["indexes"] += 1
                elif change.old is None:
                    came[change.path] = found.page
                else:
                    self._edited(change.path, change.old, found)
        self._others = {key_of(page): page for page in came.values()}
        for old, new in self._moved(went, came):
            self._became(old, went.pop(old), new, came.pop(new), "edited")
        # Those with a history tell what the others are.
        for new in sorted(came, key=lambda file: -len(came[file].changes)):
            if came[new].changes:
                self._came(new, came.pop(new))
        for old, new in self._retitled(went, came):
            self._became(old, went.pop(old), new, came.pop(new), "retitled")
        for new, page in came.items():
            self._came(new, page)
        for old, was in went.items():
            self._went(old, was)
        return self._plan

    @contextmanager
    def _failing(self, file: str) -> Iterator[None]:
        try:
            yield
        except (PageError, InvalidInput, Refused) as error:
            line = error.line if isinstance(error, PageError) else 0
            where = f"{self._commit.id[:12]}:{file}"
            self._plan.failures.append(Failure(where, line, str(error)))

    # Which page is which

    def _read(self, change: Change, content: bytes) -> Found | None:
        try:
            return self._reader.page(change.path, content)
        except PageError:
            self._reader.broken(change, content)
            raise

    def _as_it_was(self, file: str, content: bytes) -> Page | None:
        """Return the page that a file was; None where it was none."""
        try:
            found = self._reader.page(file, content)
        except PageError:
            return None
        return None if found is None else found.page

    def _entry_of(self, file: str, page: Page | None) -> Known | None:
        """Return the entry of a page; where it was none, the one that is at the file's path."""
        if page is not None:
            return self._entries.at(key_of(page), file)
        link = parse_permalink(f"/{file}")
        keys = [(edition, link.path) for edition in link.editions] if link else []
        return next((known for key in keys if (known := self._entries.at(key, file))), None)

    def _moved(
        self, went: Mapping[str, Page | None], came: Mapping[str, Page]
    ) -> list[tuple[str, str]]:
        """Return the files that went with those that came under the same permalink."""
        at = {key_of(page): file for file, page in reversed(list(came.items()))}
        return [
            (old, at.pop(key_of(page)))
            for old, page in went.items()
            if page is not None and key_of(page) in at and self._entry_of(old, page) is not None
        ]

    def _retitled(
        self, went: Mapping[str, Page | None], came: Mapping[str, Page]
    ) -> list[tuple[str, str]]:
        """Return the files that went with those that came alike, where no entry was."""
        gone = {old: page for old, page in went.items() if page and self._stands(old, page)}
        if not gone:
            return []
        fresh = {new: page for new, page in came.items() if not self._entry_of(new, page)}
        return pairs(gone, fresh, self._alike)

    def _stands(self, file: str, page: Page) -> bool:
        known = self._entry_of(file, page)
        return known is not None and _is_active(known)

    def _elsewhere(self, known: Known, file: str, page: Page | None) -> str | None:
        """Return in which other file of the commit the page of an entry is; None: in none."""
        if known.file is None or known.file == file:
            return None
        keys = {known.key, wanted_key(known.state)} | ({key_of(page)} if page else set())
        return next(
            (
                known.file
                for key in sorted(keys)
                if self._reader.is_at(self._commit.id, known.file, key)
            ),
            None,
        )

    # What becomes of one

    def _edited(self, file: str, old: str, found: Found) -> None:
        known = self._entry_of(file, found.page) if found.is_told else None
        if known is None:
            # Its headline gave it its path, or its labels its edition, and may do so anew.
            known = self._entry_of(file, self._as_it_was(file, self._reader.content(old)))
        self._came(file, found.page, known, is_new=False)

    def _became(self, old: str, was: Page | None, new: str, page: Page, kind: Kind) -> None:
        with self._failing(new):
            known = self._entry_of(old, was)
            if known is not None:
                self._lead_on(known, new, page, kind)

    def _came(
        self, file: str, page: Page, known: Known | None = None, *, is_new: bool = True
    ) -> None:
        """Store a page: of the entry at its path, or of one that its list names, or a new one."""
        with self._failing(file):
            known = known or self._entry_of(file, page)
            if known is not None:
                self._require_alone(known, file, page, is_new)
                self._lead_on(known, file, page, "edited")
                return
            for change in reversed(page.changes[:-1]):
                listed = page.edition, change.path
                known = self._entries.at(listed) or self._entries.once_at(listed)
                if known is not None:
                    self._lead_on(known, file, page, "retitled")
                    return
            past = self._entries.once_at(key_of(page))
            if past is not None and (page.headline, key_of(page)[1]) in past.steps:
                is_closed = past.state.status != "active" and not past.gone
                if is_closed or self._is_done(past) or self._elsewhere(past, file, page):
                    self._plan.fates["older"] += 1
                else:
                    # Its newer page is gone: this is the one that stands.
                    self._lead_on(past, file, page, "retitled")
                return
            self._create(file, page)

    def _require_alone(self, known: Known, file: str, page: Page, is_new: bool) -> None:
        """Refuse a page whose entry's page is in another file.

        Raises:
            PageError: It is.
        """
        other = self._elsewhere(known, file, page)
        if other is None and is_new and known.file is not None and _is_active(known):
            # It may have moved, of which the log knows nothing.
            others = self._reader.others_at(self._commit.id, file, key_of(page))
            other = next((other for other, _ in others), None)
        if other is not None:
            raise PageError(f"{other} has the same permalink: keep one of the two", 0)

    def _create(self, file: str, page: Page) -> None:
        origin = origin_of(self._commit.id, file)
        first, *later = self._versions(page)
        entry = ids.imported_entry_id(first.day, page.edition, first.path)
        if self._entries.get(entry) is not None:
            # It has left this path.
            place = f"{first.path}@{self._commit.id}"
            entry = ids.imported_entry_id(first.day, page.edition, place)
        command = creation(
            page,
            first,
            (),
            actor=self._actor,
            origin=origin,
            reason=self._reason,
            entry=entry,
        )
        writer = self._writer(command, origin)
        for version in later:
            writer.edit(version)
        self._take(writer, ["created"], "edited", file, page)

    def _lead_on(self, known: Known, file: str, page: Page, kind: Kind) -> None:
        """Bring an entry to what a page says; back, where it had gone."""
        if self._is_done(known):
            self._plan.fates["unchanged"] += 1
            return
        writer = self._writer(known.state, origin_of(self._commit.id, file), known.key[1])
        is_back = known.state.status != "active"
        if is_back:
            if not known.gone:
                raise PageError(
                    f"its entry {known.state.id} is {known.state.status} in the ledger: reinstate "
                    "it there, and edit it to what the page says",
                    0,
                )
            writer.reinstate(self._at, self._basis)
        versions = self._versions(page)
        told = tuple((version.headline, version.path) for version in versions)
        if told[: len(known.steps)] == known.steps:
            # What came between, and no commit has shown.
            for version in versions[len(known.steps) : -1]:
                writer.edit(version, known.said)
        writer.edit(versions[-1], known.said)
        self._take(writer, ["reinstated"] if is_back else [], kind, file, page, known)

    def _went(self, file: str, page: Page | None) -> None:
        """Take an entry back whose page has gone, unless the same page is in another file."""
        with self._failing(file):
            known = self._entry_of(file, page)
            if known is None:
                was = page is not None and self._entries.once_at(key_of(page)) is not None
                self._plan.fates["older" if was else "unchanged"] += 1
            elif self._elsewhere(known, file, page):
                self._plan.fates["older"] += 1
            elif known.state.status != "active" or self._is_done(known):
                self._plan.fates["unchanged"] += 1
            else:
                others = self._reader.others_at(self._commit.id, file, known.key)
                for other, copy in others:
                    self._lead_on(known, other, copy, "edited")
                    return
                writer = self._writer(known.state, origin_of(self._commit.id, file))
                writer.retract(self._at, self._basis)
                self._add(writer, ["retracted"])
                self._entries.put(replace(known, state=writer.state, file=file, gone=True))

    # Steps

    def _versions(self, page: Page) -> list[PageVersion]:
        """Return the versions that a page tells of; the last is public since the commit."""
        if page.changes and page.changes[-1].headline != page.headline:
            # The page of an older version; what came after it has pages of its own.
            page = replace(page, changes=())

        def older_page(path: str, headline: str) -> Page | None:
            older = self._others.get((page.edition, path))
            return older if older is not None and older.headline == headline else None

        *earlier, last = versions_of(page, self._at, older_page)
        return [
            *earlier,
            replace(last, content=page, published_at=self._at, basis=self._basis, known=True),
        ]

    def _writer(
        self, state: NewsEntry | CreateEntry, origin: str, path: str | None = None
    ) -> EditWriter:
        return EditWriter(
            state,
            self._now,
            actor=self._actor,
            origin=origin,
            reason=self._reason,
            path=path,
        )

    def _take(
        self,
        writer: EditWriter,
        first: list[Kind],
        then: Kind,
        file: str,
        page: Page,
        before: Known | None = None,
    ) -> None:
        """Take over what a writer wrote: the first commands are of these kinds, the others so."""
        self._add(writer, [*first, *[then] * (len(writer.commands) - len(first))])
        if not writer.commands:
            self._plan.fates["unchanged"] += 1
        key = wanted_key(writer.state)
        if before is not None and wanted_key(before.state) == key:
            key = before.key
        steps = () if before is None else before.steps
        states = [one.state for one in writer.decided.values() if one.state is not None]
        steps += tuple((state.headline, state.wanted_path) for state in (*states, writer.state))
        said = {name: getattr(page, name) for name in _SAID} | {"date": page.day}
        taken = tuple(step for step, _ in groupby(steps))
        last = -1 if before is None else before.last
        self._entries.put(Known(writer.state, key, taken, said, file, last=last))

    def _add(self, writer: EditWriter, kinds: list[Kind]) -> None:
        self._plan.commands += writer.commands
        self._plan.decided |= writer.decided
        self._plan.kinds += kinds

    def _is_done(self, known: Known) -> bool:
        """Return whether the log knows this commit's page, or a later one."""
        return known.last >= self._number


def _is_active(known: Known) -> bool:
    return known.state.status == "active"


def _plain(text: str) -> str:
    """Return text on one line, whatever somebody wrote into a commit."""
    if text.isprintable():
        return text.strip()
    return "".join(c if c.isprintable() else " " for c in text).strip()
