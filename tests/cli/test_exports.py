"""`export jsonl`, `import jsonl`, `export csv` and `export parquet` as processes."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import zstandard
from pyarrow import parquet  # type: ignore[import-untyped]

from tests.cli.runner import Answer, Shell
from tests.conftest import KINDS
from tests.stores import PostgresStore, SQLiteStore, Store
from tests.unprivileged import run_unprivileged

FERRY, TIDE = "/news/2021/03/4/ferry-sails", "/news/2021/03/4/tide-rises"


@pytest.fixture
def desk(ledger: Shell) -> Shell:
    """A store of seven events: what the first said was erased, as the last two say."""
    ledger.ok("init", "--origin", "harbour.example/news")
    entry = ledger.add("Ferry sails", "--summary", "Marlowe is late.", "--context", "Quays")
    ledger.add("Tide rises")
    for summary in ("Nobody is late.", "All are here."):
        ledger.ok("edit", entry, "--summary", summary)
    ledger.ok("correct", entry, "It was nine.")
    ledger.ok("erase", entry, "--version", "1", "--authority", "Court", "--reason", "ordered")
    return ledger


@pytest.fixture(params=KINDS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store that is not there yet, of either kind."""
    if request.param == "sqlite":
        yield SQLiteStore(tmp_path / "copy.db")
    else:
        with closing(PostgresStore(request.getfixturevalue("postgres"))) as found:
            yield found


def on(shell: Shell, store: Store) -> Shell:
    """Return a shell in the same folder with another store."""
    other = Shell(shell.folder, store)
    other.environment["LEDGER_STORE"] = store.url
    return other


@pytest.fixture
def copy(desk: Shell) -> Shell:
    """A shell with a store that is not there yet."""
    return on(desk, desk.store.another())


def root(shell: Shell) -> str:
    return shell.ok("audit", "root").split()[1]


def refused(answer: Answer, status: int, message: str) -> None:
    assert (answer.status, answer.out, answer.err) == (status, "", f"ledger: {message}\n")


# The log


