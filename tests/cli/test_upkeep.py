"""The commands that look after projections: their state, their proofs, their failures."""

from __future__ import annotations

import json
import re
import signal
from datetime import date

import pytest

from ledger import Ledger
from ledger.projections.registry import BUILT_IN
from tests.cli.runner import Answer, Shell
from tests.cli.test_follow_log import STOPPED, ended, following, read

NAMES = [model.name for model in BUILT_IN]
ZEROS = "0" * 64


@pytest.fixture
def filled(ledger: Shell) -> Shell:
    """A store of three events."""
    with Ledger.open(ledger.store.url) as opened:
        fill(opened)
    return ledger


def fill(opened: Ledger) -> None:
    entry = opened.create(date(2021, 3, 4), "Ferry sails", actor="Ann", contexts=("Quays",)).entry
    opened.create(date(2021, 3, 5), "Storm", actor="Ann")
    opened.edit(entry, headline="Ferry stays", actor="Ben")


def complaint(answer: Answer) -> str:
    """Return what an answer complains of, which is one line."""
    assert answer.err.startswith("ledger: ")
    assert answer.err.count("\n") == 1
    return answer.err.removeprefix("ledger: ").removesuffix("\n")


# How they stand


def test_projections_stand_at_the_head(filled: Shell) -> None:
    lines = filled.ok("projections").splitlines()
    assert lines[0].split() == [
        *("projection", "schema", "position", "lag", "state", "skips", "error")
    ]
    assert [line.split()[::2] for line in lines[1:]] == [[name, "3", "running"] for name in NAMES]
    schemas = {model.name: model.schema for model in BUILT_IN}
    assert json.loads(filled.ok("projections", "--format", "json")) == [
        {
            "name": name,
            "schema": schemas[name],
            "position": 3,
            "lag": 0,
            "state": "running",
            "failed_at": None,
            "error": None,
            "skipped": [],
        }
        for name in NAMES
    ]
    assert filled.ok("project").splitlines() == lines


def test_digests(filled: Shell) -> None:
    digests = json.loads(filled.ok("projections", "digest", "--format", "json"))
    assert list(digests) == NAMES
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values())
    assert ZEROS not in digests.values()
    table = [line.split() for line in filled.ok("projections", "digest").splitlines()]
    assert table[0] == ["projection", "position", "rows", "digest"]
    assert {line[0]: line[3] for line in table[1:]} == digests
    assert {line[0]: line[1:3] for line in table[1:]}["changes"] == ["3", "3"]
    lines = filled.ok("projections", "digest", "--format", "jsonl").splitlines()
    assert {line["name"]: line["digest"] for line in map(json.loads, lines)} == digests


# Rebuilding


def test_a_rebuild_ends_with_a_proof(filled: Shell) -> None:
    digests = json.loads(filled.ok("projections", "digest", "--format", "json"))
    lines = [line.split() for line in filled.ok("rebuild", "--all").splitlines()]
    assert lines[0] == ["projection", "schema", "position", "rows", "digest", "before"]
    assert [(line[0], line[2], line[4], line[5]) for line in lines[1:]] == [
        (name, "3", digest, "same") for name, digest in digests.items()
    ]
    assert [line.split() for line in filled.ok("rebuild").splitlines()] == lines
    two = json.loads(filled.ok("rebuild", "days", "current", "--format", "json"))
    assert [(proof["status"]["name"], proof["same"]) for proof in two] == [
        ("current", True),
        ("days", True),
    ]
    assert set(two[0]["status"]) == {"name", "schema", "position", "rows", "digest"}
    filled.store.drop_views()
    (proof,) = map(json.loads, filled.ok("rebuild", "days", "--format", "jsonl").splitlines())
    assert (proof["status"], proof["same"]) == (two[1]["status"], None)
    assert json.loads(filled.ok("projections", "digest", "--format", "json")) == digests


