"""`export jsonl | import jsonl`: the same ledger again, on any store, however it is stopped."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from ledger import EditEntry, Ledger, loading
from ledger.errors import InvalidTime
from ledger.loading import LoadReport
from ledger.results import When
from ledger.store.rows import Row
from tests.conftest import KINDS
from tests.erasures import Desk, erase, newsroom
from tests.histories import Step, histories, play
from tests.interchange.test_archive import BUNDLE, ENTRIES
from tests.properties import on_both
from tests.stores import PostgresStore, SQLiteStore, Store

DAY = date(2021, 3, 4)
WORDS = ("marlowe", "wexford inquiry", "gallows")
"""What versions 1 to 3 of the newsroom's entry say, and no other."""


@pytest.fixture(params=KINDS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store that is not there yet, of either kind, in a folder of its own."""
    if request.param == "sqlite":
        (tmp_path / "elsewhere").mkdir()
        yield SQLiteStore(tmp_path / "elsewhere" / "copy.db")
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


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    with newsroom(store.url) as opened:
        yield opened


def exported(ledger: Ledger, since: When | None = None) -> bytes:
    out = io.BytesIO()
    ledger.exports.jsonl(out, since)
    return out.getvalue()


def imported(ledger: Ledger, file: bytes) -> LoadReport:
    return ledger.import_jsonl(io.BytesIO(file))


def rows(ledger: Ledger) -> list[Row]:
    return ledger.application.log.read(0, 10_000)


def same(one: Ledger, other: Ledger) -> None:
    """Hold that two ledgers hold the same, and read the same."""
    assert rows(other) == rows(one)
    assert list(other.events()) == list(one.events())
    assert other.application.log.identity() == one.application.log.identity()
    assert other.views.status() == one.views.status()
    assert other.audit.head() == one.audit.head()
    assert other.audit.verify(with_views=True).sound


# The same ledger again


def test_every_event_comes_as_it_lay(ledger: Ledger, target: Store) -> None:
    with Ledger.open(target.url) as other:
        report = imported(other, exported(ledger))
        assert report == LoadReport(4, 4, ledger.audit.head().root)
        same(ledger, other)
        assert other.is_copy
        other.promote()
        other.create(DAY, "Gull", actor="Ann")


def test_a_ledger_without_events(store: Store, target: Store) -> None:
    with Ledger.open(store.url) as empty, Ledger.open(target.url) as other:
        empty.init()
        assert imported(other, exported(empty)).stored == 0
        same(empty, other)
        other.promote()


def test_there_and_back_again(ledger: Ledger, target: Store, store: Store) -> None:
    with Ledger.open(target.url) as other, Ledger.open(store.another().url) as back:
        imported(other, exported(ledger))
        assert exported(other) == exported(ledger)
        imported(back, exported(other))
        same(ledger, back)


@on_both(25, histories(), few=3)
def test_any_history_comes_as_it_was(store: Store, history: list[Step]) -> None:
    with closing(store.another()) as one, closing(store.another()) as two:
        with Ledger.open(one.url) as ledger, Ledger.open(two.url) as other:
            play(ledger, history)
            imported(other, exported(ledger))
            same(ledger, other)
        one.delete()
        two.delete()


def test_events_of_programs_to_come_pass_through(ledger: Ledger, target: Store) -> None:
    last = rows(ledger)[-1]
    newer = last._replace(position=5, version=last.version + 1, type="WindTurned@3")
    ledger.application.log.load([newer])
    with Ledger.open(target.url) as other:
        imported(other, exported(ledger))
        assert rows(other) == rows(ledger)
        assert other.audit.reckoned() == ledger.audit.reckoned()


def test_more_events_than_fit_in_one_batch(
    ledger: Ledger, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "BATCH", 3)
    entry = ledger.entries()[0].entry.id
    ledger.execute([EditEntry(entry=entry, headline=f"Number {n}", actor="Ben") for n in range(3)])
    told: list[tuple[int, int]] = []
    with Ledger.open(target.url) as other:
        file = io.BytesIO(exported(ledger))
        other.import_jsonl(file, lambda done, total: told.append((done, total)))
        same(ledger, other)
    # First what is read, then what is reckoned.
    assert told == [(done, 14) for done in (3, 6, 7, 10, 13, 14)]


def test_large_events_go_into_small_transactions(
    ledger: Ledger, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_MOST", 1)
    told: list[int] = []
    with Ledger.open(target.url) as other:
        other.import_jsonl(io.BytesIO(exported(ledger)), lambda done, _: told.append(done))
        same(ledger, other)
    assert told[:4] == [1, 2, 3, 4]


# What is erased


def test_what_was_erased_comes_erased(desk: Desk, target: Store) -> None:
    erase(desk.ledger, desk.entry, 1, 2, 4, names=True)
    file = exported(desk.ledger)
    assert not any(word in file.decode().lower() for word in WORDS)
    with Ledger.open(target.url) as other:
        imported(other, file)
        same(desk.ledger, other)
    assert target.found(WORDS) == set()


def test_what_is_erased_later_goes_there_too(desk: Desk, target: Store) -> None:
    with Ledger.open(target.url) as other:
        imported(other, exported(desk.ledger))
        assert target.found(WORDS) == {*WORDS}
        erase(desk.ledger, desk.entry, 1, 2, 4)
        assert imported(other, exported(desk.ledger, 7)).stored == 2
        same(desk.ledger, other)
        assert target.found(WORDS) == set()


@pytest.mark.parametrize("batch", [2, 100])
def test_what_was_erased_while_it_was_exported_does_not_stay(
    desk: Desk, target: Store, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = exported(desk.ledger).splitlines(keepends=True)
    erase(desk.ledger, desk.entry, 1, 2, 4)
    after = exported(desk.ledger).splitlines(keepends=True)
    monkeypatch.setattr(loading, "BATCH", batch)
    with Ledger.open(target.url) as other:
        imported(other, b"".join(before[:-1] + after[8:]))
        same(desk.ledger, other)
    assert target.found(WORDS) == set()


def test_an_export_explains_what_is_erased_while_it_is_made(
    desk: Desk, target: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.exporting.BATCH", 2)
    out = io.BytesIO()

    def tell(done: int, _total: int) -> None:
        if done == 2:
            erase(desk.ledger, desk.entry, 2, 4)

    assert desk.ledger.exports.jsonl(out, progress=tell).end == 9
    with Ledger.open(target.url) as other:
        imported(other, out.getvalue())
        same(desk.ledger, other)


# Piece by piece


def test_increments(ledger: Ledger, target: Store) -> None:
    with Ledger.open(target.url) as other:
        first = imported(other, exported(ledger))
        ledger.create(DAY, "Gull", actor="Ann")
        increment = exported(ledger, first.end)
        header, event, trailer = map(json.loads, increment.splitlines())
        assert (header["after"], header["root"]) == (4, first.root)
        assert (event["position"], trailer["events"], trailer["end"]) == (5, 1, 5)
        assert imported(other, increment) == LoadReport(1, 5, trailer["root"])
        same(ledger, other)
        nothing = exported(ledger, 5)
        assert imported(other, nothing) == LoadReport(0, 5, trailer["root"])
        # What is there already is compared, whatever piece it comes in.
        for file in (increment, exported(ledger), exported(ledger, 2)):
            assert imported(other, file).stored == 0
        other.promote()


def test_since_a_time_is_what_was_recorded_after_it(ledger: Ledger) -> None:
    third = list(ledger.events())[2]
    lines = exported(ledger, third.recorded_at).splitlines()
    assert [json.loads(line)["position"] for line in lines[1:-1]] == [4]


def test_a_position_that_is_not_there(ledger: Ledger) -> None:
    with pytest.raises(InvalidTime, match=r"^the log has no position 5; it ends at 4$"):
        exported(ledger, 5)


KILLED = """
import os, signal, sys
from ledger import Ledger, loading

loading.BATCH = 3
turns = 0

def tell(done, total):
    global turns
    turns += 1
    if turns == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

with Ledger.open(sys.argv[1]) as target, open(sys.argv[2], "rb") as file:
    target.import_jsonl(file, tell)
"""


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_one_that_was_killed_goes_on(desk: Desk, target: Store, tmp_path: Path, turn: int) -> None:
    erase(desk.ledger, desk.entry, 1, 2, 4)
    file = tmp_path / "log.jsonl"
    file.write_bytes(exported(desk.ledger))
    program = [sys.executable, "-c", KILLED, target.url, str(file), str(turn)]
    assert subprocess.run(program, check=False).returncode == -signal.SIGKILL
    with Ledger.open(target.url) as other:
        assert len(rows(other)) == 3 * turn
        assert imported(other, file.read_bytes()).stored == 9 - 3 * turn
        same(desk.ledger, other)


KILLED_BEFORE_PURGE = """
import os, signal, sys
from ledger import Ledger

with Ledger.open(sys.argv[1]) as target, open(sys.argv[2], "rb") as file:
    type(target.application.log).purge = lambda self: os.kill(os.getpid(), signal.SIGKILL)
    target.import_jsonl(file)
"""


def test_one_that_was_killed_before_it_purged_does_so_later(
    desk: Desk, target: Store, tmp_path: Path
) -> None:
    with Ledger.open(target.url) as other:
        imported(other, exported(desk.ledger))
    erase(desk.ledger, desk.entry, 1, 2, 4)
    file = tmp_path / "log.jsonl"
    file.write_bytes(exported(desk.ledger))
    program = [sys.executable, "-c", KILLED_BEFORE_PURGE, target.url, str(file)]
    assert subprocess.run(program, check=False).returncode == -signal.SIGKILL
    with Ledger.open(target.url) as other:
        assert len(rows(other)) == 9
        assert imported(other, file.read_bytes()).stored == 0
        same(desk.ledger, other)
    assert target.found(WORDS) == set()


# The corpus


@pytest.mark.skipif(not BUNDLE.exists(), reason="the archive is not here (../shared/corpus)")
def test_the_archive_comes_as_it_was(tmp_path: Path, target: Store) -> None:
    folder = tmp_path / "corpus"
    clone = ["git", "clone", "--quiet", "--branch", "master", str(BUNDLE), str(folder)]
    subprocess.run(clone, check=True)
    with Ledger.open(f"sqlite:///{tmp_path}/archive.db") as ledger:
        ledger.import_pages([folder], actor="archivist")
        with Ledger.open(target.url) as other:
            report = imported(other, exported(ledger))
            assert report.stored == ledger.audit.head().size == ENTRIES
            same(ledger, other)
