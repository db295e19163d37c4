"""The Merkle tree's arithmetic, held to RFC 6962 as it is written: by recursion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from random import Random

import pytest

from ledger.audit.merkle import (
    EMPTY,
    Peaks,
    Subtree,
    complete,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    node,
    root,
    root_of,
)

ALL = 130
EXHAUSTIVE = 70

# The leaves that other implementations of RFC 6962 are tested with, and their roots.
KNOWN_LEAVES = (
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
)
KNOWN_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)

STRANGE = sha256(b"not of this tree").digest()


def leaf(index: int) -> bytes:
    return sha256(b"\x00" + b"leaf %d" % index).digest()


def inner(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    half = 1
    while half * 2 < count:
        half *= 2
    return half


@cache
def tree_head(low: int, high: int) -> bytes:
    """MTH of RFC 6962, section 2.1, over the leaves from `low` to `high`."""
    if low == high:
        return sha256().digest()
    if high - low == 1:
        return leaf(low)
    middle = low + split(high - low)
    return inner(tree_head(low, middle), tree_head(middle, high))


def audit_path(index: int, low: int, high: int) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if high - low == 1:
        return []
    middle = low + split(high - low)
    if index < middle:
        return [*audit_path(index, low, middle), tree_head(middle, high)]
    return [*audit_path(index, middle, high), tree_head(low, middle)]


def sub_proof(old: int, low: int, high: int, known: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2; `old` is counted from the tree's beginning."""
    if old == high:
        return [] if known else [tree_head(low, high)]
    middle = low + split(high - low)
    if old <= middle:
        return [*sub_proof(old, low, middle, known), tree_head(middle, high)]
    return [*sub_proof(old, middle, high, False), tree_head(low, middle)]


def sides(index: int, size: int) -> list[bool]:
    """Whether the path from a leaf comes from the right, step by step up to the root."""
    if size == 1:
        return []
    middle = split(size)
    if index < middle:
        return [*sides(index, middle), False]
    return [*sides(index - middle, size - middle), True]


def implied(
    old: int, size: int, proof: Sequence[bytes], known: bytes | None
) -> tuple[bytes, bytes] | None:
    """The two roots that a consistency proof amounts to, None where it has the wrong length."""
    if old == size:
        if known is not None:
            return None if proof else (known, known)
        return (proof[0], proof[0]) if len(proof) == 1 else None
    if not proof:
        return None
    *rest, last = proof
    middle = split(size)
    if old <= middle:
        below = implied(old, middle, rest, known)
        return None if below is None else (below[0], inner(below[1], last))
    below = implied(old - middle, size - middle, rest, None)
    return None if below is None else (inner(last, below[0]), inner(last, below[1]))


def subtrees(size: int) -> Subtree:
    """Give what a tree of `size` leaves has, and fail where it is asked for more."""

    def subtree(height: int, index: int) -> bytes:
        low, high = index << height, (index + 1) << height
        assert 0 <= low < high <= size
        return tree_head(low, high)

    return subtree


