"""Verify, where it is a view that is wrong, not the log."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger
from ledger.audit.findings import Finding, HeldAgainst
from ledger.projections.registry import BUILT_IN
from ledger.projections.views import views_folder
from tests.projections import desk
from tests.projections.desk import generation, opened
from tests.verifying.logs import (
    NO_KEY,
    NO_TREE,
    checkpoint,
    fill,
    fill_tree,
    finding,
    url_of,
    verify,
)

NOTHING_TO_COMPARE = "there are no views of this log to compare"
ALTERED = "the event is not what it was"
TREE_OTHER = "the stored tree has another leaf than the log, which a checkpoint says is right"


def change_views(log: Path, *statements: str) -> None:
    with opened(log) as db:
        for statement in statements:
            assert db.execute(statement).rowcount > 0, statement


def drift(message: str, position: int | None = None) -> Finding:
    return Finding(kind="view drift", position=position, message=message)


def hash_to_zeros(level: int, number: int) -> str:
    """Return what changes one of the hashes in the first tile of a level."""
    at = number * 32
    return (
        f"UPDATE tiles SET hashes = CAST(substr(hashes, 1, {at}) || zeroblob(32) || "
        f"substr(hashes, {at + 33}) AS BLOB) WHERE level = {level} AND number = 0"
    )


# The stored tree is wrong


def test_a_hash_above_the_leaves_is_another(log: Path) -> None:
    leaves = fill_tree(log, 600)
    change_views(log, "UPDATE edge SET hash = zeroblob(32) WHERE level = 1 AND number = 1")
    for given_ in ((), (checkpoint(leaves),)):
        found = verify(log, *given_)
        assert not found.sound
        assert found.findings == (
            drift("the stored tree has another hash 1 at level 1 than the log gives"),
        )


def test_hashes_high_up_are_others(log: Path) -> None:
    fill_tree(log, 1 << 16)
    change_views(
        log,
        hash_to_zeros(1, 3),
        "UPDATE edge SET hash = zeroblob(32) WHERE level = 2 AND number = 0",
    )
    assert verify(log).findings == (
        drift("the stored tree has another hash 3 at level 1 than the log gives"),
        drift("the stored tree has another hash 0 at level 2 than the log gives"),
    )


def test_a_leaf_is_another_and_no_checkpoint_says_which_is_right(log: Path) -> None:
    leaves = fill(log, 300)
    change_views(log, hash_to_zeros(0, 199))
    for size in (0, 199):
        found = verify(log, checkpoint(leaves, size))
        assert found.findings == (finding("altered", 200, ALTERED),)
        assert found.checkpoints == (HeldAgainst(size, (), holds=True),)


def test_a_leaf_is_another_and_a_checkpoint_says_that_the_log_is_right(log: Path) -> None:
    leaves = fill(log, 300)
    change_views(log, hash_to_zeros(0, 199))
    for size in (200, 300):
        found = verify(log, checkpoint(leaves, size), checkpoint(leaves, 20))
        assert not found.sound
        assert found.findings == (drift(TREE_OTHER, 200),)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tiles SET hashes = CAST(substr(hashes, 1, 8185) AS BLOB)",
        "UPDATE tiles SET hashes = CAST(hashes || x'00' AS BLOB)",
        "UPDATE tiles SET hashes = x''",
        "DELETE FROM tiles",
        "DELETE FROM edge WHERE level = 0 AND number = 280",
        "DELETE FROM edge WHERE level = 0 AND number = 299",
        "DELETE FROM edge WHERE level = 1",
        "DELETE FROM edge",
        "UPDATE edge SET hash = x'' WHERE level = 0 AND number = 299",
        "UPDATE edge SET number = number + 1000 WHERE level = 0",
    ],
)
def test_a_tree_that_is_no_tree_is_drift_and_nothing_worse(log: Path, statement: str) -> None:
    leaves = fill_tree(log, 300)
    change_views(log, statement)
    found = verify(log, checkpoint(leaves))
    assert {one.kind for one in found.findings} == {"view drift"}
    assert found.checkpoints[0].holds


# The read models

ROWS = [
    (model.name, table, columns)
    for model in BUILT_IN
    for table, columns in sorted(model.tables.items())
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A log of 271 events, with views in which no table is empty, and its checkpoint."""
    log = tmp_path_factory.mktemp("kept") / "news.db"
    fill(log, 264)
    desk.fill(url_of(log))
    desk.digests(url_of(log))
    with Ledger.open(url_of(log)) as ledger:
        return log, ledger.audit.checkpoint().body.encode()