def test_a_pipe_brings_the_same_ledger(desk: Shell, target: Store) -> None:
    other = on(desk, target)
    piped = subprocess.run(
        [
            *("bash", "-o", "pipefail", "-c"),
            '"$0" -m ledger export jsonl | "$0" -m ledger --store "$1" import jsonl -',
            *(sys.executable, target.url),
        ],
        cwd=desk.folder,
        env=desk.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (piped.returncode, piped.stderr) == (0, "")
    assert piped.stdout == (
        "events stored: 7; the file ends at 7\n"
        f"root {root(desk)}, reckoned from the store, is the one that the file states\n"
    )
    assert root(other) == root(desk)
    digests = ("projections", "digest", "--format", "json")
    assert other.ok(*digests) == desk.ok(*digests)
    assert other.ok("log", "--format", "jsonl") == desk.ok("log", "--format", "jsonl")
    assert other("add", "--date", "2021-03-04", "--headline", "x").status == 53
    other.ok("promote")
    other.add("Gull lands")


def test_a_file_and_its_increment(desk: Shell, copy: Shell) -> None:
    first = root(desk)
    assert desk.ok("export", "jsonl", "log.jsonl") == (
        "log.jsonl holds 7 events, up to position 7\n"
        f"root {first}, reckoned from all events up to there\n"
    )
    desk.add("Gull lands")
    out = desk.ok("export", "jsonl", "--since", "@7", "more.jsonl")
    assert out.startswith("more.jsonl holds 1 events, up to position 8\n")
    answer = copy("import", "jsonl", "more.jsonl")
    assert (answer.status, answer.out) == (3, "")
    assert answer.err.startswith("ledger: the file goes on behind event 7, and the store ")
    assert answer.err.endswith(" ends at 0: import first what comes before\n")
    copy.ok("import", "jsonl", "log.jsonl")
    assert copy.ok("import", "jsonl", "more.jsonl").startswith("events stored: 1; the file ends")
    assert copy.ok("import", "jsonl", "more.jsonl").startswith("events stored: 0; the file ends")
    assert root(copy) == root(desk) != first


def test_the_output_is_read_line_by_line(desk: Shell) -> None:
    for arguments in ((), ("-",)):
        header, *lines, trailer = map(
            json.loads, desk.ok("export", "jsonl", *arguments).splitlines()
        )
        assert header["ledger"]["origin"] == "harbour.example/news"
        assert [line["position"] for line in lines] == list(range(1, 8))
        assert "content_erased" in lines[0]
        assert lines[1]["content"]["headline"] == "Tide rises"
        assert trailer["root"] == root(desk)


def test_zstandard_by_the_ending(desk: Shell, copy: Shell) -> None:
    desk.ok("export", "jsonl", "log.jsonl.zst")
    packed = (desk.folder / "log.jsonl.zst").read_bytes()
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(packed).decode()
    assert plain == desk.ok("export", "jsonl")
    # Two frames, one behind the other, are one file to zstd.
    half = len(plain) // 2
    frames = [zstandard.compress(part.encode()) for part in (plain[:half], plain[half:])]
    (desk.folder / "two.zst").write_bytes(b"".join(frames))
    copy.ok("import", "jsonl", "two.zst")
    assert copy.ok("import", "jsonl", "log.jsonl.zst").startswith("events stored: 0;")
    assert root(copy) == root(desk)


def test_what_is_there_is_not_replaced(desk: Shell) -> None:
    (desk.folder / "log.jsonl").write_text("mine")
    (desk.folder / "gone.jsonl").symlink_to("nowhere")
    for name in ("log.jsonl", "gone.jsonl"):
        message = f"{name} is there already: give another name, or --force to replace it"
        refused(desk("export", "jsonl", name), 3, message)
        refused(desk("export", "csv", "entries", name), 3, message)
        refused(desk("export", "parquet", "entries", name), 3, message)
    assert (desk.folder / "log.jsonl").read_text() == "mine"
    desk.ok("export", "jsonl", "--force", "log.jsonl")
    assert (desk.folder / "log.jsonl").read_text() == desk.ok("export", "jsonl")
    assert not list(desk.folder.glob(".*.jsonl.*"))


def test_a_pipe_with_a_name_is_written_to(desk: Shell) -> None:
    pipe = desk.folder / "pipe.jsonl"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        desk.ok("export", "jsonl", "pipe.jsonl")
        assert reader.stdout is not None
        assert reader.stdout.read() == desk.ok("export", "jsonl")
    assert pipe.is_fifo()


@pytest.mark.parametrize("what", [("jsonl",), ("csv", "events")])
def test_a_reader_who_has_gone(desk: Shell, what: tuple[str, ...]) -> None:
    for number in range(3):
        desk.add(f"Gull {number}", "--summary", "x" * 100_000)
    done = subprocess.run(
        [
            *("bash", "-c", 'set -o pipefail; "$@" | head -n 1 >/dev/null', "bash"),
            *(sys.executable, "-m", "ledger", "export", *what),
        ],
        cwd=desk.folder,
        env=desk.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.zst"])
def test_a_full_disk_leaves_no_half_a_file(desk: Shell, name: str) -> None:
    for number in range(3):
        desk.add(f"Gull {number}", "--summary", os.urandom(50_000).hex())

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = subprocess.run(
        [sys.executable, "-m", "ledger", "export", "jsonl", name],
        cwd=desk.folder,
        # Coverage writes files of its own, which the limit would hit as well.
        env={k: v for k, v in desk.environment.items() if not k.startswith("COVERAGE_")},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    message = f"ledger: {name} cannot be written: File too large\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", message)
    assert not list(desk.folder.glob("*log.jsonl*"))


@pytest.mark.usefixtures("log")
def test_a_folder_that_takes_no_files(desk: Shell) -> None:
    desk.folder.chmod(0o555)
    try:
        done = run_unprivileged(
            [sys.executable, "-m", "ledger", "export", "jsonl", "log.jsonl"],
            cwd=desk.folder,
            env=desk.environment,
        )
    finally:
        desk.folder.chmod(0o755)
    assert (done.returncode, done.stderr) == (
        3,
        "ledger: log.jsonl cannot be written: Permission denied\n",
    )


def test_files_that_cannot_be_read(desk: Shell, copy: Shell) -> None:
    refused(
        copy("import", "jsonl", "no.jsonl"),
        3,
        "no.jsonl cannot be read: No such file or directory",
    )
    (desk.folder / "plain.zst").write_text("plain")
    message = "plain.zst cannot be read: its compression is damaged"
    refused(copy("import", "jsonl", "plain.zst"), 3, message)
    assert copy("import", "jsonl", ".").status == 2
    refused(
        desk("export", "jsonl", "no/log.jsonl"),
        3,
        "no/log.jsonl cannot be written: No such file or directory",
    )
    said = "the input, line 1: it is empty, and no log in JSON Lines"
    refused(copy("import", "jsonl", "-"), 3, said)
    assert not copy.store.exists()


def test_files_that_were_cut_short(desk: Shell, copy: Shell) -> None:
    desk.ok("export", "jsonl", "log.jsonl.zst")
    whole = desk.ok("export", "jsonl")
    answer = copy("import", "jsonl", "-", stdin=whole[:-1000])
    assert answer.status == 3
    assert answer.err.startswith("ledger: the input, line ")
    assert "the file was cut short in it; nothing was stored\n" in answer.err
    packed = (desk.folder / "log.jsonl.zst").read_bytes()
    for size in range(20, len(packed), 100):
        (desk.folder / "cut.zst").write_bytes(packed[:size])
        answer = copy("import", "jsonl", "cut.zst")
        assert (answer.status, answer.out, answer.err.count("\n")) == (3, "", 1)
        assert "cut.zst was cut short: it does not end as Zstandard does" in answer.err
    copy.ok("import", "jsonl", "log.jsonl.zst")


def test_since_what_is_not_there(desk: Shell) -> None:
    refused(desk("export", "jsonl", "--since", "@8"), 4, "the log has no position 8; it ends at 7")
    assert desk.ok("export", "jsonl", "--since", "@7").count("\n") == 2
    assert desk.ok("export", "jsonl", "--since", "2 hours ago").count("\n") == 9


def test_nothing_is_written_of_a_ledger_that_is_not_there(copy: Shell) -> None:
    answer = copy("export", "jsonl", "none.jsonl")
    assert (answer.status, answer.out, answer.err.count("\n")) == (41, "", 1)
    assert not (copy.folder / "none.jsonl").exists()


# Tables


def test_tables_as_csv(desk: Shell) -> None:
    out = desk.ok("export", "csv", "entries")
    contexts = {row["path"]: row["contexts"] for row in csv.DictReader(io.StringIO(out))}
    assert contexts == {FERRY: '["Quays"]', TIDE: "[]"}
    assert desk.ok("export", "csv", "entries", "e.csv") == "e.csv holds 2 rows\n"
    assert (desk.folder / "e.csv").read_bytes().decode() == out
    desk.ok("export", "csv", "entries", "e.csv.zst")
    packed = (desk.folder / "e.csv.zst").read_bytes()
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed).decode() == out
    assert desk.ok("export", "csv", "changes").count("\n") == 8
    assert desk.ok("export", "csv", "events").count("\n") == 8


def test_tables_as_parquet(desk: Shell) -> None:
    for table, rows in {"entries": 2, "changes": 7, "events": 7}.items():
        file = f"{table}.parquet"
        assert desk.ok("export", "parquet", table, file) == f"{file} holds {rows} rows\n"
        assert parquet.read_table(desk.folder / file).num_rows == rows


def test_tables_at_a_moment(desk: Shell) -> None:
    assert desk.ok("export", "csv", "entries", "--known-at", "@1").count("\n") == 2
    assert desk.ok("export", "csv", "events", "--known-at", "@3").count("\n") == 4
    assert desk.ok("export", "csv", "changes", "--as-of", "2020-01-01").count("\n") == 1
    refused(
        desk("export", "parquet", "events", "--as-of", "@1", "e.parquet"),
        3,
        "events are cut by what was known at a time (--known-at), not by what was public",
    )
    assert not (desk.folder / "e.parquet").exists()


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("package", "arguments", "message"),
    [
        (
            "zstandard",
            ("jsonl", "log.jsonl.zst"),
            "files that end in .zst need the package zstandard: pip install 'ledger[zstd]'",
        ),
        (
            "pyarrow",
            ("parquet", "entries", "e.parquet"),
            "Parquet needs the package pyarrow: pip install 'ledger[tables]'",
        ),
    ],
)
def test_without_an_extra(
    desk: Shell, package: str, arguments: tuple[str, ...], message: str
) -> None:
    blocked = desk.folder / "blocked" / package
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError\n")
    answer = desk("export", *arguments, env={"PYTHONPATH": f"blocked:{Path(__file__).parents[2]}"})
    refused(answer, 65, message)
    assert not (desk.folder / arguments[-1]).exists()


