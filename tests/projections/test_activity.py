"""What the activity view says: who edits what and when, what flips back, what nobody told of."""

from __future__ import annotations

from collections import Counter
from contextlib import closing, suppress
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import strategies as st

from ledger import Ledger, Source
from ledger.domain.events import CorrectionPublished, EntryEdited
from ledger.domain.values import FIELDS, CorrectionKind, Layout
from ledger.errors import Refused, VersionNotFound
from ledger.projections import activity
from ledger.projections.activity import By, Count, Flip, SilentEdit
from tests.projections.desk import DAY, clock
from tests.properties import on_both
from tests.stores import Store

A, B = Source("A", "http://a.example"), Source("B", "http://b.example")


def create(ledger: Ledger, headline: str, **options: Any) -> UUID:
    values: dict[str, Any] = {"date": DAY, "actor": "Ann", **options}
    return ledger.create(headline=headline, **values).entry


def edit(ledger: Ledger, entry: UUID, actor: str = "Ben", **options: Any) -> None:
    ledger.edit(entry, actor=actor, **options)


def counts(ledger: Ledger, by: By) -> list[Count]:
    return ledger.views.read(lambda db: activity.counts(db, by))


def flips(ledger: Ledger) -> list[Flip]:
    return ledger.views.read(activity.flips)


def flipped(ledger: Ledger) -> list[tuple[int, str]]:
    return [(flip.version, flip.field) for flip in flips(ledger)]


def silent(ledger: Ledger) -> list[SilentEdit]:
    return ledger.views.read(activity.silent_edits)


# Counts


def test_edits_are_counted_by_the_day_they_came_out_in_utc(ledger: Ledger) -> None:
    entry = create(ledger, "A", published_at=datetime(2021, 3, 1, tzinfo=UTC))
    east, west = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
    times = [
        datetime(2021, 3, 3, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2021, 3, 4, tzinfo=UTC),
        datetime(2021, 3, 4, 13, 59, tzinfo=east),
        datetime(2021, 3, 3, 12, tzinfo=west),
        datetime(2021, 3, 4, 23, 59, 59, tzinfo=UTC),
        datetime(1969, 7, 20, 23, tzinfo=UTC),
    ]
    for number, time in enumerate(times):
        edit(ledger, entry, summary=f"Text {number}", published_at=time, minor=number % 2 == 0)
    assert counts(ledger, "day") == [
        Count("1969-07-20", 1, 0),
        Count("2021-03-03", 2, 2),
        Count("2021-03-04", 3, 1),
    ]


def test_actors_and_entries_with_most_edits_come_first(ledger: Ledger) -> None:
    first, second, third = sorted(create(ledger, "A") for _ in range(3))
    for number, (actor, entry) in enumerate(
        [("Cy", second), ("Ann", second), ("Ben", third), ("Ann", second), ("Ben", third)]
    ):
        edit(ledger, entry, actor, summary=f"Text {number}", minor=actor == "Ann")
    assert counts(ledger, "actor") == [Count("Ann", 2, 2), Count("Ben", 2, 0), Count("Cy", 1, 0)]
    assert counts(ledger, "entry") == [Count(str(second), 3, 2), Count(str(third), 2, 0)]
    edit(ledger, first, "Cy", summary="Text")
    assert counts(ledger, "entry")[2:] == [Count(str(first), 1, 0)]
    assert counts(ledger, "actor") == [Count("Ann", 2, 2), Count("Ben", 2, 0), Count("Cy", 2, 0)]


def test_an_edit_counts_for_each_of_its_fields(ledger: Ledger) -> None:
    entry = create(ledger, "A", topic="Quays", sources=(A,))
    edit(ledger, entry, topic=None, summary="Text", sources=(), minor=True)
    edit(ledger, entry, headline="B", summary="More")
    edit(ledger, entry, layout=Layout(style="older"), contexts=("Gulls",))
    ledger.revert(entry, 1, actor="Cy")
    assert counts(ledger, "field") == [
        Count("summary", 3, 1),
        *(Count(field, 2, 0) for field in ("contexts", "headline", "layout", "slug")),
        *(Count(field, 2, 1) for field in ("sources", "topic")),
    ]
    assert counts(ledger, "actor") == [Count("Ben", 3, 1), Count("Cy", 1, 0)]


def test_what_is_no_edit_does_not_count(ledger: Ledger) -> None:
    entry, other = create(ledger, "A", minor=True), create(ledger, "B")
    ledger.correct(entry, "A note.", actor="Ben", minor=True)
    ledger.retract(entry, actor="Ben")
    ledger.reinstate(entry, actor="Ben")
    ledger.merge(entry, other, actor="Ben")
    for by in get_args(By):
        assert counts(ledger, by) == []
    assert flips(ledger) == []
    assert silent(ledger) == []


