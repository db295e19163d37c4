"""Views that were damaged or taken away: they come back as they were."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.errors import ProjectionDrifted
from tests.places import views_folder
from tests.projections.desk import add, digests, fill, generation
from tests.stores import Store


def paths(ledger: Ledger) -> set[str]:
    return {listed.path.removeprefix("/news/2021/03/4/") for listed in ledger.entries()}


def test_deleted_views_come_back_the_same(url: str, store: Store) -> None:
    fill(url)
    before = digests(url)
    store.drop_views()
    assert store.serving() is None
    assert digests(url) == before
    store.drop_views()
    with Ledger.open(url) as ledger:
        assert ledger.views.status() == before
        store.drop_views()
        assert ledger.views.status() == before
        assert paths(ledger) == {"ferry-resumes", "ferry-resumes-2", "tide-rises"}


def empty(file: Path) -> None:
    file.write_bytes(b"")


def garbage(file: Path) -> None:
    file.write_bytes(b"This is no database. " * 999)


def cut(file: Path) -> None:
    os.truncate(file, 5000)


def page_of(table: str) -> Callable[[Path], None]:
    """Return what overwrites the page that a table begins at."""

    def overwrite(file: Path) -> None:
        with closing(sqlite3.connect(file)) as db:
            (page,) = db.execute(
                "SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)
            ).fetchone()
            (size,) = db.execute("PRAGMA page_size").fetchone()
        with file.open("r+b") as bytes_:
            bytes_.seek((page - 1) * size)
            bytes_.write(b"\xa5" * size)

    return overwrite


def without_a_table(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("DROP TABLE generation")


def text_that_is_none(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE changes SET headline = CAST(x'ff' AS TEXT)")


@pytest.mark.parametrize("news", [False, True])
@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        empty,
        garbage,
        cut,
        page_of("current"),
        page_of("changes"),
        page_of("projections"),
        without_a_table,
        text_that_is_none,
    ],
)
def test_damaged_views_are_made_again(
    url: str, log: Path, damage: Callable[[Path], None], news: bool
) -> None:
    ids = fill(url)
    before = digests(url)
    damage(generation(log))
    if news:
        add(url, "Crane falls")
    with Ledger.open(url) as ledger:
        assert ledger.get(ids[0]).path == "/news/2021/03/4/ferry-resumes"
        assert len(ledger.changes(ids[0])) == 3
        assert ("crane-falls" in paths(ledger)) is news
        if not news:
            assert ledger.views.status() == before


@pytest.mark.parametrize(
    "pointer",
    [
        b"",
        b"\n",
        b".",
        b"..",
        b"missing.db",
        b"missing.db\nand more",
        b"../news.db",
        b"../../outside.db",
        b"current",
        b"lock",
        b"*",
        b"?",
        b"**",
        b"[",
        b"\0",
        b"\xff\xfe",
        b"x" * 5000,
    ],
)
def test_a_pointer_to_nowhere_is_set_right(url: str, log: Path, pointer: bytes) -> None:
    fill(url)
    before = digests(url)
    outside = log.parent.parent / "outside.db"
    outside.write_text("somebody's")
    log_before = log.read_bytes()
    (views_folder(log) / "current").write_bytes(pointer)
    assert digests(url) == before
    assert digests(url) == before
    assert generation(log).is_file()
    assert generation(log).parent == views_folder(log)
    assert (outside.read_text(), log.read_bytes()) == ("somebody's", log_before)


@pytest.mark.parametrize("damage", [garbage, cut, page_of("flips"), text_that_is_none])
def test_a_check_says_that_a_file_is_damaged_and_a_rebuild_mends_it(
    url: str, store: Store, log: Path, damage: Callable[[Path], None]
) -> None:
    fill(url)
    before = digests(url)
    with Ledger.open(url) as ledger:
        ledger.entries()
        damage(generation(log))
        with pytest.raises(ProjectionDrifted) as caught:
            list(ledger.check())
        assert str(caught.value) == (
            f"the views in {store.views_place} are damaged, of another log, or from before an "
            "erasure: `ledger rebuild` puts them right"
        )
        assert [proof.status for proof in ledger.rebuild()] == list(before)
        assert list(ledger.check()) == []


def test_a_table_taken_away_while_the_ledger_is_open_comes_back(url: str, store: Store) -> None:
    ids = fill(url)
    with Ledger.open(url) as ledger:
        assert len(ledger.changes(ids[0])) == 3
        with store.views() as db:
            db.execute("DROP TABLE changes")
        assert len(ledger.changes(ids[0])) == 3
