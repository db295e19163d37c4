"""A small archive in which everything happens to entries that can, and all its pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from ledger import Ledger, Source
from ledger.pages.links import AnyPage
from ledger.pages.model import EntryPage

DAY = date(2021, 3, 4)
OPENED = datetime(2021, 3, 4, 9, 30, tzinfo=UTC)

COURIER = Source("Harbour *Courier*", "https://courier.example/1?a=1&b=2")
GUARD = Source("Coast Guard", "https://guard.example/", "https://guard.example/wave.jpg")

SECRET = "nobody outside must read this"


def hour(hours: float) -> datetime:
    return OPENED + timedelta(hours=hours)


def fill(ledger: Ledger) -> None:
    """Publish it; each entry is found by the beginning of its slug."""
    ledger.create(
        date(2021, 3, 2),
        "Spring tide rises",
        actor=SECRET,
        topic="Harbour",
        contexts=("Ferries", "Quays"),
        published_at=hour(-48),
    )
    ferry = ledger.create(
        DAY,
        "Ferry sails",
        actor=SECRET,
        reason=SECRET,
        topic="Harbour",
        contexts=("Ferries", "Quays", "Old *Town*"),
        summary="It left at &#039;six&hellip; with 120 [passengers](https://list.example/).",
        sources=(COURIER,),
        cover_image="https://img.example/cover.jpg",
        published_at=hour(0),
    ).entry
    ledger.edit(
        ferry,
        headline="Ferry turns back",
        summary="It came back at &#039;seven&hellip; with 118 [passengers](https://list.example/).",
        actor=SECRET,
        published_at=hour(2),
    )
    ledger.edit(ferry, sources=(COURIER, GUARD), minor=True, actor=SECRET, published_at=hour(3))
    ledger.correct(ferry, "It carried **118**, not 120.", actor=SECRET, published_at=hour(4))
    ledger.edit(ferry, headline="Ferry safe", actor=SECRET, published_at=hour(5))
    keeper = ledger.create(
        DAY, "Keeper saw nothing", actor=SECRET, contexts=("Quays",), published_at=hour(1)
    ).entry
    ledger.edit(keeper, headline="Keeper saw it", actor=SECRET, published_at=hour(2))
    ledger.retract(keeper, actor=SECRET, reason=SECRET, published_at=hour(6))
    note = ledger.create(
        DAY, "Back in harbour", actor=SECRET, summary="A note.", published_at=hour(5.5)
    ).entry
    ledger.merge(note, ferry, actor=SECRET, published_at=hour(7))
    captain = ledger.create(
        date(2021, 3, 5), "Captain Roe named", actor=SECRET, published_at=hour(24)
    ).entry
    ledger.edit(captain, headline="Captain named", actor=SECRET, published_at=hour(25))
    ledger.erase(captain, [1], SECRET, actor=SECRET, reason=SECRET)
    chinese = ledger.create(
        DAY,
        "渡輪折返",
        actor=SECRET,
        edition="zh",
        topic="港口",
        contexts=("渡輪",),
        sources=(Source("港報", "https://zh.example/"),),
        published_at=hour(1),
    ).entry
    ledger.edit(chinese, headline="渡輪平安", actor=SECRET, published_at=hour(2))


def all_pages(ledger: Ledger) -> dict[str, AnyPage]:
    """Return a page of each kind and state, by a name for it."""
    pages = ledger.pages

    def entry(path: str) -> EntryPage:
        return pages.entry(ledger.at(path))

    return {
        "current": entry("/news/2021/03/4/ferry-safe"),
        "older": entry("/news/2021/03/4/ferry-sails"),
        "between": entry("/news/2021/03/4/ferry-turns-back"),
        "unchanged": entry("/news/2021/03/2/spring-tide-rises"),
        "retracted": entry("/news/2021/03/4/keeper-saw-it"),
        "retracted since": entry("/news/2021/03/4/keeper-saw-nothing"),
        "merged": entry("/news/2021/03/4/back-in-harbour"),
        "erased": pages.entry(ledger.get("/news/2021/03/5/captain-named", version=1)),
        "after an erasure": entry("/news/2021/03/5/captain-named"),
        "chinese": entry("/zh/news/2021/03/4/渡輪平安"),
        "chinese older": entry("/zh/news/2021/03/4/渡輪折返"),
        "day": pages.day(DAY, edition="en"),
        "day without entries": pages.day(date(2021, 3, 3), edition="en"),
        "chinese day": pages.day(DAY, edition="zh"),
        "front": pages.front("en"),
        "chinese front": pages.front("zh"),
        "front of nothing": pages.front("zh", known_at=0),
        "context": pages.context("Ferries", "en"),
        "contexts": pages.contexts("en"),
        "chinese contexts": pages.contexts("zh"),
        "no contexts": pages.contexts("zh", known_at=0),
    }
