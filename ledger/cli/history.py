"""Commands that read the log: log, replay."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import click

from ledger.cli.context import App, entry_argument, pass_app
from ledger.cli.fields import diff_lines, event_line
from ledger.cli.output import list_format_option, show_list
from ledger.cli.times import moment
from ledger.errors import InvalidInput

if TYPE_CHECKING:
    from ledger.domain.events import RecordedEvent

TYPES = (
    "EntryCreated",
    "EntryEdited",
    "EntryRetracted",
    "EntryReinstated",
    "CorrectionPublished",
    "EntryMerged",
)


@click.command()
@click.option("--since", type=moment, metavar="TIME", help="Recorded at or after it.")
@click.option("--until", type=moment, metavar="TIME", help="Recorded at or before it.")
@click.option("--actor", metavar="NAME", help="By that actor.")
@click.option("--type", "type_", type=click.Choice(TYPES), help="Of that type.")
@click.option("--entry", metavar="ENTRY", help="Of that entry.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@click.option("--reverse", is_flag=True, help="Newest first.")
@list_format_option
@pass_app
def log(
    app: App,
    since: datetime | None,
    until: datetime | None,
    actor: str | None,
    type_: str | None,
    entry: str | None,
    limit: int | None,
    reverse: bool,
    format_: str,
) -> None:
    """Show the events in the order they were recorded."""

    def wanted(event: RecordedEvent) -> bool:
        return (
            (actor is None or event.meta.actor == actor)
            and (type_ is None or type(event.data).__name__ == type_)
            and (since is None or event.recorded_at >= since)
            and (until is None or event.recorded_at <= until)
        )

    with app.open() as ledger:
        events: Iterable[RecordedEvent]
        if entry is not None:
            events = ledger.history(entry)
            if reverse:
                events = reversed(list(events))
        else:
            events = ledger.events_between(since, until, reverse=reverse)
        found: Iterator[RecordedEvent] = islice(filter(wanted, events), limit)
        columns = ("position", "recorded", "entry", "version", "type", "actor", "reason", "fields")
        show_list(format_, columns, found, _row, _record)


def _row(event: RecordedEvent) -> tuple[object, ...]:
    from ledger.domain.events import EntryMerged
    from ledger.projections.changes import fields_set

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

    return {
        "position": event.position,
        "recorded_at": event.recorded_at,
        "entry": event.entry,
        "version": event.version,
        "type": type(event.data).__name__,
        # All of it, also what is as usual; the data is what the event itself holds.
        "meta": msgspec.structs.asdict(event.meta),
        "data": event.data,
    }


@click.command()
@entry_argument
@click.option("--to", type=click.IntRange(min=1), metavar="N", help="Stop after that version.")
@click.option("--step", is_flag=True, help="Wait for a key after each event; q stops.")
@pass_app
def replay(app: App, entry: str, to: int | None, step: bool) -> None:
    """Fold an entry's events one by one, showing what each changed."""
    from ledger.domain.diffs import diff_entries

    if step and not sys.stdin.isatty():
        raise InvalidInput("--step waits for a key: it needs a terminal")
    with app.open() as ledger:
        if to is not None:
            ledger.get(entry, version=to)
        for number, replayed in enumerate(islice(ledger.replay(entry), to)):
            if number and step and click.getchar() in "qQ":
                break
            click.echo(event_line(replayed.event))
            for line in diff_lines(diff_entries(replayed.before, replayed.after)):
                click.echo(f"  {line}")
            inferred = replayed.after.inferred
            if inferred and (replayed.before is None or replayed.before.inferred != inferred):
                click.echo(f"  inferred by the import: {', '.join(inferred)}")


COMMANDS: tuple[click.Command, ...] = (log, replay)
