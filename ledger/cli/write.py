"""Commands that write: init, add, edit, revert, retract, reinstate, correct, merge."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.context import (
    App,
    command_options,
    entry_argument,
    expected_version_option,
    pass_app,
    to_options,
)
from ledger.cli.times import parse_date
from ledger.errors import InvalidInput, LedgerError, PageError

if TYPE_CHECKING:
    from ledger.domain.events import RecordedEvent
    from ledger.domain.values import Source
    from ledger.ledger import Ledger

_SOURCE = re.compile(r"(.*?)=(\w+://.*)", re.DOTALL)

KINDS = ("correction", "clarification", "update", "editors-note")


def _parse_source(text: str) -> Source:
    from ledger.domain.values import Source

    match = _SOURCE.fullmatch(text)
    if match is None:
        raise InvalidInput(f"the source {text!r} is not written as NAME=URL")
    return Source(match[1], match[2])


def _report(ledger: Ledger, event: RecordedEvent, done: str) -> None:
    try:
        shown = ledger.get(event.entry)
    except LedgerError as error:
        stored = f"it is stored, as version {event.version} of {event.entry}"
        raise type(error)(f"{stored}; but {error}") from error
    click.echo(f"{done} {event.entry} version {event.version} at {shown.path}")


@click.command()
@click.option("--origin", metavar="NAME", help="The name the ledger is to be known by for life.")
@click.option("--roles", is_flag=True, help="On PostgreSQL: make the roles for its users, too.")
@click.option("--print", "print_", is_flag=True, help="With --roles: make nothing; print the SQL.")
@pass_app
def init(app: App, origin: str | None, roles: bool, print_: bool) -> None:
    """Create the store."""
    from ledger.store.places import shown
    from ledger.store.rights import make_roles, require_roles, roles_as_sql

    if print_ and not roles:
        raise click.UsageError("--print goes with --roles")
    if roles:
        require_roles(app.store)
    if print_:
        click.echo(roles_as_sql(app.store), nl=False)
        return
    with app.open() as ledger:
        identity = ledger.init(origin)
        click.echo(f"ledger {identity.origin} (id {identity.id}) at {shown(app.store)}")
        if origin not in {None, identity.origin}:
            raise InvalidInput(f"the ledger is there already, and is called {identity.origin}")
        if roles:
            names = make_roles(app.store, ledger.application.log)
            click.echo(f"roles: {', '.join(names)}")


@click.command()
@click.argument("stdin", type=click.Choice(["-"]), required=False, metavar="[-]")
@click.option("--date", type=parse_date, metavar="DATE", help="The day it is filed under.")
@click.option("--headline", metavar="TEXT")
@click.option("--topic", metavar="TEXT", help="The lead context.")
@click.option("--summary", metavar="TEXT")
@click.option("--source", "sources", multiple=True, metavar="NAME=URL", help="Repeat for more.")
@click.option("--cover-image", metavar="URL")
@click.option("--context", "contexts", multiple=True, metavar="NAME", help="Repeat for more.")
@click.option("--slug", metavar="SLUG", help="The last part of its path.  [default: by rule]")
@click.option("--edition", metavar="CODE", help="en or zh.  [default: en]")
@click.option("--language", metavar="TAG", help="A BCP 47 tag.  [default: the edition's]")
@click.option(
    "--from",
    "file",
    metavar="FILE",
    help="Take it from a published page or a JSON object; - is standard input.",
)
@command_options
@pass_app
def add(app: App, /, stdin: str | None, file: str | None, **given: Any) -> None:
    """Add an entry, from options, from a file, or from standard input with -.

    Options go before what the file says. The JSON object has the names of the options: date,
    headline, topic, summary, sources (a list of objects with name and url), cover_image, contexts
    (a list), slug, edition, language.
    """
    options = to_options(app, given)
    fields = {name: value for name, value in given.items() if value not in (None, ())}
    if "sources" in fields:
        fields["sources"] = tuple(map(_parse_source, fields["sources"]))
    if (file := file or stdin) is not None:
        fields = _fields_from(file) | fields
    for name in ("date", "headline"):
        if name not in fields:
            raise InvalidInput(f"an entry needs a {name}: give --{name}, or --from FILE")
    with app.open() as ledger:
        event = ledger.create(**fields, **options)
        _report(ledger, event, "added")


def _fields_from(file: str) -> dict[str, Any]:
    """Return the fields that a file or standard input tells."""
    from ledger.interchange.files import decode_text
    from ledger.interchange.json_entry import fields_of_json

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from None
    name = "standard input" if file == "-" else file
    try:
        text, _ = decode_text(data)
        if text.lstrip()[:1] == "{":
            return fields_of_json(text)
        return _fields_of_page(text, None if file == "-" else Path(file))
    except PageError as error:
        raise PageError(f"{name}:{error.line}: {error}") from None


def _fields_of_page(text: str, file: Path | None) -> dict[str, Any]:
    """Return what a page shows, without its history: `import pages` takes that in, too."""
    from ledger.domain.ids import imported_entry_id
    from ledger.interchange.versions import path_of, with_slug
    from ledger.pages.markdown import parse

    page = with_slug(parse(text), file)
    if page.changes:
        raise InvalidInput("this page has a history: take it in with `ledger import pages`")
    contexts = {name for line in page.related for name in line.contexts} | {page.topic or ""}
    return {
        # The id that an import of the same page would give, so that it is recognised there.
        "entry": imported_entry_id(page.day, page.edition, path_of(page)),
        "date": page.day,
        "headline": page.headline,
        "slug": page.slug,
        "topic": page.topic,
        "summary": page.summary,
        "sources": page.sources,
        "cover_image": page.cover_image,
        "contexts": tuple(sorted(name for name in contexts if name.strip())),
        "edition": page.edition,
        "layout": page.layout,
    }


@click.command()
@entry_argument
@click.option("--headline", metavar="TEXT", help="Moves the entry to a new path by the slug rule.")
@click.option("--topic", metavar="TEXT", help="Empty removes it.")
@click.option("--summary", metavar="TEXT", help="Empty removes it.")
@click.option("--date", type=parse_date, metavar="DATE")
@click.option("--slug", metavar="SLUG", help="The last part of the path.")
@click.option("--cover-image", metavar="URL", help="Empty removes it.")
@click.option("--add-source", "add_sources", multiple=True, metavar="NAME=URL")
@click.option(
    "--remove-source",
    "remove_sources",
    multiple=True,
    type=int,
    metavar="N",
    help="By its number in the list.",
)
@click.option(
    "--context",
    "contexts",
    multiple=True,
    metavar="NAME",
    help="Repeat for more; together they replace all contexts. Empty removes them.",
)
@click.option("--add-context", "add_contexts", multiple=True, metavar="NAME")
@click.option("--remove-context", "remove_contexts", multiple=True, metavar="NAME")
@click.option("--language", metavar="TAG")
@command_options
@expected_version_option
@pass_app
def edit(app: App, /, entry: str, **given: Any) -> None:
    """Edit an entry. What is not named stays as it is."""
    options = to_options(app, given)
    changes: dict[str, Any] = {
        name: given[name]
        for name in ("headline", "date", "slug", "language")
        if given[name] is not None
    }
    for name in ("topic", "summary", "cover_image"):
        if given[name] is not None:
            changes[name] = given[name] or None
    if given["contexts"]:
        changes["contexts"] = tuple(name for name in given["contexts"] if name)
    for name in ("remove_sources", "add_contexts", "remove_contexts"):
        if given[name]:
            changes[name] = given[name]
    if given["add_sources"]:
        changes["add_sources"] = tuple(map(_parse_source, given["add_sources"]))
    if not changes:
        raise InvalidInput("nothing to edit: name a field, such as --headline TEXT")
    with app.open() as ledger:
        _report(ledger, ledger.edit(entry, **changes, **options), "edited")


@click.command()
@entry_argument
@click.argument("version", type=int)
@command_options
@expected_version_option
@pass_app
def revert(app: App, /, entry: str, version: int, **given: Any) -> None:
    """Give an entry all the fields that it had in an earlier VERSION."""
    with app.open() as ledger:
        _report(ledger, ledger.revert(entry, version, **to_options(app, given)), "reverted")


@click.command()
@entry_argument
@command_options
@expected_version_option
@pass_app
def retract(app: App, /, entry: str, **given: Any) -> None:
    """Take an entry back, in public; it stays readable."""
    with app.open() as ledger:
        _report(ledger, ledger.retract(entry, **to_options(app, given)), "retracted")


@click.command()
@entry_argument
@command_options
@expected_version_option
@pass_app
def reinstate(app: App, /, entry: str, **given: Any) -> None:
    """Undo a retraction or a merge."""
    with app.open() as ledger:
        _report(ledger, ledger.reinstate(entry, **to_options(app, given)), "reinstated")


@click.command()
@entry_argument
@click.argument("text")
@click.option("--kind", type=click.Choice(KINDS), default="correction", show_default=True)
@command_options
@expected_version_option
@pass_app
def correct(app: App, /, entry: str, text: str, kind: Any, **given: Any) -> None:
    """Publish a correction with this TEXT; the entry's fields stay as they are."""
    with app.open() as ledger:
        _report(ledger, ledger.correct(entry, text, kind, **to_options(app, given)), "corrected")


@click.command()
@entry_argument
@click.argument("into")
@command_options
@expected_version_option
@pass_app
def merge(app: App, /, entry: str, into: str, **given: Any) -> None:
    """Merge ENTRY into another entry, INTO, which goes on in its place."""
    with app.open() as ledger:
        _report(ledger, ledger.merge(entry, into, **to_options(app, given)), "merged")


COMMANDS: tuple[click.Command, ...] = (init, add, edit, revert, retract, reinstate, correct, merge)