@pytest.fixture
def copy(kept: tuple[Path, bytes], log: Path) -> tuple[Path, bytes]:
    shutil.copytree(kept[0].parent, log.parent, dirs_exist_ok=True)
    return log, kept[1]


def other(value: Any) -> Any:
    return value + (1000 if isinstance(value, int) else b"x" if isinstance(value, bytes) else "x")


def spoil(log: Path, table: str, action: str) -> None:
    """Change, delete or add a row of a table."""
    with opened(log) as db:
        about = db.execute(f"PRAGMA table_info({table})").fetchall()
        names = [name for _, name, *_ in about]
        keys = [name for _, name, _, _, _, key in about if key]
        row = dict(zip(names, db.execute(f"SELECT * FROM {table}").fetchone(), strict=True))
        where = " AND ".join(f"{name} = :{name}" for name in keys)
        if action != "add":
            assert db.execute(f"DELETE FROM {table} WHERE {where}", row).rowcount == 1
        if action == "change":
            free = [name for name in names if name not in keys]
            name = next((name for name in free if row[name] is not None), free[0])
            row[name] = other(row[name] or 0)
        if action == "add":
            row |= {name: other(row[name]) for name in keys}
        if action != "delete":
            marks = ", ".join(f":{name}" for name in names)
            db.execute(f"INSERT INTO {table} VALUES ({marks})", row)


@pytest.mark.parametrize(
    ("action", "kinds"),
    [("change", ["missing", "surplus"]), ("delete", ["missing"]), ("add", ["surplus"])],
)
@pytest.mark.parametrize(("name", "table", "columns"), ROWS)
def test_a_row_that_is_another(
    copy: tuple[Path, bytes],
    name: str,
    table: str,
    columns: str,
    action: str,
    kinds: list[str],
) -> None:
    log, given_ = copy
    spoil(log, table, action)
    found = verify(log, given_, with_views=True)
    assert {one.kind for one in found.findings} == {"view drift"}
    assert found.checkpoints[0].holds
    # Where it is the tree, it is told by the first reading, too.
    drifts = sorted(one.message for one in found.findings if one.position is None)
    told_of = [message.partition(": ") for message in drifts]
    assert [of for of, _, _ in told_of] == [f"{name} {table}, {kind}" for kind in kinds]
    assert {row.count(" | ") for _, _, row in told_of} == {columns.count(",")}
    # Who does not ask for the views is not told of them.
    assert verify(log, given_).sound == (name != "tree" or action == "add")


def test_views_that_are_right_are_no_finding(copy: tuple[Path, bytes]) -> None:
    log, given_ = copy
    assert verify(log, given_, with_views=True) == verify(log, given_)


def test_a_row_is_told_in_full(copy: tuple[Path, bytes]) -> None:
    log, given_ = copy
    change_views(log, "INSERT INTO contexts VALUES ('Smuggling', x'00ff', 1, NULL)")
    assert verify(log, given_, with_views=True).findings == (
        drift("contexts contexts, surplus: Smuggling | 00ff | 1 | None"),
    )


def test_views_that_cannot_be_compared(copy: tuple[Path, bytes]) -> None:
    log, given_ = copy
    change_views(log, "UPDATE projections SET schema = 99 WHERE name = 'current'")
    found = verify(log, given_, with_views=True)
    assert found.sound
    assert any("current" in note for note in found.notes)


def test_views_that_are_damaged(copy: tuple[Path, bytes]) -> None:
    log, given_ = copy
    generation(log).write_bytes(b"these are no views" * 1000)
    found = verify(log, given_, with_views=True)
    assert found.findings == (drift(f"the views in {generation(log)} are damaged"),)
    assert found.notes == (NOTHING_TO_COMPARE, NO_KEY, NO_TREE)


def test_views_that_are_not_there_are_not_made(log: Path) -> None:
    leaves = fill(log, 20, views=False)
    found = verify(log, checkpoint(leaves), with_views=True)
    assert found.sound
    assert found.notes == (NOTHING_TO_COMPARE, NO_KEY, NO_TREE)
    assert not views_folder(log).exists()
