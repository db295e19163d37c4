"""The audit report, as a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.context import App, pass_app
from ledger.cli.output import format_option, progress
from ledger.cli.times import moment_or_position
from ledger.errors import DoesNotHold

if TYPE_CHECKING:
    from ledger.report.model import ArchiveReport, EntryReport
    from ledger.results import When

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("entry", required=False)
@click.option("--since", type=moment_or_position, metavar="TIME", help="Recorded at or after it.")
@click.option("--until", type=moment_or_position, metavar="TIME", help="Recorded at or before it.")
@click.option("--actor", metavar="NAME", help="By that actor.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most so many items in each list.  [default: 20]",
)
@click.option(
    "--checkpoint",
    "files",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Hold the log against that checkpoint, kept elsewhere.",
)
@click.option("--key", "known", multiple=True, metavar="VKEY", help="A key that signed them.")
@click.option("--out", type=FILE, metavar="FILE", help="Write it there.  [default: the output]")
@format_option("text", "md", "html", "json")
@pass_app
def report(
    app: App,
    entry: str | None,
    since: When | None,
    until: When | None,
    actor: str | None,
    top: int | None,
    files: tuple[Path, ...],
    known: tuple[str, ...],
    out: Path | None,
    format_: str,
) -> None:
    """Report on the complete life of ENTRY, or on the archive.

    What was edited by whom, when and why; what changed in silence, flipped back, or was erased;
    and how far that can be proved. As html it is one file that needs no network.

    A checkpoint that does not hold is reported, and ends the command with status 61.
    """
    from ledger.audit import notes
    from ledger.proving import put, read

    if entry is not None and (since, until, actor, top) != (None, None, None, None):
        raise click.UsageError("--since, --until, --actor and --top go without an ENTRY")
    if bool(files) != bool(known):
        raise click.UsageError("--checkpoint and --key go together")
    kept = [(path.name, notes.parse_note(read(path))) for path in files]
    keys = [notes.parse_verifier(text) for text in known]
    found: ArchiveReport | EntryReport
    with app.open() as ledger:
        if entry is not None:
            found = ledger.reports.entry(entry, kept, keys)
        else:
            with progress("reporting", "events") as tell:
                found = ledger.reports.archive(
                    since,
                    until,
                    actor,
                    checkpoints=kept,
                    known=keys,
                    progress=tell,
                    **({} if top is None else {"top": top}),
                )
    put(out, _rendered(found, format_).encode())
    for one in found.heading.proof.checkpoints:
        if one.problem is not None:
            raise DoesNotHold(f"{one.file}: {one.problem}")


def _rendered(found: ArchiveReport | EntryReport, format_: str) -> str:
    import msgspec

    from ledger.report import html, markdown, text
    from ledger.report.compose import compose

    if format_ == "json":
        return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
    render = {"text": text.render, "md": markdown.render, "html": html.render}[format_]
    return render(compose(found))
