"""Replaying the whole log: what it reports, and the store that it writes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger import EditEntry, Ledger
from ledger.domain.events import EntryEdited, RecordedEvent
from ledger.errors import (
    InvalidInput,
    InvalidStoreURL,
    InvalidTime,
    NotALedger,
    ProjectionStopped,
    StoreNotFound,
    UndecodableEvent,
)
from ledger.projections.database import Db
from ledger.projections.projection import Projection, handles
from ledger.projections.registry import BUILT_IN
from ledger.store.rows import Row
from tests.stores import Store

DAY = date(2021, 3, 4)
NAMES = [model.name for model in BUILT_IN]


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """A ledger of six events; the last two were recorded together."""
    with Ledger.open(url) as opened:
        first = create(opened, "Ferry", contexts=("Quays",))
        other = create(opened, "Tide", summary="It rises.")
        opened.edit(first, headline="Ferry sails", actor="Ben")
        opened.correct(first, "It was nine.", actor="Ben")
        opened.execute([edit(first, "Ferry stays"), edit(other, "Tide falls")])
        yield opened


@pytest.fixture
def copy(store: Store) -> str:
    """The URL of another store that is not there yet."""
    return store.another().url


def create(ledger: Ledger, headline: str, **options: Any) -> UUID:
    return ledger.create(DAY, headline, actor="Ann", **options).entry


def edit(entry: UUID, headline: str) -> EditEntry:
    return EditEntry(entry=entry, headline=headline, actor="Ben")


def rows(ledger: Ledger) -> list[Row]:
    return ledger.application.log.read(0, 1000)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


# What it reports


def test_a_replay_ends_with_what_the_views_hold(ledger: Ledger) -> None:
    report = ledger.replay_all()
    assert report.events == 6
    assert report.views == ledger.views.status()
    assert [view.name for view in report.views] == NAMES
    assert {view.position for view in report.views} == {6}
    assert ledger.replay_all() == report


@pytest.mark.parametrize("position", range(7))
def test_a_replay_up_to_a_position_ends_with_what_a_stopped_store_holds(
    ledger: Ledger, copy: str, position: int
) -> None:
    report = ledger.replay_all(position, copy)
    assert report == ledger.replay_all(position)
    assert report.events == position
    assert {view.position for view in report.views} == {position}
    with Ledger.open(copy) as stopped:
        assert stopped.views.status() == report.views
        assert [proof.status for proof in stopped.rebuild()] == list(report.views)


def test_every_position_has_digests_of_its_own(ledger: Ledger) -> None:
    digests = [
        {view.name: view.digest for view in ledger.replay_all(position).views}
        for position in range(7)
    ]
    assert len({digest["current"] for digest in digests}) == 7
    assert len({digest["changes"] for digest in digests}) == 7
    # A correction does not move an entry.
    assert digests[3]["permalinks"] == digests[4]["permalinks"] != digests[5]["permalinks"]
    assert digests[0] == dict.fromkeys(NAMES, "0" * 64)


def test_a_replay_stops_at_a_time(ledger: Ledger) -> None:
    times = [event.recorded_at for event in ledger.events()]
    assert times[4] == times[5]
    for time, position in (
        (times[0] - timedelta(microseconds=1), 0),
        (times[0], 1),
        (times[2], 3),
        (times[3] - timedelta(microseconds=1), 3),
        (times[5] - timedelta(microseconds=1), 4),
        (times[4], 6),
        (datetime.now(UTC) + timedelta(days=1), 6),
    ):
        assert ledger.replay_all(time) == ledger.replay_all(position)


def test_what_cannot_be_a_stop(ledger: Ledger, copy: str) -> None:
    for position in (7, -1):
        with pytest.raises(InvalidTime, match=f"^the log has no position {position}; it ends"):
            ledger.replay_all(position, copy)
    with pytest.raises(InvalidInput, match="has no time zone"):
        ledger.replay_all(datetime(2021, 3, 4), copy)  # noqa: DTZ001
    with Ledger.open(copy) as other, pytest.raises(StoreNotFound):
        other.application.log.identity()


def test_progress_is_told_up_to_the_stop(ledger: Ledger, copy: str) -> None:
    told: list[tuple[int, int]] = []
    ledger.replay_all(4, copy, lambda done, total: told.append((done, total)))
    assert told[-1] == (4, 4)
    assert told == sorted(told)
    assert {total for _, total in told} == {4}


class Fragile(Projection):
    name = "fragile"
    ddl = ("CREATE TABLE fragile (position INTEGER) STRICT",)
    tables = {"fragile": "position"}  # noqa: RUF012

    @handles(EntryEdited)
    def edited(self, event: RecordedEvent, db: Db) -> None:
        if event.position == 5:
            raise ValueError("too much")
        db.execute("INSERT INTO fragile VALUES (?)", (event.position,))


def test_a_read_model_that_fails_stops_the_replay_where_it_fails(ledger: Ledger) -> None:
    ledger.register(Fragile())
    report = ledger.replay_all(4)
    assert [(view.name, view.rows) for view in report.views][-1] == ("fragile", 1)
    with pytest.raises(
        ProjectionStopped,
        match=r"^the projection fragile has stopped at event 5: Fragile\.edited raised ValueError",
    ):
        ledger.replay_all(5)


def test_an_event_that_nobody_can_read_is_named(ledger: Ledger) -> None:
    last = rows(ledger)[-1]
    bad = last._replace(position=7, version=last.version + 1, type="EntryVanished@1")
    ledger.application.log.load([bad])
    assert ledger.replay_all(6).events == 6
    with pytest.raises(UndecodableEvent, match=r"^position 7: the event type EntryVanished@1"):
        ledger.replay_all()


# What it writes


def test_the_same_events_at_the_same_places_in_a_ledger_of_its_own(
    ledger: Ledger, copy: str
) -> None:
    ledger.replay_all(into=copy)
    with Ledger.open(copy) as other:
        assert rows(other) == rows(ledger)
        assert len(rows(other)) == 6
        assert list(other.events()) == list(ledger.events())
        ours, theirs = ledger.application.log.identity(), other.application.log.identity()
        assert ours.id != theirs.id
        assert theirs.origin == f"ledger-{theirs.id[:8]}"
        assert theirs.created_at > ours.created_at


def test_the_copy_goes_on_by_itself(ledger: Ledger, copy: str) -> None:
    ledger.replay_all(3, copy)
    with Ledger.open(copy) as other:
        assert rows(other) == rows(ledger)[:3]
        entry = other.entries()[0].entry.id
        event = other.edit(entry, headline="Elsewhere", actor="Cid")
        assert (event.position, rows(other)[:3]) == (4, rows(ledger)[:3])
    assert len(rows(ledger)) == 6


def test_a_replay_goes_on_where_one_before_it_ended(ledger: Ledger, copy: str) -> None:
    for position in (0, 2, 2, 5):
        ledger.replay_all(position, copy)
        with Ledger.open(copy) as other:
            assert rows(other) == rows(ledger)[:position]
            identity = other.application.log.identity()
    create(ledger, "Gull")
    assert ledger.replay_all(into=copy).events == 7
    with Ledger.open(copy) as other:
        assert rows(other) == rows(ledger)
        assert other.application.log.identity() == identity
        assert other.views.status() == ledger.views.status()


def test_more_rows_than_fit_in_one_batch(ledger: Ledger, copy: str) -> None:
    entry = ledger.entries()[0].entry.id
    ledger.execute([edit(entry, f"Number {number}") for number in range(2_001)])
    assert ledger.replay_all(into=copy).events == 2_007
    with Ledger.open(copy) as other:
        assert list(other.application.log.read(0, 9_999)) == ledger.application.log.read(0, 9_999)


def test_a_store_that_holds_more_is_refused_and_let_be(
    ledger: Ledger, copy: str, url: str
) -> None:
    ledger.replay_all(5, copy)
    with Ledger.open(copy) as other:
        before = rows(other)
        with pytest.raises(InvalidInput, match=r"^the store .* holds other events already"):
            ledger.replay_all(4, copy)
        assert rows(other) == before
    with pytest.raises(InvalidInput, match=r"^the store .* holds other events already"):
        ledger.replay_all(4, url)
    assert len(rows(ledger)) == 6


def test_a_store_that_holds_other_events_is_refused_and_let_be(ledger: Ledger, copy: str) -> None:
    with Ledger.open(copy) as other:
        create(other, "Gull")
        before = rows(other)
        for position in (0, 1, 6):
            with pytest.raises(InvalidInput) as raised:
                ledger.replay_all(position, copy)
            assert str(raised.value) == (
                f"the store {copy} holds other events already: replay into a new one"
            )
        assert rows(other) == before


def test_a_store_that_went_its_own_way_is_refused(ledger: Ledger, copy: str) -> None:
    ledger.replay_all(3, copy)
    with Ledger.open(copy) as other:
        create(other, "Gull")
        with pytest.raises(InvalidInput, match="holds other events already"):
            ledger.replay_all(into=copy)
        assert len(rows(other)) == 4


def test_a_place_that_is_no_store(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Call the harbour master.")
    with pytest.raises(NotALedger):
        ledger.replay_all(into=f"sqlite:///{tmp_path / 'notes.txt'}")
    assert (tmp_path / "notes.txt").read_text() == "Call the harbour master."
    with pytest.raises(InvalidStoreURL):
        ledger.replay_all(into="copy.db")


def test_the_log_and_its_views_are_left_alone(ledger: Ledger, log: Path, tmp_path: Path) -> None:
    status, events = ledger.views.status(), rows(ledger)
    ledger.close()
    before = files(tmp_path)
    assert {name.split("/")[0] for name in before} == {"news.db", "news.db-views"}
    ledger.replay_all()
    ledger.replay_all(3, f"sqlite:///{tmp_path / 'copy.db'}")
    ledger.close()
    after = files(tmp_path)
    assert {name: after[name] for name in before} == before
    assert {name for name in after if name not in before} == {"copy.db"}
    assert (ledger.views.status(), rows(ledger)) == (status, events)
