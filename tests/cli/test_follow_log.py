"""The log from the command line: from where to where, followed, and replayed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest

from ledger import CreateEntry, EditEntry, Ledger
from ledger.store.rows import Row
from tests.cli.runner import Shell
from tests.stores import Store

PATIENCE = 30


@pytest.fixture
def shell(ledger: Shell) -> Shell:
    """A store of four events; the last two were recorded together."""
    with Ledger.open(ledger.store.url) as opened:
        entry = opened.create(
            date(2021, 3, 4), "Ferry sails", summary="Calm.", actor="Ann", contexts=("Quays",)
        ).entry
        opened.edit(entry, headline="Ferry stays", actor="Ben", reason="storm")
        tide = CreateEntry(
            date=date(2021, 3, 5), headline="Tide rises", contexts=("Quays",), actor="Ann"
        )
        opened.execute([tide, EditEntry(entry=entry, summary=None, actor="Cid")])
    return ledger


FERRY, TIDE = "20210304", "20210305"


def rows(store: Store) -> list[Row]:
    with Ledger.open(store.url) as opened:
        return opened.application.log.read(0, 100)


def logged(shell: Shell, *options: str) -> list[Any]:
    lines = shell.ok("log", "--format", "jsonl", *options).splitlines()
    return [json.loads(line) for line in lines]


# From where to where


def test_the_log_is_cut_at_positions_and_times(shell: Shell) -> None:
    times = [event["recorded_at"] for event in logged(shell)]
    assert times[2] == times[3]

    def positions(*options: str) -> list[int]:
        return [event["position"] for event in logged(shell, *options)]

    assert positions("--since", "@2", "--until", "@3") == [2, 3]
    assert positions("--since", "@4", "--until", "@4") == [4]
    assert positions("--since", times[3], "--until", times[2]) == [3, 4]
    assert positions("--since", "@0", "--until", "now") == [1, 2, 3, 4]
    assert positions("--since", "@2", "--entry", FERRY, "--reverse") == [4, 2]
    assert positions("--until", "@0") == positions("--since", "@4", "--until", "@3") == []
    assert positions("--until", "yesterday") == []


# Followed


@contextmanager
def following(shell: Shell, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command that goes on without end; it is killed if it says nothing for too long."""
    with subprocess.Popen(
        [sys.executable, "-m", "ledger", *arguments],
        cwd=shell.folder,
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        patience = threading.Timer(PATIENCE, process.kill)
        patience.start()
        try:
            yield process
        finally:
            patience.cancel()
            if process.poll() is None:
                process.kill()


def read(process: subprocess.Popen[str], lines: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(lines)]


def ended(process: subprocess.Popen[str], how: signal.Signals) -> tuple[int, str, str]:
    """Send a signal; return the exit status, and what was said since."""
    process.send_signal(how)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err.strip()


STOPPED = (130, "", "ledger: stopped")


def test_old_events_then_new_ones_as_json_lines(shell: Shell) -> None:
    with following(shell, "log", "--follow", "--format", "jsonl") as process:
        lines = read(process, 4)
        shell.add("Gull lands")
        shell.ok("retract", TIDE)
        lines += read(process, 2)
        assert ended(process, signal.SIGINT) == STOPPED
    assert lines == shell.ok("log", "--format", "jsonl").splitlines(keepends=True)
    assert [json.loads(line)["position"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert set(json.loads(lines[0])) == {
        *("position", "recorded_at", "entry", "version", "type", "meta", "data")
    }


def test_old_events_then_new_ones_as_text(shell: Shell) -> None:
    with following(shell, "log", "--follow", "--since", "@2") as process:
        lines = read(process, 3)
        shell.ok("correct", TIDE, "It fell.", "--minor")
        lines += read(process, 1)
        assert ended(process, signal.SIGINT) == STOPPED

    def shown(event: dict[str, Any]) -> str:
        recorded, published = (
            time.removesuffix("Z").replace("T", " ")
            for time in (event["recorded_at"], event["meta"]["published_at"])
        )
        meta = event["meta"]
        end = "  minor" * meta["minor"] + (f"  {meta['reason']}" if meta["reason"] else "")
        return (
            f"{event['position']}  {recorded}  {event['entry']}  version {event['version']}  "
            f"{event['type']}  {published} (stated)  by {meta['actor']}{end}\n"
        )

    assert lines == [shown(event) for event in logged(shell, "--since", "@2")]
    assert lines[0].endswith("  by Ben  storm\n")
    assert "  version 2  CorrectionPublished  " in lines[3]
    assert lines[3].endswith("  by desk  minor\n")


def test_only_some_are_followed_and_a_limit_ends_it(shell: Shell) -> None:
    some = ("--entry", FERRY, "--type", "EntryEdited", "--actor", "desk", "--limit", "2")
    with following(shell, "log", "--follow", *some, "--format", "jsonl") as process:
        shell.ok("edit", FERRY, "--headline", "Ferry sinks")
        shell.ok("edit", TIDE, "--headline", "Tide falls")
        shell.ok("correct", FERRY, "It did not.")
        shell.ok("edit", FERRY, "--headline", "Ferry floats")
        out, err = process.communicate(timeout=PATIENCE)
    assert [json.loads(line)["position"] for line in out.splitlines()] == [5, 8]
    assert (process.returncode, err) == (0, "")


def test_a_follower_goes_on_after_the_last_that_it_saw(shell: Shell) -> None:
    after = ("--since", "@5", "--limit", "1", "--format", "jsonl")
    with following(shell, "log", "--follow", *after) as process:
        shell.add("Gull lands")
        out, err = process.communicate(timeout=PATIENCE)
    assert (json.loads(out)["position"], process.returncode, err) == (5, 0, "")


def test_whoever_read_the_output_has_gone(shell: Shell) -> None:
    with following(shell, "log", "--follow", "--format", "jsonl") as process:
        read(process, 4)
        assert process.stdout is not None
        process.stdout.close()
        assert process.poll() is None
        shell.add("Gull lands")
        assert process.wait(PATIENCE) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_an_event_that_cannot_be_read_ends_it_after_those_before(shell: Shell) -> None:
    last = rows(shell.store)[-1]
    with Ledger.open(shell.store.url) as opened:
        unknown = last._replace(position=5, version=4, type="EntryVanished@1")
        opened.application.log.load([unknown])
    with following(shell, "log", "--follow", "--format", "jsonl") as process:
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 49
    assert err == (
        "ledger: position 5: the event type EntryVanished@1 is unknown; is this program too old?\n"
    )
    assert [json.loads(line)["position"] for line in out.splitlines()] == [1, 2, 3, 4]


# Replayed


def test_an_entry_is_replayed_as_the_page_it_was(shell: Shell) -> None:
    out = shell.ok("replay", FERRY, "--page")
    first, second, third = re.split(r"^(?=version )", out, flags=re.MULTILINE)[1:]
    assert [step.split()[2] for step in (first, second, third)] == [
        *("EntryCreated", "EntryEdited", "EntryEdited")
    ]
    # The first version is new from end to end, and has nothing to be related to yet.
    assert all(re.fullmatch(r"(  \{\+.+\+\})?", line) for line in first.splitlines()[1:])
    assert "\n  {+# Ferry sails+}\n" in first
    assert "Related" not in first + second
    assert "\n  # Ferry [-sails-]{+stays+}\n" in second
    assert re.search(
        r"\n  \{\+1\. \[Ferry sails\]\(/news/2021/03/4/ferry-sails\.md\) "
        r"_\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(First version\)_\+\}\n"
        r"  \{\+1\. \[Ferry stays\]\(/news/2021/03/4/ferry-stays\.md\) "
        r"_\(Current version\)_\+\}\n",
        second,
    )
    assert "\n  # Ferry stays\n\n  [-Calm.-]\n" in third
    assert third.endswith(
        "  {+1. [Tide rises](/news/2021/03/5/tide-rises.md) _Context: Quays_+}\n"
    )
    assert shell.ok("replay", FERRY, "--page", "--to", "2") == first + second


RATE = r"{} events in \d+\.\d s: [\d,]+ events/s\n"


def digests(shell: Shell, url: str, *command: str) -> dict[str, str]:
    answer = shell("--store", url, *command, "--format", "json")
    assert answer.status == 0
    found = answer.json
    if isinstance(found, dict):
        return found
    return {view["name"]: view["digest"] for view in found}


def test_the_whole_log_is_replayed(shell: Shell) -> None:
    answer = shell("replay", "--all")
    assert (answer.status, re.fullmatch(RATE.format(4), answer.err) is not None) == (0, True)
    table = [line.split() for line in answer.out.splitlines()]
    assert table[0] == ["projection", "schema", "position", "rows", "digest"]
    now = digests(shell, shell.store.url, "projections", "digest")
    assert {line[0]: line[4] for line in table[1:]} == now
    assert {line[2] for line in table[1:]} == {"4"}
    assert digests(shell, shell.store.url, "replay", "--all") == now
    keys = {"name", "schema", "position", "rows", "digest"}
    assert all(set(view) == keys for view in shell("replay", "--all", "--format", "json").json)


def test_a_store_is_written_that_stops_where_it_is_told(shell: Shell) -> None:
    then_store, empty = shell.store.another(), shell.store.another().url
    answer = shell("replay", "--all", "--until", "@2", "--into", then_store.url)
    assert (answer.status, re.fullmatch(RATE.format(2), answer.err) is not None) == (0, True)
    assert rows(then_store) == rows(shell.store)[:2]
    then = digests(shell, shell.store.url, "replay", "--all", "--until", "@2")
    assert digests(shell, then_store.url, "projections", "digest") == then
    # A time means the last event recorded by then; here, two were recorded together.
    time = logged(shell)[2]["recorded_at"]
    assert shell("replay", "--all", "--until", time, "--into", then_store.url).status == 0
    assert rows(then_store) == rows(shell.store)
    answer = shell("replay", "--all", "--until", "yesterday", "--into", empty)
    assert re.fullmatch(RATE.format(0), answer.err)
    assert shell.ok("--store", empty, "log") == ""
    answer = shell("replay", "--all", "--until", "@2", "--into", then_store.url)
    assert (answer.status, answer.out, answer.err) == (
        3,
        "",
        f"ledger: the store {then_store.url} holds other events already: replay into a new one\n",
    )
    assert len(rows(then_store)) == 4


WRONG: list[tuple[int, str, tuple[str, ...]]] = [
    (2, "--follow goes on without end", ("log", "--follow", "--reverse")),
    (2, "no --reverse, --until, or json", ("log", "--follow", "--until", "now")),
    (2, "no --reverse, --until, or json", ("log", "--follow", "--format", "json")),
    (2, "give an ENTRY, or --all", ("replay",)),
    (2, "give an ENTRY, or --all", ("replay", FERRY, "--all")),
    (2, "go with an ENTRY, not with --all", ("replay", "--all", "--to", "1")),
    (2, "go with an ENTRY, not with --all", ("replay", "--all", "--page")),
    (2, "go with an ENTRY, not with --all", ("replay", "--all", "--step")),
    (2, "--until and --into go with --all", ("replay", FERRY, "--until", "@1")),
    (2, "--until and --into go with --all", ("replay", FERRY, "--into", "sqlite:///new.db")),
    (3, "--step waits for a key: it needs a terminal", ("replay", FERRY, "--step")),
    (4, "the log has no position 5; it ends at 4", ("log", "--since", "@5")),
    (4, "the log has no position 9; it ends at 4", ("log", "--until", "@9")),
    (4, "'@x' is no position of the log", ("log", "--follow", "--since", "@x")),
    (4, "'@1.5' is no position of the log", ("replay", "--all", "--until", "@1.5")),
    (4, "the log has no position 5", ("replay", "--all", "--until", "@5", "--into", "no.db")),
    (5, "the store 'new.db' is not understood", ("replay", "--all", "--into", "new.db")),
    (11, "no entry has an id that begins", ("replay", "1999")),
    (11, "no entry has an id that begins", ("log", "--follow", "--entry", "1999")),
    (12, "has no version 4; it has 1 to 3", ("replay", FERRY, "--to", "4", "--page")),
    (13, "'2021' fits several entries", ("replay", "2021")),
    (41, "does not exist: make it first", ("replay", "--all", "--into", "sqlite:///no/new.db")),
    (41, "there is no ledger", ("--store", "sqlite:///none.db", "log", "--follow")),
    (41, "there is no ledger", ("--store", "sqlite:///none.db", "replay", "--all")),
    (42, "notes.txt is no ledger", ("replay", "--all", "--into", "sqlite:///notes.txt")),
]


def test_wrong_input_is_told_in_a_line(shell: Shell) -> None:
    (shell.folder / "notes.txt").write_text("Call the harbour master.")
    before = rows(shell.store)
    for status, message, arguments in WRONG:
        answer = shell(*arguments)
        assert (answer.status, answer.out) == (status, ""), arguments
        assert re.fullmatch("ledger: .*\n", answer.err), arguments
        assert message in answer.err, arguments
    assert rows(shell.store) == before
    made = {path.name for path in shell.folder.iterdir() if "news.db" not in path.name}
    assert made == {"notes.txt"}
