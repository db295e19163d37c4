"""Tables for analysts: entries, changes and events as CSV and Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, get_args

import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from ledger import Ledger, Source
from ledger.domain.events import fields_set
from ledger.errors import InvalidInput, InvalidTime
from ledger.interchange import tables
from ledger.interchange.tables import TABLES, TableName, write_csv
from ledger.projections.records import Change
from tests.erasures import Desk, erase, newsroom, public
from tests.histories import Step, histories, play
from tests.properties import on_both
from tests.stores import Store

DAY = date(2021, 3, 4)
NAMES: tuple[TableName, ...] = get_args(TableName)


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    with newsroom(store.url) as opened:
        yield opened


def rows(ledger: Ledger, table: TableName, **moment: Any) -> list[dict[str, str]]:
    """Return the rows of a table in CSV."""
    out = io.BytesIO()
    count = ledger.exports.csv(table, out, **moment)
    found = list(csv.DictReader(io.StringIO(out.getvalue().decode(), newline="")))
    assert len(found) == count
    return found


def typed(ledger: Ledger, table: TableName, **moment: Any) -> list[dict[str, Any]]:
    """Return the rows of a table in Parquet."""
    out = io.BytesIO()
    count = ledger.exports.parquet(table, out, **moment)
    found: list[dict[str, Any]] = parquet.read_table(pa.BufferReader(out.getvalue())).to_pylist()
    assert len(found) == count
    return found


# What is in them


def test_an_entry_is_a_row(desk: Desk) -> None:
    found = {row["entry"]: row for row in typed(desk.ledger, "entries")}
    assert list(found) == sorted(map(str, (desk.entry, desk.namesake, desk.tide)))
    shown = desk.ledger.get(desk.entry)
    assert found[str(desk.entry)] == {
        "entry": str(desk.entry),
        "version": 5,
        "status": "active",
        "edition": "en",
        "path": shown.path,
        "date": DAY,
        "headline": "Pilot is free",
        "topic": "Inquiry",
        "summary": "A pilot was at the pier.",
        "sources": [{"name": "Courier", "url": "https://courier.example/2", "image": None}],
        "cover_image": None,
        "contexts": ["Harbour"],
        "language": "en",
        "merged_into": None,
        "corrections": [{"kind": "correction", "text": "It was not Marlowe.", "version": 4}],
        "inferred": [],
        "published_at": shown.event.meta.published_at,
        "basis": "stated",
        "recorded_at": shown.event.recorded_at,
        "position": 7,
    }


def test_a_change_is_a_row(desk: Desk) -> None:
    erase(desk.ledger, desk.entry, 2, 4)
    assert [column.name for column in TABLES["changes"]] == ["entry", *Change.__struct_fields__]
    changes = desk.ledger.changes(desk.entry, all_versions=True)
    of_entry = [row for row in typed(desk.ledger, "changes") if row["entry"] == str(desk.entry)]
    assert len(of_entry) == len(changes) == 7
    for row, change in zip(of_entry, changes, strict=True):
        told = {name: getattr(change, name) for name in Change.__struct_fields__}
        assert row == {"entry": str(desk.entry)} | told | {"fields": list(change.fields)}
    assert [row["erased"] for row in of_entry] == [None, 8, None, 8, None, None, None]


def test_an_event_is_a_row(desk: Desk) -> None:
    erase(desk.ledger, desk.entry, 2, 4)
    events = list(desk.ledger.events())
    found = typed(desk.ledger, "events")
    assert [row["position"] for row in found] == list(range(1, len(events) + 1))
    for row, event in zip(found, events, strict=True):
        data = json.loads(row.pop("data"))
        assert row == {
            "position": event.position,
            "recorded_at": event.recorded_at,
            "entry": str(event.entry),
            "version": event.version,
            "type": type(event.data).__name__,
            "published_at": event.meta.published_at,
            "basis": event.meta.basis,
            "actor": event.meta.actor,
            "reason": event.meta.reason,
            "minor": event.meta.minor,
            "command": str(event.meta.command),
            "origin": event.data.origin,
            "fields": list(fields_set(event)),
            "erased": event.erased.position if event.erased else None,
        }
        assert data.get("headline", "none") in ("none", getattr(event.data, "headline", None))
    assert [row["erased"] for row in found[:5]] == [None, None, 8, None, 8]


def test_both_forms_say_the_same(desk: Desk) -> None:
    for table in NAMES:
        for row, exact in zip(rows(desk.ledger, table), typed(desk.ledger, table), strict=True):
            assert list(row) == list(exact) == [column.name for column in TABLES[table]]
            for name, kind in TABLES[table]:
                assert _read(kind, row[name]) == exact[name], name


def _read(kind: str, cell: str) -> object:
    """Return what a cell of CSV means."""
    if kind in {"texts", "sources", "corrections"}:
        found = json.loads(cell)
        return [{"image": None} | one for one in found] if kind == "sources" else found
    if not cell:
        return None
    read = {
        "text": str,
        "int": int,
        "bool": {"true": True, "false": False}.get,
        "time": datetime.fromisoformat,
        "date": date.fromisoformat,
    }
    return read[kind](cell)  # type: ignore[operator]


def test_parquet_has_types(desk: Desk) -> None:
    out = io.BytesIO()
    desk.ledger.exports.parquet("entries", out)
    schema = parquet.read_schema(pa.BufferReader(out.getvalue()))
    assert schema.field("published_at").type == pa.timestamp("us", "UTC")
    assert schema.field("date").type == pa.date32()
    assert schema.field("version").type == pa.int64()
    assert schema.field("contexts").type.value_type == pa.string()
    assert [field.name for field in schema.field("sources").type.value_type] == [
        *("name", "url", "image")
    ]


def test_a_ledger_without_events(url: str) -> None:
    with Ledger.open(url) as ledger:
        ledger.init()
        for table in NAMES:
            assert rows(ledger, table) == typed(ledger, table) == []


# At a moment


@on_both(20, histories(), few=3)
def test_at_any_moment_they_are_what_the_ledger_answers(store: Store, history: list[Step]) -> None:
    with Ledger.open(store.another().url) as ledger:
        play(ledger, history)
        head = ledger.audit.head().size
        moments: list[dict[str, Any]] = [{}, {"known_at": head // 2}, {"as_of": public(9)}]
        for moment in [*moments, {"as_of": public(10), "known_at": head // 2}]:
            listed = ledger.entries(**moment)
            found = typed(ledger, "entries", **moment)
            assert {(row["entry"], row["version"], row["path"]) for row in found} == {
                (str(item.entry.id), item.entry.version, item.path) for item in listed
            }
            headlines = {str(item.entry.id): item.entry.headline for item in listed}
            assert {row["entry"]: row["headline"] for row in found} == headlines
            changed = typed(ledger, "changes", **moment)
            for item in listed:
                changes = ledger.changes(item.entry.id, all_versions=True, **moment)
                assert [
                    (row["version"], row["label"], row["path"])
                    for row in changed
                    if row["entry"] == str(item.entry.id)
                ] == [(change.version, change.label, change.path) for change in changes]
            assert {row["entry"] for row in changed} == headlines.keys()
        assert len(typed(ledger, "events", known_at=head // 2)) == head // 2


def test_a_moment_is_refused_as_elsewhere(desk: Desk) -> None:
    with pytest.raises(InvalidTime, match=r"^the log has no position 8; it ends at 7$"):
        rows(desk.ledger, "entries", known_at=8)
    with pytest.raises(InvalidInput, match=r"has no time zone$"):
        rows(desk.ledger, "changes", as_of=datetime(2021, 3, 4))  # noqa: DTZ001
    with pytest.raises(InvalidInput, match=r"^events are cut by what was known at a time"):
        rows(desk.ledger, "events", as_of=public(9))


def test_all_rows_are_of_one_moment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written while a table is written is not in it."""
    monkeypatch.setattr("ledger.exporting.BATCH", 1)
    for table in NAMES:
        before = rows(desk.ledger, table)
        records = desk.ledger.exports._records(table, None, None)
        first = next(iter(records))
        desk.ledger.edit(desk.tide, summary=f"Now in {table}.", actor="Ann")
        out = io.BytesIO()
        write_csv(table, [first, *records], out)
        assert list(csv.DictReader(io.StringIO(out.getvalue().decode()))) == before
        assert rows(desk.ledger, table) != before


