"""Evidence: the views as they lie, and none where they are not this ledger's, or damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.audit.alignment import Leaf
from ledger.audit.checkpoints import Checkpoint
from ledger.audit.merkle import complete, root_of
from ledger.verifying.evidence import Evidence
from tests.audit.evidence import ORIGIN
from tests.places import views_folder
from tests.projections.desk import generation
from tests.stores import Store
from tests.verifying.logs import (
    attack,
    entry_at,
    fill,
    fill_tree,
    version_at,
)


@contextmanager
def evidence(store: Store) -> Iterator[Evidence]:
    with (
        Ledger.open(store.url) as ledger,
        closing(Evidence.of(ledger.views, ledger.application)) as found,
    ):
        yield found


def require_no_tree(store: Store) -> None:
    with evidence(store) as found:
        assert (found.size, found.tree) == (0, None)
        assert list(found.leaves()) == []


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1024, 1100])
def test_leaves_are_those_of_the_tree(store: Store, size: int) -> None:
    leaves = fill_tree(store, size)
    with evidence(store) as found:
        assert (found.size, found.tree) == (size, store.serving())
        assert list(found.leaves()) == [Leaf(n, leaf) for n, leaf in enumerate(leaves, 1)]
        assert found.hashes(0, 5, 9) == b"".join(leaves[5:9])
        tiles = [complete(leaves[at : at + 256]) for at in range(0, size - size % 256, 256)]
        assert found.hashes(1, 0, 100) == b"".join(tiles)


def test_it_is_not_brought_up_to_date(store: Store) -> None:
    fill(store, 20)
    fill(store, 30, views=False)
    with evidence(store) as found:
        assert found.size == 20
        assert len(list(found.leaves())) == 20


def test_it_is_that_of_a_log_that_was_longer(store: Store) -> None:
    fill(store, 20)
    attack(store, "DELETE FROM events WHERE position > 12")
    with evidence(store) as found:
        assert found.size == 20
        assert found.versions_at({20}) == {20: (entry_at(20), version_at(20))}


@pytest.mark.parametrize("size", [0, 20])
def test_where_there_are_no_views(store: Store, size: int) -> None:
    fill(store, size, views=False)
    require_no_tree(store)
    with evidence(store) as found:
        assert found.hashes(0, 0, 10) == b""
        assert found.vouched([Checkpoint(ORIGIN, 1, bytes(32))]) == 0
        assert found.versions_at({1, 2}) == {}
    assert store.generations() == []


def execute(statement: str) -> Callable[[Store], None]:
    def change(store: Store) -> None:
        with store.views() as db:
            assert db.execute(statement).rowcount

    return change


@pytest.mark.parametrize(
    "change",
    [
        execute("UPDATE generation SET ledger = 'another'"),
        execute("UPDATE projections SET schema = schema + 1 WHERE name = 'tree'"),
        execute("DELETE FROM projections WHERE name = 'tree'"),
        execute("DROP TABLE generation"),
    ],
)
def test_views_that_cannot_testify(store: Store, change: Callable[[Store], None]) -> None:
    fill(store, 20)
    change(store)
    require_no_tree(store)


@pytest.mark.parametrize(
    "change",
    [
        lambda log: generation(log).write_bytes(b"these are no views" * 1000),
        lambda log: generation(log).write_bytes(b""),
        lambda log: generation(log).unlink(),
        lambda log: (views_folder(log) / "current").write_text("../news.db"),
        lambda log: (views_folder(log) / "current").write_bytes(b"\xff"),
    ],
)
def test_files_that_cannot_testify(
    store: Store, log: Path, change: Callable[[Path], None]
) -> None:
    fill(store, 20)
    change(log)
    require_no_tree(store)


def checkpoint(leaves: list[bytes], size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_of(leaves[:size]))


def test_up_to_where_a_checkpoint_vouches_for_it(store: Store) -> None:
    leaves = fill_tree(store, 300)
    of = {size: checkpoint(leaves, size) for size in (1, 100, 256, 300)}
    strange = Checkpoint(ORIGIN, 256, bytes(32))
    beyond = Checkpoint(ORIGIN, 301, bytes(32))
    empty = checkpoint(leaves, 0)
    with evidence(store) as found:
        assert found.vouched([]) == found.vouched([empty]) == found.vouched([beyond]) == 0
        assert found.vouched([of[100]]) == 100
        assert found.vouched([of[300], of[1], strange, beyond]) == 300
        assert found.vouched([of[100], strange]) == 100
    with store.views() as db:
        db.execute(f"UPDATE tiles SET hashes = x'{bytes(8192).hex()}' WHERE level = 0")
    with evidence(store) as found:
        assert found.vouched(list(of.values())) == 0


def test_which_versions_were_where(store: Store) -> None:
    fill(store, 40)
    with evidence(store) as found:
        assert found.versions_at(set()) == {}
        assert found.versions_at({5, 17, 99}) == {
            position: (entry_at(position), version_at(position)) for position in (5, 17)
        }
    # They are told by another read model than the tree.
    execute("UPDATE projections SET schema = schema + 1 WHERE name = 'changes'")(store)
    with evidence(store) as found:
        assert found.size == 40
        assert found.versions_at({5}) == {}
