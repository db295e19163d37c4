"""Wrong input: one clear line, a stable exit status, and nothing lost."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger import Ledger
from tests.cli.runner import Shell
from tests.unprivileged import run_unprivileged

A, B = "20210304", "20210305"  # two entries, by the beginning of their ids

PAGE = """### [2021-03-06](/news/2021/03/6/index.md)

# Ferry back in service.



"""


class Case(NamedTuple):
    status: int
    message: str
    arguments: tuple[str, ...]
    stdin: bytes = b""


def case(status: int, message: str, *arguments: str, stdin: bytes = b"") -> Case:
    return Case(status, message, arguments, stdin)


ADD = ("add", "--date", "2021-03-07", "--headline")

CASES = [
    # The command line itself
    case(2, "No such command 'bogus'.", "bogus"),
    case(2, "Missing argument 'ENTRY'.", "show"),
    case(2, "No such option '--nope'", "show", A, "--nope"),
    case(2, "'x' is not a valid integer", "show", A, "--version", "x"),
    case(2, "'xml!' is not one of", "show", A, "--format", "xml!"),
    # Stores
    case(5, "the store 'news.db' is not understood", "--store", "news.db", "list"),
    case(5, "the store 'mysql://x/y' is not understood", "--store", "mysql://x/y", "list"),
    case(5, "names no file", "--store", "sqlite://news.db", "list"),
    case(5, "names no file", "--store", "sqlite:///", "list"),
    case(5, "a ledger in memory would keep nothing", "--store", "sqlite:///:memory:", "list"),
    case(5, "the option speed=high", "--store", "sqlite:///news.db?speed=high", "list"),
    case(41, "none.db: make one with `ledger init`", "--store", "sqlite:///none.db", "list"),
    case(41, "empty.db: make one with `ledger init`", "--store", "sqlite:///empty.db", "list"),
    case(
        41, "/missing does not exist: make it first", "--store", "sqlite:///missing/n.db", "init"
    ),
    case(42, "text.txt is no ledger", "--store", "sqlite:///text.txt", "init"),
    case(42, "other.db is no ledger", "--store", "sqlite:///other.db", "log"),
    case(43, "folder cannot be opened", "--store", "sqlite:///folder", "list"),
    case(44, "newer.db has log schema 99", "--store", "sqlite:///newer.db", "list"),
    case(45, "`ledger upgrade`", "--store", "sqlite:///older.db", "list"),
    case(48, "corrupt.db is damaged", "--store", "sqlite:///corrupt.db", "log"),
    case(
        49,
        "position 2: the event type EntryVanished@1 is unknown",
        "--store",
        "sqlite:///unknown.db",
        "log",
    ),
    case(
        49,
        "position 2: the payload of EntryEdited@1 cannot be read",
        "--store",
        "sqlite:///garbage.db",
        "log",
    ),
    # Entries
    case(11, "'zzz' names no entry", "show", "zzz"),
    case(11, "no entry has an id that begins with '1999'", "show", "1999"),
    case(11, "no entry is or was at /news/1999/01/1/x", "show", "/news/1999/01/1/x.html"),
    case(13, "'2021' fits several entries", "edit", "2021", "--headline", "x"),
    case(12, "has no version 9; it has 1 to 2", "show", A, "--version", "9"),
    case(12, "was not public yet at 1999-01-01 00:00:00 UTC", "show", A, "--as-of", "1999-01-01"),
    case(12, "the ledger knew nothing", "show", A, "--known-at", "1999-01-01"),
    case(3, "a version or for a time", "show", A, "--version", "1", "--as-of", "now"),
    # Values
    case(4, "'2021-02-30' is no date", "add", "--date", "2021-02-30", "--headline", "x"),
    case(4, "'soon' is no date", "edit", A, "--date", "soon"),
    case(4, "the date 2999-01-01 lies in the future", "edit", A, "--date", "2999-01-01"),
    case(4, "'noonish' is no time", "show", A, "--as-of", "noonish"),
    case(4, "'999999 weeks ago' is no time", "show", A, "--as-of", "999999 weeks ago"),
    case(4, "lies in the future", *ADD, "x", "--published-at", "2999-01-01"),
    case(3, "the headline is empty", *ADD, ""),
    case(3, "the headline is empty", "edit", A, "--headline", "   "),
    case(3, "the headline holds a line break at character 4", *ADD, "one\ntwo"),
    case(3, "the headline holds the control character U+001B", *ADD, "\x1b[31mred"),
    case(3, "the summary holds a tab", "edit", A, "--summary", "a\tb"),
    case(
        3,
        "the headline has 10,000,000 characters; 20,000 are the most",
        "add",
        "-",
        stdin=json.dumps({"date": "2021-03-07", "headline": "x" * 10_000_000}).encode(),
    ),
    case(3, "the source 'Courier' is not written as NAME=URL", *ADD, "x", "--source", "Courier"),
    case(3, "is no http or https address", *ADD, "x", "--source", "C=ftp://c.example"),
    case(3, "the cover image 'pic.jpg' is no http", "edit", A, "--cover-image", "pic.jpg"),
    case(3, "no edition is called 'xx'", *ADD, "x", "--edition", "xx"),
    case(3, "the language '!' is no tag", *ADD, "x", "--language", "!"),
    case(3, "the slug must not contain '/'", *ADD, "x", "--slug", "../../etc"),
    case(3, "an entry needs a date", "add", "--headline", "x"),
    case(3, "an entry needs a headline", "add", "-", stdin=b'{"date": "2021-03-07"}'),
    case(3, "the actor is empty", "--actor", "", *ADD, "x"),
    case(3, "there is no source 7; the entry has 0", "edit", A, "--remove-source", "7"),
    case(3, "the entry has no context 'Nobody'", "edit", A, "--remove-context", "Nobody"),
    case(3, "nothing to edit", "edit", A),
    case(3, "--step waits for a key: it needs a terminal", "replay", A, "--step"),
    # Files
    case(3, "none.json cannot be read: No such file", "add", "--from", "none.json"),
    case(3, "the JSON is no entry", "add", "-", stdin=b'{"date": "2021-03-07", "title": "x"}'),
    case(3, "the JSON is no entry", "add", "-", stdin=b"{"),
    case(6, "standard input:1: a page begins with its date", "add", "-", stdin=b"hello"),
    case(6, "binary.md:1: it is a binary file", "add", "--from", "binary.md"),
    case(6, "latin.md:3: it is not UTF-8 text", "add", "--from", "latin.md"),
    case(3, "nowhere cannot be read: No such file or directory", "import", "pages", "nowhere"),
    case(3, "no edition is called 'xx'", "import", "pages", "pages", "--edition", "xx"),
    case(7, "broken.md:3: the headline was expected", "import", "pages", "pages", "--strict"),
    # Rules
    case(
        21, "already says that: nothing was changed", "edit", A, "--headline", "Barrier rejected"
    ),
    case(22, "is retracted: it cannot be reverted before it is reinstated", "revert", B, "1"),
    case(21, "already reads as in version 2: nothing was changed", "revert", A, "2"),
    case(12, "has no version 9; it has 1 to 2", "revert", A, "9"),
    case(12, "has no version 9; it has 1 to 2", "replay", A, "--to", "9"),
    case(3, "the summary begins with ###", "edit", A, "--summary", "### Sources:"),
    case(5, "holds a stray %; write it as %25", "--store", "sqlite:///per%cent.db", "list"),
    case(11, "it is no text", "show", "/news/2021/03/4/\udcff"),
    case(22, "is retracted: it cannot be edited", "edit", B, "--headline", "x"),
    case(22, "nothing can be merged into it", "merge", A, B),
    case(3, "cannot be merged into itself", "merge", A, A),
    case(20, "is neither retracted nor merged", "reinstate", A),
    case(
        30,
        "is at version 2, not at 1 as expected; changed meanwhile: headline",
        "edit",
        A,
        "--headline",
        "x",
        "--expect-version",
        "1",
    ),
]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder with a good store and many bad things."""
    shell = Shell(tmp_path_factory.mktemp("wrong"))
    shell.add("Barrier approved")
    shell.ok("edit", A, "--headline", "Barrier rejected")
    other = shell.add("Ferry suspended", day="2021-03-05")
    shell.ok("retract", other)
    folder = shell.folder
    (folder / "folder").mkdir()
    (folder / "pages").mkdir()
    (folder / "pages" / "broken.md").write_text(PAGE.replace("\n# ", "\n"))
    (folder / "pages" / "good.md").write_text(PAGE)
    (folder / "empty.db").touch()
    (folder / "text.txt").write_text("not a ledger, " * 500)
    (folder / "binary.md").write_bytes(bytes(range(256)))
    (folder / "latin.md").write_bytes(PAGE.replace("Ferry", "Fähre").encode("latin-1"))
    with sqlite3.connect(folder / "other.db") as other_db:
        other_db.execute("CREATE TABLE t (x)")
    other_db.close()

    def copy(name: str, *statements: str, blob: bytes = b"") -> None:
        shutil.copy(folder / "news.db", folder / name)
        db = sqlite3.connect(folder / name, isolation_level=None)
        for trigger in ("appended", "never_changed", "never_deleted"):
            db.execute(f"DROP TRIGGER events_are_{trigger}")
        for statement in statements:
            db.execute(statement, (blob,) if "?" in statement else ())
        db.close()

    copy("newer.db", "PRAGMA user_version = 99")
    copy("older.db", "PRAGMA user_version = 0")
    copy("unknown.db", "UPDATE events SET type = 'EntryVanished@1' WHERE position = 2")
    copy("garbage.db", "UPDATE events SET content = ? WHERE position = 2", blob=b"\xc1" * 40)
    whole = (folder / "news.db").read_bytes()
    (folder / "corrupt.db").write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    return shell


