"""What becomes of an open ledger when others write it, or put another file in its place."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from ledger import CreateEntry, EditEntry, Ledger, MergeEntry
from ledger.domain.events import Event, RecordedEvent
from ledger.errors import EntryClosed, StoreNotFound
from tests.stores import SQLiteStore, Store

DAY = date(2021, 3, 4)


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        yield opened


def versions(ledger: Ledger, entry: UUID) -> list[tuple[int, int]]:
    return [(event.version, event.position) for event in ledger.history(entry)]


def copy_to(log: Path, copy: Path) -> None:
    with closing(sqlite3.connect(log)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def before_append(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, act: Callable[[], object]
) -> list[str]:
    """Let somebody act once, after `ledger` has decided and before it appends."""
    append = ledger.application.append
    turns: list[str] = []

    def late(events: Sequence[Event], *rest: Any) -> list[RecordedEvent]:
        turns.append("append")
        if len(turns) == 1:
            act()
        return append(events, *rest)

    monkeypatch.setattr(ledger.application, "append", late)
    return turns


# Two handles


def test_two_entries_are_never_merged_into_each_other(
    ledger: Ledger, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ledger.create(DAY, "One", actor="ana").entry
    two = ledger.create(DAY, "Two", actor="ana").entry
    with Ledger.open(url) as other:
        before_append(monkeypatch, ledger, lambda: other.merge(two, one, actor="ben"))
        with pytest.raises(EntryClosed) as caught:
            ledger.merge(one, two, actor="ana")
        assert str(caught.value) == (f"entry {two} is merged: nothing can be merged into it")
        for handle in (ledger, other):
            assert handle.get(one).entry.status == "active"
            assert handle.get(two).entry.merged_into == one
            assert handle.application.log.head().position == 3


def test_a_merge_into_an_entry_that_only_moved_on_is_decided_again(
    ledger: Ledger, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ledger.create(DAY, "One", actor="ana").entry
    two = ledger.create(DAY, "Two", actor="ana").entry
    with Ledger.open(url) as other:
        turns = before_append(monkeypatch, ledger, lambda: other.edit(two, actor="b", topic="X"))
        merged = ledger.merge(one, two, actor="ana")
    assert turns == ["append", "append"]
    assert (merged.version, merged.position) == (2, 4)
    assert ledger.get(one).entry.merged_into == two


def test_the_same_command_by_two_handles_at_once_is_stored_once(
    ledger: Ledger, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    command = EditEntry(actor="ana", entry=entry, topic="Harbour")
    stored: list[RecordedEvent] = []
    with Ledger.open(url) as other:
        before_append(monkeypatch, ledger, lambda: stored.extend(other.execute([command])))
        assert ledger.execute([command]) == stored
    assert versions(ledger, entry) == [(1, 1), (2, 2)]


def test_a_handle_sees_what_another_has_written(ledger: Ledger, url: str) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    with Ledger.open(url) as other:
        for number in range(2, 6):
            (ledger, other)[number % 2].edit(entry, actor="ana", headline=f"Number {number}")
        assert other.get(entry).entry == ledger.get(entry).entry
        assert ledger.get(entry).entry.headline == "Number 5"
    assert versions(ledger, entry) == [(n, n) for n in range(1, 6)]


# Another log under an open ledger


class Copies(NamedTuple):
    """How a copy is made of a log, and how it comes back into its place."""

    keep: Callable[[], object]
    restore: Callable[[], object]


def rows(store: Store, tmp_path: Path) -> Copies:
    """Restore a copy the way a database does that stays where it is."""
    kept: list[int] = []

    def keep() -> None:
        with store.log() as db:
            kept.append(db.execute("SELECT max(position) FROM events").fetchone()[0])

    def restore() -> None:
        with store.log() as db:
            db.execute("DELETE FROM events WHERE position > ?", kept)

    return Copies(keep, restore)


def into_the_file(store: Store, tmp_path: Path) -> Copies:
    """Restore a copy the way SQLite does: into the very file."""
    log, copy = path_of(store), tmp_path / "copy.db"
    return Copies(lambda: copy_to(log, copy), lambda: copy_to(copy, log))


def another_file(store: Store, tmp_path: Path, ends: Sequence[str] = ("-wal", "-shm")) -> Copies:
    """Restore a copy the way a person does: another file of the same name."""
    log, copy = path_of(store), tmp_path / "copy.db"

    def restore() -> None:
        new = log.with_name("restored")
        shutil.copyfile(copy, new)
        for end in ends:
            log.with_name(log.name + end).unlink(missing_ok=True)
        new.replace(log)

    return Copies(lambda: copy_to(log, copy), restore)


def the_file_alone(store: Store, tmp_path: Path) -> Copies:
    """Restore a copy and leave the old file's write-ahead log where it was."""
    return another_file(store, tmp_path, ())


def path_of(store: Store) -> Path:
    assert isinstance(store, SQLiteStore)
    return store.path


