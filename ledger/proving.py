"""Proofs to hand out: evidence bundles, tlog-proofs, and the whole tree as tiles."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from uuid import UUID

import msgspec
from msgspec.structs import asdict, replace

from ledger.audit import bundles, notes, proofs
from ledger.audit.bundles import Bundle, Evidence, VersionEvidence
from ledger.audit.checkpoints import Checkpoint, parse_checkpoint
from ledger.audit.keys import Signer
from ledger.audit.merkle import inclusion_proof
from ledger.audit.notes import Note, Verifier
from ledger.audit.proofs import SignedTree
from ledger.audit.tiles import WIDTH, Tile, entries_of, hashes_of, records_of, tiles_of
from ledger.auditing import Auditor
from ledger.domain.events import EntryErased, EntryRestated
from ledger.errors import (
    DoesNotHold,
    EntryNotFound,
    InvalidInput,
    ProjectionDrifted,
    VersionNotFound,
)
from ledger.irreplaceable import require_replaceable
from ledger.projections import permalinks
from ledger.projections.database import Db
from ledger.projections.tree import subtrees
from ledger.projections.views import Views
from ledger.store.application import BATCH, LedgerApplication
from ledger.store.leaf import Digest, leaf_hash, leaf_record
from ledger.store.rows import Row

CHECKPOINT = "checkpoint"


class Exported(msgspec.Struct, frozen=True):
    """What an export of tiles came to.

    Attributes:
        size: How many events the tiles cover.
        written: How many files were written, the checkpoint too.
        left: How many were there already.
    """

    size: int
    written: int
    left: int


class Prover:
    """Makes proofs that strangers check without the store.

    Args:
        application: The log.
        views: Its views; paths and the tree are among them.
        auditor: What signs checkpoints.
    """

    def __init__(self, application: LedgerApplication, views: Views, auditor: Auditor) -> None:
        self._application = application
        self._views = views
        self._auditor = auditor

    def signed(self, signers: Sequence[Signer]) -> Note:
        """Return a checkpoint of the log as it is, signed.

        Raises:
            MissingExtra: The package `cryptography` is not installed.
        """
        return self._auditor.sign(self._auditor.checkpoint(), signers)

    def bundle(
        self, entry: UUID, note: Note, version: int | None = None, *, complete: bool = False
    ) -> bytes:
        """Return an evidence bundle, checked; see `audit.bundles`.

        Args:
            entry: The entry.
            note: The checkpoint that it leads to.
            version: The last version to show; None: the last that the checkpoint covers.
            complete: Whether all leaf records of the log come along, so that it shows, too, which
                versions the entry has.

        Raises:
            EntryNotFound: There is no such entry.
            VersionNotFound: It has no such version, or had none at the checkpoint.
            NoteError: The note tells no checkpoint.
            DoesNotHold: The checkpoint is not of this log, or it covers a version, but not the
                event that says that it was erased; or the log was altered.
        """
        tree = self._tree_of(note)
        rows = self._rows(entry, tree.size, version)
        erasures = self._erasures(rows, tree.size)
        moves = self._views.read(partial(permalinks.moves, entry=entry), "permalinks")
        evidence = [
            Evidence(
                leaf=_record(row),
                meta=None if isinstance(row.meta, Digest) else row.meta,
                content=None if isinstance(row.content, Digest) else row.content,
                proof=tuple(proof),
            )
            for row, proof in self._proved((*rows, *erasures), tree.size)
        ]
        bundle = Bundle(
            entry=entry,
            checkpoint=notes.encode_note(note).decode(),
            versions=tuple(
                VersionEvidence(**asdict(one), path=permalinks.path_at(moves, row.version))
                for row, one in zip(rows, evidence, strict=False)
            ),
            erasures=tuple(evidence[len(rows) :]),
            page="",
            leaves=tuple(self._records(tree.size)) if complete else None,
        )
        bundle = replace(bundle, page=bundles.page_of(bundles.tell(bundle)))
        # What does not hold here would not hold elsewhere.
        bundles.examine(bundle, tree)
        return bundles.encode(bundle)

    def leaf_proofs(self, entry: UUID, note: Note, version: int | None = None) -> dict[str, bytes]:
        """Return a tlog-proof for each version of an entry, by the names of their files.

        Raises:
            Those of `bundle`.
        """
        tree = self._tree_of(note)
        found: dict[str, bytes] = {}
        for row, proof in self._proved(self._rows(entry, tree.size, version), tree.size):
            proofs.require_included(row, proof, tree)
            name = f"{entry}.{row.version}.tlog-proof"
            found[name] = proofs.encode(leaf_record(row), row.position - 1, proof, note)
        return found

    def export_tiles(self, folder: Path, signers: Sequence[Signer] = ()) -> Exported:
        """Write the tree and its leaf records as tiles, and a signed checkpoint after them.

        Full tiles that are there are left; each file is written whole or not at all.

        Args:
            folder: Where; the next export to it goes on from this one.
            signers: Who signs the checkpoint; nobody: none is written.

        Raises:
            InvalidInput: The folder cannot be written.
            DoesNotHold: It holds tiles of another log.
        """
        target = folder / CHECKPOINT
        if target.exists():
            # Whoever read it may not be shown another log in its place.
            self._require(parse_checkpoint(notes.parse_note(read(target)).text))
        checkpoint = self._auditor.checkpoint()
        note = self._auditor.sign(checkpoint, signers) if signers else None
        make_folder(folder)
        written = left = 0
        for tile in tiles_of(checkpoint.size):
            if self._export(tile, folder / tile.path):
                written += 1
            else:
                left += 1
        if note is not None:
            write(target, notes.encode_note(note), over=True)
            written += 1
        return Exported(checkpoint.size, written, left)

    def _export(self, tile: Tile, path: Path) -> bool:
        """Write a tile unless it is there; return whether it was written."""
        is_there = path.exists()
        data = self._hashes(tile)
        if is_there and _hashed(read(path), tile) != data:
            raise DoesNotHold(f"{path} is there and is not of this log: export to another folder")
        if is_there:
            return False
        if tile.level is None:
            after = tile.number * WIDTH
            rows = self._application.rows(after, tile.width, after + tile.width)
            if b"".join(map(leaf_hash, rows)) != data:
                raise DoesNotHold(
                    f"the events at positions {after + 1} to {after + tile.width} are not those "
                    "of the tree: at least one was altered since"
                )
            data = entries_of(map(leaf_record, rows))
        make_folder(path.parent)
        write(path, data)
        if tile.is_full:
            shutil.rmtree(path.with_name(path.name + ".p"), ignore_errors=True)
        return True

    def _tree_of(self, note: Note) -> SignedTree:
        """Return the tree that a checkpoint tells of, once it is known to be this log's."""
        checkpoint = parse_checkpoint(note.text)
        self._require(checkpoint)
        return SignedTree(checkpoint.origin, checkpoint.size, checkpoint.root.hex(), ())

    def _require(self, checkpoint: Checkpoint) -> None:
        """Refuse a checkpoint that is not of this log."""
        size, log = checkpoint.size, self._application.log
        if (
            checkpoint.origin == log.identity().origin
            and size <= log.head().position
            and checkpoint.root.hex() == self._auditor.head(size).root
        ):
            return
        # The tree is kept: whether it is right, and what is wrong, only the whole log tells.
        self._auditor.require(checkpoint)
        raise ProjectionDrifted("the tree is not the log's: `ledger rebuild tree` puts it right")

    def _rows(self, entry: UUID, size: int, version: int | None) -> list[Row]:
        """Return the events of an entry up to a version, of the first `size` of the log."""
        found = self._application.rows_of(entry)
        if not found:
            raise EntryNotFound(f"there is no entry {entry}")
        rows = [row for row in found if row.position <= size]
        if not rows:
            raise VersionNotFound(
                f"the checkpoint tells of {size} events, and entry {entry} begins at position "
                f"{found[0].position}: take a later checkpoint"
            )
        if version is not None and not 1 <= version <= len(rows):
            raise VersionNotFound(
                f"entry {entry} has no version {version} among the {size} events of the "
                f"checkpoint; it has 1 to {len(rows)}"
            )
        return rows[:version]

    def _erasures(self, rows: Sequence[Row], size: int) -> list[Row]:
        """Return the later events that say what of these was erased, and what remains."""
        if not any(map(_is_erased, rows)):
            return []
        kinds = {EntryErased.__name__, EntryRestated.__name__}
        later = [
            row
            for row in self._application.rows_of(UUID(bytes=rows[0].entry), rows[-1].version)
            if row.position <= size and row.type.partition("@")[0] in kinds
        ]
        for row in filter(_is_erased, (*rows, *later)):
            event = self._application.to_event(row)
            if event.erased is not None and event.erased.position > size:
                raise DoesNotHold(
                    f"version {row.version} was erased, as event {event.erased.position} says, "
                    f"and the checkpoint tells of {size} events: take a later checkpoint"
                )
        return later

    def _proved(self, rows: Sequence[Row], size: int) -> Iterator[tuple[Row, list[bytes]]]:
        """Yield events with their inclusion proofs in the tree of the first `size`."""

        def ask(db: Db) -> list[list[bytes]]:
            subtree = subtrees(db)
            return [inclusion_proof(subtree, row.position - 1, size) for row in rows]

        return zip(rows, self._views.read(ask, "tree"), strict=True)

    def _hashes(self, tile: Tile) -> bytes:
        return self._views.read(lambda db: hashes_of(subtrees(db), tile), "tree")

    def _records(self, size: int) -> Iterator[str]:
        """Yield the leaf records of the first `size` events."""
        after = 0
        while rows := self._application.rows(after, BATCH, size):
            yield from map(_record, rows)
            after = rows[-1].position