@pytest.mark.parametrize("wrong", CASES, ids=lambda wrong: " ".join(wrong.arguments)[:60])
def test_one_clear_line_and_a_stable_status(damaged: Shell, wrong: Case) -> None:
    before = {path: path.read_bytes() for path in damaged.folder.glob("*.*") if path.is_file()}
    answer = damaged(*wrong.arguments, stdin=wrong.stdin)
    assert answer.err.count("\n") == 1, answer.err
    assert answer.err.startswith("ledger: ")
    assert wrong.message in answer.err
    assert answer.status == wrong.status
    assert "Traceback" not in answer.err
    after = {path: path.read_bytes() for path in damaged.folder.glob("*.*") if path.is_file()}
    assert after == before


def test_there_are_forty_cases_and_more() -> None:
    assert len(CASES) >= 40
    assert len({case.status for case in CASES}) >= 15


def test_debug_adds_where_it_came_from(damaged: Shell) -> None:
    answer = damaged("--debug", "show", "zzz")
    assert answer.err.startswith("Traceback")
    assert answer.err.splitlines()[-1].startswith("ledger: 'zzz' names no entry")
    assert answer.status == 11


def test_some_pages_fail_and_the_rest_is_stored(damaged: Shell) -> None:
    answer = damaged("--store", "sqlite:///fresh.db", "import", "pages", "pages")
    assert answer.status == 7
    assert answer.err.splitlines() == [
        "ledger: pages/broken.md:3: the headline was expected, as in # Headline",
        "ledger: not stored: 1 of 2 files",
    ]
    assert "entries created: 1\n" in answer.out


