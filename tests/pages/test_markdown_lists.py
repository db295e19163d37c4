"""Pages that list entries, in Markdown: days and the front page exactly as published."""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from ledger.pages.links import AnyPage
from ledger.pages.markdown import is_index
from ledger.pages.model import DayPage, FrontPage
from ledger.pages.rendering import render

SUMMARY = "It came back at &#039;seven&hellip; with 118 [passengers](https://list.example/).\n"
FERRY = f"##### Harbour\n### [Ferry safe](/news/2021/03/4/ferry-safe.md)\n{SUMMARY}"
CAPTAIN = "### [Captain named](/news/2021/03/5/captain-named.md)\n"
TIDE = (
    "##### Harbour\n### [Spring tide rises](/news/2021/03/2/spring-tide-rises.md)\n"
    "_Context: Ferries, Quays_\n"
)


def test_a_day(published: dict[str, AnyPage]) -> None:
    text = render(published["day"], "md")
    assert text == (
        "## [2021-03-04](/news/2021/03/4/index.md)\n\n"
        f"{FERRY}"
        "### [Keeper saw it](/news/2021/03/4/keeper-saw-it.md) _(Retracted)_\n"
        "_Context: Quays_\n"
        "### [Back in harbour](/news/2021/03/4/back-in-harbour.md) _(Merged)_\n"
        "A note.\n"
        "## [Previous Day...](/news/2021/03/2/index.md)\n\n"
    )
    assert is_index(text)


def test_a_chinese_day(published: dict[str, AnyPage]) -> None:
    page = published["chinese day"]
    assert isinstance(page, DayPage)
    assert render(replace(page, previous=date(2021, 2, 28)), "md") == (
        "## [2021-03-4](/zh/news/2021/03/4/index.md)\n\n"
        "##### 港口\n"
        "### [渡輪平安](/zh/news/2021/03/4/渡輪平安.md)\n"
        "_消息: 渡輪_\n"
        "## [前一天...](/zh/news/2021/02/28/index.md)\n\n"
    )


def test_no_link_where_there_is_no_day_before(published: dict[str, AnyPage]) -> None:
    assert "前一天" not in render(published["chinese day"], "md")


def test_the_front_page(published: dict[str, AnyPage]) -> None:
    page = published["front"]
    assert isinstance(page, FrontPage)
    text = render(replace(page, previous=date(2021, 3, 1)), "md")
    assert text == (
        "## [News](/news/2021/03/5/index.md)\n\n"
        f"{CAPTAIN}"
        "## [Yesterday](/news/2021/03/4/index.md)\n\n"
        f"{FERRY}"
        "## [Day Before Yesterday](/news/2021/03/2/index.md)\n\n"
        f"{TIDE}"
        "## [Previous Day...](/news/2021/03/1/index.md)\n\n"
    )
    assert is_index(text)
    assert render(page, "md") == text.partition("## [Previous")[0]


def test_a_context(published: dict[str, AnyPage]) -> None:
    assert render(published["context"], "md") == (
        "## [Ferries](/news/contexts/ferries.md)\n\n"
        "#### [2021-03-04](/news/2021/03/4/index.md)\n"
        f"{FERRY}"
        "#### [2021-03-02](/news/2021/03/2/index.md)\n"
        f"{TIDE}"
    )


def test_all_contexts(published: dict[str, AnyPage]) -> None:
    assert render(published["contexts"], "md") == (
        "## [Contexts](/news/contexts/index.md)\n\n"
        "- [Ferries](/news/contexts/ferries.md) _(2)_\n"
        "- [Old *Town*](/news/contexts/old-town.md) _(1)_\n"
        "- [Quays](/news/contexts/quays.md) _(3)_\n"
    )
    assert render(published["no contexts"], "md") == "## [主题](/zh/news/contexts/index.md)\n\n"
