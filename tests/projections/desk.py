"""A small newsroom whose views the tests look at: its events, and the files of its views."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from ledger import Ledger
from ledger.domain.commands import Command, CreateEntry, EditEntry
from ledger.domain.events import EntryEdited, RecordedEvent
from ledger.projections.database import Db
from ledger.projections.moments import LAST, Moment
from ledger.projections.projection import Projection, handles
from ledger.projections.records import ViewStatus
from ledger.projections.sqlite.place import FilePlace
from ledger.projections.views import Views
from ledger.store.rows import to_microseconds
from tests.places import views_folder
from tests.stores import Store

DAY = date(2021, 3, 4)
NEXT = date(2021, 3, 5)


class Fragile(Projection):
    """Fails on the first edit."""

    name = "fragile"
    ddl = ("CREATE TABLE fragile (position BIGINT)",)
    tables = {"fragile": "position"}  # noqa: RUF012

    @handles(EntryEdited)
    def edited(self, event: RecordedEvent, db: Db) -> None:
        raise ValueError("too much")


NAMES = ("current", "changes", "permalinks", "days", "contexts", "search", "activity", "tree")


def create(ledger: Ledger, headline: str, day: date = DAY, **options: Any) -> UUID:
    return ledger.create(day, headline, actor="Ann", **options).entry


def edit(ledger: Ledger, entry: UUID, **options: Any) -> None:
    ledger.edit(entry, actor="Ben", **options)


def clock(hour: int) -> datetime:
    return datetime(2021, 3, 4, hour, tzinfo=UTC)


def public(hour: int, position: int = LAST) -> Moment:
    return Moment(to_microseconds(clock(hour)), position)


def fill(url: str) -> list[UUID]:
    """Store 7 events of 3 entries, two of which want one path."""
    noon = datetime(2021, 3, 5, 12, tzinfo=UTC)
    with Ledger.open(url) as ledger:
        ids = [
            ledger.create(DAY, headline, actor="Ann", contexts=contexts, published_at=noon).entry
            for headline, contexts in (
                ("Ferry resumes", ("Harbour", "Ferries")),
                ("Ferry resumes", ("Harbour",)),
                ("Tide rises", ()),
            )
        ]
        ledger.edit(
            ids[0], headline="Ferry stops", actor="Ben", reason="it stopped", published_at=noon
        )
        ledger.edit(ids[2], contexts=("Harbour",), actor="Ben", minor=True, published_at=noon)
        ledger.edit(ids[0], headline="Ferry resumes", actor="Ann", published_at=noon)
        ledger.retract(ids[1], actor="Ann", published_at=noon)
    return ids


def add(url: str, *headlines: str) -> None:
    with Ledger.open(url) as ledger:
        for headline in headlines:
            ledger.create(DAY, headline, actor="Cy", contexts=("Harbour",))


def write_many(url: str, entries: int, rounds: int) -> list[UUID]:
    """Store `entries` new entries, then edit each of them `rounds` times."""
    with Ledger.open(url) as ledger:
        creations: list[Command] = [
            CreateEntry(
                date=date(2021, 3, 1 + n % 28),
                headline=f"Ferry {n} resumes",
                topic=f"Pier {n % 5}",
                contexts=("Harbour", f"Line {n % 7}"),
                actor="Ann",
            )
            for n in range(entries)
        ]
        ids = [event.entry for event in ledger.execute(creations)]
        for turn in range(rounds):
            edits: list[Command] = [
                EditEntry(
                    entry=entry,
                    headline=f"Ferry {n} is {('late', 'early')[turn % 2]}",
                    summary=f"Said {turn} times",
                    actor="Ben",
                )
                for n, entry in enumerate(ids)
            ]
            ledger.execute(edits)
    return ids


def digests(url: str) -> tuple[ViewStatus, ...]:
    with Ledger.open(url) as ledger:
        return ledger.views.status()


def projected_anew(url: str, folder: Path, batch: int = 1000) -> tuple[ViewStatus, ...]:
    """Return what views say that were made of the log just now, somewhere else."""
    with Ledger.open(url) as ledger:
        views = Views(ledger.application, FilePlace(folder), batch=batch)
        try:
            return views.status()
        finally:
            views.close()
            shutil.rmtree(folder, ignore_errors=True)


def one_generation(store: Store) -> bool:
    """Return whether the generation that serves is the only one."""
    return store.generations() == [store.serving()]


def generation(log: Path) -> Path:
    """Return the file that the pointer names."""
    folder = views_folder(log)
    return folder / (folder / "current").read_text().strip()


def files(log: Path) -> list[str]:
    folder = views_folder(log)
    return sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []


def positions(store: Store) -> dict[str, int]:
    """Return the position of each read model in the generation that serves."""
    with store.views() as db:
        return dict(db.execute("SELECT name, position FROM projections").fetchall())


def insert(store: Store, type_: str, version: int, entry: bytes = b"e" * 16) -> None:
    """Append a row that the ledger's own rules would not have made."""
    with store.log() as db:
        db.execute(
            "INSERT INTO events SELECT position + 1, ?, ?, ?, recorded_at, meta, "
            "x'0000000000000000000000000000000080' FROM events ORDER BY position DESC LIMIT 1",
            (entry, version, type_),
        )
