"""Importing the pages that the ledger itself renders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.domain.entry import NewsEntry
from ledger.domain.events import EntryEdited
from ledger.domain.values import Source
from ledger.interchange.edits import ASSUMED
from ledger.interchange.pages import ImportReport
from ledger.pages.markdown import render
from ledger.pages.model import Page
from tests.interchange.conftest import Importer
from tests.interchange.site import (
    DAY,
    at,
    count,
    history,
    open_ledger,
    page,
    said,
    target,
    versions,
)
from tests.stores import Store

Pages = dict[str, Page | str | bytes]

HEADLINES = ("A bridge", "The bridge", "Bridge opens")


@pytest.fixture
def desk(store: Store) -> Iterator[Ledger]:
    """A ledger of one entry in three versions, each with a headline and content of its own."""
    with open_ledger(store.another().url) as opened:
        entry = opened.create(DAY, HEADLINES[0], topic="Harbour", actor="ada").entry
        for number, headline in enumerate(HEADLINES[1:], 2):
            opened.edit(
                entry,
                headline=headline,
                summary=f"Summary {number}",
                sources=(Source(f"Gazette {number}", f"https://gazette.example/{number}"),),
                cover_image=f"https://img.example/{number}.jpg",
                add_contexts=("Harbour",),
                actor="ada",
            )
        yield opened


def rendered(ledger: Ledger, ref: str, *numbers: int) -> Pages:
    """The pages of these versions, by the version's number."""
    return {f"{n}.md": render(ledger.page(ledger.get(ref, version=n))) for n in numbers}


def done(report: ImportReport) -> dict[str, object]:
    """What a report says beside its notes."""
    return {name: value for name, value in said(report).items() if name != "notes"}


def content(states: list[NewsEntry]) -> list[dict[str, object]]:
    """What a page shows of each version."""
    fields = (
        *("version", "date", "headline", "slug", "edition", "language"),
        *("topic", "summary", "sources", "cover_image", "layout", "inferred"),
    )
    return [{name: getattr(state, name) for name in fields} for state in states]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_every_version_comes_back(
    desk: Ledger, take: Importer, ledger: Ledger, order: tuple[int, ...]
) -> None:
    pages = rendered(desk, at("bridge-opens"), *order)
    named = {f"{place}-{name}": text for place, (name, text) in enumerate(pages.items())}
    assert done(take(named, strict=True)) == {"files": 3, "created": 1, "older": 2, "events": 3}
    found = versions(ledger, "a-bridge")
    assert content(found) == content(versions(desk, "a-bridge"))
    assert [state.inferred for state in found] == [(), (), ()]
    assert [state.headline for state in found] == list(HEADLINES)
    assert rendered(ledger, at("a-bridge"), *order) == pages
    assert done(take(named)) == {"files": 3, "older": 2, "unchanged": 1}


def test_pages_that_come_back_to_the_letter_are_not_noted(
    desk: Ledger, take: Importer, ledger: Ledger
) -> None:
    pages = rendered(desk, at("a-bridge"), 1, 2, 3)
    report = take(pages)
    assert rendered(ledger, at("a-bridge"), 1, 2, 3) == pages
    assert [str(note) for note in report.notes] == []


@pytest.mark.parametrize(
    ("version", "inferred"), [(1, [()]), (2, [ASSUMED, ()]), (3, [ASSUMED, ASSUMED, ()])]
)
def test_a_page_alone_is_a_history_that_ends_at_itself(
    desk: Ledger, take: Importer, ledger: Ledger, version: int, inferred: list[tuple[str, ...]]
) -> None:
    report = take(rendered(desk, at("a-bridge"), version))
    assert (report.created, report.events, report.failures) == (1, version, [])
    found = versions(ledger, "a-bridge")
    assert [state.headline for state in found] == list(HEADLINES[:version])
    assert [state.inferred for state in found] == inferred
    assert replace(found[-1], published_at=None, contexts=()) == replace(
        versions(desk, "a-bridge")[version - 1],
        id=found[-1].id,
        published_at=None,
        contexts=(),
    )
    assert said(take(rendered(desk, at("a-bridge"), version)))["unchanged"] == 1


