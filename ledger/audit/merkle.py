"""The Merkle tree of the log (RFC 6962, section 2.1; RFC 9162, section 2.1.3): pure arithmetic.

Leaf i of the tree is the leaf hash of the event at position i + 1 (`store.leaf`). Nothing here
reads or writes: what is not at hand is asked of a function, and a verifier is given all it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

Subtree = Callable[[int, int], bytes]
"""Gives the hash of a complete subtree, by its height and its index.

It covers the leaves from index * 2^height on, 2^height of them.
"""

EMPTY = sha256(b"").digest()
"""The root of the tree without leaves."""


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def complete(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a number of hashes that is a power of two."""
    level = list(hashes)
    while len(level) > 1:
        pairs = iter(level)
        # As `node`, whose call would cost a third more: every event that is verified goes here.
        level = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(pairs, pairs, strict=True)
        ]
    return level[0]


class Peaks:
    """The root of a tree that grows by a leaf at a time, in memory that hardly grows.

    Attributes:
        size: How many leaves there are.
    """

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Add the next leaf hash."""
        size, hash_ = self.size, leaf
        while size & 1:
            hash_ = node(self._peaks.pop(), hash_)
            size >>= 1
        self._peaks.append(hash_)
        self.size += 1

    def root(self, rest: Peaks | None = None) -> bytes:
        """Return the root.

        Args:
            rest: What follows, where the hashes added here are not those of leaves but of
                complete subtrees of one size.
        """
        peaks = self._peaks + (rest._peaks if rest else [])
        return _joined(peaks) if peaks else EMPTY


def peaks_of(leaves: Iterable[bytes]) -> Peaks:
    """Return the tree over all leaf hashes."""
    peaks = Peaks()
    for leaf in leaves:
        peaks.add(leaf)
    return peaks


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over all leaf hashes."""
    return peaks_of(leaves).root()


def _joined(peaks: Sequence[bytes]) -> bytes:
    *rest, hash_ = peaks
    for peak in reversed(rest):
        hash_ = node(peak, hash_)
    return hash_


def root(subtree: Subtree, size: int) -> bytes:
    """Return the root of the tree's first `size` leaves."""
    return _range(subtree, 0, size) if size else EMPTY


def inclusion_proof(subtree: Subtree, index: int, size: int) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of the first `size` leaves.

    Raises:
        ValueError: That tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    proof: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(_range(subtree, middle, high))
            high = middle
        else:
            proof.append(_range(subtree, low, middle))
            low = middle
    return proof[::-1]


def consistency_proof(subtree: Subtree, old: int, size: int) -> list[bytes]:
    """Return the proof that the tree of `size` leaves begins with that of `old` leaves.

    Raises:
        ValueError: The old tree is larger.
    """
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {old} leaves does not begin one of {size}")
    if old in (0, size):
        return []
    proof: list[bytes] = []
    low, high = 0, size
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(_range(subtree, middle, high))
            high = middle
        else:
            proof.append(_range(subtree, low, middle))
            low = middle
    # The old tree itself is known to whoever checks, where it is one complete subtree.
    if low:
        proof.append(_range(subtree, low, high))
    return proof[::-1]


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


def _range(subtree: Subtree, low: int, high: int) -> bytes:
    """Return the hash over the leaves from `low` to `high`, which begin at a subtree's edge."""
    peaks: list[bytes] = []
    while low < high:
        height = (high - low).bit_length() - 1
        peaks.append(subtree(height, low >> height))
        low += 1 << height
    return _joined(peaks)


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether a proof shows that a leaf is at `index` of the tree with this root."""
    if not 0 <= index < size:
        return False
    fn, sn, hash_ = index, size - 1, leaf
    for step in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            hash_ = node(step, hash_)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            hash_ = node(hash_, step)
        fn >>= 1
        sn >>= 1
    return sn == 0 and hash_ == root


def is_consistent(
    old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether a proof shows that one tree begins with another."""
    if not 0 <= old <= size:
        return False
    if old == size:
        return not proof and old_root == root
    if old == 0:
        return not proof and old_root == EMPTY
    if not proof:
        return False
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    fr = sr = path[0]
    for step in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(step, fr), node(step, sr)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            sr = node(sr, step)
        fn >>= 1
        sn >>= 1
    return sn == 0 and fr == old_root and sr == root
