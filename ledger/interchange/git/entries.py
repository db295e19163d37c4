"""The entries that pages are of: found by the path that a page has, as they are by now.

What is known of an entry includes what waits to be stored, so that many commits go into one
transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import count, groupby
from typing import Protocol
from uuid import UUID

import msgspec

from ledger.domain import ids
from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import EntryMerged, EntryRetracted, RecordedEvent
from ledger.domain.permalinks import parse_permalink
from ledger.interchange.git.recent import Recent
from ledger.interchange.git.repository import Order
from ledger.interchange.said import said_of
from ledger.interchange.survey import Key

_KEPT = 5000

_ORIGIN = re.compile(r"git:(?P<commit>[0-9a-f]{40,64})(?::(?P<file>.*))?", re.DOTALL)


def origin_of(commit: str, file: str | None = None) -> str:
    """Return how an event names the commit, and the file there, that it was found in."""
    return f"git:{commit}" if file is None else f"git:{commit}:{file}"


def commit_of(origin: str) -> str | None:
    """Return the commit that an origin names; None where it names none."""
    match = _ORIGIN.fullmatch(origin)
    return None if match is None else match["commit"]


class Log(Protocol):
    """What is asked of the ledger to find entries."""

    def is_empty(self) -> bool:
        """Return whether there is no event yet."""

    def events(self, entry: UUID) -> list[RecordedEvent]:
        """Return an entry's events, oldest first; none where there is no such entry."""

    def present(self, entry: UUID) -> tuple[str, str] | None:
        """Return the edition and path that an entry has now; None where there is none."""

    def owner(self, path: str, edition: str) -> UUID | None:
        """Return the entry that is or was at a path of an edition; None where none was."""


Step = tuple[str, str]
"""The headline of a version, and the path that it asked for."""


class Known(msgspec.Struct, frozen=True):
    """An entry, with what of it waits to be stored.

    Attributes:
        state: As it is.
        key: The edition and path that it has.
        steps: Headline and path, oldest first, of the versions that changed either.
        said: What imports have said of it, field by field.
        file: The file that its page was last found in; None where git has told nothing of it.
        gone: Whether it is retracted because that file went.
        last: The number of the last commit that the log has of it; -1: it has none.
    """

    state: NewsEntry
    key: Key
    steps: tuple[Step, ...]
    said: dict[str, object] = {}
    file: str | None = None
    gone: bool = False
    last: int = -1


class Entries:
    """Finds entries by what their pages are called.

    Args:
        log: Where they are.
        order: The commits of the history that is read.
    """

    def __init__(self, log: Log, order: Order) -> None:
        self._log = log
        self._order = order
        # Whether everything there is was put here, so that no view has to be asked.
        self._is_ours = log.is_empty()
        self._known: Recent[UUID, Known | None] = Recent(_KEPT)
        # Whether all of that is still kept: what is not is not in the log either.
        self._is_all = self._is_ours
        # Where entries of this run are, and were, beside where their ids say.
        self._moved: dict[Key, UUID] = {}
        self._left: dict[Key, UUID] = {}

    def at(self, key: Key, file: str | None = None) -> Known | None:
        """Return the entry that a page is of; None where there is none.

        It is at the path that the page has, or asked for it; or it was, and has left it only in
        the ledger: its page was last found in that file.

        Args:
            key: What the page is called.
            file: The file that it is in.
        """
        for entry in self._candidates(key):
            known = self.get(entry)
            if known is not None and (
                key in {known.key, wanted_key(known.state)} or file == known.file is not None
            ):
                return known
        return None

    def once_at(self, key: Key) -> Known | None:
        """Return the entry that was at a path of an edition, and has left it; None: none was."""
        for entry in self._candidates(key):
            known = self.get(entry)
            if known is not None:
                return known
        return None

    def get(self, entry: UUID) -> Known | None:
        """Return an entry; None where there is none."""
        if entry not in self._known:
            self._is_all = self._is_all and len(self._known) < _KEPT
            self._known[entry] = None if self._is_all else self._read(entry)
        return self._known[entry]

    def put(self, known: Known) -> None:
        """Note what an entry is to be."""
        entry = known.state.id
        for _, path in known.steps[:-1]:
            self._left[known.state.edition, path] = entry
        if _id_of(known.key) != entry:
            self._moved[known.key] = entry
        self._known[entry] = known

    def forget(self) -> None:
        """Forget what entries are, because somebody else has written: the log tells."""
        self._known.clear()
        self._is_ours = self._is_all = False

    def _candidates(self, key: Key) -> Iterator[UUID]:
        if key in self._moved:
            yield self._moved[key]
        if (entry := _id_of(key)) is not None:
            yield entry
        if key in self._left:
            yield self._left[key]
        if not self._is_ours:
            yield from self._owners(*key)

    def _owners(self, edition: str, path: str) -> Iterator[UUID]:
        """Yield whose path it is or was, then whose are those that are numbered after it."""
        for number in count(1):
            owner = self._log.owner(path if number == 1 else f"{path}-{number}", edition)
            if owner is None:
                return
            yield owner

    def _read(self, entry: UUID) -> Known | None:
        state: NewsEntry | None = None
        steps: list[Step] = []
        file: str | None = None
        gone, last, commit = False, -1, None
        events = self._log.events(entry)
        for event in events:
            state = evolve(state, event)
            steps.append((state.headline, state.wanted_path))
            found = _ORIGIN.fullmatch(event.data.origin or "")
            if found is not None:
                file = found["file"] or file
                commit = str(found["commit"])
                last = max(last, self._order.get(commit, -1))
            if isinstance(event.data, EntryRetracted | EntryMerged):
                gone = found is not None
        if state is None:
            return None
        if commit is not None:
            # It may be of another branch.
            last = max(last, self._order.reached(commit))
        key = None if self._is_ours else self._log.present(entry)
        taken = tuple(step for step, _ in groupby(steps))
        return Known(state, key or wanted_key(state), taken, said_of(events), file, gone, last)


def wanted_key(state: NewsEntry) -> Key:
    """Return the edition and the path that an entry asks for."""
    return state.edition, state.wanted_path


@lru_cache(_KEPT)
def _id_of(key: Key) -> UUID | None:
    """Return the id of an entry that was first seen there."""
    edition, path = key
    link = parse_permalink(path)
    return None if link is None else ids.imported_entry_id(link.day, edition, path)
