"""The read side of the facade, entry by entry: any version, at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec.structs import replace

from ledger.domain.entry import NewsEntry, at_version, evolve
from ledger.domain.events import RecordedEvent
from ledger.domain.permalinks import parse_permalink
from ledger.errors import (
    AmbiguousEntry,
    EntryNotFound,
    InvalidInput,
    ProjectionDrifted,
    ProjectionStopped,
    StoreBusy,
    VersionNotFound,
)
from ledger.projections import changes, current, permalinks
from ledger.projections.database import Parameters
from ledger.projections.records import Change, Resolved
from ledger.projections.views import Views
from ledger.results import Blame, BlamedWord, EntryVersion, Replayed, When
from ledger.store.application import LedgerApplication
from ledger.store.rows import to_microseconds
from ledger.timeline import Timeline

if TYPE_CHECKING:
    from ledger.domain.blame import Word
    from ledger.domain.diffs import FieldDiff

EntryRef = UUID | str
"""An entry: its id, a unique prefix of its id, or a permalink with or without extension."""

_AMBIGUOUS_SHOWN = 5


class LedgerReader(Timeline):
    """Answers questions about entries; it writes nothing to the log.

    Args:
        application: The log.
        views: Its read models.
    """

    def __init__(self, application: LedgerApplication, views: Views) -> None:
        super().__init__(application)
        self.views = views

    # Finding

    def id_of(self, entry: EntryRef) -> UUID:
        """Return the id of an entry.

        Raises:
            EntryNotFound: Nothing has this id, prefix or permalink.
            AmbiguousEntry: A prefix fits several ids.
        """
        return self.resolve(entry).entry

    def resolve(self, entry: EntryRef) -> Resolved:
        """Return the entry that is meant, and the version where an old permalink names one.

        Raises:
            EntryNotFound: Nothing has this id, prefix or permalink.
            AmbiguousEntry: A prefix fits several ids.
        """
        if isinstance(entry, UUID):
            return Resolved(entry, None)
        if not is_text(entry):
            raise EntryNotFound(f"{entry!r} names no entry: it is no text")
        link = parse_permalink(entry)
        if link is None:
            return Resolved(self._by_prefix(entry), None)
        for edition in link.editions:
            found = self.views.read(
                partial(permalinks.resolve, path=link.path, edition=edition), "permalinks"
            )
            if found is not None:
                return found
        raise EntryNotFound(f"no entry is or was at {link.path}")

    def _by_prefix(self, text: str) -> UUID:
        digits = text.replace("-", "").lower()
        if not digits or len(digits) > 32 or digits.strip("0123456789abcdef"):
            raise EntryNotFound(
                f"{text!r} names no entry: give an id, the beginning of one, or a permalink "
                "such as /news/2014/02/13/some-headline"
            )
        low, high = (bytes.fromhex(digits.ljust(32, pad)) for pad in "0f")
        found = self.application.log.find_entries(low, high, _AMBIGUOUS_SHOWN + 1)
        if not found:
            raise EntryNotFound(f"no entry has an id that begins with {text!r}")
        if len(found) > 1:
            ids = ", ".join(str(UUID(bytes=entry)) for entry in found[:_AMBIGUOUS_SHOWN])
            more = ", ..." if len(found) > _AMBIGUOUS_SHOWN else ""
            raise AmbiguousEntry(f"{text!r} fits several entries: {ids}{more}")
        return UUID(bytes=found[0])

    # Reading

    def get(
        self,
        entry: EntryRef,
        *,
        version: int | None = None,
        as_of: When | None = None,
        known_at: When | None = None,
    ) -> EntryVersion:
        """Return an entry in one version.

        Args:
            entry: Which. An old permalink means the current version here; see `at`.
            version: That version.
            as_of: The version that was public then.
            known_at: Only what the ledger had recorded by then; alone, the latest of it.

        Raises:
            EntryNotFound: There is no such entry.
            VersionNotFound: There is no such version, or was none at that time.
            InvalidInput: A version and a time are both given, or a time has no time zone.
        """
        if version is None and as_of is None and known_at is None:
            return self._current(entry)
        id_ = self.id_of(entry)
        if version is not None:
            if as_of is not None or known_at is not None:
                raise InvalidInput("ask for a version or for a time, not for both")
            return self._at_version(self._current(id_), version)
        query = current.at(id_, self.moment(as_of, known_at))
        needs = ("current", "changes", "permalinks")
        try:
            (*now, reached) = self._known(id_, as_of, known_at, query, *needs)[0]
        except ProjectionStopped:
            # If it is `changes` alone, the log tells as well.
            reached = len(self._reached(id_, as_of, known_at))
            shown = self._at_version(self._current(id_), reached)
        else:
            shown = self._at_version(_shown(*now), reached)
        return replace(shown, as_of=as_of, known_at=known_at)

    def at(self, path: str) -> EntryVersion:
        """Return what a permalink shows: an old one the last version that it showed.

        Raises:
            EntryNotFound: No entry is or was there.
        """
        found = self.resolve(path)
        return self.get(found.entry, version=found.version)

    def _current(self, entry: EntryRef) -> EntryVersion:
        if not isinstance(entry, UUID):
            if (shown := self._current_at(entry)) is not None:
                return shown
            entry = self.id_of(entry)
        query = current.BY_ID, (entry.bytes,)
        return _shown(*self._known(entry, None, None, query, "current", "permalinks")[0])

    def _current_at(self, path: str) -> EntryVersion | None:
        """Return the current version of the entry that a permalink leads to, if it is one."""
        link = parse_permalink(path) if is_text(path) else None
        if link is None:
            return None
        found = self.views.rows(current.AT_PATH, (link.path,), "current", "permalinks")
        if len({edition for *_, edition in found}) > 1:
            found.sort(key=lambda row: link.editions.index(row[-1]))
        return _shown(*found[0][:-1]) if found else None

    def _at_version(self, now: EntryVersion, version: int) -> EntryVersion:
        """Return an entry in a version, given the current one."""
        if version == now.current_version:
            return now
        rows = self.application.rows_of(now.entry.id)
        if not rows:
            raise StoreBusy("the log was replaced while it was read: try again")
        # What came later need not be read; but where there is no such version, all are counted.
        wanted = rows[:version] if version > 0 else rows
        events = list(map(self.application.to_event, wanted))
        state = at_version(events, version)
        moves = self.views.rows(*permalinks.moving(state.id), "permalinks")
        return replace(
            now, entry=state, path=permalinks.path_at(moves, version), event=events[version - 1]
        )

    def history(self, entry: EntryRef) -> list[RecordedEvent]:
        """Return the events of one entry, oldest first.

        Raises:
            EntryNotFound: There is no such entry.
        """
        id_ = self.id_of(entry)
        events = self.application.history(id_)
        if not events:
            raise EntryNotFound(f"there is no entry {id_}")
        return events

    def changes(
        self,
        entry: EntryRef,
        *,
        all_versions: bool = False,
        as_of: When | None = None,
        known_at: When | None = None,
    ) -> tuple[Change, ...]:
        """Return an entry's Changes list, oldest first.

        Args:
            entry: Which.
            all_versions: Also those that left the headline alone, which a page does not list.
            as_of: As it was public then.
            known_at: As the ledger knew it then.

        Raises:
            EntryNotFound: There is no such entry.
            VersionNotFound: It was not there at that time.
        """
        id_ = self.id_of(entry)
        moment = self.moment(as_of, known_at)
        query = changes.asked(id_, moment, listed=not all_versions)
        found = self._known(id_, as_of, known_at, query, "changes", "permalinks")
        return changes.told(found, closed=True)

    def diff(
        self,
        entry: EntryRef,
        a: int | None = None,
        b: int | None = None,
        *,
        as_of: When | None = None,
        known_at: When | None = None,
    ) -> tuple[FieldDiff, ...]:
        """Return what differs between versions `a` and `b` of an entry, field by field.

        Args:
            entry: Which.
            a: The old version; None: the one before `b`.
            b: The new version; None: the current one.
            as_of: Of the versions that were public then.
            known_at: Of the versions that the ledger knew then.

        Raises:
            EntryNotFound: There is no such entry.
            VersionNotFound: There is no such version, or was none at that time.
        """
        events = self._reached(self.id_of(entry), as_of, known_at)
        after = len(events) if b is None else b
        before = after - 1 if a is None else a
        new = at_version(events, after)
        # The first version differs from nothing at all.
        old = None if a is None and before == 0 else at_version(events, before)
        from ledger.domain.diffs import diff_entries

        return diff_entries(old, new)

    def blame(self, entry: EntryRef) -> Blame:
        """Return which version and actor each word of headline and summary comes from.

        Raises:
            EntryNotFound: There is no such entry.
        """
        from ledger.domain.blame import blame_words

        steps = list(self.replay(entry))
        by_version = {step.after.version: step.event for step in steps}

        def words(texts: list[tuple[int, str]]) -> tuple[BlamedWord, ...]:
            return tuple(map(blamed, blame_words(texts)))

        def blamed(word: Word) -> BlamedWord:
            meta = by_version[word.version].meta
            return BlamedWord(word.text, word.version, meta.actor, meta.published_at)

        return Blame(
            entry=steps[0].after.id,
            headline=words([(step.after.version, step.after.headline) for step in steps]),
            summary=words([(step.after.version, step.after.summary or "") for step in steps]),
        )

    def replay(self, entry: EntryRef) -> Iterator[Replayed]:
        """Fold an entry's events one by one, and yield the entry before and after each.

        Raises:
            EntryNotFound: There is no such entry.
        """
        state: NewsEntry | None = None
        events = self.history(entry)
        moves = self.views.read(lambda db: permalinks.moves(db, events[0].entry), "permalinks")
        for event in events:
            before, state = state, evolve(state, event)
            yield Replayed(event, before, state, permalinks.path_at(moves, event.version))

    def _known(
        self,
        entry: UUID,
        as_of: When | None,
        known_at: When | None,
        query: tuple[str, Parameters],
        *needs: str,
    ) -> list[Any]:
        """Return the rows that a query finds of an entry, as it was at a moment.

        Args:
            entry: Which.
            as_of: When it was public.
            known_at: When the ledger knew it.
            query: Where the views know the entry, it finds a row, and its last two columns are
                not NULL.
            needs: The read models that it asks.

        Raises:
            EntryNotFound: There is no such entry.
            VersionNotFound: It had no version then.
        """
        for _ in range(2):
            found = self.views.rows(*query, *needs)
            if found and None not in found[0][-2:]:
                return found
            # Says which: that there is no such entry, or that it was not there then. Else it has
            # come to be meanwhile.
            self._reached(entry, as_of, known_at)
        raise ProjectionDrifted(
            f"the views know entry {entry} only in part: `ledger rebuild` puts them right"
        )

    def _reached(
        self, entry: UUID, as_of: When | None, known_at: When | None
    ) -> list[RecordedEvent]:
        """Return the events of an entry that had come to be at a moment: its versions 1 to n.

        Raises:
            EntryNotFound: There is no such entry.
            VersionNotFound: It had none then.
        """
        events = self.history(entry)
        moment = self.moment(as_of, known_at)
        known = [event for event in events if event.position <= moment.position]
        if not known:
            raise VersionNotFound(f"the ledger knew nothing of entry {entry} {_at(known_at)}")
        public = list(
            takewhile(
                # Publication times count by their running maximum: a later one ends what was
                # public.
                lambda event: to_microseconds(event.meta.published_at) <= moment.public_at,
                known,
            )
        )
        if not public:
            raise VersionNotFound(f"entry {entry} was not public yet {_at(as_of)}")
        return public


def _shown(body: bytes, type_: str, event: bytes, path: str) -> EntryVersion:
    """Return a current version, from what the views have of it."""
    state, made = current.shown(body, type_, event)
    return EntryVersion(
        entry=state, path=path, event=made, current_version=state.version, current_path=path
    )


def _at(when: When | None) -> str:
    """Return a time or a position as a message tells it."""
    return f"at {when:%Y-%m-%d %H:%M:%S %Z}" if isinstance(when, datetime) else f"at @{when}"


def is_text(text: str) -> bool:
    """Return whether a text can be stored: it holds no lone surrogates."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
