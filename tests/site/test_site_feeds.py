"""The feeds of an exported site: what they hold, in which order, and how they say that it went."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger
from ledger.site.export import MOST_ITEMS
from tests.pages.markup import one, read_html, text_of
from tests.pages.newsroom import DAY, hour
from tests.site.archive import export

ENTRIES = 60


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, Path]]:
    """A ledger of 60 entries, three a day and an hour apart, and its site.

    Every other one was edited once, those of earlier days later. The last of all days is told of
    first.
    """
    folder = tmp_path_factory.mktemp("busy")
    with Ledger.open(f"sqlite:///{folder / 'news.db'}") as ledger:
        for number in reversed(range(ENTRIES)):
            made = ledger.create(
                day_of(number), f"Entry {number}", actor="Ann", published_at=hour(number)
            ).entry
            if number % 2 == 0:
                late = hour(200 - number)
                ledger.edit(made, summary=f"Late {number}", actor="Ann", published_at=late)
        export(ledger, folder / "site")
        yield ledger, folder / "site"


def day_of(number: int) -> date:
    return DAY + timedelta(days=number // 3)


def items(site: Path, feed: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((site / "news" / feed).read_bytes())["items"]
    return found


def test_the_newest_entries_come_first_by_day_and_by_time(busy: tuple[Ledger, Path]) -> None:
    _, site = busy
    titles = [item["title"] for item in items(site, "index_feed.json")]
    assert titles == [f"Entry {n}" for n in reversed(range(ENTRIES - MOST_ITEMS, ENTRIES))]


def test_the_latest_changes_come_first_whatever_they_are_of(busy: tuple[Ledger, Path]) -> None:
    _, site = busy
    titles = [item["title"] for item in items(site, "changes_feed.json")]
    edited = [f"Edited: Entry {n}" for n in range(0, ENTRIES, 2)]
    made = [f"Published: Entry {n}" for n in reversed(range(ENTRIES))]
    assert titles == [*edited, *made][:MOST_ITEMS]


def test_the_same_feed_in_every_format_has_the_same_items(busy: tuple[Ledger, Path]) -> None:
    _, site = busy
    for kind in ("index", "changes"):
        ids = [item["id"] for item in items(site, f"{kind}_feed.json")]
        atom = (site / "news" / f"{kind}_atom.xml").read_text()
        rss = (site / "news" / f"{kind}_rss.xml").read_text()
        assert [part.split("</id>")[0] for part in atom.split("<id>")[2:]] == ids
        guids = [part.split("</guid>")[0] for part in rss.split('<guid isPermaLink="false">')[1:]]
        assert guids == ids


def test_what_was_stated_late_comes_after_what_it_changed(sqlite_url: str, tmp_path: Path) -> None:
    with Ledger.open(sqlite_url) as ledger:
        made = ledger.create(DAY, "Ferry", actor="Ann", published_at=hour(0)).entry
        ledger.edit(made, headline="Ferry late", actor="Ann", published_at=hour(5))
        ledger.create(DAY, "Tide", actor="Ann", published_at=hour(4))
        ledger.edit(made, headline="Ferry safe", actor="Ann", published_at=hour(3))
        export(ledger, tmp_path)
    told = items(tmp_path, "changes_feed.json")
    assert [item["title"].partition(": ")[2] for item in told] == [
        *("Ferry safe", "Ferry late", "Tide", "Ferry"),
    ]
    assert told[0]["date_published"] == "2021-03-04T12:30:00Z"
    assert told[0]["date_modified"] == told[1]["date_modified"] == "2021-03-04T14:30:00Z"


def test_what_an_import_learned_is_told_nowhere(sqlite_url: str, tmp_path: Path) -> None:
    with Ledger.open(sqlite_url) as ledger:
        made = ledger.create(DAY, "Ferry", actor="Ann", published_at=hour(0)).entry
        ledger.edit(made, topic="Sea", actor="Ann", published_at=hour(1))
        learned: dict[str, Any] = {"minor": True, "basis": "inferred"}
        ledger.edit(made, add_contexts=("Rain",), actor="import", **learned)
        export(ledger, tmp_path)
    (item,) = items(tmp_path, "index_feed.json")
    assert item["date_modified"] == "2021-03-04T10:30:00Z"
    assert len(items(tmp_path, "changes_feed.json")) == 2
    page = tmp_path / "news/2021/03/4/ferry.html"
    assert page.with_suffix(".changes.atom").read_text().count("<entry ") == 2
    root = read_html(page.read_text())
    assert text_of(one(root, ".//p[@class='times']")).endswith("updated 2021-03-04 10:30:00 UTC")
    assert '"dateModified":"2021-03-04T10:30:00Z"' in page.read_text()
    # The history has it all the same.
    assert len(root.findall(".//ol[@id='history']/li")) == 3
    sitemap = (tmp_path / "sitemap.xml").read_text()
    assert sitemap.count("<lastmod>2021-03-04T10:30:00Z</lastmod>") == 2
    assert sitemap.count("<lastmod>") == 2


def test_an_entry_that_is_taken_back_leaves_its_place_to_a_tombstone(
    busy: tuple[Ledger, Path], tmp_path: Path
) -> None:
    ledger, site = busy
    there = items(site, "index_feed.json")
    ledger.retract("/news/2021/03/23/entry-59", actor="Ann", published_at=hour(300))
    export(ledger, tmp_path)
    here = items(tmp_path, "index_feed.json")
    assert [item["id"] for item in here] == [item["id"] for item in there]
    assert "was retracted on 2021-03-16" in here[0]["content_html"]
    gone = f'<at:deleted-entry ref="{here[0]["id"]}" when="2021-03-16T21:30:00Z">'
    assert gone in (tmp_path / "news/index_atom.xml").read_text()
    # Who follows the changes is told, and that the entry is gone.
    changes = items(tmp_path, "changes_feed.json")
    assert changes[0]["title"] == "Retracted: Entry 59"
    assert gone in (tmp_path / "news/changes_atom.xml").read_text()