def test_two_older_pages_without_the_newest(desk: Ledger, take: Importer, ledger: Ledger) -> None:
    report = take(rendered(desk, at("a-bridge"), 1, 2))
    assert (report.created, report.older, report.events) == (1, 1, 2)
    assert content(versions(ledger, "a-bridge")) == content(versions(desk, "a-bridge"))[:2]


def test_the_newest_leads_on_what_an_older_page_began(
    desk: Ledger, take: Importer, ledger: Ledger
) -> None:
    take(rendered(desk, at("a-bridge"), 2))
    report = take(rendered(desk, at("a-bridge"), 3))
    assert said(report) == {"files": 1, "edited": 1, "events": 1}
    data = ledger.history(at("a-bridge"))[2].data
    assert isinstance(data, EntryEdited)
    assert (data.headline, data.slug, data.summary) == (
        "Bridge opens",
        "bridge-opens",
        "Summary 3",
    )


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_page_brings_nothing_where_the_newest_is(
    desk: Ledger, take: Importer, version: int
) -> None:
    take(rendered(desk, at("a-bridge"), 3))
    report = take(rendered(desk, at("a-bridge"), version))
    assert (report.created, report.unchanged, report.events) == (0, 1, 0)


# Into the ledger that rendered them


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_page_of_the_ledger_itself_is_nothing_new(
    desk: Ledger, tmp_path: Path, version: int
) -> None:
    stored = count(desk)
    file = tmp_path / "page.md"
    file.write_bytes(render(desk.page(desk.get(at("a-bridge"), version=version))).encode())
    assert done(desk.import_pages([file], actor="ada")) == {"files": 1, "unchanged": 1}
    assert count(desk) == stored


@pytest.mark.parametrize("moved", [False, True], ids=["created there", "moved there"])
def test_a_page_at_a_numbered_path_is_nothing_new(
    take: Importer, ledger: Ledger, moved: bool
) -> None:
    ledger.create(DAY, "Bridge", actor="ada")
    entry = ledger.create(DAY, "Ferry" if moved else "Bridge", actor="ada").entry
    if moved:
        ledger.edit(entry, headline="Bridge", actor="ada")
    shown = ledger.get(entry)
    assert shown.path == at("bridge-2")
    stored = count(ledger)
    text = render(ledger.page(shown))
    assert said(take({"a.md": text})) == {"files": 1, "unchanged": 1}
    assert count(ledger) == stored


def test_an_imported_page_at_a_numbered_path_is_nothing_new(
    take: Importer, ledger: Ledger
) -> None:
    take(
        {
            "a.md": page("B", "same", changes=history(("A", "a"), ("B", "same"))),
            "c.md": page("D", "same", changes=history(("C", "c"), ("D", "same"))),
        }
    )
    assert ledger.get(at("c")).path == at("same-2")
    text = render(ledger.page(ledger.get(at("c"))))
    assert said(take({"c.md": text})) == {"files": 1, "unchanged": 1}
    assert count(ledger) == 4


def test_headlines_are_at_the_paths_they_really_had(ledger: Ledger) -> None:
    ledger.create(DAY, "Bridge", actor="ada")
    entry = ledger.create(DAY, "Bridge", actor="ada").entry
    ledger.edit(entry, summary="Soon", actor="ada")
    ledger.edit(entry, headline="Ferry", actor="ada")
    ledger.edit(entry, headline="Bridge", actor="ada")
    assert target(ledger).headlines(entry) == [
        ("Bridge", at("bridge-2")),
        ("Ferry", at("ferry")),
        ("Bridge", at("bridge-2")),
    ]