def test_drift_is_named_row_by_row_and_put_right(filled: Shell) -> None:
    in_order = "no drift: the projections hold what the log gives\n"
    assert filled.ok("rebuild", "--check") == in_order
    assert filled.ok("rebuild", "--check", "--format", "json") == "[]\n"
    serving = filled.store.serving()
    with filled.store.views() as db:
        db.execute("UPDATE changes SET actor = 'eve' WHERE position = 3")
        (entry,) = db.execute("SELECT entry FROM changes WHERE position = 3").fetchone()
    answer = filled("rebuild", "--check")
    assert answer.status == 32
    assert complaint(answer) == (
        "differences from what the log gives: 2; `ledger rebuild` puts them right, but for a "
        "projection that stops when it is rebuilt"
    )
    lines = answer.out.splitlines()
    assert lines[0].split(maxsplit=2) == ["projection", "table", "row is   row"]
    assert {(*line.split()[:3], line.split(" | ")[8]) for line in lines[1:]} == {
        ("changes", "changes", "missing", "Ben"),
        ("changes", "changes", "surplus", "eve"),
    }
    # It has changed nothing, and it does not look at what was not asked for.
    assert filled.store.serving() == serving
    assert filled.ok("rebuild", "--check", "current", "days") == in_order
    found = json.loads(filled("rebuild", "--check", "changes", "--format", "json").out)
    assert {(drift["name"], drift["table"], drift["kind"]) for drift in found} == {
        ("changes", "changes", "missing"),
        ("changes", "changes", "surplus"),
    }
    assert [drift["row"][:3] for drift in found] == [[entry.hex(), 2, 3]] * 2
    rebuilt = json.loads(filled.ok("rebuild", "--format", "json"))
    assert [p["status"]["name"] for p in rebuilt if not p["same"]] == ["changes"]
    assert filled.store.serving() != serving
    assert filled.ok("rebuild", "--check") == in_order


# Failing


STORMS = """
from pathlib import Path

from ledger.domain.events import EntryCreated
from ledger.projections.projection import Projection, handles


class Storms(Projection):
    name = "storms"
    ddl = ("CREATE TABLE storms (position INTEGER, headline TEXT) STRICT",)
    tables = {"storms": "position, headline"}

    @handles(EntryCreated)
    def created(self, event, db):
        if event.data.headline == "Storm" and not Path(__file__).with_name("mended").exists():
            raise ValueError("no such weather")
        db.execute("INSERT INTO storms VALUES (?, ?)", (event.position, event.data.headline))
"""


@pytest.fixture
def stormy(filled: Shell) -> Shell:
    """A store with an installed projection that fails on event 2 of 3."""
    about = filled.folder / "storms-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: storms\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[ledger.projections]\nstorms = storms:Storms\n")
    (filled.folder / "storms.py").write_text(STORMS)
    filled.environment["PYTHONPATH"] = str(filled.folder)
    return filled


ERROR = "Storms.created raised ValueError: no such weather"
STOPPED_AT = f"the projection storms has stopped at event 2: {ERROR}; once that is mended, "


def standing(shell: Shell) -> dict[str, tuple[object, ...]]:
    found = json.loads(shell.ok("projections", "--format", "json"))
    return {
        status["name"]: tuple(
            status[key] for key in ("position", "lag", "state", "failed_at", "error")
        )
        for status in found
    }


def test_one_that_fails_stops_there_and_the_others_go_on(stormy: Shell) -> None:
    running = dict.fromkeys(NAMES, (3, 0, "running", None, None))
    assert standing(stormy) == running | {"storms": (1, 2, "stopped", 2, ERROR)}
    assert stormy.ok("projections").splitlines()[-1] == (
        f"storms      1       1         2    stopped at 2         {ERROR}"
    )
    assert stormy.ok("list").count("2021-03-0") == 2
    for command in (("project",), ("rebuild",), ("replay", "--all")):
        answer = stormy(*command)
        assert answer.status == 31, command
        assert complaint(answer).startswith(STOPPED_AT), command
        assert "`ledger projections retry storms`" in complaint(answer)
    assert "stopped at 2" in stormy("project").out
    assert stormy.ok("rebuild", "current").count("\n") == 2
    assert stormy.ok("rebuild", "--check", *NAMES).startswith("no drift")


def test_retry_tries_again(stormy: Shell) -> None:
    again = stormy("projections", "retry", "storms")
    assert again.status == 31
    assert complaint(again).startswith(STOPPED_AT)
    assert again.out.splitlines()[1].split()[:6] == ["storms", "1", "1", "2", "stopped", "at"]
    (stormy.folder / "mended").touch()
    # Not before somebody says so.
    assert standing(stormy)["storms"] == (1, 2, "stopped", 2, ERROR)
    assert stormy.ok("projections", "retry").splitlines()[-1].split() == [
        *("storms", "1", "3", "0", "running")
    ]
    digests = stormy.ok("projections", "digest", "--format", "json")
    (proof,) = json.loads(stormy.ok("rebuild", "storms", "--format", "json"))
    assert (proof["same"], proof["status"]["rows"]) == (True, 2)
    assert json.loads(digests)["storms"] == proof["status"]["digest"]


