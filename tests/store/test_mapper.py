"""Between events and stored bytes: round trips, exact bytes, salts, schemas and upcasters."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from ledger.domain.events import (
    EVENT_TYPES,
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    EntryErased,
    EntryRestated,
    EntryRetracted,
    Event,
    EventData,
    Meta,
    RecordedEvent,
    Remains,
)
from ledger.domain.values import Source
from ledger.errors import UndecodableEvent
from ledger.store.log import LogEvent, NewLogEvent
from ledger.store.mapper import UPCASTERS, EventMapper, Upcaster, type_name
from ledger.store.rows import NewRow, Row
from tests.store.payloads import created, edited, metas, others

ENTRY = UUID("20240501-aaaa-8aaa-8aaa-aaaaaaaaaaaa")
COMMAND = UUID("20240501-bbbb-8bbb-8bbb-bbbbbbbbbbbb")
META = Meta(actor="Ann", published_at=datetime(2024, 5, 1, 12, tzinfo=UTC), command=COMMAND)
CREATED = EntryCreated(
    date=date(2024, 5, 1),
    headline="A lock opens",
    slug="a-lock-opens",
    edition="en",
    language="en",
)
RECORDED = datetime(2024, 5, 1, 12, 0, 0, 1, tzinfo=UTC)
RECORDED_AT = 1_714_564_800_000_001


def fixed_salt(size: int) -> bytes:
    return b"s" * size


def event(data: EventData, version: int = 2) -> Event:
    return Event(ENTRY, version, META, data)


def at_position(row: NewRow, position: int = 9) -> Row:
    return Row(position, row.entry, row.version, row.type, RECORDED_AT, row.meta, row.content)


@settings(deadline=None, max_examples=100)
@given(st.uuids(), st.integers(1, 2**40), metas, created | edited | others)
def test_every_event_comes_back_as_it_was(
    entry: UUID, version: int, meta: Meta, data: EventData
) -> None:
    mapper = EventMapper()
    row = mapper.to_row(Event(entry, version, meta, data))
    assert row[:3] == (entry.bytes, version, f"{type(data).__name__}@1")
    assert mapper.to_event(at_position(row)) == RecordedEvent(
        entry, version, meta, data, 9, RECORDED
    )


def test_every_event_type_is_in_the_round_trip() -> None:
    assert set(EVENT_TYPES) == {
        "EntryCreated",
        "EntryEdited",
        "EntryRetracted",
        "EntryReinstated",
        "CorrectionPublished",
        "EntryMerged",
        "EntryErased",
        "EntryRestated",
    }


SALT = b"s" * 16

CREATED_BYTES = (
    b"\x85\xa4date\xaa2024-05-01\xa8headline\xacA lock opens"
    b"\xa4slug\xaca-lock-opens\xa7edition\xa2en\xa8language\xa2en"
)
META_BYTES = (
    b"\x83\xa5actor\xa3Ann"
    # MessagePack's timestamp of 32 bits: seconds since 1970.
    b"\xacpublished_at\xd6\xff" + (1_714_564_800).to_bytes(4, "big") + b"\xa7command\xd9\x24"
    b"20240501-bbbb-8bbb-8bbb-bbbbbbbbbbbb"
)


@pytest.mark.parametrize(
    ("data", "name", "content"),
    [
        (EntryRetracted(), "EntryRetracted@1", b"\x80"),
        (EntryRetracted(origin="a"), "EntryRetracted@1", b"\x81\xa6origin\xa1a"),
        (EntryEdited(), "EntryEdited@1", b"\x80"),
        (EntryEdited(topic=None), "EntryEdited@1", b"\x81\xa5topic\xc0"),
        (EntryEdited(topic=""), "EntryEdited@1", b"\x81\xa5topic\xa0"),
        (EntryEdited(contexts=()), "EntryEdited@1", b"\x81\xa8contexts\x90"),
        (
            EntryEdited(sources=(Source("S", "http://s"),)),
            "EntryEdited@1",
            b"\x81\xa7sources\x91\x82\xa4name\xa1S\xa3url\xa8http://s",
        ),
        (
            CREATED,
            "EntryCreated@1",
            CREATED_BYTES,
        ),
        (
            CorrectionPublished(kind="correction", text="é"),
            "CorrectionPublished@1",
            b"\x82\xa4kind\xaacorrection\xa4text\xa2\xc3\xa9",
        ),
        (
            # The database looks for these lines in these bytes.
            EntryErased(authority="Court", blanked=("@7 content 00", "@8 meta 01")),
            "EntryErased@1",
            b"\x82\xa9authority\xa5Court\xa7blanked\x92\xad@7 content 00\xaa@8 meta 01",
        ),
        (
            EntryRestated(versions=(Remains(version=1, gone=("headline",)),)),
            "EntryRestated@1",
            b"\x81\xa8versions\x91\x82\xa7version\x01\xa4gone\x91\xa8headline",
        ),
        (EntryRetracted(digest=b"d"), "EntryRetracted@1", b"\x81\xa6digest\xc4\x01d"),
    ],
)
def test_stored_bytes_are_the_salt_and_messagepack(
    data: EventData, name: str, content: bytes
) -> None:
    row = EventMapper(salt=fixed_salt).to_row(event(data))
    assert row == NewRow(ENTRY.bytes, 2, name, SALT + META_BYTES, SALT + content)
    assert EventMapper().to_event(at_position(row)).data == data


def test_not_edited_and_removed_stay_apart() -> None:
    mapper = EventMapper()
    removed, kept = (
        mapper.to_event(at_position(mapper.to_row(event(data)))).data
        for data in (EntryEdited(summary=None), EntryEdited(topic="x"))
    )
    assert isinstance(removed, EntryEdited)
    assert isinstance(kept, EntryEdited)
    assert removed.summary is None
    assert removed.topic is UNSET
    assert kept.summary is UNSET


def test_every_blob_has_a_salt_of_its_own() -> None:
    mapper = EventMapper()
    rows = [mapper.to_row(event(EntryRetracted())) for _ in range(50)]
    salts = {blob[:16] for row in rows for blob in (row.meta, row.content)}
    assert len(salts) == 100
    assert {row.meta[16:] for row in rows} == {META_BYTES}
    assert {row.content[16:] for row in rows} == {b"\x80"}


def undecodable(row: Row, mapper: EventMapper | None = None) -> str:
    with pytest.raises(UndecodableEvent) as caught:
        (mapper or EventMapper()).to_event(row)
    assert caught.value.position == row.position
    return str(caught.value)


GOOD = at_position(EventMapper(salt=fixed_salt).to_row(event(CREATED)))


@pytest.mark.parametrize("name", ["EntryTeleported@1", "EntryEdited", "EntryEdited@x", "", "@1"])
def test_an_unknown_type_is_named_by_position(name: str) -> None:
    assert undecodable(GOOD._replace(type=name)) == (
        f"position 9: the event type {name} is unknown; is this program too old?"
    )


def test_a_newer_schema_is_named_by_position() -> None:
    for content in (GOOD.content, SALT + b"\xc1"):
        assert undecodable(GOOD._replace(type="EntryCreated@2", content=content)) == (
            "position 9: EntryCreated@2 is newer than this program, which knows EntryCreated@1"
        )


def test_an_unknown_field_is_named_by_position() -> None:
    assert undecodable(GOOD._replace(content=SALT + b"\x81\xa4mood\xa3sad")) == (
        "position 9: the payload of EntryCreated@1 cannot be read: "
        "Object contains unknown field `mood`"
    )
    meta = SALT + b"\x84" + META_BYTES[1:] + b"\xa4mood\xa3sad"
    assert "unknown field `mood`" in undecodable(GOOD._replace(meta=meta))


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        SALT,
        SALT[:15],
        SALT + b"\xc1",
        SALT + b"\x80",
        SALT + b"\x05",
        SALT + b"\x90",
        GOOD.content[:-1],
        GOOD.content + b"\x00",
        GOOD.content.replace(b"A lock", b"A \xff\xfeck"),
        GOOD.content.replace(b"2024-05-01", b"2024-05-32"),
    ],
)
def test_garbage_is_named_by_position(garbage: bytes) -> None:
    words = "position 9: the payload of EntryCreated@1 cannot be read: "
    assert undecodable(GOOD._replace(content=garbage)).startswith(words)
    assert undecodable(GOOD._replace(meta=garbage)).startswith(words)


@pytest.mark.parametrize("row", [GOOD._replace(entry=b"abc"), GOOD._replace(recorded_at=2**62)])
def test_an_id_or_a_time_that_is_none_is_named_by_position(row: Row) -> None:
    assert undecodable(row).startswith("position 9: ")


class Second:
    """The events of a program whose `EntryCreated` says `title` for `headline`."""

    class EntryCreated(EventData, frozen=True, kw_only=True):
        __schema__ = 2

        date: date
        title: str
        slug: str
        edition: str
        language: str


class Third:
    """A later one still, whose `EntryCreated` knows the place, too."""

    class EntryCreated(EventData, frozen=True, kw_only=True):
        __schema__ = 3

        date: date
        title: str
        slug: str
        edition: str
        language: str
        place: str


def headline_to_title(data: dict[str, Any]) -> dict[str, Any]:
    return {("title" if name == "headline" else name): value for name, value in data.items()}


def with_place(data: dict[str, Any]) -> dict[str, Any]:
    return data | {"place": f"unknown ({data.pop('title').upper()})", "title": "moved"}


TWO: dict[tuple[str, int], Upcaster] = {("EntryCreated", 1): headline_to_title}
THREE: dict[tuple[str, int], Upcaster] = {**TWO, ("EntryCreated", 2): with_place}


def test_an_event_of_an_old_schema_is_led_up() -> None:
    mapper = EventMapper({"EntryCreated": Second.EntryCreated}, TWO)
    assert mapper.to_event(GOOD) == RecordedEvent(
        ENTRY,
        2,
        META,
        Second.EntryCreated(
            date=date(2024, 5, 1),
            title="A lock opens",
            slug="a-lock-opens",
            edition="en",
            language="en",
        ),
        9,
        RECORDED,
    )


def test_an_event_is_written_in_the_newest_schema_and_read_back() -> None:
    mapper = EventMapper({"EntryCreated": Second.EntryCreated}, TWO, fixed_salt)
    new = mapper.to_event(GOOD)
    row = mapper.to_row(new)
    assert row.type == type_name(Second.EntryCreated) == "EntryCreated@2"
    assert row.content == GOOD.content.replace(b"\xa8headline", b"\xa5title")
    assert mapper.to_event(at_position(row)) == new


def test_the_upcasters_in_force_are_the_program_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPCASTERS, ("EntryCreated", 1), headline_to_title)
    data = EventMapper({"EntryCreated": Second.EntryCreated}).to_event(GOOD).data
    assert isinstance(data, Second.EntryCreated)
    assert data.title == "A lock opens"


def test_an_event_is_led_up_step_by_step() -> None:
    mapper = EventMapper({"EntryCreated": Third.EntryCreated}, THREE)
    data = mapper.to_event(GOOD).data
    assert isinstance(data, Third.EntryCreated)
    assert (data.title, data.place) == ("moved", "unknown (A LOCK OPENS)")


@pytest.mark.parametrize(
    ("upcasters", "schema"), [({("EntryCreated", 2): with_place}, 2), (TWO, 3), ({}, 2)]
)
def test_a_missing_step_is_an_error(
    upcasters: dict[tuple[str, int], Upcaster], schema: int
) -> None:
    mapper = EventMapper({"EntryCreated": Third.EntryCreated}, upcasters)
    assert undecodable(GOOD, mapper) == (
        f"position 9: nothing leads EntryCreated@1 to schema {schema}"
    )


def test_what_an_upcaster_makes_is_checked() -> None:
    mapper = EventMapper({"EntryCreated": Second.EntryCreated}, {("EntryCreated", 1): dict})
    assert undecodable(GOOD, mapper) == (
        "position 9: the payload of EntryCreated@1 cannot be read: "
        "Object contains unknown field `headline`"
    )


@pytest.mark.parametrize(
    "content",
    [
        *(b"\x05", b"\x90", b"\x80", b"\xa3abc", b"\xc0", b"\xc1", b""),
        pytest.param(b"\x91" * 100_000, id="deep"),
    ],
)
def test_garbage_of_an_old_schema_is_named_by_position(content: bytes) -> None:
    mapper = EventMapper({"EntryCreated": Third.EntryCreated}, THREE)
    assert undecodable(GOOD._replace(content=SALT + content), mapper).startswith(
        "position 9: the payload of EntryCreated@1 cannot be read: "
    )


def test_the_library_s_events_carry_both_blobs() -> None:
    mapper = EventMapper(salt=fixed_salt)
    stored = mapper.to_stored_event(event(CREATED))
    assert stored == NewLogEvent(ENTRY, 2, "EntryCreated@1", GOOD.content, GOOD.meta)
    read = LogEvent(ENTRY, 2, "EntryCreated@1", GOOD.content, 9, GOOD.meta, RECORDED_AT)
    assert mapper.to_domain_event(read) == mapper.to_event(GOOD)
    with pytest.raises(UndecodableEvent, match=r"^a stored event that no recorder of ledger"):
        mapper.to_domain_event(StoredEvent(ENTRY, 2, "EntryCreated@1", GOOD.content))
