"""What the contexts view says: what entries touch, from when to when, and which are related."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import date
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from ledger import Ledger, NewsEntry
from ledger.domain.entry import fold
from ledger.domain.events import RecordedEvent
from ledger.errors import Refused
from ledger.projections import contexts
from ledger.projections.moments import LAST, NOW, Moment
from ledger.projections.records import Related
from ledger.projections.registry import BUILT_IN
from ledger.store.rows import to_microseconds
from tests.projections.desk import DAY, clock, create, edit, public
from tests.properties import on_both
from tests.stores import Store

ROOT = "/news/2021/03/4"


def related(
    ledger: Ledger, entry: UUID, limit: int = 10, moment: Moment = NOW
) -> tuple[Related, ...]:
    return ledger.views.read(lambda db: contexts.related(db, entry, limit, moment))


def counts(ledger: Ledger, moment: Moment = NOW) -> list[tuple[str, int]]:
    return ledger.views.read(lambda db: contexts.counts(db, moment))


Stay = tuple[str, int, int | None]


def stays(ledger: Ledger, entry: UUID) -> list[Stay]:
    return ledger.views.read(
        lambda db: db.execute(
            "SELECT context, since, until FROM contexts WHERE entry = ? ORDER BY since, context",
            (entry.bytes,),
        ).fetchall()
    )


def tables(ledger: Ledger) -> dict[str, Counter[tuple[Any, ...]]]:
    """Return the rows of every read model's tables."""
    return ledger.views.read(
        lambda db: {
            table: Counter(db.execute(f"SELECT {columns} FROM {table}"))
            for model in BUILT_IN
            for table, columns in model.tables.items()
        }
    )


# What entries touch


def test_contexts_begin_and_end(ledger: Ledger) -> None:
    entry = create(ledger, "A", contexts=("Quays", "Cranes"))
    bare = create(ledger, "B")
    edit(ledger, entry, contexts=("Gulls", "Quays"))
    edit(ledger, entry, headline="C", topic="Tides")
    ledger.correct(entry, "A note.", actor="Ben")
    edit(ledger, entry, contexts=())
    ledger.retract(entry, actor="Ben")
    ledger.reinstate(entry, actor="Ben")
    edit(ledger, entry, contexts=("Quays",))
    assert stays(ledger, entry) == [
        ("Cranes", 1, 2),
        ("Quays", 1, 5),
        ("Gulls", 2, 5),
        ("Quays", 8, None),
    ]
    edit(ledger, entry, contexts=("Tides",))
    assert stays(ledger, entry)[1:] == [
        ("Quays", 1, 5),
        ("Gulls", 2, 5),
        ("Quays", 8, 9),
        ("Tides", 9, None),
    ]
    assert stays(ledger, bare) == []


def test_another_order_of_the_same_contexts_changes_nothing(ledger: Ledger) -> None:
    entry = create(ledger, "A", contexts=("Quays", "Cranes"))
    before = stays(ledger, entry)
    edit(ledger, entry, contexts=("Cranes", "Quays"))
    assert stays(ledger, entry) == before == [("Cranes", 1, None), ("Quays", 1, None)]


def test_contexts_are_told_apart_by_every_letter(ledger: Ledger) -> None:
    names = ("quays", "Quays", "Quáys", " Quays", "码头", "O'Quay", "Quays_%")
    entry = create(ledger, "A", contexts=names)
    other = create(ledger, "B", contexts=("Quays", "码头"))
    assert counts(ledger) == [
        ("Quays", 2),
        ("码头", 2),
        *((name, 1) for name in (" Quays", "O'Quay", "Quays_%", "Quáys", "quays")),
    ]
    assert [one.contexts for one in related(ledger, other)] == [("Quays", "码头")]
    assert [one.entry for one in related(ledger, entry)] == [other]


def test_counts_begin_with_the_most_touched_then_by_name(ledger: Ledger) -> None:
    assert counts(ledger) == []
    first = create(ledger, "A", contexts=("Quays", "Gulls"), published_at=clock(1))
    create(ledger, "B", contexts=("Tides", "Quays"), published_at=clock(2))
    create(ledger, "渡轮", contexts=("Cranes",), edition="zh", published_at=clock(3))
    edit(ledger, first, contexts=("Tides", "Cranes"), published_at=clock(4))
    assert counts(ledger) == [("Cranes", 2), ("Tides", 2), ("Quays", 1)]
    before = [("Quays", 2), ("Cranes", 1), ("Gulls", 1), ("Tides", 1)]
    assert counts(ledger, public(3)) == counts(ledger, Moment(position=3)) == before
    assert counts(ledger, public(4)) == counts(ledger, public(4, 4)) == counts(ledger)
    assert counts(ledger, public(4, 2)) == [("Quays", 2), ("Gulls", 1), ("Tides", 1)]
    assert counts(ledger, public(0)) == []
    assert counts(ledger, Moment(position=0)) == []


