"""Pages of a small site, and a ledger whose clock stands still, for the tests of importing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from ledger import Ledger
from ledger.domain.entry import NewsEntry
from ledger.domain.events import EventData, RecordedEvent
from ledger.domain.values import Layout, StyleName
from ledger.importing import ImportTarget
from ledger.interchange.pages import ImportReport
from ledger.pages.markdown import render
from ledger.pages.model import ChangeLine, Page, RelatedLine
from ledger.projections.places import place_of
from ledger.projections.views import Views
from ledger.service import CommandHandler
from ledger.store.application import LedgerApplication
from tests.conftest import NOW

DAY = date(2014, 2, 13)
MIDNIGHT = datetime(2014, 2, 13, tzinfo=UTC)
ACTOR = "importer"


def at(slug: str) -> str:
    """The path of a page of the day."""
    return f"/news/2014/02/13/{slug}"


def time(second: int) -> datetime:
    """A time that a Changes list gives."""
    return datetime(2018, 2, 6, 13, 49, second, tzinfo=UTC)


def page(
    headline: str,
    slug: str | None,
    *,
    edition: str = "en",
    style: StyleName = "current",
    **fields: Any,
) -> Page:
    """A page of the day."""
    return Page(
        edition=edition,
        layout=Layout(style=style),
        day=DAY,
        slug=slug,
        headline=headline,
        **fields,
    )


def history(*versions: tuple[str, str]) -> tuple[ChangeLine, ...]:
    """A Changes list of headlines and slugs; the times are a second apart."""
    *earlier, (headline, slug) = versions
    return (
        *(
            ChangeLine(line, at(where), time(number), "update" if number else "first_version")
            for number, (line, where) in enumerate(earlier)
        ),
        ChangeLine(headline, at(slug), None, "current_version"),
    )


def related(slug: str, *contexts: str) -> tuple[RelatedLine, ...]:
    """A Related list of one line."""
    return (RelatedLine(f"About {slug}", at(slug), contexts),)


def write(folder: Path, pages: dict[str, Page | str | bytes]) -> Path:
    """Write files and return the folder."""
    for name, content in pages.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = render(content) if isinstance(content, Page) else content
        file.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def open_ledger(url: str) -> Ledger:
    """Open a ledger in which it is NOW."""
    application = LedgerApplication(url)
    views = Views(application, place_of(url))
    return Ledger(application, views, lambda: NOW)


def target(ledger: Ledger) -> ImportTarget:
    """A ledger as an import sees it."""
    handler = CommandHandler(ledger.application, lambda: NOW)
    return ImportTarget(handler, ledger.application, ledger.views)


def plain(event: RecordedEvent) -> EventData:
    """What an event says beside its command's digest."""
    assert len(event.data.digest) == 16
    return msgspec.structs.replace(event.data, digest=b"")


def said(report: ImportReport) -> dict[str, object]:
    """What a report says beside zeros, with failures and notes as the lines they print as."""
    values = msgspec.structs.asdict(report).items()
    return {
        name: [str(line) for line in value] if isinstance(value, list) else value
        for name, value in values
        if value
    }


def versions(ledger: Ledger, slug: str) -> list[NewsEntry]:
    """All versions of the entry at a slug of the day."""
    return [step.after for step in ledger.replay(at(slug))]


def count(ledger: Ledger) -> int:
    """How many events the ledger holds."""
    return ledger.application.log.head().position
