"""Stores that a log in JSON Lines does not go into, and logs that do not go on."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ledger import Ledger, loading
from ledger.errors import InvalidInput, StoreBusy, StoreNotFound
from ledger.store.places import shown
from tests.interchange.test_jsonl_import import exported, imported, rows
from tests.stores import Store

DAY = date(2021, 3, 4)


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """A ledger of four events."""
    with Ledger.open(url) as opened:
        opened.init("harbour.example/news")
        first = opened.create(DAY, "Ferry", actor="Ann").entry
        opened.create(DAY, "Tide", actor="Ann")
        opened.edit(first, actor="Ben", headline="Ferry sails")
        opened.correct(first, "It was nine.", actor="Ben")
        yield opened


@pytest.fixture
def target(store: Store) -> Store:
    """A store that is not there yet."""
    return store.another()


def refused(ledger: Ledger, file: bytes, message: str) -> None:
    before = rows(ledger)
    with pytest.raises(InvalidInput) as caught:
        imported(ledger, file)
    assert str(caught.value) == message
    assert rows(ledger) == before


def test_another_ledger_is_refused(ledger: Ledger, target: Store) -> None:
    with Ledger.open(target.url) as other:
        id_ = other.init("lighthouse.example/news").id
        refused(
            other,
            exported(ledger),
            f"the store {shown(other.application.url)} holds another ledger, "
            f"lighthouse.example/news (id {id_}): import into a store that `ledger init` has not "
            "made",
        )


def test_what_is_no_copy_is_refused(ledger: Ledger) -> None:
    place = shown(ledger.application.url)
    message = f"the store {place} is no copy, or was promoted: it takes events of its own"
    refused(ledger, exported(ledger), message)


def test_other_events_are_refused(ledger: Ledger, target: Store) -> None:
    file = exported(ledger)
    with Ledger.open(target.url) as other:
        imported(other, file)
        with target.log() as db:
            db.execute("UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 1")
        place = shown(other.application.url)
        refused(
            other,
            file,
            f"line 2: the store {place} holds another event at position 1: import into a new one; "
            "nothing was stored",
        )
        refused(
            other,
            exported(ledger, 3),
            f"line 1: the store {place} holds other events up to 3 than the log that the file "
            "goes on with",
        )


def test_a_copy_that_is_promoted_meanwhile(
    ledger: Ledger, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "BATCH", 3)
    with Ledger.open(target.url) as other, Ledger.open(target.url) as faster:

        def promote(_done: int, _total: int) -> None:
            faster.application.log.promote()

        with pytest.raises(InvalidInput, match=r"is no copy, or was promoted.*; stored are the"):
            other.import_jsonl(io.BytesIO(exported(ledger)), promote)
        assert len(rows(other)) == 3


def test_two_at_once(ledger: Ledger, target: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "BATCH", 3)
    with Ledger.open(target.url) as other, Ledger.open(target.url) as faster:

        def overtake(done: int, _total: int) -> None:
            if done == 3:
                faster.application.log.load(rows(ledger)[3:])

        with pytest.raises(StoreBusy, match=r"^somebody else writes to the store .*: run it agai"):
            other.import_jsonl(io.BytesIO(exported(ledger)), overtake)
        assert imported(other, exported(ledger)).stored == 0


def test_a_folder_that_is_not_there(ledger: Ledger, tmp_path: Path) -> None:
    with (
        Ledger.open(f"sqlite:///{tmp_path}/nowhere/copy.db") as other,
        pytest.raises(StoreNotFound, match=r"nowhere does not exist: make it first$"),
    ):
        imported(other, exported(ledger))
    assert not (tmp_path / "nowhere").exists()