# Flips


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("headline", ("Ferry sails", "Ferry stays")),
        ("summary", ("It sails.", "It stays.")),
        ("summary", (None, "It stays.")),
        ("summary", ("It sails.", None)),
        ("topic", ("", None)),
        ("date", (DAY, date(2021, 3, 5))),
        ("sources", ((A, B), (B, A))),
        ("sources", ((), (A,))),
        ("sources", ((A,), (Source("A", "http://a.example", "http://a.example/image"),))),
        ("cover_image", (None, "http://a.example")),
        ("contexts", (("Quays", "Gulls"), ("Gulls", "Quays"))),
        ("contexts", (("Quays",), ())),
        ("language", ("en", "en-GB")),
        ("edition", ("en", "zh")),
    ],
)
def test_a_field_that_goes_back_flips(ledger: Ledger, field: str, values: tuple[Any, Any]) -> None:
    one, other = values
    fields: dict[str, Any] = {"headline": "Ferry sails", field: one}
    entry = create(ledger, **fields)
    edit(ledger, entry, "Ben", **{field: other}, published_at=clock(1))
    assert flips(ledger) == []
    edit(ledger, entry, "Cy", **{field: one}, published_at=clock(2))
    first = Flip(entry=entry, version=3, field=field, actor="Cy", published_at=clock(2))
    assert flips(ledger) == [first]
    edit(ledger, entry, "Di", **{field: other}, published_at=clock(1))
    second = Flip(entry=entry, version=4, field=field, actor="Di", published_at=clock(1))
    assert flips(ledger) == [first, second]


def test_a_third_value_between_is_no_flip(ledger: Ledger) -> None:
    entry = create(ledger, "A", slug="a")
    for summary in ("B", "C", None, "B", "D", "B"):
        edit(ledger, entry, summary=summary)
    # A-B-C-A-B is none; B-D-B is one.
    assert flipped(ledger) == [(7, "summary")]


def test_other_events_and_fields_between_change_nothing(ledger: Ledger) -> None:
    entry = create(ledger, "A", topic="Quays")
    create(ledger, "A", topic="Gulls")
    edit(ledger, entry, topic="Cranes")
    ledger.correct(entry, "A note.", actor="Ben")
    edit(ledger, entry, summary="Text")
    ledger.retract(entry, actor="Ben")
    ledger.reinstate(entry, actor="Ben")
    edit(ledger, entry, topic="Quays")
    assert flipped(ledger) == [(7, "topic")]


def test_slug_and_layout_do_not_flip(ledger: Ledger) -> None:
    entry = create(ledger, "A")
    for slug, style in (("b", "older"), ("a", "current"), ("b", "older"), ("a", "current")):
        edit(ledger, entry, slug=slug, layout=Layout(style=style))  # type: ignore[arg-type]
    assert flips(ledger) == []
    assert counts(ledger, "field") == [Count("layout", 4, 0), Count("slug", 4, 0)]


def test_a_revert_flips_all_that_it_brings_back(ledger: Ledger) -> None:
    # In the order of the log, not of the ids.
    entry, other = sorted(create(ledger, "A", topic="Quays") for _ in range(2))
    edit(ledger, entry, headline="C", topic=None)
    edit(ledger, other, summary="Text")
    edit(ledger, other, summary=None)
    ledger.revert(entry, 1, actor="Cy")
    assert [(flip.entry, flip.version, flip.field) for flip in flips(ledger)] == [
        (other, 3, "summary"),
        (entry, 3, "headline"),
        (entry, 3, "topic"),
    ]


# Silent edits


def test_a_headline_that_changes_without_a_correction_is_listed(ledger: Ledger) -> None:
    # In the order of the log, not of the ids.
    other, entry = sorted(create(ledger, "Ferry sails", published_at=clock(1)) for _ in range(2))
    edit(ledger, entry, summary="Not the headline.", slug="ferry", topic="Quays")
    edit(ledger, entry, "Ben", headline="Ferry stays", published_at=clock(3), reason="It does.")
    edit(ledger, other, "Cy", headline="Gulls", published_at=clock(2), minor=True)
    first = SilentEdit(
        entry=entry,
        version=3,
        actor="Ben",
        published_at=clock(3),
        basis="stated",
        minor=False,
        old="Ferry sails",
        new="Ferry stays",
    )
    second = SilentEdit(
        entry=other,
        version=2,
        actor="Cy",
        published_at=clock(2),
        basis="stated",
        minor=True,
        old="Ferry sails",
        new="Gulls",
    )
    assert silent(ledger) == [first, second]
    ledger.revert(entry, 1, actor="Di", published_at=clock(4))
    third = SilentEdit(
        entry=entry,
        version=4,
        actor="Di",
        published_at=clock(4),
        basis="stated",
        minor=False,
        old="Ferry stays",
        new="Ferry sails",
    )
    assert silent(ledger) == [first, second, third]


