"""What `scripts/bench` compares does the same: no time is looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
EVENTS, ASKED = 500, 100

READING = ("current", "by_path", "changes", "as_of", "search")


# From those who have read models apart.
NOT_OURS = {
    "current version by id, from a read model",
    "Changes list, from a read model",
}
STARTING = {'python -c "import click, msgspec, sqlite3"', "ledger --help", "ledger show"}

LIAR = """
from benchmark.ours import Ours

class Liar(Ours):
    def current(self, entry):
        return super().current(0)
"""


@pytest.fixture(scope="module", autouse=True)
def scripts() -> Iterator[pytest.MonkeyPatch]:
    """What the scripts import can be imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPTS)
        yield patch


@contextmanager
def loaded(folder: Path) -> Iterator[list[Any]]:
    """Give the floor and the ledger the same events."""
    entrants, operations = map(import_module, ("benchmark.entrants", "benchmark.operations"))
    with ExitStack() as stack:
        found = []
        for entrant in entrants.taking_part(EVENTS, ["ledger"]):
            place = folder / entrant.name
            place.mkdir()
            contestant = stack.enter_context(closing(entrant.contestant()(place)))
            session = operations.Session(contestant, EVENTS, 0)
            operations.load(session, 0)
            operations.rebuild(session, 0)
            operations.settle(session, 0)
            found.append(session)
        yield found


@pytest.fixture(scope="module")
def unchanged(
    scripts: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Any]]:
    with loaded(tmp_path_factory.mktemp("bench")) as sessions:
        yield sessions


def figures() -> set[str]:
    return {figure.name for figure in import_module("benchmark.figures").FIGURES}


def answers(session: Any, method: str) -> list[Any]:
    found: list[Any] = import_module("benchmark.operations").answers(method, session)
    return found


@pytest.mark.parametrize("method", READING)
def test_the_ledger_answers_as_the_floor_does(unchanged: list[Any], method: str) -> None:
    floor, ours = unchanged
    expected = answers(floor, method)
    assert len(expected) >= ASKED
    assert all(expected)
    assert answers(ours, method) == expected


def test_it_does_so_after_events_one_by_one_and_from_threads(tmp_path: Path) -> None:
    operations = import_module("benchmark.operations")
    with loaded(tmp_path) as sessions:
        for session in sessions:
            operations.append(session, 0)
            operations.append_beside(session, 0)
        floor, ours = sessions
        assert answers(ours, "as_of") == answers(floor, "as_of")
        assert all(ours.contestant.verify().values())


def test_who_says_something_else_is_found_out(scripts: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entrants, rounds = map(import_module, ("benchmark.entrants", "benchmark.rounds"))
    (tmp_path / "liar.py").write_text(LIAR)
    scripts.syspath_prepend(tmp_path)
    liar = entrants.Entrant("liar", "liar:Liar", "ledger", EVENTS)
    with pytest.raises(SystemExit, match="liar answers question 0 of 'current' with"):
        rounds.run([entrants.FLOOR, liar], EVENTS, 1, quick=True)


def test_a_goal_is_about_figures_that_there_are() -> None:
    for goal in import_module("benchmark.goals").GOALS:
        assert {goal.over[0], goal.under[0]} <= figures()


def test_the_whole_of_it_runs_and_gives_figures_and_goals(tmp_path: Path) -> None:
    into = tmp_path / "figures.json"
    done = subprocess.run(
        [
            *(sys.executable, SCRIPTS / "bench.py", "--events", str(EVENTS), "--rounds", "1"),
            *("--only", "ledger", "--json", into),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(into.read_bytes())
    assert set(found["operations"]) == figures() - NOT_OURS | STARTING
    bulk = found["operations"]["bulk load"][str(EVENTS)]
    assert set(bulk) == {"floor", "ledger"}
    assert bulk["floor"]["ratio"] == 1
    assert set(found["settings"]["contestants"]) == {"floor", "ledger"}
    assert "journal_mode=wal, synchronous=FULL" in found["settings"]["contestants"]["ledger"]
    assert "| bulk load | us | speed |" in done.stdout
    for goal in found["goals"]:
        assert f"| {goal['what']} | {goal['goal']} |" in done.stdout
