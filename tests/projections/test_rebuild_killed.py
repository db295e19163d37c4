"""Rebuilds that are killed: the old views serve at once, and the next rebuild ends right."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from ledger import Ledger
from ledger.projections.records import RebuildProof
from tests.projections.desk import digests, one_generation, projected_anew, write_many
from tests.stores import Store

REBUILD = """
import sys
from ledger import Ledger
with Ledger.open(sys.argv[1]) as ledger:
    ledger.application.log.head()
    print("ready", flush=True)
    sys.stdin.readline()
    ledger.rebuild(sys.argv[2:])
    print("done", flush=True)
"""


class Rebuilder:
    """A process that rebuilds once it is told to."""

    def __init__(self, url: str, *names: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", REBUILD, url, *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def go(self) -> None:
        self.expect("ready")
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def expect(self, line: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"{line}\n"

    def kill(self) -> bool:
        """Kill it; return whether it was still at work."""
        self.process.kill()
        out, _ = self.process.communicate()
        return out == ""


@pytest.mark.parametrize(("names", "kills"), [((), 20), (("changes", "search"), 4)])
def test_a_rebuild_killed_at_any_moment_leaves_the_old_views_serving(
    store: Store, url: str, tmp_path: Path, names: tuple[str, ...], kills: int
) -> None:
    if store.kind == "postgres":
        kills = min(kills, 3)
    write_many(url, 150, 9)
    before = digests(url)
    assert {status.position for status in before} == {1500}
    proofs = tuple(RebuildProof(s, True) for s in before if not names or s.name in names)

    first = Rebuilder(url, *names)
    first.go()
    begun = time.monotonic()
    first.expect("done")
    duration = time.monotonic() - begun
    first.process.communicate()
    assert first.process.returncode == 0

    random = Random(20210304)
    next_one = Rebuilder(url, *names)
    killed = 0
    try:
        for kill in range(kills):
            rebuilder = next_one
            rebuilder.go()
            # A moment in each of the parts of the time that a rebuild takes.
            time.sleep(duration * (kill + random.random()) / kills)
            killed += rebuilder.kill()
            next_one = Rebuilder(url, *names)
            serving = store.serving()
            with Ledger.open(url) as ledger:
                assert ledger.views.status() == before
                assert len(ledger.entries()) == 150
                # Nothing was made for that: what the pointer named served at once.
                assert store.serving() == serving
                assert ledger.rebuild(names) == proofs
                assert store.serving() != serving
                assert ledger.views.status() == before
            assert one_generation(store)
    finally:
        next_one.kill()
    assert killed > 0
    assert projected_anew(url, tmp_path / "other") == before
