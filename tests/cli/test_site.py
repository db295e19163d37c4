"""`export site` as a process: what it says, what it refuses, and the same site of either store."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ledger import Ledger
from tests.cli.runner import Shell
from tests.pages.newsroom import fill
from tests.site.archive import content
from tests.site.links import dead_links
from tests.stores import SQLiteStore
from tests.unprivileged import run_unprivileged

BASE = "https://news.example"
EXPORT = ("export", "site", "out", "--base-url", BASE)
MISSING = (
    "ledger: note: feeds and sitemap say http://localhost:8000: give the site's address by "
    "--base-url, where it is another\n"
)


@pytest.fixture
def desk(ledger: Shell) -> Shell:
    """A store of two entries: nine files each, and those of the edition."""
    ledger.add("Ferry sails", "--context", "Quays")
    ledger.add("Tide rises", day="2021-03-09")
    return ledger


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder with a store in which everything happened, and its site."""
    shell = Shell(tmp_path_factory.mktemp("built"))
    with Ledger.open(shell.store.url) as opened:
        fill(opened)
    shell.ok(*EXPORT)
    return shell


def test_the_site_is_the_same_whatever_the_store(ledger: Shell, built: Shell) -> None:
    there = content(built.folder / "out")
    ledger.filled_by(Shell(built.folder, SQLiteStore(built.folder / "news.db")))
    ledger.ok("export", "site", "again", "--base-url", f"{BASE}/")
    assert content(ledger.folder / "again") == there
    assert dead_links(ledger.folder / "again", BASE) == []


def test_it_says_what_was_written_left_and_removed(desk: Shell) -> None:
    files = 38
    assert desk.ok(*EXPORT) == f"files written: {files}, left as they were: 0, removed: 0\n"
    assert len(content(desk.folder / "out")) == files + 1
    assert desk.ok(*EXPORT) == f"files written: 0, left as they were: {files}, removed: 0\n"
    out = desk.ok(*EXPORT, "--known-at", "@1")
    assert out.endswith("removed: 9\n")
    assert len(content(desk.folder / "out")) == files - 9 + 1
    assert desk.ok(*EXPORT, "--as-of", "1999-01-01") == (
        "files written: 2, left as they were: 0, removed: 27\n"
    )


def test_without_an_address_it_says_which_one_it_took(desk: Shell) -> None:
    answer = desk("export", "site", "out")
    assert (answer.status, answer.err) == (0, MISSING)
    text = (desk.folder / "out" / "sitemap.xml").read_text()
    assert "<loc>http://localhost:8000/news/index.html</loc>" in text


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("site",), 2, "Missing argument 'DIR'. (see `ledger export site --help`)"),
        (("site", "news.txt"), 2, "Invalid value for 'DIR': Directory 'news.txt' is a file."),
        (
            ("site", "out", "--base-url", "https://news.example/archive"),
            3,
            (
                "'https://news.example/archive' is no address of a site: give a scheme and a host "
                "alone, as in https://news.example"
            ),
        ),
        (("site", "out", "--known-at", "@99"), 4, "the log has no position 99; it ends at 2"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    desk: Shell, arguments: tuple[str, ...], status: int, message: str
) -> None:
    (desk.folder / "news.txt").write_text("mine")
    answer = desk("export", *arguments)
    assert (answer.status, answer.out) == (status, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1


def test_of_no_ledger_there_is_no_site(ledger: Shell) -> None:
    answer = ledger(*EXPORT)
    assert answer.status == 41
    assert not (ledger.folder / "out").exists()


def test_another_ledgers_site_stays(desk: Shell, tmp_path: Path) -> None:
    other = Shell(tmp_path, SQLiteStore(tmp_path / "other.db"))
    other.environment["LEDGER_STORE"] = other.store.url
    other.add("Not ours")
    other.ok(*EXPORT)
    before = content(tmp_path / "out")
    answer = desk("export", "site", str(tmp_path / "out"))
    assert (answer.status, answer.out) == (3, "")
    assert answer.err == (
        f"ledger: {tmp_path / 'out'} holds the site of another ledger: export to another folder\n"
    )
    assert content(tmp_path / "out") == before


def test_notes_are_told_and_the_rest_counted(ledger: Shell) -> None:
    slug = "字" * 80
    for number in range(21):
        ledger.add(f"渡輪 {number}", "--edition", "zh", "--slug", slug)
    answer = ledger(*EXPORT)
    notes = answer.err.splitlines()
    assert (answer.status, len(notes)) == (0, 11)
    assert notes[0] == (
        f"ledger: note: /news/2021/03/4/{slug}-10 has no feed of its changes: the name is too long"
    )
    assert notes[-1] == "ledger: note: 2 more notes"


def test_all_files_that_stay_are_told_first(desk: Shell) -> None:
    desk.ok(*EXPORT)
    old = sorted((desk.folder / "out" / "news" / "2021" / "03").rglob("*.*"))
    for file in old:
        with file.open("ab") as end:
            end.write(b"\n")
    for _ in range(2):
        answer = desk(*EXPORT, "--as-of", "1999-01-01")
        assert answer.status == 0
        notes = answer.err.splitlines()
        assert [note.split()[2].rpartition("/")[2] for note in notes] == [f.name for f in old]
        assert all("it stays, with all that it says, until" in note for note in notes)
    assert len(old) == 18


def test_a_folder_in_the_place_of_an_own_file_is_one_clear_line(desk: Shell) -> None:
    (desk.folder / "out" / ".ledger-site.new").mkdir(parents=True)
    answer = desk(*EXPORT)
    assert (answer.status, answer.out) == (3, "")
    assert answer.err == (
        "ledger: out/.ledger-site.new is not a file, and is not followed or replaced: move it "
        "away, or export to another folder\n"
    )


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.add("Ferry sails")
    (tmp_path / "out").mkdir(mode=0o555)
    done = run_unprivileged(
        [sys.executable, "-m", "ledger", *EXPORT], cwd=tmp_path, env=shell.environment
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "ledger: out cannot be written: Permission denied\n"


def test_what_is_in_the_way_is_one_clear_line_and_the_next_export_goes_on(desk: Shell) -> None:
    desk.ok(*EXPORT, "--known-at", "@1")
    page = desk.folder / "out" / "news" / "2021" / "03" / "9" / "index.html"
    page.mkdir(parents=True)
    answer = desk(*EXPORT)
    assert (answer.status, answer.out) == (3, "")
    assert "index.html is not a file" in answer.err
    page.rmdir()
    desk.ok(*EXPORT)
    assert dead_links(desk.folder / "out", BASE) == []


def test_without_an_address_it_takes_that_of_the_last_export(desk: Shell) -> None:
    desk.ok(*EXPORT)
    before = content(desk.folder / "out")
    answer = desk("export", "site", "out")
    assert (answer.status, answer.out.split(",")[0]) == (0, "files written: 0")
    assert answer.err == MISSING.replace("http://localhost:8000", BASE)
    assert content(desk.folder / "out") == before


def test_no_site_comes_among_the_files_of_a_store(log: Path, desk: Shell) -> None:
    answer = desk("export", "site", "news.db-views", "--base-url", BASE)
    assert (answer.status, answer.out) == (3, "")
    assert "news.db-views is a part of a database" in answer.err
    assert not (desk.folder / "news.db-views" / ".ledger-site.json").exists()
