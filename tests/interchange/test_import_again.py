"""Importing again: nothing new, pages that moved on, older copies, and what is learned later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger
from ledger.domain import ids
from ledger.domain.events import EntryEdited, Meta
from ledger.interchange.edits import ASSUMED, LEARNED
from ledger.pages.model import Page
from tests.conftest import NOW
from tests.interchange.conftest import Importer
from tests.interchange.site import (
    ACTOR,
    DAY,
    at,
    count,
    history,
    page,
    plain,
    related,
    said,
    time,
    versions,
)

Pages = dict[str, Page | str | bytes]

A, B, C, D = (("Bridge A", "a"), ("Bridge B", "b"), ("Bridge C", "c"), ("Bridge D", "d"))


def of(*listed: tuple[str, str], **fields: Any) -> Page:
    """A page of the last of these versions."""
    changes = history(*listed) if len(listed) > 1 else ()
    return page(*listed[-1], changes=changes, **fields)


def headlines(ledger: Ledger, slug: str) -> list[str]:
    return [change.headline for change in ledger.changes(at(slug))]


SAME: dict[str, Pages] = {
    "one version": {"a.md": of(A)},
    "three": {"a.md": of(A, B, C, topic="Harbour")},
    "with an older page": {
        "a.md": of(A, B, C),
        "2014/02/13/a.md": page("Bridge A", None, style="older"),
    },
    "back again": {"a.md": of(A, B, A)},
    "related": {
        "a.md": of(A, related=related("b", "X")),
        "b.md": of(B, related=related("z", "Y")),
    },
    "two editions": {"a.md": page("桥", "a", edition="zh"), "b.md": of(A)},
    "another headline at the same path": {"a.md": of(A, ("Bridge opens", "a"))},
    "the same headline at other paths": {
        "a.md": of(("Bridge", "a"), ("Bridge", "b"), ("Bridge", "c"))
    },
    "the same line thrice": {"a.md": of(A, A, A)},
}


@pytest.mark.parametrize("case", SAME)
def test_the_same_again_stores_nothing(take: Importer, ledger: Ledger, case: str) -> None:
    pages = SAME[case]
    report = take(pages)
    stored = count(ledger)
    assert report.events == stored > 0
    again = take(pages)
    assert count(ledger) == stored
    rest = len(pages) - report.older
    older = {"older": report.older} if report.older else {}
    assert said(again) == {"files": len(pages), "unchanged": rest, **older}


# Pages that moved on


def test_a_new_last_change_is_an_edit(take: Importer, ledger: Ledger) -> None:
    take({"a.md": of(A, B)})
    assert said(take({"a.md": of(A, B, C)})) == {"files": 1, "edited": 1, "events": 1}
    entry = ids.imported_entry_id(DAY, "en", at("a"))
    edit = ledger.history(entry)[2]
    assert plain(edit) == EntryEdited(origin="a.md", headline="Bridge C", slug="c")
    # When it changed, nothing tells: not before it was seen.
    command = ids.import_command_id(entry, 3, "a.md")
    assert edit.meta == Meta(actor=ACTOR, published_at=NOW, basis="inferred", command=command)
    assert ledger.at(at("b")).entry.version == 2


def test_two_new_changes_are_two_edits(take: Importer, ledger: Ledger) -> None:
    take({"a.md": of(A, B, summary="Soon")})
    report = take({"a.md": of(A, B, C, D, summary="Now")})
    assert said(report) == {"files": 1, "edited": 1, "events": 2}
    third, fourth = ledger.history(at("a"))[2:]
    assert plain(third) == EntryEdited(
        origin="a.md", headline="Bridge C", slug="c", summary="Now", inferred=ASSUMED
    )
    assert (third.meta.published_at, third.meta.basis) == (time(2), "listed")
    assert plain(fourth) == EntryEdited(origin="a.md", headline="Bridge D", slug="d", inferred=())
    assert (fourth.meta.published_at, fourth.meta.basis) == (time(2), "inferred")


def test_a_page_that_had_no_list_and_has_one_now(take: Importer, ledger: Ledger) -> None:
    take({"a.md": of(A)})
    assert said(take({"a.md": of(A, B)})) == {"files": 1, "edited": 1, "events": 1}
    assert headlines(ledger, "a") == ["Bridge A", "Bridge B"]


@pytest.mark.parametrize("published", [(A,), (A, B)])
def test_other_content_is_an_edit(
    take: Importer, ledger: Ledger, published: tuple[tuple[str, str], ...]
) -> None:
    take({"a.md": of(*published, summary="Soon", topic="Harbour")})
    report = take({"a.md": of(*published, summary="Now")})
    assert said(report) == {"files": 1, "edited": 1, "events": 1}
    edit = ledger.history(at("a"))[-1]
    assert plain(edit) == EntryEdited(origin="a.md", summary="Now", topic=None)
    assert (edit.meta.published_at, edit.meta.minor) == (NOW, False)


def test_a_new_headline_without_a_list_is_an_edit(take: Importer, ledger: Ledger) -> None:
    take({"a.md": of(A)})
    report = take({"a.md": page("Bridge opens", "a")})
    assert said(report) == {"files": 1, "edited": 1, "events": 1}
    # It is where it was published, whatever the rule would give.
    assert [(v.headline, v.slug) for v in versions(ledger, "a")] == [A, ("Bridge opens", "a")]


def test_a_page_in_another_style_is_an_edit(take: Importer, ledger: Ledger) -> None:
    take({"2014/02/13/a.md": of(A)})
    older = page("Bridge A", None, style="older")
    assert said(take({"2014/02/13/a.md": older})) == {"files": 1, "edited": 1, "events": 1}
    assert ledger.get(at("a")).entry.layout.style == "older"


def test_a_list_that_tells_another_story_adds_what_is_current(
    take: Importer, ledger: Ledger
) -> None:
    take({"a.md": of(A, B)})
    assert said(take({"a.md": of(A, C, D)})) == {"files": 1, "edited": 1, "events": 1}
    assert headlines(ledger, "a") == ["Bridge A", "Bridge B", "Bridge D"]


# Older copies


@pytest.mark.parametrize(
    "copy",
    [
        of(A, B, summary="Then"),
        of(A, summary="Then"),
        of(B, summary="Then"),
    ],
)
def test_an_older_copy_changes_nothing(take: Importer, ledger: Ledger, copy: Page) -> None:
    take({"a.md": of(A, B, C, summary="Now")})
    assert said(take({"a.md": copy})) == {"files": 1, "unchanged": 1}
    assert count(ledger) == 3


def test_an_edit_made_here_is_newer_than_the_page(take: Importer, ledger: Ledger) -> None:
    take({"a.md": of(A)})
    ledger.edit(at("a"), headline="Bridge B", actor="ada")
    assert said(take({"a.md": of(A)})) == {"files": 1, "unchanged": 1}
    report = take({"a.md": of(A, summary="Then")})
    assert said(report) == {"files": 1, "edited": 1, "events": 1}
    assert headlines(ledger, "a") == ["Bridge A", "Bridge B"]
    assert ledger.get(at("a")).entry.summary == "Then"


def test_an_older_copy_still_teaches(take: Importer, ledger: Ledger) -> None:
    take({"a.md": of(A, B)})
    report = take({"a.md": of(A, related=related("z", "Sea"))})
    assert said(report) == {"files": 1, "edited": 1, "events": 1}
    assert plain(ledger.history(at("a"))[2]) == EntryEdited(origin="a.md", contexts=("Sea",))


# Contexts learned of entries that were there


def test_a_page_of_the_run_learns_in_one_minor_edit(take: Importer, ledger: Ledger) -> None:
    take({"a.md": of(A, topic="Town")})
    report = take(
        {
            "a.md": of(A, topic="Town", related=related("z", "Sea")),
            "b.md": of(B, related=related("a", "Bridges", "Town")),
        }
    )
    assert said(report) == {"files": 2, "created": 1, "edited": 1, "events": 2}
    edit = ledger.history(at("a"))[1]
    # What was there stays where it was: learning only adds.
    contexts = ("Town", "Bridges", "Sea")
    assert plain(edit) == EntryEdited(origin="a.md", contexts=contexts)
    assert edit.meta == Meta(
        actor=ACTOR,
        reason=LEARNED,
        minor=True,
        published_at=NOW,
        basis="inferred",
        command=ids.import_command_id(edit.entry, 2, "a.md"),
    )


def test_a_page_that_moved_on_learns_in_the_same_edit(take: Importer, ledger: Ledger) -> None:
    take({"a.md": of(A, B, topic="Town")})
    report = take({"a.md": of(A, B, C, topic="Sea")})
    assert said(report) == {"files": 1, "edited": 1, "events": 1}
    edit = ledger.history(at("a"))[2]
    assert plain(edit) == EntryEdited(
        origin="a.md", headline="Bridge C", slug="c", topic="Sea", contexts=("Town", "Sea")
    )
    assert not edit.meta.minor


def test_an_entry_without_a_page_in_the_run_learns_too(take: Importer, ledger: Ledger) -> None:
    take({"a.md": of(A, topic="Town")})
    report = take(
        {
            "b.md": of(B, related=related("a", "Sea")),
            "c.md": of(C, related=related("a", "Bridges", "Sea")),
            "d.md": of(D, related=related("nowhere", "Moon")),
        }
    )
    assert said(report) == {"files": 3, "created": 3, "edited": 1, "events": 4}
    edit = ledger.history(at("a"))[1]
    assert plain(edit) == EntryEdited(contexts=("Town", "Bridges", "Sea"))
    assert edit.meta == Meta(
        actor=ACTOR,
        reason=LEARNED,
        minor=True,
        published_at=NOW,
        basis="inferred",
        command=ids.import_command_id(edit.entry, 2, None),
    )


def test_what_it_knows_is_not_learned_again(take: Importer, ledger: Ledger) -> None:
    take({"a.md": of(A, topic="Town")})
    report = take({"b.md": of(B, related=related("a", "Town"))})
    assert said(report) == {"files": 1, "created": 1, "events": 1}


@pytest.mark.parametrize("with_page", [False, True])
def test_one_edit_for_an_entry_linked_by_two_paths(
    take: Importer, ledger: Ledger, with_page: bool
) -> None:
    moved = {"a.md": of(A, B)}
    take(moved)
    pages = {
        "c.md": of(C, related=related("a", "Sea")),
        "d.md": of(D, related=related("b", "Town")),
    }
    report = take(pages | moved if with_page else pages)
    assert (report.created, report.edited, report.events) == (2, 1, 3)
    assert ledger.get(at("b")).entry.contexts == ("Sea", "Town")
    assert [event.meta.minor for event in ledger.history(at("b"))] == [False, False, True]


# Entries that were closed


@pytest.mark.parametrize("with_page", [False, True])
def test_a_retracted_entry_learns_nothing(take: Importer, ledger: Ledger, with_page: bool) -> None:
    own: Pages = {"a.md": of(A, summary="Soon")}
    take(own)
    ledger.retract(at("a"), actor="ada")
    pages = {"b.md": of(B, related=related("a", "Sea")), **(own if with_page else {})}
    report = take(pages)
    unchanged = {"unchanged": 1} if with_page else {}
    assert said(report) == {"files": len(pages), "created": 1, "events": 1, **unchanged}
    assert ledger.get(at("a")).entry.contexts == ()


def test_a_retracted_entry_takes_no_other_content(
    take: Importer, ledger: Ledger, tmp_path: Path
) -> None:
    pages = {"a.md": of(A, summary="Soon"), "b.md": of(B)}
    take(pages)
    entry = ledger.retract(at("a"), actor="ada").entry
    assert said(take(pages)) == {"files": 2, "unchanged": 2}
    report = take({**pages, "a.md": of(A, summary="Now"), "c.md": of(C)})
    assert said(report) == {
        "files": 3,
        "created": 1,
        "unchanged": 1,
        "events": 1,
        "failures": [
            (
                f"{tmp_path / 'site-2' / 'a.md'}: entry {entry} is retracted: "
                "it cannot be edited before it is reinstated"
            )
        ],
    }
    assert ledger.get(entry).entry.summary == "Soon"