@pytest.mark.parametrize("what", [("jsonl",), ("csv", "entries"), ("parquet", "entries")])
def test_nothing_that_cannot_be_had_again_is_replaced(
    log: Path, desk: Shell, what: tuple[str, ...]
) -> None:
    desk.ok("audit", "keygen", "harbour.example/news", "--out", "key")
    before = log.read_bytes()
    for name, kind in (
        ("news.db", "a database"),
        ("news.db-wal", "a part of a database"),
        ("news.db-skips", "a part of a database"),
        ("key", "a private key"),
    ):
        message = f"{name} is {kind}, and is not overwritten: give another name"
        refused(desk("export", *what, name, "--force"), 3, message)
    assert log.read_bytes() == before
    assert not (desk.folder / "news.db-skips").exists()


def test_names_of_what_is_packed_otherwise(desk: Shell) -> None:
    for command in (("export", "jsonl"), ("export", "csv", "entries"), ("import", "jsonl")):
        answer = desk(*command, "log.gz")
        assert answer.status == 3
        assert "named like a file that is packed otherwise than by Zstandard" in answer.err
    assert not (desk.folder / "log.gz").exists()


def test_the_longest_name_that_a_file_can_have(desk: Shell) -> None:
    name = "n" * 250 + ".csv"
    desk.ok("export", "csv", "entries", name)
    assert (desk.folder / name).exists()