def test_editing_contexts_writes_rows_of_that_entry_only(ledger: Ledger) -> None:
    crowd = [create(ledger, f"Entry {n}", contexts=("Quays", "Tides")) for n in range(30)]
    entry = crowd[7]
    before = tables(ledger)
    edit(ledger, entry, contexts=("Quays", "Gulls"))
    after = tables(ledger)
    gone = {table: before[table] - after[table] for table in before}
    come = {table: after[table] - before[table] for table in before}
    assert gone["contexts"] == Counter([("Tides", entry.bytes, 1, None)])
    assert come["contexts"] == Counter(
        [("Tides", entry.bytes, 1, 2), ("Gulls", entry.bytes, 2, None)]
    )
    wrote = {table for table in before if gone[table] or come[table]}
    assert wrote == {"contexts", "changes", "current", "edits", "last_values", "edge"}
    others = {id_.bytes for id_ in crowd if id_ != entry}
    rows = [row for table in before for row in gone[table] + come[table]]
    assert not others & {value for row in rows for value in row if isinstance(value, bytes)}
    # All of the crowd see it all the same.
    assert [one.contexts for one in related(ledger, crowd[0], 40) if one.entry == entry] == [
        ("Quays",)
    ]


# Related entries


def test_related_are_those_that_share_most_then_the_newest_path_as_text(ledger: Ledger) -> None:
    this = create(ledger, "This", contexts=("Quays", "Ferries", "Cranes"))
    both = create(ledger, "Both", date(2019, 1, 1), contexts=("Quays", "Ferries"))
    seventh = create(ledger, "Seventh", date(2017, 12, 7), contexts=("Quays",))
    tenth = create(ledger, "Tenth", date(2017, 12, 10), contexts=("Cranes", "Gulls"))
    september = create(ledger, "September", date(2017, 9, 30), contexts=("Ferries",))
    create(ledger, "Alone", contexts=("Gulls",))
    expected = (
        Related(both, "Both", "/news/2019/01/1/both", ("Ferries", "Quays")),
        Related(seventh, "Seventh", "/news/2017/12/7/seventh", ("Quays",)),
        Related(tenth, "Tenth", "/news/2017/12/10/tenth", ("Cranes",)),
        Related(september, "September", "/news/2017/09/30/september", ("Ferries",)),
    )
    assert related(ledger, this) == expected
    for limit in range(1, 6):
        assert related(ledger, this, limit) == expected[:limit]
    assert related(ledger, UUID(int=0)) == ()


def test_related_may_be_none_at_all(ledger: Ledger) -> None:
    this, _ = (create(ledger, headline, contexts=("Quays",)) for headline in "AB")
    assert related(ledger, this, 0) == ()


def test_related_leave_out_other_editions_and_what_was_taken_back(ledger: Ledger) -> None:
    this = create(ledger, "This", contexts=("Quays",))
    create(ledger, "Other edition", edition="zh", contexts=("Quays",))
    gone = create(ledger, "Retracted", contexts=("Quays",))
    merged = create(ledger, "Merged", contexts=("Quays",))
    ledger.retract(gone, actor="Ann")
    ledger.merge(merged, this, actor="Ann")
    assert related(ledger, this, 1) == ()
    ledger.reinstate(gone, actor="Ann")
    assert [one.entry for one in related(ledger, this, 1)] == [gone]


def test_those_left_out_make_room_for_those_of_a_lower_rank(ledger: Ledger) -> None:
    names = ("Quays", "Ferries", "Cranes")
    this = create(ledger, "This", contexts=names)
    for number in range(4):
        create(ledger, f"Other edition {number}", edition="zh", contexts=names)
    two = create(ledger, "Two", contexts=names[:2])
    ones = [create(ledger, f"One {letter}", contexts=names[-1:]) for letter in "ab"]
    assert [one.entry for one in related(ledger, this, 2)] == [two, ones[1]]
    assert [one.entry for one in related(ledger, this, 3)] == [two, ones[1], ones[0]]


def test_related_follow_edits(ledger: Ledger) -> None:
    this = create(ledger, "This", contexts=("Quays",))
    other = create(ledger, "Other")
    assert related(ledger, this) == ()
    edit(ledger, other, contexts=("Gulls", "Quays"), headline="Another")
    assert related(ledger, this) == (Related(other, "Another", f"{ROOT}/another", ("Quays",)),)
    edit(ledger, this, contexts=())
    assert related(ledger, this) == related(ledger, other) == ()


def test_related_of_an_entry_that_was_taken_back_are_still_there(ledger: Ledger) -> None:
    this, other = (create(ledger, headline, contexts=("Quays",)) for headline in "AB")
    ledger.retract(this, actor="Ann")
    assert [one.entry for one in related(ledger, this)] == [other]
    assert related(ledger, other) == ()


