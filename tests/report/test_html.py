"""The report as HTML: well formed, closed to scripts and to the network, and true to its chart."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC, date, datetime
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import Ledger, Source
from ledger.report.chart import svg
from ledger.report.compose import compose
from ledger.report.document import Document, Section, Table, Text, line
from ledger.report.html import render
from ledger.report.model import Activity, Bar
from tests.report.markup import Element, read
from tests.report.newsroom import fill

EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>\'&lt;b&gt;&#60;script&#62;'


TAGS = (
    "html head meta title style body header nav main section h1 h2 h3 p dl div dt dd ol ul li a "
    "table caption thead tbody tr th td time span code ins del "
    "figure figcaption svg desc g line rect text details summary"
)


@pytest.fixture(params=["archive", "entry", "empty"])
def page(request: pytest.FixtureRequest, ledger: Ledger) -> Element:
    """Return a report of each kind, on texts that would be markup."""
    if request.param == "empty":
        return read(render(compose(ledger.reports.archive())))
    entries = fill(ledger)
    source = Source(EVIL, "https://evil.example/?a=\"&b='")
    ledger.edit(
        entries.vote,
        headline=f"Evil {EVIL} 9",
        summary=EVIL,
        topic=EVIL,
        sources=(source,),
        contexts=(EVIL,),
        actor=EVIL,
        reason=EVIL,
    )
    ledger.edit(entries.vote, headline="Calm", sources=(), contexts=(), actor=EVIL)
    ledger.edit(entries.vote, topic="T", actor=EVIL)
    ledger.edit(entries.vote, topic=f"{EVIL} 2", actor=EVIL)
    ledger.correct(entries.storm, EVIL, actor=EVIL)
    ledger.retract(entries.vote, actor=EVIL)
    ledger.erase(entries.vote, [12], EVIL, actor=EVIL, reason=EVIL)
    if request.param == "archive":
        return read(render(compose(ledger.reports.archive())))
    return read(render(compose(ledger.reports.entry(entries.vote))))


def test_ids_are_unique_and_every_anchor_leads_somewhere(page: Element) -> None:
    ids = [element.get("id") for element in page.all() if "id" in element.attributes]
    assert len(set(ids)) == len(ids)
    for element in page.all():
        if (target := element.get("href")).startswith("#"):
            assert target[1:] in ids
        for name in element.get("aria-labelledby").split():
            assert name in ids
    headings = [heading.text for heading in page.all("h2")]
    links = [link.text for link in page.one("nav").all("a")]
    assert links == headings
    assert headings[0] == "Summary"
    assert headings[-1] == "How to read this report"


def test_nothing_runs_and_nothing_is_loaded(page: Element) -> None:
    policies = [
        meta.get("content")
        for meta in page.all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    style = page.one("style").text
    hash_ = b64encode(sha256(style.encode()).digest()).decode()
    assert policies == [
        f"default-src 'none'; style-src 'sha256-{hash_}'; base-uri 'none'; form-action 'none'"
    ]
    assert "url(" not in style
    assert "@import" not in style
    for element in page.all():
        assert element.tag in TAGS.split()
        for name in element.attributes:
            assert not name.startswith("on")
            assert name not in {"src", "style", "srcset", "action"}
        if "href" in element.attributes:
            assert element.tag == "a"
            assert element.get("href").startswith(("#", "https://"))


def test_texts_are_shown_as_they_are_meant(page: Element) -> None:
    if "Nothing was created or edited." in page.text:
        return
    assert '<script>alert("x")</script><img src=x onerror=alert(1)>' in page.text
    # What the archive wrote as character references, in the headline; the actor's are his own.
    assert "onerror=alert(1)>'<b><script>" in page.text
    assert "onerror=alert(1)>'&lt;b&gt;&#60;script&#62;" in page.text
    hrefs = [link.get("href") for link in page.all("a")]
    assert "https://evil.example/?a=\"&b='" in hrefs
    assert "https://radio.example/?a=1&b=2" in hrefs


def test_marks_times_and_languages(ledger: Ledger) -> None:
    entries = fill(ledger)
    page = read(render(compose(ledger.reports.entry(entries.vote))))
    assert page.get("lang") == "en"
    (version,) = [part for part in page.all("section") if part.get("id") == "version-2"]
    assert [(one.tag, one.text) for one in version.all() if one.tag in {"ins", "del"}][:2] == [
        ("del", "7"),
        ("ins", "8"),
    ]
    assert version.all("time")[0].get("datetime") == "2021-03-03T08:00:00+00:00"
    assert version.all("time")[0].text == "2021-03-03 08:00:00"
    (first,) = [part for part in page.all("section") if part.get("id") == "version-1"]
    assert first.all("ins") == first.all("del") == []
    assert "The tide < 4 metres." in first.text
    chinese = read(render(compose(ledger.reports.entry(entries.storm))))
    assert (chinese.one("h1").get("lang"), chinese.one("h1").text) == ("zh", "渡轮将停航四天")
    assert chinese.get("lang") == "en"
    archive = read(render(compose(ledger.reports.archive())))
    (silent,) = [part for part in archive.all("section") if part.get("id") == "silent"]
    said = [(one.get("lang"), one.text) for one in silent.all("span") if one.all("ins")]
    assert said == [
        ("zh", "渡轮将停航四天"),
        ("zh", "渡轮停航三四天"),
        ("", "Port Ellery votes by 8 to 5; Ines Okafor goes."),
    ]


def test_tables_have_captions_and_heads(page: Element) -> None:
    for table in page.all("table"):
        assert table.one("caption").text
        heads = table.one("thead").all("th")
        assert {head.get("scope") for head in heads} == {"col"}
        for row in table.one("tbody").all("tr"):
            assert len(row.all("td")) == len(heads)


@settings(deadline=None, max_examples=100)
@given(st.text(), st.text())
def test_any_text_comes_back(title: str, cell: str) -> None:
    rows = ((line(cell),),)
    section = Section("s", title, (Table(title, ("c",), rows),))
    page = read(render(Document("k", Text(title), (), (section,))))
    assert page.one("h1").text == page.one("caption").text == page.one("h2").text == title
    assert page.one("td").text == line(cell)[0].text  # type: ignore[union-attr]


# The chart


def test_the_bars_of_the_chart_add_up(ledger: Ledger) -> None:
    fill(ledger)
    report = ledger.reports.archive()
    figure = read(render(compose(report))).one("figure")
    said = [group.one("title").text for group in figure.all("g")]
    assert said[0] == "2021-03-01: 1 created, 0 edits"
    numbers = [
        tuple(map(int, re.findall(r": (\d+) created, (\d+) edits", one)[0])) for one in said
    ]
    cells = [[cell.text for cell in row.all("td")] for row in figure.one("tbody").all("tr")]
    assert [(int(row[1]), int(row[2])) for row in cells] == numbers
    assert sum(a for a, _ in numbers) == report.totals.by_type["EntryCreated"]
    assert sum(b for _, b in numbers) == report.totals.edits
    assert figure.one("desc").text == "3 created and 8 edits, from 2021-03-01 to 2021-04-12."


bars = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), min_size=1, max_size=60)


@settings(deadline=None, max_examples=100)
@given(bars)
def test_a_bar_is_as_high_as_its_number(numbers: list[tuple[int, int]]) -> None:
    drawn = [Bar(date(2001, 1, 1 + n % 28), *pair) for n, pair in enumerate(numbers)]
    chart = read(f"<!DOCTYPE html><html>{svg(Activity('day', tuple(drawn)), 'A & B')}</html>")
    assert chart.all("title")[0].text == "A & B"
    names = [text for text in chart.all("text") if text.get("class") == "y"]
    grid = {int(text.text.replace(",", "")): float(text.get("y")) - 4 for text in names}
    top, base = max(grid), grid[0]
    assert top >= max(sum(pair) for pair in numbers)
    assert 2 <= len(grid) <= 6
    unit = (base - grid[top]) / top
    for group, (created, edits) in zip(chart.all("g"), numbers, strict=True):
        heights = {one.get("class"): float(one.get("height")) for one in group.all("rect")}
        assert heights.get("created", 0) == pytest.approx(created * unit, abs=0.2)
        assert heights.get("edits", 0) == pytest.approx(edits * unit, abs=0.2)
        for one in group.all("rect"):
            assert float(one.get("y")) + float(one.get("height")) <= base + 0.2
            assert float(one.get("x")) + float(one.get("width")) <= 752
    assert len([text for text in chart.all("text") if text.get("class") == "x"]) <= 8


def test_a_report_says_when_it_was_made(ledger: Ledger) -> None:
    before = datetime.now(UTC)
    page = read(render(compose(ledger.reports.archive())))
    made = datetime.fromisoformat(page.one("header").one("time").get("datetime"))
    assert before <= made <= datetime.now(UTC)
