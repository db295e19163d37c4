"""What may be wrong with the log's file or its folder, and what is said then."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from ledger.errors import (
    NotALedger,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreNotFound,
    StoreNotWritable,
    StoreTooNew,
)
from ledger.store import schema
from ledger.store.sqlite import SQLiteRecorder
from ledger.store.urls import SQLiteURL
from tests.store.recorders import WRITE, Make, row, store
from tests.unprivileged import run_unprivileged


def refuses(recorder: SQLiteRecorder, error: type[StoreError], words: str) -> None:
    """Check that every way into the file says the same."""
    for use in (recorder.head, recorder.upgrade, lambda: recorder.append([row(9)])):
        with pytest.raises(error) as caught:
            use()
        assert type(caught.value) is error
        assert words in str(caught.value)


def test_a_missing_folder_is_not_made(make: Make, tmp_path: Path) -> None:
    recorder = make(at=tmp_path / "desk" / "news.db")
    with pytest.raises(StoreNotFound) as caught:
        recorder.append([row(1)])
    assert str(caught.value) == f"the folder {tmp_path / 'desk'} does not exist: make it first"
    with pytest.raises(StoreNotFound, match="there is no ledger at"):
        recorder.head()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_the_file(make: Make, path: Path) -> None:
    path.mkdir()
    refuses(make(), StoreNotWritable, f"{path} cannot be opened: Is a directory")


def test_a_file_in_the_place_of_the_folder(make: Make, path: Path) -> None:
    path.write_text("a file")
    refuses(make(at=path / "news.db"), StoreNotWritable, "cannot be opened: Not a directory")


def text_file(path: Path) -> None:
    path.write_text("SQLite is not what this is\n" * 100)


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1)")


def other_database_with_a_journal(path: Path) -> None:
    """Another program is at work in it, or keeps its journal, and counts its schema as we do."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"CREATE TABLE t (x); PRAGMA user_version = {schema.schema_version()}")
    path.with_name(path.name + "-journal").write_bytes(b"")


def other_database_of_an_older_look(path: Path) -> None:
    other_database(path)
    path.with_name(path.name + "-journal").write_bytes(b"")