def test_related_at_a_moment_are_as_they_were_then(ledger: Ledger) -> None:
    this = create(ledger, "This", contexts=("Quays",), published_at=clock(2))
    other = create(ledger, "Other", contexts=("Quays", "Gulls"), published_at=clock(3))
    edit(ledger, this, contexts=("Gulls", "Quays"), published_at=clock(5))
    edit(ledger, other, headline="Another", published_at=clock(7))
    edit(ledger, other, date=date(2021, 3, 5), published_at=clock(6))
    ledger.retract(other, actor="Ben", published_at=clock(9))
    ledger.reinstate(other, actor="Ben", published_at=clock(11))
    edit(ledger, other, edition="zh", published_at=clock(13))
    one = Related(other, "Other", f"{ROOT}/other", ("Quays",))
    both = Related(other, "Other", f"{ROOT}/other", ("Gulls", "Quays"))
    renamed = Related(other, "Another", f"{ROOT}/another", ("Gulls", "Quays"))
    moved = Related(other, "Another", "/news/2021/03/5/another", ("Gulls", "Quays"))
    by_hour = {2: (), 3: (one,), 4: (one,), 5: (both,), 6: (both,), 7: (moved,), 8: (moved,)}
    by_hour |= {9: (), 10: (), 11: (moved,), 12: (moved,), 13: (), 14: ()}
    assert {hour: related(ledger, this, moment=public(hour)) for hour in by_hour} == by_hour
    by_position = [(), (), (one,), (both,), (renamed,), (moved,), (), (moved,), ()]
    assert [
        related(ledger, this, moment=Moment(position=position)) for position in range(9)
    ] == by_position
    assert related(ledger, this, moment=public(14, 5)) == (moved,)
    assert related(ledger, this, moment=public(7, 4)) == (renamed,)
    assert related(ledger, this, moment=public(6, 4)) == (both,)
    # An entry is related to none before it is there itself.
    assert related(ledger, other, moment=public(2)) == ()
    assert related(ledger, other, moment=public(3))[0].entry == this


# Any history, any moment


editions = st.fixed_dictionaries(
    {"published_at": st.integers(1, 3).map(clock)},
    optional={
        "contexts": st.lists(st.sampled_from("QCGT"), unique=True).map(tuple),
        "headline": st.sampled_from(["A", "B"]),
        "date": st.sampled_from([date(2017, 12, 7), date(2017, 12, 10), DAY]),
        "edition": st.sampled_from(["en", "en", "zh"]),
    },
)
kinds = st.sampled_from(["create", "create", "edit", "edit", "edit", "retract", "reinstate"])
steps = st.tuples(kinds, st.integers(0, 5), editions)


def write(ledger: Ledger, history: Sequence[tuple[str, int, dict[str, Any]]]) -> list[UUID]:
    ids = [create(ledger, "A", contexts=("Q", "C"), published_at=clock(1))]
    for kind, number, options in history:
        with suppress(Refused):
            entry = ids[number % len(ids)]
            if kind == "create":
                values = {"headline": "A", "date": DAY, "contexts": ("Q",), **options}
                ids.append(ledger.create(actor="Ann", **values).entry)
            elif kind == "edit":
                edit(ledger, entry, **options)
            else:
                getattr(ledger, kind)(entry, actor="Ben", published_at=options["published_at"])
    return ids


def folded(events: Sequence[RecordedEvent], moment: Moment) -> dict[UUID, NewsEntry]:
    """Return the entries of a moment: nothing after what is not public yet is public."""
    waiting: set[UUID] = set()
    found: dict[UUID, NewsEntry] = {}
    for event in events[: moment.position]:
        if to_microseconds(event.meta.published_at) > moment.public_at:
            waiting.add(event.entry)
        if event.entry not in waiting:
            state = fold([event], found.get(event.entry))
            assert state is not None
            found[event.entry] = state
    return found


def rule(ledger: Ledger, this: UUID, there: dict[UUID, NewsEntry]) -> list[Related]:
    """Return what the rule says, in the plainest way."""
    if this not in there:
        return []
    lines = []
    for other in there.values():
        shared = set(other.contexts) & set(there[this].contexts)
        same = (other.edition, other.status) == (there[this].edition, "active")
        if other.id != this and shared and same:
            path = ledger.get(other.id, version=other.version).path
            lines.append(Related(other.id, other.headline, path, tuple(sorted(shared))))
    lines.sort(key=lambda line: line.path, reverse=True)
    return sorted(lines, key=lambda line: -len(line.contexts))


@on_both(40, st.lists(steps, min_size=1, max_size=12))
def test_contexts_at_any_moment_are_those_of_the_fold(
    store: Store,
    history: list[tuple[str, int, dict[str, Any]]],
) -> None:
    with closing(store.another()) as other, Ledger.open(other.url) as ledger:
        ids = write(ledger, history)
        events = list(ledger.events())
        times = [LAST, *(to_microseconds(clock(hour)) for hour in range(1, 4))]
        for moment in [Moment(time, p) for time in times for p in (LAST, len(events) // 2)]:
            there = folded(events, moment)
            totals = Counter(name for state in there.values() for name in state.contexts)
            assert counts(ledger, moment) == sorted(
                totals.items(), key=lambda item: (-item[1], item[0])
            )
            for this in ids[:2]:
                expected = rule(ledger, this, there)
                for limit in (1, 2, 10):
                    found = related(ledger, this, limit, moment)
                    assert list(found) == expected[:limit]
