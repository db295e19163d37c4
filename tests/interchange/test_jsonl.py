"""The format of a log in JSON Lines: what a line says, and that no byte is lost."""

from __future__ import annotations

import base64
import io
import json
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import Ledger
from ledger.audit.merkle import EMPTY, root_of
from ledger.domain.events import EventData, Meta
from ledger.errors import InvalidInput, UndecodableEvent
from ledger.interchange import jsonl
from ledger.interchange.jsonl import (
    Header,
    Line,
    Reader,
    Trailer,
    event_line,
    header_line,
    trailer_line,
)
from ledger.store.identity import Identity
from ledger.store.leaf import Digest, leaf_hash, leaf_record
from ledger.store.mapper import type_name
from ledger.store.rows import Row
from tests.store import payloads

IDENTITY = Identity("0f" * 16, "harbour.example/news", 1_600_000_000_000_001)
ENTRY = UUID("20210304-0000-8000-8000-000000000001")
SALT = bytes(range(16))
pack = msgspec.msgpack.encode


def row(content: bytes, meta: bytes = SALT + b"\x80", **fields: Any) -> Row:
    usual = Row(1, ENTRY.bytes, 1, "EntryCreated@1", 0, meta, content)
    return usual._replace(**fields)


def read(*lines: bytes) -> list[Line]:
    return list(Reader(io.BytesIO(b"".join(lines))).lines())


def whole(*rows: Row) -> bytes:
    """Return the file of these events."""
    leaves = [leaf_hash(row) for row in rows]
    return b"".join(
        (
            header_line(Header(IDENTITY, 0, EMPTY, len(rows))),
            *(event_line(row, leaf) for row, leaf in zip(rows, leaves, strict=True)),
            trailer_line(Trailer(len(rows), len(rows), root_of(leaves))),
        )
    )


def told(row: Row) -> Any:
    return json.loads(event_line(row, leaf_hash(row)))


def back(row: Row) -> Row:
    (line,) = read(whole(row))
    return line.row


# Nothing is lost

events = st.one_of(payloads.created, payloads.edited, payloads.others)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
maps = st.dictionaries(
    st.sampled_from(["published_at", "digest", "headline", ""]),
    anything | st.binary() | payloads.times,
)


@given(payloads.metas, events)
def test_an_event_is_readable_and_comes_back_byte_for_byte(meta: Meta, data: EventData) -> None:
    stored = row(SALT + pack(data), SALT + pack(meta), type=type_name(type(data)))
    assert back(stored) == stored
    assert {"meta", "meta_salt", "content", "content_salt"} <= told(stored).keys()


@given(st.binary() | anything.map(pack) | maps.map(pack))
def test_whatever_lies_in_the_log_comes_back(packed: bytes) -> None:
    for stored in (row(SALT + packed), row(packed), row(SALT + b"\x80", meta=packed)):
        assert back(stored) == stored


@pytest.mark.parametrize(
    "packed",
    [
        b"\x81\xa1a\xcd\x00\x05",  # 5 as a number of two bytes
        b"\x81\xa1a\xd9\x01b",  # a text that tells its length in a byte of its own
        b"\x82\xa1a\x01\xa1a\x02",  # a key twice
        b"\x81\x01\x02",  # a key that is no text
        b"\x81\xa1a\xc4\x01b",  # bytes under a name that does not tell so
        b"\x81\xa1a\xd6\xff\x00\x00\x00\x00",  # a time, likewise
        b"\x81\xacpublished_at\xa71970-01",  # and the other way round: a text
        b"\x81\xacpublished_at\xd7\xff\x00\x00\x00\x04\x00\x00\x00\x00",  # a nanosecond
        b"\x81\xa6digest\xa4AAAA",
        b"\x81\xa1a\xca\x3f\x80\x00\x00",  # a float of 32 bits
        b"\x81\xa1a\xc7\x01\x05b",  # an extension
        b"\x81\xa1a\xa1\xff",  # no UTF-8
        b"\x91\x01",
        b"\x80\x80",
        b"\x81" + b"\xa1a\x91" * 5000 + b"\x80",
    ],
)
def test_what_json_would_not_give_back_is_written_as_bytes(packed: bytes) -> None:
    stored = row(SALT + packed)
    assert back(stored) == stored
    assert told(stored)["content_bytes"] == base64.b64encode(SALT + packed).decode()
    assert "content" not in told(stored)


def test_an_event_of_a_newer_program_is_readable() -> None:
    data = {"wind": ["n", 4], "digest": b"\x00\xff", "calm": None, "deep": {"digest": b""}}
    stored = row(SALT + pack(data), type="WindTurned@7")
    assert told(stored)["content"] == {
        "wind": ["n", 4],
        "digest": "AP8=",
        "calm": None,
        "deep": {"digest": ""},
    }
    assert back(stored) == stored


def test_what_was_erased_is_a_digest() -> None:
    stored = row(Digest(sha256(b"text").digest()), Digest(sha256(b"name").digest()))
    line = told(stored)
    assert line["content_erased"] == sha256(b"text").hexdigest()
    assert line["meta_erased"] == sha256(b"name").hexdigest()
    assert not {"content", "content_salt", "meta", "meta_salt"} & line.keys()
    found = back(stored)
    assert found == stored
    assert isinstance(found.content, Digest)
    assert isinstance(found.meta, Digest)


