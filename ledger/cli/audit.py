"""Commands of the audit: root, keygen, checkpoint, cosign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli import proofs, report, verify
from ledger.cli.context import App, pass_app
from ledger.cli.output import show_object
from ledger.cli.times import moment_or_position
from ledger.errors import InvalidInput

if TYPE_CHECKING:
    from ledger.results import When

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def audit() -> None:
    """Prove that nothing was altered, dropped or slipped in."""


@audit.command()
@click.option("--at", type=moment_or_position, metavar="TIME", help="As it was at that time.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to show it.",
)
@pass_app
def root(app: App, at: When | None, format_: str) -> None:
    """Print the size and the root of the log's Merkle tree (RFC 6962)."""
    with app.open() as ledger:
        head = ledger.audit.head(None if at is None else ledger.position(at))
    if format_ == "json":
        show_object(head)
    else:
        click.echo(f"{head.size} {head.root}")


@audit.command()
@click.argument("name")
@click.option("--out", type=FILE, required=True, metavar="FILE", help="Where to keep the key.")
@click.option("--witness", is_flag=True, help="A key for cosignatures, not for checkpoints.")
def keygen(name: str, out: Path, witness: bool) -> None:
    """Make a key called NAME, and print its verifier key, which is handed out.

    NAME is the ledger's origin, as `init` tells it; or the witness's own name.
    """
    from ledger.audit import keys

    click.echo(keys.make(out, name, witness=witness).verifier)


@audit.command()
@click.option("--at", type=moment_or_position, metavar="TIME", help="Of the log at that time.")
@click.option(
    "--sign", "signers", type=FILE, multiple=True, metavar="FILE", help="Sign it with that key."
)
@click.option("--out", type=FILE, metavar="FILE", help="Write it there.  [default: the output]")
@pass_app
def checkpoint(app: App, at: When | None, signers: tuple[Path, ...], out: Path | None) -> None:
    """Write a checkpoint: the ledger's origin, the size and the root of its tree.

    Keep it elsewhere: with it, anybody can tell whether the log was rewritten since.
    """
    from ledger.audit import keys, notes
    from ledger.proving import put

    with app.open() as ledger:
        found = ledger.audit.checkpoint(None if at is None else ledger.position(at))
        note = ledger.audit.sign(found, [keys.load(signer) for signer in signers])
    # What nobody signed is no note: only the text that would be signed.
    put(out, notes.encode_note(note) if signers else note.text.encode())


@audit.command()
@click.argument("file", type=FILE)
@click.option(
    "--key", "known", multiple=True, required=True, metavar="VKEY", help="The ledger's key."
)
@click.option("--sign", "signer", type=FILE, required=True, metavar="FILE", help="Your own key.")
@click.option(
    "--last",
    type=FILE,
    required=True,
    metavar="FILE",
    help="The last checkpoint that you signed; it is replaced by this one.",
)
@click.option("--first", is_flag=True, help="You have signed none yet: --last is made.")
@pass_app
def cosign(
    app: App, file: Path, known: tuple[str, ...], signer: Path, last: Path, first: bool
) -> None:
    """Add a witness's signature to the checkpoint in FILE.

    The signature of the ledger is checked, and, from the log's first event on, that it has this
    root, and had the last checkpoint's; so no history can be shown to you and another to others.
    """
    from ledger.audit import keys, notes
    from ledger.audit.checkpoints import parse_checkpoint
    from ledger.proving import read, write

    verifiers = [notes.parse_verifier(text) for text in known]
    own = keys.load(signer)
    before = None
    if first and last.exists():
        raise InvalidInput(f"{last} is there: without --first, the log is held against it")
    if not first:
        if not last.exists():
            raise InvalidInput(f"there is no {last}: is it misspelt? If it is the first: --first")
        signed = notes.parse_note(read(last))
        # What somebody else put there would end the protection that a witness is.
        notes.verify(signed, [own.verifier])
        before = parse_checkpoint(signed.text)
    with app.open() as ledger:
        note = ledger.audit.cosign(notes.parse_note(read(file)), verifiers, own, before)
    data = notes.encode_note(note)
    # First what was signed is remembered, then it is given away.
    write(last, data, over=True)
    write(file, data, over=True)
    found = parse_checkpoint(note.text)
    click.echo(f"cosigned: {found.size} events of {found.origin}")


for command in (*proofs.COMMANDS, report.report, verify.verify):
    audit.add_command(command)

COMMANDS: tuple[click.Command, ...] = (audit,)
