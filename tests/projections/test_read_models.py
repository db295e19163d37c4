"""What the read models say: current versions, changes, permalinks, related entries."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import Ledger, NewsEntry, Source
from ledger.domain.entry import fold
from ledger.errors import InvalidInput, Refused, VersionNotFound
from ledger.projections import changes, contexts, current, permalinks
from ledger.projections.records import Change, Related, Resolved

DAY = date(2021, 3, 4)
NEXT = date(2021, 3, 5)
ROOT = "/news/2021/03/4"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(f"{url}?synchronous=normal") as opened:
        opened.init()
        yield opened


def create(ledger: Ledger, headline: str, day: date = DAY, **options: Any) -> UUID:
    return ledger.create(day, headline, actor="Ann", **options).entry


def edit(ledger: Ledger, entry: UUID, **options: Any) -> None:
    ledger.edit(entry, actor="Ben", **options)


def path(ledger: Ledger, entry: UUID) -> str | None:
    return ledger.views.read(lambda db: permalinks.current_path(db, entry))


def resolve(ledger: Ledger, at: str, edition: str = "en") -> Resolved | None:
    return ledger.views.read(lambda db: permalinks.resolve(db, at, edition))


def owner(ledger: Ledger, at: str, edition: str = "en") -> UUID | None:
    return ledger.views.read(lambda db: permalinks.owner(db, at, edition))


def now(ledger: Ledger, entry: UUID) -> NewsEntry | None:
    return ledger.views.read(lambda db: current.get(db, entry))


# Current


def test_current_is_the_fold_of_all_events(ledger: Ledger) -> None:
    entry = create(ledger, "Ferry resumes", topic="Harbour", sources=(Source("A", "http://a"),))
    other = create(ledger, "Tide rises")
    edit(ledger, entry, summary="It sails.", topic=None)
    ledger.correct(entry, "It sailed at nine.", actor="Ben")
    ledger.merge(other, entry, actor="Ben")
    for id_ in (entry, other):
        assert now(ledger, id_) == fold(ledger.history(id_)) is not None
    assert now(ledger, UUID(int=0)) is None


def test_entries_are_found_by_what_they_are_now(ledger: Ledger) -> None:
    later = create(ledger, "A", NEXT, topic="Harbour", contexts=("Ferries",))
    first = create(ledger, "B", topic="Harbour", contexts=("Ferries", "Quays"))
    gone = create(ledger, "C", contexts=("Quays",))
    ledger.retract(gone, actor="Ann")

    def find(**conditions: Any) -> list[UUID]:
        return ledger.views.read(lambda db: [e.id for e in current.find(db, **conditions)])

    same_day = sorted([first, gone], key=lambda id_: id_.bytes)
    assert find() == [*same_day, later]
    assert find(day=DAY) == same_day
    assert find(topic="Harbour") == [first, later]
    assert find(topic="Harbour", day=NEXT) == [later]
    assert find(context="Ferries") == [first, later]
    assert find(context="Quays", status="active") == [first]
    assert find(status="retracted") == [gone]
    edit(ledger, later, contexts=("Quays",), topic=None)
    assert find(context="Ferries") == [first]
    assert find(topic="Harbour") == [first]
    edit(ledger, first, date=date(2021, 3, 6))
    assert find() == [gone, later, first]


# Changes


def history(ledger: Ledger, entry: UUID) -> tuple[Change, ...]:
    return ledger.views.read(lambda db: changes.history(db, entry))


def test_a_change_says_everything_about_its_event(ledger: Ledger) -> None:
    published = datetime(2021, 3, 4, 9, 30, tzinfo=UTC)
    first = ledger.create(
        DAY, "Ferry resumes", actor="Ann", published_at=published, basis="listed", reason="news"
    )
    second = ledger.edit(
        first.entry, topic="Harbour", summary="It sails.", actor="Ben", minor=True
    )
    assert history(ledger, first.entry) == (
        Change(
            version=1,
            label="First version",
            listed=True,
            headline="Ferry resumes",
            path=f"{ROOT}/ferry-resumes",
            published_at=published,
            basis="listed",
            recorded_at=first.recorded_at,
            position=1,
            type="EntryCreated",
            actor="Ann",
            reason="news",
            minor=False,
            fields=("date", "headline", "slug", "language", "edition", "layout"),
        ),
        Change(
            version=2,
            label="Update",
            listed=False,
            headline="Ferry resumes",
            path=f"{ROOT}/ferry-resumes",
            published_at=second.meta.published_at,
            basis="stated",
            recorded_at=second.recorded_at,
            position=2,
            type="EntryEdited",
            actor="Ben",
            reason=None,
            minor=True,
            fields=("topic", "summary"),
        ),
    )
    assert history(ledger, UUID(int=0)) == ()


def test_changes_label_and_list_the_versions_that_brought_a_headline(ledger: Ledger) -> None:
    """A-B-A, with other events between them."""
    entry = create(ledger, "Ferry resumes")
    edit(ledger, entry, summary="It sails.")
    edit(ledger, entry, headline="Ferry stops")
    ledger.correct(entry, "It stopped at nine.", actor="Ben")
    edit(ledger, entry, headline="Ferry resumes")
    ledger.retract(entry, actor="Ben")
    one, two = f"{ROOT}/ferry-resumes", f"{ROOT}/ferry-stops"
    assert [
        (c.version, c.type, c.label, c.listed, c.headline, c.path, c.fields)
        for c in history(ledger, entry)[1:]
    ] == [
        (2, "EntryEdited", "Update", False, "Ferry resumes", one, ("summary",)),
        (3, "EntryEdited", "Update", True, "Ferry stops", two, ("headline", "slug")),
        (4, "CorrectionPublished", "Update", False, "Ferry stops", two, ()),
        (5, "EntryEdited", "Update", True, "Ferry resumes", one, ("headline", "slug")),
        (6, "EntryRetracted", "Update", False, "Ferry resumes", one, ()),
    ]
    assert history(ledger, entry)[0].label == "First version"
    assert [change.version for change in ledger.changes(entry)] == [1, 3, 5]


def test_times_in_views_are_exact(ledger: Ledger) -> None:
    moment = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    entry = create(ledger, "Moon", date(1969, 7, 20), published_at=moment)
    assert [change.published_at for change in history(ledger, entry)] == [moment]


# Permalinks


def test_the_later_of_two_equal_paths_gets_a_number_in_the_log_s_order(ledger: Ledger) -> None:
    entries = [create(ledger, "Ferry resumes") for _ in range(3)]
    other_day = create(ledger, "Ferry resumes", NEXT)
    assert [path(ledger, entry) for entry in entries] == [
        f"{ROOT}/ferry-resumes",
        f"{ROOT}/ferry-resumes-2",
        f"{ROOT}/ferry-resumes-3",
    ]
    assert path(ledger, other_day) == "/news/2021/03/5/ferry-resumes"


def test_a_number_that_is_taken_is_passed_over(ledger: Ledger) -> None:
    create(ledger, "Ferry resumes 2")
    create(ledger, "Ferry resumes")
    third = create(ledger, "Ferry resumes")
    assert path(ledger, third) == f"{ROOT}/ferry-resumes-3"
    assert path(ledger, create(ledger, "Ferry resumes 2")) == f"{ROOT}/ferry-resumes-2-2"


def test_a_flip_back_comes_to_the_old_path_again(ledger: Ledger) -> None:
    create(ledger, "Ferry resumes")
    entry = create(ledger, "Ferry resumes")
    edit(ledger, entry, headline="Ferry stops")
    edit(ledger, entry, headline="Ferry resumes")
    assert ledger.views.read(lambda db: permalinks.moves(db, entry)) == [
        (1, f"{ROOT}/ferry-resumes-2"),
        (2, f"{ROOT}/ferry-stops"),
        (3, f"{ROOT}/ferry-resumes-2"),
    ]
    assert resolve(ledger, f"{ROOT}/ferry-resumes-2") == Resolved(entry, None)
    assert resolve(ledger, f"{ROOT}/ferry-stops") == Resolved(entry, 2)


def test_a_path_left_is_never_given_away(ledger: Ledger) -> None:
    entry = create(ledger, "Ferry resumes")
    edit(ledger, entry, summary="It sails.")
    edit(ledger, entry, headline="Ferry stops")
    other = create(ledger, "Ferry resumes")
    assert path(ledger, other) == f"{ROOT}/ferry-resumes-2"
    assert resolve(ledger, f"{ROOT}/ferry-resumes") == Resolved(entry, 2)
    assert owner(ledger, f"{ROOT}/ferry-resumes") == entry
    # Not even when its entry is gone.
    ledger.merge(entry, other, actor="Ann")
    assert path(ledger, create(ledger, "Ferry resumes")) == f"{ROOT}/ferry-resumes-3"
    assert resolve(ledger, f"{ROOT}/nowhere") is None
    assert owner(ledger, f"{ROOT}/nowhere") is None


@pytest.mark.parametrize("slug", ["index", "readme", "Index", "README"])
def test_pages_that_are_always_there_are_not_shadowed(ledger: Ledger, slug: str) -> None:
    assert path(ledger, create(ledger, "A", slug=slug)) == f"{ROOT}/{slug}-2"
    assert path(ledger, create(ledger, "B", slug=slug)) == f"{ROOT}/{slug}-3"
    assert owner(ledger, f"{ROOT}/{slug}") is None


def test_a_headline_alone_does_not_move_and_a_slug_alone_does(ledger: Ledger) -> None:
    entry = create(ledger, "Ferry resumes")
    edit(ledger, entry, headline="Ferry stops", slug="ferry-resumes")
    assert path(ledger, entry) == f"{ROOT}/ferry-resumes"
    edit(ledger, entry, slug="no-ferry")
    assert path(ledger, entry) == f"{ROOT}/no-ferry"
    assert [c.path for c in history(ledger, entry)] == [
        f"{ROOT}/ferry-resumes",
        f"{ROOT}/ferry-resumes",
        f"{ROOT}/no-ferry",
    ]


def test_another_date_moves(ledger: Ledger) -> None:
    taken = create(ledger, "Ferry resumes", NEXT)
    entry = create(ledger, "Ferry resumes")
    edit(ledger, entry, date=NEXT)
    assert path(ledger, entry) == "/news/2021/03/5/ferry-resumes-2"
    assert path(ledger, taken) == "/news/2021/03/5/ferry-resumes"
    assert resolve(ledger, f"{ROOT}/ferry-resumes") == Resolved(entry, 1)


def test_editions_have_their_own_paths(ledger: Ledger) -> None:
    at = f"{ROOT}/ferry"
    english = create(ledger, "A", slug="ferry")
    chinese = create(ledger, "B", slug="ferry", edition="zh")
    assert (path(ledger, english), path(ledger, chinese)) == (at, at)
    assert (owner(ledger, at, "en"), owner(ledger, at, "zh")) == (english, chinese)
    edit(ledger, english, edition="zh", language="zh")
    assert path(ledger, english) == f"{at}-2"
    assert resolve(ledger, at, "en") == Resolved(english, 1)
    assert resolve(ledger, at, "zh") == Resolved(chinese, None)
    assert resolve(ledger, f"{at}-2", "zh") == Resolved(english, None)
    assert resolve(ledger, f"{at}-2", "en") is None


def test_a_path_of_an_edition_that_was_left_shows_what_it_showed(ledger: Ledger) -> None:
    entry = create(ledger, "A", slug="ferry")
    edit(ledger, entry, edition="zh")
    assert path(ledger, entry) == f"{ROOT}/ferry"
    assert resolve(ledger, f"{ROOT}/ferry", "zh") == Resolved(entry, None)
    assert resolve(ledger, f"{ROOT}/ferry", "en") == Resolved(entry, 1)


def test_many_that_want_one_path_are_numbered_in_turn(ledger: Ledger) -> None:
    entries = [create(ledger, "Ferry") for _ in range(13)]
    assert [path(ledger, entry) for entry in entries] == [
        f"{ROOT}/ferry",
        *(f"{ROOT}/ferry-{number}" for number in range(2, 14)),
    ]
    edit(ledger, entries[4], headline="Gull")
    assert path(ledger, create(ledger, "Ferry")) == f"{ROOT}/ferry-14"
    edit(ledger, entries[4], headline="Ferry")
    assert path(ledger, entries[4]) == f"{ROOT}/ferry-5"
    # A path that somebody asked for by name is passed over by those who are numbered.
    create(ledger, "Other", slug="ferry-15")
    assert path(ledger, create(ledger, "Ferry")) == f"{ROOT}/ferry-16"


# Contexts and related


def related(ledger: Ledger, entry: UUID, limit: int = 10) -> tuple[Related, ...]:
    return ledger.views.read(lambda db: contexts.related(db, entry, limit))


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


def test_related_follow_edits(ledger: Ledger) -> None:
    this = create(ledger, "This", contexts=("Quays",))
    other = create(ledger, "Other")
    assert related(ledger, this) == ()
    edit(ledger, other, contexts=("Gulls", "Quays"), headline="Another")
    assert related(ledger, this) == (Related(other, "Another", f"{ROOT}/another", ("Quays",)),)
    edit(ledger, this, contexts=())
    assert related(ledger, this) == related(ledger, other) == ()


Step = Callable[[Ledger, list[UUID]], object]

names = st.sets(st.sampled_from(["Quays", "Ferries", "Gulls"])).map(lambda s: tuple(sorted(s)))
fields = st.fixed_dictionaries(
    {},
    optional={
        "headline": st.sampled_from(["Ferry", "ferry!", "Ferry 2", "Index", "渡轮"]),
        "date": st.sampled_from([DAY, NEXT]),
        "edition": st.sampled_from(["en", "zh"]),
        "slug": st.sampled_from(["ferry", "ferry-2", "index"]),
        "contexts": names,
        "topic": st.none() | st.sampled_from(["Quays", ""]),
        "summary": st.none() | st.text("ab é", min_size=1, max_size=5),
    },
)


def step(kind: str, first: int, second: int, given_fields: dict[str, Any]) -> Step:
    def do(ledger: Ledger, ids: list[UUID]) -> object:
        if kind == "create" or not ids:
            values = {"headline": "Ferry", "date": DAY, **given_fields}
            ids.append(ledger.create(actor="Ann", **values).entry)
            return None
        entry, other = ids[first % len(ids)], ids[second % len(ids)]
        match kind:
            case "edit":
                return ledger.edit(entry, actor="Ben", **given_fields)
            case "revert":
                with suppress(VersionNotFound):
                    ledger.revert(entry, second + 1, actor="Ben")
                return None
            case "merge":
                return ledger.merge(entry, other, actor="Ben")
            case "correct":
                return ledger.correct(entry, "A note.", actor="Ben")
            case _:
                return getattr(ledger, kind)(entry, actor="Ben")

    return do


kinds = ["create", "edit", "edit", "edit", "revert", "retract", "reinstate", "merge", "correct"]
steps = st.builds(step, st.sampled_from(kinds), st.integers(0, 9), st.integers(0, 5), fields)


def paths_and_owners(db: sqlite3.Connection) -> list[tuple[str, str, bytes]]:
    return db.execute("SELECT DISTINCT edition, path, entry FROM permalinks").fetchall()


@settings(deadline=None, max_examples=40)
@given(st.lists(steps, min_size=1, max_size=12))
def test_views_kept_event_by_event_are_those_rebuilt_at_once(history: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'news.db'}?synchronous=normal"
        with Ledger.open(url) as ledger:
            ledger.init()
            ids: list[UUID] = []
            for do in history:
                with suppress(Refused, InvalidInput):
                    do(ledger, ids)
                ledger.views.read(lambda db: None)
            kept = ledger.views.status()
            assert ledger.rebuild() == kept
            owners = ledger.views.read(paths_and_owners)
            assert len({(edition, at) for edition, at, _ in owners}) == len(owners)
            for id_ in ids:
                assert now(ledger, id_) == fold(ledger.history(id_))
