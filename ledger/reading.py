"""The read side of the facade, entry by entry: any version, at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import takewhile
from uuid import UUID

from ledger.domain.blame import Word, blame_words
from ledger.domain.diffs import FieldDiff, diff_entries
from ledger.domain.entry import NewsEntry, at_version, evolve
from ledger.domain.events import RecordedEvent
from ledger.domain.permalinks import parse_permalink
from ledger.errors import (
    AmbiguousEntry,
    EntryNotFound,
    InvalidInput,
    InvalidTime,
    ProjectionDrifted,
    StoreBusy,
    VersionNotFound,
)
from ledger.projections import changes, current, permalinks
from ledger.projections.moments import LAST, Moment
from ledger.projections.records import Change, Resolved, listed, with_current
from ledger.projections.views import Views
from ledger.results import Blame, BlamedWord, EntryVersion, Replayed, When
from ledger.store.application import LedgerApplication
from ledger.store.rows import to_microseconds

EntryRef = UUID | str
"""An entry: its id, a unique prefix of its id, or a permalink with or without extension."""

_AMBIGUOUS_SHOWN = 5


class LedgerReader:
    """Answers questions about entries; it writes nothing to the log.

    Args:
        application: The log.
        views: Its read models.
    """

    def __init__(self, application: LedgerApplication, views: Views) -> None:
        self.application = application
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
        id_ = self.id_of(entry)
        if version is None and as_of is None and known_at is None:
            return self._current(id_)
        if version is not None and (as_of is not None or known_at is not None):
            raise InvalidInput("ask for a version or for a time, not for both")
        events = self._reached(id_, as_of, known_at)
        state = at_version(events, len(events) if version is None else version)
        now, moves = self.views.read(
            lambda db: (current.get(db, id_), permalinks.moves(db, id_)), "current", "permalinks"
        )
        return EntryVersion(
            entry=state,
            path=permalinks.path_at(moves, state.version),
            event=events[state.version - 1],
            as_of=as_of,
            known_at=known_at,
            current_version=now.version if now else state.version,
            current_path=moves[-1][1],
        )

    def at(self, path: str) -> EntryVersion:
        """Return what a permalink shows: an old one the last version that it showed.

        Raises:
            EntryNotFound: No entry is or was there.
        """
        found = self.resolve(path)
        return self.get(found.entry, version=found.version)

    def _current(self, entry: UUID) -> EntryVersion:
        state, path = self.views.read(
            lambda db: (current.get(db, entry), permalinks.current_path(db, entry)),
            "current",
            "permalinks",
        )
        if state is None or path is None:
            # Says so, where there is no such entry.
            self.history(entry)
            raise ProjectionDrifted(
                f"the views know entry {entry} only in part: `ledger rebuild` puts them right"
            )
        events = self.application.history(entry, state.version - 1)
        if not events:
            raise StoreBusy("the log was replaced while it was read: try again")
        event = events[0]
        return EntryVersion(
            entry=state,
            path=path,
            event=event,
            current_version=state.version,
            current_path=path,
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
        while not (
            found := self.views.read(
                lambda db: changes.history(db, id_, moment), "changes", "permalinks"
            )
        ):
            # Says which: that there is no such entry, or that it was not there then.
            self._reached(id_, as_of, known_at)
        if all_versions:
            return with_current(found, found[-1].path)
        return listed(found)

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
        return diff_entries(old, new)

    def blame(self, entry: EntryRef) -> Blame:
        """Return which version and actor each word of headline and summary comes from.

        Raises:
            EntryNotFound: There is no such entry.
        """
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

    def events(
        self, after: int = 0, upto: int | None = None, *, reverse: bool = False
    ) -> Iterator[RecordedEvent]:
        """Yield the events of the log above position `after`, up to position `upto`, in order.

        Raises:
            UndecodableEvent: One cannot be read; it names the position.
        """
        return self.application.read(after, upto, reverse=reverse)

    def events_between(
        self, since: When | None, until: When | None, *, reverse: bool = False
    ) -> Iterator[RecordedEvent]:
        """Yield the events recorded from `since` to `until`, both included, in order."""
        return self.events(*self.positions(since, until), reverse=reverse)

    def positions(self, since: When | None, until: When | None) -> tuple[int, int | None]:
        """Return the position before `since`, and that at `until`; None for no end."""
        after = 0
        if isinstance(since, int):
            after = max(self.position(since) - 1, 0)
        elif since is not None:
            after = self.application.position_at(_aware(since), before=True)
        return after, None if until is None else self.position(until)

    # Moments

    def moment(self, as_of: When | None, known_at: When | None) -> Moment:
        """Return the moment that is meant by what was public and what was known.

        Raises:
            InvalidTime: The log has no such position.
            InvalidInput: A time has no time zone.
        """
        public_at = LAST
        if isinstance(as_of, int):
            public_at = self._recorded_at(as_of)
        elif as_of is not None:
            public_at = to_microseconds(_aware(as_of))
        return Moment(public_at, LAST if known_at is None else self.position(known_at))

    def position(self, when: When) -> int:
        """Return the position that the log had come to at a time; 0: to none yet.

        Raises:
            InvalidTime: It is a position that the log has not.
            InvalidInput: The time has no time zone.
        """
        if not isinstance(when, int):
            return self.application.position_at(_aware(when))
        head = self.application.log.head().position
        if not 0 <= when <= head:
            raise InvalidTime(f"the log has no position {when}; it ends at {head}")
        return when

    def _recorded_at(self, position: int) -> int:
        rows = self.application.log.read(self.position(position) - 1, 1)
        if not rows or position < 1:
            raise InvalidTime("position 0 has no time: the first event is at 1")
        return rows[0].recorded_at

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


def _at(when: When | None) -> str:
    """Return a time or a position as a message tells it."""
    return f"at {when:%Y-%m-%d %H:%M:%S %Z}" if isinstance(when, datetime) else f"at @{when}"


def is_text(text: str) -> bool:
    """Return whether a text can be stored: it holds no lone surrogates."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise InvalidInput(f"the time {moment} has no time zone")
    return moment