@pytest.fixture
def unwritable(tmp_path: Path) -> tuple[Shell, Callable[..., subprocess.CompletedProcess[str]]]:
    """A store in a folder that takes no writes, and a way to run `ledger` without privileges."""
    shell = Shell(tmp_path)
    shell.add("Barrier approved")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "news.db").chmod(0o444)
        tmp_path.chmod(0o555)
        try:
            return run_unprivileged(
                [sys.executable, "-m", "ledger", *arguments],
                cwd=tmp_path,
                env=shell.environment,
            )
        finally:
            tmp_path.chmod(0o755)

    return shell, run


def test_a_folder_that_cannot_be_written(
    unwritable: tuple[Shell, Callable[..., subprocess.CompletedProcess[str]]],
) -> None:
    _, run = unwritable
    for arguments in (
        ("edit", A, "--headline", "x"),
        ("--store", "sqlite:///new.db", "init"),
        ("--store", "sqlite:///new.db", *ADD, "x"),
    ):
        done = run(*arguments)
        assert done.returncode == 43, done
        assert done.stderr.count("\n") == 1
        assert "check" in done.stderr


def test_a_read_only_store_is_read_all_the_same(
    unwritable: tuple[Shell, Callable[..., subprocess.CompletedProcess[str]]],
) -> None:
    shell, run = unwritable
    shutil.rmtree(shell.folder / "news.db-views")
    done = run("show", A)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Barrier approved\n")
    assert run("log").stdout.count("EntryCreated") == 1


