"""Where something stands in the way: one clear line, an exit status, and nothing lost."""

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

import pytest

from ledger import Ledger
from tests.cli.runner import Shell
from tests.cli.test_wrong_input import ADD, PAGE, A
from tests.unprivileged import run_unprivileged


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


def run_where_the_disk_fills(
    shell: Shell, room: int, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a command whose files grow no larger than so many bytes."""

    def limit() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    return subprocess.run(
        [sys.executable, "-m", "ledger", *arguments],
        cwd=shell.folder,
        # Coverage writes files of its own, which the limit would hit as well.
        env={k: v for k, v in shell.environment.items() if not k.startswith("COVERAGE_")},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("log")
def test_a_full_disk_loses_nothing(ledger: Shell) -> None:
    ledger.add("Barrier approved")
    room = (ledger.folder / "news.db").stat().st_size + 20_000
    done = run_where_the_disk_fills(ledger, room, "edit", A, "--summary", "x" * 100_000)
    assert done.returncode == 47, done
    assert done.stderr.count("\n") == 1
    assert "make room; nothing was stored" in done.stderr
    assert len(ledger.ok("log", "--format", "jsonl").splitlines()) == 1
    ledger.ok("edit", A, "--summary", "x" * 100_000)


@pytest.mark.usefixtures("log")
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
    with ledger.store.log() as db:
        db.execute("UPDATE events SET recorded_at = ?", (ahead,))
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
    with Ledger.open(ledger.store.url) as opened:
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


@pytest.mark.usefixtures("log")
def test_a_disk_that_fills_in_the_middle_of_an_import_is_told(ledger: Shell) -> None:
    (ledger.folder / "pages").mkdir()
    for number in range(600):
        text = PAGE.replace("Ferry", f"Ferry {number:04} " + "very " * 50)
        (ledger.folder / "pages" / f"{number:04}.md").write_text(text)
    done = run_where_the_disk_fills(ledger, 400_000, "import", "pages", "pages")
    stored = len(ledger.ok("log", "--format", "jsonl").splitlines())
    assert done.returncode == 47
    assert done.stderr.count("\n") == 1
    assert f"; {stored} events of this run are stored: run it again to go on" in done.stderr
    assert 0 < stored < 600
    ledger.ok("import", "pages", "pages")
    assert len(ledger.ok("log", "--format", "jsonl").splitlines()) == 600
