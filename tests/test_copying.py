"""Copies: between stores of any kind, stopped anywhere, refused, promoted."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from ledger import EditEntry, Ledger, copying
from ledger.audit.keys import make
from ledger.audit.merkle import root_of
from ledger.copying import copy, promote
from ledger.doctor import examine
from ledger.domain.events import RecordedEvent
from ledger.errors import (
    DoesNotHold,
    InvalidInput,
    NotALedger,
    ReadOnlyCopy,
    Refused,
    StoreBusy,
    StoreUnreachable,
)
from ledger.projections.registry import BUILT_IN
from ledger.store.leaf import leaf_hash
from ledger.store.places import shown
from ledger.store.rows import Row
from tests.conftest import KINDS
from tests.projections.desk import Fragile
from tests.stores import PostgresStore, SQLiteStore, Store

DAY = date(2021, 3, 4)


@pytest.fixture(params=KINDS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store that is not there yet, of either kind."""
    if request.param == "sqlite":
        yield SQLiteStore(tmp_path / "copy.db")
    else:
        with closing(PostgresStore(request.getfixturevalue("postgres"))) as found:
            yield found


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """A ledger of four events."""
    with Ledger.open(url) as opened:
        opened.init("harbour.example/news")
        first = opened.create(DAY, "Ferry", actor="Ann", contexts=("Quays",)).entry
        opened.create(DAY, "Tide", actor="Ann", summary="It rises.")
        opened.edit(first, actor="Ben", headline="Ferry sails")
        opened.correct(first, "It was nine.", actor="Ben")
        yield opened


def rows(ledger: Ledger) -> list[Row]:
    return ledger.application.log.read(0, 10_000)


def refused(source: Ledger, target: Ledger, message: str) -> None:
    before = rows(target)
    with pytest.raises(InvalidInput) as caught:
        copy(source, target)
    assert str(caught.value) == message
    assert rows(target) == before


# What it brings


def test_every_event_comes_as_it_lies(ledger: Ledger, target: Store) -> None:
    with Ledger.open(target.url) as other:
        report = copy(ledger, other)
        assert rows(other) == rows(ledger)
        assert list(other.events()) == list(ledger.events())
        assert other.application.log.identity() == ledger.application.log.identity()
        assert other.views.status() == ledger.views.status() == report.views
    assert [view.name for view in report.views] == [model.name for model in BUILT_IN]
    assert (report.copied, report.events) == (4, 4)
    assert report.root == root_of(map(leaf_hash, rows(ledger))).hex() == ledger.audit.head().root


def test_a_ledger_without_events_is_copied(store: Store, target: Store) -> None:
    with Ledger.open(store.url) as empty, Ledger.open(target.url) as other:
        identity = empty.init()
        report = copy(empty, other)
        assert (report.copied, report.events) == (0, 0)
        assert other.application.log.identity() == identity
        assert other.application.log.is_copy()


def test_there_and_back_again(ledger: Ledger, target: Store, store: Store) -> None:
    with Ledger.open(target.url) as other, Ledger.open(store.another().url) as back:
        there = copy(ledger, other)
        again = copy(other, back)
        assert rows(back) == rows(ledger)
        assert (again.root, again.views) == (there.root, there.views)
        assert back.application.log.is_copy()


def test_a_copy_is_brought_what_is_new(ledger: Ledger, target: Store) -> None:
    with Ledger.open(target.url) as other:
        assert copy(ledger, other).copied == 4
        assert copy(ledger, other).copied == 0
        ledger.create(DAY, "Gull", actor="Ann")
        report = copy(ledger, other)
        assert (report.copied, report.events, report.root) == (1, 5, ledger.audit.head().root)
        assert rows(other) == rows(ledger)


