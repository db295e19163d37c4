"""Views where something stands in their way: no right to write, others at work, a bad event."""

from __future__ import annotations

import gc
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger
from ledger.errors import StoreNotFound, StoreNotWritable, UndecodableEvent
from ledger.projections.database import Db
from ledger.projections.sqlite.database import SQLiteDb
from ledger.projections.sqlite.place import FilePlace
from ledger.projections.views import Views
from ledger.store.connections import connect, connect_as
from tests.places import views_folder
from tests.projections.desk import DAY, NAMES, files, insert, one_generation, positions
from tests.stores import Store
from tests.unprivileged import run_unprivileged

ASK = """
import json, sys
from ledger import Ledger
with Ledger.open(sys.argv[1]) as ledger:
    for _ in range(3):
        paths = [listed.path for listed in ledger.entries()]
        status = [[s.name, s.position, s.digest] for s in ledger.views.status()]
    print(json.dumps([sorted(paths), status]))
"""


def add(url: str, *headlines: str) -> None:
    with Ledger.open(url) as ledger:
        for headline in headlines:
            ledger.create(DAY, headline, actor="Ann", contexts=("Harbour",))


def look(url: str) -> list[object]:
    """Return what `ASK` prints, asked in this process."""
    with Ledger.open(url) as ledger:
        paths = sorted(listed.path for listed in ledger.entries())
        return [paths, [[s.name, s.position, s.digest] for s in ledger.views.status()]]


def open_files(folder: Path) -> list[str]:
    """Return the files in a folder that this process has a connection open to."""
    found: list[str] = []
    for thing in gc.get_objects():
        if isinstance(thing, sqlite3.Connection):
            # A closed connection refuses to answer.
            with suppress(sqlite3.ProgrammingError):
                found += [row[2] for row in thing.execute("PRAGMA database_list")]
    return [name for name in found if name.startswith(str(folder))]


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


# Where the views' folder cannot be written


