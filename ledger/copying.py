"""Copying: the events of one log put into another, as they lie, between stores of any kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from eventsourcing.persistence import IntegrityError

from ledger.audit.merkle import Peaks
from ledger.errors import DoesNotHold, InvalidInput, Refused, StoreBusy
from ledger.projections.projector import Progress
from ledger.projections.records import ViewStatus
from ledger.reading import LedgerReader
from ledger.store.application import LedgerApplication
from ledger.store.erasures import blanks_of
from ledger.store.leaf import Digest, leaf_hash
from ledger.store.places import are_same, shown
from ledger.store.rows import Blank, Row

BATCH = 2000
"""Events a transaction: each waits for the disk once, and holds up whoever else writes."""


class CopyReport(msgspec.Struct, frozen=True):
    """What a copy came to.

    Attributes:
        copied: How many events it took over now.
        events: How many it holds in all.
        root: The root of their tree, reckoned from its own rows, in hexadecimal digits.
        views: What each of its read models holds, which is what the source's holds.
    """

    copied: int
    events: int
    root: str
    views: tuple[ViewStatus, ...]


def copy(
    source: LedgerReader, target: LedgerReader, progress: Progress | None = None
) -> CopyReport:
    """Make a copy of a ledger, or bring one what is new; then hold it against its source.

    Every event keeps its id, position, bytes and times, the ledger its identity. A copy is only
    read until it is promoted. Stopped anywhere, it goes on where it was.

    Args:
        source: What to copy.
        target: The copy; it is made where there is nothing.
        progress: Is told how many events were read and written, and how many there will be.

    Raises:
        InvalidInput: The target is no copy of this ledger, or holds other events, or more.
        DoesNotHold: What was put into the copy is not what it holds.
        StoreBusy: Somebody else writes to the copy, or reads what was erased there: try again
            once he is done.
    """
    ours, theirs = source.application, target.application
    _require_copy(ours, theirs)
    before, size = theirs.log.head().position, ours.log.head().position
    peaks = Peaks()

    def tell(done: int, total: int) -> None:
        if progress is not None:
            progress(done + peaks.size, 2 * max(total, size))

    if differs := first_difference(ours, theirs, peaks, before, tell):
        has = f"another event at position {differs}"
        if differs > size:
            has = f"{before} events, the source {size}"
        raise InvalidInput(f"the store {shown(theirs.url)} holds {has}: copy into a new one")
    was_erased = carry(ours, theirs, before, progress=tell, into_copy=True)
    after = theirs.log.head().position
    if differs := first_difference(ours, theirs, peaks, after, tell):
        raise DoesNotHold(
            f"the copy {shown(theirs.url)} holds another event at position {differs} than was put "
            "there"
        )
    if was_erased:
        target.views.purge()
    report = CopyReport(after - before, after, peaks.root().hex(), _views(source, target, after))
    theirs.log.confirm(after)
    return report


def _require_copy(source: LedgerApplication, target: LedgerApplication) -> None:
    """Make the target, or refuse one that is no copy of the source."""
    identity, place = source.log.identity(), shown(target.url)
    if are_same(source.url, target.url):
        raise InvalidInput(f"the store {place} is the source itself: name another one")
    found = target.log.create(copy_of=identity)
    if found.id != identity.id:
        raise InvalidInput(
            f"the store {place} holds another ledger, {found.origin} (id {found.id}): copy into a "
            "store that `ledger init` has not made"
        )
    _require_unpromoted(target)


def _require_unpromoted(target: LedgerApplication) -> None:
    if not target.log.is_copy():
        raise InvalidInput(
            f"the store {shown(target.url)} is no copy, or was promoted: it takes events of its "
            "own"
        )


def carry(
    source: LedgerApplication,
    target: LedgerApplication,
    after: int,
    upto: int | None = None,
    progress: Progress | None = None,
    check: Callable[[Sequence[Row]], None] = lambda _: None,
    *,
    into_copy: bool = False,
) -> bool:
    """Append to a log what it lacks of another, and take away there what was erased here.

    Args:
        source: Where the events are.
        target: Where they go.
        after: The last position that the target has.
        upto: The last position to carry; None: the last there is.
        progress: Is told the position reached and the position aimed at, after each batch.
        check: Is given each batch of rows before it goes.
        into_copy: Only as long as the target is a copy that nobody has promoted.

    Returns:
        Whether something was erased that the target had.

    Raises:
        StoreBusy: Somebody else writes to the target, or reads what was erased there: try again
            once he is done.
    """
    # One that was stopped may have come to an erasure, and no further.
    was_erased = target.log.last_erasure() > max(after - BATCH, 0)
    if was_erased:
        target.log.purge()
    while rows := source.log.read(after, BATCH, upto):
        check(rows)
        blanks = list(blanks_of(rows, source.event_mapper))
        # In the source it is only where it came back behind the ledger's back.
        had = any(_has(target, blank) or _has(source, blank) for blank in blanks)
        try:
            target.log.load(rows, blanks, into_copy=into_copy)
        except IntegrityError as error:
            if into_copy:
                _require_unpromoted(target)
            raise StoreBusy(
                f"somebody else writes to the store {shown(target.url)}: run it again once he is "
                f"done ({error})"
            ) from error
        if had:
            # At once: whoever goes on, after this was stopped, looks at the last batch alone.
            target.log.purge()
            was_erased = True
        after = rows[-1].position
        if progress is not None:
            progress(after, upto or max(after, source.log.head().position))
    return was_erased


def _has(application: LedgerApplication, blank: Blank) -> bool:
    """Return whether a blob is there, and not empty."""
    rows = application.log.read(blank.position - 1, 1, blank.position)
    return any(getattr(row, blank.blob) for row in rows)


def first_difference(
    source: LedgerApplication,
    target: LedgerApplication,
    peaks: Peaks,
    upto: int,
    progress: Progress | None = None,
) -> int | None:
    """Read two logs side by side; return the first position that they differ at, if they do.

    Args:
        source: The one.
        target: The other.
        peaks: The tree of the other's events that are known to be the same; the others are added.
        upto: The last position to compare.
        progress: Is told the position reached and the position aimed at, after each batch.
    """
    while (low := peaks.size) < upto:
        ours, theirs = (log.rows(low, BATCH, upto) for log in (source, target))
        for row, our in zip(theirs, ours, strict=False):
            leaf = leaf_hash(as_erased(row, our))
            if leaf != leaf_hash(our):
                return peaks.size + 1
            peaks.add(leaf)
        if peaks.size < min(low + BATCH, upto):
            return peaks.size + 1
        if progress is not None:
            progress(upto, upto)
    return None


def as_erased(row: Row, other: Row) -> Row:
    """Return a row with the digests that another has of what was erased of both.

    The event that says what was erased may not be there yet.
    """
    return row._replace(
        meta=row.meta or (other.meta if isinstance(other.meta, Digest) else b""),
        content=row.content or (other.content if isinstance(other.content, Digest) else b""),
    )


def _views(source: LedgerReader, target: LedgerReader, size: int) -> tuple[ViewStatus, ...]:
    """Return what the target's read models hold.

    Raises:
        DoesNotHold: The source's hold something else at the same position.
    """
    ours, theirs = source.views.status(), target.views.status()
    if ours != theirs and source.application.log.head().position > size:
        # Somebody has written meanwhile.
        ours = source.views.aside(size, None)
    # What passes over events by a decision that was made for the source alone is its own matter.
    skipping = {skip.name for skip in source.views.skips()}
    differ = {one.name for one in set(ours) ^ set(theirs)} - skipping
    if differ:
        raise DoesNotHold(
            f"the copy {shown(target.application.url)} has the same events, but its views "
            f"{', '.join(sorted(differ))} differ from the source's: `ledger rebuild --check` on "
            "both tells which are wrong"
        )
    return theirs


def promote(ledger: LedgerReader) -> None:
    """Let a copy take over: it takes events and signs from now on.

    The ledger that it was copied from must not be written any more: two would go on, and sign,
    under one name.

    Raises:
        Refused: It is no copy, or was promoted already; or it was never held against its source
            as a whole.
    """
    log = ledger.application.log
    if log.is_copy() and log.confirmed() < log.head().position:
        raise Refused(
            "this copy was not compared with its source to its end: finish it with `ledger copy`, "
            "or `ledger import jsonl`, then promote; where the source is lost, copy this one into "
            "a new store, and promote that"
        )
    if not ledger.application.log.promote():
        raise Refused("this ledger is no copy, or was promoted already: it takes events as it is")
