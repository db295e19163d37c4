"""Two processes at one entry: every edit is stored or refused, and none is lost."""

from __future__ import annotations

import subprocess
import sys

from ledger import Ledger
from ledger.domain.events import EntryEdited
from tests.stores import Store

WRITER = """
import sys
from ledger import Ledger
from ledger.errors import Conflict

url, entry, name, edits = sys.argv[1:]
stored = refused = 0
with Ledger.open(url) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(edits)):
        known = ledger.get(entry).entry.version
        try:
            event = ledger.edit(
                entry, actor=name, headline=f"{name} {number}", expected_version=known
            )
        except Conflict as conflict:
            assert conflict.expected == known < conflict.actual
            refused += 1
        else:
            assert event.version == known + 1
            stored += 1
print(stored, refused)
"""

EDITS = {"sqlite": 1000, "postgres": 200}


def test_two_processes_edit_one_entry_again_and_again(store: Store) -> None:
    from datetime import date

    url, edits = store.url, EDITS[store.kind]
    with Ledger.open(url) as ledger:
        entry = ledger.create(date(2021, 3, 4), "Start", actor="a").entry
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(entry), name, str(edits)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("ana", "ben")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    counts = {}
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for name, writer in zip(("ana", "ben"), writers, strict=True):
        out, _ = writer.communicate()
        assert writer.returncode == 0
        counts[name] = tuple(map(int, out.split()))
    assert all(sum(count) == edits for count in counts.values())
    # Not one after the other: each was in the other's way at least once.
    assert all(stored > 0 for stored, _ in counts.values())
    assert sum(refused for _, refused in counts.values()) > 0

    with Ledger.open(url) as ledger:
        history = ledger.history(entry)
    stored = sum(stored for stored, _ in counts.values())
    assert [event.version for event in history] == list(range(1, stored + 2))
    assert [event.position for event in history] == list(range(1, stored + 2))
    for name, (mine, _) in counts.items():
        said = [event.data for event in history if event.meta.actor == name]
        numbers = [
            int(d.headline.split()[1])
            for d in said
            if isinstance(d, EntryEdited) and isinstance(d.headline, str)
        ]
        assert len(numbers) == mine
        assert numbers == sorted(set(numbers))
