"""Commands that look after views and store: projections, project, rebuild, upgrade."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING

import click

from ledger.cli.context import App, pass_app
from ledger.cli.output import list_format_option, progress, show_list, show_object
from ledger.errors import ProjectionDrifted

if TYPE_CHECKING:
    from ledger.projections.records import Drift, ProjectionStatus, RebuildProof, ViewStatus

NICENESS = 10
"""How much a rebuild steps back, as `nice` counts it."""

_SAME = {True: "same", False: "differs", None: "none"}


@click.group(invoke_without_command=True)
@list_format_option
@click.pass_context
def projections(context: click.Context, format_: str) -> None:
    """Show how each projection stands: position, lag, state, last error, and what it skips."""
    if context.invoked_subcommand is None:
        with context.ensure_object(App).open() as ledger:
            _show_standing(format_, ledger.views.standing())


def _show_standing(format_: str, found: tuple[ProjectionStatus, ...]) -> None:
    def row(status: ProjectionStatus) -> tuple[object, ...]:
        skipped = " ".join(f"{skip.position} ({skip.reason})" for skip in status.skipped)
        state = status.state + (f" at {status.failed_at}" if status.failed_at else "")
        return (
            status.name,
            status.schema,
            status.position,
            status.lag,
            state,
            skipped,
            status.error,
        )

    columns = ("projection", "schema", "position", "lag", "state", "skips", "error")
    show_list(format_, columns, found, row)


@projections.command()
@click.argument("name")
@click.argument("position", type=click.IntRange(min=1))
@click.option("--reason", required=True, metavar="TEXT", help="Why.")
@pass_app
def skip(app: App, name: str, position: int, reason: str) -> None:
    """Let projection NAME pass over the event at POSITION, on which it has stopped.

    Who decided so, when and why is kept beside the views, and shown by `projections`; a rebuild
    passes over the event too.
    """
    with app.open() as ledger:
        ledger.views.skip(name, position, reason, app.actor)
        found = ledger.views.standing()
        _show_standing("table", tuple(status for status in found if status.name == name))
        ledger.views.require((name,))


@projections.command()
@click.argument("name")
@click.argument("position", type=click.IntRange(min=1))
@pass_app
def unskip(app: App, name: str, position: int) -> None:
    """Take back that projection NAME passes over the event at POSITION, once that is mended.

    Rebuild the projection then: until then it is as it is.
    """
    with app.open() as ledger:
        ledger.views.unskip(name, position)
    click.echo(f"{name} no longer skips event {position}: now `ledger rebuild {name}`")


@projections.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@pass_app
def retry(app: App, names: tuple[str, ...]) -> None:
    """Let projections that have stopped try again: NAME, or all of them."""
    with app.open() as ledger:
        _show_standing("table", ledger.views.retry(names))
        ledger.views.require(names)


@projections.command()
@list_format_option
@pass_app
def digest(app: App, format_: str) -> None:
    """Print the digest of each projection; as JSON, one object, name to digest."""

    def row(status: ViewStatus) -> tuple[object, ...]:
        return status.name, status.position, status.rows, status.digest

    with app.open() as ledger:
        found = ledger.views.status()
    if format_ == "json":
        show_object({status.name: status.digest for status in found})
    else:
        show_list(format_, ("projection", "position", "rows", "digest"), found, row)


@click.command()
@click.option("--follow", is_flag=True, help="Go on until interrupted.")
@pass_app
def project(app: App, follow: bool) -> None:
    """Bring the projections up to date.

    Several processes may follow one store: one does the work, and when it ends, however it ends,
    another takes over.
    """
    with app.open() as ledger:
        if not follow:
            _show_standing("table", ledger.views.standing())
            ledger.views.require()
            return
        # What a service manager sends is a good end.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        told: dict[str, str] = {}
        for now in ledger.views.follow(Event()):
            for name, why in now.stopped.items() - told.items():
                click.echo(f"ledger: warning: {name} has stopped {why}", err=True)
            told = now.stopped
            doing = "projecting" if now.leads else "waiting while another projects"
            click.echo(f"{doing}, at position {now.position}")
            sys.stdout.flush()


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "all_", is_flag=True, help="All of them, which is what no NAME means, too.")
@click.option("--check", is_flag=True, help="Change nothing; say row by row what differs.")
@list_format_option
@pass_app
def rebuild(app: App, names: tuple[str, ...], all_: bool, check: bool, format_: str) -> None:
    """Throw projections away and have them back from the log, while the old ones serve.

    Ends with what each holds now, at which position, and whether it held the same before.
    """
    if names and all_:
        raise click.UsageError("give names or --all, not both")
    # Those who read and write meanwhile go first, where there are too few processors for all.
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)

    def row(proof: RebuildProof) -> tuple[object, ...]:
        status = proof.status
        same = _SAME[proof.same]
        return status.name, status.schema, status.position, status.rows, status.digest, same

    def drift_row(drift: Drift) -> tuple[object, ...]:
        return drift.name, drift.table, drift.kind, " | ".join(map(str, drift.row))

    with app.open() as ledger:
        if check:
            count = 0

            def counted(drifts: Iterator[Drift]) -> Iterator[Drift]:
                nonlocal count
                for count, drift in enumerate(drifts, 1):  # noqa: B007
                    yield drift

            with progress("rebuilding aside", "events") as tell:
                found = counted(ledger.check(names, tell))
                show_list(format_, ("projection", "table", "row is", "row"), found, drift_row)
            if count:
                raise ProjectionDrifted(
                    f"differences from what the log gives: {count}; `ledger rebuild` puts them "
                    "right, but for a projection that stops when it is rebuilt"
                )
            if format_ == "table":
                click.echo("no drift: the projections hold what the log gives")
            return
        with progress("rebuilding", "events") as tell:
            proofs = ledger.rebuild(names, tell)
        columns = ("projection", "schema", "position", "rows", "digest", "before")
        show_list(format_, columns, proofs, row)
        ledger.views.require(names)


@click.command()
@pass_app
def upgrade(app: App) -> None:
    """Bring an older log up to this program's schema."""
    with app.open() as ledger:
        before, after = ledger.upgrade()
    if before == after:
        click.echo(f"the log already has schema {after}")
    else:
        click.echo(f"the log was brought from schema {before} to {after}")


COMMANDS: tuple[click.Command, ...] = (projections, project, rebuild, upgrade)
