"""Copies of what was erased: whenever it was, nothing of it is left in the copy."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger import Ledger, copying
from ledger.copying import copy
from ledger.errors import InvalidInput, StoreBusy
from tests.conftest import KINDS
from tests.erasures import Desk, erase, newsroom
from tests.stores import PostgresStore, SQLiteStore, Store

WORDS = ("marlowe", "wexford inquiry", "gallows")
"""What versions 1 to 3 of the entry say, and no other."""


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    with newsroom(store.url) as opened:
        yield opened


@pytest.fixture(params=KINDS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store that is not there yet, of either kind, in a folder of its own."""
    if request.param == "sqlite":
        (tmp_path / "elsewhere").mkdir()
        yield SQLiteStore(tmp_path / "elsewhere" / "copy.db")
    else:
        with closing(PostgresStore(request.getfixturevalue("postgres"))) as found:
            yield found


def take_away(desk: Desk) -> None:
    """Erase all that tells of Marlowe."""
    erase(desk.ledger, desk.entry, 1, 2, 4)


def same(one: Ledger, other: Ledger) -> None:
    """Hold that two ledgers hold the same, and read the same."""
    assert other.application.log.read(0, 10_000) == one.application.log.read(0, 10_000)
    assert list(other.events()) == list(one.events())
    assert other.views.status() == one.views.status()
    assert other.audit.verify(with_views=True).sound


def test_what_was_erased_comes_erased(desk: Desk, target: Store) -> None:
    take_away(desk)
    with Ledger.open(target.url) as other:
        assert copy(desk.ledger, other).copied == 9
        same(desk.ledger, other)
    assert target.found(WORDS) == set()


def test_what_is_erased_later_goes_from_the_copy_too(desk: Desk, target: Store) -> None:
    with Ledger.open(target.url) as other:
        copy(desk.ledger, other)
        assert target.found(WORDS) == {*WORDS}
        take_away(desk)
        assert copy(desk.ledger, other).copied == 2
        same(desk.ledger, other)
        assert target.found(WORDS) == set()
        # Nothing is left to do, and it is done again all the same.
        assert copy(desk.ledger, other).copied == 0
        same(desk.ledger, other)


def test_what_is_erased_while_it_is_copied_goes_too(
    desk: Desk, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", 5)
    told: list[int] = []

    def tell(done: int, _total: int) -> None:
        told.append(done)
        if len(told) == 1:
            take_away(desk)

    with Ledger.open(target.url) as other:
        copy(desk.ledger, other, tell)
        assert told[:3] == [5, 9, 14]
        same(desk.ledger, other)
        assert target.found(WORDS) == set()


def test_a_copy_that_ends_before_the_erasure_goes_on(desk: Desk, target: Store) -> None:
    take_away(desk)
    with Ledger.open(target.url) as other:
        # What was erased lies in the copy, and not yet why.
        log = other.application.log
        log.create(copy_of=desk.ledger.application.log.identity())
        log.load(desk.ledger.application.log.read(0, 7))
        assert copy(desk.ledger, other).copied == 2
        same(desk.ledger, other)


def test_what_came_back_after_its_erasure_does_not_come_along(
    desk: Desk, target: Store, store: Store
) -> None:
    (before, *_) = desk.ledger.application.log.read(0, 1)
    take_away(desk)
    with store.log() as db:
        db.execute("UPDATE events SET content = ? WHERE position = 1", (before.content,))
    with Ledger.open(target.url) as other:
        copy(desk.ledger, other)
        assert other.application.log.read(0, 1)[0].content == b""
    assert target.found(WORDS) == set()


KILLED = """
import os, signal, sys
from ledger import Ledger
from ledger.copying import copy

with Ledger.open(sys.argv[1]) as source, Ledger.open(sys.argv[2]) as target:
    type(target.application.log).purge = lambda self: os.kill(os.getpid(), signal.SIGKILL)
    copy(source, target)
"""


def test_a_copy_that_was_killed_before_it_purged_does_so_later(desk: Desk, target: Store) -> None:
    with Ledger.open(target.url) as other:
        copy(desk.ledger, other)
    take_away(desk)
    program = [sys.executable, "-c", KILLED, desk.ledger.application.url, target.url]
    assert subprocess.run(program, check=False).returncode == -signal.SIGKILL
    with Ledger.open(target.url) as other:
        assert len(other.application.log.read(0, 100)) == 9
        assert copy(desk.ledger, other).copied == 0
        same(desk.ledger, other)
    assert target.found(WORDS) == set()


def test_another_who_reads_the_copy_delays_the_purge(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    with Ledger.open(f"sqlite:///{path}?timeout=0.2") as other:
        copy(desk.ledger, other)
        take_away(desk)
        with closing(SQLiteStore(path)) as store, store.log() as db:
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM events").fetchone()
            with pytest.raises(StoreBusy, match="run `ledger purge` once it is done"):
                copy(desk.ledger, other)
            db.execute("COMMIT")
        copy(desk.ledger, other)
        same(desk.ledger, other)


def test_another_event_than_the_erased_one_is_refused(desk: Desk, target: Store) -> None:
    with Ledger.open(target.url) as other:
        copy(desk.ledger, other)
        take_away(desk)
        with target.log() as db:
            # Blanked as well, but of another time.
            db.execute(
                "UPDATE events SET content = x'', recorded_at = recorded_at - 1 WHERE position = 1"
            )
        with pytest.raises(InvalidInput, match="holds another event at position 1: copy into a"):
            copy(desk.ledger, other)
