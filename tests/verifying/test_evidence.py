"""Evidence: the views as they lie, and none where they are not this ledger's, or damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.audit.alignment import Leaf
from ledger.audit.checkpoints import Checkpoint
from ledger.audit.merkle import complete, root_of
from ledger.projections.views import views_folder
from ledger.verifying.evidence import Evidence
from tests.audit.evidence import ORIGIN
from tests.projections.desk import generation, opened
from tests.verifying.logs import (
    attack,
    entry_at,
    fill,
    fill_tree,
    url_of,
    version_at,
)


@contextmanager
def evidence(log: Path) -> Iterator[Evidence]:
    with (
        Ledger.open(url_of(log)) as ledger,
        closing(Evidence.of(ledger.views, ledger.application)) as found,
    ):
        yield found


def require_none(log: Path) -> None:
    with evidence(log) as found:
        assert (found.size, found.path) == (0, None)
        assert found.hashes(0, 0, 10) == b""
        assert list(found.leaves()) == []
        assert found.vouched([Checkpoint(ORIGIN, 1, bytes(32))]) == 0
        assert found.versions_at({1, 2}) == {}


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1024, 1100])
def test_leaves_are_those_of_the_tree(log: Path, size: int) -> None:
    leaves = fill_tree(log, size)
    with evidence(log) as found:
        assert (found.size, found.path) == (size, generation(log))
        assert list(found.leaves()) == [Leaf(n, leaf) for n, leaf in enumerate(leaves, 1)]
        assert found.hashes(0, 5, 9) == b"".join(leaves[5:9])
        tiles = [complete(leaves[at : at + 256]) for at in range(0, size - size % 256, 256)]
        assert found.hashes(1, 0, 100) == b"".join(tiles)


def test_it_is_not_brought_up_to_date(log: Path) -> None:
    fill(log, 20)
    fill(log, 30, views=False)
    with evidence(log) as found:
        assert found.size == 20
        assert len(list(found.leaves())) == 20


def test_it_is_that_of_a_log_that_was_longer(log: Path) -> None:
    fill(log, 20)
    attack(log, "DELETE FROM events WHERE position > 12")
    with evidence(log) as found:
        assert found.size == 20
        assert found.versions_at({20}) == {20: (entry_at(20), version_at(20))}


@pytest.mark.parametrize("size", [0, 20])
def test_where_there_are_no_views(log: Path, size: int) -> None:
    fill(log, size, views=False)
    require_none(log)
    assert not views_folder(log).exists()


def another(log: Path) -> None:
    other = log.with_name("other.db")
    fill(other, 25)
    shutil.rmtree(views_folder(log))
    shutil.copytree(views_folder(other), views_folder(log))


def execute(statement: str) -> Callable[[Path], None]:
    def change(log: Path) -> None:
        with opened(log) as db:
            assert db.execute(statement).rowcount

    return change


@pytest.mark.parametrize(
    "change",
    [
        another,
        lambda log: generation(log).write_bytes(b"these are no views" * 1000),
        lambda log: generation(log).write_bytes(b""),
        lambda log: generation(log).unlink(),
        lambda log: (views_folder(log) / "current").write_text("../news.db"),
        lambda log: (views_folder(log) / "current").write_bytes(b"\xff"),
        execute("UPDATE projections SET schema = schema + 1 WHERE name = 'tree'"),
        execute("DELETE FROM projections WHERE name = 'tree'"),
        execute("DROP TABLE generation"),
    ],
)
def test_views_that_cannot_testify(log: Path, change: Callable[[Path], None]) -> None:
    fill(log, 20)
    change(log)
    with evidence(log) as found:
        assert (found.size, found.path) == (0, None)
        assert list(found.leaves()) == []


def checkpoint(leaves: list[bytes], size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_of(leaves[:size]))


def test_up_to_where_a_checkpoint_vouches_for_it(log: Path) -> None:
    leaves = fill_tree(log, 300)
    of = {size: checkpoint(leaves, size) for size in (1, 100, 256, 300)}
    strange = Checkpoint(ORIGIN, 256, bytes(32))
    beyond = Checkpoint(ORIGIN, 301, bytes(32))
    empty = checkpoint(leaves, 0)
    with evidence(log) as found:
        assert found.vouched([]) == found.vouched([empty]) == found.vouched([beyond]) == 0
        assert found.vouched([of[100]]) == 100
        assert found.vouched([of[300], of[1], strange, beyond]) == 300
        assert found.vouched([of[100], strange]) == 100
    with opened(log) as db:
        db.execute("UPDATE tiles SET hashes = zeroblob(8192) WHERE level = 0")
    with evidence(log) as found:
        assert found.vouched(list(of.values())) == 0


def test_which_versions_were_where(log: Path) -> None:
    fill(log, 40)
    with evidence(log) as found:
        assert found.versions_at(set()) == {}
        assert found.versions_at({5, 17, 99}) == {
            position: (entry_at(position), version_at(position)) for position in (5, 17)
        }
    # They are told by another read model than the tree.
    execute("UPDATE projections SET schema = schema + 1 WHERE name = 'changes'")(log)
    with evidence(log) as found:
        assert found.size == 40
        assert found.versions_at({5}) == {}
