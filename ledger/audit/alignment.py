"""Alignment: which rows of a log are which of the leaves that it once had.

A leaf names its event's position. So whether a row is the event that once was at a position can
be told: put that position into it, and see whether that gives the leaf's hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from typing import Generic, Literal, NamedTuple, TypeVar

from ledger.store.leaf import digest_of
from ledger.store.rows import Row

Item = TypeVar("Item")

FARTHEST = 4096
"""How many rows or leaves in a run may be surplus, and what follows is still recognised."""

MOST = 1000
"""How many rows, and how many leaves, that do not fit are told apart; then it is given up."""

_NEAR = 16


class Leaf(NamedTuple):
    """A leaf that the log once had: its position and its hash."""

    position: int
    hash: bytes


class Difference(NamedTuple):
    """Where a log is not what it was.

    Attributes:
        kind: See `findings.Kind`.
        position: Where, in the log as it is; where something is gone, in the log as it was.
        upto: The last position of the range.
        was: The position that the event was at before; None where there was none.
        row: The event as it is, without its blobs; None where it is gone.
    """

    kind: Literal["altered", "missing", "inserted", "reordered", "truncated"]
    position: int
    upto: int
    was: int | None = None
    row: Row | None = None


class Candidate(NamedTuple):
    """A row without its blobs, and what its leaf record says behind the position."""

    row: Row
    tail: bytes

    def was(self, leaf: Leaf) -> bool:
        """Return whether this is the event that had this leaf."""
        return sha256(b"\0ledger/leaf/v1\n%d%b" % (leaf.position, self.tail)).digest() == leaf.hash


def candidate(row: Row) -> Candidate:
    """Return a row ready to be held against leaves."""
    tail = (
        f"\n{row.entry.hex()}\n{row.version}\n{row.type}\n{row.recorded_at}\n"
        f"{digest_of(row.meta)}\n{digest_of(row.content)}\n"
    ).encode(errors="surrogateescape")
    return Candidate(row._replace(meta=b"", content=b""), tail)


class Comparison(NamedTuple):
    """Where a log is not what it was.

    Attributes:
        differences: Where, by position.
        is_all: Whether that is all.
        reached: The position in the log of the last event that it once had; 0: it has none.
    """

    differences: list[Difference]
    is_all: bool
    reached: int


def differences(rows: Iterable[Row], leaves: Iterable[Leaf]) -> Comparison:
    """Return where a log is not what it was.

    Args:
        rows: The log as it is, by position; what came after the last leaf is let be.
        leaves: The leaves that it had, by position.
    """
    misfits: list[_Misfit] = []
    strays = lost = reached = 0
    is_all = True
    for found in _misfits(map(candidate, rows), iter(leaves)):
        misfit = found
        if found.is_new:
            # What came later is no misfit, unless it is what is missed elsewhere.
            reached = found.reached
            if not lost:
                break
            gone = [leaf for one in misfits for leaf in one.leaves]
            moved = [row for row in found.rows if any(map(row.was, gone))]
            misfit = found._replace(rows=moved)
        misfits.append(misfit)
        strays += len(misfit.rows)
        lost += len(misfit.leaves)
        if max(strays, lost) > MOST:
            is_all = False
            break
    return Comparison(_told(misfits), is_all, reached)


class _Misfit(NamedTuple):
    """Rows and leaves that were left over at one place.

    Attributes:
        rows: Rows that are none of the leaves there.
        leaves: Leaves that no row there had.
        is_new: There are no leaves any more: the rows came later.
        is_end: There are no rows any more.
        last: The position of the last leaf, where there are no rows any more.
        shift: How much higher the rows are than the leaves that they had.
        reached: The position of the last row that had a leaf, where there are no leaves any more.
    """

    rows: list[Candidate]
    leaves: list[Leaf]
    is_new: bool = False
    is_end: bool = False
    last: int = 0
    shift: int = 0
    reached: int = 0


class _Ahead(Generic[Item]):
    """An iterator that can be looked into some way ahead."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self.seen: list[Item] = []

    def has(self, count: int) -> bool:
        """Return whether there are so many more."""
        self.seen += islice(self._items, max(0, count - len(self.seen)))
        return len(self.seen) >= count

    def take(self, count: int) -> list[Item]:
        """Return at most so many, and go on behind them."""
        self.has(count)
        taken = self.seen[:count]
        del self.seen[:count]
        return taken