def test_more_events_than_fit_in_one_batch(
    ledger: Ledger, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", 3)
    entry = ledger.entries()[0].entry.id
    ledger.execute([EditEntry(entry=entry, headline=f"Number {n}", actor="Ben") for n in range(3)])
    told: list[tuple[int, int]] = []
    with Ledger.open(target.url) as other:
        report = copy(ledger, other, lambda done, total: told.append((done, total)))
        assert rows(other) == rows(ledger)
    assert (report.copied, report.root) == (7, ledger.audit.head().root)
    # First what is copied, then what is compared.
    assert told == [(done, 14) for done in (3, 6, 7, 10, 13, 14)]


KILLED = """
import os, signal, sys
from ledger import Ledger, copying

copying.BATCH = 3
turns = 0

def tell(done, total):
    global turns
    turns += 1
    if turns == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

with Ledger.open(sys.argv[1]) as source, Ledger.open(sys.argv[2]) as target:
    copying.copy(source, target, tell)
"""


def test_one_that_was_stopped_before_it_was_compared_is_not_promoted(
    ledger: Ledger, target: Store, tmp_path: Path
) -> None:
    program = [sys.executable, "-c", KILLED, ledger.application.url, target.url, "2"]
    assert subprocess.run(program, check=False).returncode == -signal.SIGKILL
    another = Ledger.open(f"sqlite:///{tmp_path}/another.db")
    with Ledger.open(target.url) as other, another:
        with pytest.raises(Refused, match="not compared with its source to its end: finish"):
            promote(other)
        assert other.is_copy
        role = next(check.found for check in examine(other) if check.name == "role")
        assert role.startswith("is a copy not compared with its source to its end")
        # The source may be lost.
        copy(other, another)
        promote(another)
        assert rows(another) == rows(other)
        copy(ledger, other)
        ledger.create(DAY, "Gull", actor="Ann")
        promote(other)
        assert not other.is_copy


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_copy_that_was_killed_goes_on(ledger: Ledger, target: Store, turn: int) -> None:
    program = [sys.executable, "-c", KILLED, ledger.application.url, target.url, str(turn)]
    assert subprocess.run(program, check=False).returncode == -signal.SIGKILL
    with Ledger.open(target.url) as other:
        # The first turn ends when a batch is stored, the second when all are.
        have = len(rows(other))
        assert have == {1: 3, 2: 4, 3: 4}[turn]
        report = copy(ledger, other)
        assert rows(other) == rows(ledger)
    assert (report.copied, report.events) == (4 - have, 4)


def test_what_is_written_meanwhile_comes_too(ledger: Ledger, target: Store) -> None:
    written: list[RecordedEvent] = []

    def write(_done: int, _total: int) -> None:
        if len(written) < 2:
            written.append(ledger.create(DAY, f"Gull {len(written)}", actor="Ann"))

    with Ledger.open(target.url) as other:
        # The first is written while it is copied, the second while it is compared.
        report = copy(ledger, other, write)
        assert rows(other) == rows(ledger)[: report.events]
        assert {view.position for view in report.views} == {report.events}
    assert (report.events, len(rows(ledger))) == (6, 6)


def test_what_is_written_while_it_is_compared_waits(ledger: Ledger, target: Store) -> None:
    told: list[int] = []

    def write(done: int, _total: int) -> None:
        told.append(done)
        if done == 8:
            ledger.create(DAY, "Gull", actor="Ann")

    with Ledger.open(target.url) as other:
        report = copy(ledger, other, write)
        assert (report.events, len(rows(ledger))) == (4, 5)
        assert report.views == ledger.views.aside(4, None) != ledger.views.status()
        assert copy(ledger, other).copied == 1
    assert told == [4, 8]


def test_a_server_that_goes_away_in_the_middle(
    sqlite_url: str, postgres_store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = postgres_store.server
    monkeypatch.setattr(copying, "BATCH", 2)
    durable = postgres_store.with_options()
    with Ledger.open(sqlite_url) as ledger, Ledger.open(durable) as other:
        for number in range(5):
            ledger.create(DAY, f"Gull {number}", actor="Ann")
        try:
            with pytest.raises(StoreUnreachable):
                copy(ledger, other, lambda done, _: server.kill() if done == 2 else None)
        finally:
            server.start()
        assert (copy(ledger, other).copied, rows(other)) == (3, rows(ledger))


# What is refused


def test_the_store_itself_is_refused(ledger: Ledger) -> None:
    url = ledger.application.url
    sign = "&" if "?" in url else "?"
    with Ledger.open(f"{url}{sign}timeout=5") as same:
        with pytest.raises(
            InvalidInput, match=r"^the store .* is the source itself: name another"
        ):
            copy(ledger, same)
        assert not ledger.application.log.is_copy()


def test_a_file_by_another_name_is_the_same(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to("news.db")
    with Ledger.open(sqlite_url) as ours, Ledger.open(f"sqlite:///{tmp_path}/link.db") as same:
        ours.init()
        with pytest.raises(InvalidInput, match="is the source itself"):
            copy(ours, same)


def test_a_copy_is_not_copied_into_itself(ledger: Ledger, target: Store) -> None:
    with Ledger.open(target.url) as other:
        copy(ledger, other)
        with (
            Ledger.open(target.with_options(timeout="5")) as same,
            pytest.raises(InvalidInput, match="is the source itself"),
        ):
            copy(other, same)


def test_another_ledger_is_refused(ledger: Ledger, target: Store) -> None:
    with Ledger.open(target.url) as other:
        other.init("lighthouse.example/news")
        place = shown(other.application.url)
        refused(
            ledger,
            other,
            f"the store {place} holds another ledger, lighthouse.example/news "
            f"(id {other.application.log.identity().id}): copy into a store that `ledger init` "
            "has not made",
        )
        assert not other.application.log.is_copy()


def test_another_event_is_refused_and_named(ledger: Ledger, target: Store) -> None:
    with Ledger.open(target.url) as other:
        copy(ledger, other)
        with target.log() as db:
            db.execute("UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 2")
        refused(
            ledger,
            other,
            f"the store {shown(other.application.url)} holds another event at position 2: copy "
            "into a new one",
        )


def test_more_events_than_the_source_has_are_refused(
    ledger: Ledger, target: Store, store: Store
) -> None:
    with Ledger.open(store.another().url) as older, Ledger.open(target.url) as other:
        copy(ledger, older)
        ledger.create(DAY, "Gull", actor="Ann")
        copy(ledger, other)
        message = (
            f"the store {shown(other.application.url)} holds 5 events, the source 4: copy into a "
        )
        refused(older, other, f"{message}new one")


def test_what_is_no_copy_is_refused(ledger: Ledger, target: Store) -> None:
    with Ledger.open(target.url) as other:
        copy(ledger, other)
        promote(other)
        message = "is no copy, or was promoted: it takes events of its own"
        refused(ledger, other, f"the store {shown(other.application.url)} {message}")
        # Nor the other way round: the original is no copy either.
        refused(other, ledger, f"the store {shown(ledger.application.url)} {message}")


def test_two_copies_into_one_at_once(
    ledger: Ledger, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", 3)
    with Ledger.open(target.url) as other, Ledger.open(target.url) as faster:

        def overtake(done: int, _total: int) -> None:
            if done == 3:
                faster.application.log.load(rows(ledger)[3:])

        again = r"^somebody else writes to the store .*: run it again"
        with pytest.raises(StoreBusy, match=again):
            copy(ledger, other, overtake)
        assert copy(ledger, other).copied == 0


def test_one_that_is_promoted_meanwhile(
    ledger: Ledger, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", 3)
    with Ledger.open(target.url) as other:

        def take_over(done: int, _total: int) -> None:
            if done == 3:
                other.application.log.promote()

        with pytest.raises(InvalidInput, match="is no copy, or was promoted"):
            copy(ledger, other, take_over)
        assert rows(other) == rows(ledger)[:3]


def test_a_place_that_is_no_store(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Call the harbour master.")
    with (
        Ledger.open(f"sqlite:///{tmp_path / 'notes.txt'}") as other,
        pytest.raises(NotALedger),
    ):
        copy(ledger, other)
    assert (tmp_path / "notes.txt").read_text() == "Call the harbour master."


def test_what_is_altered_in_the_copy_meanwhile_is_found(ledger: Ledger, target: Store) -> None:
    def alter(done: int, _total: int) -> None:
        if done == 4:
            with target.log() as db:
                db.execute("UPDATE events SET content = x'00' WHERE position = 3")

    with Ledger.open(target.url) as other, pytest.raises(DoesNotHold) as caught:
        copy(ledger, other, alter)
    assert str(caught.value) == (
        f"the copy {shown(other.application.url)} holds another event at position 3 than was put "
        "there"
    )


def test_views_that_differ_are_named(ledger: Ledger, target: Store, store: Store) -> None:
    ledger.views.status()
    with store.views() as db:
        db.execute("UPDATE changes SET actor = 'eve' WHERE position = 3")
    with Ledger.open(target.url) as other:
        with pytest.raises(DoesNotHold) as caught:
            copy(ledger, other)
        assert str(caught.value) == (
            f"the copy {shown(other.application.url)} has the same events, but its views changes "
            "differ from the source's: `ledger rebuild --check` on both tells which are wrong"
        )
        assert rows(other) == rows(ledger)


def test_what_the_source_alone_passes_over_is_not_compared(ledger: Ledger, target: Store) -> None:
    ledger.register(Fragile())
    with Ledger.open(target.url) as other:
        other.register(Fragile())
        # Stopped at the same event, both hold the same.
        assert "fragile" in {view.name for view in copy(ledger, other).views}
        ledger.views.skip("fragile", 3, "broken", "Ann")
        assert ledger.views.status() != other.views.status()
        assert copy(ledger, other).copied == 0


# What a copy takes, and when it takes over


def test_a_copy_is_only_read_until_it_is_promoted(
    ledger: Ledger, target: Store, tmp_path: Path
) -> None:
    signer = make(tmp_path / "key", "harbour.example/news")
    with Ledger.open(target.url) as other:
        copy(ledger, other)
        entry = other.id_of("/news/2021/03/4/ferry")
        for write in (
            lambda: other.create(DAY, "Gull", actor="Ann"),
            lambda: other.edit(entry, headline="Gull", actor="Ann"),
            lambda: other.erase(entry, [1], "Court", actor="Ann", reason="ordered"),
        ):
            with pytest.raises(ReadOnlyCopy, match=r"^this ledger is a copy, so it takes "):
                write()
        checkpoint = other.audit.checkpoint()
        assert checkpoint == ledger.audit.checkpoint()
        with pytest.raises(ReadOnlyCopy, match=r"^this ledger is a copy, so it signs nothing: "):
            other.audit.sign(checkpoint, [signer])
        assert other.audit.sign(checkpoint, []).signatures == ()
        assert other.audit.verify([checkpoint.body.encode()]).sound
        assert rows(other) == rows(ledger)
        promote(other)
        assert other.audit.sign(checkpoint, [signer]) == ledger.audit.sign(checkpoint, [signer])
        assert other.create(DAY, "Gull", actor="Ann").position == 5
        with pytest.raises(Refused, match=r"^this ledger is no copy, or was promoted already"):
            promote(other)
    with pytest.raises(Refused, match=r"^this ledger is no copy"):
        promote(ledger)
