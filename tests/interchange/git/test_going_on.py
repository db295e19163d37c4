"""Imports of git history that are cut in two, killed, or go on beside other writers."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.audit.merkle import Peaks
from ledger.errors import InvalidInput, StoreError
from ledger.interchange.git import history
from ledger.pages.model import Page
from ledger.store.leaf import leaf_hash
from ledger.store.mapper import EventMapper
from tests.conftest import NOW
from tests.interchange.git.archive import Archive, events, take
from tests.interchange.git.test_history import BRIDGE, FILE, FLOOD, RENAMED
from tests.interchange.site import at, count, open_ledger, page
from tests.stores import Store

PAGES = 60
COMMITS = 40
DEADLINE = 60


def a_page(number: int, state: int) -> Page:
    return page(
        f"Entry {number}" if state < 20 else f"Entry {number} retitled",
        None,
        style="archive",
        topic=f"Topic {state % 3}" if number % 2 else None,
        # Every entry has words of its own: only itself is alike.
        summary=" ".join(f"{word}{number}" for word in "abcdefgh") + f" and {state // 2}.",
    )


def file_of(number: int, state: int) -> str:
    return f"{at(f'entry-{number}' + ('' if state < 20 else '-retitled'))[1:]}.md"


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Pages that come, change, are retitled, go and come back."""
    made = Archive(tmp_path_factory.mktemp("long"))
    there: dict[int, tuple[str, Page]] = {}
    for state in range(COMMITS):
        files: dict[str, Page | str | bytes | None] = {}
        for number in range(state % 2, PAGES, 2 + state % 3):
            if number in there and (number * 7 + state) % 11 == 0:
                files[there.pop(number)[0]] = None
                continue
            name, content = file_of(number, state), a_page(number, state)
            if number in there and there[number][0] != name:
                files[there[number][0]] = None
            files[name] = content
            there[number] = (name, content)
        made.commit(files, f"State {state}")
    return made


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transactions and groups that end in the middle of commits."""
    monkeypatch.setattr(history, "COMMANDS_A_TRANSACTION", 7)
    monkeypatch.setattr(history, "PAGES_A_GROUP", 13)


def still(folder: Path, name: str) -> Ledger:
    """A ledger whose clocks stand still, and whose salts are all the same."""
    ledger = open_ledger(f"sqlite:///{folder / name}.db")
    ledger.application.mapper = EventMapper(salt=lambda size: b"s" * size)
    ledger.application.log._clock = lambda: int(NOW.timestamp() * 1e6)  # type: ignore[attr-defined]
    return ledger


def root(ledger: Ledger) -> bytes:
    peaks = Peaks()
    for row in ledger.application.rows(0, 1_000_000):
        peaks.add(leaf_hash(row))
    return peaks.root()


@pytest.fixture
def whole(long: Archive, tmp_path: Path) -> tuple[int, bytes]:
    """How many events the archive comes to in one go, and the root of their tree."""
    with still(tmp_path, "whole") as ledger:
        found = take(ledger, long, contexts=False)
        assert {"created", "edited", "retitled", "retracted", "reinstated"} <= found.keys()
        assert "failures" not in found
        again = take(ledger, long, contexts=False)
        assert again.keys() <= {"commits", "changes", "unchanged", "older", "noise"}
        return count(ledger), root(ledger)


def test_the_archive_is_as_it_was_at_each_commit(long: Archive, tmp_path: Path) -> None:
    with still(tmp_path, "states") as ledger:
        take(ledger, long)
        for state in range(COMMITS):
            files = subprocess.run(
                [
                    "git",
                    "-C",
                    str(long.folder),
                    "ls-tree",
                    "-r",
                    "--name-only",
                    long.commits[state],
                ],
                check=True,
                capture_output=True,
                text=True,
            ).stdout.split()
            found = ledger.entries(as_of=long.time(state), status="active")
            assert sorted(f"{listed.path[1:]}.md" for listed in found) == sorted(files)


@pytest.mark.parametrize("cut", [0, 1, 7, 20, 21, COMMITS - 1])
def test_two_halves_are_one_whole(
    long: Archive, tmp_path: Path, whole: tuple[int, bytes], cut: int
) -> None:
    with still(tmp_path, "halves") as ledger:
        take(ledger, long, until=long.commits[cut], contexts=False)
    with still(tmp_path, "halves") as ledger:
        take(ledger, long, contexts=False)
        assert (count(ledger), root(ledger)) == whole


@pytest.mark.parametrize("calls", [1, 2, 5, 9, 14])
def test_a_store_that_fails_in_the_middle(
    long: Archive,
    tmp_path: Path,
    whole: tuple[int, bytes],
    monkeypatch: pytest.MonkeyPatch,
    calls: int,
) -> None:
    with still(tmp_path, "failing") as ledger:
        good, left = ledger.application.log.append, iter(range(calls))

        def failing(*given: object) -> object:
            if next(left, None) is None:
                raise StoreError("the disk is full")
            return good(*given)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(ledger.application.log, "append", failing)
            with pytest.raises(StoreError, match=r"the disk is full; \d+ events .* run it again"):
                take(ledger, long, contexts=False)
        before = count(ledger)
        assert 0 < before < whole[0]
    with still(tmp_path, "failing") as ledger:
        take(ledger, long, contexts=False)
        assert (count(ledger), root(ledger)) == whole


IMPORT = """
import sys
from pathlib import Path
from ledger import Ledger
from ledger.interchange.git import history

