"""The archive in numbers: what is counted while its entries pass by, one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice
from typing import get_args

import msgspec

from ledger.domain.events import (
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    EntryErased,
    EntryRetracted,
    RecordedEvent,
)
from ledger.domain.values import FIELDS
from ledger.report.findings import Best, Collected, find, steps
from ledger.report.model import (
    Activity,
    Bar,
    EditedEntry,
    Editor,
    Findings,
    Listing,
    Period,
    Totals,
)

MOST_BARS = 60

_MONTHS: dict[Period, int] = {"month": 1, "quarter": 3, "year": 12, "decade": 120}


class Scope(msgspec.Struct, frozen=True):
    """Which events are reported on: from one position to another, by one actor or by all."""

    first: int
    last: int
    actor: str | None = None

    def holds(self, position: int, actor: str) -> bool:
        """Return whether the event at a position, by an actor, is reported on."""
        return self.first <= position <= self.last and self.actor in {None, actor}


class _Deeds:
    """What one actor did."""

    def __init__(self) -> None:
        self.events = self.created = self.edits = self.minor = self.entries = 0
        self.fields: Counter[str] = Counter()


class Tally:
    """Counts what is reported on, entry by entry.

    Its memory grows with the actors and the days of publication, not with events or entries.

    Args:
        scope: Which events count.
        most: How many items a list keeps.
    """

    def __init__(self, scope: Scope, most: int) -> None:
        self._scope = scope
        self._entries = 0
        self._types: Counter[str] = Counter()
        self._minor = 0
        self._ends: list[RecordedEvent] = []
        self._created: Counter[date] = Counter()
        self._edited: Counter[date] = Counter()
        self._most_edited: Best[EditedEntry] = Best(most)
        self._actors: dict[str, _Deeds] = {}
        self._most = most
        self._collected = Collected(most)

    def add(self, history: Sequence[RecordedEvent]) -> None:
        """Take an entry.

        Args:
            history: Its events, from the first on.
        """
        edits = minor = 0
        actors: set[str] = set()
        editors: set[str] = set()
        for step in steps(history):
            event, meta = step.event, step.event.meta
            if not self._scope.holds(event.position, meta.actor):
                continue
            self._count(event)
            deeds = self._actors.setdefault(meta.actor, _Deeds())
            deeds.events += 1
            deeds.entries += meta.actor not in actors
            actors.add(meta.actor)
            if isinstance(event.data, EntryCreated):
                deeds.created += 1
                self._created[meta.published_at.date()] += 1
            elif isinstance(event.data, EntryEdited):
                edits += 1
                minor += meta.minor
                editors.add(meta.actor)
                deeds.edits += 1
                deeds.minor += meta.minor
                deeds.fields.update(step.edited)
                self._edited[meta.published_at.date()] += 1
        if not actors:
            return
        self._entries += 1
        self._minor += minor
        if edits:
            edited = EditedEntry(
                entry=history[0].entry,
                headline=step.after.headline,
                language=step.after.language,
                versions=len(history),
                edits=edits,
                minor=minor,
                actors=len(editors),
            )
            self._most_edited.add(edited, edits, edited.entry)
        for found in find(history):
            if self._scope.holds(found.position, found.actor):
                self._collected.add(found)

    def _count(self, event: RecordedEvent) -> None:
        self._types[type(event.data).__name__] += 1
        ends = sorted([*self._ends, event], key=lambda one: one.position)
        self._ends = [ends[0], ends[-1]]

    def totals(self) -> Totals:
        """Return the numbers."""
        types = self._types
        return Totals(
            entries=self._entries,
            events=types.total(),
            by_type=dict(sorted(types.items())),
            edits=types[EntryEdited.__name__],
            minor=self._minor,
            corrections=types[CorrectionPublished.__name__],
            retractions=types[EntryRetracted.__name__],
            erasures=types[EntryErased.__name__],
            actors=len(self._actors),
            first_recorded_at=self._ends[0].recorded_at if self._ends else None,
            last_recorded_at=self._ends[-1].recorded_at if self._ends else None,
        )

    def activity(self) -> Activity:
        """Return creations and edits over time, by publication."""
        return activity(self._created, self._edited)

    def most_edited(self) -> Listing[EditedEntry]:
        """Return the entries with the most edits."""
        return self._most_edited.listing()

    def editors(self) -> Listing[Editor]:
        """Return the actors, those with the most edits first."""
        best: Best[Editor] = Best(self._most)
        for actor, deeds in self._actors.items():
            editor = Editor(
                actor=actor,
                events=deeds.events,
                created=deeds.created,
                edits=deeds.edits,
                minor=deeds.minor,
                entries=deeds.entries,
                fields={name: deeds.fields[name] for name in FIELDS if name in deeds.fields},
            )
            best.add(editor, deeds.edits, deeds.events, actor)
        return best.listing()

    def findings(self) -> Findings:
        """Return what somebody should look at."""
        return self._collected.findings()


def activity(created: Mapping[date, int], edited: Mapping[date, int]) -> Activity:
    """Return numbers of each day as bars, by the shortest period that gives no more than 60.

    Args:
        created: Day of publication (UTC) to the entries created.
        edited: The same, for edits.
    """
    days = sorted({*created, *edited})
    if not days:
        return Activity("day", ())
    *periods, longest = get_args(Period)
    for period in (*periods, longest):
        most = None if period == longest else MOST_BARS + 1
        starts = list(islice(_starts(days[0], days[-1], period), most))
        if len(starts) <= MOST_BARS:
            break
    sums = {start: [0, 0] for start in starts}
    for kind, numbers in enumerate((created, edited)):
        for day, number in numbers.items():
            sums[_start(day, period)][kind] += number
    return Activity(period, tuple(Bar(start, *pair) for start, pair in sums.items()))


def _starts(first: date, last: date, period: Period) -> Iterator[date]:
    """Yield the first days of all periods from that of `first` to that of `last`."""
    start = _start(first, period)
    # A little more than a period on is in the next one, however long its months are.
    step = {"day": 1, "week": 7}.get(period) or 31 * _MONTHS[period]
    while start <= last:
        yield start
        start = _start(start + timedelta(days=step), period)


def _start(day: date, period: Period) -> date:
    """Return the first day of the period that a day is in; a week begins on Monday."""
    if period == "day":
        return day
    if period == "week":
        return day - timedelta(days=day.weekday())
    month = day.year * 12 + day.month - 1
    month -= month % _MONTHS[period]
    return date(max(month // 12, 1), month % 12 + 1, 1)
