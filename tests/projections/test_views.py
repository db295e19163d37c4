"""Views: always up to date, never of another log, and back after whatever was done to them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from ledger import Ledger
from ledger.projections.current import Current
from ledger.projections.projection import Projection
from ledger.projections.records import ViewStatus
from ledger.projections.registry import BUILT_IN
from ledger.projections.views import Views, views_folder

DAY = date(2021, 3, 4)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "desk" / "news.db"


@pytest.fixture
def url(log: Path) -> str:
    log.parent.mkdir()
    return f"sqlite:///{log}?synchronous=normal"


def fill(url: str) -> list[UUID]:
    """Store 7 events of 3 entries, two of which want one path."""
    with Ledger.open(url) as ledger:
        ids = [
            ledger.create(DAY, headline, actor="Ann", contexts=contexts).entry
            for headline, contexts in (
                ("Ferry resumes", ("Harbour", "Ferries")),
                ("Ferry resumes", ("Harbour",)),
                ("Tide rises", ()),
            )
        ]
        ledger.edit(ids[0], headline="Ferry stops", actor="Ben", reason="it stopped")
        ledger.edit(ids[2], contexts=("Harbour",), actor="Ben", minor=True)
        ledger.edit(ids[0], headline="Ferry resumes", actor="Ann")
        ledger.retract(ids[1], actor="Ann")
    return ids


def add(url: str, *headlines: str) -> None:
    with Ledger.open(url) as ledger:
        for headline in headlines:
            ledger.create(DAY, headline, actor="Cy", contexts=("Harbour",))


def paths(ledger: Ledger) -> set[str]:
    return {listed.path.removeprefix("/news/2021/03/4/") for listed in ledger.entries()}


def digests(url: str) -> tuple[ViewStatus, ...]:
    with Ledger.open(url) as ledger:
        return ledger.views.status()


def projected_anew(url: str, folder: Path, batch: int = 1000) -> tuple[ViewStatus, ...]:
    """Return what views say that were made of the log just now, somewhere else."""
    with Ledger.open(url) as ledger:
        views = Views(ledger.application, folder, batch=batch)
        try:
            return views.status()
        finally:
            views.close()
            shutil.rmtree(folder, ignore_errors=True)


def generation(log: Path) -> Path:
    """Return the file that the pointer names."""
    folder = views_folder(log)
    return folder / (folder / "current").read_text().strip()


def files(log: Path) -> list[str]:
    return sorted(file.name for file in views_folder(log).iterdir())


def test_a_process_sees_its_own_writes(url: str) -> None:
    with Ledger.open(url) as ledger:
        entry = ledger.create(DAY, "Ferry resumes", actor="Ann").entry
        assert paths(ledger) == {"ferry-resumes"}
        ledger.edit(entry, headline="Ferry stops", actor="Ann")
        assert ledger.get(entry).entry.headline == "Ferry stops"
        assert paths(ledger) == {"ferry-stops"}


def test_views_follow_other_writers(url: str) -> None:
    fill(url)
    with Ledger.open(url) as reader, Ledger.open(url) as writer:
        assert paths(reader) == {"ferry-resumes", "ferry-resumes-2", "tide-rises"}
        assert paths(writer) == paths(reader)
        writer.create(DAY, "Crane falls", actor="Cy")
        assert "crane-falls" in paths(reader)
        script = (
            "import sys, datetime; from ledger import Ledger\n"
            "with Ledger.open(sys.argv[1]) as ledger:\n"
            "    ledger.create(datetime.date(2021, 3, 4), 'Quay floods', actor='Di')\n"
        )
        subprocess.run([sys.executable, "-c", script, url], check=True)
        assert "quay-floods" in paths(reader)
        assert {status.position for status in writer.views.status()} == {9}


def test_reading_nothing_new_leaves_the_views_alone(url: str, log: Path) -> None:
    fill(url)
    first = digests(url)
    serving = generation(log)
    assert digests(url) == first
    assert generation(log) == serving


def test_status_tells_name_schema_position_and_rows(url: str) -> None:
    fill(url)
    assert [(s.name, s.schema, s.position, s.rows) for s in digests(url)] == [
        ("current", 1, 7, 3),
        ("changes", 1, 7, 7),
        ("permalinks", 1, 7, 5),
        ("contexts", 1, 7, 4),
    ]
    assert len({status.digest for status in digests(url)}) == 4


def test_a_digest_is_the_sum_of_the_rows_hashes(url: str) -> None:
    contexts = ("A", "B", "C", "D", "E", "F")
    with Ledger.open(url) as ledger:
        entry = ledger.create(DAY, "Tide", actor="Ann", contexts=contexts, id=UUID(int=5)).entry
        (status,) = (s for s in ledger.views.status() if s.name == "contexts")
    rows = [
        # MessagePack: an array of the table's name and the columns.
        b"\x93\xa8contexts\xa1" + context.encode() + b"\xc4\x10" + entry.bytes
        for context in contexts
    ]
    total = sum(int.from_bytes(sha256(row).digest(), "big") for row in rows)
    assert total > 2**256
    assert (status.rows, status.digest) == (6, f"{total % 2**256:064x}")
    assert int(status.digest, 16) > 2**255


@pytest.mark.parametrize("batch", [1, 7, 5000])
def test_batches_of_any_size_give_the_same_digests(url: str, tmp_path: Path, batch: int) -> None:
    ids = fill(url)
    with Ledger.open(url) as ledger:
        for number in range(12):
            ledger.edit(ids[0], headline=f"Ferry {number % 5}", actor="Ann")
            ledger.edit(ids[2], contexts=(f"C{number % 4}", "Harbour"), actor="Ann")
    assert projected_anew(url, tmp_path / "other", batch) == digests(url)


def test_deleted_views_come_back_the_same(url: str, log: Path) -> None:
    fill(url)
    before = digests(url)
    shutil.rmtree(views_folder(log))
    assert not views_folder(log).exists()
    assert digests(url) == before
    shutil.rmtree(views_folder(log))
    with Ledger.open(url) as ledger:
        assert ledger.views.status() == before
        shutil.rmtree(views_folder(log))
        assert ledger.views.status() == before
        assert paths(ledger) == {"ferry-resumes", "ferry-resumes-2", "tide-rises"}


def test_a_rebuild_swaps_and_leaves_one_generation(url: str, log: Path) -> None:
    fill(url)
    told: list[tuple[int, int]] = []
    with Ledger.open(url) as ledger, Ledger.open(url) as other:
        before = ledger.views.status()
        assert other.views.status() == before
        old = generation(log)
        assert ledger.rebuild(lambda reached, aim: told.append((reached, aim))) == before
        assert told == [(7, 7)]
        assert generation(log) != old
        assert not old.exists()
        assert other.views.status() == before
    assert files(log) == sorted([generation(log).name, "current", "lock"])


def test_a_rebuild_tells_how_far_it_is(url: str, tmp_path: Path) -> None:
    fill(url)
    told: list[tuple[int, int]] = []
    with Ledger.open(url) as ledger:
        views = Views(ledger.application, tmp_path / "other", batch=3)
        views.rebuild(lambda reached, aim: told.append((reached, aim)))
        views.close()
    assert told == [(3, 7), (6, 7), (7, 7)]


def test_generations_left_half_made_are_cleared_away(url: str, log: Path) -> None:
    fill(url)
    digests(url)
    for name in ("0123456789abcdef.db", "0123456789abcdef.db-wal", "0123456789abcdef.db-journal"):
        (views_folder(log) / name).write_bytes(b"half made")
    with Ledger.open(url) as ledger:
        ledger.rebuild()
    assert files(log) == sorted([generation(log).name, "current", "lock"])


# A log that is not the one the views were made of


@pytest.mark.parametrize("later", [(), ("Other a",), ("Other a", "Other b"), tuple("abcdef")])
def test_a_log_restored_to_an_older_copy_is_read_right(
    url: str, log: Path, tmp_path: Path, later: tuple[str, ...]
) -> None:
    """Fewer events than the views know, then as many, then more."""
    fill(url)
    yesterday = tmp_path / "yesterday.db"
    shutil.copyfile(log, yesterday)
    add(url, "Crane falls", "Quay floods")
    digests(url)
    stale = generation(log)
    shutil.copyfile(yesterday, log)
    if later:
        add(url, *later)
    with Ledger.open(url) as ledger:
        slugs = {headline.lower().replace(" ", "-") for headline in later}
        assert paths(ledger) == {"ferry-resumes", "ferry-resumes-2", "tide-rises"} | slugs
    assert generation(log) != stale
    assert digests(url) == projected_anew(url, tmp_path / "other")


def test_a_log_restored_under_open_views_is_read_right(
    url: str, log: Path, tmp_path: Path
) -> None:
    fill(url)
    yesterday = tmp_path / "yesterday.db"
    shutil.copyfile(log, yesterday)
    add(url, "Crane falls", "Quay floods")
    with Ledger.open(url) as ledger:
        assert len(paths(ledger)) == 5
        ledger.application.close()
        shutil.copyfile(yesterday, log)
        assert paths(ledger) == {"ferry-resumes", "ferry-resumes-2", "tide-rises"}
    assert digests(url) == projected_anew(url, tmp_path / "other")


def test_another_ledger_in_the_same_place_is_read_right(url: str, log: Path) -> None:
    fill(url)
    digests(url)
    log.unlink()
    with Ledger.open(url) as ledger:
        ledger.init()
        assert ledger.entries() == []
    log.unlink()
    add(url, *(f"N{number}" for number in range(7)))
    with Ledger.open(url) as ledger:
        assert paths(ledger) == {f"n{number}" for number in range(7)}


# Views that were damaged


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
        db.execute("DROP TABLE views")


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


class Grown(Current):
    schema = 2


def test_a_changed_read_model_is_projected_anew(url: str, log: Path) -> None:
    fill(url)
    old = digests(url)
    serving = generation(log)
    models: tuple[Projection, ...] = (Grown(), *BUILT_IN[1:])
    for read_models in (models, BUILT_IN[:2]):
        with Ledger.open(url) as ledger:
            views = Views(ledger.application, views_folder(log), read_models)
            status = views.status()
            views.close()
        assert [(s.name, s.schema) for s in status] == [(m.name, m.schema) for m in read_models]
        assert [(s.position, s.rows, s.digest) for s in status] == [
            (s.position, s.rows, s.digest) for s in old[: len(status)]
        ]
        assert generation(log) != serving
        serving = generation(log)
    assert digests(url) == old
