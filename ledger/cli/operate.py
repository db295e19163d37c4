"""Commands that move a store and look after it: copy, promote, doctor, backup."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.context import App, pass_app
from ledger.cli.output import format_option, plain, progress, show_object
from ledger.errors import StoreUnhealthy

if TYPE_CHECKING:
    from ledger.store.checks import Check

_COLORS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.argument("source", metavar="SOURCE_URL")
@click.argument("target", metavar="DEST_URL")
@format_option("text", "json")
def copy(source: str, target: str, format_: str) -> None:
    """Copy the ledger at SOURCE_URL to DEST_URL, or bring a copy there what is new.

    Every event keeps its id, position, bytes and times; what was erased is erased there, too. In
    the end the copy is held against its source, event by event and view by view. It may be
    stopped anywhere, and goes on where it was.

    The copy keeps the ledger's identity, and is only read until `ledger promote`.
    """
    from ledger import copying
    from ledger.ledger import Ledger
    from ledger.store.places import shown

    with (
        Ledger.open(source) as ours,
        Ledger.open(target) as theirs,
        progress("copying and comparing", "events") as tell,
    ):
        report = copying.copy(ours, theirs, tell)
    if format_ == "json":
        show_object(report)
        return
    click.echo(f"events copied to {shown(target)}: {report.copied:,}; in all: {report.events:,}")
    click.echo(f"root {report.root}, reckoned from the copy; every event is the source's")
    click.echo(f"views the same: {', '.join(view.name for view in report.views)}")


@click.command()
@pass_app
def promote(app: App) -> None:
    """Let a copy take over: from now on it takes events, and signs.

    For good. The ledger that it was copied from must not be written any more, or two would go on,
    and sign, under one name.
    """
    from ledger import copying

    with app.open() as ledger:
        copying.promote(ledger)
        head = ledger.application.log.head().position
        origin = ledger.application.log.identity().origin
    click.echo(f"promoted: {origin} goes on here, behind event {head:,}")
    click.echo("do not write into the one that it was copied from: two would sign under one name")


@click.command()
@format_option("text", "json")
@pass_app
def doctor(app: App, format_: str) -> None:
    """Check the store, a line a check, and say what to do. Nothing is changed.

    What has to be put right is `fail`, and the exit status 54; `warn` is what works, but should
    be otherwise.
    """
    from ledger.doctor import examine

    found: list[Check] = []
    with app.open() as ledger:
        try:
            for check in examine(ledger):
                found.append(check)
                if format_ == "text":
                    _show(check)
        finally:
            if format_ == "json":
                show_object(found)
    failed = sum(check.state == "fail" for check in found)
    if failed:
        raise StoreUnhealthy(
            f"to be put right: {failed} of {len(found)} checks failed; `ledger doctor` says which"
        )


def _show(check: Check) -> None:
    state = click.style(f"{check.state:4}", fg=_COLORS[check.state])
    advice = f": {check.advice}" if check.advice else ""
    click.echo(f"{state} {check.name:<12} {plain(check.found + advice)}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--verify", is_flag=True, help="Hold the backup FILE against the log.")
@pass_app
def backup(app: App, file: Path, verify: bool) -> None:
    """Write a backup of the log into FILE, which is not there yet, while others write.

    It is whole and verified, or it is not there. To put it back, put it in the store's place; its
    views are made anew. On PostgreSQL, the command to run is printed.
    """
    from ledger.backup import backup as write
    from ledger.backup import dump_command, verify_backup

    with app.open() as ledger:
        if verify:
            report = verify_backup(ledger, file)
        elif command := dump_command(ledger, file):
            click.echo(command)
            click.echo(f"now run this; then `ledger backup --verify {file}`", err=True)
            return
        else:
            with progress("writing", "pages") as tell:
                report = write(ledger, file, tell)
    newer = f"; the log ends at {report.events + report.newer:,}" if report.newer else ""
    click.echo(f"{file} holds the log up to position {report.events:,}{newer}")
    click.echo(f"root {report.root}, reckoned from the backup")


COMMANDS: tuple[click.Command, ...] = (copy, promote, doctor, backup)
