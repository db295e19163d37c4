"""An archive with everything that makes a site difficult, and the export of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from ledger import Ledger, Source
from ledger.domain.values import Layout
from ledger.site.folder import SiteReport
from tests.pages import newsroom
from tests.pages.newsroom import DAY, hour
from tests.site.links import BASE

SECRET = newsroom.SECRET

HOSTILE = (
    "<script>alert(1)</script> [click](javascript:alert(1)) ]]> </title></head> \"quotes' & [open "
    "\u0645\u0631\u062d\u0628\u0627 e\u0301\u0301"
)


def fill(ledger: Ledger) -> None:
    """Publish it: what happens in a newsroom, and what makes addresses difficult."""
    newsroom.fill(ledger)
    moved = ledger.create(
        date(2021, 3, 7), "Buoy lost", actor=SECRET, contexts=("Quays",), published_at=hour(72)
    ).entry
    # It leaves a day without entries behind it, and then the edition.
    ledger.edit(moved, date=date(2021, 3, 8), actor=SECRET, published_at=hour(96))
    ledger.edit(moved, headline="Buoy found", actor=SECRET, published_at=hour(97))
    ledger.edit(
        moved,
        headline="浮標尋回",
        edition="zh",
        language="zh",
        actor=SECRET,
        published_at=hour(98),
    )
    for number in (1, 2):
        ledger.create(
            DAY,
            "Ferry sails",
            actor=SECRET,
            summary=f"The namesake, {number}.",
            contexts=("Old Town", "old town!"),
            published_at=hour(8 + number),
        )
    ledger.create(
        date(2021, 3, 6),
        HOSTILE,
        actor=SECRET,
        topic=HOSTILE,
        summary=f"{HOSTILE} {'x' * 5_000}",
        contexts=(HOSTILE,),
        sources=(Source(HOSTILE, "https://courier.example/?a='1'&b=%22"),),
        published_at=hour(48),
    )
    ledger.create(
        date(2021, 3, 5),
        "Light burns",
        actor=SECRET,
        summary="See [the ferry](/news/2021/03/4/ferry-sails.md).",
        layout=Layout(style="older", prefix="/archive/news", day_prefix="/elsewhere"),
        published_at=hour(26),
    )


def export(ledger: Ledger, folder: Path, **options: Any) -> SiteReport:
    """Export the site to a folder."""
    return ledger.exports.site(folder, BASE, **options)


def content(folder: Path) -> dict[str, bytes]:
    """Return what all files of a folder hold, by their paths."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
