"""Commands that read the log: log, replay."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from ledger.cli.context import App, pass_app
from ledger.cli.fields import diff_lines, event_line, page_lines
from ledger.cli.output import list_format_option, progress, show_list, show_time
from ledger.cli.times import moment_or_position
from ledger.errors import InvalidInput

if TYPE_CHECKING:
    from ledger.domain.events import RecordedEvent
    from ledger.ledger import Ledger
    from ledger.projections.records import ViewStatus
    from ledger.results import Replayed, When

TYPES = (
    "EntryCreated",
    "EntryEdited",
    "EntryRetracted",
    "EntryReinstated",
    "CorrectionPublished",
    "EntryMerged",
    "EntryErased",
    "EntryRestated",
)


@click.command()
@click.option("--since", type=moment_or_position, metavar="TIME", help="Recorded at or after it.")
@click.option("--until", type=moment_or_position, metavar="TIME", help="Recorded at or before it.")
@click.option("--actor", metavar="NAME", help="By that actor.")
@click.option("--type", "type_", type=click.Choice(TYPES), help="Of that type.")
@click.option("--entry", metavar="ENTRY", help="Of that entry.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@click.option("--reverse", is_flag=True, help="Newest first.")
@click.option("--follow", is_flag=True, help="Go on with new events as they come.")
@list_format_option
@pass_app
def log(
    app: App,
    since: When | None,
    until: When | None,
    actor: str | None,
    type_: str | None,
    entry: str | None,
    limit: int | None,
    reverse: bool,
    follow: bool,
    format_: str,
) -> None:
    """Show the events in the order they were recorded."""
    if follow and (reverse or until is not None or format_ == "json"):
        raise click.UsageError("--follow goes on without end: no --reverse, --until, or json")
    with app.open() as ledger:
        of = None if entry is None else ledger.id_of(entry)
        if follow and isinstance(since, int):
            # Whoever goes on where he stopped gives the position after the last he saw.
            after, upto = max(since - 1, 0), None
        else:
            after, upto = ledger.positions(since, until)

        def wanted(event: RecordedEvent) -> bool:
            return (
                (actor is None or event.meta.actor == actor)
                and (type_ is None or type(event.data).__name__ == type_)
                and (of is None or event.entry == of)
                and after < event.position
                and (upto is None or event.position <= upto)
            )

        events: Iterable[RecordedEvent]
        if follow:
            events = ledger.subscribe(after)
        elif of is not None:
            history = ledger.history(of)
            events = reversed(history) if reverse else history
        else:
            events = ledger.events(after, upto, reverse=reverse)
        found: Iterator[RecordedEvent] = islice(filter(wanted, events), limit)
        if follow:
            _follow(found, format_)
            return
        columns = ("position", "recorded", "entry", "version", "type", "actor", "reason", "fields")
        show_list(format_, columns, found, _row, _record)


def _follow(events: Iterable[RecordedEvent], format_: str) -> None:
    for event in events:
        if format_ == "jsonl":
            show_list(format_, (), [event], lambda _: (), _record)
        else:
            at = f"{event.position}  {show_time(event.recorded_at)}  {event.entry}"
            click.echo(f"{at}  {event_line(event)}")
        sys.stdout.flush()


def _row(event: RecordedEvent) -> tuple[object, ...]:
    from ledger.domain.events import EntryMerged, fields_set

    return (
        event.position,
        event.recorded_at,
        event.entry,
        event.version,
        type(event.data).__name__,
        event.meta.actor,
        event.meta.reason,
        f"into {event.data.into}"
        if isinstance(event.data, EntryMerged)
        else " ".join(fields_set(event)),
    )


def _record(event: RecordedEvent) -> dict[str, object]:
    import msgspec

    meta = msgspec.structs.asdict(event.meta)
    if not meta["digest"]:
        # Only older programs wrote it there.
        del meta["digest"]
    return {
        "position": event.position,
        "recorded_at": event.recorded_at,
        "entry": event.entry,
        "version": event.version,
        "type": type(event.data).__name__,
        # All of it, also what is as usual; the data is what the event itself holds.
        "meta": meta,
        "data": event.data,
    }


@click.command()
@click.argument("entry", required=False)
@click.option("--to", type=click.IntRange(min=1), metavar="N", help="Stop after that version.")
@click.option("--page", is_flag=True, help="Show the page as it changes, not the fields.")
@click.option("--step", is_flag=True, help="The same, waiting for a key each time; q stops.")
@click.option("--all", "all_", is_flag=True, help="Replay the whole log, all entries.")
@click.option(
    "--until", type=moment_or_position, metavar="TIME", help="With --all: stop at that time."
)
@click.option("--into", metavar="URL", help="With --all: write the events to this store, too.")
@list_format_option
@pass_app
def replay(
    app: App,
    entry: str | None,
    to: int | None,
    page: bool,
    step: bool,
    all_: bool,
    until: When | None,
    into: str | None,
    format_: str,
) -> None:
    """Fold ENTRY's events one by one, showing what each changed; or replay the whole log.

    A replay of the whole log ends with what each projection holds then. The store that is written
    with --into is a ledger of its own, with the same events at the same positions.
    """
    if (entry is None) != all_:
        raise click.UsageError("give an ENTRY, or --all")
    if all_ and (to is not None or page or step):
        raise click.UsageError("--to, --page and --step go with an ENTRY, not with --all")
    if not all_ and (until is not None or into is not None):
        raise click.UsageError("--until and --into go with --all")
    if step and not sys.stdin.isatty():
        raise InvalidInput("--step waits for a key: it needs a terminal")
    with app.open() as ledger:
        if entry is None:
            _replay_all(ledger, until, into, format_)
            return
        if to is not None:
            ledger.get(entry, version=to)
        before = ""
        for number, replayed in enumerate(islice(ledger.replay(entry), to)):
            if number and step and click.getchar() in "qQ":
                break
            click.echo(event_line(replayed.event))
            if page or step:
                before = _show_page(ledger, replayed, before)
            else:
                _show_fields(replayed)


def _show_fields(replayed: Replayed) -> None:
    from ledger.domain.diffs import diff_entries

    for line in diff_lines(diff_entries(replayed.before, replayed.after)):
        click.echo(f"  {line}")
    inferred = replayed.after.inferred
    if inferred and (replayed.before is None or replayed.before.inferred != inferred):
        click.echo(f"  inferred by the import: {', '.join(inferred)}")


def _show_page(ledger: Ledger, replayed: Replayed, before: str) -> str:
    """Show the page that an event made, as the ledger knew it then, and return it."""
    from ledger.pages.markdown import render
    from ledger.results import EntryVersion

    shown = EntryVersion(
        entry=replayed.after,
        path=replayed.path,
        event=replayed.event,
        known_at=replayed.event.position,
        current_version=replayed.after.version,
        current_path=replayed.path,
    )
    after = render(ledger.page(shown))
    for line in page_lines(before, after):
        click.echo(f"  {line}".rstrip())
    return after


def _replay_all(ledger: Ledger, until: When | None, into: str | None, format_: str) -> None:
    def row(status: ViewStatus) -> tuple[object, ...]:
        return status.name, status.schema, status.position, status.rows, status.digest

    began = time.monotonic()
    with progress("replaying", "events") as tell:
        report = ledger.replay_all(until, into, tell)
    seconds = time.monotonic() - began
    show_list(format_, ("projection", "schema", "position", "rows", "digest"), report.views, row)
    rate = report.events / max(seconds, 1e-9)
    click.echo(f"{report.events:,} events in {seconds:.1f} s: {rate:,.0f} events/s", err=True)


COMMANDS: tuple[click.Command, ...] = (log, replay)
