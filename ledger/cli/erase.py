"""Commands that take content away for good: erase, purge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ledger.cli.context import App, entry_argument, expected_version_option, pass_app

if TYPE_CHECKING:
    from ledger.domain.erasure import Plan


@click.command()
@entry_argument
@click.option(
    "--version",
    "versions",
    type=click.IntRange(min=1),
    multiple=True,
    required=True,
    metavar="N",
    help="Whose text is to go; repeat for more.",
)
@click.option(
    "--authority",
    required=True,
    metavar="TEXT",
    help="Who wants it: a court by its order, a person by a request.",
)
@click.option("--reason", required=True, metavar="TEXT", help="Why.")
@click.option(
    "--actor-names",
    "names",
    is_flag=True,
    help="The names of who made these versions go, too, with the reasons they gave.",
)
@click.option("--no-text", is_flag=True, help="With --actor-names: the text stays.")
@click.option("--dry-run", is_flag=True, help="Erase nothing; say what would go and what stays.")
@click.option(
    "--command-id",
    "id",
    type=click.UUID,
    metavar="UUID",
    help="Give a command that may be repeated the same id: it is stored once.",
)
@expected_version_option
@pass_app
def erase(app: App, /, entry: str, no_text: bool, dry_run: bool, **given: Any) -> None:
    """Take the text of versions of ENTRY away for good, out of every file of the store.

    That it was erased, by whom and why stays in the log, and every proof holds as before. What a
    version shows that is not erased stays, and no such version reads differently. Text that the
    current version still shows needs an edit that replaces it, or a retraction, first.
    """
    options = {name: value for name, value in given.items() if value is not None}
    if "expect_version" in options:
        options["expected_version"] = options.pop("expect_version")
    options |= {"text": not no_text, "actor": app.actor}
    with app.open() as ledger:
        if dry_run:
            _show(ledger.plan_erasure(entry, **options), "would go", "would stay")
            return
        done = ledger.erase(entry, **options)
    event = done.event
    if done.plan is None:
        click.echo(f"erased before, as event {event.position} says")
        return
    click.echo(f"erased of {event.entry}, as event {event.position} says:")
    _show(done.plan, "gone", "stays")


def _show(plan: Plan, gone: str, stays: str) -> None:
    for version in sorted({*plan.gone, *plan.metas, *(kept.version for kept in plan.kept)}):
        what = [*plan.gone.get(version, ()), *(["names"] if version in plan.metas else [])]
        click.echo(f"version {version}, {gone}: {', '.join(what) or 'nothing'}")
        for kept in plan.kept:
            if kept.version == version:
                why = f"still shown by version {', '.join(map(str, kept.shown_by))}"
                if not kept.shown_by:
                    why = "the path of another entry was numbered after it"
                click.echo(f"version {version}, {stays}: {kept.field} ({why})")
    if any(kept.shown_by for kept in plan.kept):
        click.echo(
            "To erase what stays as well: replace it with an edit, or retract the entry; then "
            "erase all versions that show it."
        )


@click.command()
@pass_app
def purge(app: App) -> None:
    """Finish an erasure that another process was in the way of.

    What was erased is taken out of the views, of free pages, and of the write-ahead log.
    """
    with app.open() as ledger:
        ledger.purge()
    click.echo("nothing that was erased is left in the files")


COMMANDS: tuple[click.Command, ...] = (erase, purge)
