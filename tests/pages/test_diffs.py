"""What a version changed, as HTML."""

from __future__ import annotations

from datetime import date
from uuid import UUID
from xml.etree.ElementTree import Element

import pytest
from msgspec.structs import replace

from ledger.domain.diffs import diff_entries
from ledger.domain.entry import NewsEntry
from ledger.domain.values import Correction, Layout, Source
from ledger.pages.diffs import changes_html
from tests.pages.markup import one, read_html, text_of
from tests.pages.newsroom import DAY, OPENED

COURIER = Source("Courier", "https://courier.example/1")
GUARD = Source("Guard", "https://guard.example/")
TIDE = Source("<Tide>", "https://tide.example/?a&b")
ENTRY = NewsEntry(
    id=UUID(int=1),
    version=1,
    date=DAY,
    headline="Ferry sails",
    slug="ferry-sails",
    edition="en",
    language="en",
    published_at=OPENED,
    sources=(COURIER, GUARD),
    contexts=("Ferries", "Quays"),
)


def changed(edition: str = "en", **fields: object) -> list[tuple[str, list[Element]]]:
    """Return each field that is shown, with its lines."""
    html = changes_html(diff_entries(ENTRY, replace(ENTRY, **fields)), edition)
    root = read_html(
        f"<!DOCTYPE html><html><head><title>t</title></head><body>{html}</body></html>"
    )
    return [(text_of(one(div, "dt")), div.findall("dd")) for div in root.findall("body/dl/div")]


def marked(line: Element) -> list[tuple[str, str]]:
    return [(e.tag, text_of(e)) for e in line.iter() if e.tag in {"del", "ins"}]


def test_words() -> None:
    ((name, (line,)),) = changed(headline="Ferry <turns>", slug="ferry-turns")
    assert name == "Headline"
    assert text_of(line) == "Ferry sails<turns>"
    assert marked(line) == [("del", "sails"), ("ins", "<turns>")]
    assert line.attrib == {"dir": "auto"}


def test_a_text_that_came_and_one_that_went() -> None:
    ((name, (line,)),) = changed(summary="A *note*")
    assert (name, marked(line)) == ("Summary", [("ins", "A *note*")])


@pytest.mark.parametrize(
    ("sources", "lines"),
    [
        ((COURIER, GUARD, TIDE), ["<Tide> added"]),
        ((COURIER,), ["Guard removed"]),
        ((GUARD, COURIER), ["Courier moved to place 2"]),
        (
            (replace(COURIER, url="https://courier.example/2"), GUARD),
            ["Courier https://courier.example/1 https://courier.example/2 another address"],
        ),
        (
            (replace(COURIER, image="https://img.example/a"), GUARD),
            ["Courier nothing https://img.example/a another image"],
        ),
    ],
)
def test_sources(sources: tuple[Source, ...], lines: list[str]) -> None:
    ((name, found),) = changed(sources=sources)
    assert name == "Sources"
    assert [text_of(line) for line in found] == lines
    assert [one(line, ".//a").attrib["href"] for line in found] == [
        next(s.url for s in (*sources, GUARD) if text_of(line).startswith(s.name))
        for line in found
    ]


def test_an_address_that_is_none_is_no_link() -> None:
    ((_, (line,)),) = changed(sources=(COURIER, GUARD, Source("Odd", "ftp://odd.example/")))
    assert text_of(line) == "Odd added"
    assert line.find(".//a") is None


def test_lists_and_single_values() -> None:
    found = changed(
        contexts=("Quays", "Rain"),
        date=date(2021, 3, 5),
        cover_image="https://img.example/a",
    )
    assert [(name, [marked(line) for line in lines]) for name, lines in found] == [
        ("Date", [[("del", "2021-03-04"), ("ins", "2021-03-05")]]),
        ("Cover image", [[("del", "nothing"), ("ins", "https://img.example/a")]]),
        ("Contexts", [[("del", "Ferries")], [("ins", "Rain")]]),
    ]


def test_what_no_reader_sees_is_not_told() -> None:
    assert not changed(slug="ferry", layout=Layout("older"), status="merged", merged_into=ENTRY.id)


def test_notes_stand_on_the_page_whole_and_are_no_change() -> None:
    assert not changed(corrections=(Correction("editors-note", "It *did* not.", 2),))


def test_in_the_words_of_the_edition() -> None:
    ((name, (line,)),) = changed("zh", sources=(COURIER,))
    assert (name, text_of(line)) == ("信息来源", "Guard 移除")
