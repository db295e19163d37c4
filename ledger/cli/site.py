"""The command `export site`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.context import App, moment_options, pass_app
from ledger.cli.output import progress

if TYPE_CHECKING:
    from ledger.results import When

NOTES_SHOWN = 10


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.option(
    "--base-url",
    metavar="URL",
    help="The site's address, for feeds and sitemap.  [default: that of the last export into DIR, "
    "or http://localhost:8000]",
)
@moment_options
@pass_app
def site(
    app: App, folder: Path, base_url: str | None, as_of: When | None, known_at: When | None
) -> None:
    """Write the archive into DIR as a static site: pages in four formats, feeds, a sitemap.

    Every page is at its path, and every older version at the path it was published at. Again into
    the same DIR, only what differs is written, and what is no longer part of the site is removed;
    files that no export has made stay as they are.
    """
    with app.open() as ledger, progress("exporting", "entries") as tell:
        report = ledger.exports.site(
            folder, base_url, as_of=as_of, known_at=known_at, progress=tell
        )
    if base_url is None:
        click.echo(
            f"ledger: note: feeds and sitemap say {report.base_url}: give the site's address by "
            "--base-url, where it is another",
            err=True,
        )
    # All of those that stay: erased text may be among them.
    for note in (*report.stay, *report.notes[:NOTES_SHOWN]):
        click.echo(f"ledger: note: {note}", err=True)
    if len(report.notes) > NOTES_SHOWN:
        click.echo(f"ledger: note: {len(report.notes) - NOTES_SHOWN} more notes", err=True)
    click.echo(
        f"files written: {report.written:,}, left as they were: {report.left:,}, "
        f"removed: {report.removed:,}"
    )
