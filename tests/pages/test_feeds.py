"""Feeds: an edit updates the same item, what is gone leaves a tombstone, texts come through."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import feedparser  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import Ledger
from ledger.pages.feeds import atom, jsonfeed, rss
from ledger.pages.feeds.build import Feeds, told
from ledger.pages.feeds.model import Feed, FeedItem, FeedSource
from ledger.pages.model import EntryPage
from tests.pages.markup import read_html, text_of
from tests.pages.newsroom import SECRET, hour
from tests.site.validity import ATOM, TOMBSTONE, require_atom, require_json_feed, require_rss

BASE = "https://news.example"
FEEDS = Feeds(UUID(int=7), BASE)
NOON = datetime(2021, 3, 4, 12, tzinfo=UTC)


def entry(ledger: Ledger, slug: str, **moment: Any) -> EntryPage:
    """The page of an entry's current version, found by a path of the day."""
    return ledger.pages.entry(ledger.get(f"/news/2021/03/{slug}", **moment))


def newest(*pages: EntryPage) -> Feed:
    return FEEDS.of_edition("newest", "en", "/news/index_atom.xml", list(map(FEEDS.entry, pages)))


def in_atom(feed: Feed) -> tuple[list[Any], list[ET.Element]]:
    """The entries of a feed as a reader of Atom has them, and its tombstones."""
    text = atom.render(feed)
    require_atom(text.encode())
    return feedparser.parse(text).entries, ET.fromstring(text).findall(TOMBSTONE)


def in_rss(feed: Feed) -> list[Any]:
    text = rss.render(feed)
    require_rss(text.encode())
    entries: list[Any] = feedparser.parse(text).entries
    return entries


def in_json(feed: Feed) -> list[dict[str, Any]]:
    text = jsonfeed.render(feed)
    require_json_feed(text.encode())
    items: list[dict[str, Any]] = json.loads(text)["items"]
    return items


# The newest entries


def test_an_edit_is_an_update_of_the_same_item(newsroom: Ledger) -> None:
    before = entry(newsroom, "4/ferry-safe", as_of=hour(0))
    after = entry(newsroom, "4/ferry-safe")
    (old,), (new,) = (in_atom(newest(page))[0] for page in (before, after))
    assert old.id == new.id == after.entry.urn
    assert (old.title, new.title) == ("Ferry sails", "Ferry safe")
    assert old.published == new.published == old.updated == "2021-03-04T09:30:00Z"
    assert new.updated == "2021-03-04T14:30:00Z"
    assert (old.link, new.link) == (
        f"{BASE}/news/2021/03/4/ferry-sails.html",
        f"{BASE}/news/2021/03/4/ferry-safe.html",
    )


def test_an_item_tells_summary_notes_sources_and_contexts(newsroom: Ledger) -> None:
    feed = newest(entry(newsroom, "4/ferry-safe"))
    (item,) = feed.items
    assert item.html == (
        '<p dir="auto">It came back at &#x27;seven… with 118 '
        '<a href="https://list.example/">passengers</a>.</p>'
        '<p dir="auto"><strong>Correction:</strong> '
        "It carried <strong>118</strong>, not 120.</p>"
        '<p dir="auto">Sources</p><ol>'
        '<li><a href="https://courier.example/1?a=1&amp;b=2">Harbour <em>Courier</em></a></li>'
        '<li><a href="https://guard.example/">Coast Guard</a></li></ol>'
    )
    (found,), _ = in_atom(feed)
    assert found.content[0].value == item.html
    assert [tag.term for tag in found.tags] == ["Ferries", "Quays", "Old Town"]
    assert [(one.href, one.title) for one in found.links if one.rel == "via"] == [
        ("https://courier.example/1?a=1&b=2", "Harbour Courier"),
        ("https://guard.example/", "Coast Guard"),
    ]
    (in_xml,) = in_rss(feed)
    assert in_xml.description == item.html
    assert [tag.term for tag in in_xml.tags] == ["Ferries", "Quays", "Old Town"]
    (told_,) = in_json(feed)
    assert told_["content_html"] == item.html
    assert told_["tags"] == ["Ferries", "Quays", "Old Town"]


def test_an_entry_without_a_summary_tells_its_headline(newsroom: Ledger) -> None:
    (item,) = newest(entry(newsroom, "2/spring-tide-rises")).items
    assert item.html == '<p dir="auto">Spring tide rises</p>'


