"""The leaf: the exact bytes that stand for one event in every proof.

A leaf names an event and holds the digests of its two blobs, never their content; so content can
go one day while every proof still holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from operator import attrgetter

from ledger.store.rows import Row

_META, _CONTENT = attrgetter("meta"), attrgetter("content")


class Digest(bytes):
    """The SHA-256 of a blob that was erased: it stands in the blob's place in a row."""


def leaf_record(row: Row) -> bytes:
    """Return the leaf record of an event: eight lines of UTF-8, each ended by a line feed."""
    return (
        f"ledger/leaf/v1\n{row.position}\n{row.entry.hex()}\n{row.version}\n{row.type}\n"
        f"{row.recorded_at}\n{digest_of(row.meta)}\n{digest_of(row.content)}\n"
    ).encode(errors="surrogateescape")


def digest_of(blob: bytes) -> str:
    """Return the digest of a blob in hexadecimal digits, also of one that was erased."""
    return blob.hex() if isinstance(blob, Digest) else sha256(blob).hexdigest()


def are_whole(rows: Sequence[Row]) -> bool:
    """Return whether nothing was taken away of any of these rows."""
    return not _has_digests(rows) and all(map(_META, rows)) and all(map(_CONTENT, rows))


def _has_digests(rows: Sequence[Row]) -> bool:
    return Digest in {*map(type, map(_META, rows)), *map(type, map(_CONTENT, rows))}


def leaf_hash(row: Row) -> bytes:
    """Return the leaf's hash in the Merkle tree (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + leaf_record(row)).digest()


def leaf_hashes(rows: Sequence[Row]) -> list[bytes]:
    """Return the leaf hashes of rows; as `leaf_hash`, but the faster for many."""
    if _has_digests(rows):
        return list(map(leaf_hash, rows))
    try:
        return [
            sha256(
                f"\0ledger/leaf/v1\n{position}\n{entry.hex()}\n{version}\n{type_}\n{recorded_at}\n"
                f"{sha256(meta).hexdigest()}\n{sha256(content).hexdigest()}\n".encode()
            ).digest()
            for position, entry, version, type_, recorded_at, meta, content in rows
        ]
    except UnicodeEncodeError:
        return list(map(leaf_hash, rows))
