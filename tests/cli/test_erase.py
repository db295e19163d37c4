"""`erase` and `purge` as processes: what they print, and what is left in the files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from ledger import Ledger
from tests.cli.runner import Answer, Shell

WORDS = ("marlowe", "gallows", "tipster")
COURT = ("--authority", "Court of Lee", "--reason", "ordered")
BOTH = ("--version", "1", "--version", "2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "desk").mkdir()
    return tmp_path / "desk"


@pytest.fixture
def entry(ledger: Shell) -> str:
    """An entry of three versions; another one's path was numbered after that of the first."""
    day = date(2021, 3, 4)
    with Ledger.open(ledger.store.url) as opened:
        entry = opened.create(
            day,
            "Marlowe questioned",
            summary="At the gallows.",
            actor="Ann",
            reason="the tipster",
        ).entry
        opened.create(day, "Marlowe questioned", actor="Ann")
        opened.edit(entry, topic="Inquiry", actor="Ann")
        opened.edit(entry, headline="Pilot questioned", summary="At the pier.", actor="Ann")
    return str(entry)


def events(ledger: Shell) -> int:
    return len(ledger.ok("log", "--format", "jsonl").splitlines())


def test_what_goes_and_what_stays_is_told(ledger: Shell, entry: str) -> None:
    assert ledger.ok("erase", entry, *BOTH, *COURT) == (
        f"erased of {entry}, as event 5 says:\n"
        "version 1, gone: headline, summary\n"
        "version 1, stays: slug (the path of another entry was numbered after it)\n"
        "version 2, gone: nothing\n"
        "version 2, stays: topic (still shown by version 3)\n"
        "To erase what stays as well: replace it with an edit, or retract the entry; then erase "
        "all versions that show it.\n"
    )
    assert ledger.store.found(["gallows"]) == set()
    (said,) = json.loads(ledger.ok("log", "--type", "EntryErased", "--format", "json"))
    assert (said["data"]["authority"], said["meta"]["reason"]) == ("Court of Lee", "ordered")
    assert (said["meta"]["actor"], said["position"]) == ("desk", 5)
    (restated,) = json.loads(ledger.ok("log", "--type", "EntryRestated", "--format", "json"))
    assert [version["version"] for version in restated["data"]["versions"]] == [1, 2]


def test_all_goes_of_an_entry_that_was_retracted(ledger: Shell, entry: str) -> None:
    ledger.ok("list")
    assert ledger.store.found(WORDS) == {*WORDS}
    namesake = "/news/2021/03/4/marlowe-questioned-2"
    ledger.ok("edit", namesake, "--headline", "Tide rises")
    # The namesake's path was numbered after the entry's, the entry's after no other.
    ledger.ok("retract", namesake)
    assert "version 1, gone: headline, slug\n" in ledger.ok(
        "erase", namesake, "--version", "1", *COURT
    )
    ledger.ok("retract", entry)
    versions = ("--version", "1", "--version", "2", "--version", "3")
    out = ledger.ok("erase", entry, *versions, "--actor-names", *COURT)
    assert out.splitlines()[1:] == [
        "version 1, gone: headline, slug, summary, names",
        "version 2, gone: topic, names",
        "version 3, gone: headline, slug, summary, names",
    ]
    ledger.ok("list")
    assert ledger.store.found(WORDS) == set()


def test_a_dry_run_erases_nothing(ledger: Shell, entry: str) -> None:
    command = ("erase", entry, *BOTH, "--actor-names", *COURT)
    told = ledger.ok(*command, "--dry-run")
    assert told == (
        "version 1, would go: headline, summary, names\n"
        "version 1, would stay: slug (the path of another entry was numbered after it)\n"
        "version 2, would go: names\n"
        "version 2, would stay: topic (still shown by version 3)\n"
        "To erase what stays as well: replace it with an edit, or retract the entry; then erase "
        "all versions that show it.\n"
    )
    assert events(ledger) == 4
    assert ledger.store.found(WORDS) == {*WORDS}
    done = ledger.ok(*command).replace("gone", "would go").replace("stays:", "would stay:")
    assert done == f"erased of {entry}, as event 5 says:\n{told}"


def test_names_alone_go_with_no_text(ledger: Shell, entry: str) -> None:
    out = ledger.ok("erase", entry, "--version", "1", "--actor-names", "--no-text", *COURT)
    assert out == f"erased of {entry}, as event 5 says:\nversion 1, gone: names\n"
    assert ledger.store.found(WORDS) == {"marlowe", "gallows"}
    shown = ledger.ok("show", entry, "--version", "1")
    assert "Erased, as event 5 says: names.\n" in shown
    assert "At the gallows." in shown
    assert "by [erased]\n" in shown


def test_what_was_erased_is_shown_as_such(ledger: Shell, entry: str) -> None:
    ledger.ok("erase", entry, *BOTH, "--actor-names", *COURT)
    shown = ledger.ok("show", entry, "--version", "1")
    assert "Erased, as event 5 says: headline, summary, names.\n" in shown
    assert "[erased, as event 5 says]" in shown
    assert "Erased" not in ledger.ok("show", entry, "--version", "3")
    lines = [line for line in ledger.ok("replay", entry).splitlines() if " by " in line]
    assert ["erased, as event 5 says" in line for line in lines] == [
        *(True, True, False, False, False)
    ]
    changes = ledger.ok("changes", entry, "--all").splitlines()
    assert ["(erased)" in line for line in changes] == [False, True, True, False, False, False]
    records = json.loads(ledger.ok("changes", entry, "--all", "--format", "json"))
    assert [record["erased"] for record in records] == [5, 5, None, None, None]


