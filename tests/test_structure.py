"""The house itself: the direction of imports, the tree of errors, the public surface."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path
from typing import get_args

import click
import pytest

import ledger
from ledger.cli import (
    HOMES,
    INTERRUPTED_STATUS,
    OUTPUT_STATUS,
    UNEXPECTED_STATUS,
    USAGE_STATUS,
    cli,
    history,
    read,
    write,
)
from ledger.domain.editions import EDITIONS
from ledger.domain.events import EVENT_TYPES
from ledger.domain.values import CorrectionKind, StyleName
from ledger.errors import LedgerError, walk
from ledger.pages.labels import LABELS, STYLES

PACKAGE = Path(ledger.__file__).parent

# What each room may import, beside itself, `ledger.errors`, the standard library and its own
# libraries. A module beside the rooms is a room of its own.
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "domain": set(),
    "store": {"domain"},
    # No I/O: of the store, only what a row is, and how it is read.
    "audit": {
        "domain",
        "pages",
        "projections.records",
        "store.erasures",
        "store.leaf",
        "store.rows",
        "store.mapper",
    },
    "projections": {"audit.merkle", "audit.tiles", "domain", "store"},
    "pages": {"domain", "projections.records"},
    "irreplaceable": {"audit.notes"},
    "interchange": {
        "domain",
        "irreplaceable",
        "pages",
        "projections.tokens",
        "store.identity",
        "store.leaf",
        "store.rows",
    },
    "report": {"domain"},
    "verifying": {"audit", "projections", "store"},
    "results": {"domain", "projections.records"},
    "options": {"domain"},
    "batching": set(),
    "histories": {"domain", "store"},
    "deciding": {"domain", "histories", "store"},
    "service": {"batching", "deciding", "domain", "histories", "store"},
    "importing": {"domain", "store", "projections", "service"},
    "timeline": {"domain", "store", "projections.moments", "results"},
    "reading": {"domain", "store", "projections", "results", "timeline"},
    "lists": {"domain", "projections", "pages", "reading", "results"},
    "publishing": {"domain", "lists", "pages", "projections", "report.findings", "results"},
    "replaying": {"copying", "store", "projections", "results"},
    "subscription": {"domain", "store"},
    "copying": {"audit.merkle", "projections", "reading", "store"},
    "backup": {"audit.merkle", "copying", "projections", "reading", "store"},
    "doctor": {"projections", "reading", "store"},
    "exporting": {
        "audit.merkle",
        "domain",
        "interchange",
        "lists",
        "projections",
        "results",
        "site",
        "store",
    },
    "site": {
        "domain",
        "irreplaceable",
        "lists",
        "pages",
        "projections",
        "publishing",
        "results",
    },
    "loading": {
        "audit.merkle",
        "audit.notes",
        "copying",
        "interchange",
        "projections",
        "reading",
        "store",
    },
    "erasing": {"deciding", "domain", "projections", "results", "service", "store"},
    "auditing": {"audit", "projections", "store", "verifying"},
    "proving": {"audit", "auditing", "domain", "irreplaceable", "projections", "store"},
    "reporting": {
        "audit",
        "auditing",
        "domain",
        "projections",
        "reading",
        "report",
        "results",
        "store",
    },
    "writing": {
        "domain",
        "importing",
        "interchange",
        "lists",
        "loading",
        "options",
        "projections",
        "reading",
        "service",
        "store",
    },
    "ledger": {
        "auditing",
        "copying",
        "domain",
        "erasing",
        "exporting",
        "options",
        "projections",
        "proving",
        "publishing",
        "reading",
        "replaying",
        "reporting",
        "results",
        "store",
        "subscription",
        "writing",
    },
    "cli": {"*"},
    "__main__": {"cli"},
    "__init__": {"domain", "projections.projection", "results", "ledger"},
}

LIBRARIES = {
    "audit": {"msgspec"},
    "domain": {"msgspec"},
    "pages": {"markdown_it", "msgspec"},
    "report": {"msgspec"},
    "interchange": {"msgspec"},
    "site": {"msgspec"},
    "cli": {"click", "msgspec", "rich"},
    "errors": set[str](),
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    may = ROOMS[room] | {room, "errors", "__version__"}
    for name in imported(path):
        if name == "ledger" or not name.startswith("ledger."):
            continue
        inside = name.removeprefix("ledger.")
        assert "*" in may or any(inside == a or inside.startswith(f"{a}.") for a in may), name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_uses_only_its_own_libraries(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room not in LIBRARIES:
        return
    used = {name.split(".")[0] for name in imported(path)}
    assert used & {"msgspec", "click", "eventsourcing", "markdown_it", "rich"} <= LIBRARIES[room]


def test_every_error_is_drawn_in_the_tree_and_has_a_status_of_its_own() -> None:
    errors = walk()
    drawn = [
        line.strip("│├└─ ")
        for line in (PACKAGE / "errors.py").read_text().split('"""')[1].splitlines()
        if line.startswith(("LedgerError", "├", "│", "└", " "))
    ]
    assert drawn == [error.__name__ for error in errors]
    statuses = [error.exit_status for error in errors]
    assert len(set(statuses)) == len(statuses)
    assert len({error.code for error in errors}) == len(errors)
    assert not {USAGE_STATUS, OUTPUT_STATUS, INTERRUPTED_STATUS, 141, 0} & set(statuses)
    assert LedgerError.exit_status == UNEXPECTED_STATUS
    assert all(error.__doc__ for error in errors)


def test_the_public_surface_is_sorted_and_there() -> None:
    assert sorted(ledger.__all__) == ledger.__all__
    assert all(getattr(ledger, name) is not None for name in ledger.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = ledger.Nothing


def commands(group: click.Group) -> list[click.Command]:
    found: list[click.Command] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found += commands(command) if isinstance(command, click.Group) else [command]
    return found


def test_commands_are_found_where_they_are_looked_for() -> None:
    for home, names in HOMES.items():
        module = import_module(f"ledger.cli.{home}")
        assert {command.name for command in module.COMMANDS} == set(names), home


@pytest.mark.parametrize("command", commands(cli), ids=lambda command: command.name)
def test_every_command_has_help(command: click.Command) -> None:
    assert command.help
    assert command.help[0].isupper()


def test_no_module_is_two() -> None:
    long = {path.name: n for path in MODULES if (n := len(path.read_text().splitlines())) > 400}
    assert long == {}


def test_the_choices_of_the_command_line_are_those_of_the_domain() -> None:
    assert set(read.STYLES) == set(get_args(StyleName)) == set(STYLES)
    assert set(write.KINDS) == set(get_args(CorrectionKind))
    assert tuple(EVENT_TYPES) == history.TYPES
    assert set(EDITIONS) == set(LABELS)
