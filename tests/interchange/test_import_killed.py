"""An import that is killed: the store stays sound, and the next run finishes the work."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from ledger import Ledger
from ledger.domain.entry import NewsEntry
from ledger.domain.events import EventData, Meta
from ledger.domain.values import Layout, Source
from ledger.errors import StoreError
from ledger.pages.model import ChangeLine, Page, RelatedLine
from tests.interchange.site import ACTOR, said, write
from tests.stores import Store

PAGES = 1500
HISTORIES = range(0, PAGES, 5)
"""Every fifth page has a Changes list of three versions."""

EVENTS = PAGES + 2 * len(HISTORIES)
FIRST_DAY = date(2003, 1, 1)
DEADLINE = 60


def path(number: int, slug: str) -> str:
    day = FIRST_DAY + timedelta(days=number // 4)
    return f"/news/{day.year}/{day.month:02}/{day.day}/{slug}-{number}"


def changes(number: int) -> tuple[ChangeLine, ...]:
    moment = datetime(2018, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    return (
        ChangeLine(f"Draft {number}", path(number, "draft"), moment, "first_version"),
        ChangeLine(
            f"Proof {number}", path(number, "proof"), moment + timedelta(hours=1), "update"
        ),
        ChangeLine(f"Entry {number}", path(number, "entry"), None, "current_version"),
    )


def a_page(number: int) -> Page:
    other = (number * 7 + 1) % PAGES
    return Page(
        edition="en",
        layout=Layout(prefix="/archive/news" if number % 3 else None),
        day=FIRST_DAY + timedelta(days=number // 4),
        slug=f"entry-{number}",
        headline=f"Entry {number}",
        topic=f"Topic {number % 40}" if number % 2 else None,
        summary=f"Summary of {number}. " * 5,
        sources=(Source("Gazette", f"https://gazette.example/{number}"),),
        changes=changes(number) if number in HISTORIES else (),
        related=(RelatedLine(f"Entry {other}", path(other, "entry"), (f"Name {number % 90}",)),),
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages: they link each other, and a fifth of them has a history."""
    return write(
        tmp_path_factory.mktemp("site"),
        {f"{number % 10}/{number:04}.md": a_page(number) for number in range(PAGES)},
    )


Version = tuple[Meta, EventData, NewsEntry]


def versions(ledger: Ledger) -> dict[tuple[UUID, int], Version]:
    """Everything that the ledger knows, beside positions and the times they were taken."""
    return {
        (step.event.entry, step.event.version): (step.event.meta, step.event.data, step.after)
        for item in ledger.entries()
        for step in ledger.replay(item.entry.id)
    }


@pytest.fixture(scope="module")
def undisturbed(
    site: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[UUID, int], Version]:
    """What an import that nobody disturbs makes of the pages."""
    file = tmp_path_factory.mktemp("undisturbed") / "news.db"
    steps: list[tuple[int, int]] = []
    with Ledger.open(f"sqlite:///{file}") as ledger:
        report = ledger.import_pages(
            [site], actor=ACTOR, progress=lambda *step: steps.append(step)
        )
        found = versions(ledger)
    assert said(report) == {"files": PAGES, "created": PAGES, "events": EVENTS}
    # First each file is looked at, then they are stored in batches.
    assert steps == [
        *((done, 2 * PAGES) for done in range(1, PAGES + 1)),
        *((PAGES + done, 2 * PAGES) for done in range(250, PAGES + 1, 250)),
    ]
    assert len(found) == EVENTS
    assert not any(meta.minor for meta, _, _ in found.values())
    return found


@contextmanager
def importing(url: str, site: Path) -> Iterator[subprocess.Popen[bytes]]:
    arguments = ["--store", url, "--actor", ACTOR, "import", "pages", str(site)]
    with subprocess.Popen(
        [sys.executable, "-m", "ledger", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def stored(store: Store) -> int:
    """How many events there are; another process may be making the store just now."""
    if not store.exists():
        return 0
    try:
        with Ledger.open(store.url) as ledger:
            return ledger.application.log.head().position
    except StoreError:
        return 0


def kill_once(reached: Callable[[], bool], url: str, site: Path) -> None:
    until = time.monotonic() + DEADLINE
    with importing(url, site) as process:
        while not reached():
            assert process.poll() is None, process.communicate()[0].decode()
            assert time.monotonic() < until
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_a_killed_import_is_finished_by_the_next(
    site: Path, store: Store, undisturbed: dict[tuple[UUID, int], Version]
) -> None:
    left: list[int] = []
    for reached in (
        store.exists,
        lambda: stored(store) > left[0],
        lambda: stored(store) > max(left[1], EVENTS // 3),
    ):
        kill_once(reached, store.url, site)
        left.append(stored(store))
    # Each run was cut short, and had come further than the one before.
    assert 0 <= left[0] < left[1] < left[2] < EVENTS

    with importing(store.url, site) as process:
        output = process.communicate(timeout=DEADLINE)[0].decode()
    assert process.returncode == 0, output
    with Ledger.open(store.url) as ledger:
        positions = [event.position for event in ledger.events()]
        found = versions(ledger)
        again = ledger.import_pages([site], actor=ACTOR)
    assert positions == list(range(1, EVENTS + 1))
    assert found == undisturbed
    assert said(again) == {"files": PAGES, "unchanged": PAGES}
