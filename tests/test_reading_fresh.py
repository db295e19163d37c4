"""Reads are of now: what others did between two of them, the next one knows, whatever it asks."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from ledger import Ledger
from ledger.errors import (
    EntryNotFound,
    ProjectionDrifted,
    ProjectionStopped,
    StoreBusy,
    UndecodableEvent,
    VersionNotFound,
)
from ledger.projections.database import Parameters
from tests.projections.desk import insert
from tests.stores import SQLiteStore, Store

DAY = date(2021, 3, 4)
NOON = datetime(2021, 3, 4, 12, tzinfo=UTC)
LATER = datetime(2021, 3, 5, 12, tzinfo=UTC)
OLD, NEW = "/news/2021/03/4/ferry-resumes", "/news/2021/03/4/ferry-stops"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        opened.init()
        yield opened


@pytest.fixture
def entry(ledger: Ledger) -> UUID:
    return ledger.create(DAY, "Ferry resumes", actor="Ann", published_at=NOON).entry


class Answers(NamedTuple):
    """What the ways to read an entry say of its headline, and where it is."""

    by_id: tuple[str, str, int]
    by_path: tuple[str, str, int]
    as_of: tuple[str, str, int]
    changes: list[tuple[str, str]]


def ask(ledger: Ledger, entry: UUID) -> Answers:
    shown = [
        ledger.get(entry),
        ledger.get(OLD),
        ledger.get(entry, as_of=datetime(2021, 3, 6, tzinfo=UTC)),
    ]
    for each in shown:
        assert each.event == ledger.history(entry)[each.entry.version - 1]
        assert each.current_version == each.entry.version
        assert each.current_path == each.path
    by_id, by_path, as_of = (
        (each.entry.headline, each.path, each.event.position) for each in shown
    )
    listed = [(change.headline, change.path) for change in ledger.changes(entry)]
    return Answers(by_id, by_path, as_of, listed)


def all_say(headline: str, path: str, position: int, *before: tuple[str, str]) -> Answers:
    told = headline, path, position
    return Answers(told, told, told, [*before, (headline, path)])


FIRST = all_say("Ferry resumes", OLD, 1)
SECOND = all_say("Ferry stops", NEW, 2, ("Ferry resumes", OLD))


def elsewhere(url: str, what: str, *args: object) -> None:
    """Let another process do something with the ledger."""
    script = (
        "import sys\nfrom datetime import datetime\nfrom uuid import UUID\n"
        "from ledger import Ledger\nfrom ledger.errors import LedgerError\n"
        f"with Ledger.open(sys.argv[1]) as ledger:\n    {what}\n"
    )
    subprocess.run([sys.executable, "-c", script, url, *map(str, args)], check=True)


EDIT = (
    "ledger.edit(UUID(sys.argv[2]), headline='Ferry stops', slug='ferry-stops', actor='Ben', "
    "published_at=datetime.fromisoformat(sys.argv[3]))"
)


# What another process does


def test_what_another_process_wrote_is_read(ledger: Ledger, url: str, entry: UUID) -> None:
    assert ask(ledger, entry) == FIRST
    elsewhere(url, EDIT, entry, LATER)
    assert ask(ledger, entry) == SECOND
    assert ledger.get(entry, as_of=NOON).entry.headline == "Ferry resumes"


def test_what_another_process_wrote_and_projected_is_read(
    ledger: Ledger, url: str, entry: UUID
) -> None:
    assert ask(ledger, entry) == FIRST
    elsewhere(url, f"{EDIT}; ledger.views.status()", entry, LATER)
    assert ask(ledger, entry) == SECOND


def test_views_that_another_process_swapped_are_read(
    ledger: Ledger, url: str, store: Store, entry: UUID
) -> None:
    assert ask(ledger, entry) == FIRST
    before = store.serving()
    elsewhere(url, "ledger.rebuild()")
    assert store.serving() != before
    # So that one can tell which of the two is asked.
    with store.views() as db:
        db.execute("UPDATE permalinks SET path = ?", (OLD + "-marked",))
    assert ledger.get(entry).path == OLD + "-marked"
    assert ledger.get(OLD + "-marked").path == OLD + "-marked"
    assert [change.path for change in ledger.changes(entry)] == [OLD + "-marked"]
    assert ledger.get(entry, as_of=LATER).path == OLD + "-marked"


def keep(store: Store) -> Callable[[], object]:
    """Keep the log as it is; return what puts it back, a file in the place of the other."""
    if not isinstance(store, SQLiteStore):
        return store.keep()
    log, kept = store.path, store.path.with_name("kept")
    with closing(sqlite3.connect(log)) as source, closing(sqlite3.connect(kept)) as copy:
        source.backup(copy)

    def restore() -> None:
        store.delete()
        kept.replace(log)

    return restore


def test_a_log_put_back_between_two_reads_is_read_as_it_was(
    ledger: Ledger, store: Store, entry: UUID
) -> None:
    restore = keep(store)
    ledger.edit(entry, headline="Ferry stops", slug="ferry-stops", actor="Ben", published_at=LATER)
    assert ask(ledger, entry) == SECOND
    restore()
    assert ask(ledger, entry) == FIRST


READ = """try:
        ledger.entries()
    except LedgerError as error:
        assert "EntryTeleported" in str(error)
    else:
        sys.exit("it was read")"""


def test_what_stopped_in_another_process_is_refused(
    ledger: Ledger, url: str, store: Store, entry: UUID
) -> None:
    assert ask(ledger, entry) == FIRST
    insert(store, "EntryTeleported@1", 1)
    elsewhere(url, READ)
    asked: list[Callable[[], object]] = [
        lambda: ledger.get(entry),
        lambda: ledger.get(OLD),
        lambda: ledger.changes(entry),
        lambda: ledger.get(entry, as_of=NOON),
    ]
    for question in asked:
        with pytest.raises(UndecodableEvent, match="EntryTeleported"):
            question()


@pytest.mark.parametrize(
    "change",
    [
        "position = position - 1",
        "position = position - 1 WHERE name IN ('current', 'changes')",
        "position = position + 1 WHERE name = 'permalinks'",
        "failed_at = 2, error = 'too much' WHERE name = 'permalinks'",
    ],
)
def test_views_that_went_apart_since_they_were_looked_at_are_not_read(
    ledger: Ledger, store: Store, entry: UUID, change: str
) -> None:
    assert ask(ledger, entry) == FIRST
    with store.views() as db:
        db.execute(f"UPDATE projections SET {change}")
    asked: list[Callable[[], object]] = [
        lambda: ledger.get(entry),
        lambda: ledger.get(OLD),
        lambda: ledger.changes(entry),
        lambda: ledger.get(entry, as_of=LATER),
        ledger.entries,
    ]
    for question in asked:
        with pytest.raises(StoreBusy):
            question()


# What is not there


def test_an_entry_that_comes_to_be_is_found_by_the_next_read(ledger: Ledger, url: str) -> None:
    with pytest.raises(EntryNotFound):
        ledger.get(OLD)
    elsewhere(
        url,
        "ledger.create(datetime(2021, 3, 4).date(), 'Ferry resumes', actor='Ben')",
    )
    shown = ledger.get(OLD)
    assert ledger.get(shown.entry.id) == shown


@pytest.mark.parametrize("table", ["current", "changes", "permalinks"])
def test_what_the_views_have_lost_is_told(
    ledger: Ledger, store: Store, entry: UUID, table: str
) -> None:
    asked: dict[str, list[Callable[[], object]]] = {
        "current": [lambda: ledger.get(entry), lambda: ledger.get(entry, as_of=LATER)],
        "changes": [lambda: ledger.changes(entry), lambda: ledger.get(entry, as_of=LATER)],
        "permalinks": [lambda: ledger.get(entry), lambda: ledger.changes(entry)],
    }
    assert ask(ledger, entry) == FIRST
    with store.views() as db:
        db.execute(f"DELETE FROM {table}")
    for question in asked[table]:
        with pytest.raises(ProjectionDrifted, match="only in part: `ledger rebuild`"):
            question()
    ledger.rebuild()
    assert ask(ledger, entry) == FIRST


@pytest.mark.parametrize("version", [-1, 0, 3, 2**70])
def test_a_version_that_is_not_there_is_told_with_those_that_are(
    ledger: Ledger, entry: UUID, version: int
) -> None:
    ledger.edit(entry, summary="It sails.", actor="Ben")
    with pytest.raises(VersionNotFound, match=rf"no version {version}; it has 1 to 2$"):
        ledger.get(entry, version=version)


# Paths


def test_one_path_in_two_editions_leads_to_each(ledger: Ledger) -> None:
    there = ledger.create(DAY, "Ferry resumes", actor="Ann", edition="zh", slug="ferry").entry
    here = ledger.create(DAY, "Ferry resumes", actor="Ann", slug="ferry").entry
    assert ledger.get("/news/2021/03/4/ferry").entry.id == here
    assert ledger.get("/zh/news/2021/03/4/ferry").entry.id == there
    ledger.edit(here, edition="zh", actor="Ben")
    # It was there, so it is found by that; and has another in the edition where there is one.
    assert ledger.get("/news/2021/03/4/ferry").path == "/news/2021/03/4/ferry-2"
    assert ledger.get("/zh/news/2021/03/4/ferry").entry.id == there
    assert ledger.get("/zh/news/2021/03/4/ferry-2").entry.id == here


def test_the_event_beside_a_version_is_that_of_the_log(ledger: Ledger, entry: UUID) -> None:
    other = ledger.create(DAY, "Tide rises", actor="Ann", published_at=NOON).entry
    steps: list[Callable[[], object]] = [
        lambda: ledger.edit(entry, topic="Harbour", reason="for order", minor=True, actor="Ben"),
        lambda: ledger.edit(entry, topic=None, summary="It sails.", actor="Ben"),
        lambda: ledger.correct(entry, "It sailed at nine.", actor="Ben"),
        lambda: ledger.retract(entry, actor="Ben"),
        lambda: ledger.reinstate(entry, actor="Ben"),
        lambda: ledger.erase(entry, [1], "a court", names=True, actor="Ben", reason="so"),
        lambda: ledger.merge(entry, other, actor="Ben"),
    ]
    for step in steps:
        step()
        shown = ledger.get(entry)
        assert shown.event == ledger.history(entry)[-1]
        assert shown == ledger.get(entry, version=shown.entry.version)
        assert shown.event.version == shown.entry.version


def test_a_time_is_answered_by_the_log_where_the_changes_view_has_stopped(
    ledger: Ledger, entry: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.edit(entry, headline="Ferry stops", actor="Ann", published_at=LATER)
    rows = ledger.views.rows

    def without(query: str, parameters: Parameters, *needs: str) -> list[Any]:
        if "changes" in needs:
            raise ProjectionStopped("the projection changes has stopped")
        return rows(query, parameters, *needs)

    right = [ledger.get(entry, as_of=moment) for moment in (NOON, LATER)]
    monkeypatch.setattr(ledger.views, "rows", without)
    assert [ledger.get(entry, as_of=moment) for moment in (NOON, LATER)] == right
    assert [shown.entry.headline for shown in right] == ["Ferry resumes", "Ferry stops"]
