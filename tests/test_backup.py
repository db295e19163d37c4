"""Backups: whole, verified, while others write, or not there at all."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.audit.merkle import root_of
from ledger.backup import BackupReport, backup, verify_backup
from ledger.copying import copy
from ledger.errors import DoesNotHold, InvalidInput, ReadOnlyCopy, StoreCorrupt, StoreNotFound
from ledger.store.leaf import leaf_hash
from tests.erasures import erase, newsroom
from tests.stores import SQLiteStore

DAY = date(2021, 3, 4)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger of two events, with views."""
    (tmp_path / "desk").mkdir()
    with Ledger.open(f"sqlite:///{tmp_path / 'desk' / 'news.db'}") as opened:
        entry = opened.create(DAY, "Ferry", actor="Ann").entry
        opened.edit(entry, headline="Ferry sails", actor="Ben")
        opened.views.status()
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the backup goes."""
    (tmp_path / "safe").mkdir()
    return tmp_path / "safe" / "news.bak"


def names(file: Path) -> list[str]:
    return sorted(path.name for path in file.parent.iterdir())


def root(ledger: Ledger, size: int) -> str:
    return root_of(map(leaf_hash, ledger.application.rows(0, size))).hex()


def test_a_backup_is_the_ledger_itself(ledger: Ledger, file: Path) -> None:
    report = backup(ledger, file)
    assert report == BackupReport(2, root(ledger, 2), 0)
    assert names(file) == ["news.bak"]
    with Ledger.open(f"sqlite:///{file}") as other:
        assert other.application.log.identity() == ledger.application.log.identity()
        assert other.application.log.read(0, 9) == ledger.application.log.read(0, 9)
        # It is put back in the ledger's place, and goes on: it is no copy.
        assert not other.application.log.is_copy()
        assert other.create(DAY, "Tide", actor="Ann").position == 3
        assert other.audit.verify(with_views=True).sound


def test_a_backup_of_a_copy_is_a_copy(ledger: Ledger, file: Path) -> None:
    with Ledger.open(f"sqlite:///{file.parent / 'copy.db'}") as other:
        copy(ledger, other)
        backup(other, file)
    with Ledger.open(f"sqlite:///{file}") as again, pytest.raises(ReadOnlyCopy):
        again.create(DAY, "Tide", actor="Ann")


def test_others_write_while_it_is_made(ledger: Ledger, file: Path) -> None:
    """It is as the log was at one moment, at its beginning; it does not begin again, nor wait."""
    entry = ledger.entries()[0].entry.id
    for number in range(40):
        ledger.edit(entry, summary=f"{number} " * 60_000, actor="Ben")
    told: list[tuple[int, int]] = []

    def write(done: int, total: int) -> None:
        told.append((done, total))
        with Ledger.open(ledger.application.url) as other:
            other.create(DAY, f"Tide {len(told)}", actor="Cid")

    report = backup(ledger, file, write)
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    assert report == BackupReport(42, root(ledger, 42), len(told))
    assert ledger.application.log.head().position == 42 + len(told)


def test_writers_in_threads_are_not_held_up(ledger: Ledger, file: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            ledger.create(DAY, "Tide", actor="Cid")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        reports = [backup(ledger, file.with_name(f"{number}.bak")) for number in range(5)]
    finally:
        stop.set()
        writer.join()
    for number, report in enumerate(reports):
        assert report.root == root(ledger, report.events)
        assert verify_backup(ledger, file.with_name(f"{number}.bak")).root == report.root


def test_nobody_reads_it_who_may_not_read_the_log(ledger: Ledger, file: Path) -> None:
    (file.parents[1] / "desk" / "news.db").chmod(0o600)
    backup(ledger, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_is_overwritten(ledger: Ledger, file: Path) -> None:
    for name in ("news.bak", "news.bak-wal", "news.bak-journal", "news.bak-shm"):
        there = file.with_name(name)
        there.write_text("mine")
        with pytest.raises(InvalidInput) as caught:
            backup(ledger, file)
        assert str(caught.value) == f"{there} is there already, and is not overwritten"
        assert there.read_text() == "mine"
        there.unlink()
    file.symlink_to("nowhere")
    with pytest.raises(InvalidInput, match="is there already"):
        backup(ledger, file)
    assert names(file) == ["news.bak"]


def test_what_comes_to_its_place_meanwhile_is_not_overwritten(ledger: Ledger, file: Path) -> None:
    def take(_done: int, _total: int) -> None:
        file.write_text("mine")

    with pytest.raises(InvalidInput, match="is there already"):
        backup(ledger, file, take)
    assert (names(file), file.read_text()) == (["news.bak"], "mine")


def test_where_it_cannot_be(ledger: Ledger, file: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound) as caught:
        backup(ledger, tmp_path / "attic" / "news.bak")
    assert str(caught.value) == f"the folder {tmp_path / 'attic'} does not exist: make it first"
    with Ledger.open(f"sqlite:///{tmp_path / 'no.db'}") as nobody, pytest.raises(StoreNotFound):
        backup(nobody, file)
    assert names(file) == []


FULL = """
import resource, sys
from pathlib import Path
from ledger import Ledger
from ledger.backup import backup
from ledger.errors import StoreFull

