"""Commands that read entries: show, changes, diff, blame, list."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.context import App, entry_argument, moment_options, pass_app
from ledger.cli.fields import diff_lines, entry_lines
from ledger.cli.output import (
    format_option,
    list_format_option,
    show_list,
    show_published,
    show_table,
)
from ledger.cli.times import parse_date

if TYPE_CHECKING:
    from ledger.pages.links import AnyPage
    from ledger.projections.records import Change
    from ledger.results import BlamedWord, Listed, When

SHORT_ID = 13
"""How many characters of an id tell entries apart: the date and four digits."""

FORMATS = ("md", "html", "json", "xml")
"""The formats that pages are published in."""

STYLES = ("current", "older", "archive")


@click.command()
@entry_argument
@click.option("--version", type=int, metavar="N", help="That version.")
@moment_options
@format_option("text", *FORMATS, text="Text for people, or the page as published.")
@click.option(
    "--style",
    type=click.Choice(STYLES),
    help="The page's style.  [default: the one it was published in]",
)
@pass_app
def show(
    app: App,
    entry: str,
    version: int | None,
    as_of: When | None,
    known_at: When | None,
    format_: str,
    style: Any,
) -> None:
    """Show an entry: the current version, or another.

    A permalink that the entry has left shows the last version that it showed.
    """
    with app.open() as ledger:
        if version is None and as_of is None and known_at is None:
            shown = ledger.at(entry)
        else:
            shown = ledger.get(entry, version=version, as_of=as_of, known_at=known_at)
        if format_ != "text":
            show_page(ledger.pages.entry(shown, style), format_)
            return
        for line in entry_lines(shown):
            click.echo(line)


def show_page(page: AnyPage, format_: str) -> None:
    """Print a page in one of the formats that pages have."""
    from ledger.pages.rendering import render

    click.echo(render(page, format_), nl=False)


@click.command()
@entry_argument
@click.option("--all", "all_", is_flag=True, help="Also those that left the headline alone.")
@moment_options
@list_format_option
@pass_app
def changes(
    app: App,
    entry: str,
    all_: bool,
    as_of: When | None,
    known_at: When | None,
    format_: str,
) -> None:
    """Show an entry's Changes list: first version, updates, current version."""

    def row(change: Change) -> tuple[object, ...]:
        return (
            change.version,
            show_published(change.published_at, change.basis),
            change.label,
            change.actor,
            change.reason,
            (" ".join(change.fields) or change.type) + (" (erased)" if change.erased else ""),
            change.path,
        )

    with app.open() as ledger:
        found = ledger.changes(entry, all_versions=all_, as_of=as_of, known_at=known_at)
    columns = ("version", "published", "label", "actor", "reason", "fields", "permalink")
    show_list(format_, columns, found, row)


@click.command()
@entry_argument
@click.argument("a", type=int, required=False)
@click.argument("b", type=int, required=False)
@format_option("text", "json")
@moment_options
@pass_app
def diff(
    app: App,
    entry: str,
    a: int | None,
    b: int | None,
    format_: str,
    as_of: When | None,
    known_at: When | None,
) -> None:
    """Show what differs between versions A and B of an entry, field by field and word by word.

    Without B, A is compared with the current version; without A, the current version with the one
    before it.
    """
    with app.open() as ledger:
        found = ledger.diff(entry, a, b, as_of=as_of, known_at=known_at)
    if format_ == "json":
        show_list("json", (), found, lambda _: ())
        return
    for line in diff_lines(found):
        click.echo(line)


@click.command()
@entry_argument
@list_format_option
@pass_app
def blame(app: App, entry: str, format_: str) -> None:
    """Show which version, actor and time each word of headline and summary comes from."""
    with app.open() as ledger:
        found = ledger.blame(entry)
    words = [
        (field, word)
        for field, texts in (("headline", found.headline), ("summary", found.summary))
        for word in texts
    ]
    if format_ != "table":
        show_list(format_, (), words, lambda _: (), _word_record)
        return
    rows = []
    for (field, version), run in groupby(words, lambda item: (item[0], item[1].version)):
        texts = [word for _, word in run]
        text = "".join(word.text for word in texts).strip()
        if text:
            first = texts[0]
            rows.append((field, version, first.published_at, first.actor, text))
    show_table(("field", "version", "published", "actor", "words"), rows)


def _word_record(item: tuple[str, BlamedWord]) -> dict[str, object]:
    field, word = item
    return {
        "field": field,
        "text": word.text,
        "version": word.version,
        "actor": word.actor,
        "published_at": word.published_at,
    }


@click.command("list")
@click.option("--date", "day", type=parse_date, metavar="DATE", help="Filed under that day.")
@click.option("--topic", metavar="TEXT", help="With that topic.")
@click.option("--context", metavar="NAME", help="With that context.")
@click.option(
    "--status", type=click.Choice(["active", "retracted", "merged"]), help="With that status."
)
@moment_options
@list_format_option
@pass_app
def list_(
    app: App,
    day: date | None,
    topic: str | None,
    context: str | None,
    status: Any,
    as_of: When | None,
    known_at: When | None,
    format_: str,
) -> None:
    """List the entries, each with the beginning of its id; JSON has all of them."""

    def row(item: Listed) -> tuple[object, ...]:
        entry = item.entry
        id_ = str(entry.id)[:SHORT_ID]
        return entry.date, id_, entry.version, entry.status, entry.headline.strip()

    with app.open() as ledger:
        found = ledger.entries(
            day=day,
            topic=topic,
            context=context,
            status=status,
            as_of=as_of,
            known_at=known_at,
        )
    columns = ("date", "id", "version", "status", "headline")
    show_list(format_, columns, found, row)


COMMANDS: tuple[click.Command, ...] = (show, changes, diff, blame, list_)