LEFT = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute(f"PRAGMA journal_mode = {sys.argv[2]}")
db.execute("CREATE TABLE t (x)")
db.executemany("INSERT INTO t VALUES (?)", [("x" * 1000,)] * 50)
# Written before the commit, so that there is something to roll back.
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN")
db.execute("UPDATE t SET x = x || 'y'")
os._exit(0)
"""


def other_database_left_with_its_log(path: Path) -> None:
    subprocess.run([sys.executable, "-c", LEFT, str(path), "wal"], check=True)
    assert path.with_name(path.name + "-wal").stat().st_size > 0


def other_database_left_with_its_journal(path: Path) -> None:
    subprocess.run([sys.executable, "-c", LEFT, str(path), "delete"], check=True)
    assert path.with_name(path.name + "-journal").stat().st_size > 0


@pytest.mark.parametrize(
    "fill",
    [
        text_file,
        other_database,
        other_database_with_a_journal,
        other_database_of_an_older_look,
        other_database_left_with_its_log,
        other_database_left_with_its_journal,
    ],
)
@pytest.mark.parametrize("use", ["head", "upgrade", "create", "append"])
def test_somebody_else_s_file_is_not_touched(
    make: Make, path: Path, fill: Callable[[Path], None], use: str
) -> None:
    def everything() -> dict[str, tuple[bytes, int]]:
        found = (file for file in path.parent.iterdir() if not file.name.endswith("-shm"))
        return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in found}

    fill(path)
    before = everything()
    recorder = make()
    with pytest.raises(NotALedger) as caught:
        recorder.append([row(1)]) if use == "append" else getattr(recorder, use)()
    assert str(caught.value).startswith(f"{path} is no ledger")
    assert everything() == before


@pytest.mark.parametrize("use", ["head", "upgrade", "create", "append"])
def test_somebody_else_s_file_is_not_touched_while_it_is_being_made(
    make: Make, path: Path, use: str
) -> None:
    """It is half made when we look, and whole when its maker lets us in."""
    recorder = make()
    with (
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
        ThreadPoolExecutor() as pool,
    ):
        other.execute("PRAGMA cache_size = 1")
        other.execute("BEGIN")
        other.execute("CREATE TABLE t (x)")
        other.executemany("INSERT INTO t VALUES (?)", [("x" * 1000,)] * 50)
        assert path.stat().st_size > 0
        answer = pool.submit(
            lambda: recorder.append([row(1)]) if use == "append" else getattr(recorder, use)()
        )
        time.sleep(0.2)
        other.execute("COMMIT")
        with pytest.raises(NotALedger, match="is no ledger"):
            answer.result()
        assert other.execute("SELECT name FROM sqlite_schema").fetchall() == [("t",)]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_newer_schema_is_refused(make: Make, path: Path) -> None:
    store(path)
    now = schema.schema_version()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {now + 1}")
    refuses(
        make(),
        StoreTooNew,
        f"{path} has log schema {now + 1}, this program knows {now}: use a newer",
    )


@pytest.mark.parametrize("size", [20, 100, 4000, 4096, 9000])
def test_a_truncated_file_is_no_ledger_or_damaged(make: Make, path: Path, size: int) -> None:
    store(path)
    path.write_bytes(path.read_bytes()[:size])
    for use in (lambda: make().head(), lambda: make().append([row(9)])):
        with pytest.raises((StoreCorrupt, NotALedger)):
            use()
    assert path.stat().st_size == size


def test_a_damaged_page_is_named_when_it_is_read(make: Make, path: Path) -> None:
    store(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    for use in (lambda: make().head(), lambda: make().append([row(9)])):
        with pytest.raises(StoreCorrupt) as caught:
            use()
        assert str(caught.value).startswith(f"{path} is damaged: restore it from a backup")


def test_a_writer_that_waits_too_long_is_told(make: Make, path: Path) -> None:
    store(path)
    recorder = make("?timeout=0.1")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy) as caught:
            recorder.append([row(4)])
        assert str(caught.value).startswith(f"{path} is being written by another process: try")
        # Readers never wait for a writer.
        assert recorder.head().position == 3
    assert recorder.append([row(4)]).first == 4


def test_an_upgrade_waits_no_longer_than_the_url_says(make: Make, path: Path) -> None:
    store(path)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(1, other.execute, ["ROLLBACK"])
        release.start()
        try:
            with pytest.raises(StoreBusy):
                make("?timeout=0.1").upgrade()
        finally:
            release.cancel()
            release.join()


def test_a_full_disk_stores_nothing(make: Make) -> None:
    recorder = make()
    recorder.append([row(1)])
    writer = recorder.file.writer
    assert writer is not None
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreFull) as caught:
        recorder.append([row(version, b"x" * 3000) for version in range(2, 20)])
    assert "the disk is full: make room; nothing was stored (" in str(caught.value)
    assert recorder.head().position == 1
    assert recorder.append([row(2)]).first == 2
    writer.execute("PRAGMA max_page_count = 1000000")
    assert recorder.append([row(version, b"x" * 3000) for version in range(3, 20)]).first == 3


def test_a_write_that_is_interrupted_stores_nothing(path: Path) -> None:
    """SQLite rolls back by itself then, as it does where a disk fails."""
    signals: list[int] = []

    def clock() -> int:
        # The time is asked for just before the rows are inserted.
        assert recorder.file.writer is not None
        recorder.file.writer.set_progress_handler(lambda: signals.pop() if signals else 0, 1)
        return 1_700_000_000_000_000

    with closing(SQLiteRecorder(SQLiteURL(path))) as first:
        first.append([row(1)])
    with closing(SQLiteRecorder(SQLiteURL(path), clock=clock)) as recorder:
        signals.append(1)
        with pytest.raises(StoreError, match=r"failed; nothing was stored \(interrupted\)$"):
            recorder.append([row(2)])
        assert recorder.head().position == 1
        assert recorder.append([row(2)]).first == 2


FULL = f"""{WRITE}
import resource
limit = int(sys.argv[2])
# Python ignores the signal that comes with it, so a write beyond the limit fails.
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    recorder.append([NewRow(b"f" * 16, n, "T@1", b"m", b"x" * 1000) for n in range(1, 200)])
except Exception as error:
    print(type(error).__name__)
