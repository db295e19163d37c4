"""The answer for a moment is what a ledger would have said that had stopped at that moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st

from ledger import Ledger
from ledger.errors import EntryNotFound, InvalidInput, InvalidTime, VersionNotFound
from ledger.pages.markdown import render
from ledger.projections.records import Related
from ledger.results import Day, When
from tests.histories import (
    DAYS,
    PAST,
    TICK,
    Step,
    answers,
    between,
    desk,
    histories,
    play,
    rows_at,
)
from tests.properties import on_both
from tests.stores import Store

# Properties


@on_both(100, histories(), st.integers(0, 40))
def test_what_was_known_is_what_a_ledger_says_that_stopped_there(
    store: Store, history: list[Step], number: int
) -> None:
    with desk(store) as here:
        ledger = here.open()
        ids = play(ledger, history)
        events = list(ledger.events())
        position = number % (len(events) + 1)
        expected = answers(here.stopped(ledger, position), ids)
        assert answers(ledger, ids, known_at=position) == expected
        recorded = [None, *(event.recorded_at for event in events), None]
        for time in between(*recorded[position : position + 2])[number % 2 :][:1]:
            assert answers(ledger, ids, known_at=time) == expected


TIMES = st.sampled_from(
    [PAST[0] - TICK, *PAST, *(time + TICK for time in PAST), datetime(2999, 1, 1, tzinfo=UTC)]
)


@on_both(100, histories(), TIMES | st.integers(0, 40), st.none() | st.integers(0, 40))
def test_what_was_public_is_what_a_ledger_says_that_holds_nothing_else(
    store: Store, history: list[Step], as_of: When, known_at: int | None
) -> None:
    with desk(store) as here:
        ledger = here.open()
        ids = play(ledger, history, apart=True)
        head = ledger.application.log.head().position
        if isinstance(as_of, int):
            as_of = as_of % head + 1 if head else PAST[0]
        moment: dict[str, When | None] = {"as_of": as_of}
        if known_at is not None:
            moment["known_at"] = known_at = known_at % (head + 1)
        rows = rows_at(ledger, as_of, known_at)
        places = {row.position: position for position, row in enumerate(rows, 1)}
        expected = answers(here.holding(rows), ids)
        assert answers(ledger, ids, places, **moment) == expected


@on_both(60, histories(published=False), st.integers(0, 40))
def test_what_is_published_as_it_is_recorded_is_public_when_it_is_known(
    store: Store, history: list[Step], number: int
) -> None:
    with desk(store) as here:
        ledger = here.open()
        ids = play(ledger, history)
        events = list(ledger.events())
        recorded = [None, *(event.recorded_at for event in events)]
        published = [*(event.meta.published_at for event in events), None]
        times = [between(*bounds) for bounds in zip(recorded, published, strict=True)]
        for time in [time for two in times for time in two][number % 2 :: 4]:
            assert answers(ledger, ids, as_of=time) == answers(ledger, ids, known_at=time)


# Examples


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        opened.init()
        yield opened


def create(ledger: Ledger, headline: str, **options: Any) -> UUID:
    return ledger.create(DAYS[0], headline, actor="Ann", **options).entry


Read = Callable[..., object]

OF_ONE: dict[str, Read] = {
    "get": lambda ledger, entry, **moment: ledger.get(entry, **moment),
    "changes": lambda ledger, entry, **moment: ledger.changes(entry, **moment),
    "diff": lambda ledger, entry, **moment: ledger.diff(entry, **moment),
    "related": lambda ledger, entry, **moment: ledger.related(entry, **moment),
}
OF_ALL: dict[str, Read] = {
    "entries": lambda ledger, entry, **moment: ledger.entries(**moment),
    "day": lambda ledger, entry, **moment: ledger.day(DAYS[0], **moment),
    "contexts": lambda ledger, entry, **moment: ledger.contexts(**moment),
    "search": lambda ledger, entry, **moment: ledger.search("ferry", **moment),
}
EACH = pytest.mark.parametrize("read", [*OF_ONE.values(), *OF_ALL.values()], ids=OF_ONE | OF_ALL)
EACH_OF_ONE = pytest.mark.parametrize("read", OF_ONE.values(), ids=OF_ONE)


def test_at_position_0_there_was_nothing(ledger: Ledger) -> None:
    entry = create(ledger, "Ferry", contexts=("Quays",))
    empty = answers(ledger, [entry], known_at=0)
    assert {
        name: answer for name, answer in empty.items() if answer not in ([], VersionNotFound)
    } == {
        f"day {day} {edition}": Day(day, edition or "en", (), None, None)
        for day in DAYS
        for edition in ("en", "zh", None)
    }
    assert sum(answer is VersionNotFound for answer in empty.values()) == 11
    assert ledger.entries(known_at=1) == ledger.entries() != []


def test_what_was_known_at_the_head_is_the_present(ledger: Ledger) -> None:
    first = create(ledger, "Ferry", contexts=("Quays",), published_at=PAST[2])
    other = create(ledger, "Tide", contexts=("Quays",), topic="Harbour")
    ledger.edit(first, headline="Ferry sails", actor="Ben", published_at=PAST[0])
    ledger.retract(other, actor="Ben")
    present = answers(ledger, [first, other])
    now = datetime.now(UTC)
    moments: list[dict[str, Any]] = [
        {"known_at": 4},
        {"as_of": 4},
        {"as_of": 4, "known_at": 4},
        {"as_of": now, "known_at": now + timedelta(days=9)},
    ]
    for moment in moments:
        assert answers(ledger, [first, other], **moment) == present
    assert answers(ledger, [first, other], known_at=3) != present
    assert answers(ledger, [first, other], as_of=PAST[3]) != present


@EACH
@pytest.mark.parametrize("time", ["as_of", "known_at"])
def test_a_moment_that_is_none(ledger: Ledger, read: Read, time: str) -> None:
    entry = create(ledger, "Ferry")
    for position in (2, -1, 10**18):
        with pytest.raises(
            InvalidTime, match=f"^the log has no position {position}; it ends at 1"
        ):
            read(ledger, entry, **{time: position})
    with pytest.raises(InvalidInput, match=r"^the time 2021-03-04 08:00:00 has no time zone$"):
        read(ledger, entry, **{time: datetime(2021, 3, 4, 8)})  # noqa: DTZ001


@EACH
def test_position_0_has_no_time(ledger: Ledger, read: Read) -> None:
    entry = create(ledger, "Ferry")
    with pytest.raises(InvalidTime, match=r"^position 0 has no time: the first event is at 1$"):
        read(ledger, entry, as_of=0)
    assert read(ledger, entry, as_of=1) is not None


@EACH_OF_ONE
@pytest.mark.parametrize("moment", [{"known_at": 0}, {"as_of": PAST[0]}, {"known_at": PAST[0]}])
def test_an_entry_that_was_not_there_yet_and_one_that_never_was(
    ledger: Ledger, read: Read, moment: dict[str, When]
) -> None:
    entry = create(ledger, "Ferry")
    with pytest.raises(VersionNotFound):
        read(ledger, entry, **moment)
    with pytest.raises(EntryNotFound):
        read(ledger, UUID(int=7), **moment)


def test_a_version_and_a_moment_are_too_much(ledger: Ledger) -> None:
    entry = create(ledger, "Ferry")
    for time in ("as_of", "known_at"):
        with pytest.raises(InvalidInput, match=r"^ask for a version or for a time, not for both$"):
            ledger.get(entry, version=1, **{time: 1})


def test_publication_counts_by_the_latest_time_so_far(ledger: Ledger) -> None:
    # given versions that became public at ten, at eight, and at eleven, as they say
    entry = create(ledger, "One", published_at=PAST[2])
    ledger.edit(entry, headline="Two", actor="Ben", published_at=PAST[0])
    ledger.edit(entry, headline="Three", actor="Ben", published_at=PAST[3])
    # then the second one is taken to be as late as the first
    with pytest.raises(VersionNotFound, match="was not public yet at 2021-03-04 09:00:00 UTC"):
        ledger.get(entry, as_of=PAST[1])
    assert ledger.entries(as_of=PAST[1]) == []
    assert ledger.get(entry, as_of=PAST[2]).entry.headline == "Two"
    assert ledger.get(entry, as_of=PAST[2], known_at=1).entry.headline == "One"
    assert [item.entry.headline for item in ledger.entries(as_of=PAST[2])] == ["Two"]
    assert [item.entry.headline for item in ledger.entries(as_of=PAST[3])] == ["Three"]
    assert [change.headline for change in ledger.changes(entry, as_of=PAST[2])] == ["One", "Two"]


def test_an_old_permalink_means_the_entry_at_any_moment(ledger: Ledger) -> None:
    entry = create(ledger, "Ferry sails", published_at=PAST[0])
    ledger.edit(entry, headline="Ferry stays", actor="Ben", published_at=PAST[1])
    ledger.edit(entry, headline="Ferry sinks", actor="Ben", published_at=PAST[2])
    for path in ("ferry-sails", "ferry-stays.html", "ferry-sinks"):
        shown = ledger.get(f"/news/2021/03/4/{path}", as_of=PAST[1])
        assert (shown.entry.id, shown.entry.version) == (entry, 2)
        assert shown.path == "/news/2021/03/4/ferry-stays"
        assert (shown.as_of, shown.known_at, shown.is_current) == (PAST[1], None, False)
        assert (shown.current_version, shown.current_path[-6:]) == (3, "-sinks")
    assert ledger.changes("/news/2021/03/4/ferry-sinks", known_at=1)[0].headline == "Ferry sails"


def test_a_page_shows_changes_and_related_of_its_moment(ledger: Ledger) -> None:
    # given an entry whose headline changed, and another that was renamed and left its context
    entry = create(
        ledger, "Ferry sails", summary="Calm.", contexts=("Quays",), published_at=PAST[0]
    )
    other = create(ledger, "Tide rises", contexts=("Quays",), published_at=PAST[0])
    ledger.edit(entry, headline="Ferry stays", actor="Ben", published_at=PAST[1])
    ledger.edit(other, headline="Tide falls", actor="Ben", published_at=PAST[2])
    ledger.edit(other, contexts=(), actor="Ben", published_at=PAST[3])
    ledger.edit(entry, headline="Ferry sinks", actor="Ben")

    def lists(**moment: Any) -> str:
        return render(ledger.page(ledger.get(entry, **moment))).split("Calm.\n\n\n")[1]

    # then each moment has its own lists
    assert lists(as_of=PAST[0]) == (
        "### Related:\n\n1. [Tide rises](/news/2021/03/4/tide-rises.md) _Context: Quays_\n"
    )
    changes = (
        "### Changes:\n\n"
        "1. [Ferry sails](/news/2021/03/4/ferry-sails.md) _2021-03-04 08:00:00 (First version)_\n"
        "{}"
        "{}. [{}](/news/2021/03/4/{}.md) _(Current version)_\n"
    )
    second = changes.format("", 1, "Ferry stays", "ferry-stays")
    for time, path, headline in (
        ({"as_of": PAST[1]}, "tide-rises", "Tide rises"),
        ({"as_of": PAST[2]}, "tide-falls", "Tide falls"),
        ({"known_at": 3}, "tide-rises", "Tide rises"),
        ({"known_at": 4}, "tide-falls", "Tide falls"),
        ({"as_of": PAST[2], "known_at": 3}, "tide-rises", "Tide rises"),
    ):
        related = (
            f"\n### Related:\n\n1. [{headline}](/news/2021/03/4/{path}.md) _Context: Quays_\n"
        )
        assert lists(**time) == second + related
    assert lists(as_of=PAST[3]) == lists(known_at=5) == second
    update = "2. [Ferry stays](/news/2021/03/4/ferry-stays.md) _2021-03-04 09:00:00 (Update)_\n"
    assert lists() == changes.format(update, 2, "Ferry sinks", "ferry-sinks")


def test_related_are_those_of_the_moment(ledger: Ledger) -> None:
    entry = create(ledger, "Ferry", contexts=("Quays",))
    gone = create(ledger, "Gull", contexts=("Quays",))
    moved = create(ledger, "Tide", contexts=("Quays",))
    ledger.retract(gone, actor="Ben")
    ledger.edit(moved, edition="zh", actor="Ben")
    gull = Related(gone, "Gull", "/news/2021/03/4/gull", ("Quays",))
    tide = Related(moved, "Tide", "/news/2021/03/4/tide", ("Quays",))
    assert [ledger.related(entry, known_at=position) for position in range(1, 6)] == [
        (),
        (gull,),
        (tide, gull),
        (tide,),
        (),
    ]


def test_a_day_is_as_it_was(ledger: Ledger) -> None:
    first = create(ledger, "Ferry")
    second = ledger.create(date(2021, 3, 9), "Tide", actor="Ann").entry
    ledger.edit(first, date=DAYS[1], actor="Ben")

    def day(day: date, known_at: int) -> tuple[object, ...]:
        found = ledger.day(day, known_at=known_at)
        return [item.entry.id for item in found.entries], found.previous, found.next

    assert day(DAYS[0], 1) == ([first], None, None)
    assert day(DAYS[0], 2) == ([first], None, date(2021, 3, 9))
    assert day(DAYS[0], 3) == ([], None, DAYS[1])
    assert day(date(2021, 3, 9), 2) == ([second], DAYS[0], None)
    assert day(date(2021, 3, 9), 3) == ([second], DAYS[1], None)
    assert day(DAYS[1], 3) == ([first], None, date(2021, 3, 9))


def test_a_path_is_decided_in_the_order_of_the_log_and_stays(ledger: Ledger, store: Store) -> None:
    # given two entries that want one path, of which the one recorded later was public first
    later = create(ledger, "Ferry", published_at=PAST[2])
    sooner = create(ledger, "Ferry", published_at=PAST[0])
    # when a time is asked for at which only that one was public
    (listed,) = ledger.entries(as_of=PAST[1])
    # then it is where it is now, though nothing else seems to be in its way
    assert (listed.entry.id, listed.path) == (sooner, "/news/2021/03/4/ferry-2")
    assert ledger.get(sooner, as_of=PAST[1]).path == "/news/2021/03/4/ferry-2"
    assert ledger.get(later, known_at=1).path == "/news/2021/03/4/ferry"
    with desk(store) as here:
        alone = here.holding(rows_at(ledger, PAST[1], None))
        assert alone.get(sooner).path == "/news/2021/03/4/ferry"
