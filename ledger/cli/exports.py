"""Commands that give the ledger out: export jsonl, csv, parquet, site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli import site
from ledger.cli.context import App, moment_options, pass_app
from ledger.cli.output import progress
from ledger.cli.times import moment_or_position

if TYPE_CHECKING:
    from ledger.results import When

FILE = click.Path(path_type=Path, dir_okay=False)
TABLES = ("entries", "changes", "events")

force_option = click.option("--force", is_flag=True, help="Replace FILE, where it is there.")


@click.group()
def export() -> None:
    """Give the ledger out, for other programs."""


@export.command()
@click.argument("file", type=FILE, default="-")
@click.option(
    "--since",
    type=moment_or_position,
    metavar="TIME",
    help="Only the events behind that position (@1234), or recorded after that time.",
)
@force_option
@pass_app
def jsonl(app: App, file: Path, since: When | None, force: bool) -> None:
    """Write the whole log into FILE, or to the output: one event a line, without loss.

    `ledger import jsonl` has the same ledger again: every id, position, time and byte. Where FILE
    ends in .zst, it is compressed. The lines are described in `ledger.interchange.jsonl`.
    """
    from ledger.interchange.streams import writing

    with (
        app.open() as ledger,
        writing(file, over=force) as out,
        progress("exporting", "events") as tell,
    ):
        report = ledger.exports.jsonl(out, since, tell)
    if str(file) != "-":
        click.echo(f"{file} holds {report.events:,} events, up to position {report.end:,}")
        click.echo(f"root {report.root}, reckoned from all events up to there")


@export.command()
@click.argument("table", type=click.Choice(TABLES))
@click.argument("file", type=FILE, default="-")
@moment_options
@force_option
@pass_app
def csv(
    app: App, table: Any, file: Path, as_of: When | None, known_at: When | None, force: bool
) -> None:
    """Write a table into FILE, or to the output, as CSV (RFC 4180, UTF-8).

    Of entries a row each, of changes a row a version, of events a row each. Times are ISO 8601
    in UTC, lists are JSON. Values are exact: open the file as text in a spreadsheet, which might
    take one for a formula. Where FILE ends in .zst, it is compressed.
    """
    from ledger.interchange.streams import writing

    with app.open() as ledger, writing(file, over=force) as out:
        rows = ledger.exports.csv(table, out, as_of=as_of, known_at=known_at)
    if str(file) != "-":
        click.echo(f"{file} holds {rows:,} rows")


@export.command()
@click.argument("table", type=click.Choice(TABLES))
@click.argument("file", type=FILE)
@moment_options
@force_option
@pass_app
def parquet(
    app: App, table: Any, file: Path, as_of: When | None, known_at: When | None, force: bool
) -> None:
    """Write a table into FILE as Parquet, with times, dates and lists as such.

    The tables are those of `export csv`. It needs the package pyarrow.
    """
    from ledger.interchange.streams import writing

    with app.open() as ledger, writing(file, over=force) as out:
        rows = ledger.exports.parquet(table, out, as_of=as_of, known_at=known_at)
    if str(file) != "-":
        click.echo(f"{file} holds {rows:,} rows")


export.add_command(site.site)

COMMANDS: tuple[click.Command, ...] = (export,)