# Forms


values = st.text()


@given(st.lists(st.tuples(values, st.text()), min_size=1))
def test_csv_gives_back_whatever_a_text_says(texts: list[tuple[str, str]]) -> None:
    records = [(0, *[text] * 3, None, *[more] * 6, (text, more), None, 1) for text, more in texts]
    out = io.BytesIO()
    assert write_csv("events", records, out) == len(texts)
    assert out.getvalue().endswith(b"\r\n")
    found = list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))[1:]
    for row, (text, more) in zip(found, texts, strict=True):
        assert row[1:4] == [text] * 3
        assert row[5:11] == [more] * 6
        assert json.loads(row[11]) == [text, more]


def test_values_are_exact_even_where_a_spreadsheet_would_reckon(url: str) -> None:
    with Ledger.open(url) as ledger:
        ledger.create(DAY, "=1+1", topic="-2", summary='+"a", b', actor="@Ann")
        (row,) = rows(ledger, "entries")
        assert (row["headline"], row["topic"], row["summary"]) == ("=1+1", "-2", '+"a", b')


def test_times_are_utc_to_the_microsecond(url: str) -> None:
    at = datetime(1969, 7, 20, 20, 17, 40, 1, tzinfo=UTC)
    with Ledger.open(url) as ledger:
        ledger.create(DAY, "Ferry", actor="Ann", published_at=at)
        assert rows(ledger, "changes")[0]["published_at"] == "1969-07-20T20:17:40.000001Z"
        assert typed(ledger, "changes")[0]["published_at"] == at


def test_row_groups_hold_no_more_than_memory_should(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROW_GROUP", 4)
    monkeypatch.setattr("ledger.exporting.BATCH", 3)
    with Ledger.open(url) as ledger:
        for number in range(10):
            ledger.create(DAY, f"Gull {number}", actor="Ann", sources=(Source("C", "http://c/"),))
        out = io.BytesIO()
        ledger.exports.parquet("entries", out)
        file = parquet.ParquetFile(pa.BufferReader(out.getvalue()))
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        assert sizes == [4, 4, 2]
        assert {row["headline"] for row in typed(ledger, "entries")} == {
            f"Gull {number}" for number in range(10)
        }
