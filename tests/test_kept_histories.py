"""What a writer keeps of entries between commands never outlives what others write meanwhile."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest

from ledger import Ledger
from ledger.domain.events import RecordedEvent
from ledger.errors import EntryNotFound, NothingChanged, StoreBusy
from ledger.histories import Histories

DAY = date(2024, 5, 1)


@pytest.fixture
def entry(url: str) -> UUID:
    with Ledger.open(url) as ledger:
        return ledger.create(DAY, "Flood", actor="ada").entry


def headlines(ledger: Ledger, entry: UUID) -> list[str]:
    return [step.after.headline for step in ledger.replay(entry)]


def test_two_writers_in_turns(url: str, entry: UUID) -> None:
    with Ledger.open(url) as one, Ledger.open(url) as other:
        for number in range(4):
            one.edit(entry, headline=f"One {number}", actor="ada")
            other.edit(entry, headline=f"Other {number}", actor="eve")
            # What the other has just said is no change, whatever this one said last.
            with pytest.raises(NothingChanged):
                one.edit(entry, headline=f"Other {number}", actor="ada")
        texts = [f"{who} {number}" for number in range(4) for who in ("One", "Other")]
        assert headlines(one, entry) == ["Flood", *texts]


def test_another_writes_about_something_else(url: str, entry: UUID) -> None:
    with Ledger.open(url) as one, Ledger.open(url) as other:
        one.edit(entry, headline="One", actor="ada")
        other.edit(entry, headline="Other", actor="eve")
        # Then the log ends as this one left it, and yet it does not know the entry.
        one.create(DAY, "Ferry", actor="ada")
        with pytest.raises(NothingChanged):
            one.edit(entry, headline="Other", actor="ada")
        assert headlines(one, entry) == ["Flood", "One", "Other"]


def test_many_threads_and_another_process_of_its_own(url: str, entry: UUID) -> None:
    with Ledger.open(url) as one, Ledger.open(url) as other:

        def write(ledger: Ledger, name: str) -> None:
            for number in range(15):
                ledger.edit(entry, headline=f"{name} {number}", actor="ada")

        threads = [
            Thread(target=write, args=(ledger, name))
            for ledger, name in ((one, "a"), (one, "b"), (one, "c"), (other, "d"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = headlines(one, entry)
        assert len(found) == 61
        for name in "abcd":
            assert [text for text in found if text[0] == name] == [
                f"{name} {number}" for number in range(15)
            ]


def test_a_log_that_is_put_back(log: Path) -> None:
    kept = log.with_name("kept.db")
    with Ledger.open(f"sqlite:///{log}") as ledger:
        entry = ledger.create(DAY, "Flood", actor="ada").entry
        with closing(sqlite3.connect(log)) as db:
            db.execute("VACUUM INTO ?", (str(kept),))
        ledger.edit(entry, headline="Gone", actor="ada")
        ferry = ledger.create(DAY, "Ferry", actor="ada").entry
        kept.replace(log)
        ledger.edit(entry, headline="Kept", actor="ada")
        assert headlines(ledger, entry) == ["Flood", "Kept"]
        with pytest.raises(EntryNotFound):
            ledger.edit(ferry, headline="Ferries", actor="ada")


def test_what_another_thread_has_stored_and_not_noted_yet(
    url: str, entry: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(url) as ledger:
        ledger.edit(entry, headline="Two", actor="ada")
        with monkeypatch.context() as patch:
            patch.setattr("ledger.histories.Histories.note", lambda *_: None)
            ledger.edit(entry, headline="Three", actor="eve")
        # Neither is it no change, nor has the entry moved on from what everybody can read.
        ledger.edit(entry, headline="Two", actor="ada", expected_version=3)
        assert headlines(ledger, entry) == ["Flood", "Two", "Three", "Two"]


def test_a_note_that_comes_late_takes_nothing_back(
    url: str, entry: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[tuple[object, ...]] = []
    note = Histories.note
    with Ledger.open(url) as ledger:
        with monkeypatch.context() as patch:
            patch.setattr("ledger.histories.Histories.note", lambda *given: late.append(given))
            ledger.edit(entry, headline="Two", actor="ada")
        ledger.edit(entry, headline="Three", actor="eve")
        note(*late[0])  # type: ignore[arg-type]
        ledger.edit(entry, headline="Two", actor="ada", expected_version=3)
        assert headlines(ledger, entry) == ["Flood", "Two", "Three", "Two"]


def test_what_is_read_takes_nothing_back_that_was_stored_since(
    url: str, entry: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(url) as ledger, Ledger.open(url) as other:
        ledger.edit(entry, headline="Two", actor="ada")
        other.edit(entry, headline="Three", actor="eve")
        histories, application = ledger._handler.histories, ledger.application
        history = application.history

        def slow(id_: UUID, after: int = 0) -> list[RecordedEvent]:
            events = history(id_, after)
            monkeypatch.undo()
            ledger.edit(entry, headline="Four", actor="ada")
            return events

        monkeypatch.setattr(application, "history", slow)
        assert histories.get(entry).version == 3
        kept = histories.fresh(entry, histories.epoch)
        assert kept is not None
        assert kept.version == 4


def test_a_refusal_waits_for_nobody_who_writes(log: Path) -> None:
    with Ledger.open(f"sqlite:///{log}?timeout=0.1") as ledger:
        entry = ledger.create(DAY, "Flood", actor="ada").entry
        with closing(sqlite3.connect(log, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            with pytest.raises(NothingChanged):
                ledger.edit(entry, headline="Flood", actor="ada")
            with pytest.raises(StoreBusy):
                ledger.edit(entry, headline="Ferry", actor="ada")
