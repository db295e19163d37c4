"""The read side of the facade: any entry, in any version, at any moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import partial
from uuid import UUID

from ledger.domain.blame import Word, blame_words
from ledger.domain.diffs import FieldDiff, diff_entries
from ledger.domain.entry import NewsEntry, at_version, evolve
from ledger.domain.events import RecordedEvent
from ledger.domain.permalinks import parse_permalink
from ledger.domain.values import Status, StyleName
from ledger.errors import AmbiguousEntry, EntryNotFound, InvalidInput, StoreBusy, VersionNotFound
from ledger.pages.build import build_page
from ledger.pages.labels import STYLES
from ledger.pages.model import Page
from ledger.projections import changes, contexts, current, permalinks
from ledger.projections.records import Change, Related, Resolved
from ledger.projections.views import Views
from ledger.results import Blame, BlamedWord, EntryVersion, Listed, Replayed
from ledger.store.application import LedgerApplication

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
        if not _is_text(entry):
            raise EntryNotFound(f"{entry!r} names no entry: it is no text")
        link = parse_permalink(entry)
        if link is None:
            return Resolved(self._by_prefix(entry), None)
        for edition in link.editions:
            found = self.views.read(partial(permalinks.resolve, path=link.path, edition=edition))
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
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> EntryVersion:
        """Return an entry in one version.

        Args:
            entry: Which. An old permalink means the current version here; see `at`.
            version: That version.
            as_of: The version that was public at this time.
            known_at: Only what the ledger had recorded by this time; alone, the latest of it.

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
        events = self.history(id_)
        if known_at is not None:
            moment = _aware(known_at)
            events = [event for event in events if event.recorded_at <= moment]
            if not events:
                raise VersionNotFound(
                    f"the ledger knew nothing of entry {id_} at {moment:%Y-%m-%d %H:%M:%S %Z}"
                )
        if as_of is not None:
            state = _public_at(events, _aware(as_of))
        else:
            state = at_version(events, len(events) if version is None else version)
        now, moves = self.views.read(lambda db: (current.get(db, id_), permalinks.moves(db, id_)))
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
            lambda db: (current.get(db, entry), permalinks.current_path(db, entry))
        )
        if state is None or path is None:
            raise EntryNotFound(f"there is no entry {entry}")
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

    def changes(self, entry: EntryRef, *, all_versions: bool = False) -> tuple[Change, ...]:
        """Return an entry's Changes list, oldest first.

        Args:
            entry: Which.
            all_versions: Also those that left the headline alone, which a page does not list.

        Raises:
            EntryNotFound: There is no such entry.
        """
        id_ = self.id_of(entry)
        found = self.views.read(lambda db: changes.history(db, id_))
        if not found:
            raise EntryNotFound(f"there is no entry {id_}")
        if all_versions:
            return changes.with_current(found, found[-1].path)
        return changes.listed(found)

    def diff(
        self, entry: EntryRef, a: int | None = None, b: int | None = None
    ) -> tuple[FieldDiff, ...]:
        """Return what differs between versions `a` and `b` of an entry, field by field.

        Args:
            entry: Which.
            a: The old version; None: the one before `b`.
            b: The new version; None: the current one.

        Raises:
            EntryNotFound: There is no such entry.
            VersionNotFound: There is no such version.
        """
        events = self.history(entry)
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
        for event in self.history(entry):
            before, state = state, evolve(state, event)
            yield Replayed(event, before, state)

    def related(self, entry: EntryRef, limit: int = 10) -> tuple[Related, ...]:
        """Return the entries that share contexts with this one, most shared first."""
        id_ = self.id_of(entry)
        return self.views.read(lambda db: contexts.related(db, id_, limit))

    def page(self, shown: EntryVersion, style: StyleName | None = None) -> Page:
        """Return the page of an entry in one version.

        Its Changes list is of the moment that `get` was asked for; its Related list is of now.

        Args:
            shown: As `get` or `at` returned it.
            style: The style to use; None: the one it was published in.
        """
        limit = STYLES[style or shown.entry.layout.style].related
        history = self.changes(shown.entry.id, all_versions=True)
        return build_page(
            shown.entry,
            shown.path,
            changes.listed(_cut(history, shown.as_of, shown.known_at)),
            self.related(shown.entry.id, limit),
            style,
        )

    def entries(
        self,
        *,
        day: date | None = None,
        topic: str | None = None,
        context: str | None = None,
        status: Status | None = None,
    ) -> list[Listed]:
        """Return the current entries that match everything given, by date, then by id."""
        if not all(text is None or _is_text(text) for text in (topic, context)):
            return []
        return self.views.read(
            lambda db: [
                Listed(entry, permalinks.current_path(db, entry.id) or entry.wanted_path)
                for entry in current.find(db, day=day, topic=topic, context=context, status=status)
            ]
        )

    def events(
        self, after: int = 0, upto: int | None = None, *, reverse: bool = False
    ) -> Iterator[RecordedEvent]:
        """Yield the events of the log above position `after`, up to position `upto`, in order.

        Raises:
            UndecodableEvent: One cannot be read; it names the position.
        """
        return self.application.read(after, upto, reverse=reverse)

    def events_between(
        self, since: datetime | None, until: datetime | None, *, reverse: bool = False
    ) -> Iterator[RecordedEvent]:
        """Yield the events recorded from `since` to `until`, both included, in order."""
        after = 0
        if since is not None:
            after = self.application.position_at(_aware(since), before=True)
        upto = None if until is None else self.application.position_at(_aware(until))
        return self.events(after, upto, reverse=reverse)


def _public_at(events: Sequence[RecordedEvent], moment: datetime) -> NewsEntry:
    """Return an entry as the last version has it that was public at a time."""
    public: NewsEntry | None = None
    state: NewsEntry | None = None
    for event in events:
        state = evolve(state, event)
        if state.published_at <= moment:
            public = state
    if public is None:
        raise VersionNotFound(
            f"entry {events[0].entry} was not public yet at {moment:%Y-%m-%d %H:%M:%S %Z}"
        )
    return public


def _cut(
    history: Sequence[Change], as_of: datetime | None, known_at: datetime | None
) -> list[Change]:
    """Return the part of a history that was public at one time and known at another."""
    kept: list[Change] = []
    for change in history:
        if known_at is not None and change.recorded_at > known_at:
            break
        # Publication times count by their running maximum: a later one ends what was public.
        if as_of is not None and change.published_at > as_of:
            break
        kept.append(change)
    return kept


def _is_text(text: str) -> bool:
    """Return whether a text can be stored: it holds no lone surrogates."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise InvalidInput(f"the time {moment} has no time zone")
    return moment
