"""Commands that take an archive in: import pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.context import App, pass_app
from ledger.cli.output import progress
from ledger.errors import ImportFailed

if TYPE_CHECKING:
    from ledger.interchange.pages import ImportReport


NOTES_SHOWN = 5


@click.group("import")
def import_() -> None:
    """Take an archive in."""


@import_.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH..."
)
@click.option(
    "--strict",
    is_flag=True,
    help="Stop at the first page that cannot be stored, and store nothing of the run.",
)
@click.option("--edition", metavar="CODE", help="The edition of pages that do not tell theirs.")
@pass_app
def pages(app: App, paths: tuple[Path, ...], strict: bool, edition: str | None) -> None:
    """Import published pages from files, and from folders of any depth.

    In folders, files ending in .md, .markdown and .txt are pages; day indexes are skipped. What is
    in the ledger already is not stored again.
    """
    with app.open() as ledger, progress("importing", "pages") as tell:
        report = ledger.import_pages(
            paths, actor=app.actor, strict=strict, edition=edition, progress=tell
        )
    for note in report.notes[:NOTES_SHOWN]:
        click.echo(f"ledger: note: {note}", err=True)
    if len(report.notes) > NOTES_SHOWN:
        more = len(report.notes) - NOTES_SHOWN
        click.echo(f"ledger: note: {more} more pages would be rendered differently", err=True)
    for failure in report.failures:
        click.echo(f"ledger: {failure}", err=True)
    for line in _summary(report):
        click.echo(line)
    if report.failures:
        raise ImportFailed(f"not stored: {len(report.failures)} of {report.files} files")


def _summary(report: ImportReport) -> list[str]:
    lines = [
        f"files read: {report.files}",
        f"entries created: {report.created}",
        f"entries edited: {report.edited}",
        f"entries unchanged: {report.unchanged}",
    ]
    if report.older:
        lines.append(f"pages of older versions, taken into their histories: {report.older}")
    if report.indexes:
        lines.append(f"day indexes, skipped: {report.indexes}")
    lines.append(f"events stored: {report.events}" if report.events else "nothing new")
    return lines


COMMANDS: tuple[click.Command, ...] = (import_,)