"""


def test_a_file_that_may_not_grow_stores_nothing(make: Make, path: Path) -> None:
    store(path)
    ran = subprocess.run(
        [sys.executable, "-c", FULL, f"sqlite:///{path}", "60000"],
        # A measurement of coverage could not write its own file either.
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
        text=True,
        capture_output=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("StoreFull\n", "", 0)
    recorder = make()
    assert recorder.head().position == 3
    assert recorder.append([row(4)]).first == 4


READ = f"""{WRITE}
print(recorder.head().position, recorder.identity().id)
try:
    recorder.append([NewRow(b"e" * 16, 9, "T@1", b"m", b"c")])
except Exception as error:
    print(type(error).__name__, error)
recorder.close()
"""


@pytest.fixture
def locked(path: Path) -> Iterator[Path]:
    """A ledger of three events that may be read, in a folder that takes no files."""
    folder = path.parent / "locked"
    folder.mkdir()
    ledger = folder / "news.db"
    store(ledger)
    ledger.chmod(0o444)
    folder.chmod(0o555)
    yield ledger
    folder.chmod(0o755)


def read_unprivileged(path: Path) -> list[str]:
    ran = run_unprivileged([sys.executable, "-c", READ, f"sqlite:///{path}"])
    return (ran.stdout + ran.stderr).splitlines()


def test_a_read_only_file_in_a_read_only_folder_is_read(make: Make, locked: Path) -> None:
    before = locked.read_bytes()
    read, write = read_unprivileged(locked)
    assert read == f"3 {make(at=locked).identity().id}"
    assert write.startswith(f"StoreNotWritable {locked} cannot be ")
    assert locked.read_bytes() == before
    locked.parent.chmod(0o755)
    assert [file.name for file in locked.parent.iterdir() if file.suffix == ".db"] == ["news.db"]


def test_a_file_that_may_not_be_read_is_told(locked: Path) -> None:
    locked.chmod(0)
    assert read_unprivileged(locked)[-1] == (
        f"ledger.errors.StoreNotWritable: {locked} cannot be opened: Permission denied"
    )


def test_a_folder_that_takes_no_files_is_told(locked: Path) -> None:
    other = locked.with_name("other.db")
    script = f"{WRITE}\nrecorder.create()"
    ran = run_unprivileged([sys.executable, "-c", script, f"sqlite:///{other}"])
    assert ran.stderr.splitlines()[-1].startswith(
        f"ledger.errors.StoreNotWritable: {other} cannot be opened: check that it and its folder"
    )


def test_a_log_that_was_not_finished_is_not_read_over(locked: Path) -> None:
    """What the write-ahead log still holds must not be passed over in silence."""
    files = [locked, locked.with_name("news.db-wal")]
    locked.parent.chmod(0o755)
    with closing(SQLiteRecorder(SQLiteURL(locked))) as writer:
        writer.append([row(4)])
        # By another process: one that closes a file gives up the locks it holds on it.
        subprocess.run(["cp", *map(str, files), str(locked.parent.parent)], check=True)
    for file in files:
        file.unlink(missing_ok=True)
        (locked.parent.parent / file.name).rename(file)
    locked.parent.chmod(0o555)
    lines = read_unprivileged(locked)
    assert lines[-1].startswith(f"ledger.errors.StoreNotWritable: {locked} cannot be ")
    assert not any(line.startswith(("3 ", "4 ")) for line in lines)