def test_what_is_gone_without_a_reason_is_empty() -> None:
    stored = row(b"")
    assert told(stored)["content_bytes"] == ""
    assert not isinstance(back(stored).content, Digest)


@given(st.integers(-(10**15), 10**15))
def test_times_are_exact(recorded_at: int) -> None:
    stored = row(SALT + b"\x80", recorded_at=recorded_at)
    assert back(stored) == stored


# What a line says


def test_the_file_of_one_event(sqlite_url: str) -> None:
    """As the module describes it, checked with nothing but the standard library and msgpack."""
    out = io.BytesIO()
    with Ledger.open(sqlite_url) as ledger:
        ledger.init("harbour.example/news")
        event = ledger.create(date(2021, 3, 4), "Ferry", actor="Ann", contexts=("Quays",))
        (stored,) = ledger.application.log.read(0, 9)
        report = ledger.exports.jsonl(out)
        identity = ledger.application.log.identity()
    assert out.getvalue().endswith(b"\n")
    header, line, trailer = map(json.loads, out.getvalue().decode().splitlines())
    assert header == {
        "format": "ledger-jsonl",
        "version": 1,
        "ledger": {
            "id": identity.id,
            "origin": "harbour.example/news",
            "created_at": identity.created_at,
        },
        "after": 0,
        "root": sha256(b"").hexdigest(),
        "upto": 1,
    }
    leaf = sha256(b"\x00" + leaf_record(stored)).hexdigest()
    assert trailer == {"events": 1, "end": 1, "root": leaf}
    assert (report.events, report.end, report.root) == (1, 1, leaf)
    assert list(line) == [
        *("position", "recorded_at", "entry", "version", "type", "meta", "meta_salt"),
        *("content", "content_salt", "leaf"),
    ]
    assert (line["position"], line["version"], line["leaf"]) == (1, 1, leaf)
    assert (line["entry"], line["type"]) == (str(event.entry), "EntryCreated@1")
    assert line["recorded_at"].endswith("Z")
    assert line["meta"]["actor"] == "Ann"
    assert line["content"]["headline"] == "Ferry"
    assert line["content"]["contexts"] == ["Quays"]
    content = line["content"] | {"digest": base64.b64decode(line["content"]["digest"])}
    assert bytes.fromhex(line["content_salt"]) + pack(content) == stored.content


def test_keys_that_are_not_known_are_ignored() -> None:
    lines = [json.loads(line) for line in whole(row(SALT + b"\x80")).splitlines()]
    more = b"".join(json.dumps(line | {"note": [1]}).encode() + b"\n" for line in lines)
    assert [line.row for line in read(more)] == [row(SALT + b"\x80")]


def test_other_spaces_and_escapes_and_ends_of_lines_are_the_same() -> None:
    stored = row(SALT + pack({"headline": "渡轮"}))
    lines = [json.loads(line) for line in whole(stored).splitlines()]
    assert [line.row for line in read(*(json.dumps(line).encode() + b"\r\n" for line in lines))]
    assert [line.row for line in read(whole(stored).removesuffix(b"\n"))] == [stored]


@pytest.mark.parametrize("name", ["", "Entry Created@1", "Entry\nCreated", "\udcff", "x" * 201])
def test_a_type_that_is_none_is_not_written(name: str) -> None:
    stored = row(SALT + b"\x80", type=name, position=7)
    with pytest.raises(
        UndecodableEvent, match=r"^position 7: .* names no type of events$"
    ) as told:
        event_line(stored, leaf_hash(stored))
    assert told.value.position == 7


def test_a_time_of_no_calendar_is_not_written() -> None:
    with pytest.raises(UndecodableEvent, match=r"^position 1: it was recorded at no time of the"):
        event_line(row(b"", recorded_at=2**62), bytes(32))


def test_an_event_larger_than_a_line_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MOST", 1000)
    event_line(row(bytes(100)), bytes(32))
    with pytest.raises(UndecodableEvent, match=r"^position 1: the event is too large for a line$"):
        event_line(row(bytes(1000)), bytes(32))


def test_a_line_tells_its_number_and_length() -> None:
    stored = row(SALT + b"\x80")
    (line,) = read(whole(stored))
    assert (line.number, line.size) == (2, len(event_line(stored, leaf_hash(stored))))


def test_the_trailer_is_there_in_the_end() -> None:
    reader = Reader(io.BytesIO(whole(row(SALT + b"\x80"))))
    assert reader.header == Header(IDENTITY, 0, EMPTY, 1)
    assert len(list(reader.lines())) == 1
    assert reader.trailer == Trailer(1, 1, leaf_hash(row(SALT + b"\x80")))
    assert reader.number == 3


def test_a_file_without_events() -> None:
    assert read(whole()) == []
    with pytest.raises(InvalidInput, match=r"^line 1: it is empty, and no log in JSON Lines$"):
        read()
