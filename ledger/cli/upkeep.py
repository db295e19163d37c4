"""Commands that look after a store: rebuild, upgrade."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ledger.cli.context import App, pass_app
from ledger.cli.output import list_format_option, progress, show_list

if TYPE_CHECKING:
    from ledger.projections.records import ViewStatus


@click.command()
@list_format_option
@pass_app
def rebuild(app: App, format_: str) -> None:
    """Throw the read models away and have them back from the log."""

    def row(status: ViewStatus) -> tuple[object, ...]:
        return status.name, status.schema, status.position, status.rows, status.digest

    with app.open() as ledger, progress("rebuilding") as tell:
        found = ledger.rebuild(tell)
    show_list(format_, ("view", "schema", "position", "rows", "digest"), found, row)


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


COMMANDS: tuple[click.Command, ...] = (rebuild, upgrade)
