"""What the pages of a commit come to: entries created, edited, retitled, taken back, brought back.

The rules, for the pages of one day that a commit changes:

- A page that changed in derived parts only is noise (see `essence`).
- A page that changed edits its entry: by what it says otherwise than imports said last, and by
  nothing else, so that what was edited in the ledger meanwhile stays.
- One that went and one that came under the same permalink are one, whose file was moved.
- One that went and one that came, alike enough (see `likeness`), are one entry that was retitled:
  it has another permalink. So are two where the Changes list of the one that came names the other.
- One that went alone retracts its entry; one that comes where a page went reinstates it.
- One that comes where no entry is creates one, under the id that every import gives it.
- One at a permalink that an entry has left, with a headline that it had there, is an older copy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from typing import Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ledger.domain import ids
from ledger.domain.commands import Command, CreateEntry
from ledger.domain.decide import Decided
from ledger.domain.entry import NewsEntry
from ledger.domain.permalinks import parse_permalink
from ledger.domain.values import Basis
from ledger.errors import InvalidInput, PageError, Refused
from ledger.interchange.edits import EditWriter, creation
from ledger.interchange.files import Failure
from ledger.interchange.git.entries import Entries, Known, origin_of, wanted_key
from ledger.interchange.git.essence import shortened
from ledger.interchange.git.likeness import pairs
from ledger.interchange.git.reader import PageReader, key_of
from ledger.interchange.git.repository import Change, Commit
from ledger.interchange.survey import Key
from ledger.interchange.versions import PageVersion, versions_of
from ledger.pages.model import Page

_SAID = ("headline", "slug", "topic", "summary", "sources", "cover_image", "edition", "layout")

Kind = Literal["created", "edited", "retitled", "retracted", "reinstated"]
Fate = Literal["noise", "unchanged", "older", "indexes"]

_MOST_REASON = 2_000


class Plan(msgspec.Struct):
    """What some pages of a commit come to.

    Attributes:
        commands: What is to be done.
        decided: What each makes happen, by its id.
        kinds: What each of them is.
        fates: How many pages come to nothing, and why.
        failures: The pages that were not understood, or cannot be stored.
    """

    commands: list[Command] = []
    decided: dict[UUID, Decided] = {}
    kinds: list[Kind] = []
    fates: Counter[Fate] = msgspec.field(default_factory=Counter)
    failures: list[Failure] = []


Group = Sequence[tuple[Change, bytes]]
"""Changes of a commit that are decided together, each with its page; of one that went, the old."""


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

    def plan(self, commit: Commit, group: Group, *, again: bool = False) -> Plan:
        """Return what the pages of a group come to.

        Args:
            commit: The commit that they are of.
            group: What it changed.
            again: Whether some of it may be stored already.
        """
        return _Planning(self, commit, again).run(group)


class _Went(msgspec.Struct, frozen=True):
    """A file that went, with its page, if it was one, and the entry at that page's path."""

    file: str
    page: Page | None
    known: Known | None


class _Came(msgspec.Struct, frozen=True):
    """A file that came, with its page, and the entry at that page's path."""

    file: str
    page: Page
    known: Known | None