def _misfits(rows: Iterator[Candidate], leaves: Iterator[Leaf]) -> Iterator[_Misfit]:
    ours, theirs = _Ahead(rows), _Ahead(leaves)
    is_lost = is_behind = False
    shift = odd = reached = 0
    while True:
        if not theirs.has(1):
            while found := ours.take(FARTHEST):
                yield _Misfit(found, [], is_new=True, reached=reached)
            yield _Misfit([], [], is_new=True, reached=reached)
            return
        if not ours.has(1):
            gone = theirs.take(MOST)
            last = gone[-1].position
            while more := theirs.take(FARTHEST):
                last = more[-1].position
            yield _Misfit([], gone, is_end=True, last=last)
            return
        if ours.seen[0].was(theirs.seen[0]):
            (row,), (leaf,) = ours.take(1), theirs.take(1)
            reached = row.row.position
            offset = row.row.position - leaf.position
            if offset not in {shift, odd} and not is_behind:
                # Nothing before it tells why it is elsewhere; if the next ones are too, it is all
                # that follows that was moved, and told once.
                yield _Misfit([row], [leaf])
                odd = offset
            else:
                shift = odd = offset
            is_behind = is_lost = False
            continue
        fit = _next_fit(ours, theirs, far=not is_lost)
        is_lost, is_behind = fit is None, True
        surplus, lacking = fit or (1, 1)
        yield _Misfit(ours.take(surplus), theirs.take(lacking), shift=shift)


def _next_fit(
    ours: _Ahead[Candidate], theirs: _Ahead[Leaf], *, far: bool
) -> tuple[int, int] | None:
    """Return how many rows and leaves to leave out until a row fits a leaf again, if one does.

    Args:
        ours: The rows.
        theirs: The leaves.
        far: Look for long runs, too.
    """
    for both in range(1, 2 * _NEAR):
        # As many of each come first: one was altered, rather than one slipped in and one taken.
        for surplus in sorted(
            range(max(0, both - _NEAR), min(both, _NEAR) + 1), key=lambda n: abs(2 * n - both)
        ):
            lacking = both - surplus
            if _fit(ours, theirs, surplus, lacking):
                return surplus, lacking
    for run in range(_NEAR, FARTHEST + 1) if far else ():
        for surplus, lacking in ((run, 0), (0, run)):
            if _fit(ours, theirs, surplus, lacking):
                return surplus, lacking
    return None


def _fit(ours: _Ahead[Candidate], theirs: _Ahead[Leaf], surplus: int, lacking: int) -> bool:
    return (
        ours.has(surplus + 1)
        and theirs.has(lacking + 1)
        and ours.seen[surplus].was(theirs.seen[lacking])
    )


def _told(misfits: list[_Misfit]) -> list[Difference]:
    """Return what was left over as what it is."""
    found: list[Difference] = []
    moved: set[int] = set()
    came: set[int] = set()
    leaves = [leaf for misfit in misfits for leaf in misfit.leaves]
    for candidate_ in (one for misfit in misfits for one in misfit.rows):
        for leaf in leaves:
            if leaf.position not in came and candidate_.was(leaf):
                at = candidate_.row.position
                if at != leaf.position:
                    found.append(Difference("reordered", at, at, leaf.position, candidate_.row))
                moved.add(at)
                came.add(leaf.position)
                break
    for misfit in misfits:
        stray = [one.row for one in misfit.rows if one.row.position not in moved]
        gone = [leaf.position for leaf in misfit.leaves if leaf.position not in came]
        # The event at its own place is the altered one; else they are taken in order.
        own = {row.position: row.position - misfit.shift for row in stray}
        pairs = [(row, own[row.position]) for row in stray if own[row.position] in gone]
        others = [row for row in stray if own[row.position] not in gone]
        rest = [position for position in gone if position not in own.values()]
        pairs += zip(others, rest, strict=False)
        found += [
            Difference("altered", row.position, row.position, was, row) for row, was in pairs
        ]
        found += [
            Difference("inserted", row.position, row.position, None, row)
            for row in others[len(rest) :]
        ]
        found += _gone(misfit, rest[len(others) :])
    return sorted(found, key=lambda difference: difference.position)


def _gone(misfit: _Misfit, positions: list[int]) -> Iterator[Difference]:
    for low, high in runs(positions):
        if misfit.is_end:
            is_last = high == misfit.leaves[-1].position
            yield Difference("truncated", low, misfit.last if is_last else high)
        else:
            yield Difference("missing", low, high)


def runs(positions: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield runs of successive positions, each as its first and its last."""
    first = last = None
    for position in positions:
        if last is not None and position == last + 1:
            last = position
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = position
    if first is not None and last is not None:
        yield first, last