def damaged(proof: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Every proof with a hash too many or too few, with two exchanged, with one that is wrong."""
    for at in range(len(proof) + 1):
        for more in {STRANGE, *proof[at : at + 1], *proof[-1:]}:
            yield [*proof[:at], more, *proof[at:]]
    for at, hash_ in enumerate(proof):
        yield [*proof[:at], *proof[at + 1 :]]
        yield [*proof[:at], bytes([hash_[0] ^ 1]) + hash_[1:], *proof[at + 1 :]]
        yield [*proof[:at], hash_[:-1], *proof[at + 1 :]]
        yield [*proof[:at], hash_ + b"\x00", *proof[at + 1 :]]
        for other in range(at):
            swapped = list(proof)
            swapped[at], swapped[other] = swapped[other], swapped[at]
            yield swapped
    if len(proof) > 1:
        yield [*proof[1:], proof[0]]
        yield []


def check_inclusion_refused(index: int, size: int) -> None:
    """Refuse all that is not the proof of this leaf, in this place, in this tree."""
    head, own, proof = tree_head(0, size), leaf(index), audit_path(index, 0, size)
    for wrong in damaged(proof):
        assert not is_included(own, index, size, wrong, head)
    # Nor one that goes on beyond the root, to another that fits.
    for beyond in (inner(STRANGE, head), inner(head, STRANGE)):
        assert not is_included(own, index, size, [*proof, STRANGE], beyond)
    for wrong_leaf in (STRANGE, leaf(size), leaf((index + 1) % size) if size > 1 else EMPTY):
        assert not is_included(wrong_leaf, index, size, proof, head)
    for other in (*range(-2, index), *range(index + 1, size + 3), index + (1 << 40)):
        assert not is_included(own, other, size, proof, head)
    for wrong_root in (STRANGE, EMPTY, tree_head(0, size - 1), tree_head(0, size + 1)):
        assert not is_included(own, index, size, proof, wrong_root)
    way = sides(index, size)
    for other in (*range(size), *range(size + 1, 2 * size + 2)):
        assert not is_included(own, index, other, proof, tree_head(0, other))
        # The root alone does not tell the size: whoever signs it signs the size, too. Where the
        # way up is the same, so is what is hashed.
        same = index < other and sides(index, other) == way
        assert is_included(own, index, other, proof, head) == same


def check_consistency_refused(old: int, size: int) -> None:
    """Refuse all that is not the proof that this tree begins with that one."""
    before, head, proof = tree_head(0, old), tree_head(0, size), sub_proof(old, 0, size, True)
    for wrong in damaged(proof):
        assert not is_consistent(old, before, size, head, wrong)
    above = inner(STRANGE, before), inner(STRANGE, head)
    assert not is_consistent(old, above[0], size, above[1], [*proof, STRANGE])
    assert not is_consistent(old, before, size, inner(head, STRANGE), [*proof, STRANGE])
    for wrong_root in (STRANGE, EMPTY, tree_head(0, size + 1), tree_head(1, old + 1)):
        assert not is_consistent(old, wrong_root, size, head, proof)
        assert not is_consistent(old, before, size, wrong_root, proof)
    assert not is_consistent(old, head, size, before, proof)
    assert not is_consistent(size, head, old, before, proof)
    for other in (-1, *range(old), *range(old + 1, size + 2)):
        if other != size:
            assert not is_consistent(other, tree_head(0, max(other, 0)), size, head, proof)
        assert is_consistent(other, before, size, head, proof) == amounts(
            other, before, size, head, proof
        )
    for other in (*range(size), *range(size + 1, 2 * size + 2)):
        if other != old:
            assert not is_consistent(old, before, other, tree_head(0, other), proof)
        assert is_consistent(old, before, other, head, proof) == amounts(
            old, before, other, head, proof
        )


def amounts(old: int, before: bytes, size: int, head: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof amounts to just these roots, by recursion."""
    return 0 < old <= size and implied(old, size, proof, before) == (before, head)


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_that_others_find(size: int) -> None:
    leaves = [sha256(b"\x00" + bytes.fromhex(text)).digest() for text in KNOWN_LEAVES[:size]]
    assert root_of(leaves).hex() == KNOWN_ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert EMPTY.hex() == root_of([]).hex() == Peaks().root().hex() == nothing
    assert root(subtrees(0), 0) == EMPTY


def test_a_node_is_the_hash_of_a_one_and_both_sides() -> None:
    assert node(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()


@pytest.mark.parametrize("height", range(8))
def test_a_complete_subtree_is_that_of_its_leaves(height: int) -> None:
    assert complete([leaf(i) for i in range(1 << height)]) == tree_head(0, 1 << height)


def test_every_root_to_130_is_that_of_the_recursion() -> None:
    peaks = Peaks()
    for size in range(ALL + 1):
        assert peaks.size == size
        assert peaks.root() == root(subtrees(size), size) == tree_head(0, size)
        assert root(subtrees(ALL), size) == tree_head(0, size)
        assert root_of(leaf(i) for i in range(size)) == tree_head(0, size)
        peaks.add(leaf(size))


def test_every_inclusion_proof_to_130_is_that_of_the_recursion_and_holds() -> None:
    for size in range(1, ALL + 1):
        for index in range(size):
            proof = inclusion_proof(subtrees(size), index, size)
            assert proof == audit_path(index, 0, size)
            assert is_included(leaf(index), index, size, proof, tree_head(0, size))


def test_every_consistency_proof_to_130_is_that_of_the_recursion_and_holds() -> None:
    for size in range(ALL + 1):
        for old in range(size + 1):
            proof = consistency_proof(subtrees(size), old, size)
            assert proof == (sub_proof(old, 0, size, True) if old else [])
            assert is_consistent(old, tree_head(0, old), size, tree_head(0, size), proof)


def test_every_wrong_inclusion_proof_to_70_is_refused() -> None:
    for size in range(1, EXHAUSTIVE + 1):
        for index in range(size):
            check_inclusion_refused(index, size)


def test_every_wrong_consistency_proof_to_70_is_refused() -> None:
    for size in range(2, EXHAUSTIVE + 1):
        for old in range(1, size):
            check_consistency_refused(old, size)


@pytest.mark.parametrize("size", range(EXHAUSTIVE + 1, ALL + 1))
def test_wrong_proofs_above_are_refused(size: int) -> None:
    random = Random(size)
    check_inclusion_refused(random.randrange(size), size)
    check_inclusion_refused(size - 1, size)
    check_consistency_refused(random.randrange(1, size), size)
    check_consistency_refused(64, size)


def test_trees_of_one_size_are_consistent_if_they_are_the_same() -> None:
    for size in range(10):
        head = tree_head(0, size)
        assert is_consistent(size, head, size, head, [])
        assert not is_consistent(size, head, size, STRANGE, [])
        assert not is_consistent(size, STRANGE, size, head, [])
        assert not is_consistent(size, head, size, head, [head])


def test_every_tree_begins_with_the_empty_one() -> None:
    assert is_consistent(0, EMPTY, 5, tree_head(0, 5), [])
    assert not is_consistent(0, STRANGE, 5, tree_head(0, 5), [])
    assert not is_consistent(0, EMPTY, 5, tree_head(0, 5), [EMPTY])


@pytest.mark.parametrize("size", [(1 << 40) - 1, 1 << 40, (1 << 40) + 1, 0xABCDEF123])
def test_proofs_of_huge_trees_hold(size: int) -> None:
    heights = [leaf(0)]
    while len(heights) < 42:
        heights.append(inner(heights[-1], heights[-1]))

    def subtree(height: int, index: int) -> bytes:
        assert (index + 1) << height <= size
        return heights[height]

    head, random = root(subtree, size), Random(size)
    for place in (0, 1, size - 1, size >> 1, *(random.randrange(1, size) for _ in range(50))):
        proof = inclusion_proof(subtree, place, size)
        assert len(proof) <= 41
        assert is_included(leaf(0), place, size, proof, head)
        old = consistency_proof(subtree, place, size)
        assert is_consistent(place, root(subtree, place), size, head, old)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (3, 3), (9, 3)])
def test_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match=rf"^a tree of {size} leaves has no leaf {index}$"):
        inclusion_proof(subtrees(size), index, size)


@pytest.mark.parametrize(("old", "size"), [(1, 0), (4, 3), (-1, 3)])
def test_no_proof_that_a_tree_begins_with_a_larger(old: int, size: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^a tree of {old} leaves does not begin one of {size}$"
    ):
        consistency_proof(subtrees(size), old, size)
