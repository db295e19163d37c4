"""HTML pages: valid, whole, and saying what the archive says."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import date
from hashlib import sha256
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.domain.editions import EDITIONS
from ledger.domain.events import EVENT_TYPES
from ledger.domain.values import FIELDS
from ledger.pages.links import AnyPage
from ledger.pages.model import EntryPage, FrontPage
from ledger.pages.rendering import render
from ledger.pages.words import WORDS
from tests.pages.markup import links, one, read_html, text_of
from tests.pages.newsroom import DAY, SECRET

SAFE = "/news/2021/03/4/ferry-safe.html"
SAILS = "/news/2021/03/4/ferry-sails.html"
BACK = "/news/2021/03/4/ferry-turns-back.html"

OLDER = "This is an older version, published"
MERGED = "This entry was merged into another on"

NAMES = (
    *("current", "older", "between", "unchanged", "retracted", "retracted since", "merged"),
    *("erased", "after an erasure", "chinese", "chinese older", "day", "day without entries"),
    *("chinese day", "front", "chinese front", "front of nothing", "context", "contexts"),
    *("chinese contexts", "no contexts"),
)


def html(published: dict[str, AnyPage], name: str) -> Element:
    return read_html(render(published[name], "html"))


def data(root: Element) -> dict[str, object]:
    """Return the JSON-LD of a page."""
    found: dict[str, object] = json.loads(one(root, "head/script").text or "")
    return found


def notices(root: Element) -> list[str]:
    return [text_of(paragraph) for paragraph in root.findall(".//aside/p")]


def test_the_names_are_those_of_all_pages(published: dict[str, AnyPage]) -> None:
    assert sorted(NAMES) == sorted(published)


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_valid_and_has_its_parts(published: dict[str, AnyPage], name: str) -> None:
    page = published[name]
    root = html(published, name)
    edition = page.page.edition if isinstance(page, EntryPage) else page.edition
    assert root.attrib["lang"] == edition
    style = text_of(one(root, "head/style"))
    policy = next(m.attrib["content"] for m in root.iter("meta") if "http-equiv" in m.attrib)
    assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert text_of(one(root, "head/title")).strip()
    assert len(list(root.iter("h1"))) == 1
    assert len(list(root.iter("main"))) == 1
    own = links(root)
    assert len(own["canonical"]) == 1
    assert [link.rpartition(".")[2] for link in own["alternate"]] == ["json", "xml", "md"]
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    assert SECRET not in render(page, "html")


def test_the_current_version(published: dict[str, AnyPage]) -> None:
    root = html(published, "current")
    assert text_of(one(root, ".//h1")) == "Ferry safe"
    assert text_of(one(root, "head/title")) == "Ferry safe"
    summary = one(root, ".//p[@class='summary']")
    assert text_of(summary) == "It came back at 'seven… with 118 passengers."
    assert one(summary, "a").attrib["href"] == "https://list.example/"
    assert notices(root) == []
    assert links(root) == {
        "version-history": ["#changes"],
        "latest-version": [SAFE],
        "predecessor-version": [BACK],
        "canonical": [SAFE],
        "alternate": [SAFE.replace("html", form) for form in ("json", "xml", "md")],
    }
    sources = one(root, ".//section[@id='sources']")
    assert [a.attrib["href"] for a in sources.iter("a")] == [
        "https://courier.example/1?a=1&b=2",
        "https://guard.example/",
        "https://guard.example/wave.jpg",
        "https://img.example/cover.jpg",
    ]
    assert one(sources, "ol/li/a/bdi/em").text == "Courier"
    contexts = one(root, ".//section[@id='contexts']")
    assert [(text_of(a), a.attrib["href"]) for a in contexts.iter("a")] == [
        ("Ferries", "/news/contexts/ferries.html"),
        ("Quays", "/news/contexts/quays.html"),
        ("Old Town", "/news/contexts/old-town.html"),
    ]
    related = one(root, ".//section[@id='related']")
    assert [a.attrib["href"] for a in related.iter("a")] == [
        "/news/2021/03/2/spring-tide-rises.html"
    ]
    note = one(root, ".//section[@id='notes']/div/p")
    assert text_of(note) == "It carried 118, not 120."
    tops = [a.attrib["href"] for a in one(root, "body/header").iter("a")]
    assert tops == ["/news/index.html", "/news/2021/03/4/index.html", "/news/contexts/index.html"]


def test_its_changes_with_what_each_changed(published: dict[str, AnyPage]) -> None:
    changes = one(html(published, "current"), ".//section[@id='changes']")
    listed = changes.findall("ol/li")
    assert [one(item, "a").attrib["href"] for item in listed] == [SAILS, BACK, SAFE]
    said = [text_of(one(item, "span")) for item in listed]
    assert said == [
        "2021-03-04 09:30:00 UTC (First version)",
        "2021-03-04 11:30:00 UTC (Update)",
        "2021-03-04 14:30:00 UTC (Current version)",
    ]
    assert [item.find("details") is not None for item in listed] == [False, True, True]
    headline, summary = listed[1].findall("details/div/dl/div")
    assert text_of(one(headline, "dd")) == "Ferry sailsturns back"
    assert [text_of(e) for e in headline.iter("del")] == ["sails"]
    assert [text_of(e) for e in headline.iter("ins")] == ["turns back"]
    # The text as it stands in the entry, not what it is shown as.
    assert "&#039;" in text_of(summary)
    assert [a.attrib.get("aria-current") for a in changes.findall("ol/li/a")] == [
        None,
        None,
        "page",
    ]
    history = changes.findall("details/ol/li")
    assert [item.attrib["id"] for item in history] == [f"version-{n}" for n in range(1, 6)]
    assert "minor" in text_of(history[2])
    assert [text_of(e) for e in history[2].iter("ins")] == ["Coast Guard"]
    # The note itself stands further up.
    assert text_of(history[3]).split("\n") == [
        *("Version 4: note published", "2021-03-04 13:30:00 UTC", ""),
    ]
    # What the list above tells is not told again.
    above = {n: [a.attrib["href"] for a in item.iter("a")] for n, item in enumerate(history, 1)}
    assert {n: links_ for n, links_ in above.items() if links_} == {
        2: ["#change-2"],
        3: ["https://guard.example/"],
        5: ["#change-5"],
    }
    inside = changes.findall("ol/li/details/div")
    assert [part.attrib["id"] for part in inside] == ["change-2", "change-5"]
    assert len(list(changes.iter("dl"))) == 3


def test_an_older_version_says_so_and_where_the_current_one_is(
    published: dict[str, AnyPage],
) -> None:
    root = html(published, "older")
    assert notices(root) == [f"{OLDER} 2021-03-04 09:30:00 UTC.", "Read the current version"]
    assert [a.attrib["href"] for a in one(root, ".//aside").iter("a")] == [SAFE]
    related = links(root)
    assert related["latest-version"] == related["canonical"] == [SAFE]
    assert related["successor-version"] == [BACK]
    assert "predecessor-version" not in related
    assert not root.findall(".//section[@id='notes']")
    changes = one(root, ".//section[@id='changes']")
    assert len(changes.findall("ol/li/details")) == 2
    (whole,) = changes.findall("p/a")
    assert (text_of(whole), whole.attrib["href"]) == (
        "Full history: 5 versions",
        f"{SAFE}#history",
    )
    assert not [e for e in changes.iter() if e.attrib.get("id", "").startswith("version-")]
    assert html(published, "current").find(".//ol[@id='history']") is not None
    both = links(html(published, "between"))
    assert (both["predecessor-version"], both["successor-version"]) == ([SAILS], [SAFE])


def test_the_line_of_the_version_shown_is_marked(published: dict[str, AnyPage]) -> None:
    for name, path in (("older", SAILS), ("between", BACK), ("current", SAFE)):
        changes = one(html(published, name), ".//section[@id='changes']")
        marked = [a.attrib["href"] for a in changes.iter("a") if "aria-current" in a.attrib]
        assert marked == [path]


def test_the_last_line_leads_where_the_entry_is_now(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'news.db'}") as ledger:
        entry = ledger.create(DAY, "First", actor="ann").entry
        ledger.edit(entry, headline="Second", actor="ann")
        ledger.edit(entry, slug="third", actor="ann")
        root = read_html(render(ledger.pages.entry(ledger.get(entry)), "html"))
    last = one(root, ".//section[@id='changes']/ol/li[2]/a")
    assert last.attrib["href"] == "/news/2021/03/4/third.html"


def test_a_version_that_was_retracted_itself(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'news.db'}") as ledger:
        entry = ledger.create(DAY, "First", actor="ann").entry
        for change in (ledger.retract, ledger.reinstate, ledger.retract):
            change(entry, actor="ann")
        root = read_html(render(ledger.pages.entry(ledger.get(entry, version=2)), "html"))
    older, _, retracted = notices(root)
    assert "since" not in older
    assert retracted.startswith("This entry was retracted on ")


def test_a_time_that_was_assumed_is_marked(published: dict[str, AnyPage]) -> None:
    page = published["unchanged"]
    assert isinstance(page, EntryPage)
    assert "assumed" not in render(page, "html")
    (first,) = page.history
    assumed = replace(page, history=(replace(first, basis="inferred"),))
    times = one(read_html(render(assumed, "html")), ".//p[@class='times']")
    assert text_of(times) == "Published 2021-03-02 09:30:00 UTC (assumed)"


def test_what_was_never_edited_has_no_changes(published: dict[str, AnyPage]) -> None:
    root = html(published, "unchanged")
    assert not root.findall(".//section[@id='changes']")
    assert "version-history" not in links(root)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "retracted",
            ["This entry was retracted on 2021-03-04 15:30:00 UTC. It stays readable, as it was."],
        ),
        (
            "retracted since",
            [
                f"{OLDER} 2021-03-04 10:30:00 UTC. The entry has been retracted since.",
                "Read the current version",
            ],
        ),
        (
            "merged",
            [
                f"{MERGED} 2021-03-04 16:30:00 UTC. It stays readable, as it was.",
                "It goes on as: Ferry safe",
            ],
        ),
        ("after an erasure", []),
        ("chinese older", ["这是较早的版本，发布于 2021-03-04 10:30:00 UTC。", "阅读当前版本"]),
    ],
)
def test_notices(published: dict[str, AnyPage], name: str, said: list[str]) -> None:
    root = html(published, name)
    assert notices(root) == said
    if name == "merged":
        assert one(root, ".//aside/p/a").attrib["href"] == SAFE


def test_an_erased_version_says_so_and_compares_nothing(published: dict[str, AnyPage]) -> None:
    root = html(published, "erased")
    assert notices(root)[-1] == "The text of this version was erased; notices stand where it was."
    assert text_of(one(root, ".//h1")).startswith("[erased, as event ")
    text = render(published["after an erasure"], "html")
    assert "Roe" not in text
    changed = read_html(text).findall(".//section[@id='changes']/ol/li/details")[0]
    assert [text_of(e) for e in changed.iter("ins")] == ["Captain named"]
    (gone,) = [text_of(e) for e in changed.iter("del")]
    assert gone.startswith("[erased")
    assert gone.endswith("says]")


def test_what_search_engines_read(published: dict[str, AnyPage], newsroom: Ledger) -> None:
    said = data(html(published, "current"))
    entry = newsroom.id_of(SAFE)
    assert said == {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "identifier": f"urn:uuid:{entry}",
        "url": SAFE,
        "mainEntityOfPage": SAFE,
        "headline": "Ferry safe",
        "description": "It came back at 'seven… with 118 passengers.",
        "inLanguage": "en",
        "version": 5,
        "datePublished": "2021-03-04T09:30:00Z",
        "dateModified": "2021-03-04T14:30:00Z",
        "keywords": ["Ferries", "Quays", "Old Town"],
        "citation": [
            {
                "@type": "CreativeWork",
                "name": "Harbour Courier",
                "url": "https://courier.example/1?a=1&b=2",
            },
            {"@type": "CreativeWork", "name": "Coast Guard", "url": "https://guard.example/"},
        ],
        "image": ["https://img.example/cover.jpg", "https://guard.example/wave.jpg"],
        "correction": [
            {
                "@type": "CorrectionComment",
                "text": "It carried 118, not 120.",
                "datePublished": "2021-03-04T13:30:00Z",
            }
        ],
        "isBasedOn": BACK,
    }
    assert data(html(published, "retracted"))["creativeWorkStatus"] == "Retracted"
    older = data(html(published, "older"))
    assert (older["url"], older["mainEntityOfPage"]) == (SAILS, SAFE)


def test_the_page_of_a_day(published: dict[str, AnyPage]) -> None:
    root = html(published, "day")
    assert text_of(one(root, ".//h1")) == "2021-03-04"
    assert [text_of(h) for h in root.iter("h2")] == [
        "Ferry safe",
        "Keeper saw it Retracted",
        "Back in harbour Merged",
    ]
    assert [text_of(p) for p in root.findall(".//article/p")] == [
        "Harbour",
        "It came back at 'seven… with 118 passengers.",
        "Context: Quays",
        "A note.",
    ]
    around = links(root)
    assert around["prev"] == ["/news/2021/03/2/index.html"]
    assert around["next"] == ["/news/2021/03/5/index.html"]
    nav = one(root, ".//nav[@class='days']")
    assert [a.attrib["href"] for a in nav.iter("a")] == around["prev"] + around["next"]
    assert text_of(one(html(published, "chinese day"), ".//h1")) == "2021-03-4"
    assert "No entries." in text_of(one(html(published, "day without entries"), ".//main"))


def test_the_front_page(published: dict[str, AnyPage]) -> None:
    root = html(published, "front")
    assert text_of(one(root, "body/header/h1")) == "News"
    assert [text_of(h) for h in root.iter("h2")] == [
        "News 2021-03-05",
        "Yesterday 2021-03-04",
        "Day Before Yesterday 2021-03-02",
    ]
    assert [text_of(h) for h in root.iter("h3")] == [
        "Captain named",
        "Ferry safe",
        "Spring tide rises",
    ]
    assert [text_of(h) for h in html(published, "chinese front").iter("h2")] == ["新闻 2021-03-4"]
    assert root.find(".//p[@class='days']") is None
    page = published["front"]
    assert isinstance(page, FrontPage)
    root = read_html(render(replace(page, previous=date(2021, 3, 1)), "html"))
    assert one(root, ".//p[@class='days']/a").attrib["href"] == "/news/2021/03/1/index.html"


def test_the_pages_of_contexts(published: dict[str, AnyPage]) -> None:
    root = html(published, "context")
    assert text_of(one(root, ".//h1")) == "Ferries"
    assert [text_of(h) for h in root.iter("h2")] == ["2021-03-04", "2021-03-02"]
    assert [text_of(h) for h in root.iter("h3")] == ["Ferry safe", "Spring tide rises"]
    items = html(published, "contexts").findall(".//main/ul/li")
    assert [(text_of(item), one(item, "a").attrib["href"]) for item in items] == [
        ("Ferries 2", "/news/contexts/ferries.html"),
        ("Old Town 1", "/news/contexts/old-town.html"),
        ("Quays 3", "/news/contexts/quays.html"),
    ]


def test_every_edition_has_all_words() -> None:
    assert set(WORDS) == set(EDITIONS)
    for words in WORDS.values():
        assert set(words.events) == set(EVENT_TYPES)
        assert set(words.fields) == {*FIELDS, "status", "merged_into", "corrections"}
        assert words.published.count("{}") == words.updated.count("{}") == 1
        assert words.older.count("{}") == words.merged_into.count("{}") == 1
