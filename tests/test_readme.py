"""The README's examples run, and print what it says; its tables hold."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
import pytest

from ledger.cli import cli
from ledger.errors import walk
from tests.postgres import Server
from tests.stores import PostgresStore

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()

BLOCK = re.compile(r"^```(console|python|output)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def steps() -> list[tuple[str, str]]:
    """Return each command of the console blocks, and each program, with its output."""
    found: list[tuple[str, str]] = []
    for kind, text in BLOCK.findall(README):
        if kind == "python":
            found.append((f"cat <<'END' | python -\n{text}END", ""))
        elif kind == "output":
            found[-1] = (found[-1][0], text)
        else:
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                found.append((command, output))
    return found


def matches(expected: str, got: str) -> bool:
    """Compare; `...` in the README stands for what differs from run to run."""
    pattern = re.escape(expected).replace(re.escape("..."), ".*")
    return re.fullmatch(pattern, got) is not None


@pytest.fixture(scope="module")
def session(
    tmp_path_factory: pytest.TempPathFactory, postgres: Server
) -> Iterator[list[tuple[str, str, str]]]:
    """Run all steps in one shell, as a reader would; return command, expected and real output."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "ledger" / "samples", folder / "ledger" / "samples")
    binaries = Path(sys.executable).parent
    environment = {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONUTF8": "1",
        **{name: v for name, v in os.environ.items() if name.startswith("COVERAGE_")},
    }
    mark = "=== next step ==="
    script = f"\necho '{mark}'\n".join(command for command, _ in steps())
    with closing(PostgresStore(postgres)) as store:
        done = subprocess.run(
            ["bash", "-c", f"exec 2>&1\n{script}"],
            cwd=folder,
            env=environment | {"NEWSROOM": store.url},
            capture_output=True,
            text=True,
            check=False,
        )
        outputs = done.stdout.split(f"{mark}\n")
        yield [(c, e, got) for (c, e), got in zip(steps(), outputs, strict=True)]


@pytest.mark.parametrize("number", range(len(steps())), ids=lambda n: steps()[n][0][:50])
def test_an_example_prints_what_the_readme_says(
    session: list[tuple[str, str, str]], number: int
) -> None:
    _, expected, got = session[number]
    assert got == expected or matches(expected, got)


def test_the_table_of_exit_statuses_is_the_one_in_the_code() -> None:
    rows = [
        f"| {error.exit_status} | `{error.code}` | {(error.__doc__ or '').splitlines()[0]} |"
        for error in sorted(walk(), key=lambda error: error.exit_status)
    ]
    table = README.split("| status | code | when |\n| --- | --- | --- |\n")[1].split("\n\n")[0]
    assert table.splitlines() == rows


def test_every_command_is_in_the_table() -> None:
    table = README.split("## Commands")[1].split("## The map")[0]
    for name in cli.list_commands(click.Context(cli)):
        assert f"`{name}" in table, name


def test_every_room_is_on_the_map() -> None:
    rooms = {path.name for path in (ROOT / "ledger").iterdir() if path.is_dir()}
    for room in rooms - {"__pycache__", "samples"}:
        assert f"`ledger/{room}/`" in README, room
