"""The page of an entry, made from the entry, its history and its related entries."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger.domain.entry import NewsEntry
from ledger.domain.values import Layout, Source, StyleName
from ledger.pages.build import build_page
from ledger.pages.markdown import render
from ledger.pages.model import ChangeLine, Page, RelatedLine
from ledger.projections.records import Change, Related, listed

MOMENT = datetime(2018, 2, 6, 13, 49, 25, tzinfo=UTC)

ENTRY = NewsEntry(
    id=UUID(int=1),
    version=4,
    date=date(2014, 2, 3),
    headline="A bridge opens",
    slug="bridge",
    edition="en",
    language="en",
    published_at=MOMENT,
    topic="Harbour",
    summary="After years",
    sources=(Source("Gazette", "https://gazette.example"),),
    cover_image="https://img.example/cover.jpg",
    contexts=("Harbour", "Old Town"),
    layout=Layout(prefix="/en/news", day_prefix="/days"),
)
PATH = "/news/2014/02/3/bridge"


def at_second(second: int) -> datetime:
    return MOMENT.replace(second=second)


def change(version: int, headline: str, slug: str, *, listed: bool = True) -> Change:
    return Change(
        version=version,
        label="Update",
        listed=listed,
        headline=headline,
        path=f"/news/2014/02/3/{slug}",
        published_at=at_second(version),
        basis="listed",
        recorded_at=MOMENT,
        position=version,
        type="EntryEdited",
        actor="ada",
        reason=None,
        minor=False,
        fields=("headline",),
    )


FIRST = change(1, "A bridge", "a-bridge")
UNLISTED = change(2, "A bridge", "a-bridge", listed=False)
THIRD = change(3, "The bridge", "the-bridge")
FOURTH = change(4, "A bridge opens", "bridge")

RELATED = [
    Related(UUID(int=n), f"Headline {n}", f"/news/2014/01/{n}/n-{n}", ("Harbour",))
    for n in range(2, 14)
]


def test_all_that_the_entry_says() -> None:
    page = build_page(ENTRY, PATH, [FIRST], RELATED[:1])
    assert page == Page(
        edition="en",
        layout=Layout(prefix="/en/news", day_prefix="/days"),
        day=date(2014, 2, 3),
        slug="bridge",
        headline="A bridge opens",
        topic="Harbour",
        summary="After years",
        sources=(Source("Gazette", "https://gazette.example"),),
        cover_image="https://img.example/cover.jpg",
        changes=(),
        related=(RelatedLine("Headline 2", "/news/2014/01/2/n-2", ("Harbour",)),),
    )


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("/news/2014/02/3/bridge-2", "bridge-2"),
        ("/news/2014/02/3/a-bridge", "a-bridge"),
        ("nowhere", "bridge"),
    ],
)
def test_the_path_decides_the_slug(path: str, slug: str) -> None:
    assert build_page(ENTRY, path, [], []).slug == slug


def test_changes_list_the_versions_that_changed_the_headline() -> None:
    page = build_page(ENTRY, PATH, listed([FIRST, UNLISTED, THIRD, FOURTH]), [])
    lines = (
        ChangeLine("A bridge", "/news/2014/02/3/a-bridge", at_second(1), "first_version"),
        ChangeLine("The bridge", "/news/2014/02/3/the-bridge", at_second(3), "update"),
        ChangeLine("A bridge opens", "/news/2014/02/3/bridge", None, "current_version"),
    )
    assert page.changes == lines


def test_two_listed_versions_are_a_first_and_a_current_one() -> None:
    page = build_page(ENTRY, PATH, listed([FIRST, FOURTH, UNLISTED]), [])
    assert [line.label for line in page.changes] == ["first_version", "current_version"]


def test_the_current_version_is_linked_where_it_is_now() -> None:
    moved = change(5, "A bridge opens", "bridge-2", listed=False)
    first, last = build_page(ENTRY, moved.path, listed([FIRST, FOURTH, moved]), []).changes
    assert (first.headline, first.path) == (FIRST.headline, FIRST.path)
    assert (last.headline, last.path) == ("A bridge opens", moved.path)
    assert last.published_at is None


@pytest.mark.parametrize("history", [[FIRST], [FIRST, UNLISTED]])
def test_no_list_where_the_headline_never_changed(history: list[Change]) -> None:
    assert build_page(ENTRY, PATH, listed(history), []).changes == ()


def test_no_history_is_no_list() -> None:
    assert build_page(ENTRY, PATH, [], []).changes == ()


@pytest.mark.parametrize(("style", "count"), [("current", 5), ("older", 10), ("archive", 10)])
def test_each_style_has_its_number_of_related_entries(style: StyleName, count: int) -> None:
    published_so = replace(ENTRY, layout=Layout(style=style))
    for page in (
        build_page(published_so, PATH, [], RELATED),
        build_page(ENTRY, PATH, [], RELATED, style),
    ):
        assert page.layout.style == style
        assert [line.path for line in page.related] == [item.path for item in RELATED[:count]]


def test_another_style_keeps_the_prefixes() -> None:
    page = build_page(ENTRY, PATH, [FIRST, FOURTH], RELATED[:2], "older")
    assert page.layout == Layout("older", "/en/news", "/days")
    assert render(page) == (
        "### [2014-02-03](/days/2014/02/3/index.md)\n\n# A bridge opens\n\nAfter years\n\n\n"
        "### Source:\n\n1. [Gazette](https://gazette.example)\n"
        "1. [Cover Image](https://img.example/cover.jpg)\n\n"
        "### Related:\n\n"
        "1. [Headline 2](/en/news/2014/01/2/n-2.md) _Context: Harbour_\n"
        "2. [Headline 3](/en/news/2014/01/3/n-3.md) _Context: Harbour_\n"
    )


def test_a_time_is_shown_to_the_second() -> None:
    first = replace(FIRST, published_at=MOMENT.replace(microsecond=999_999))
    text = render(build_page(ENTRY, PATH, [first, FOURTH], []))
    assert (
        "1. [A bridge](/en/news/2014/02/3/a-bridge.md) _2018-02-06 13:49:25 (First version)_\n"
        "1. [A bridge opens](/en/news/2014/02/3/bridge.md) _(Current version)_\n"
    ) in text