@pytest.mark.parametrize(
    ("locked", "views"),
    [
        *itertools.product(("the views", "everything"), ("none", "up to date", "behind")),
        ("everything", "no folder"),
    ],
)
def test_views_that_cannot_be_written_are_projected_elsewhere(
    url: str, log: Path, tmp_path: Path, views: str, locked: str
) -> None:
    add(url, "Ferry resumes", "Ferry resumes")
    folder = views_folder(log)
    if views != "no folder":
        folder.mkdir()
    if views in {"up to date", "behind"}:
        look(url)
    if views == "behind":
        add(url, "Tide rises")
    with Ledger.open(url) as ledger:
        other = Views(ledger.application, FilePlace(tmp_path / "other"))
        right = [[s.name, s.position, s.digest] for s in other.status()]
        other.close()
    before = tree(log.parent)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    closed = [folder, *folder.iterdir()] if folder.exists() else []
    if locked == "everything":
        closed += [log, log.parent]
    modes = [(path, path.stat().st_mode) for path in closed]
    for path, mode in modes:
        path.chmod(mode & ~0o222)
    try:
        ran = run_unprivileged(
            [sys.executable, "-c", ASK, url], env={**os.environ, "TMPDIR": str(elsewhere)}
        )
    finally:
        for path, mode in modes:
            path.chmod(mode)
    assert ran.stderr == ""
    paths, status = json.loads(ran.stdout)
    expected = ["ferry-resumes", "ferry-resumes-2"] + ["tide-rises"] * (views == "behind")
    assert paths == [f"/news/2021/03/4/{slug}" for slug in expected]
    assert status == right
    assert tree(log.parent) == before
    assert list(elsewhere.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_left_alone(url: str, log: Path) -> None:
    add(url, "Ferry resumes")
    views_folder(log).write_text("somebody's")
    with Ledger.open(url) as ledger:
        assert [listed.entry.headline for listed in ledger.entries()] == ["Ferry resumes"]
        ledger.create(DAY, "Tide rises", actor="Ann")
        assert len(ledger.entries()) == 2
        # A rebuild is for those that come after, and a check is of what serves them.
        with pytest.raises(
            StoreNotWritable, match=r"news\.db-views cannot be opened: File exists"
        ):
            ledger.rebuild()
        with pytest.raises(StoreNotWritable, match="so they cannot be compared"):
            list(ledger.check())
        assert len(ledger.entries()) == 2
    assert views_folder(log).read_text() == "somebody's"


@pytest.mark.parametrize("limit", ["query_only = ON", "max_page_count = 1"])
def test_views_that_take_no_more_writes_are_projected_elsewhere(
    url: str, store: Store, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    add(url, "Ferry resumes")
    look(url)
    before = tree(views_folder(log))

    def open_limited(kind: type[SQLiteDb], path: Path, *args: Any, **options: Any) -> SQLiteDb:
        connection = connect_as(kind, path, *args, **options)
        if path.parent == views_folder(log):
            connection.execute(f"PRAGMA {limit}")
        return connection

    monkeypatch.setattr("ledger.projections.sqlite.generation.connect_as", open_limited)
    with Ledger.open(url) as ledger:
        assert len(ledger.entries()) == 1
        assert list(elsewhere.iterdir()) == []
        for number in range(100):
            ledger.create(DAY, f"Tide {number} rises", actor="Ann", summary="High water. " * 50)
        assert len(ledger.entries()) == 101
        assert len(list(elsewhere.iterdir())) == 1
        assert len(ledger.entries()) == 101
        assert {status.position for status in ledger.views.status()} == {101}
    assert list(elsewhere.iterdir()) == []
    assert positions(store) == dict.fromkeys(NAMES, 1)
    assert tree(views_folder(log)).keys() == before.keys()


def test_no_place_for_views_is_told(
    url: str, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(url, "Ferry resumes")
    views_folder(log).write_text("somebody's")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with Ledger.open(url) as ledger, pytest.raises(StoreNotWritable, match="cannot be opened"):
        ledger.entries()


def test_reading_no_ledger_makes_no_views(url: str, store: Store) -> None:
    with Ledger.open(url) as ledger, pytest.raises(StoreNotFound, match="there is no ledger"):
        ledger.entries()
    assert not store.exists()
    assert store.generations() == []


def test_closing_leaves_no_file_open(url: str, log: Path) -> None:
    add(url, "Ferry resumes")
    with Ledger.open(url) as ledger:
        ledger.entries()
        ledger.rebuild()
        ledger.entries()
        assert open_files(log.parent) != []
    assert open_files(log.parent) == []


def test_closing_while_a_query_runs_lets_it_end(url: str, folder: Path) -> None:
    add(url, "Ferry resumes")

    def ask(db: Db) -> int:
        ledger.close()
        return len(db.execute("SELECT * FROM current").fetchall())

    with Ledger.open(url) as ledger:
        assert ledger.views.read(ask) == 1
        assert open_files(folder) == []
        assert len(ledger.entries()) == 1


# Several at once


def test_processes_that_build_at_once_agree_and_leave_one_generation(
    url: str, store: Store
) -> None:
    add(url, *(f"Ferry {number % 7}" for number in range(60)))
    children = [
        subprocess.Popen([sys.executable, "-c", ASK, url], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = [json.loads(child.communicate()[0]) for child in children]
    assert [child.returncode for child in children] == [0] * 4
    assert answers == [look(url)] * 4
    assert one_generation(store)


def test_a_reader_that_waited_takes_what_was_built_meanwhile(
    url: str, log: Path, tmp_path: Path
) -> None:
    add(url, "Ferry resumes")
    right = look(url)
    folder, aside = views_folder(log), tmp_path / "aside"
    folder.rename(aside)
    folder.mkdir()
    with closing(connect(folder / "lock", "rwc")) as lock, ThreadPoolExecutor() as pool:
        lock.execute("BEGIN IMMEDIATE")
        answer = pool.submit(look, url)
        # It finds no views and waits for the lock, while another process is building them.
        time.sleep(0.3)
        built = sorted(file for file in aside.iterdir() if file.name != "lock")
        for file in built:
            file.rename(folder / file.name)
        lock.execute("ROLLBACK")
        assert answer.result() == right
    assert files(log) == sorted([*(file.name for file in built), "lock"])


def test_a_read_model_that_lags_catches_up_alone(url: str, store: Store) -> None:
    add(url, "Ferry resumes", "Tide rises")
    right = look(url)
    serving = store.serving()
    with store.views() as db:
        db.execute("DELETE FROM contexts")
        db.execute("UPDATE projections SET position = 0, leaf = x'' WHERE name = 'contexts'")
    assert look(url) == right
    assert store.generations() == [serving] == [store.serving()]


REBUILD = """
import sys
from ledger import Ledger
with Ledger.open(sys.argv[1]) as ledger:
    for _ in range(int(sys.argv[2])):
        ledger.rebuild()
"""


def test_readers_are_right_while_another_process_rebuilds(url: str) -> None:
    add(url, "Ferry resumes", "Ferry resumes", "Tide rises")
    right = look(url)
    child = subprocess.Popen([sys.executable, "-c", REBUILD, url, "60"])
    answers = []
    try:
        with Ledger.open(url) as staying:
            while child.poll() is None:
                # One that comes and goes, and one that stays.
                answers.append(look(url))
                assert len(staying.entries()) == 3
    finally:
        assert child.wait() == 0
    assert answers
    assert all(answer == right for answer in answers)


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_views_swapped_while_they_are_opened_are_found_again(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Another process rebuilds just before or just after a reader opens the file it was told."""
    add(url, "Ferry resumes", "Ferry resumes", "Tide rises")
    right = look(url)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    swapped: list[Path] = []

    def swap(path: Path) -> None:
        if path.suffix == ".db" and not swapped:
            swapped.append(path)
            subprocess.run([sys.executable, "-c", REBUILD, url, "1"], check=True)

    def open_late(kind: type[SQLiteDb], path: Path, *args: Any, **options: Any) -> SQLiteDb:
        if moment == "before":
            swap(path)
        connection = connect_as(kind, path, *args, **options)
        swap(path)
        return connection

    monkeypatch.setattr("ledger.projections.sqlite.generation.connect_as", open_late)
    with Ledger.open(url) as ledger:
        assert len(ledger.entries()) == 3
        assert [[s.name, s.position, s.digest] for s in ledger.views.status()] == right[1]
        assert list(elsewhere.iterdir()) == []
    assert len(swapped) == 1


def test_a_projection_that_was_stopped_leaves_no_file_open(
    url: str, store: Store, log: Path
) -> None:
    add(url, "Ferry resumes")
    look(url)
    insert(store, "EntryTeleported@1", 1)
    with Ledger.open(url) as ledger, pytest.raises(UndecodableEvent):
        ledger.entries()
    assert open_files(log.parent) == []
