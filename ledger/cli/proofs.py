"""Commands of the audit that hand proofs out, and check them: prove, check, tiles."""

from __future__ import annotations

import html
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.cli.context import App, entry_argument, pass_app
from ledger.cli.output import format_option, plain, show_object, show_time

if TYPE_CHECKING:
    from ledger.audit.bundles import Verdict
    from ledger.audit.proofs import ProvenLeaf, SignedTree

FILE = click.Path(path_type=Path, dir_okay=False)

_BASES = {
    "stated": "stated by the actor",
    "listed": "listed on a page",
    "commit": "the time of a commit",
    "inferred": "inferred by an import",
}


@click.command()
@entry_argument
@click.option(
    "--version", type=click.IntRange(min=1), metavar="N", help="Versions 1 to N.  [default: all]"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="PATH",
    help="Write it there: a file; for tlog-proofs a folder.",
)
@click.option(
    "--sign",
    "signers",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Sign a checkpoint of the log as it is with that key.",
)
@click.option(
    "--checkpoint", type=FILE, metavar="FILE", help="Prove it by that signed checkpoint."
)
@click.option(
    "--key",
    "known",
    multiple=True,
    metavar="VKEY",
    help="Keep only signatures of that key.  [default: all]",
)
@click.option("--complete", is_flag=True, help="Show, too, which versions there are: all records.")
@format_option("bundle", "tlog-proof", text="One file, or a C2SP tlog-proof for each version.")
@pass_app
def prove(
    app: App,
    entry: str,
    version: int | None,
    out: Path,
    signers: tuple[Path, ...],
    checkpoint: Path | None,
    known: tuple[str, ...],
    complete: bool,
    format_: str,
) -> None:
    """Write evidence of an entry's versions that anybody can check without the store.

    A bundle holds the stored bytes of its events, proofs that they are in the log, the signed
    checkpoint, and the page as published, but for its Related list.
    """
    if not signers and checkpoint is None:
        raise click.UsageError("give --sign or --checkpoint: a stranger needs a signature")
    if signers and checkpoint is not None:
        raise click.UsageError("give --sign or --checkpoint, not both")
    if complete and format_ != "bundle":
        raise click.UsageError("--complete goes with a bundle")
    from ledger.audit import keys, notes
    from ledger.proving import kept, make_folder, read, write

    with app.open() as ledger:
        id_ = ledger.id_of(entry)
        if checkpoint is None:
            note = ledger.prover.signed([keys.load(signer) for signer in signers])
        else:
            note = notes.parse_note(read(checkpoint))
        if known:
            note = kept(note, [notes.parse_verifier(text) for text in known])
        if format_ == "bundle":
            files = {out: ledger.prover.bundle(id_, note, version, complete=complete)}
        else:
            found = ledger.prover.leaf_proofs(id_, note, version)
            files = {out / name: data for name, data in found.items()}
            make_folder(out)
    for path, data in files.items():
        write(path, data)
        click.echo(f"{path}: {len(data):,} bytes")


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--key",
    "known",
    multiple=True,
    required=True,
    metavar="VKEY",
    help="The key of the ledger, or of a witness; had from elsewhere.",
)
@format_option("text", "json")
def check(file: Path, known: tuple[str, ...], format_: str) -> None:
    """Check the evidence in FILE, and say what it proves and what it does not.

    No store is needed: FILE is a bundle or a tlog-proof, as `prove` writes them.
    """
    from ledger.audit import bundles, notes, proofs
    from ledger.proving import read

    data, verifiers = read(file), [notes.parse_verifier(text) for text in known]
    if data.startswith(proofs.HEADER):
        leaf = proofs.check(data, verifiers)
        _show(leaf, leaf_lines(leaf), format_)
        return
    verdict = bundles.check(data, verifiers)
    _show(verdict, verdict_lines(verdict), format_)


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Write them there; what is there already is left.",
)
@click.option(
    "--sign",
    "signers",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Write a checkpoint, too, signed with that key.",
)
@pass_app
def tiles(app: App, out: Path, signers: tuple[Path, ...]) -> None:
    """Export the log's Merkle tree and leaf records as files (C2SP tlog-tiles).

    A web server that serves them lets anybody follow the log; no text is in them.
    """
    from ledger.audit import keys

    with app.open() as ledger:
        done = ledger.prover.export_tiles(out, [keys.load(signer) for signer in signers])
    click.echo(f"events: {done.size}\nfiles written: {done.written}\nfiles left: {done.left}")


