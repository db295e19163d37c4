"""What events set, told field by field."""

from __future__ import annotations

import gc
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from ledger.domain.events import EntryCreated, EntryEdited, Event, Meta, edited, fields_set
from ledger.domain.values import FIELDS, Layout, Source

VALUES: dict[str, Any] = {
    "date": date(2021, 3, 4),
    "headline": "Quay floods",
    "slug": "quay-floods",
    "topic": None,
    "summary": "The quay is under water.",
    "sources": (Source("Courier", "https://courier.example/1"),),
    "cover_image": None,
    "contexts": (),
    "language": "en",
    "edition": "en",
    "layout": Layout(style="older"),
}
META = Meta(actor="Di", published_at=datetime(2021, 3, 4, tzinfo=UTC), command=UUID(int=1))


def event(data: EntryCreated | EntryEdited) -> Event:
    return Event(UUID(int=2), 2, META, data)


@forall(st.sets(st.sampled_from(FIELDS)))
def test_an_edit_tells_what_it_set_in_the_usual_order(names: set[str]) -> None:
    values = {name: VALUES[name] for name in FIELDS if name in names}
    edit = EntryEdited(**values, origin="page.md", reverts_to=1, inferred=("topic",))
    assert list(edited(edit).items()) == list(values.items())
    assert fields_set(event(edit)) == tuple(values)


def test_every_field_can_be_edited() -> None:
    assert tuple(edited(EntryEdited(**VALUES))) == FIELDS


def test_a_new_entry_tells_what_it_has() -> None:
    said = {name: value for name, value in VALUES.items() if value not in (None, ())}
    assert fields_set(event(EntryCreated(**said))) == tuple(said)


@pytest.mark.parametrize("data", [EntryCreated(**VALUES), EntryEdited(**VALUES)])
def test_the_garbage_collector_leaves_events_alone(data: EntryCreated | EntryEdited) -> None:
    found = event(data)
    assert not any(map(gc.is_tracked, (found, found.meta, found.data)))