@pytest.fixture(params=["rows", "into the file", "another file", "the file alone"])
def copies(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> Copies:
    if request.param != "rows" and store.kind != "sqlite":
        pytest.skip("it is no file")
    ways = {
        "rows": rows,
        "into the file": into_the_file,
        "another file": another_file,
        "the file alone": the_file_alone,
    }
    return ways[request.param](store, tmp_path)


@pytest.mark.parametrize("read_first", [False, True])
def test_an_edit_after_a_restore_goes_on_from_the_older_copy(
    ledger: Ledger, store: Store, copies: Copies, read_first: bool
) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    ledger.edit(entry, actor="ana", headline="Two")
    copies.keep()
    ledger.edit(entry, actor="ana", headline="Lost")
    lost = ledger.create(DAY, "Lost too", actor="ana").entry

    copies.restore()
    if read_first:
        assert ledger.get(entry).entry.headline == "Two"
        assert [item.entry.id for item in ledger.entries()] == [entry]
    edited = ledger.edit(entry, actor="ben", summary="By a vote.")

    assert (edited.version, edited.position) == (3, 3)
    assert versions(ledger, entry) == [(1, 1), (2, 2), (3, 3)]
    shown = ledger.get(entry)
    assert (shown.entry.headline, shown.entry.summary) == ("Two", "By a vote.")
    assert [change.headline for change in ledger.changes(entry)] == ["One", "Two"]
    assert ledger.get("/news/2021/03/4/two").entry.version == 3
    assert [item.entry.id for item in ledger.entries()] == [entry]
    with store.log() as db:
        stored = db.execute("SELECT entry, version FROM events ORDER BY position").fetchall()
    assert stored == [(entry.bytes, 1), (entry.bytes, 2), (entry.bytes, 3)]
    assert lost.bytes not in {row[0] for row in stored}


def test_a_command_that_a_restore_took_back_is_done_again(ledger: Ledger, copies: Copies) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    copies.keep()
    command = EditEntry(actor="ana", entry=entry, topic="Harbour")
    create = CreateEntry(actor="ana", date=DAY, headline="Two")
    ledger.execute([create, command])
    copies.restore()
    again = ledger.execute([command, create])
    assert [(event.version, event.position) for event in again] == [(2, 2), (1, 3)]
    assert ledger.get(entry).entry.topic == "Harbour"


def test_a_merge_after_a_restore_looks_at_the_older_copy(ledger: Ledger, copies: Copies) -> None:
    one = ledger.create(DAY, "One", actor="ana").entry
    two = ledger.create(DAY, "Two", actor="ana").entry
    copies.keep()
    ledger.retract(two, actor="ana")
    copies.restore()
    merged = ledger.execute([MergeEntry(actor="ana", entry=one, into=two)])[0]
    assert (merged.version, merged.position) == (2, 3)
    assert ledger.get(two).entry.status == "active"


def doings(entry: UUID) -> dict[str, Callable[[Ledger], Any]]:
    return {
        "get": lambda ledger: ledger.get(entry),
        "history": lambda ledger: ledger.history(entry),
        "entries": lambda ledger: ledger.entries(),
        "edit": lambda ledger: ledger.edit(entry, actor="ana", headline="Two"),
        "create": lambda ledger: ledger.create(DAY, "Two", actor="ana"),
    }


@pytest.mark.parametrize("name", doings(UUID(int=0)))
def test_a_log_that_was_deleted_is_missed(ledger: Ledger, store: Store, name: str) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    assert ledger.get(entry).entry.headline == "One"
    store.delete()
    with pytest.raises(StoreNotFound) as caught:
        doings(entry)[name](ledger)
    assert str(caught.value) == (
        f"there is no ledger {store.at}: make one with `ledger init`, "
        "or check --store and LEDGER_STORE"
    )
    assert not store.exists()


def test_a_log_that_was_deleted_is_not_made_anew_by_the_second_try(
    ledger: Ledger, store: Store
) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    store.delete()
    for name in ("get", "create", "create", "edit"):
        with pytest.raises(StoreNotFound):
            doings(entry)[name](ledger)
    assert not store.exists()


# Elsewhere


def test_a_relative_url_means_the_same_ledger_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    with Ledger.open("sqlite:///near.db") as ledger:
        monkeypatch.chdir(elsewhere)
        entry = ledger.create(DAY, "One", actor="ana").entry
        assert ledger.get(entry).entry.headline == "One"
        monkeypatch.chdir(tmp_path)
        ledger.edit(entry, actor="ana", headline="Two")
        monkeypatch.chdir(elsewhere)
        assert ledger.get(entry).entry.headline == "Two"
        assert [item.path for item in ledger.entries()] == ["/news/2021/03/4/two"]
        assert versions(ledger, entry) == [(1, 1), (2, 2)]
    assert (tmp_path / "near.db").is_file()
    assert list(elsewhere.iterdir()) == []
