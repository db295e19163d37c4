"""A PostgreSQL server that is killed in the middle of a long command: nothing is half done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.interchange.pages import PAGES_A_TRANSACTION
from tests.chaos.crowd import Process
from tests.cli.runner import Shell
from tests.interchange.site import page, write
from tests.postgres import OwnServer
from tests.projections.desk import digests, one_generation, write_many
from tests.stores import PostgresStore

PAGES = 4 * PAGES_A_TRANSACTION


@pytest.fixture
def shell(place: PostgresStore, tmp_path: Path) -> Shell:
    """A shell whose commands wait a second for a server that is lost."""
    shell = Shell(tmp_path)
    shell.environment["LEDGER_STORE"] = place.with_options(timeout="1")
    return shell


@pytest.fixture
def killed(
    server: OwnServer, shell: Shell, tmp_path: Path
) -> Iterator[Callable[[Callable[[], bool], list[str]], str]]:
    """Start a command, kill the server in the middle of it; return the line that it ends with."""
    with ExitStack() as stack:

        def run(in_the_middle: Callable[[], bool], command: list[str]) -> str:
            store = ("--store", shell.environment["LEDGER_STORE"], "--actor", "desk")
            process = stack.enter_context(
                closing(Process(tmp_path, "killed", "-m", "ledger", *store, *command))
            )
            while not in_the_middle():
                assert process.is_running
                time.sleep(0.005)
            server.kill()
            status, out, err = process.answer()
            server.start()
            assert (status, out) == (51, ""), (status, out, err)
            assert err.count("\n") == 1, err
            return err

        yield run


def test_an_import(
    place: PostgresStore,
    shell: Shell,
    killed: Callable[[Callable[[], bool], list[str]], str],
    tmp_path: Path,
) -> None:
    site = write(
        tmp_path / "site",
        {f"{n}.md": page(f"Tide {n} rises", f"tide-{n}-rises") for n in range(PAGES)},
    )
    shell.ok("init")

    def head() -> int:
        with Ledger.open(place.url) as ledger:
            return ledger.application.log.head().position

    line = killed(lambda: head() > 0, ["import", "pages", str(site)])
    assert line.startswith("ledger: postgresql://")
    stored = head()
    assert 0 < stored < PAGES
    assert stored % PAGES_A_TRANSACTION == 0
    again = shell.ok("import", "pages", str(site)).splitlines()
    assert again[1:4] == [
        f"entries created: {PAGES - stored}",
        "entries edited: 0",
        f"entries unchanged: {stored}",
    ]
    assert "sound: nothing was found" in shell.ok("audit", "verify", "--views")


def test_a_rebuild(
    place: PostgresStore,
    shell: Shell,
    killed: Callable[[Callable[[], bool], list[str]], str],
) -> None:
    write_many(place.url, 600, 3)
    before, serving = digests(place.url), place.serving()
    assert one_generation(place)
    line = killed(lambda: not one_generation(place), ["rebuild"])
    assert line.startswith("ledger: postgresql://")
    assert place.serving() == serving
    assert digests(place.url) == before
    shell.ok("rebuild")
    assert one_generation(place)
    assert place.serving() != serving
    assert digests(place.url) == before