with Ledger.open(sys.argv[1]) as ledger:
    ledger.application.log.head()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        backup(ledger, Path(sys.argv[2]))
    except StoreFull as error:
        print(error)
    # What measures the tests writes a file of its own in the end.
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
"""


def test_a_full_disk_leaves_nothing_behind(ledger: Ledger, file: Path) -> None:
    entry = ledger.entries()[0].entry.id
    ledger.edit(entry, summary="long " * 30_000, actor="Ben")
    program = [sys.executable, "-c", FULL, ledger.application.url, str(file)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{file} could not be ")
    assert "the disk is full or failing: make room; nothing was left there (" in done.stdout
    assert names(file) == []


# Verified later


def test_a_backup_is_held_against_the_log(ledger: Ledger, file: Path) -> None:
    backup(ledger, file)
    ledger.create(DAY, "Tide", actor="Ann")
    before = file.read_bytes()
    assert verify_backup(ledger, file) == BackupReport(2, root(ledger, 2), 1)
    assert (names(file), file.read_bytes()) == (["news.bak"], before)


def test_a_backup_from_before_an_erasure_holds(tmp_path: Path, file: Path) -> None:
    with newsroom(f"sqlite:///{tmp_path / 'news.db'}") as desk:
        backup(desk.ledger, file)
        erase(desk.ledger, desk.entry, 1, 2)
        assert verify_backup(desk.ledger, file) == BackupReport(7, root(desk.ledger, 7), 2)
        after = file.with_name("after.bak")
        assert backup(desk.ledger, after) == BackupReport(9, root(desk.ledger, 9), 0)


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 1", 1),
        ("UPDATE events SET content = x'00' WHERE position = 2", 2),
        ("UPDATE events SET content = x'' WHERE position = 2", 2),
        ("DELETE FROM events WHERE position = 1", 1),
        ("UPDATE events SET position = 4 WHERE position = 2", 2),
    ],
)
def test_a_backup_that_was_altered(
    ledger: Ledger, file: Path, statement: str, position: int
) -> None:
    backup(ledger, file)
    with SQLiteStore(file).log() as db:
        db.execute(statement)
    with pytest.raises(DoesNotHold) as caught:
        verify_backup(ledger, file)
    assert str(caught.value) == (
        f"the backup {file} holds another event at position {position} than the log"
    )


def test_a_backup_whose_guards_are_gone(ledger: Ledger, file: Path) -> None:
    backup(ledger, file)
    with closing(sqlite3.connect(file)) as db:
        db.execute("DROP TRIGGER events_are_never_deleted")
    with pytest.raises(DoesNotHold, match=r"is damaged: the trigger events_are_never_deleted of "):
        verify_backup(ledger, file)


def test_a_backup_that_is_cut_off(ledger: Ledger, file: Path) -> None:
    backup(ledger, file)
    file.write_bytes(file.read_bytes()[:-4096])
    with pytest.raises((StoreCorrupt, DoesNotHold)):
        verify_backup(ledger, file)


def test_a_backup_of_more_than_the_log_has(ledger: Ledger, file: Path) -> None:
    older = file.with_name("older.bak")
    backup(ledger, older)
    ledger.create(DAY, "Tide", actor="Ann")
    backup(ledger, file)
    with (
        Ledger.open(f"sqlite:///{older}") as put_back,
        pytest.raises(DoesNotHold, match=r"another event at position 3 than the log$"),
    ):
        verify_backup(put_back, file)


def test_what_is_no_backup_of_this_ledger(ledger: Ledger, file: Path, tmp_path: Path) -> None:
    def refused(path: Path, message: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            verify_backup(ledger, path)
        assert str(caught.value) == message

    refused(file, f"{file} cannot be read: No such file or directory")
    file.write_text("Call the harbour master.")
    neither = "is no backup: neither a SQLite file nor an archive of pg_dump's"
    refused(file, f"{file} {neither}")
    log = tmp_path / "desk" / "news.db"
    refused(log, f"{log} is the log itself")
    with Ledger.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        other.init()
    refused(tmp_path / "other.db", f"{tmp_path / 'other.db'} is the backup of another ledger")