def test_the_same_command_id_erases_once(ledger: Shell, entry: str) -> None:
    id_ = ("--command-id", "00000000-0000-4000-8000-000000000077")
    ledger.ok("erase", entry, *BOTH, *COURT, *id_)
    again = ledger.ok("erase", entry, *BOTH, *COURT, *id_)
    assert again == "erased before, as event 5 says\n"
    other = ledger("erase", entry, "--version", "2", *COURT, *id_)
    assert (other.status, other.out) == (24, "")
    assert "was already used for another command" in other.err
    assert events(ledger) == 6


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--version", "9"), 12, "entry {} has no version 9; it has 1 to 3"),
        (
            ("--version", "3"),
            20,
            (
                "the entry still shows the headline of version 3: replace it with an edit, or "
                "retract the entry, first"
            ),
        ),
        (
            ("--version", "2"),
            20,
            (
                "nothing would go: version 3 still shows the topic of version 2: replace it with "
                "an edit, or retract the entry, first; then erase all versions that show it"
            ),
        ),
        (("--version", "1", "--no-text"), 3, "nothing to erase: neither text nor names"),
        ((*BOTH, "--reason", ""), 3, "the reason is empty"),
        ((*BOTH, "--authority", " "), 3, "the authority is empty"),
        (
            ("--version", "1", "--expect-version", "2"),
            30,
            (
                "entry {} is at version 3, not at 2 as expected; changed meanwhile: headline: "
                "[-Marlowe-]{+Pilot+} questioned; slug: marlowe-questioned -> pilot-questioned; "
                "summary: At the [-gallows-]{+pier+}."
            ),
        ),
    ],
)
def test_what_cannot_be_erased_is_refused(
    ledger: Shell, entry: str, options: tuple[str, ...], status: int, message: str
) -> None:
    answer = ledger("erase", entry, *COURT, *options)
    message = message.replace("{}", entry, 1)
    assert answer == Answer(status, "", f"ledger: {message}\n")
    assert events(ledger) == 4


def test_what_was_erased_already_is_told(ledger: Shell, entry: str) -> None:
    ledger.ok("correct", entry, "It was Marlowe.")
    ledger.ok("erase", entry, "--version", "4", *COURT)
    assert ledger("erase", entry, "--version", "4", *COURT) == Answer(
        21,
        "",
        "ledger: version 4 says nothing that could be erased, or it was erased already (if that "
        "was cut short, `ledger purge` finishes it)\n",
    )
    assert ledger("erase", entry, "--version", "5", *COURT) == Answer(
        3, "", "ledger: version 5 is an erasure itself, which stays\n"
    )
    assert ledger("revert", entry, "4").status == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--version", "1", "--reason", "r"), "Missing option '--authority'."),
        (("--version", "1", "--authority", "a"), "Missing option '--reason'."),
        (COURT, "Missing option '--version'."),
        (("--version", "0", *COURT), "Invalid value for '--version': 0 is not in the range x>=1."),
        (
            ("--version", "one", *COURT),
            "Invalid value for '--version': 'one' is not a valid integer range.",
        ),
    ],
)
def test_wrong_options_are_told(ledger: Shell, arguments: tuple[str, ...], message: str) -> None:
    answer = ledger("erase", "20210304", *arguments)
    assert answer == Answer(2, "", f"ledger: {message} (see `ledger erase --help`)\n")


def test_where_there_is_no_ledger_nothing_is_made(ledger: Shell) -> None:
    for command in (("purge",), ("erase", "2021", "--version", "1", *COURT)):
        answer = ledger(*command)
        assert (answer.status, answer.out) == (41, "")
    assert list(ledger.folder.iterdir()) == []


def test_a_purge_with_nothing_to_do_says_so(ledger: Shell, entry: str) -> None:
    assert ledger.ok("purge") == "nothing that was erased is left in the files\n"


READER = """
import sqlite3, sys
db = sqlite3.connect("news.db", isolation_level=None)
db.execute("BEGIN")
print(db.execute("SELECT count(*) FROM events").fetchone()[0], flush=True)
sys.stdin.readline()
db.close()
"""


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Hold a snapshot of the log in another process."""
    with subprocess.Popen(
        [sys.executable, "-c", READER],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "4\n"
        try:
            yield
        finally:
            reader.communicate("done\n")


@pytest.mark.usefixtures("log")
def test_another_reader_delays_the_purge_alone(ledger: Shell, entry: str) -> None:
    ledger.environment["LEDGER_STORE"] = "sqlite:///news.db?timeout=0.2"
    lies = (
        f"what was erased still lies in {ledger.folder / 'news.db-wal'}, because another process "
        "is reading: run `ledger purge` once it is done\n"
    )
    busy = Answer(46, "", f"ledger: {lies}")
    with reading(ledger.folder):
        done = Answer(46, "", f"ledger: it is erased, as event 5 says; but {lies}")
        assert ledger("erase", entry, *BOTH, *COURT) == done
        assert ledger.store.found(["gallows"]) == {"gallows"}
        assert "gallows" not in ledger.ok("log", "--format", "json")
        assert "[erased, as event 5 says]" in ledger.ok("show", entry, "--version", "1")
        assert ledger("purge") == busy
    assert ledger.ok("purge") == "nothing that was erased is left in the files\n"
    assert ledger.store.found(["gallows"]) == set()
    assert ledger.ok("show", entry, "--version", "3").count("At the pier.") == 1
