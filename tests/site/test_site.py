"""The exported site: which pages it has, that all are valid, and that no link is dead."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from uuid import UUID
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from ledger import Ledger
from ledger.domain.values import AS_EDITION
from ledger.errors import InvalidInput, InvalidTime
from ledger.pages.links import EXTENSIONS
from ledger.pages.rendering import render
from tests.histories import PAST, Step, desk, histories, play
from tests.pages.markup import links, one, read_html, text_of
from tests.pages.newsroom import DAY, hour
from tests.site.archive import SECRET, content, export
from tests.site.links import BASE, dead_links, files_of
from tests.site.validity import require_valid
from tests.stores import SQLiteStore

PAGES = """
news/2021/03/2/index
news/2021/03/2/spring-tide-rises
news/2021/03/4/back-in-harbour
news/2021/03/4/ferry-safe
news/2021/03/4/ferry-sails
news/2021/03/4/ferry-sails-2
news/2021/03/4/ferry-sails-3
news/2021/03/4/ferry-turns-back
news/2021/03/4/index
news/2021/03/4/keeper-saw-it
news/2021/03/4/keeper-saw-nothing
news/2021/03/5/captain-named
news/2021/03/5/index
news/2021/03/5/light-burns
news/2021/03/5/~erased-12
news/2021/03/6/index
news/2021/03/6/script-alert-1-script-click-javascript-alert-1-title-head-quotes-open-e
news/2021/03/7/buoy-lost
news/2021/03/7/index
news/2021/03/8/buoy-found
news/2021/03/8/buoy-lost
news/2021/03/8/index
news/contexts/ferries
news/contexts/index
news/contexts/old-town-50d5c8
news/contexts/old-town-9a9e4a
news/contexts/old-town-c8cfdf
news/contexts/quays
news/contexts/script-alert-1-script-click-javascript-alert-1-title-head-quotes-open-e
news/index
zh/news/2021/03/4/index
zh/news/2021/03/4/渡輪平安
zh/news/2021/03/4/渡輪折返
zh/news/2021/03/8/index
zh/news/2021/03/8/浮標尋回
zh/news/contexts/Quays
zh/news/contexts/index
zh/news/contexts/渡輪
zh/news/index
"""

CURRENT = (
    *("2/spring-tide-rises", "4/back-in-harbour", "4/ferry-safe", "4/ferry-sails-2"),
    *("4/ferry-sails-3", "4/keeper-saw-it", "5/captain-named", "5/light-burns"),
    "6/script-alert-1-script-click-javascript-alert-1-title-head-quotes-open-e",
)
"""The entries of the first edition, at the paths that they have now."""


def test_every_page_that_is_or_was_is_there_in_four_formats_and_nothing_else(site: Path) -> None:
    pages = {f"{page}.{extension}" for page in PAGES.split() for extension in EXTENSIONS}
    feeds = {
        f"{prefix}/{kind}_{format_}"
        for prefix in ("news", "zh/news")
        for kind in ("index", "changes")
        for format_ in ("rss.xml", "atom.xml", "feed.json")
    }
    changes = {f"news/2021/03/{entry}.changes.atom" for entry in CURRENT}
    changes |= {
        "zh/news/2021/03/4/渡輪平安.changes.atom",
        "zh/news/2021/03/8/浮標尋回.changes.atom",
    }
    found = {str(file.relative_to(site)) for file in files_of(site)}
    assert found == pages | feeds | changes | {"index.html", "sitemap.xml"}


def test_no_link_is_dead(site: Path) -> None:
    assert dead_links(site) == []


def test_every_file_is_valid(site: Path) -> None:
    for file in files_of(site):
        require_valid(file)


def test_what_is_not_public_is_nowhere(site: Path) -> None:
    assert not [path for path, data in content(site).items() if SECRET.encode() in data]


@pytest.mark.parametrize("slug", ["ferry-sails", "ferry-turns-back", "keeper-saw-nothing"])
def test_an_old_path_shows_what_it_showed_and_where_the_entry_is_now(
    archive: Ledger, site: Path, slug: str
) -> None:
    shown = archive.at(f"/news/2021/03/4/{slug}")
    page = archive.pages.entry(shown)
    assert page.current is not None
    folder = site / "news/2021/03/4"
    for extension in ("json", "xml", "md"):
        assert (folder / f"{slug}.{extension}").read_text() == render(page, extension)
    root = read_html((folder / f"{slug}.html").read_text())
    assert links(root)["latest-version"] == [f"{page.current}.html"]


def test_pages_link_below_the_prefix_of_their_edition_however_they_were_published(
    archive: Ledger, site: Path
) -> None:
    shown = archive.at("/news/2021/03/5/light-burns")
    assert shown.entry.layout.prefix == "/archive/news"
    page = archive.pages.entry(shown)
    layout = replace(AS_EDITION, style="older")
    usual = replace(page, page=replace(page.page, layout=layout))
    text = (site / "news/2021/03/5/light-burns.md").read_text()
    assert text == render(usual, "md") != render(page, "md")
    assert "](/news/2021/03/5/index.md)" in text


def test_a_link_in_a_text_leads_to_the_html_page_of_what_it_names(site: Path) -> None:
    text = (site / "news/2021/03/5/light-burns.html").read_text()
    assert '<a href="/news/2021/03/4/ferry-sails.html">the ferry</a>' in text


def test_a_day_that_only_old_pages_name_is_there_without_entries(site: Path) -> None:
    text = (site / "news/2021/03/7/index.html").read_text()
    assert "No entries." in text
    assert '"/news/2021/03/7/index.html"' in (site / "news/2021/03/7/buoy-lost.html").read_text()


def test_pages_name_their_feeds(site: Path) -> None:
    def feeds(page: str) -> list[tuple[str, str]]:
        return [
            (link.attrib["type"], link.attrib["href"])
            for link in read_html((site / page).read_text()).iter("link")
            if link.attrib.get("rel") == "alternate" and "title" in link.attrib
        ]

    assert feeds("zh/news/index.html") == [
        ("application/rss+xml", "/zh/news/index_rss.xml"),
        ("application/atom+xml", "/zh/news/index_atom.xml"),
        ("application/feed+json", "/zh/news/index_feed.json"),
        ("application/rss+xml", "/zh/news/changes_rss.xml"),
        ("application/atom+xml", "/zh/news/changes_atom.xml"),
        ("application/feed+json", "/zh/news/changes_feed.json"),
    ]
    own = [("application/atom+xml", "/news/2021/03/4/ferry-safe.changes.atom")]
    assert feeds("news/2021/03/4/ferry-safe.html") == own
    assert feeds("news/2021/03/4/ferry-sails.html") == own
    assert feeds("news/2021/03/4/index.html") == []


def test_pages_link_their_feeds_where_readers_see_it(site: Path) -> None:
    def foot(page: str) -> list[tuple[str, list[tuple[str, str]]]]:
        root = read_html((site / page).read_text())
        return [
            (text_of(item), [(text_of(a), a.attrib["href"]) for a in item.iter("a")])
            for item in root.findall("body/footer/nav[@aria-label='Feeds']/ul/li")
        ]

    def feeds(name: str) -> list[tuple[str, str]]:
        endings = {"RSS": "rss.xml", "Atom": "atom.xml", "JSON Feed": "feed.json"}
        return [(form, f"/news/{name}_{ending}") for form, ending in endings.items()]

    assert foot("news/index.html") == [
        ("News: RSS · Atom · JSON Feed", feeds("index")),
        ("News: Changes: RSS · Atom · JSON Feed", feeds("changes")),
    ]
    own = [("Changes: Atom", [("Atom", "/news/2021/03/4/ferry-safe.changes.atom")])]
    assert foot("news/2021/03/4/ferry-safe.html") == own
    assert foot("news/2021/03/4/ferry-sails.html") == own
    assert foot("news/2021/03/4/index.html") == []


def test_the_root_leads_to_the_editions(site: Path) -> None:
    root = read_html((site / "index.html").read_text())
    assert [link.attrib["href"] for link in root.iter("a")] == [
        "news/index.html",
        "zh/news/index.html",
    ]
    assert "refresh" not in (site / "index.html").read_text()
    # It loads as little, and tells as little, as all the others.
    front = read_html((site / "news/index.html").read_text())
    for name in ("http-equiv", "name"):
        assert metas(root, name) == metas(front, name) != []


def metas(root: Element, name: str) -> list[dict[str, str]]:
    return [meta.attrib for meta in root.iter("meta") if name in meta.attrib]


def test_the_root_of_one_edition_leads_there_by_itself(sqlite_url: str, tmp_path: Path) -> None:
    with Ledger.open(sqlite_url) as ledger:
        ledger.create(DAY, "渡輪", edition="zh", actor="Ann")
        export(ledger, tmp_path / "site")
    text = (tmp_path / "site" / "index.html").read_text()
    root = read_html(text)
    assert root.attrib["lang"] == "zh"
    assert text_of(one(root, "head/title")) == text_of(one(root, "body/header/p")) == "新闻"
    assert '<meta http-equiv="refresh" content="0; url=zh/news/index.html">' in text
    assert dead_links(tmp_path / "site") == []


def test_a_ledger_without_entries_has_a_site(sqlite_url: str, tmp_path: Path) -> None:
    with Ledger.open(sqlite_url) as ledger:
        ledger.init()
        report = export(ledger, tmp_path / "site")
    assert (report.written, report.notes) == (2, ())
    for file in files_of(tmp_path / "site"):
        require_valid(file)
    assert dead_links(tmp_path / "site") == []


def test_the_sitemap_has_the_current_pages_of_what_stands(site: Path) -> None:
    text = (site / "sitemap.xml").read_text()
    ferry = f"{BASE}/news/2021/03/4/ferry-safe.html"
    assert f"<loc>{ferry}</loc><lastmod>2021-03-04T14:30:00Z</lastmod>" in text
    # Its day changed when one of its entries did.
    day = f"<loc>{BASE}/news/2021/03/4/index.html</loc><lastmod>2021-03-04T19:30:00Z</lastmod>"
    assert day in text
    for gone in ("ferry-sails.html", "keeper-saw-it", "back-in-harbour", "7/index", ".json"):
        assert gone not in text


# Moments


def test_the_site_is_published_as_it_was(archive: Ledger, tmp_path: Path) -> None:
    export(archive, tmp_path, as_of=hour(2))
    files = {str(file.relative_to(tmp_path)) for file in files_of(tmp_path)}
    html = {path for path in files if path.startswith("news/2021") and path.endswith(".html")}
    assert html == {
        "news/2021/03/2/index.html",
        "news/2021/03/2/spring-tide-rises.html",
        "news/2021/03/4/index.html",
        "news/2021/03/4/ferry-sails.html",
        "news/2021/03/4/ferry-turns-back.html",
        "news/2021/03/4/keeper-saw-it.html",
        "news/2021/03/4/keeper-saw-nothing.html",
    }
    shown = archive.get("/news/2021/03/4/ferry-safe", as_of=hour(2))
    text = (tmp_path / "news/2021/03/4/ferry-turns-back.json").read_text()
    assert text == render(archive.pages.entry(shown), "json")
    assert "<lastmod>2021-03-04T11:30:00Z</lastmod>" in (tmp_path / "sitemap.xml").read_text()
    assert dead_links(tmp_path) == []
    for file in files_of(tmp_path):
        require_valid(file)


def test_the_site_is_published_as_far_as_it_was_known(archive: Ledger, tmp_path: Path) -> None:
    export(archive, tmp_path, known_at=1)
    entries = [path for path in content(tmp_path) if path.endswith("changes.atom")]
    assert entries == ["news/2021/03/2/spring-tide-rises.changes.atom"]
    assert dead_links(tmp_path) == []


def test_a_moment_that_the_log_has_not_is_refused(archive: Ledger, tmp_path: Path) -> None:
    with pytest.raises(InvalidTime, match="the log has no position 9999"):
        export(archive, tmp_path / "site", known_at=9999)


def test_what_is_recorded_meanwhile_waits_for_the_next_export(
    sqlite_url: str, tmp_path: Path
) -> None:
    with Ledger.open(sqlite_url) as ledger, Ledger.open(sqlite_url) as writer:
        entries = [
            ledger.create(date(2021, 3, day), f"Day {day}", contexts=("Tides",), actor="Ann").entry
            for day in (1, 2, 3)
        ]
        told: list[tuple[int, int]] = []

        def tell(done: int, total: int) -> None:
            told.append((done, total))
            writer.edit(entries[0], headline=f"Moved {done}", actor="Ben")
            writer.create(DAY, "Too late", contexts=("Storms",), actor="Ben")

        export(ledger, tmp_path / "meanwhile", progress=tell)
        export(ledger, tmp_path / "then", known_at=3)
    assert told == [(1, 3), (2, 3), (3, 3)]
    meanwhile, then = content(tmp_path / "meanwhile"), content(tmp_path / "then")
    for found in (meanwhile, then):
        found.pop(".ledger-site.json")
    assert meanwhile == then
    assert dead_links(tmp_path / "meanwhile") == []


def test_two_exports_of_the_same_are_the_same(archive: Ledger, site: Path, tmp_path: Path) -> None:
    export(archive, tmp_path)
    assert content(tmp_path) == content(site)


@settings(max_examples=20, deadline=None)
@given(history=histories())
def test_no_link_is_dead_whatever_happened(
    tmp_path_factory: pytest.TempPathFactory, history: list[Step]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    with desk(SQLiteStore(folder / "news.db")) as lent:
        ledger = lent.open()
        play(ledger, history)
        for name, moment in (("now", None), ("then", PAST[2])):
            export(ledger, folder / name, as_of=moment)
            assert dead_links(folder / name) == []


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        "",
        "news.example",
        "ftp://news.example",
        "https://news.example/archive",
        "https://news.example?a=1",
        "https://news.example/#top",
        "https://ann@news.example",
        "https://news.example:99999999",
        'https://news.example"',
        "https://",
        "https://news .example",
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_written(
    archive: Ledger, tmp_path: Path, address: str
) -> None:
    with pytest.raises(InvalidInput, match="is no address of a site: give a scheme and a host"):
        archive.exports.site(tmp_path / "site", address)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    "address", ["https://news.example/", "http://[::1]:8000", "HTTPS://News.Example"]
)
def test_feeds_and_sitemap_say_the_address(archive: Ledger, tmp_path: Path, address: str) -> None:
    archive.exports.site(tmp_path, address)
    base = address.rstrip("/").lower()
    assert dead_links(tmp_path, base) == []
    assert f"<loc>{base}/news/index.html</loc>" in (tmp_path / "sitemap.xml").read_text()
    assert f'href="{base}/news/index_atom.xml"' in (tmp_path / "news/index_atom.xml").read_text()


def test_a_feed_is_called_the_same_whatever_the_address(archive: Ledger, tmp_path: Path) -> None:
    ids = set()
    for number, address in enumerate(("https://a.example", "https://b.example")):
        archive.exports.site(tmp_path / str(number), address)
        text = (tmp_path / str(number) / "news/changes_atom.xml").read_text()
        ids.add(tuple(part.partition("<")[0] for part in text.split("<id>")[1:]))
    ((feed, *items),) = ids
    assert len({feed, *items}) == len(items) + 1
    assert all(UUID(id_) for id_ in (feed, *items))
