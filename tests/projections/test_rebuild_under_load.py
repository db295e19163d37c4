"""Rebuilds while others write and read without a pause: nobody notices."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

from ledger import Ledger
from ledger.domain.commands import Command, CreateEntry
from tests.projections.desk import digests, one_generation, projected_anew
from tests.stores import Store

ENTRIES = 20
EDITS = {"sqlite": 2000, "postgres": 500}
REBUILDS = 5
"""How many rebuilds there are at least: each part of the edits waits until one begins."""

READERS = 4

WRITE = """
import sys
from ledger import Ledger
url, edits, parts, *ids = sys.argv[1:]
with Ledger.open(url) as ledger:
    print("ready", flush=True)
    for number in range(int(edits)):
        if number % (int(edits) // int(parts)) == 0:
            sys.stdin.readline()
        turn, place = divmod(number, len(ids))
        ledger.edit(
            ids[place],
            headline=f"Ferry {place} at {turn + 1}",
            summary=f"Turn {turn + 1}",
            actor="Ben",
            expected_version=turn + 1,
        )
"""

# Each entry's version n says n - 1 in its headline, so every answer tells how old it is.
READ = """
import sys
from datetime import date
from random import Random
from ledger import Ledger

url, seed, last, *ids = sys.argv[1:]
last = int(last)
random = Random(int(seed))
day = date(2021, 3, 4)
known = dict.fromkeys(ids, 1)
position = 0

def learn(entry, version):
    entry = str(entry)
    assert version >= known[entry], (entry, version, known[entry])
    known[entry] = version

with Ledger.open(url) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    rounds = 0
    while min(known.values()) < last:
        entry = random.choice(ids)
        found = ledger.get(entry)
        assert found.entry.headline.endswith(f" {found.entry.version - 1}")
        assert found.event.version == found.entry.version
        learn(entry, found.entry.version)
        changes = ledger.changes(entry)
        assert [change.version for change in changes] == list(range(1, len(changes) + 1))
        learn(entry, len(changes))
        listed = ledger.entries(day=day)
        assert len(listed) == len(ids)
        for one in listed:
            assert one.path.endswith(one.entry.slug)
            learn(one.entry.id, one.entry.version)
        for hit in ledger.search(f"{known[entry] - 1}"):
            learn(hit.entry.id, hit.entry.version)
        assert len(ledger.related(entry, 100)) == len(ids) - 1
        standing = ledger.views.standing()
        (reached,) = {status.position for status in standing}
        assert reached >= position
        position = reached
        rounds += 1
    print(rounds, flush=True)
"""


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def say_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_readers_and_a_writer_go_on_while_the_views_are_rebuilt_again_and_again(
    store: Store,
    url: str,
    tmp_path: Path,
) -> None:
    edits = EDITS[store.kind]
    commands: list[Command] = [
        CreateEntry(
            date=date(2021, 3, 4), headline=f"Ferry {n} at 0", contexts=("Harbour",), actor="Ann"
        )
        for n in range(ENTRIES)
    ]
    with Ledger.open(url) as ledger:
        ids = [event.entry for event in ledger.execute(commands)]
        ledger.views.status()
        writer = start(WRITE, url, edits, REBUILDS, *ids)
        readers = [start(READ, url, seed, 1 + edits // ENTRIES, *ids) for seed in range(READERS)]
        everyone = [writer, *readers]
        for process in everyone:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for reader in readers:
            say_go(reader)
        rebuilt = 0
        while rebuilt < REBUILDS or writer.poll() is None:
            if rebuilt < REBUILDS:
                say_go(writer)
            names = ((), ("search", "current"))[rebuilt % 3 == 2]
            proofs = ledger.rebuild(names)
            assert [proof.same for proof in proofs] == [True] * (len(names) or 8)
            assert len({proof.status.position for proof in proofs}) == 1
            rebuilt += 1
        told = [process.communicate()[0] for process in everyone]
        assert [process.returncode for process in everyone] == [0] * 5
        assert all(int(rounds) > 0 for rounds in told[1:])
        status = ledger.views.status()
        assert {one.position for one in status} == {ENTRIES + edits}
        quiet = ledger.rebuild()
        assert [(proof.status, proof.same) for proof in quiet] == [(one, True) for one in status]
    assert digests(url) == projected_anew(url, tmp_path / "other") == status
    assert one_generation(store)