def test_a_full_disk_loses_nothing(ledger: Shell) -> None:
    ledger.add("Barrier approved")
    room = (ledger.folder / "news.db").stat().st_size + 20_000

    def limit() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(
        [sys.executable, "-m", "ledger", "edit", A, "--summary", "x" * 100_000],
        cwd=ledger.folder,
        # Coverage writes files of its own, which the limit would hit as well.
        env={k: v for k, v in ledger.environment.items() if not k.startswith("COVERAGE_")},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 47, done
    assert done.stderr.count("\n") == 1
    assert "make room; nothing was stored" in done.stderr
    assert len(ledger.ok("log", "--format", "jsonl").splitlines()) == 1
    ledger.ok("edit", A, "--summary", "x" * 100_000)


def test_a_store_that_another_process_holds(ledger: Shell) -> None:
    ledger.add("Barrier approved")
    holder = sqlite3.connect(ledger.folder / "news.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    answer = ledger("--store", "sqlite:///news.db?timeout=0.1", "edit", A, "--headline", "x")
    holder.close()
    assert answer.status == 46
    assert answer.err.count("\n") == 1
    assert "is being written by another process: try again" in answer.err


def test_a_clock_set_back_is_told_and_time_does_not_run_backwards(ledger: Shell) -> None:
    ledger.add("Barrier approved")
    ahead = 4_102_444_800_000_000  # 2100
    db = sqlite3.connect(ledger.folder / "news.db", isolation_level=None)
    db.execute("DROP TRIGGER events_are_never_changed")
    db.execute("UPDATE events SET recorded_at = ?", (ahead,))
    db.close()
    answer = ledger("edit", A, "--headline", "Barrier rejected")
    assert answer.status == 0
    clock, *views = answer.err.splitlines()
    assert clock.startswith("ledger: warning: the clock is ")
    assert {view.partition(" in ")[0] for view in views} == {
        "ledger: warning: the log is no longer what its views"
    }
    records = map(json.loads, ledger.ok("log", "--format", "jsonl").splitlines())
    assert [record["recorded_at"] for record in records] == ["2100-01-01T00:00:00Z"] * 2


def test_nobody_is_logged_in(ledger: Shell) -> None:
    code = (
        "import getpass, sys\n"
        "def nobody(): raise OSError('no login name')\n"
        "getpass.getuser = nobody\n"
        "from ledger.cli import main\n"
        "main(['add', '--date', '2021-03-04', '--headline', 'x'])\n"
    )
    environment = {k: v for k, v in ledger.environment.items() if k != "LEDGER_ACTOR"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ledger.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        3,
        "ledger: say who you are, with --actor or LEDGER_ACTOR\n",
    )


def test_the_environment_is_read(ledger: Shell) -> None:
    answer = ledger("list", env={"LEDGER_STORE": "sqlite:///elsewhere.db"})
    assert answer.status == 41
    assert not (ledger.folder / "elsewhere.db").exists()


def test_no_command_is_the_help(ledger: Shell) -> None:
    for arguments in ((), ("import",)):
        answer = ledger(*arguments)
        assert (answer.status, answer.err) == (2, "")
        assert answer.out.startswith("Usage: ledger")


def test_output_that_cannot_be_written_is_told(ledger: Shell) -> None:
    entry = ledger.add("Barrier approved")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ledger", "edit", entry, "--headline", "Barrier rejected"],
            cwd=ledger.folder,
            env=ledger.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 74
    assert done.stderr == (
        "ledger: the output cannot be written: No space left on device; "
        "what was stored is stored\n"
    )
    assert "Barrier rejected" in ledger.ok("show", entry)


def test_an_unbuffered_output_gets_all_of_it_or_tells(ledger: Shell) -> None:
    long = "Ferry " * 100
    with Ledger.open(f"sqlite:///{ledger.folder / 'news.db'}") as opened:
        for number in range(200):
            opened.create(date(2021, 3, 4), f"{long}{number}", actor="desk")
    whole = ledger.ok("log", "--format", "json")
    assert len(whole) > 200_000
    unbuffered = {"PYTHONUNBUFFERED": "1"}
    answer = ledger("log", "--format", "json", env=unbuffered)
    assert (answer.status, answer.out) == (0, whole)
    with subprocess.Popen(
        [sys.executable, "-m", "ledger", "log", "--format", "json"],
        cwd=ledger.folder,
        env=ledger.environment | unbuffered,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"["
        process.stdout.close()
        assert process.wait(60) == 141


def test_an_option_of_the_whole_goes_before_the_command(ledger: Shell) -> None:
    answer = ledger("list", "--store", "sqlite:///news.db")
    assert (answer.status, answer.err) == (2, "ledger: --store goes before the command\n")


def test_a_command_without_an_output_works(ledger: Shell) -> None:
    entry = ledger.add("Barrier approved")
    done = subprocess.run(
        f'"{sys.executable}" -m ledger edit {entry} --headline "Barrier rejected" >&-',
        shell=True,
        cwd=ledger.folder,
        env=ledger.environment,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Barrier rejected" in ledger.ok("show", entry)


def test_a_disk_that_fills_in_the_middle_of_an_import_is_told(ledger: Shell) -> None:
    (ledger.folder / "pages").mkdir()
    for number in range(600):
        text = PAGE.replace("Ferry", f"Ferry {number:04} " + "very " * 50)
        (ledger.folder / "pages" / f"{number:04}.md").write_text(text)

    def limit() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    done = subprocess.run(
        [sys.executable, "-m", "ledger", "import", "pages", "pages"],
        cwd=ledger.folder,
        env={k: v for k, v in ledger.environment.items() if not k.startswith("COVERAGE_")},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    stored = len(ledger.ok("log", "--format", "jsonl").splitlines())
    assert done.returncode == 47
    assert done.stderr.count("\n") == 1
    assert f"; {stored} events of this run are stored: run it again to go on" in done.stderr
    assert 0 < stored < 600
    ledger.ok("import", "pages", "pages")
    assert len(ledger.ok("log", "--format", "jsonl").splitlines()) == 600
