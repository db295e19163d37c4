"""Poison events: a projection stops at the one it fails on, says so, and nothing is skipped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from ledger import EntryCreated, EntryEdited, Ledger, Projection, RecordedEvent, handles
from ledger.errors import InvalidInput, ProjectionStopped
from ledger.projections.database import Db
from ledger.projections.records import Drift, ProjectionStatus, ViewStatus
from ledger.projections.sqlite.place import FilePlace
from ledger.projections.views import Views
from ledger.store.rows import Row
from tests.projections.desk import NAMES, one_generation, write_many
from tests.stores import Store

HEAVY = "Fragile.note raised ValueError: event 500 is too heavy"


class Fragile(Projection):
    """Notes each event in two tables, and then chokes on some."""

    name = "fragile"
    ddl = (
        "CREATE TABLE seen (position INTEGER PRIMARY KEY, version INTEGER NOT NULL) STRICT",
        "CREATE TABLE tally (actor TEXT PRIMARY KEY, events INTEGER NOT NULL) STRICT",
    )
    tables: ClassVar[dict[str, str]] = {"seen": "position, version", "tally": "actor, events"}

    def __init__(self, *heavy: int) -> None:
        self.heavy = set(heavy)

    @handles(EntryCreated, EntryEdited)
    def note(self, event: RecordedEvent, db: Db) -> None:
        db.execute("INSERT INTO seen VALUES (?, ?)", (event.position, event.version))
        db.execute(
            "INSERT INTO tally VALUES (?, 1) "
            "ON CONFLICT (actor) DO UPDATE SET events = tally.events + 1",
            (event.meta.actor,),
        )
        if event.position in self.heavy:
            self.choke(event, db)

    def choke(self, event: RecordedEvent, db: Db) -> None:
        raise ValueError(f"event {event.position} is too heavy")

    def positions(self, db: Db) -> list[int]:
        return [row[0] for row in db.execute("SELECT position FROM seen ORDER BY position")]

    def tally(self, db: Db) -> dict[str, int]:
        return dict(db.execute("SELECT actor, events FROM tally").fetchall())


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """The rows of a log of 1,000 events: 100 by Ann, 900 by Ben."""
    url = f"sqlite:///{tmp_path_factory.mktemp('thousand')}/news.db?synchronous=normal"
    write_many(url, 100, 9)
    with Ledger.open(url) as ledger:
        return ledger.application.log.read(0, 1000)


@pytest.fixture
def ledger(url: str, thousand: list[Row]) -> Iterator[Ledger]:
    with Ledger.open(url) as ledger:
        ledger.init()
        ledger.application.log.load(thousand)
        yield ledger


def fragile(found: tuple[ProjectionStatus, ...] | Ledger) -> ProjectionStatus:
    standing = found.views.standing() if isinstance(found, Ledger) else found
    return next(status for status in standing if status.name == "fragile")


def brief(status: ProjectionStatus) -> tuple[int, int, str, int | None, str | None]:
    return status.position, status.lag, status.state, status.failed_at, status.error


def holds(ledger: Ledger) -> ViewStatus:
    return next(status for status in ledger.views.status() if status.name == "fragile")


def unfailing(ledger: Ledger, folder: Path) -> ViewStatus:
    """Return what the projection holds that never failed."""
    with closing(Views(ledger.application, FilePlace(folder), (Fragile(),))) as views:
        return views.status()[0]


STOPPED = (499, 501, "stopped", 500, HEAVY)
RUNNING = (1000, 0, "running", None, None)


def test_it_stops_at_its_event_and_the_others_go_on(ledger: Ledger, url: str) -> None:
    model = Fragile(500)
    ledger.register(model)
    standing = ledger.views.standing()
    assert [status.name for status in standing] == [*NAMES, "fragile"]
    assert [brief(status) for status in standing] == [RUNNING] * 8 + [STOPPED]
    # Looked at again, after more events, by others too: it waits there.
    ledger.create(datetime(2021, 3, 4, tzinfo=UTC).date(), "Quay floods", actor="Cy")
    with Ledger.open(url) as other:
        other.register(Fragile())
        for one in (ledger, other):
            assert brief(fragile(one)) == (499, 502, "stopped", 500, HEAVY)
            assert {s.position for s in one.views.standing() if s.name != "fragile"} == {1001}


def test_reads_that_need_it_are_refused_and_others_work(ledger: Ledger) -> None:
    model = Fragile(500)
    ledger.register(model)
    for _ in range(2):
        with pytest.raises(ProjectionStopped) as caught:
            ledger.query(model.positions)
        assert str(caught.value) == (
            f"the projection fragile has stopped at event 500: {HEAVY}; once that is mended, "
            "`ledger projections retry fragile`; if its tables are damaged, `ledger rebuild "
            "fragile`; or, as a last resort, `ledger projections skip fragile 500 --reason ...`"
        )
    for names in ((), ("fragile",), ("current", "fragile")):
        with pytest.raises(ProjectionStopped, match="the projection fragile has stopped"):
            ledger.views.require(names)
    with pytest.raises(ProjectionStopped, match="the projection fragile has stopped"):
        ledger.replay_all()
    ledger.views.require(NAMES)
    assert len(ledger.entries()) == 100
    assert [count.edits for count in ledger.activity("actor")] == [900]
    assert len(ledger.search("early")) == 0
    assert len(ledger.search("late")) == 100


def test_nothing_is_left_of_the_event_it_failed_on(ledger: Ledger) -> None:
    model = Fragile(500)
    ledger.register(model)
    assert brief(fragile(ledger)) == STOPPED
    assert ledger.views.read(model.positions, "current") == list(range(1, 500))
    assert ledger.views.read(model.tally, "current") == {"Ann": 100, "Ben": 399}


def test_retry_brings_it_up_after_the_fix_as_if_it_had_never_failed(
    ledger: Ledger, tmp_path: Path
) -> None:
    model = Fragile(500)
    ledger.register(model)
    assert brief(fragile(ledger.views.retry())) == STOPPED
    model.heavy.clear()
    # Mended is not enough: somebody has to say so.
    assert brief(fragile(ledger)) == STOPPED
    assert [brief(status) for status in ledger.views.retry(("current",))] == [RUNNING]
    assert brief(fragile(ledger)) == STOPPED
    (status,) = ledger.views.retry(("fragile",))
    assert brief(status) == RUNNING
    assert holds(ledger) == unfailing(ledger, tmp_path / "other")
    assert holds(ledger).rows == 1002
    assert ledger.query(model.tally) == {"Ann": 100, "Ben": 900}
    with pytest.raises(InvalidInput, match="no projection is called 'nothing'"):
        ledger.views.retry(("nothing",))


@pytest.mark.parametrize("batch", [1, 7, 5000])
def test_batches_of_any_size_stop_at_the_same_event_with_the_same_rows(
    ledger: Ledger, tmp_path: Path, batch: int
) -> None:
    model = Fragile(500, 505, 1000)
    with closing(Views(ledger.application, FilePlace(tmp_path / "other"), batch=batch)) as views:
        views.register(model)
        assert brief(fragile(views.standing())) == STOPPED
        assert views.read(model.positions, "current") == list(range(1, 500))
        assert views.read(model.tally, "current") == {"Ann": 100, "Ben": 399}
        model.heavy.remove(500)
        (status,) = views.retry(("fragile",))
        assert (status.position, status.failed_at) == (504, 505)
        views.skip("fragile", 505, "known to be broken", "Ann")
        assert (fragile(views.standing()).position, fragile(views.standing()).failed_at) == (
            999,
            1000,
        )
        assert views.read(model.tally, "current") == {"Ann": 100, "Ben": 898}
        assert {s.position for s in views.status() if s.name != "fragile"} == {1000}


def violate(model: Fragile, event: RecordedEvent, db: Db) -> None:
    db.execute("INSERT INTO seen VALUES (?, 1)", (event.position,))


def miss(model: Fragile, event: RecordedEvent, db: Db) -> None:
    db.execute("INSERT INTO unseen VALUES (1)")


def bind(model: Fragile, event: RecordedEvent, db: Db) -> None:
    db.execute("INSERT INTO seen VALUES (?, ?)", (event.position,))


def sink(model: Fragile, event: RecordedEvent, db: Db) -> None:
    sink(model, event, db)


def commit(model: Fragile, event: RecordedEvent, db: Db) -> None:
    db.execute("COMMIT")
    raise KeyError(event.position)


def leave(model: Fragile, event: RecordedEvent, db: Db) -> None:
    raise SystemExit(3)


def commit_quietly(model: Fragile, event: RecordedEvent, db: Db) -> None:
    db.execute("DELETE FROM tally")
    db.execute("COMMIT")


@pytest.mark.parametrize(
    ("choke", "error"),
    [
        (violate, "(IntegrityError: UNIQUE constraint failed: seen.position|UniqueViolation: )"),
        (miss, '(OperationalError: no such table: unseen|UndefinedTable: relation "unseen")'),
        (bind, "ProgrammingError: (Incorrect number of bindings|the query has 2 placeholders)"),
        (sink, "RecursionError: maximum recursion depth exceeded"),
        (leave, "SystemExit: 3"),
        # The transaction is not the handler's to end.
        (commit, ""),
        (commit_quietly, ""),
    ],
)
def test_whatever_it_fails_with_the_others_go_on(
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    choke: Callable[[Fragile, RecordedEvent, Db], None],
    error: str,
) -> None:
    monkeypatch.setattr(Fragile, "choke", choke)
    model = Fragile(500)
    ledger.register(model)
    standing = ledger.views.standing()
    assert [brief(status) for status in standing[:-1]] == [RUNNING] * 8
    assert brief(standing[-1])[:4] == STOPPED[:4]
    assert re.match(f"Fragile.note raised {error}", standing[-1].error or "")
    assert ledger.views.read(model.tally, "current") == {"Ann": 100, "Ben": 399}


@pytest.mark.parametrize("kind", [MemoryError, KeyboardInterrupt])
def test_what_is_no_fault_of_its_own_does_not_stop_it(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    def choke(model: Fragile, event: RecordedEvent, db: Db) -> None:
        model.heavy.clear()
        raise kind

    monkeypatch.setattr(Fragile, "choke", choke)
    ledger.register(Fragile(500))
    with pytest.raises(kind):
        ledger.views.standing()
    assert brief(fragile(ledger)) == RUNNING
    assert holds(ledger) == unfailing(ledger, tmp_path / "other")


def test_a_rebuild_of_a_projection_that_has_stopped(ledger: Ledger, tmp_path: Path) -> None:
    model = Fragile(500)
    ledger.register(model)
    before = holds(ledger)
    assert (before.position, before.rows) == (499, 501)
    (proof,) = ledger.rebuild(("fragile",))
    assert (proof.status, proof.same) == (before, True)
    assert ledger.rebuild()[-1] == proof
    ledger.rebuild(("current",))
    assert brief(fragile(ledger)) == STOPPED
    model.heavy.clear()
    ledger.rebuild(("current",))
    assert brief(fragile(ledger)) == STOPPED
    (proof,) = ledger.rebuild(("fragile",))
    # At 1,000 there is nothing to compare with.
    assert (proof.status, proof.same) == (unfailing(ledger, tmp_path / "other"), None)
    assert brief(fragile(ledger)) == RUNNING


def test_a_check_tells_where_one_stopped_and_a_rebuilt_one_would_not(ledger: Ledger) -> None:
    model = Fragile(500)
    ledger.register(model)
    # As it serves it would be rebuilt.
    assert list(ledger.check()) == []
    model.heavy = {700}
    late = "Fragile.note raised ValueError: event 700 is too heavy"
    drift = [
        Drift("fragile", "", "stopped", [500, HEAVY]),
        Drift("fragile", "", "rebuilt, stops", [700, late]),
    ]
    assert list(ledger.check()) == list(ledger.check(("fragile",))) == drift
    model.heavy.clear()
    assert list(ledger.check()) == drift[:1]
    assert list(ledger.check(NAMES)) == []
    assert brief(fragile(ledger)) == STOPPED


@pytest.mark.parametrize("names", [(), ("fragile",)])
def test_one_that_stops_is_not_put_in_the_place_of_one_that_runs(
    ledger: Ledger, store: Store, names: tuple[str, ...]
) -> None:
    model = Fragile()
    ledger.register(model)
    before = ledger.views.status()
    serving = store.serving()
    model.heavy.add(500)
    assert list(ledger.check()) == [Drift("fragile", "", "rebuilt, stops", [500, HEAVY])]
    with pytest.raises(
        ProjectionStopped, match="rebuilt, the projection fragile stops at event 500"
    ):
        ledger.rebuild(names)
    assert store.serving() == serving
    assert one_generation(store)
    assert ledger.views.status() == before
    assert brief(fragile(ledger)) == RUNNING
    assert ledger.rebuild(("current",))[0].same is True