class _Planning:
    """Plans one group."""

    def __init__(self, planner: Planner, commit: Commit, again: bool) -> None:
        self._reader = planner.reader
        self._entries = planner.entries
        self._now = planner.now
        self._alike = planner.alike
        self._commit = commit
        self._again = again
        self._actor = _plain(commit.author) or "unknown"
        self._reason = _plain(commit.subject)[:_MOST_REASON] or None
        # The clock of whoever committed may have been ahead.
        self._at = min(commit.at, planner.now)
        self._basis: Basis = "commit" if self._at == commit.at else "inferred"
        self._plan = Plan()
        self._others: dict[Key, Page] = {}

    def run(self, group: Group) -> Plan:
        went: list[_Went] = []
        came: list[_Came] = []
        for change, content in group:
            with self._failing(change.path):
                if change.new is None:
                    went.append(self._as_it_was(change.path, content))
                elif (page := self._reader.page(change.path, shortened(content))) is None:
                    self._plan.fates["indexes"] += 1
                elif change.old is None:
                    known = self._entries.at(key_of(page), change.path)
                    came.append(_Came(change.path, page, known))
                else:
                    self._came(_Came(change.path, page, self._entry_of(change, page)))
        # First those with a history, which tell what the others are.
        came.sort(key=lambda new: -len(new.page.changes))
        self._others = {key_of(new.page): new.page for new in came}
        for old, new, kind in self._pairs(went, came):
            went.remove(old)
            came.remove(new)
            if old.known is not None:
                with self._failing(new.file):
                    self._lead_on(old.known, new, kind)
        for new in came:
            with self._failing(new.file):
                self._came(new)
        for old in went:
            with self._failing(old.file):
                self._went(old)
        return self._plan

    @contextmanager
    def _failing(self, file: str) -> Iterator[None]:
        try:
            yield
        except (PageError, InvalidInput, Refused) as error:
            line = error.line if isinstance(error, PageError) else 0
            where = f"{self._commit.id[:12]}:{file}"
            self._plan.failures.append(Failure(where, line, str(error)))

    def _as_it_was(self, file: str, content: bytes) -> _Went:
        """Return what a file was; one that was no page, as whatever is at its path."""
        try:
            page = self._reader.page(file, shortened(content))
        except PageError:
            page = None
        if page is not None:
            return _Went(file, page, self._entries.at(key_of(page), file))
        link = parse_permalink(f"/{file}")
        keys = [(edition, link.path) for edition in link.editions] if link else []
        known = next((known for key in keys if (known := self._entries.at(key, file))), None)
        return _Went(file, None, known)

    def _entry_of(self, change: Change, page: Page) -> Known | None:
        """Return the entry of a page that changed: the one that was at the path it had."""
        key, is_told = key_of(page), parse_permalink(f"/{change.path}") is not None
        known = self._entries.at(key, change.path) if is_told else None
        if known is None and change.old is not None:
            # Its headline gave it its path, or its labels its edition, and may do so anew.
            old = self._reader.content(change.old)
            known = self._as_it_was(change.path, old).known
        return known or self._entries.at(key)

    def _pairs(
        self, went: Sequence[_Went], came: Sequence[_Came]
    ) -> list[tuple[_Went, _Came, Kind]]:
        """Return what went with what came in its place, and what that makes of the entry."""
        pages = {key_of(new.page): new for new in came}
        moved: list[tuple[_Went, _Came, Kind]] = [
            (old, pages[key_of(old.page)], "edited")
            for old in went
            if old.known is not None and old.page is not None and key_of(old.page) in pages
        ]
        gone = {old.file: old.page for old in went if old.page and _is_active(old.known)}
        fresh = {new.file: new.page for new in came if new.known is None}
        olds, news = {old.file: old for old in went}, {new.file: new for new in came}
        return moved + [
            (olds[old], news[new], "retitled") for old, new in pairs(gone, fresh, self._alike)
        ]

    # One page

    def _came(self, new: _Came) -> None:
        """Store a page: of the entry at its path, or of one that its list names, or a new one."""
        if new.known is not None:
            if self._is_elsewhere(new.known, new.file):
                raise PageError(f"{new.known.file} has the same permalink: keep one of the two", 0)
            self._lead_on(new.known, new, "edited")
            return
        key = key_of(new.page)
        for change in reversed(new.page.changes[:-1]):
            listed = new.page.edition, change.path
            known = self._entries.at(listed) or self._entries.once_at(listed)
            if known is not None:
                self._lead_on(known, new, "retitled")
                return
        past = self._entries.once_at(key)
        if past is not None and self._is_done(past, new.file):
            self._plan.fates["unchanged"] += 1
        elif past is not None and (new.page.headline, key[1]) in past.steps:
            self._plan.fates["older"] += 1
        else:
            self._create(new)

    def _create(self, new: _Came) -> None:
        page, origin = new.page, origin_of(self._commit.id, new.file)
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
        self._take(writer, ["created"], "edited", new)

    def _lead_on(self, known: Known, new: _Came, kind: Kind) -> None:
        """Bring an entry to what a page says; back, where it had gone."""
        # Another page of the group may have been about it.
        known = self._entries.get(known.state.id) or known
        if self._is_done(known, new.file):
            self._plan.fates["unchanged"] += 1
            return
        writer = self._writer(known.state, origin_of(self._commit.id, new.file), known.key[1])
        is_back = known.state.status != "active"
        if is_back:
            if not known.gone:
                raise PageError(
                    f"its entry {known.state.id} is {known.state.status} in the ledger: reinstate "
                    "it there, and edit it to what the page says",
                    0,
                )
            writer.reinstate(self._at, self._basis)
        versions = self._versions(new.page)
        told = tuple((version.headline, version.path) for version in versions)
        if told[: len(known.steps)] == known.steps:
            # What came between, and no commit has shown.
            for version in versions[len(known.steps) : -1]:
                writer.edit(version, known.said)
        writer.edit(versions[-1], known.said)
        self._take(writer, ["reinstated"] if is_back else [], kind, new, known)

    def _went(self, old: _Went) -> None:
        known = old.known
        if known is None or self._is_elsewhere(known, old.file):
            self._plan.fates["older"] += 1
        elif known.state.status != "active" or self._is_done(known, old.file):
            self._plan.fates["unchanged"] += 1
        else:
            writer = self._writer(known.state, origin_of(self._commit.id, old.file))
            writer.retract(self._at, self._basis)
            self._add(writer, ["retracted"])
            self._entries.put(replace(known, state=writer.state, file=old.file, gone=True))

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
        new: _Came,
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
        said = {name: getattr(new.page, name) for name in _SAID} | {"date": new.page.day}
        taken = tuple(step for step, _ in groupby(steps))
        self._entries.put(Known(writer.state, key, taken, said, new.file))

    def _add(self, writer: EditWriter, kinds: list[Kind]) -> None:
        self._plan.commands += writer.commands
        self._plan.decided |= writer.decided
        self._plan.kinds += kinds

    def _is_done(self, known: Known, file: str) -> bool:
        """Return whether this commit's page is stored already."""
        origin = origin_of(self._commit.id, file)
        return self._again and self._entries.bears(known.state.id, origin)

    def _is_elsewhere(self, known: Known, file: str) -> bool:
        """Return whether the page of an entry is, in this commit, in another file than this."""
        return known.file not in {None, file} and self._reader.has(
            self._commit.id, known.file or ""
        )


def _is_active(known: Known | None) -> bool:
    return known is not None and known.state.status == "active"


def _plain(text: str) -> str:
    """Return text on one line, whatever somebody wrote into a commit."""
    if text.isprintable():
        return text.strip()
    return "".join(c if c.isprintable() else " " for c in text).strip()