@pytest.mark.parametrize(
    ("slug", "when", "why"),
    [
        (
            "4/keeper-saw-it",
            "2021-03-04T15:30:00Z",
            "This entry was retracted on 2021-03-04. It stays readable, as it was.",
        ),
        (
            "4/back-in-harbour",
            "2021-03-04T16:30:00Z",
            (
                "This entry was merged into another on 2021-03-04. It stays readable, as it was. "
                "It goes on as: Ferry safe"
            ),
        ),
    ],
)
def test_what_was_taken_back_is_a_tombstone_or_says_that_it_is_gone(
    newsroom: Ledger, slug: str, when: str, why: str
) -> None:
    page = entry(newsroom, slug)
    feed = newest(entry(newsroom, "4/ferry-safe"), page)
    entries, (gone,) = in_atom(feed)
    assert [one.title for one in entries] == ["Ferry safe"]
    assert (gone.get("ref"), gone.get("when")) == (page.entry.urn, when)
    assert gone.findtext("{http://purl.org/atompub/tombstones/1.0}comment") == why
    (link,) = gone.findall(f"{ATOM}link")
    assert link.get("href") == f"{BASE}/news/2021/03/{slug}.html"
    _, in_xml = in_rss(feed)
    _, said = in_json(feed)
    assert in_xml.id == said["id"] == page.entry.urn
    assert in_xml.description == said["content_html"]
    root = read_html(f"<!DOCTYPE html><title>x</title>{said['content_html']}")
    assert " ".join(map(text_of, root.iter("p"))) == why
    heirs = [f"{BASE}/news/2021/03/4/ferry-safe.html"] if page.merged_into else []
    assert [a.attrib["href"] for a in root.iter("a")] == heirs
    assert said["date_modified"] == when


# Changes


def test_every_version_is_an_item_of_the_feed_of_its_entry(newsroom: Ledger) -> None:
    page = entry(newsroom, "4/ferry-safe")
    feed = FEEDS.of_entry(page, "/news/2021/03/4/ferry-safe.changes.atom")
    entries, tombstones = in_atom(feed)
    assert not tombstones
    assert [one.title for one in entries] == [
        "Edited: Ferry safe",
        "Correction: Ferry turns back",
        "Edited: Ferry turns back",
        "Edited: Ferry turns back",
        "Published: Ferry sails",
    ]
    assert len({one.id for one in entries} | {page.entry.urn}) == 6
    assert entries[-1].link == f"{BASE}/news/2021/03/4/ferry-sails.html"
    assert "<del>sails</del><ins>turns back</ins>" in entries[3].content[0].value
    assert entries[1].content[0].value == (
        '<p dir="auto">Correction</p><p dir="auto">It carried <strong>118</strong>, not 120.</p>'
    )
    assert feed.page == f"{BASE}/news/2021/03/4/ferry-safe.html"
    assert feed.title == "Changes: Ferry safe"


def test_a_version_is_the_same_item_in_every_feed_and_later_too(newsroom: Ledger) -> None:
    now, then = (entry(newsroom, "4/ferry-safe", as_of=t) for t in (None, hour(2)))
    before = [FEEDS.change(then, revision).id for revision in told(then)]
    after = [FEEDS.change(now, revision).id for revision in told(now)]
    assert before == after[: len(before)]
    assert Feeds(UUID(int=8), "http://localhost").change(now, now.history[0]).id == after[0]


def test_a_retraction_is_told_and_ends_the_entry(newsroom: Ledger) -> None:
    page = entry(newsroom, "4/keeper-saw-it")
    entries, (gone,) = in_atom(FEEDS.of_entry(page, "/a"))
    assert entries[0].title == "Retracted: Keeper saw it"
    assert (gone.get("ref"), gone.get("when")) == (page.entry.urn, entries[0].updated)


def test_what_is_said_of_an_entry_later_does_not_put_off_its_end(sqlite_url: str) -> None:
    with Ledger.open(sqlite_url) as ledger:
        made = ledger.create(hour(0).date(), "Ferry", actor="Ann", published_at=hour(0)).entry
        ledger.retract(made, actor="Ann", published_at=hour(1))
        ledger.correct(made, "There was no ferry.", actor="Ann", published_at=hour(2))
        page = ledger.pages.entry(ledger.get(made))
    for feed in (newest(page), FEEDS.of_entry(page, "/a")):
        _, (gone,) = in_atom(feed)
        assert gone.get("when") == "2021-03-04T10:30:00Z"


def test_what_was_reinstated_is_not_ended(sqlite_url: str) -> None:
    with Ledger.open(sqlite_url) as ledger:
        made = ledger.create(hour(0).date(), "Ferry", actor="Ann", published_at=hour(0)).entry
        for number in range(2):
            ledger.retract(made, actor="Ann", published_at=hour(2 * number + 1))
            ledger.reinstate(made, actor="Ann", published_at=hour(2 * number + 2))
        back = ledger.pages.entry(ledger.get(made))
        again = ledger.pages.entry(ledger.get(made, as_of=hour(3)))
    assert in_atom(FEEDS.of_entry(back, "/a"))[1] == []
    (gone,) = in_atom(FEEDS.of_entry(again, "/a"))[1]
    assert gone.get("when") == "2021-03-04T12:30:00Z"


