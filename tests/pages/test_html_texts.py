"""Published texts among the words of HTML pages: their direction, their language, their times."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from ledger import Ledger, Source
from ledger.pages.rendering import render
from tests.pages.markup import one, read_html, text_of
from tests.pages.newsroom import DAY, hour

ARABIC = "\u0627\u0644\u0639\u0628\u0627\u0631\u0629"
SAILS, BACK = f"{ARABIC} 1", f"{ARABIC} 2"


@pytest.fixture
def news(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger whose English edition has two entries in Arabic, of one context."""
    with Ledger.open(f"sqlite:///{tmp_path / 'news.db'}") as ledger:
        entry = ledger.create(
            DAY,
            SAILS,
            actor="ann",
            language="ar",
            slug="sails",
            contexts=(ARABIC,),
            sources=(Source(ARABIC, "https://a.example/", "https://a.example/wave.jpg"),),
            published_at=hour(0),
        ).entry
        ledger.edit(entry, headline=BACK, slug="back", actor="ann", published_at=hour(1))
        ledger.create(
            DAY,
            f"{ARABIC} 3",
            actor="ann",
            language="ar",
            slug="other",
            contexts=(ARABIC,),
            published_at=hour(0),
        )
        yield ledger


def direction(element: Element) -> str:
    """Return the direction that `dir="auto"` comes to: by the first letter, none of a `bdi`."""

    def letters(of: Element) -> Iterator[str]:
        yield of.text or ""
        for child in of:
            if child.tag != "bdi" and "dir" not in child.attrib:
                yield from letters(child)
            yield child.tail or ""

    kinds = map(unicodedata.bidirectional, "".join(letters(element)))
    first = next((kind for kind in kinds if kind in {"L", "R", "AL"}), "L")
    return "ltr" if first == "L" else "rtl"


def test_headlines_in_lists_have_the_direction_of_their_letters(news: Ledger) -> None:
    for page in (
        news.pages.day(DAY, edition="en"),
        news.pages.front("en"),
        news.pages.context(ARABIC, "en"),
    ):
        root = read_html(render(page, "html"))
        headings = root.findall(".//article/h2") + root.findall(".//article/h3")
        assert [text_of(heading) for heading in headings] == [BACK, f"{ARABIC} 3"]
        for heading in headings:
            assert heading.attrib == {"dir": "auto", "lang": "ar"}
            assert direction(heading) == "rtl"


def test_a_mark_has_a_direction_of_its_own(news: Ledger) -> None:
    made = news.create(DAY, "2021", actor="ann", language="ar", slug="year").entry
    news.retract(made, actor="ann")
    root = read_html(render(news.pages.day(DAY, edition="en"), "html"))
    mark = one(root, ".//bdi[@class='mark']")
    assert text_of(mark) == "Retracted"


def test_lines_are_those_of_the_page_and_texts_in_them_of_their_own(news: Ledger) -> None:
    root = read_html(render(news.pages.entry(news.at("/news/2021/03/4/back")), "html"))
    for section in ("changes", "sources", "related"):
        lines = root.findall(f".//section[@id='{section}']/ol/li")
        assert lines
        for line in lines:
            assert not {"dir", "lang"} & line.attrib.keys()
            assert text_of(one(line, "a/bdi")).startswith(ARABIC)
    for section in ("changes", "sources"):
        names = root.findall(f".//section[@id='{section}']/ol/li/a/bdi")
        assert {name.attrib.get("lang") for name in names} == {"ar"}
    shared = one(root, ".//section[@id='related']/ol/li/span")
    assert (shared.text, text_of(one(shared, "bdi"))) == ("Context: ", ARABIC)


def test_a_label_is_in_the_language_of_the_page(news: Ledger) -> None:
    root = read_html(render(news.pages.day(DAY, edition="en"), "html"))
    for line in root.findall(".//p[@class='said']"):
        assert line.attrib == {"class": "said"}
        assert line.text == "Context: "
        assert one(line, "bdi").attrib == {"lang": "ar"}


def test_times_are_valid_whatever_their_fraction(news: Ledger) -> None:
    moment = datetime(2021, 3, 4, 12, 0, 1, 999_999, tzinfo=UTC)
    news.edit("/news/2021/03/4/back", headline="C", actor="ann", published_at=moment)
    root = read_html(render(news.pages.entry(news.at("/news/2021/03/4/c")), "html"))
    times = [time for time in root.iter("time") if "T" in time.attrib["datetime"]]
    assert times
    for time in times:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time.attrib["datetime"])
        assert time.attrib["datetime"] == f"{(time.text or '')[:19].replace(' ', 'T')}Z"
    assert "2021-03-04T12:00:01Z" in {time.attrib["datetime"] for time in times}


def test_only_what_corrects_is_a_correction_to_search_engines(news: Ledger) -> None:
    path = "/news/2021/03/4/back"
    for kind in ("update", "clarification", "editors-note", "correction"):
        news.correct(path, f"A note: {kind}.", kind=kind, actor="ann")
    root = read_html(render(news.pages.entry(news.at(path)), "html"))
    said = json.loads(one(root, "head/script").text or "")
    assert [(one["@type"], one["text"]) for one in said["correction"]] == [
        ("CorrectionComment", "A note: clarification."),
        ("CorrectionComment", "A note: correction."),
    ]
    assert len(root.findall(".//section[@id='notes']/div")) == 4
