"""The tree's tiles: those of a naive computation, whatever the batches; proofs out of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cache
from hashlib import sha256
from random import Random

import pytest

from ledger import Ledger
from ledger.audit.merkle import (
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    root,
    root_of,
)
from ledger.projections.sqlite.database import SQLiteDb
from ledger.projections.tree import Tree, subtrees
from ledger.store.leaf import leaf_hash
from ledger.store.rows import Row
from tests.projections.desk import digests, fill, insert
from tests.stores import Store

BIG = 65_536 + 3
SIZES = (0, 1, 255, 256, 257, 512, BIG)

Tables = tuple[dict[tuple[int, int], bytes], dict[tuple[int, int], bytes]]


@cache
def row(position: int) -> Row:
    entry, meta = sha256(b"%d" % (position // 3)).digest()[:16], b"meta %d" % position
    return Row(position, entry, position % 3 + 1, "EntryEdited@1", position * 7, meta, b"")


@cache
def leaves() -> tuple[bytes, ...]:
    return tuple(leaf_hash(row(position)) for position in range(1, BIG + 1))


def hashed(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes, by recursion."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return sha256(b"\x01" + hashed(hashes[:half]) + hashed(hashes[half:])).digest()


def naive(size: int) -> Tables:
    """All tiles and edges of a log, level by level."""
    tiles: dict[tuple[int, int], bytes] = {}
    edge: dict[tuple[int, int], bytes] = {}
    hashes, level = list(leaves()[:size]), 0
    while hashes:
        full = [hashes[at : at + 256] for at in range(0, len(hashes) - 255, 256)]
        tiles |= {(level, number): b"".join(tile) for number, tile in enumerate(full)}
        edge |= {(level, n): hashes[n] for n in range(len(full) * 256, len(hashes))}
        hashes, level = [hashed(tile) for tile in full], level + 1
    return tiles, edge


def made() -> SQLiteDb:
    db = sqlite3.connect(":memory:", factory=SQLiteDb)
    for statement in Tree.ddl:
        db.execute(statement)
    return db


def grow(db: SQLiteDb, first: int, last: int, batch: int = 5000) -> None:
    for start in range(first, last + 1, batch):
        Tree().apply_rows([row(p) for p in range(start, min(start + batch, last + 1))], db)


def stored(db: SQLiteDb) -> Tables:
    return (
        {(level, n): hashes for level, n, hashes in db.execute("SELECT * FROM tiles")},
        {(level, n): hash_ for level, n, hash_ in db.execute("SELECT * FROM edge")},
    )


@pytest.fixture
def db() -> Iterator[SQLiteDb]:
    with closing(made()) as db:
        yield db


@pytest.fixture(scope="module")
def big() -> Iterator[SQLiteDb]:
    with closing(made()) as db:
        grow(db, 1, BIG)
        yield db


@pytest.mark.parametrize("size", SIZES)
def test_tiles_and_edge_are_those_of_a_naive_computation(db: SQLiteDb, size: int) -> None:
    grow(db, 1, size)
    assert stored(db) == naive(size)


def test_of_the_big_log_one_tile_is_full_above_the_leaves(big: SQLiteDb) -> None:
    tiles, edge = stored(big)
    assert sorted(tiles) == [*((0, number) for number in range(256)), (1, 0)]
    assert sorted(edge) == [(0, 65_536), (0, 65_537), (0, 65_538), (2, 0)]
    assert {len(hashes) for hashes in tiles.values()} == {256 * 32}
    assert edge[2, 0] == hashed(leaves()[:65_536])


@pytest.mark.parametrize(("size", "batch"), [(600, 1), (600, 255), (600, 256), (600, 257)])
def test_any_batches_give_the_same_tables(db: SQLiteDb, size: int, batch: int) -> None:
    grow(db, 1, size, batch)
    assert stored(db) == naive(size)


def test_any_batches_give_the_same_digest(db: SQLiteDb, big: SQLiteDb) -> None:
    rows, digest = Tree().digest(big)
    assert rows == 257 + 4
    grow(db, 1, BIG, 7)
    assert Tree().digest(db) == (rows, digest)
    with closing(made()) as other:
        random, last = Random(7), 0
        while last < BIG:
            first, last = last + 1, min(last + random.choice((1, 7, 250, 5000, 20_000)), BIG)
            grow(other, first, last, BIG)
        assert Tree().digest(other) == (rows, digest)


def test_another_leaf_gives_another_digest(db: SQLiteDb) -> None:
    grow(db, 1, 9)
    before = Tree().digest(db)
    with closing(made()) as other:
        grow(other, 1, 8)
        Tree().apply_rows([row(9)._replace(content=b"x")], other)
        assert Tree().digest(other)[0] == before[0] == 9
        assert Tree().digest(other)[1] != before[1]


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 700])
def test_every_earlier_root_comes_out_of_the_tiles(db: SQLiteDb, size: int) -> None:
    grow(db, 1, size)
    subtree = subtrees(db)
    for earlier in range(size + 1):
        assert root(subtree, earlier) == root_of(leaves()[:earlier])


def test_proofs_at_any_earlier_size_hold(big: SQLiteDb) -> None:
    random = Random(11)
    subtree = subtrees(big)
    some = [random.randrange(2, BIG) for _ in range(20)]
    for size in (2, 255, 256, 257, 512, 513, 65_535, 65_536, 65_537, BIG, *some):
        head = root_of(leaves()[:size])
        assert root(subtree, size) == head
        for index in {0, size - 1, size // 2, random.randrange(size)}:
            proof = inclusion_proof(subtree, index, size)
            assert is_included(leaves()[index], index, size, proof, head)
        for old in {1, size - 1, size // 2, random.randrange(1, size)}:
            before = root_of(leaves()[:old])
            proof = consistency_proof(subtree, old, size)
            assert is_consistent(old, before, size, head, proof)


def test_a_proof_reads_a_handful_of_rows(big: SQLiteDb) -> None:
    read: list[str] = []
    big.set_trace_callback(read.append)
    for index in (0, 300, 40_000, BIG - 1):
        for size in (index + 1, 65_535, BIG):
            read.clear()
            if index < size:
                inclusion_proof(subtrees(big), index, size)
                consistency_proof(subtrees(big), index, size)
            # Two tiles a level and a proof, at most, and the edge where there is no tile.
            assert len(read) <= 12
    big.set_trace_callback(None)


@pytest.mark.parametrize("size", [1, 255, 300, 511, 512])
def test_what_is_not_in_the_tree_yet_is_refused(db: SQLiteDb, size: int) -> None:
    grow(db, 1, size)
    for height in range(11):
        for index in range(size >> height, (2048 >> height) + 2):
            with pytest.raises(ValueError, match=rf"no subtree {index} of height {height}$"):
                subtrees(db)(height, index)
    for more in (size + 1, size + 2, 2 * size, 513, 769, 1024, 1025):
        if more > size:
            with pytest.raises(ValueError, match="the tree has no subtree"):
                root(subtrees(db), more)


def test_no_proof_of_a_size_to_come(db: SQLiteDb) -> None:
    grow(db, 1, 511)
    for size in (513, 514, 600):
        with pytest.raises(ValueError, match="the tree has no subtree"):
            inclusion_proof(subtrees(db), 511, size)
        with pytest.raises(ValueError, match="the tree has no subtree"):
            consistency_proof(subtrees(db), 512, size)


def test_a_tile_that_is_gone_is_missed(db: SQLiteDb) -> None:
    grow(db, 1, 700)
    db.execute("DELETE FROM tiles WHERE level = 0 AND number = 1")
    with pytest.raises(ValueError, match=r"^the tree has no subtree 256 of height 0$"):
        subtrees(db)(0, 256)


@pytest.mark.parametrize(
    ("size", "then"),
    [(0, 2), (5, 7), (255, 257), (300, 302), (300, 557), (256, 258), (0, 257), (256, 513)],
)
def test_a_gap_between_batches_is_refused(db: SQLiteDb, size: int, then: int) -> None:
    grow(db, 1, size)
    with pytest.raises(ValueError, match=rf"^level 0 of the tree does not reach leaf {then - 1}$"):
        Tree().apply_rows([row(then), row(then + 1)], db)
    assert stored(db) == naive(size)


@pytest.mark.parametrize(("size", "again"), [(5, 5), (5, 1), (256, 256), (256, 1), (300, 257)])
def test_a_row_that_was_taken_is_refused(db: SQLiteDb, size: int, again: int) -> None:
    grow(db, 1, size)
    with pytest.raises(
        ValueError, match=rf"^level 0 of the tree does not reach leaf {again - 1}$"
    ):
        Tree().apply_rows([row(again)], db)
    assert stored(db) == naive(size)


@pytest.mark.parametrize("last", [4, 256, 400])
def test_a_gap_in_a_batch_is_refused(db: SQLiteDb, last: int) -> None:
    grow(db, 1, 1)
    with pytest.raises(ValueError, match="of the tree does not reach leaf"):
        Tree().apply_rows([row(2), *(row(p) for p in range(4, last + 1))], db)


def test_rows_out_of_order_are_refused(db: SQLiteDb) -> None:
    with pytest.raises(ValueError, match="of the tree does not reach leaf"):
        Tree().apply_rows([row(1), row(3), row(2)], db)


def test_the_tree_of_a_ledger_is_that_of_its_log(url: str, store: Store) -> None:
    fill(url)
    assert digests(url)[-1].name == "tree"
    with Ledger.open(url) as ledger:
        hashes = [leaf_hash(row) for row in ledger.application.log.read(0, 100)]
    with store.views() as db:
        assert root(subtrees(db), 7) == root_of(hashes)
        assert [hash_ for (hash_,) in db.execute("SELECT hash FROM edge")] == hashes


def test_an_event_that_cannot_be_decoded_does_not_stop_the_tree(url: str, store: Store) -> None:
    fill(url)
    insert(store, "EntryTeleported@1", 1)
    with Ledger.open(url) as ledger:
        standing = {one.name: one for one in ledger.views.standing()}
        hashes = [leaf_hash(row) for row in ledger.application.log.read(0, 100)]
    assert {name for name, one in standing.items() if one.failed_at is None} == {"tree"}
    assert standing["tree"].position == 8
    assert {one.failed_at for name, one in standing.items() if name != "tree"} == {8}
    with store.views() as db:
        assert root(subtrees(db), 8) == root_of(hashes)


def test_a_log_with_a_hole_stops_the_tree_at_the_hole(url: str, store: Store) -> None:
    fill(url)
    with store.log() as db:
        db.execute("DELETE FROM events WHERE position = 4")
    with Ledger.open(url) as ledger:
        (tree,) = (one for one in ledger.views.standing() if one.name == "tree")
    assert (tree.position, tree.failed_at) == (3, 5)
    assert tree.error == (
        "Tree.apply_rows raised ValueError: level 0 of the tree does not reach leaf 4"
    )