def _record(row: Row) -> str:
    # What is no text is refused by whoever checks.
    return leaf_record(row).decode(errors="replace")


def _hashed(data: bytes, tile: Tile) -> bytes:
    """Return the hashes that a tile tells of, also one of leaf records."""
    if tile.level is not None:
        return data
    return b"".join(sha256(b"\0" + record).digest() for record in records_of(data))


def _is_erased(row: Row) -> bool:
    return isinstance(row.meta, Digest) or isinstance(row.content, Digest)


def kept(note: Note, known: Sequence[Verifier]) -> Note:
    """Return a note with the signatures of known keys only.

    Raises:
        BadSignature: A signature of a known key is not that key's.
        UnknownKey: None of the known keys has signed.
    """
    signed = {(key.name, key.key_id) for key in notes.verify(note, known)}
    return replace(
        note,
        signatures=tuple(one for one in note.signatures if (one.name, one.key_id) in signed),
    )


def read(path: Path) -> bytes:
    """Return what a file holds.

    Raises:
        InvalidInput: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error


def make_folder(path: Path) -> None:
    """Make a folder, and those that it lies in, if they are not there.

    Raises:
        InvalidInput: It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}") from error


def put(out: Path | None, data: bytes) -> None:
    """Write to a file, or, where there is none or it is `-`, to the output.

    Raises:
        InvalidInput: See `write`.
    """
    if out is None or str(out) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    else:
        write(out, data)


def write(path: Path, data: bytes, *, over: bool = False) -> None:
    """Write a file whole or not at all.

    Args:
        path: Which. A device or a pipe is written to, not replaced.
        data: What.
        over: Whether it may take the place of what cannot be had again: a key, a store, a note.

    Raises:
        InvalidInput: It cannot be written, or something irreplaceable is there.
    """
    if not path.name:
        raise InvalidInput("name a file to write to")
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as special:
                special.write(data)
            return
        if not over:
            require_replaceable(path)
        target = path.resolve()
        fresh = target.with_name(f".{target.name}.{token_hex(4)}")
        try:
            with fresh.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}") from error