def _show(verdict: object, lines: Iterable[str], format_: str) -> None:
    if format_ == "json":
        show_object(verdict)
        return
    for line in lines:
        click.echo(plain(line))


def _tree_lines(tree: SignedTree) -> Iterable[str]:
    yield f"Log        {tree.origin}, its first {tree.size} events, root {tree.root}"
    for signer in tree.signers:
        at = "" if signer.at is None else f", a witness, at {show_time(signer.at)} UTC"
        yield f"Signed by  {signer.name}{at}"
    if tree.origin not in {signer.name for signer in tree.signers}:
        yield "           not by the log itself"


def leaf_lines(leaf: ProvenLeaf) -> Iterable[str]:
    """Yield what a tlog-proof proves and what it does not, in plain words."""
    yield f"Entry      {leaf.entry}"
    yield from _tree_lines(leaf.tree)
    yield ""
    yield "Proved:"
    yield (
        f"- Position {leaf.position} of that log is version {leaf.version} of the entry, "
        f"{leaf.type}, recorded {show_time(leaf.recorded_at)} UTC by the log's clock."
    )
    yield f"- SHA-256 of who, why and when, as stored: {leaf.meta}"
    yield f"- SHA-256 of what it says, as stored: {leaf.content}"
    yield ""
    yield "Not proved:"
    yield "- What it says, and who said it: neither is in this file."
    yield "- That the entry has no other versions."


def verdict_lines(verdict: Verdict) -> Iterable[str]:
    """Yield what a bundle proves and what it does not, in plain words."""
    entry, versions, tree = verdict.entry, verdict.versions, verdict.tree
    first, last = versions[0], versions[-1]
    yield f"Entry      {entry.id}"
    yield f"Headline   {html.unescape(entry.headline.strip())}"
    yield f"Status     {entry.status}, in version {last.version}"
    yield from _tree_lines(tree)
    yield ""
    for one in versions:
        why = "" if one.reason is None else f": {one.reason}"
        yield f"Version {one.version}  {one.type}, at {one.path}"
        yield f"  published {show_time(one.published_at)} UTC ({one.basis}) by {one.actor}{why}"
        yield f"  recorded  {show_time(one.recorded_at)} UTC at position {one.position}"
    yield ""
    yield "Proved:"
    yield (
        f"- That log has recorded versions 1 to {last.version} of the entry as shown, between "
        f"{show_time(first.recorded_at)} and {show_time(last.recorded_at)} UTC by its own clock."
    )
    yield f"- The page in the file is that of version {last.version}, but for a Related list."
    if verdict.complete and verdict.unseen:
        yield f"- The log has later versions, not shown here: {_listed(verdict.unseen)}."
    elif verdict.complete:
        yield f"- Among its {tree.size} events there is no other version of the entry."
    for one in versions:
        if one.erased is not None:
            gone = ", ".join(one.gone) or "what it restated"
            yield f"- Of version {one.version} was erased, as event {one.erased} says: {gone}."
    for erasure in verdict.erasures:
        why = "" if erasure.reason is None else f": {erasure.reason}"
        yield (
            f"- Event {erasure.position} says that this was by the authority of "
            f"{erasure.authority}{why}"
        )
    yield ""
    yield "Not proved:"
    if not verdict.complete:
        yield "- That there are no other, later versions: the bundle was made without --complete."
    yield f"- What came after the first {tree.size} events of the log."
    if any(one.erased is not None for one in versions):
        yield (
            "- That what remains of erased text was said: who erased the rest restated it, and "
            "later versions inherit it."
        )
    yield "- That the text is true."
    yield "- Who the actors really were: names are claimed, not authenticated."
    for basis, known in _BASES.items():
        if numbers := [one.version for one in versions if one.basis == basis]:
            yield f"- When version {_listed(numbers)} became public: that time is {known}."
    for fields, run in groupby(versions, lambda one: one.inferred):
        if fields:
            numbers = [one.version for one in run]
            yield f"- {', '.join(fields)} of version {_listed(numbers)}: inferred by an import."
    yield "- The number behind a permalink, and a page's Related list: other entries make them."


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


COMMANDS: tuple[click.Command, ...] = (prove, check, tiles)
