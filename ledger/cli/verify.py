"""The command that verifies a whole log: audit verify."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.context import App, pass_app
from ledger.cli.output import format_option, plain, progress, show_object
from ledger.errors import AuditError, DoesNotHold, NoteError

if TYPE_CHECKING:
    from ledger.audit.findings import Finding, Verification

FILE = click.Path(path_type=Path, dir_okay=False)

_TOO_FEW = 50_000
"""Below so many events, to start another process takes longer than it saves."""


@click.command()
@click.option(
    "--checkpoint",
    "checkpoints",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="A checkpoint kept from before; repeat for more.",
)
@click.option(
    "--key",
    "known",
    multiple=True,
    metavar="VKEY",
    help="A key that they must be signed by; repeat for more.",
)
@click.option("--views", is_flag=True, help="Compare all projections with the log, too.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="In how many processes to read.  [default: one for each processor]",
)
@format_option("text", "json")
@pass_app
def verify(
    app: App,
    checkpoints: tuple[Path, ...],
    known: tuple[str, ...],
    views: bool,
    jobs: int | None,
    format_: str,
) -> None:
    """Read the whole log twice, and say all that does not hold. Nothing is written.

    By position: no holes, no time that runs backwards, every hash of the tree, and its root held
    against every checkpoint. By entry: versions from 1 on, every event readable and legal.

    Without a checkpoint that was kept elsewhere, a log that was rewritten whole looks sound.
    """
    from ledger.audit.notes import parse_verifier

    notes = list(map(_read, checkpoints))
    try:
        keys = list(map(parse_verifier, known))
    except NoteError as error:
        raise AuditError(str(error)) from error
    with app.open() as ledger:
        for path, note in zip(checkpoints, notes, strict=True):
            try:
                ledger.audit.signed(note, keys)
            except AuditError as error:
                raise AuditError(f"{path}: {error}") from error
        if jobs is None:
            big = ledger.application.log.head().position > _TOO_FEW
            jobs = os.cpu_count() or 1 if big else 1
        with progress("verifying", "events") as tell:
            found = ledger.audit.verify(notes, keys, with_views=views, jobs=jobs, progress=tell)
    if format_ == "json":
        show_object(found)
    else:
        _show(found)
    if not found.sound:
        count = len(found.findings) + found.more
        raise DoesNotHold(f"the log does not hold: {count} finding{'s' if count > 1 else ''}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror}") from error


def _show(found: Verification) -> None:
    click.echo(
        f"{plain(found.origin)}: {found.size:,} events of {found.entries:,} entries, read twice"
    )
    click.echo(f"root {found.root}")
    for one in found.checkpoints:
        by = f" signed by {plain(', '.join(one.signed_by))}" if one.signed_by else ""
        verdict = "holds" if one.holds else click.style("does not hold", fg="red")
        click.echo(f"checkpoint of {one.size:,} events{by}: {verdict}")
    for position, eraser in sorted(found.erased.items()):
        click.echo(f"event {position}: erased, as event {eraser} says")
    for finding in found.findings:
        click.echo(f"{click.style(finding.kind, fg='red')}: {_where(finding)}")
    if found.more:
        click.echo(f"and {found.more:,} more")
    for note in found.notes:
        click.echo(f"note: {note}")
    if found.sound:
        click.echo(click.style("sound", fg="green") + ": nothing was found")


def _where(finding: Finding) -> str:
    parts = []
    if finding.position is not None:
        upto = f" to {finding.upto}" if finding.upto else ""
        parts.append(f"position {finding.position}{upto}")
    if finding.entry is not None:
        version = "" if finding.version is None else f" version {finding.version}"
        parts.append(f"entry {finding.entry}{version}")
    return ", ".join(parts) + (": " if parts else "") + plain(finding.message)
