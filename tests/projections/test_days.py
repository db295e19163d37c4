"""What the days view says: how entries are filed, from when to when, and each day's neighbours."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import date
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from ledger import Ledger, NewsEntry
from ledger.domain.entry import fold
from ledger.domain.events import EntryEdited, RecordedEvent
from ledger.errors import Refused
from ledger.projections import days
from ledger.projections.database import Db
from ledger.projections.days import Days
from ledger.projections.moments import LAST, NOW, Moment
from ledger.store.rows import to_microseconds
from tests.projections.desk import DAY, NEXT, clock, create, edit, public
from tests.properties import on_both
from tests.stores import Store

LATER = date(2021, 4, 1)


def entries_of(
    ledger: Ledger, day: date, moment: Moment = NOW, edition: str = "en"
) -> tuple[UUID, ...]:
    return ledger.views.read(lambda db: days.entries_of(db, edition, day, moment))


def neighbours(
    ledger: Ledger, day: date, moment: Moment = NOW, edition: str = "en"
) -> tuple[date | None, date | None]:
    return ledger.views.read(lambda db: days.neighbours(db, edition, day, moment))


def find(ledger: Ledger, moment: Moment = NOW, **conditions: Any) -> list[UUID]:
    return ledger.views.read(lambda db: days.find(db, moment, **conditions))


Stay = tuple[int, int | None, str, str, str | None, str]


def stays_in(db: Db, entry: UUID) -> list[Stay]:
    return db.execute(
        "SELECT since, until, edition, day, topic, status FROM days WHERE entry = ? "
        "ORDER BY since",
        (entry.bytes,),
    ).fetchall()


def stays(ledger: Ledger, entry: UUID) -> list[Stay]:
    return ledger.views.read(lambda db: stays_in(db, entry))


# Now


def test_a_day_has_its_entries_in_the_order_of_the_log(ledger: Ledger) -> None:
    entries = []
    for number in range(12):
        entries.append(create(ledger, f"Entry {number}"))
        create(ledger, "Elsewhere", NEXT)
        create(ledger, "渡轮", edition="zh")
    assert entries_of(ledger, DAY) == tuple(entries)
    # The ids would give another order.
    assert sorted(entries, key=lambda id_: id_.bytes) != entries
    assert entries_of(ledger, date(2021, 3, 6)) == ()
    assert entries_of(ledger, DAY, edition="fr") == ()


def test_an_entry_that_moves_in_takes_its_place_by_age(ledger: Ledger) -> None:
    moved, stayed, moving = (create(ledger, headline) for headline in "ABC")
    edit(ledger, moved, date=NEXT)
    later = create(ledger, "D", NEXT)
    edit(ledger, moving, date=NEXT)
    assert entries_of(ledger, DAY) == (stayed,)
    assert entries_of(ledger, NEXT) == (moved, moving, later)
    edit(ledger, moved, date=DAY)
    assert entries_of(ledger, DAY) == (moved, stayed)


def test_an_entry_that_was_taken_back_stays_on_its_day(ledger: Ledger) -> None:
    first, second = create(ledger, "A"), create(ledger, "B")
    ledger.merge(first, second, actor="Ann")
    ledger.retract(second, actor="Ann")
    assert entries_of(ledger, DAY) == (first, second)


def test_neighbours_are_the_nearest_days_with_entries_of_the_edition(ledger: Ledger) -> None:
    for day in (date(1969, 7, 20), date(2020, 12, 31), DAY, LATER):
        create(ledger, "A", day)
    chinese = create(ledger, "渡轮", NEXT, edition="zh")
    assert neighbours(ledger, DAY) == (date(2020, 12, 31), LATER)
    assert neighbours(ledger, date(2020, 12, 31)) == (date(1969, 7, 20), DAY)
    assert neighbours(ledger, NEXT) == (DAY, LATER)
    assert neighbours(ledger, date(1969, 7, 20)) == (None, date(2020, 12, 31))
    assert neighbours(ledger, LATER) == (DAY, None)
    assert neighbours(ledger, date.min) == (None, date(1969, 7, 20))
    assert neighbours(ledger, date.max) == (LATER, None)
    assert neighbours(ledger, DAY, edition="zh") == (None, NEXT)
    assert neighbours(ledger, NEXT, edition="zh") == (None, None)
    edit(ledger, chinese, edition="en")
    assert neighbours(ledger, DAY) == (date(2020, 12, 31), NEXT)
    assert neighbours(ledger, DAY, edition="zh") == (None, None)
    edit(ledger, chinese, date=LATER)
    assert neighbours(ledger, DAY) == (date(2020, 12, 31), LATER)


def test_a_stay_ends_where_the_next_begins(ledger: Ledger) -> None:
    entry, other = create(ledger, "A", topic="Quays"), create(ledger, "B")
    edit(ledger, entry, date=NEXT)
    edit(ledger, entry, headline="C", summary="Not filed by it.")
    ledger.correct(entry, "A note.", actor="Ben")
    edit(ledger, entry, topic=None)
    edit(ledger, entry, edition="zh", language="zh", topic="码头")
    ledger.retract(entry, actor="Ben")
    ledger.reinstate(entry, actor="Ben")
    ledger.merge(entry, other, actor="Ben")
    assert stays(ledger, entry) == [
        (1, 2, "en", "2021-03-04", "Quays", "active"),
        (2, 5, "en", "2021-03-05", "Quays", "active"),
        (5, 6, "en", "2021-03-05", None, "active"),
        (6, 7, "zh", "2021-03-05", "码头", "active"),
        (7, 8, "zh", "2021-03-05", "码头", "retracted"),
        (8, 9, "zh", "2021-03-05", "码头", "active"),
        (9, None, "zh", "2021-03-05", "码头", "merged"),
    ]
    assert stays(ledger, other) == [(1, None, "en", "2021-03-04", None, "active")]


def test_an_edit_that_files_as_before_begins_no_stay(ledger: Ledger) -> None:
    entry = create(ledger, "A", topic="Quays")
    edit(ledger, entry, topic="Cranes")
    (event,) = ledger.events(1)
    again = RecordedEvent(
        event.entry,
        3,
        event.meta,
        EntryEdited(topic="Cranes", date=DAY),
        position=3,
        recorded_at=event.recorded_at,
    )

    with closing(sqlite3.connect(":memory:")) as db:
        for statement in Days.ddl:
            db.execute(statement)
        Days().apply([*ledger.events(), again], db)
        assert stays_in(db, entry) == stays(ledger, entry)
        assert len(stays_in(db, entry)) == 2


# At a moment


def test_a_day_at_a_position_is_the_day_of_then(ledger: Ledger) -> None:
    then: list[tuple[Any, ...]] = []

    def look(moment: Moment = NOW) -> tuple[Any, ...]:
        asked = [(day, edition) for day in (DAY, NEXT) for edition in ("en", "zh")]
        return (
            *(entries_of(ledger, day, moment, edition) for day, edition in asked),
            *(neighbours(ledger, day, moment, edition) for day, edition in asked),
            *(find(ledger, moment, topic=topic) for topic in (None, "Quays", "Cranes")),
            find(ledger, moment, status="retracted"),
        )

    then.append(look())
    first = create(ledger, "A", topic="Quays")
    then.append(look())
    second = create(ledger, "B", NEXT)
    then.append(look())
    for options in (
        {"date": NEXT},
        {"topic": "Cranes"},
        {"edition": "zh"},
        {"date": DAY},
        {"edition": "en", "topic": "Quays"},
    ):
        edit(ledger, first, **options)
        then.append(look())
    ledger.retract(second, actor="Ann")
    then.append(look())
    ledger.reinstate(second, actor="Ann")
    then.append(look())
    assert [look(Moment(position=position)) for position in range(10)] == then
    assert len({str(answer) for answer in then[:-2]}) == 7
    assert then[-1] == then[-3] == then[2]


def test_a_day_at_a_time_is_what_was_public_then(ledger: Ledger) -> None:
    """What is said to have come out before the version before it came out with that."""
    entry = create(ledger, "A", published_at=clock(10), topic="Quays")
    edit(ledger, entry, date=NEXT, published_at=clock(8))
    edit(ledger, entry, topic="Cranes", published_at=clock(14))
    edit(ledger, entry, date=DAY, published_at=clock(9))
    ledger.retract(entry, actor="Ann", published_at=clock(16))
    other = create(ledger, "B", NEXT, published_at=clock(9))

    def look(hour: int, position: int = LAST) -> tuple[Any, ...]:
        moment = public(hour, position)
        return (
            entries_of(ledger, DAY, moment),
            entries_of(ledger, NEXT, moment),
            find(ledger, moment, topic="Cranes"),
            find(ledger, moment, status="retracted"),
            neighbours(ledger, DAY, moment),
        )

    both = (entry, other)
    assert look(8) == ((), (), [], [], (None, None))
    assert look(9) == ((), (other,), [], [], (None, NEXT))
    assert look(10) == look(13) == ((), both, [], [], (None, NEXT))
    assert look(14) == look(15) == ((entry,), (other,), [entry], [], (None, NEXT))
    assert look(16) == look(23) == ((entry,), (other,), [entry], [entry], (None, NEXT))
    # Of what was known before: not yet the entry's second version, its third, its fourth.
    assert look(23, 1) == look(10, 1) == ((entry,), (), [], [], (None, None))
    assert look(23, 2) == look(10, 2) == ((), (entry,), [], [], (None, NEXT))
    assert look(23, 3) == ((), (entry,), [entry], [], (None, NEXT))
    assert look(13, 3) == ((), (entry,), [], [], (None, NEXT))
    assert look(9, 5) == ((), (), [], [], (None, None))
    assert look(23, 0) == look(0) == ((), (), [], [], (None, None))


def test_a_stay_that_ends_and_begins_again_has_a_gap(ledger: Ledger) -> None:
    entry = create(ledger, "A", published_at=clock(1))
    for hour, day in ((2, NEXT), (3, DAY), (4, LATER), (4, DAY), (5, NEXT)):
        edit(ledger, entry, date=day, published_at=clock(hour))
    on_day = [entries_of(ledger, DAY, public(hour)) != () for hour in range(7)]
    assert on_day == [False, True, False, True, True, False, False]
    # It left and came back at four o'clock: at no time was it away, but in the log it was.
    assert [entries_of(ledger, LATER, public(hour)) for hour in range(7)] == [()] * 7
    assert entries_of(ledger, LATER, Moment(position=4)) == (entry,)
    assert entries_of(ledger, LATER, public(4, 4)) == (entry,)
    assert entries_of(ledger, LATER, public(3, 4)) == ()


# Any history, any moment


moves = st.fixed_dictionaries(
    {"published_at": st.integers(1, 4).map(clock)},
    optional={
        "date": st.sampled_from([DAY, NEXT, LATER]),
        "edition": st.sampled_from(["en", "zh"]),
        "topic": st.sampled_from([None, "Quays", "Cranes"]),
        "contexts": st.sampled_from([(), ("Gulls",), ("Gulls", "Tides")]),
        "headline": st.sampled_from(["A", "B"]),
    },
)
kinds = st.sampled_from(["create", "edit", "edit", "edit", "retract", "reinstate", "correct"])
steps = st.tuples(kinds, st.integers(0, 3), moves)


def write(ledger: Ledger, history: Sequence[tuple[str, int, dict[str, Any]]]) -> None:
    ids: list[UUID] = []
    for kind, number, options in history:
        with suppress(Refused):
            entry = ids[number % len(ids)] if ids else None
            published_at = options["published_at"]
            if kind == "create" or entry is None:
                values = {"headline": "A", "date": DAY, **options}
                ids.append(ledger.create(actor="Ann", **values).entry)
            elif kind == "edit":
                ledger.edit(entry, actor="Ben", **options)
            elif kind == "correct":
                ledger.correct(entry, "A note.", actor="Ben", published_at=published_at)
            else:
                getattr(ledger, kind)(entry, actor="Ben", published_at=published_at)


def folded(events: Sequence[RecordedEvent], moment: Moment) -> list[NewsEntry]:
    """Return the entries of a moment, oldest first."""
    reached: dict[UUID, list[RecordedEvent]] = {}
    for event in events[: moment.position]:
        reached.setdefault(event.entry, []).append(event)
    found = []
    for known in reached.values():
        latest = max(
            (
                number
                for number in range(len(known) + 1)
                if all(
                    to_microseconds(e.meta.published_at) <= moment.public_at
                    for e in known[:number]
                )
            ),
        )
        state = fold(known[:latest])
        found += [state] if state is not None else []
    return found


@on_both(40, st.lists(steps, min_size=1, max_size=12))
def test_days_at_any_moment_are_those_of_the_fold(
    store: Store,
    history: list[tuple[str, int, dict[str, Any]]],
) -> None:
    with closing(store.another()) as other, Ledger.open(other.url) as ledger:
        ledger.init()
        write(ledger, history)
        events = list(ledger.events())
        times = [LAST, *(to_microseconds(clock(hour)) for hour in range(1, 5))]
        for moment in (
            Moment(time, position) for time in times for position in (LAST, *range(1, len(events)))
        ):
            there = folded(events, moment)
            for edition in ("en", "zh"):
                of_edition = [e for e in there if e.edition == edition]
                for day in (DAY, NEXT, LATER):
                    assert entries_of(ledger, day, moment, edition) == tuple(
                        e.id for e in of_edition if e.date == day
                    )
                    assert neighbours(ledger, day, moment, edition) == (
                        max((e.date for e in of_edition if e.date < day), default=None),
                        min((e.date for e in of_edition if e.date > day), default=None),
                    )
            in_order = sorted(there, key=lambda e: (e.date, e.id.bytes))
            assert find(ledger, moment) == [e.id for e in in_order]
            assert find(ledger, moment, topic="Quays", context="Gulls", status="active") == [
                e.id
                for e in in_order
                if e.topic == "Quays" and "Gulls" in e.contexts and e.status == "active"
            ]
            assert find(ledger, moment, context="Tides", day=DAY) == [
                e.id for e in in_order if "Tides" in e.contexts and e.date == DAY
            ]