@pytest.mark.parametrize("kind", get_args(CorrectionKind))
def test_a_correction_published_later_takes_them_off(ledger: Ledger, kind: CorrectionKind) -> None:
    entry, other = create(ledger, "A"), create(ledger, "B")
    ledger.correct(entry, "A note before.", kind, actor="Ben")
    edit(ledger, entry, headline="C")
    edit(ledger, other, headline="D")
    edit(ledger, entry, headline="E")
    assert [(edit.entry, edit.old, edit.new) for edit in silent(ledger)] == [
        (entry, "A", "C"),
        (other, "B", "D"),
        (entry, "C", "E"),
    ]
    ledger.retract(entry, actor="Ben")
    assert len(silent(ledger)) == 3
    ledger.correct(entry, "It is E.", kind, actor="Ben")
    assert [(edit.entry, edit.new) for edit in silent(ledger)] == [(other, "D")]
    ledger.reinstate(entry, actor="Ben")
    edit(ledger, entry, headline="A")
    assert [(edit.entry, edit.version, edit.old, edit.new) for edit in silent(ledger)] == [
        (other, 2, "B", "D"),
        (entry, 8, "E", "A"),
    ]


# Any history


edits = st.fixed_dictionaries(
    {
        "published_at": st.sampled_from(
            [clock(h) + timedelta(days=d) for h in (1, 23) for d in (0, 1)]
        ),
        "actor": st.sampled_from(["Ann", "Ben", "Cy"]),
        "minor": st.booleans(),
    },
    optional={
        "headline": st.sampled_from(["A", "B", "C"]),
        "summary": st.sampled_from([None, "X", "Y"]),
        "sources": st.sampled_from([(), (A,), (A, B)]),
        "contexts": st.sampled_from([(), ("Quays",)]),
        "slug": st.sampled_from(["x", "y"]),
    },
)
kinds = st.sampled_from(["create", "edit", "edit", "edit", "edit", "revert", "correct", "retract"])
steps = st.tuples(kinds, st.integers(0, 2), edits)


def write(ledger: Ledger, history: list[tuple[str, int, dict[str, Any]]]) -> list[UUID]:
    ids = [create(ledger, "A")]
    for kind, number, options in history:
        entry = ids[number % len(ids)]
        who = {name: options[name] for name in ("actor", "minor", "published_at")}
        with suppress(Refused, VersionNotFound):
            match kind:
                case "create":
                    ids.append(create(ledger, **{"headline": "A", **options}))
                case "edit":
                    ledger.edit(entry, **options)
                case "revert":
                    ledger.revert(entry, number + 1, **who)
                case "correct":
                    ledger.correct(entry, "A note.", **who)
                case _:
                    ledger.retract(entry, **who)
                    ledger.reinstate(entry, **who)
    return ids


@on_both(60, st.lists(steps, min_size=1, max_size=25))
def test_activity_is_what_replaying_every_entry_shows(
    store: Store,
    history: list[tuple[str, int, dict[str, Any]]],
) -> None:
    with closing(store.another()) as other, Ledger.open(other.url) as ledger:
        total: Counter[tuple[str, str]] = Counter()
        minor: Counter[tuple[str, str]] = Counter()
        back: list[tuple[int, int, UUID, str]] = []
        unsaid: list[tuple[int, UUID, str, str]] = []
        for entry in write(ledger, history):
            past: dict[str, list[Any]] = {}
            for step in ledger.replay(entry):
                event, before = step.event, step.before
                new = [
                    f for f in FIELDS if before and getattr(step.after, f) != getattr(before, f)
                ]
                if isinstance(event.data, EntryEdited):
                    keys = [("day", f"{event.meta.published_at:%Y-%m-%d}"), ("entry", str(entry))]
                    keys += [("actor", event.meta.actor), *(("field", name) for name in new)]
                    total.update(keys)
                    minor.update(keys if event.meta.minor else [])
                for number, name in enumerate(FIELDS):
                    values = past.setdefault(name, [])
                    if not values or name in new:
                        values.append(getattr(step.after, name))
                        if values[-3:-2] == values[-1:] and name not in {"slug", "layout"}:
                            back.append((event.position, number, entry, name))
                if isinstance(event.data, CorrectionPublished):
                    unsaid = [one for one in unsaid if one[1] != entry]
                elif before and "headline" in new:
                    unsaid.append((event.position, entry, before.headline, step.after.headline))
        for by in get_args(By):
            expected = [
                Count(k, n, minor[kind, k]) for (kind, k), n in total.items() if kind == by
            ]
            expected.sort(key=lambda c: c.of if by == "day" else (-c.edits, c.of))
            assert counts(ledger, by) == expected
        assert [(f.entry, f.field) for f in flips(ledger)] == [
            one[2:] for one in sorted(back, key=lambda one: (one[0], one[3]))
        ]
        assert [(s.entry, s.old, s.new) for s in silent(ledger)] == [
            one[1:] for one in sorted(unsaid, key=lambda one: one[0])
        ]
