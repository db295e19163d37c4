"""Importing the same pages again after somebody edited here: only what a page changed is news."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.domain.events import EntryEdited
from ledger.domain.values import Source
from ledger.interchange.said import said_of
from ledger.pages.model import Page
from tests.interchange.conftest import Importer
from tests.interchange.site import at, count, history, page, plain, said, versions

GAZETTE = Source("Gazette", "https://gazette.example")
HERALD = Source("Herald", "https://herald.example")
POST = Source("Post", "https://post.example")
COVER = "https://img.example/1.jpg"

CONTENT: dict[str, Any] = {
    "topic": "Harbour",
    "summary": "Soon",
    "sources": (GAZETTE, HERALD),
    "cover_image": COVER,
}
ONE = page("Bridge", "bridge", **CONTENT)
LISTED = replace(ONE, changes=history(("A bridge", "a"), ("Bridge", "bridge")))
PUBLISHED = pytest.mark.parametrize("published", [ONE, LISTED], ids=["one", "listed"])

EDITS: dict[str, dict[str, Any]] = {
    "summary": {"summary": "Here"},
    "no summary": {"summary": None},
    "topic": {"topic": "Town"},
    "a source less": {"remove_sources": (1,)},
    "a source more": {"add_sources": (POST,)},
    "cover image": {"cover_image": None},
    "headline": {"headline": "The bridge"},
    "headline where it is": {"headline": "The bridge", "slug": "bridge"},
    "date": {"date": date(2014, 2, 14)},
    "slug": {"slug": "the-bridge"},
    "language": {"language": "en-GB"},
    "contexts": {"remove_contexts": ("Harbour",), "add_contexts": ("Sea",)},
}
CONTENT_EDITS: dict[str, Any] = {
    "summary": "Here",
    "topic": "Town",
    "remove_sources": (1,),
    "cover_image": None,
}


def kept(ledger: Ledger, slug: str) -> dict[str, object]:
    """All that the entry says, whatever version it is."""
    entry = ledger.get(at(slug)).entry
    return {name: getattr(entry, name) for name in (*CONTENT, "headline", "date", "slug")}


@PUBLISHED
@pytest.mark.parametrize("case", [name for name in EDITS if name != "contexts"])
def test_an_edit_made_here_stays(
    take: Importer, ledger: Ledger, published: Page, case: str
) -> None:
    take({"a.md": published})
    ledger.edit(at("bridge"), **EDITS[case], actor="ada")
    before, stored = kept(ledger, "bridge"), count(ledger)
    assert said(take({"a.md": published})) == {"files": 1, "unchanged": 1}
    assert (count(ledger), kept(ledger, "bridge")) == (stored, before)


@PUBLISHED
def test_all_edits_made_here_stay(take: Importer, ledger: Ledger, published: Page) -> None:
    take({"a.md": published})
    for edit in EDITS.values():
        if "remove_contexts" not in edit and "add_sources" not in edit:
            ledger.edit(at("bridge"), **edit, actor="ada")
    before, stored = kept(ledger, "bridge"), count(ledger)
    assert before == {
        "topic": "Town",
        "summary": None,
        "sources": (HERALD,),
        "cover_image": None,
        "headline": "The bridge",
        "date": date(2014, 2, 14),
        "slug": "the-bridge",
    }
    for _ in range(2):
        assert said(take({"a.md": published})) == {"files": 1, "unchanged": 1}
    assert (count(ledger), kept(ledger, "bridge")) == (stored, before)


NEWS: dict[str, Any] = {
    "summary": "Now",
    "topic": "Quay",
    "sources": (GAZETTE, POST),
    "cover_image": "https://img.example/2.jpg",
}


@PUBLISHED
@pytest.mark.parametrize("field", NEWS)
def test_the_one_field_that_a_page_changed_is_edited(
    take: Importer, ledger: Ledger, published: Page, field: str
) -> None:
    take({"a.md": published})
    ledger.edit(at("bridge"), **CONTENT_EDITS, actor="ada")
    before = kept(ledger, "bridge")
    news = {field: NEWS[field]}
    changed = replace(published, **news)
    # The page is of a topic that is new, and an entry touches the topics of its pages.
    contexts: dict[str, Any] = {"contexts": ("Harbour", "Quay")} if field == "topic" else {}
    assert said(take({"a.md": changed})) == {"files": 1, "edited": 1, "events": 1}
    edit = ledger.history(at("bridge"))[-1]
    assert plain(edit) == EntryEdited(origin="a.md", **news, **contexts)
    assert kept(ledger, "bridge") == before | news
    assert said(take({"a.md": changed})) == {"files": 1, "unchanged": 1}


@PUBLISHED
def test_a_field_that_a_page_takes_away_is_taken_away(
    take: Importer, ledger: Ledger, published: Page
) -> None:
    take({"a.md": published})
    ledger.edit(at("bridge"), summary="Here", topic="Town", actor="ada")
    assert said(take({"a.md": replace(published, summary=None)})) == {
        "files": 1,
        "edited": 1,
        "events": 1,
    }
    assert plain(ledger.history(at("bridge"))[-1]) == EntryEdited(origin="a.md", summary=None)
    assert ledger.get(at("bridge")).entry.topic == "Town"


@PUBLISHED
def test_a_field_that_a_page_has_back_is_edited(
    take: Importer, ledger: Ledger, published: Page
) -> None:
    """What counts is what was said last, not what was ever said."""
    for summary in ("Soon", "Now"):
        take({"a.md": replace(published, summary=summary)})
    ledger.edit(at("bridge"), summary="Here", actor="ada")
    assert take({"a.md": replace(published, summary="Now")}).events == 0
    assert take({"a.md": replace(published, summary="Soon")}).events == 1
    assert ledger.get(at("bridge")).entry.summary == "Soon"


@PUBLISHED
def test_an_edit_that_a_page_takes_over_is_no_news(
    take: Importer, ledger: Ledger, published: Page
) -> None:
    take({"a.md": published})
    ledger.edit(at("bridge"), summary="Here", actor="ada")
    assert said(take({"a.md": replace(published, summary="Here")})) == {
        "files": 1,
        "unchanged": 1,
    }


def test_a_new_headline_leaves_the_rest_as_it_was_edited(take: Importer, ledger: Ledger) -> None:
    take({"a.md": LISTED})
    ledger.edit(at("bridge"), **CONTENT_EDITS, actor="ada")
    before = kept(ledger, "bridge")
    lines = history(("A bridge", "a"), ("Bridge", "bridge"), ("The bridge", "the-bridge"))
    moved = replace(ONE, headline="The bridge", slug="the-bridge", changes=lines)
    assert said(take({"a.md": moved})) == {"files": 1, "edited": 1, "events": 1}
    assert plain(ledger.history(at("a"))[-1]) == EntryEdited(
        origin="a.md", headline="The bridge", slug="the-bridge"
    )
    assert kept(ledger, "a") == before | {"headline": "The bridge", "slug": "the-bridge"}
    assert said(take({"a.md": moved})) == {"files": 1, "unchanged": 1}


def test_what_was_never_imported_is_compared_with_the_entry(
    take: Importer, ledger: Ledger
) -> None:
    ledger.create(ONE.day, "Bridge", actor="ada", summary="Here", contexts=("Harbour",))
    assert said(take({"a.md": ONE})) == {"files": 1, "edited": 1, "events": 1}
    assert [state.summary for state in versions(ledger, "bridge")] == ["Here", "Soon"]


def test_what_imports_have_said(take: Importer, ledger: Ledger) -> None:
    take({"a.md": LISTED})
    entry = ledger.edit(at("bridge"), summary="Here", language="en-GB", actor="ada").entry
    said_first = said_of(ledger.history(entry))
    assert said_first == CONTENT | {
        "date": ONE.day,
        "headline": "Bridge",
        "slug": "bridge",
        "contexts": ("Harbour",),
        "language": "en",
        "edition": "en",
        "layout": ONE.layout,
    }
    take({"a.md": replace(LISTED, cover_image=None)})
    assert said_of(ledger.history(entry)) == said_first | {"cover_image": None}
    assert said_of([ledger.create(ONE.day, "B", actor="ada")]) == {}