def test_a_skip_is_seen_by_everyone_and_outlives_a_rebuild(stormy: Shell) -> None:
    out = stormy.ok("projections", "skip", "storms", "2", "--reason", "a storm in a teacup")
    assert out.splitlines()[1:] == [
        "storms      1       3         0    running  2 (a storm in a teacup)"
    ]
    (status,) = [
        status
        for status in json.loads(stormy.ok("projections", "--format", "json"))
        if status["skipped"]
    ]
    (skip,) = status["skipped"]
    assert (status["name"], status["state"]) == ("storms", "running")
    assert {key: skip[key] for key in ("name", "position", "reason", "actor")} == {
        "name": "storms",
        "position": 2,
        "reason": "a storm in a teacup",
        "actor": "desk",
    }
    assert set(skip) == {"name", "position", "leaf", "reason", "actor", "skipped_at"}
    (proof,) = json.loads(stormy.ok("rebuild", "storms", "--format", "json"))
    assert (proof["same"], proof["status"]["rows"], proof["status"]["position"]) == (True, 1, 3)
    assert "a storm in a teacup" in stormy.ok("projections")
    assert stormy.ok("rebuild", "--check").startswith("no drift")


def test_a_skip_can_be_taken_back_once_that_is_mended(stormy: Shell) -> None:
    assert stormy("projections", "unskip", "storms", "2").status == 3
    stormy.ok("projections", "skip", "storms", "2", "--reason", "a storm in a teacup")
    (stormy.folder / "mended").touch()
    assert stormy.ok("projections", "unskip", "storms", "2") == (
        "storms no longer skips event 2: now `ledger rebuild storms`\n"
    )
    assert "teacup" not in stormy.ok("projections")
    (proof,) = json.loads(stormy.ok("rebuild", "storms", "--format", "json"))
    assert (proof["same"], proof["status"]["rows"], proof["status"]["position"]) == (False, 2, 3)


def test_only_the_event_that_it_stopped_at_can_be_skipped(stormy: Shell) -> None:
    for status, message, arguments in (
        (3, "storms has stopped at 2, not at 1", ("storms", "1", "--reason", "x")),
        (3, "current has stopped at no event: it runs", ("current", "2", "--reason", "x")),
        (3, "no projection is called 'gales'; there are: cur", ("gales", "2", "--reason", "x")),
        (3, "say why the event is skipped", ("storms", "2", "--reason", " ")),
        (2, "Missing option '--reason'.", ("storms", "2")),
        (2, "0 is not in the range x>=1", ("storms", "0", "--reason", "x")),
    ):
        answer = stormy("projections", "skip", *arguments)
        assert (answer.status, answer.out) == (status, "")
        assert message in complaint(answer)
    assert standing(stormy)["storms"] == (1, 2, "stopped", 2, ERROR)


@pytest.mark.parametrize(
    ("status", "message", "arguments"),
    [
        (3, "no projection is called 'gales'; there are: current, changes,", ("rebuild", "gales")),
        (3, "no projection is called 'gales'", ("rebuild", "current", "gales", "--check")),
        (3, "no projection is called 'gales'", ("projections", "retry", "gales")),
        (2, "give names or --all, not both", ("rebuild", "current", "--all")),
        (2, "No such command 'gales'.", ("projections", "gales")),
        (2, "Got unexpected extra argument (gales)", ("project", "gales")),
        (41, "there is no ledger at", ("--store", "sqlite:///none.db", "projections")),
        (41, "there is no ledger at", ("--store", "sqlite:///none.db", "rebuild")),
        (41, "there is no ledger at", ("--store", "sqlite:///none.db", "project", "--follow")),
    ],
)
def test_wrong_input(filled: Shell, status: int, message: str, arguments: tuple[str, ...]) -> None:
    answer = filled(*arguments)
    assert (answer.status, answer.out) == (status, "")
    assert message in complaint(answer)
    assert not list(filled.folder.glob("none.db*"))


# Following


def test_one_follows_another_waits_and_takes_over(filled: Shell) -> None:
    follow = ("project", "--follow")
    with following(filled, *follow) as first:
        assert read(first, 1) == ["projecting, at position 3\n"]
        with following(filled, *follow) as second:
            assert read(second, 1) == ["waiting while another projects, at position 3\n"]
            filled.add("Tide rises")
            assert read(first, 1) == ["projecting, at position 4\n"]
            assert ended(first, signal.SIGINT) == STOPPED
            assert read(second, 1) == ["projecting, at position 4\n"]
            assert ended(second, signal.SIGTERM) == (0, "", "")


def test_one_that_follows_tells_what_has_stopped(stormy: Shell) -> None:
    with following(stormy, "project", "--follow") as process:
        assert read(process, 1) == ["projecting, at position 3\n"]
        status, out, err = ended(process, signal.SIGTERM)
    assert (status, out) == (0, "")
    assert err.startswith("ledger: warning: storms has stopped at event 2")
    assert ERROR in err
