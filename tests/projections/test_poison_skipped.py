"""Skipping a poison event: one event, for a reason, by somebody, where everyone sees it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ledger import Ledger, Projection, RecordedEvent
from ledger.errors import InvalidInput, ProjectionStopped, StoreUnreachable, UndecodableEvent
from ledger.projections.database import Db
from ledger.projections.places import place_of
from ledger.projections.records import ProjectionStatus, Skip
from ledger.projections.views import Views
from ledger.store.application import LedgerApplication
from ledger.store.leaf import leaf_hash
from ledger.store.rows import Row
from tests.projections.desk import DAY, NAMES, add, fill, insert, one_generation
from tests.stores import Store


class Counted(Projection):
    """Counts every event, but chokes on retractions."""

    name = "counted"
    ddl = ("CREATE TABLE counted (position INTEGER PRIMARY KEY, type TEXT NOT NULL) STRICT",)
    tables: ClassVar[dict[str, str]] = {"counted": "position, type"}

    def apply(self, events: object, db: Db) -> None:
        assert isinstance(events, list)
        for event in events:
            assert isinstance(event, RecordedEvent)
            kind = type(event.data).__name__
            db.execute("INSERT INTO counted VALUES (?, ?)", (event.position, kind))
            if kind == "EntryRetracted":
                raise ValueError("nobody told me of retractions")

    def positions(self, db: Db) -> list[int]:
        return [row[0] for row in db.execute("SELECT position FROM counted ORDER BY position")]


def skips_file(log: Path) -> Path:
    return log.with_name(log.name + "-skips")


ERROR = "Counted.apply raised ValueError: nobody told me of retractions"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """The 7 events of `fill`, the last of which is a retraction, and two more."""
    fill(url)
    add(url, "Crane falls", "Quay floods")
    with Ledger.open(url) as ledger:
        ledger.register(Counted())
        yield ledger


def counted(ledger: Ledger) -> ProjectionStatus:
    (status,) = (status for status in ledger.views.standing() if status.name == "counted")
    return status


def test_one_that_hurries_passes_over_what_is_skipped(ledger: Ledger, store: Store) -> None:
    ledger.views.status()
    ledger.views.skip("counted", 7, "not counted", "Ann")
    # Somebody else has let it go on, and has not come further yet.
    with store.views() as db:
        db.execute("UPDATE projections SET failed_at = NULL, error = NULL WHERE failed_at = 7")
    add(store.url, "Gull lands")
    generation = ledger.views._hurried(10)
    assert generation is not None
    standing = generation.standings["counted"]
    assert (standing.position, standing.failed_at) == (10, None)
    assert ledger.query(Counted().positions) == [1, 2, 3, 4, 5, 6, 8, 9, 10]


def test_one_that_hurries_in_vain_leaves_all_as_it_is(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.views.status()
    add(store.url, "Gull lands")
    rows = LedgerApplication.rows
    with monkeypatch.context() as broken:

        def lost(application: LedgerApplication, *given: Any) -> list[Row]:
            broken.setattr(LedgerApplication, "rows", rows)
            raise StoreUnreachable("the server is gone")

        broken.setattr(LedgerApplication, "rows", lost)
        assert ledger.views._hurried(10) is None
    assert {status.position for status in ledger.views.standing() if status.name in NAMES} == {10}


def test_a_skip_passes_over_one_event_and_is_recorded(ledger: Ledger) -> None:
    status = counted(ledger)
    assert (status.position, status.failed_at, status.error) == (6, 7, ERROR)
    assert (status.skipped, ledger.views.skips()) == ((), ())
    before = datetime.now(UTC)
    ledger.views.skip("counted", 7, " retractions are not counted ", "Ann")
    after = datetime.now(UTC)
    (skip,) = ledger.views.skips()
    leaf = leaf_hash(ledger.application.log.read(6, 1)[0])
    assert skip == Skip(
        "counted", 7, leaf, " retractions are not counted ", "Ann", skip.skipped_at
    )
    assert before <= skip.skipped_at <= after
    status = counted(ledger)
    assert (status.position, status.lag, status.state) == (9, 0, "running")
    assert (status.failed_at, status.error, status.skipped) == (None, None, (skip,))
    assert ledger.query(Counted().positions) == [1, 2, 3, 4, 5, 6, 8, 9]
    # Those that did not skip it know of it.
    assert all(not s.skipped for s in ledger.views.standing() if s.name != "counted")
    (entry,) = {event.entry for event in ledger.events(6, 7)}
    assert ledger.get(entry).entry.status == "retracted"


@pytest.mark.parametrize("batch", [1, 7, 5000])
def test_a_skip_outlives_the_process_and_a_rebuild(
    ledger: Ledger, url: str, store: Store, batch: int
) -> None:
    ledger.views.skip("counted", 7, "not counted", "Ann")
    skips = ledger.views.skips()
    before = ledger.views.status()
    assert (before[-1].position, before[-1].rows) == (9, 8)
    ledger.close()
    with Ledger.open(url) as other:
        views = Views(other.application, place_of(url), batch=batch)
        views.register(Counted())
        for names in ((), ("counted",), ("current",)):
            assert {proof.same for proof in views.rebuild(names)} == {True}
            assert views.status() == before
        assert list(views.check()) == []
        assert views.aside(9, None) == before
        assert views.skips() == skips
        assert views.standing()[-1].skipped == skips
        views.close()
    assert one_generation(store)
    # Views can be thrown away; a decision cannot.
    store.drop_views()
    with Ledger.open(url) as other:
        assert other.views.skips() == skips


@pytest.mark.parametrize(
    ("name", "position", "reason", "message"),
    [
        ("counted", 6, "x", "the projection counted has stopped at 7, not at 6"),
        ("counted", 8, "x", "the projection counted has stopped at 7, not at 8"),
        ("counted", 0, "x", "the projection counted has stopped at 7, not at 0"),
        ("current", 7, "x", "the projection current has stopped at no event: it runs"),
        ("counted", 7, "", "say why the event is skipped"),
        ("counted", 7, " \n", "say why the event is skipped"),
        ("nothing", 7, "x", "no projection is called 'nothing'; there are: current, changes,"),
    ],
)
def test_a_skip_that_is_none_is_refused(
    ledger: Ledger, name: str, position: int, reason: str, message: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        ledger.views.skip(name, position, reason, "Ann")
    assert str(caught.value).startswith(message)
    assert ledger.views.skips() == ()
    assert counted(ledger).failed_at == 7


def test_a_skip_is_for_that_event_and_not_for_its_place(url: str, store: Store) -> None:
    """The log is restored to an older copy, and another retraction comes to the same place."""
    ids = fill(url)
    with Ledger.open(url) as ledger:
        ledger.register(Counted())
        ledger.views.skip("counted", 7, "not counted", "Ann")
        ledger.reinstate(ids[1], actor="Ann")
        ledger.close()
        restore = store.keep()
        for reason in ("first", "second"):
            assert ledger.retract(ids[0], actor="Ann", reason=reason).position == 9
            assert counted(ledger).failed_at == 9
            ledger.views.skip("counted", 9, reason, "Ben")
            assert counted(ledger).state == "running"
            assert ledger.query(Counted().positions) == [1, 2, 3, 4, 5, 6, 8]
            ledger.close()
            restore()
        found = [(skip.position, skip.reason, skip.actor) for skip in ledger.views.skips()]
        assert found == [(7, "not counted", "Ann"), (9, "first", "Ben"), (9, "second", "Ben")]
        assert len({skip.leaf for skip in ledger.views.skips()}) == 3


def test_an_event_that_nobody_can_read_is_skipped_by_each_for_itself(
    ledger: Ledger, store: Store, url: str
) -> None:
    ledger.views.skip("counted", 7, "not counted", "Ann")
    insert(store, "EntryTeleported@1", 1)
    add(url, "Pier burns")
    message = "position 10: the event type EntryTeleported@1 is unknown; is this program too old?"
    stands = {s.name: (s.position, s.failed_at, s.error) for s in ledger.views.standing()}
    # The tree takes events as they lie there.
    assert stands.pop("tree") == (11, None, None)
    assert set(stands.values()) == {(9, 10, message)}
    ledger.views.skip("activity", 10, "nothing was edited", "Ann")
    assert {s.name for s in ledger.views.standing() if s.position == 11} == {
        "activity",
        "tree",
    }
    assert ledger.silent_edits() != []
    with pytest.raises(UndecodableEvent, match="position 10"):
        ledger.query(Counted().positions)
    ledger.views.skip("counted", 10, "nobody knows what it is", "Ann")
    assert ledger.query(Counted().positions) == [1, 2, 3, 4, 5, 6, 8, 9, 11]
    for name in NAMES[:-2]:
        with pytest.raises(UndecodableEvent, match="position 10"):
            ledger.views.read(lambda db: None)
        ledger.views.skip(name, 10, "nobody knows what it is", "Ann")
    assert len(ledger.entries()) == 6
    assert {proof.same for proof in ledger.rebuild()} == {True}
    assert {(s.position, s.lag) for s in ledger.views.standing()} == {(11, 0)}
    assert len(ledger.views.skips()) == 9


def test_another_event_after_the_one_skipped_stops_it_again(ledger: Ledger) -> None:
    ledger.views.skip("counted", 7, "not counted", "Ann")
    (entry,) = {event.entry for event in ledger.events(7, 8)}
    ledger.retract(entry, actor="Ann")
    assert (counted(ledger).position, counted(ledger).failed_at) == (9, 10)
    with pytest.raises(ProjectionStopped, match="the projection counted has stopped at event 10"):
        ledger.query(Counted().positions)
    with pytest.raises(InvalidInput, match="has stopped at 10, not at 7"):
        ledger.views.skip("counted", 7, "again", "Ann")
    assert [skip.position for skip in ledger.views.skips()] == [7]


def test_a_second_skip_of_one_event_changes_nothing(ledger: Ledger) -> None:
    ledger.views.skip("counted", 7, "not counted", "Ann")
    (skip,) = ledger.views.skips()
    ledger.views._skips.add(Skip("counted", 7, skip.leaf, "x", "Eve", datetime.now(UTC)))
    assert ledger.views.skips() == (skip,)


def test_views_that_are_projected_elsewhere_pass_over_it_too(ledger: Ledger, store: Store) -> None:
    ledger.views.skip("counted", 7, "not counted", "Ann")
    skips = ledger.views.skips()
    with store.views() as db:
        # A newer program is at work in the folder: this one projects elsewhere.
        db.execute("UPDATE projections SET schema = 9 WHERE name = 'counted'")
    ledger.views.close()
    assert ledger.query(Counted().positions) == [1, 2, 3, 4, 5, 6, 8, 9]
    assert counted(ledger).skipped == ledger.views.skips() == skips


def test_a_process_that_died_before_its_first_skip_leaves_readers_alone(
    ledger: Ledger, log: Path
) -> None:
    ledger.entries()
    # SQLite makes the file before the transaction that fills it.
    with closing(sqlite3.connect(skips_file(log))) as db:
        db.execute("BEGIN IMMEDIATE")
    ledger.create(DAY, "Pier burns", actor="Cy")
    assert len(ledger.entries()) == 6
    ledger.views.skip("counted", 7, "not counted", "Ann")
    assert [skip.position for skip in ledger.views.skips()] == [7]


def test_a_skip_taken_back_counts_no_more_when_the_projection_is_rebuilt(ledger: Ledger) -> None:
    with pytest.raises(InvalidInput, match="the projection counted does not skip event 7"):
        ledger.views.unskip("counted", 7)
    ledger.views.skip("counted", 7, "not counted", "Ann")
    assert counted(ledger).position == 9
    ledger.views.unskip("counted", 7)
    assert ledger.views.skips() == counted(ledger).skipped == ()
    assert ledger.query(Counted().positions) == [1, 2, 3, 4, 5, 6, 8, 9]
    with pytest.raises(
        ProjectionStopped, match="rebuilt, the projection counted stops at event 7"
    ):
        ledger.rebuild(["counted"])
    with pytest.raises(InvalidInput, match="does not skip event 7"):
        ledger.views.unskip("counted", 7)
