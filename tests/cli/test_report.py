"""The audit report, as a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.audit import keys
from ledger.audit.notes import encode_note
from ledger.report.model import ArchiveReport, EntryReport
from tests.cli.runner import Answer, Shell
from tests.report.markup import read
from tests.report.newsroom import fill

ORIGIN = "harbour.example/news"


@pytest.fixture
def desk(ledger: Shell) -> Shell:
    """A small newsroom, its key, and a checkpoint of its first 8 events."""
    signer = keys.make(ledger.folder / "desk.key", ORIGIN)
    with Ledger.open(ledger.store.url) as opened:
        opened.init(ORIGIN)
        fill(opened)
        note = opened.audit.sign(opened.audit.checkpoint(8), [signer])
    (ledger.folder / "desk.vkey").write_text(str(signer.verifier))
    (ledger.folder / "monday.note").write_bytes(encode_note(note))
    return ledger


def held(desk: Shell, *arguments: str) -> Answer:
    """Report with the checkpoint that was kept."""
    vkey = (desk.folder / "desk.vkey").read_text()
    return desk("audit", "report", *arguments, "--checkpoint", "monday.note", "--key", vkey)


def test_the_archive_in_every_format(desk: Shell) -> None:
    text = desk.ok("audit", "report")
    assert text.startswith(f"Audit report on the archive\n{ORIGIN}\n")
    assert "Silent headline changes: 3, newest first\n" in text
    markdown = desk.ok("audit", "report", "--format", "md")
    assert markdown.startswith(f"# {ORIGIN}\n\nAudit report on the archive\n")
    page = read(desk.ok("audit", "report", "--format", "html"))
    assert page.one("h1").text == ORIGIN
    report = json.loads(desk.ok("audit", "report", "--format", "json"))
    assert tuple(report) == ArchiveReport.__struct_fields__
    assert report["totals"]["edits"] == 8
    assert report["findings"]["facts"]["total"] == 2
    assert [one["position"] for one in report["findings"]["facts"]["items"]] == [9, 8]
    assert report["heading"]["proof"]["checkpoints"] == []


def test_a_part_of_the_archive(desk: Shell) -> None:
    part = ("--since", "@4", "--until", "@9", "--actor", "ben", "--top", "1", "--format", "json")
    report = json.loads(desk.ok("audit", "report", *part))
    assert (report["first"], report["last"], report["actor"]) == (4, 9, "ben")
    assert report["totals"]["events"] == 3
    assert report["findings"]["silent_edits"]["total"] == 1
    text = desk.ok("audit", "report", "--until", "@9", "--actor", "ben")
    assert "\nReported on  events 1 to 9, only those by ben\n" in text


def test_an_entry_in_every_format(desk: Shell) -> None:
    entry = "/news/2021/03/1/port-ellery-votes-by-7-to-5"
    assert desk.ok("audit", "report", entry).startswith(
        "Audit report on an entry\nPort Ellery votes by 8 to 5; Ines Okafor goes.\n"
    )
    assert "### Version 8: edited\n" in desk.ok("audit", "report", entry, "--format", "md")
    page = read(desk.ok("audit", "report", entry, "--format", "html"))
    assert page.all("h3")[2].text == "Version 3: correction"
    report = json.loads(desk.ok("audit", "report", entry, "--format", "json"))
    assert tuple(report) == EntryReport.__struct_fields__
    assert [version["version"] for version in report["versions"]] == [*range(1, 9)]


def test_a_report_goes_to_a_file(desk: Shell) -> None:
    assert desk.ok("audit", "report", "--format", "html", "--out", "report.html") == ""
    assert read((desk.folder / "report.html").read_text("utf-8")).one("h1").text == ORIGIN
    answer = desk("audit", "report", "--out", "nowhere/report.txt")
    assert (answer.status, answer.out, answer.err) == (
        3,
        "",
        "ledger: nowhere/report.txt cannot be written: No such file or directory\n",
    )


def test_a_checkpoint_that_holds(desk: Shell) -> None:
    answer = held(desk, "20210301")
    assert (answer.status, answer.err) == (0, "")
    assert "The log begins with exactly the 8 events that were signed for: " in answer.out
    assert "The 5 after them are not covered yet.\n" in answer.out
    assert "Versions 1 to 6 of this entry are among them, those after it not.\n" in answer.out
    assert "No checkpoint was given" not in answer.out
    (line,) = (one for one in answer.out.splitlines() if one.startswith("monday.note"))
    assert line.split() == ["monday.note", "8", ORIGIN, root(desk), "holds"]


def root(desk: Shell) -> str:
    return desk.ok("audit", "root", "--at", "@8").split()[1]


def test_a_log_that_was_rewritten(desk: Shell) -> None:
    with desk.store.log() as db:
        db.execute("UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 1")
    problem = (
        "the first 8 events of the log are not those that the checkpoint tells of: at least one "
        "was altered, dropped, inserted or moved"
    )
    answer = held(desk)
    assert (answer.status, answer.err) == (61, f"ledger: monday.note: {problem}\n")
    assert f"\n! monday.note does not hold: {problem}.\n" in answer.out
    page = held(desk, "20210301", "--format", "html")
    assert page.status == 61
    alarms = [one.text for one in read(page.out).all("p") if one.get("class") == "alarm"]
    assert alarms == [f"monday.note does not hold: {problem}."]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("1999",), 11, "no entry has an id that begins with '1999'"),
        (
            ("2021", "--since", "@1"),
            2,
            "--since, --until, --actor and --top go without an ENTRY",
        ),
        (("2021", "--top", "5"), 2, "--since, --until, --actor and --top go without an ENTRY"),
        (("--checkpoint", "monday.note"), 2, "--checkpoint and --key go together"),
        (("--key", "KEY"), 2, "--checkpoint and --key go together"),
        (("--since", "sometime"), 4, "'sometime' is no time"),
        (("--until", "@14"), 4, "the log has no position 14; it ends at 13"),
        (("--top", "0"), 2, "0 is not in the range x>=1"),
        (("--checkpoint", "none", "--key", "KEY"), 3, "none cannot be read"),
        (("--checkpoint", "desk.key", "--key", "KEY"), 62, "this is no signed note"),
        (("--checkpoint", "monday.note", "--key", "x+y+z"), 62, "is no verifier key"),
        (("--format", "pdf"), 2, "'pdf' is not one of"),
    ],
)
def test_wrong_input(desk: Shell, arguments: tuple[str, ...], status: int, message: str) -> None:
    vkey = (desk.folder / "desk.vkey").read_text()
    answer = desk("audit", "report", *(vkey if one == "KEY" else one for one in arguments))
    assert (answer.status, answer.out) == (status, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1


def test_there_is_no_ledger(ledger: Shell) -> None:
    answer = ledger("audit", "report")
    assert (answer.status, answer.out, list(ledger.folder.iterdir())) == (41, "", [])


def test_a_note_signed_by_another(desk: Shell, tmp_path: Path) -> None:
    other = str(keys.make(tmp_path / "other.key", "other.example").verifier)
    answer = desk("audit", "report", "--checkpoint", "monday.note", "--key", other)
    assert (answer.status, answer.err) == (
        64,
        f"ledger: none of the keys given has signed: signed by {ORIGIN}\n",
    )
