"""How the log's file comes into being, once, whatever happens, and how it is brought up."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from ledger.errors import StoreError, StoreNotFound, StoreTooOld
from ledger.store import schema
from ledger.store.rows import Head, NewRow
from ledger.store.sqlite import SQLiteRecorder
from tests.store.recorders import WRITE, Make, row, store


def a_row() -> NewRow:
    return NewRow(uuid4().bytes, 1, "EntryCreated@1", b"m", b"c")


def test_the_file_is_made_at_the_first_write(make: Make, path: Path, tmp_path: Path) -> None:
    recorder = make()
    for read in (recorder.head, recorder.identity, recorder.upgrade):
        with pytest.raises(StoreNotFound) as caught:
            read()
        assert str(caught.value) == (
            f"there is no ledger at {path}: make one with `ledger init`, "
            "or check --store and LEDGER_STORE"
        )
    assert list(tmp_path.iterdir()) == []
    recorder.append([row(1)])
    assert recorder.head().position == 1
    assert path.read_bytes()[:16] == b"SQLite format 3\0"


def test_a_recorder_may_be_told_not_to_make_one(make: Make, tmp_path: Path) -> None:
    recorder = make(create=False)
    with pytest.raises(StoreNotFound):
        recorder.append([row(1)])
    assert list(tmp_path.iterdir()) == []
    make().create()
    assert recorder.append([row(1)]).first == 1


def test_a_closed_recorder_opens_again(make: Make) -> None:
    recorder = make()
    recorder.append([row(1)])
    recorder.close()
    assert recorder.append([row(2)]).first == 2
    assert recorder.head().position == 2


def test_an_empty_file_is_no_ledger_yet(make: Make, path: Path) -> None:
    path.touch()
    recorder = make()
    with pytest.raises(StoreNotFound, match="there is no ledger at"):
        recorder.head()
    assert path.stat().st_size == 0
    assert recorder.append([row(1)]).first == 1


def test_an_empty_ledger_has_no_head(make: Make) -> None:
    recorder = make()
    recorder.create()
    assert recorder.head() == Head(0, 0)


KILLED = f"""{WRITE}
import os, resource, signal
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if sys.argv[2] == "inside":
    recorder._clock = lambda: os.kill(os.getpid(), signal.SIGKILL)
else:
    # The kernel kills it at the first write beyond that size, in the middle of the commit.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    limit = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
recorder.create()
"""


def killed(path: Path, where: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, f"sqlite:///{path}", where],
        # A measurement of coverage would be cut off, too.
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
        text=True,
        capture_output=True,
        check=False,
    )
    assert ran.returncode in {-signal.SIGKILL, -signal.SIGXFSZ}, ran.stderr


@pytest.mark.parametrize("where", ["inside", "512", "4096", "8192", "20480"])
def test_a_ledger_half_made_is_none(make: Make, path: Path, where: str) -> None:
    killed(path, where)
    with pytest.raises(StoreNotFound, match="there is no ledger at"):
        make().head()


@pytest.mark.parametrize("where", ["inside", "512", "4096", "8192", "20480"])
def test_a_ledger_half_made_can_be_made_again(make: Make, path: Path, where: str) -> None:
    killed(path, where)
    recorder = make()
    identity = recorder.create("desk.example/news")
    assert identity.origin == "desk.example/news"
    assert recorder.append([row(1)]).first == 1
    assert make().identity() == identity


def test_a_ledger_made_but_not_yet_open_is_there(make: Make, path: Path) -> None:
    killed(path, "24576")
    recorder = make()
    identity = recorder.identity()
    assert recorder.create("desk.example/news") == identity
    assert recorder.append([row(1)]).first == 1


@pytest.mark.parametrize("where", ["inside", "512", "4096", "8192", "20480"])
def test_a_ledger_half_made_is_nothing_to_upgrade(make: Make, path: Path, where: str) -> None:
    killed(path, where)
    with pytest.raises(StoreNotFound):
        make().upgrade()
    recorder = make()
    recorder.create("desk.example/news")
    assert recorder.identity().origin == "desk.example/news"


def test_many_creators_at_once_make_one_ledger(make: Make, tmp_path: Path) -> None:
    for number in range(15):
        at = tmp_path / f"{number}.db"
        recorders = [make(at=at) for _ in range(6)]
        start = threading.Barrier(6)

        def create(recorder: SQLiteRecorder, start: threading.Barrier = start) -> tuple[str, int]:
            start.wait()
            return recorder.create().id, recorder.append([a_row()]).first

        with ThreadPoolExecutor(6) as pool:
            made = list(pool.map(create, recorders))
        assert len({name for name, _ in made}) == 1
        assert sorted(first for _, first in made) == [1, 2, 3, 4, 5, 6]


def test_two_processes_that_create_at_once_get_one_identity(make: Make, path: Path) -> None:
    script = f"{WRITE}\nsys.stdin.readline()\nprint(recorder.create().id)"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, f"sqlite:///{path}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    ids = {child.communicate("go\n")[0].strip() for child in children}
    assert ids == {make().identity().id}
    assert [child.returncode for child in children] == [0, 0]


@pytest.mark.parametrize(
    ("options", "level"), [("", 2), ("?synchronous=full", 2), ("?synchronous=normal", 1)]
)
def test_durability_is_full_unless_asked_otherwise(make: Make, options: str, level: int) -> None:
    recorder = make(options)
    recorder.create()
    writer = recorder.file.writer
    assert writer is not None
    assert writer.execute("PRAGMA synchronous").fetchone() == (level,)
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)


NEXT = ("CREATE INDEX events_by_time ON events (recorded_at)",)


def test_an_older_schema_is_upgraded(
    make: Make, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(path)
    now = schema.schema_version()
    assert make().upgrade() == (now, now)
    monkeypatch.setattr("ledger.store.schema.MIGRATIONS", [*schema.MIGRATIONS, NEXT])
    recorder = make()
    for use in (recorder.head, lambda: recorder.append([row(4)])):
        with pytest.raises(StoreTooOld) as caught:
            use()
        assert str(caught.value) == (
            f"{path} has log schema {now}, this program works with {now + 1}: "
            "bring it up with `ledger upgrade`"
        )
    assert recorder.upgrade() == (now, now + 1)
    assert recorder.upgrade() == (now + 1, now + 1)
    assert recorder.append([row(4)]).first == 4
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (now + 1,)
        assert db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'events_by_time'").fetchone()


def test_an_upgrade_that_fails_leaves_the_old_schema(
    make: Make, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(path)
    with monkeypatch.context() as patch:
        broken = (*NEXT, "CREATE TABLE events (x)")
        patch.setattr("ledger.store.schema.MIGRATIONS", [*schema.MIGRATIONS, broken])
        with pytest.raises(StoreError, match="table events already exists"):
            make().upgrade()
    recorder = make()
    assert recorder.head().position == 3
    assert recorder.upgrade() == (schema.schema_version(), schema.schema_version())
    with closing(sqlite3.connect(path)) as db:
        assert not db.execute(
            "SELECT 1 FROM sqlite_schema WHERE name = 'events_by_time'"
        ).fetchone()
