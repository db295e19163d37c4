"""What the read models say: current versions and changes; and all of them, rebuilt, the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from ledger import Ledger, NewsEntry, Source
from ledger.domain.entry import fold
from ledger.errors import InvalidInput, Refused, VersionNotFound
from ledger.projections import changes, current, days, search
from ledger.projections.database import Db, ViewsDb
from ledger.projections.moments import LAST, Moment
from ledger.projections.records import Change, RebuildProof
from ledger.store.rows import to_microseconds
from tests.projections.desk import DAY, NEXT, create, edit
from tests.properties import on_both
from tests.stores import Store

ROOT = "/news/2021/03/4"


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
        return ledger.views.read(lambda db: days.find(db, **conditions))

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


def test_a_version_is_public_once_it_and_all_before_it_are(ledger: Ledger) -> None:
    """Published at one, five, three and six o'clock, so the third came out at five."""
    times = [datetime(2021, 3, 4, hour, tzinfo=UTC) for hour in (1, 5, 3, 6)]
    entry = create(ledger, "A", published_at=times[0])
    create(ledger, "Another")
    for number, time in enumerate(times[1:]):
        edit(ledger, entry, summary=f"Summary {number}", published_at=time)

    def at(hour: int | None, position: int = LAST) -> tuple[int | None, list[int]]:
        """Return the version there was, and those in the history."""
        time = None if hour is None else datetime(2021, 3, 4, hour, tzinfo=UTC)
        moment = Moment(LAST if time is None else to_microseconds(time), position)
        return ledger.views.read(
            lambda db: (
                changes.version_at(db, entry, moment),
                [change.version for change in changes.history(db, entry, moment)],
            )
        )

    assert [at(hour) for hour in range(8)] == [
        *((None, []), (1, [1]), (1, [1]), (1, [1]), (1, [1])),
        *((3, [1, 2, 3]), (4, [1, 2, 3, 4]), (4, [1, 2, 3, 4])),
    ]
    assert [at(None, position)[0] for position in range(7)] == [None, 1, 1, 2, 3, 4, 4]
    assert at(4, 4) == (1, [1])
    assert at(5, 3) == (2, [1, 2])
    assert at(0, 5) == at(6, 0) == (None, [])
    # What was stated is told as it was stated.
    assert [change.published_at for change in history(ledger, entry)] == times


def test_an_instant_before_its_time_a_version_is_not_public(ledger: Ledger) -> None:
    time = datetime(1969, 7, 20, 20, 17, 40, 1, tzinfo=UTC)
    entry = create(ledger, "Moon", date(1969, 7, 20), published_at=time)
    instant = to_microseconds(time)
    assert instant < 0

    def at(public_at: int) -> int | None:
        return ledger.views.read(lambda db: changes.version_at(db, entry, Moment(public_at)))

    assert [at(public_at) for public_at in (instant - 1, instant, 0)] == [None, 1, 1]


def test_what_came_out_as_1970_began_is_not_public_before(ledger: Ledger) -> None:
    entry = create(ledger, "Midnight", published_at=datetime(1970, 1, 1, tzinfo=UTC))
    edit(ledger, entry, summary="It struck.", published_at=datetime(1969, 7, 20, tzinfo=UTC))

    def at(public_at: int) -> int | None:
        return ledger.views.read(lambda db: changes.version_at(db, entry, Moment(public_at)))

    assert [at(public_at) for public_at in (-1, 0)] == [None, 2]


# All of them, rebuilt


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
        "summary": st.none() | st.text("ab é渡轮", min_size=1, max_size=5),
        "sources": st.sampled_from([(), (Source("A", "http://a"),)]),
        "published_at": st.sampled_from([datetime(2021, 3, 4, h, tzinfo=UTC) for h in (1, 2)]),
        "minor": st.booleans(),
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


def found(db: ViewsDb) -> list[list[search.Hit]]:
    """Return what a search finds: the digest of `search` does not tell what its index holds."""
    queries = ["ferry", "渡轮", "a*", "quays", '"b e"']
    return [search.search(db, query, all_versions=True) for query in queries]


def paths_and_owners(db: Db) -> list[tuple[str, str, bytes]]:
    return db.execute("SELECT DISTINCT edition, path, entry FROM permalinks").fetchall()


@on_both(40, st.lists(steps, min_size=1, max_size=12))
def test_views_kept_event_by_event_are_those_rebuilt_at_once(
    store: Store, history: list[Step]
) -> None:
    with closing(store.another()) as other, Ledger.open(other.url) as ledger:
        ledger.init()
        ids: list[UUID] = []
        for do in history:
            with suppress(Refused, InvalidInput):
                do(ledger, ids)
            ledger.views.read(lambda db: None)
        kept, hits = ledger.views.status(), ledger.views.read(found)
        assert ledger.rebuild() == tuple(RebuildProof(status, True) for status in kept)
        assert ledger.views.status() == kept
        assert ledger.views.read(found) == hits
        owners = ledger.views.read(paths_and_owners)
        assert len({(edition, at) for edition, at, _ in owners}) == len(owners)
        for id_ in ids:
            assert now(ledger, id_) == fold(ledger.history(id_))
