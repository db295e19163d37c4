"""Commands that take an archive in: import pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.context import App, pass_app
from ledger.cli.output import plain, progress
from ledger.errors import ImportFailed, InvalidInput

if TYPE_CHECKING:
    from ledger.interchange.git.history import GitReport
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
        click.echo(f"ledger: note: {plain(note)}", err=True)
    if len(report.notes) > NOTES_SHOWN:
        more = len(report.notes) - NOTES_SHOWN
        click.echo(f"ledger: note: {more} more pages would be rendered differently", err=True)
    for failure in report.failures:
        click.echo(f"ledger: {plain(failure)}", err=True)
    for line in _summary(report):
        click.echo(line)
    if report.failures:
        raise ImportFailed(f"not stored: {len(report.failures)} of {report.files} files")


@import_.command()
@click.argument("repository", type=click.Path(path_type=Path), metavar="REPO")
@click.option("--branch", metavar="NAME", help="Which branch.  [default: the one checked out]")
@click.option(
    "--since",
    metavar="COMMIT",
    help="Begin behind this commit.  [default: where the ledger stands]",
)
@click.option("--until", metavar="COMMIT", help="The last commit.  [default: the branch's last]")
@click.option(
    "--another",
    is_flag=True,
    help="Begin at the beginning, though the ledger has imported commits of another history.",
)
@click.option("--edition", metavar="CODE", help="The edition of pages that do not tell theirs.")
@click.option(
    "--alike",
    type=float,
    default=0.5,
    show_default=True,
    metavar="SHARE",
    help="From which share of common words on a page that goes and one of the same day that "
    "comes are one entry, retitled.",
)
@click.option(
    "--contexts/--no-contexts",
    default=True,
    help="Learn the contexts of entries, in the end, from the topics and Related lists of the "
    "last commit's pages.",
    show_default=True,
)
@pass_app
def git(app: App, /, repository: Path, **options: Any) -> None:
    """Import the history of published pages from a git repository, commit by commit.

    REPO is a folder, with a work tree or bare, or a bundle. What really changed becomes an event,
    public since the commit's time and told by its author; what a site derives is skipped. Another
    run goes on from the last commit that the ledger knows.
    """
    with app.open() as ledger, progress("importing", "commits") as tell:
        report = ledger.import_git(repository, actor=app.actor, progress=tell, **options)
    for failure in report.failures:
        click.echo(f"ledger: {plain(failure)}", err=True)
    if report.failed > len(report.failures):
        click.echo(f"ledger: {report.failed - len(report.failures)} more", err=True)
    for line in _history_summary(report):
        click.echo(line)
    if report.failed:
        raise ImportFailed(f"not stored: {report.failed} of {report.changes} page changes")


_STORED = {
    "created": "a page came where no entry was",
    "edited": "a page changed",
    "retitled": "a page went, and one alike came under another permalink",
    "retracted": "a page went",
    "reinstated": "a page came back",
    "learned": "a topic or a Related list told a context",
}
_FATES = {
    "noise": "only derived parts changed",
    "unchanged": "the ledger has it",
    "older": "the page of an older version",
    "indexes": "a day's index",
}


def _history_summary(report: GitReport) -> list[str]:
    """Return what was read, and what each part of it came to, with the reason."""
    last = f", the last one {report.last[:12]}" if report.last else ""
    lines = [f"commits read: {report.commits}{last}", f"page changes: {report.changes}"]
    for counts, reasons in ((report.stored, _STORED), (report.fates, _FATES)):
        lines += [
            f"{kind}: {counts[kind]} ({why})"  # type: ignore[index]
            for kind, why in reasons.items()
            if counts[kind]  # type: ignore[index]
        ]
    if report.failed:
        lines.append(f"not stored: {report.failed} (not understood, or refused)")
    lines.append(f"events stored: {report.events}" if report.events else "nothing new")
    return lines


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


@import_.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_app
def jsonl(app: App, file: Path) -> None:
    """Put the log that `ledger export jsonl` wrote into FILE into the store; - is the input.

    The store is made, or is one that was made so and lacks the events of FILE. Every event keeps
    its id, position, time and bytes, and in the end all are held against the root that FILE
    states. Stopped anywhere, it goes on where it was.

    Like a copy, the ledger keeps its identity, and is only read until `ledger promote`.
    """
    from ledger.interchange.streams import reading

    try:
        with app.open() as ledger, reading(file) as lines, progress("importing", "events") as tell:
            report = ledger.import_jsonl(lines, tell)
    except InvalidInput as error:
        if str(error).startswith("line"):
            name = "the input" if str(file) == "-" else file
            error.args = (f"{name}, {error}",)
        raise
    click.echo(f"events stored: {report.stored:,}; the file ends at {report.end:,}")
    click.echo(f"root {report.root}, reckoned from the store, is the one that the file states")


COMMANDS: tuple[click.Command, ...] = (import_,)