history.COMMANDS_A_TRANSACTION = 7
history.PAGES_A_GROUP = 13
with Ledger.open(sys.argv[1]) as ledger:
    ledger.import_git(Path(sys.argv[2]), actor="importer", contexts=False)
"""


@pytest.mark.parametrize("after", [1, 60, 200])
def test_a_run_that_is_killed_is_finished_by_the_next(
    long: Archive, store: Store, after: int
) -> None:
    process = subprocess.Popen([sys.executable, "-c", IMPORT, store.url, str(long.folder)])
    with Ledger.open(store.url) as ledger:
        deadline = time.monotonic() + DEADLINE
        while process.poll() is None and time.monotonic() < deadline:
            # There may be no ledger yet.
            with suppress(StoreError):
                if count(ledger) >= after:
                    process.send_signal(signal.SIGKILL)
                    break
            time.sleep(0.001)
        process.wait(DEADLINE)
        take(ledger, long, contexts=False)
        made = [(event.entry, event.version, event.data, event.meta) for event in events(ledger)]
    with Ledger.open(store.another().url) as ledger:
        take(ledger, long, contexts=False)
        again = [(event.entry, event.version, event.data, event.meta) for event in events(ledger)]
    assert made == again


def test_another_writer_comes_between(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    take(ledger, archive, contexts=False)
    archive.commit({FILE: replace(BRIDGE, summary="It opens in May.")})
    archive.commit({FILE: None})
    good = ledger.application.log.append
    mine = iter(["Old town"])

    def slow(*given: object) -> object:
        for topic in mine:
            with Ledger.open(ledger.application.url) as other:
                other.edit(at("bridge-closed"), topic=topic, actor="eve")
        return good(*given)  # type: ignore[arg-type]

    ledger.application.log.append = slow  # type: ignore[method-assign, assignment]
    found = take(ledger, archive, contexts=False)
    assert (found["edited"], found["retracted"], "failures" in found) == (1, 1, False)
    entry = ledger.get(at("bridge-closed")).entry
    assert (entry.topic, entry.summary) == ("Old town", "It opens in May.")
    assert (entry.version, entry.status) == (4, "retracted")


def test_another_writer_closes_the_entry(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    take(ledger, archive, contexts=False)
    changed = archive.commit({FILE: replace(BRIDGE, topic="Port"), RENAMED: FLOOD})
    good = ledger.application.log.append
    first = iter([True])

    def slow(*given: object) -> object:
        for _ in first:
            with Ledger.open(ledger.application.url) as other:
                other.retract(at("bridge-closed"), actor="eve")
        return good(*given)  # type: ignore[arg-type]

    ledger.application.log.append = slow  # type: ignore[method-assign, assignment]
    found = take(ledger, archive)
    assert (found["created"], len(found["failures"])) == (1, 1)
    assert found["failures"][0].startswith(f"{changed[:12]}:{FILE}: its entry ")


def test_the_same_history_in_two_repositories(
    ledger: Ledger, archive: Archive, tmp_path: Path
) -> None:
    """A history that was rewritten: what both have in common is not stored twice."""
    archive.commit({FILE: BRIDGE}, "one")
    take(ledger, archive, contexts=False)
    rewritten = Archive(tmp_path / "rewritten")
    rewritten.commit({FILE: BRIDGE}, "one, anew")
    rewritten.commit({FILE: replace(BRIDGE, topic="Port")}, "two")
    with pytest.raises(InvalidInput, match=r"has imported another history, .* say --another"):
        take(ledger, rewritten)
    assert take(ledger, rewritten, contexts=False, another=True)["edited"] == 1
    assert count(ledger) == 2
    # Now it is the history that the ledger knows.
    assert take(ledger, rewritten, contexts=False) == {"commits": 1, "changes": 1, "unchanged": 1}
