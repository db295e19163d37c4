"""A new entry as a JSON object: the fields it names, and what is no such object."""

from __future__ import annotations

from datetime import date

import pytest

from ledger.domain.values import Source
from ledger.errors import InvalidInput
from ledger.interchange.json_entry import fields_of_json


def test_only_the_fields_that_are_named() -> None:
    assert fields_of_json('{"headline": "A bridge", "topic": null}') == {
        "headline": "A bridge",
        "topic": None,
    }
    assert fields_of_json("{}") == {}


def test_every_field() -> None:
    text = """{
        "date": "2014-02-13", "headline": "桥", "slug": "q", "topic": "T", "summary": " S ",
        "sources": [
            {"name": "N", "url": "https://n.example"},
            {"name": "M", "url": "https://m.example", "image": "https://m.example/i.png"}
        ],
        "cover_image": "https://i.example", "contexts": ["T", "U"],
        "edition": "zh", "language": "zh-Hant"
    }"""
    assert fields_of_json(text) == {
        "date": date(2014, 2, 13),
        "headline": "桥",
        "slug": "q",
        "topic": "T",
        "summary": " S ",
        "sources": (
            Source("N", "https://n.example"),
            Source("M", "https://m.example", "https://m.example/i.png"),
        ),
        "cover_image": "https://i.example",
        "contexts": ("T", "U"),
        "edition": "zh",
        "language": "zh-Hant",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '"headline"',
        '{"headline": 7}',
        '{"headline": null}',
        '{"headlin": "A"}',
        '{"date": "13.2.2014"}',
        '{"sources": ["https://n.example"]}',
        '{"sources": [{"name": "N"}]}',
        '{"entry": "x"}',
    ],
)
def test_what_is_no_entry(text: str) -> None:
    with pytest.raises(InvalidInput, match="the JSON is no entry: "):
        fields_of_json(text)
