"""Commands that read across entries: day, related, search, contexts, activity, silent-edits."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.context import App, entry_argument, moment_options, pass_app
from ledger.cli.fields import marked
from ledger.cli.output import (
    format_option,
    list_format_option,
    show_list,
    show_published,
)
from ledger.cli.read import FORMATS, SHORT_ID, show_page
from ledger.cli.times import parse_date

if TYPE_CHECKING:
    from ledger.projections.activity import Count, Flip, SilentEdit
    from ledger.projections.records import Related
    from ledger.results import ContextCount, Listed, When


@click.command()
@click.argument("day_", metavar="DATE", type=parse_date)
@click.option(
    "--edition",
    metavar="CODE",
    help="Of which edition.  [default: the only one there is, or else en]",
)
@moment_options
@format_option("table", *FORMATS, text="A table, or the page as published.")
@pass_app
def day(
    app: App,
    day_: date,
    edition: str | None,
    as_of: When | None,
    known_at: When | None,
    format_: str,
) -> None:
    """Show a day's entries, in the order the ledger learned of them, and the neighbouring days."""

    def row(item: Listed) -> tuple[object, ...]:
        entry = item.entry
        return str(entry.id)[:SHORT_ID], entry.status, entry.topic, entry.headline.strip()

    with app.open() as ledger:
        if format_ != "table":
            page = ledger.pages.day(day_, edition=edition, as_of=as_of, known_at=known_at)
            show_page(page, format_)
            return
        found = ledger.day(day_, edition=edition, as_of=as_of, known_at=known_at)
    show_list(format_, ("id", "status", "topic", "headline"), found.entries, row)
    around = f"previous day: {found.previous or 'none'}; next day: {found.next or 'none'}"
    click.echo(f"edition {found.edition}; {around}")


@click.command()
@entry_argument
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, metavar="N")
@moment_options
@list_format_option
@pass_app
def related(
    app: App,
    entry: str,
    limit: int,
    as_of: When | None,
    known_at: When | None,
    format_: str,
) -> None:
    """List the entries that share contexts with ENTRY, most shared first."""

    def row(item: Related) -> tuple[object, ...]:
        return len(item.contexts), ", ".join(item.contexts), item.path, item.headline.strip()

    with app.open() as ledger:
        found = ledger.related(entry, limit, as_of=as_of, known_at=known_at)
    show_list(format_, ("shared", "contexts", "permalink", "headline"), found, row)


@click.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--all-versions", is_flag=True, help="Also in the versions before.")
@moment_options
@list_format_option
@pass_app
def search(
    app: App,
    query: tuple[str, ...],
    all_versions: bool,
    as_of: When | None,
    known_at: When | None,
    format_: str,
) -> None:
    """Find entries by the words of headline, topic, summary and sources.

    All words of QUERY have to be there. Words "in quotation marks" have to follow each other; a
    star at the end of a word stands for any ending. Case and accents make no difference.
    """

    def row(item: Listed) -> tuple[object, ...]:
        entry = item.entry
        return entry.date, str(entry.id)[:SHORT_ID], entry.version, entry.headline.strip()

    with app.open() as ledger:
        found = ledger.search(
            " ".join(query), all_versions=all_versions, as_of=as_of, known_at=known_at
        )
    show_list(format_, ("date", "id", "version", "headline"), found, row)


@click.command()
@moment_options
@list_format_option
@pass_app
def contexts(app: App, as_of: When | None, known_at: When | None, format_: str) -> None:
    """List the contexts with their numbers of entries, the most touched first."""

    def row(item: ContextCount) -> tuple[object, ...]:
        return item.entries, item.context

    with app.open() as ledger:
        found = ledger.contexts(as_of=as_of, known_at=known_at)
    show_list(format_, ("entries", "context"), found, row)


@click.command()
@click.option(
    "--by",
    type=click.Choice(["day", "actor", "field", "entry"]),
    default="day",
    show_default=True,
    help="What to count the edits of; a day is that of publication, in UTC.",
)
@click.option("--flips", is_flag=True, help="List the edits that went back (A-B-A) instead.")
@list_format_option
@pass_app
def activity(app: App, by: Any, flips: bool, format_: str) -> None:
    """Count the edits of each day, actor, field or entry."""

    def count_row(item: Count) -> tuple[object, ...]:
        return item.edits, item.minor, item.of

    def flip_row(flip: Flip) -> tuple[object, ...]:
        return flip.entry, flip.version, flip.field, flip.published_at, flip.actor

    with app.open() as ledger:
        if flips:
            columns = ("entry", "version", "field", "published", "actor")
            show_list(format_, columns, ledger.flips(), flip_row)
        else:
            show_list(format_, ("edits", "minor", by), ledger.activity(by), count_row)


@click.command("silent-edits")
@list_format_option
@pass_app
def silent_edits(app: App, format_: str) -> None:
    """List the headline changes after which no correction was published on the entry."""

    def row(edit: SilentEdit) -> tuple[object, ...]:
        changed = marked(edit.old, edit.new)
        id_ = str(edit.entry)[:SHORT_ID]
        published = show_published(edit.published_at, edit.basis)
        return id_, edit.version, published, edit.actor, changed

    with app.open() as ledger:
        found = ledger.silent_edits()
    show_list(format_, ("id", "version", "published", "actor", "headline"), found, row)


COMMANDS: tuple[click.Command, ...] = (day, related, search, contexts, activity, silent_edits)
