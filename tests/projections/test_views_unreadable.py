"""Views of a log with an event that cannot be read, or that is illegal in its history."""

from __future__ import annotations

import pytest

from ledger import Ledger
from ledger.errors import ProjectionStopped, UndecodableEvent
from ledger.projections.places import place_of
from ledger.projections.records import RebuildProof
from ledger.projections.views import Views
from tests.projections.desk import DAY, NAMES, insert, positions
from tests.stores import Store


def add(url: str, *headlines: str) -> None:
    with Ledger.open(url) as ledger:
        for headline in headlines:
            ledger.create(DAY, headline, actor="Ann", contexts=("Harbour",))


UNKNOWN = "position 3: the event type EntryTeleported@1 is unknown; is this program too old?"


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_an_unknown_event_stops_every_projection_at_it_and_is_named(
    url: str, store: Store, batch: int
) -> None:
    add(url, "Ferry resumes")
    with Ledger.open(url) as ledger:
        ledger.entries()
    add(url, "Tide rises")
    insert(store, "EntryTeleported@1", 1)
    add(url, "Crane falls")
    with Ledger.open(url) as ledger:
        views = Views(ledger.application, place_of(url), batch=batch)
        for needs in ((), ("current",), ("activity",), ()):
            with pytest.raises(UndecodableEvent) as caught:
                views.read(lambda db: None, *needs)
            assert (caught.value.position, str(caught.value)) == (3, UNKNOWN)
        for standing in (views.standing(), views.retry(), views.standing()):
            assert [
                (s.name, s.position, s.lag, s.state, s.failed_at, s.error) for s in standing
            ] == [
                *((name, 2, 2, "stopped", 3, UNKNOWN) for name in NAMES[:-1]),
                ("tree", 4, 0, "running", None, None),
            ]
        status = views.status()
        assert {s.name: s.position for s in status} == dict.fromkeys(NAMES, 2) | {"tree": 4}
        # What could be read is there, and a rebuild comes exactly as far.
        assert [s.rows for s in status[:2]] == [2, 2]
        assert views.rebuild() == tuple(RebuildProof(s, True) for s in status)
        with pytest.raises(UndecodableEvent):
            views.require()
        # A rebuild stops there, too.
        assert list(views.check()) == []
        views.close()
    assert positions(store) == dict.fromkeys(NAMES, 2) | {"tree": 4}


@pytest.mark.parametrize("batch", [1, 1000])
def test_an_event_out_of_place_stops_those_that_choke_on_it(
    url: str, store: Store, batch: int
) -> None:
    add(url, "Ferry resumes", "Ferry resumes")
    insert(store, "EntryRetracted@1", 1)
    add(url, "Crane falls")
    illegal = (
        "Current.apply raised UndecodableEvent: position 3: EntryRetracted as version 1 of entry "
        "65656565-6565-6565-6565-656565656565: a history begins with EntryCreated, version 1; the "
        "history is damaged"
    )
    with Ledger.open(url) as ledger:
        views = Views(ledger.application, place_of(url), batch=batch)
        stopped = {s.name: s for s in views.standing() if s.state == "stopped"}
        assert set(stopped) == {"current", "days"}
        assert {(s.position, s.failed_at) for s in stopped.values()} == {(2, 3)}
        assert stopped["current"].error == illegal
        assert str(stopped["days"].error).startswith("Days.apply raised ")
        # Only those that need them are refused.
        for ask in (ledger.entries, lambda: views.read(lambda db: None)):
            with pytest.raises(ProjectionStopped) as caught:
                ask()
            assert str(caught.value) == (
                f"the projection current has stopped at event 3: {illegal}; once that is mended, "
                "`ledger projections retry current`; if its tables are damaged, "
                "`ledger rebuild current`; or, as a last resort, "
                "`ledger projections skip current 3 --reason ...`"
            )
        assert ledger.resolve("/news/2021/03/4/crane-falls").version is None
        assert len(ledger.changes("/news/2021/03/4/ferry-resumes-2")) == 1
        assert [context.entries for context in ledger.contexts()] == [3]
        assert ledger.silent_edits() == []
        assert {s.name: s.position for s in views.status()} == dict.fromkeys(NAMES, 4) | {
            "current": 2,
            "days": 2,
        }
        views.close()
