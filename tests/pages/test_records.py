"""Pages for programs: JSON and XML, as their schemas say, and both the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import ValidationError  # type: ignore[import-untyped]
from lxml import etree  # type: ignore[import-untyped]

from ledger import Ledger
from ledger.pages.links import AnyPage
from ledger.pages.rendering import render
from tests.pages.formats import as_xml_says_it, json_schema, read_json, read_xml, told, xml_schema
from tests.pages.newsroom import SECRET, all_pages
from tests.pages.test_html import NAMES

FERRY = "/news/2021/03/4/ferry"


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_as_the_schemas_say(published: dict[str, AnyPage], name: str) -> None:
    page = published[name]
    said = read_json(render(page, "json"))
    root = read_xml(render(page, "xml"))
    assert SECRET not in render(page, "json") + render(page, "xml")
    # XML says the same; its links lead to XML.
    assert etree.QName(root).localname == said["kind"]
    assert etree.QName(root).namespace == said["format"]
    expected = json.loads(json.dumps(said).replace('.json"', '.xml"'))
    expected["links"]["json"] = said["links"]["json"]
    del expected["format"], expected["kind"]
    assert told(root) == as_xml_says_it(expected)


def test_an_entry(published: dict[str, AnyPage], newsroom: Ledger) -> None:
    said = read_json(render(published["current"], "json"))
    changes = said.pop("changes")
    assert said == {
        "format": "urn:ledger:page:1",
        "kind": "entry",
        "edition": "en",
        "language": "en",
        "id": str(newsroom.id_of(f"{FERRY}-safe")),
        "version": 5,
        "date": "2021-03-04",
        "links": {
            "html": f"{FERRY}-safe.html",
            "json": f"{FERRY}-safe.json",
            "xml": f"{FERRY}-safe.xml",
            "md": f"{FERRY}-safe.md",
            "front": "/news/index.json",
            "contexts": "/news/contexts/index.json",
            "day": "/news/2021/03/4/index.json",
            "current": None,
            "predecessor": f"{FERRY}-turns-back.json",
            "successor": None,
        },
        "status": "active",
        "status_since": None,
        "merged_into": None,
        "current_status": "active",
        "erased": False,
        "first_published_at": "2021-03-04T09:30:00Z",
        "published_at": "2021-03-04T14:30:00Z",
        "headline": "Ferry safe",
        "topic": "Harbour",
        "summary": (
            "It came back at &#039;seven&hellip; with 118 [passengers](https://list.example/)."
        ),
        "sources": [
            {
                "name": "Harbour *Courier*",
                "url": "https://courier.example/1?a=1&b=2",
                "image": None,
            },
            {
                "name": "Coast Guard",
                "url": "https://guard.example/",
                "image": "https://guard.example/wave.jpg",
            },
        ],
        "cover_image": "https://img.example/cover.jpg",
        "contexts": [
            {"name": "Ferries", "link": "/news/contexts/ferries.json"},
            {"name": "Quays", "link": "/news/contexts/quays.json"},
            {"name": "Old *Town*", "link": "/news/contexts/old-town.json"},
        ],
        "notes": [
            {
                "kind": "correction",
                "text": "It carried **118**, not 120.",
                "version": 4,
                "published_at": "2021-03-04T13:30:00Z",
            }
        ],
        "related": [
            {
                "headline": "Spring tide rises",
                "link": "/news/2021/03/2/spring-tide-rises.json",
                "contexts": ["Ferries", "Quays"],
            }
        ],
    }
    assert [(change["version"], change["label"], change["listed"]) for change in changes] == [
        (1, "first_version", True),
        (2, "update", True),
        (3, "update", False),
        (4, "update", False),
        (5, "current_version", True),
    ]
    assert [[diff["field"] for diff in change["diffs"]] for change in changes] == [
        [],
        ["headline", "slug", "summary"],
        ["sources"],
        ["corrections"],
        ["headline", "slug"],
    ]
    assert changes[1]["diffs"][0]["words"] == [
        {"operation": "equal", "text": "Ferry "},
        {"operation": "delete", "text": "sails"},
        {"operation": "insert", "text": "turns back"},
    ]
    assert changes[2]["minor"] is True


def test_what_became_of_others(published: dict[str, AnyPage]) -> None:
    retracted, merged, erased = (
        json.loads(render(published[name], "json")) for name in ("retracted", "merged", "erased")
    )
    assert (retracted["status"], retracted["status_since"]) == (
        "retracted",
        "2021-03-04T15:30:00Z",
    )
    assert merged["merged_into"] == {"headline": "Ferry safe", "link": f"{FERRY}-safe.json"}
    assert erased["erased"] is True
    assert erased["links"]["current"] == "/news/2021/03/5/captain-named.json"
    assert [change["erased"] for change in erased["changes"]][:2] == [True, False]


def test_keys_always_come_in_the_same_order(
    published: dict[str, AnyPage], newsroom: Ledger
) -> None:
    again = all_pages(newsroom)
    for name, page in published.items():
        for format_ in ("html", "json", "xml", "md"):
            assert render(again[name], format_) == render(page, format_)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "page"},
        {"format": "urn:ledger:page:2"},
        {"date": "2021-03-32"},
        {"published_at": "2021-03-04T14:30:00"},
        {"status": "gone"},
        {"actor": "somebody"},
        {"headline": None},
        {"links": {}},
    ],
)
def test_the_schema_refuses_what_is_wrong(
    published: dict[str, AnyPage], wrong: dict[str, Any]
) -> None:
    said = json.loads(render(published["current"], "json"))
    with pytest.raises(ValidationError):
        json_schema().validate(said | wrong)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("<version>5</version>", "<version>0</version>"),
        ("<status>active</status>", "<status>gone</status>"),
        ("<headline>", "<actor>a</actor><headline>"),
        ("page:1", "page:2"),
        ("T14:30:00Z", "T14:30:00"),
        ("<erased>false</erased>", ""),
    ],
)
def test_the_xsd_refuses_what_is_wrong(
    published: dict[str, AnyPage], right: str, wrong: str
) -> None:
    text = render(published["current"], "xml")
    assert right in text
    assert not xml_schema().validate(etree.fromstring(text.replace(right, wrong).encode()))
