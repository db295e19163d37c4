"""Verify, where it is a view that is wrong, not the log."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger
from ledger.audit.findings import Finding, HeldAgainst
from ledger.projections.registry import BUILT_IN
from tests.projections import desk
from tests.projections.desk import generation
from tests.stores import Store
from tests.verifying.logs import (
    NO_KEY,
    NO_TREE,
    checkpoint,
    fill,
    fill_tree,
    finding,
    verify,
)

NO_HASH = f"x'{bytes(32).hex()}'"
NOTHING_TO_COMPARE = "there are no views of this log to compare"
ALTERED = "the event is not what it was"
TREE_OTHER = "the stored tree has another leaf than the log, which a checkpoint says is right"


def change_views(store: Store, *statements: str) -> None:
    with store.views() as db:
        for statement in statements:
            assert db.execute(statement).rowcount > 0, statement


def drift(message: str, position: int | None = None) -> Finding:
    return Finding(kind="view drift", position=position, message=message)


def hash_to_zeros(level: int, number: int) -> str:
    """Return what changes one of the hashes in the first tile of a level."""
    at = number * 32
    return (
        f"UPDATE tiles SET hashes = CAST(substr(hashes, 1, {at}) || {NO_HASH} || "
        f"substr(hashes, {at + 33}) AS BLOB) WHERE level = {level} AND number = 0"
    )


# The stored tree is wrong


def test_a_hash_above_the_leaves_is_another(store: Store) -> None:
    leaves = fill_tree(store, 600)
    change_views(store, f"UPDATE edge SET hash = {NO_HASH} WHERE level = 1 AND number = 1")
    for given_ in ((), (checkpoint(leaves),)):
        found = verify(store, *given_)
        assert not found.sound
        assert found.findings == (
            drift("the stored tree has another hash 1 at level 1 than the log gives"),
        )


@pytest.mark.usefixtures("log")
def test_hashes_high_up_are_others(store: Store) -> None:
    fill_tree(store, 1 << 16)
    change_views(
        store,
        hash_to_zeros(1, 3),
        f"UPDATE edge SET hash = {NO_HASH} WHERE level = 2 AND number = 0",
    )
    assert verify(store).findings == (
        drift("the stored tree has another hash 3 at level 1 than the log gives"),
        drift("the stored tree has another hash 0 at level 2 than the log gives"),
    )


def test_a_leaf_is_another_and_no_checkpoint_says_which_is_right(store: Store) -> None:
    leaves = fill(store, 300)
    change_views(store, hash_to_zeros(0, 199))
    for size in (0, 199):
        found = verify(store, checkpoint(leaves, size))
        assert found.findings == (finding("altered", 200, ALTERED),)
        assert found.checkpoints == (HeldAgainst(size, (), holds=True),)


def test_a_leaf_is_another_and_a_checkpoint_says_that_the_log_is_right(store: Store) -> None:
    leaves = fill(store, 300)
    change_views(store, hash_to_zeros(0, 199))
    for size in (200, 300):
        found = verify(store, checkpoint(leaves, size), checkpoint(leaves, 20))
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
def test_a_tree_that_is_no_tree_is_drift_and_nothing_worse(store: Store, statement: str) -> None:
    leaves = fill_tree(store, 300)
    change_views(store, statement)
    found = verify(store, checkpoint(leaves))
    assert {one.kind for one in found.findings} == {"view drift"}
    assert found.checkpoints[0].holds


# The read models

ROWS = [
    (model.name, table, columns)
    for model in BUILT_IN
    for table, columns in sorted(model.tables.items())
]


@pytest.fixture
def copy(store: Store) -> tuple[Store, bytes]:
    """A log of 271 events, with views in which no table is empty, and its checkpoint."""
    fill(store, 264, views=False)
    desk.fill(store.url)
    with Ledger.open(store.url) as ledger:
        ledger.views.status()
        return store, ledger.audit.checkpoint().body.encode()


def other(value: Any) -> Any:
    return value + (1000 if isinstance(value, int) else b"x" if isinstance(value, bytes) else "x")


def keys_of_tables() -> dict[str, list[str]]:
    with closing(sqlite3.connect(":memory:")) as db:
        for statement in (statement for model in BUILT_IN for statement in model.ddl):
            db.execute(statement)
        return {
            table: [
                name
                for _, name, _, _, _, is_key in db.execute(f"PRAGMA table_info({table})")
                if is_key
            ]
            for _, table, _ in ROWS
        }


KEYS = keys_of_tables()


def spoil(store: Store, table: str, action: str) -> None:
    """Change, delete or add a row of a table."""
    with store.views() as db:
        found: Any = db.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in found.description]
        keys = KEYS[table]
        row = dict(zip(names, found.fetchone(), strict=True))
        where = " AND ".join(f"{name} = ?" for name in keys)
        if action != "add":
            key = [row[name] for name in keys]
            assert db.execute(f"DELETE FROM {table} WHERE {where}", key).rowcount == 1
        if action == "change":
            free = [name for name in names if name not in keys]
            name = next((name for name in free if row[name] is not None), free[0])
            row[name] = other(row[name] or 0)
        if action == "add":
            row |= {name: other(row[name]) for name in keys}
        if action != "delete":
            marks = ", ".join("?" for _ in names)
            db.execute(f"INSERT INTO {table} VALUES ({marks})", list(row.values()))


@pytest.mark.parametrize(
    ("action", "kinds"),
    [("change", ["missing", "surplus"]), ("delete", ["missing"]), ("add", ["surplus"])],
)
@pytest.mark.parametrize(("name", "table", "columns"), ROWS)
def test_a_row_that_is_another(
    copy: tuple[Store, bytes],
    name: str,
    table: str,
    columns: str,
    action: str,
    kinds: list[str],
) -> None:
    store, given_ = copy
    spoil(store, table, action)
    found = verify(store, given_, with_views=True)
    assert {one.kind for one in found.findings} == {"view drift"}
    assert found.checkpoints[0].holds
    # Where it is the tree, it is told by the first reading, too.
    drifts = sorted(one.message for one in found.findings if one.position is None)
    told_of = [message.partition(": ") for message in drifts]
    assert [of for of, _, _ in told_of] == [f"{name} {table}, {kind}" for kind in kinds]
    assert {row.count(" | ") for _, _, row in told_of} == {columns.count(",")}
    # Who does not ask for the views is not told of them.
    assert verify(store, given_).sound == (name != "tree" or action == "add")


def test_views_that_are_right_are_no_finding(copy: tuple[Store, bytes]) -> None:
    store, given_ = copy
    assert verify(store, given_, with_views=True) == verify(store, given_)


def test_a_row_is_told_in_full(copy: tuple[Store, bytes]) -> None:
    store, given_ = copy
    change_views(store, "INSERT INTO contexts VALUES ('Smuggling', x'00ff', 1, NULL)")
    assert verify(store, given_, with_views=True).findings == (
        drift("contexts contexts, surplus: Smuggling | 00ff | 1 | None"),
    )


def test_views_that_cannot_be_compared(copy: tuple[Store, bytes]) -> None:
    store, given_ = copy
    change_views(store, "UPDATE projections SET schema = 99 WHERE name = 'current'")
    found = verify(store, given_, with_views=True)
    assert found.sound
    assert any("current" in note for note in found.notes)


def test_views_that_are_damaged(copy: tuple[Store, bytes], log: Path) -> None:
    store, given_ = copy
    generation(log).write_bytes(b"these are no views" * 1000)
    found = verify(store, given_, with_views=True)
    assert found.findings == (drift(f"the views in {store.views_place} are damaged"),)
    assert found.notes == (NOTHING_TO_COMPARE, NO_KEY, NO_TREE)


def test_views_that_are_not_there_are_not_made(store: Store) -> None:
    leaves = fill(store, 20, views=False)
    found = verify(store, checkpoint(leaves), with_views=True)
    assert found.sound
    assert found.notes == (NOTHING_TO_COMPARE, NO_KEY, NO_TREE)
    assert store.generations() == []
