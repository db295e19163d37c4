"""The proof of one event: its leaf record, the way up from it, and who signed what is above.

As a file it is a C2SP tlog-proof. Nothing here reads or writes: bytes in, verdict out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from ledger.audit import notes
from ledger.audit.checkpoints import parse_checkpoint
from ledger.audit.merkle import is_included
from ledger.audit.notes import COSIGNATURE, Note, Verifier
from ledger.errors import DoesNotHold, NoteError, UnknownKey
from ledger.store.leaf import Digest, leaf_hash
from ledger.store.rows import Row, to_datetime

HEADER = b"c2sp.org/tlog-proof@v1\n"

_HASH_BYTES = 32
_LEAF = re.compile(
    r"ledger/leaf/v1\n([1-9][0-9]{0,17})\n([0-9a-f]{32})\n([1-9][0-9]{0,17})\n"
    r"([A-Za-z0-9_]+@[1-9][0-9]{0,8})\n(0|-?[1-9][0-9]{0,17})\n([0-9a-f]{64})\n([0-9a-f]{64})\n"
)
_FILE = re.compile(
    re.escape(HEADER) + rb"extra ([^\n]*)\nindex (0|[1-9][0-9]{0,17})\n((?:[^\n]+\n)*)\n(.*)",
    re.DOTALL,
)


class SignedBy(msgspec.Struct, frozen=True):
    """Who signed a checkpoint.

    Attributes:
        name: The name of the key.
        at: When, for a witness; aware, UTC. None: the key is none of a witness's.
    """

    name: str
    at: datetime | None


class SignedTree(msgspec.Struct, frozen=True):
    """A Merkle tree that known keys have signed.

    Attributes:
        origin: Of which log it is.
        size: How many events it covers.
        root: Its root, 32 bytes in hexadecimal digits.
        signers: Who signed it; all of them are known.
    """

    origin: str
    size: int
    root: str
    signers: tuple[SignedBy, ...]


class ProvenLeaf(msgspec.Struct, frozen=True, kw_only=True):
    """What a tlog-proof shows: that a record of this event is in that tree.

    Attributes:
        tree: The tree.
        position: The event's place in the log.
        entry: The entry that it is of.
        version: The version of the entry that it made.
        type: What happened, as in `EntryEdited@1`.
        recorded_at: When the log recorded it, by its own clock; aware, UTC.
        meta: SHA-256 of who, why and when, as stored; in hexadecimal digits.
        content: SHA-256 of what it says, as stored; in hexadecimal digits.
    """

    tree: SignedTree
    position: int
    entry: UUID
    version: int
    type: str
    recorded_at: datetime
    meta: str
    content: str


def parse_leaf(record: str) -> Row:
    """Return the event that a leaf record stands for, with digests in the place of its blobs.

    Raises:
        DoesNotHold: It is no leaf record.
    """
    match = _LEAF.fullmatch(record)
    if match is None:
        raise DoesNotHold(f"{record[:300]!r} is no leaf record")
    position, entry, version, type_, recorded_at, meta, content = match.groups()
    return Row(
        int(position),
        bytes.fromhex(entry),
        int(version),
        type_,
        int(recorded_at),
        Digest.fromhex(meta),
        Digest.fromhex(content),
    )


def _to_time(microseconds: int) -> datetime:
    try:
        return to_datetime(microseconds)
    except OverflowError:
        raise DoesNotHold(f"{microseconds} microseconds since 1970 is no time") from None


def signed_tree(note: Note, known: Sequence[Verifier]) -> SignedTree:
    """Return the tree that a checkpoint tells of, once every signature under it is verified.

    Raises:
        NoteError: The note tells no checkpoint.
        BadSignature: A signature of a known key is not that key's.
        UnknownKey: A key that is not known has signed, or none that is.
    """
    verified = {(key.name, key.key_id): key for key in notes.verify(note, known)}
    checkpoint = parse_checkpoint(note.text)
    if len({(one.name, one.key_id) for one in note.signatures}) < len(note.signatures):
        raise NoteError("a key has signed the checkpoint twice")
    signers = []
    for signature in note.signatures:
        key = verified.get((signature.name, signature.key_id))
        if key is None:
            # What nobody has checked must not look as if it counted.
            raise UnknownKey(
                f"{signature.name} has signed, too, with the key {signature.key_id.hex()}, which "
                "is not among the keys given: give that one as well, or have it proved without"
            )
        at = notes.signed_at(signature) * 1_000_000 if key.kind == COSIGNATURE else None
        signers.append(SignedBy(key.name, None if at is None else _to_time(at)))
    return SignedTree(checkpoint.origin, checkpoint.size, checkpoint.root.hex(), tuple(signers))


def require_included(leaf: Row, proof: Sequence[bytes], tree: SignedTree) -> None:
    """Refuse an event that a proof does not show to be in a tree.

    Raises:
        DoesNotHold: It does not.
    """
    if any(len(step) != _HASH_BYTES for step in proof) or not is_included(
        leaf_hash(leaf), leaf.position - 1, tree.size, proof, bytes.fromhex(tree.root)
    ):
        raise DoesNotHold(
            f"it is not proved that version {leaf.version} of entry {UUID(bytes=leaf.entry)} is "
            f"at position {leaf.position} of the {tree.size} events that were signed"
        )


def encode(record: bytes, index: int, proof: Sequence[bytes], note: Note) -> bytes:
    """Return a tlog-proof file.

    Args:
        record: The leaf record.
        index: Its 0-based place in the tree.
        proof: The inclusion proof.
        note: The signed checkpoint.
    """
    lines = (f"extra {notes.encoded(record)}", f"index {index}", *map(notes.encoded, proof), "")
    return HEADER + "".join(f"{line}\n" for line in lines).encode() + notes.encode_note(note)


def check(data: bytes, known: Sequence[Verifier]) -> ProvenLeaf:
    """Return what a tlog-proof file shows.

    Args:
        data: The file.
        known: The keys of whoever is believed to have signed.

    Raises:
        NoteError: It is no such file, or its checkpoint is none.
        BadSignature, UnknownKey: See `signed_tree`.
        DoesNotHold: The leaf record is none, or not in the tree at that index.
    """
    match = _FILE.fullmatch(data)
    hashes = [_bytes(line) for line in match[3].split(b"\n")[:-1]] if match else []
    record = _bytes(match[1]) if match else None
    if match is None or record is None or None in hashes:
        raise NoteError("this is no tlog-proof with a leaf record: extra, index, hashes, a note")
    tree = signed_tree(notes.parse_note(match[4]), known)
    leaf = parse_leaf(record.decode(errors="replace"))
    if leaf.position - 1 != int(match[2]):
        raise DoesNotHold(
            f"the proof is of index {match[2].decode()}, its leaf record of position "
            f"{leaf.position}"
        )
    require_included(leaf, [step for step in hashes if step is not None], tree)
    return ProvenLeaf(
        tree=tree,
        position=leaf.position,
        entry=UUID(bytes=leaf.entry),
        version=leaf.version,
        type=leaf.type,
        recorded_at=_to_time(leaf.recorded_at),
        meta=leaf.meta.hex(),
        content=leaf.content.hex(),
    )


def _bytes(text: bytes) -> bytes | None:
    # What is not ASCII is no base64 in Latin-1 either.
    return notes.decoded(text.decode("latin-1"))