def test_an_erased_version_is_a_tombstone(newsroom: Ledger) -> None:
    page = entry(newsroom, "5/captain-named")
    feed = FEEDS.of_entry(page, "/a")
    entries, (gone,) = in_atom(feed)
    erased, edited = entries
    assert erased.title == "Text of earlier versions erased: Captain named"
    assert edited.title == "Edited: Captain named"
    first = FEEDS.change(page, page.history[0])
    assert (gone.get("ref"), gone.get("when")) == (first.id, erased.updated)
    *_, item = in_json(feed)
    assert item["id"] == first.id
    assert "was erased" in item["content_html"]
    assert not [form for form in (atom, rss, jsonfeed) if "Roe" in form.render(feed)]


def test_no_feed_tells_what_is_not_public(newsroom: Ledger) -> None:
    for slug in ("4/ferry-safe", "4/keeper-saw-it", "4/back-in-harbour", "5/captain-named"):
        page = entry(newsroom, slug)
        for feed in (newest(page), FEEDS.of_entry(page, "/a")):
            assert not [form for form in (atom, rss, jsonfeed) if SECRET in form.render(feed)]


def test_feeds_speak_the_language_of_their_edition(newsroom: Ledger) -> None:
    page = newsroom.pages.entry(newsroom.get("/zh/news/2021/03/4/渡輪平安"))
    item = FEEDS.change(page, page.history[-1])
    assert (item.title, item.language) == ("修改: 渡輪平安", "zh")
    feed = FEEDS.of_edition("changes", "zh", "/zh/news/changes_rss.xml", [item])
    assert (feed.title, feed.language) == ("新闻: 更改", "zh")
    assert feed.page == f"{BASE}/zh/news/index.html"


def test_what_happened_in_another_edition_is_told_in_its_language(sqlite_url: str) -> None:
    with Ledger.open(sqlite_url) as ledger:
        made = ledger.create(hour(0).date(), "Ferry", actor="Ann").entry
        ledger.edit(made, headline="渡輪", edition="zh", language="zh", actor="Ann")
        page = ledger.pages.entry(ledger.get(made))
    items = [FEEDS.change(page, revision) for revision in page.history]
    assert [(item.title, item.language) for item in items] == [
        ("Published: Ferry", "en"),
        ("修改: 渡輪", "zh"),
    ]
    assert items[0].url == f"{BASE}/news/2021/03/4/ferry.html"


# Any text


def item_of(text: str, **fields: Any) -> FeedItem:
    return FeedItem(
        id=UUID(int=1).urn,
        url=BASE,
        language="en",
        published_at=NOON,
        updated_at=NOON,
        **{"title": text, "html": text, "categories": (text,), **fields},
    )


def feed_of(items: Sequence[FeedItem]) -> Feed:
    return Feed(
        id=UUID(int=2).urn,
        url=f"{BASE}/a",
        page=BASE,
        title="News",
        author="news.example",
        language="en",
        items=tuple(items),
    )


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1)


@given(text=TEXTS)
def test_any_text_comes_through(text: str) -> None:
    feed = feed_of([item_of(text, sources=(FeedSource(text, f"{BASE}/?a=1&b=2"),))])
    # What XML cannot hold is replaced; and it takes every end of a line for the same.
    held = "".join(
        c if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff") else "\ufffd" for c in text
    )
    lines = held.replace("\r\n", "\n").replace("\r", "\n")
    entry_ = ET.fromstring(atom.render(feed)).find(f"{ATOM}entry")
    assert entry_ is not None
    assert entry_.findtext(f"{ATOM}title") == lines
    assert entry_.findtext(f"{ATOM}content") == lines
    assert [c.get("term") for c in entry_.findall(f"{ATOM}category")] == [held]
    (via,) = (link for link in entry_.findall(f"{ATOM}link") if link.get("rel") == "via")
    assert (via.get("title"), via.get("href")) == (held, f"{BASE}/?a=1&b=2")
    (channel,) = ET.fromstring(rss.render(feed))
    assert channel.findtext("item/title") == channel.findtext("item/description") == lines
    (item,) = json.loads(jsonfeed.render(feed))["items"]
    assert item["title"] == item["content_html"] == text


HOSTILE = "<script>alert(1)</script> ]]> [a](javascript:alert(1)) &lt;b&gt; \"'"


def test_hostile_text_is_text_in_a_feed_too(sqlite_url: str) -> None:
    with Ledger.open(sqlite_url) as ledger:
        made = ledger.create(
            hour(0).date(),
            HOSTILE,
            summary=f"{HOSTILE} [b](/news/2021/03/4/x.md)",
            actor="Ann",
        ).entry
        ledger.edit(made, headline=f"{HOSTILE} x", summary=HOSTILE, actor="Ann")
        pages = [ledger.pages.entry(ledger.get(made, known_at=at)) for at in (1, 2)]
    for page in pages:
        for feed in (newest(page), FEEDS.of_entry(page, "/a")):
            for item in feed.items:
                read_html(f"<!DOCTYPE html><title>x</title>{item.html}")
            for got in (in_atom(feed)[0], in_rss(feed)):
                assert all("alert(1)" in one.title for one in got)
    assert f'<a href="{BASE}/news/2021/03/4/x.html">b</a>' in FEEDS.entry(pages[0]).html
