"""Where the links of a page lead."""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from ledger.domain.values import Layout
from ledger.pages.links import AnyPage, links_of
from ledger.pages.model import EntryPage


def test_links_are_those_of_the_edition(published: dict[str, AnyPage]) -> None:
    links = links_of(published["chinese"], "html")
    assert links.front == "/zh/news/index.html"
    assert links.contexts == "/zh/news/contexts/index.html"
    assert links.day(date(2021, 3, 4)) == "/zh/news/2021/03/4/index.html"
    assert links.to("/news/contexts/a") == "/zh/news/contexts/a.html"
    assert links.to("/news/contexts/a", "en") == "/news/contexts/a.html"


def test_an_entry_has_prefixes_of_its_own(published: dict[str, AnyPage]) -> None:
    page = published["current"]
    assert isinstance(page, EntryPage)
    layout = Layout(prefix="/archive", day_prefix="/days")
    moved = replace(page, page=replace(page.page, layout=layout))
    links = links_of(moved, "json")
    assert links.to("/news/2021/03/4/a") == "/archive/2021/03/4/a.json"
    assert links.day(date(2021, 3, 4)) == "/days/2021/03/4/index.json"
    # Another edition is somewhere else.
    assert links.to("/news/2021/03/4/a", "zh") == "/zh/news/2021/03/4/a.json"
    assert dict(links.formats())["md"] == "/archive/2021/03/4/ferry-safe.md"


def test_addresses_are_percent_encoded(published: dict[str, AnyPage]) -> None:
    links = links_of(published["day"], "xml")
    path = "/news/2021/03/4/a“b”'c,d&e~f"
    assert links.to(path) == "/news/2021/03/4/a%E2%80%9Cb%E2%80%9D%27c%2Cd%26e~f.xml"
