"""`verify`: what holds of a log, and what does not.

Nothing is written, and no view is brought up to date before it has testified. Where something does
not hold, the stored tree tells event by event what the log once was, as far as no checkpoint says
that it is the tree that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import closing

import msgspec

from ledger.audit.checkpoints import Checkpoint
from ledger.audit.findings import Finding, HeldAgainst, Verification
from ledger.audit.merkle import EMPTY, Peaks, complete, peaks_of
from ledger.audit.sections import HASH_BYTES, ByPosition
from ledger.audit.tiles import HEIGHT, WIDTH
from ledger.errors import AuditError, LedgerError
from ledger.projections.projector import Damaged, Progress
from ledger.projections.views import Views
from ledger.store.application import LedgerApplication
from ledger.verifying.evidence import Evidence
from ledger.verifying.judging import LOWEST, Judge
from ledger.verifying.readings import Readings


class Signed(msgspec.Struct, frozen=True):
    """A checkpoint to hold the log against.

    Attributes:
        checkpoint: It.
        signed_by: The names of the known keys that have signed it; none: no key is known.
    """

    checkpoint: Checkpoint
    signed_by: tuple[str, ...] = ()


class First(msgspec.Struct):
    """What the first reading came to.

    Attributes:
        root: The root of the tree of all events.
        roots: Size to root, where a checkpoint has that size and the log reaches it.
        is_suspect: Whether positions are missing, or stored leaves are others.
        backwards: Positions whose time is before that of the position before.
        lacking: The first position whose leaf hash should be stored and is not.
        drifted: Level and number of stored hashes above the leaves that are others.
    """

    root: bytes = b""
    roots: dict[int, bytes] = {}
    is_suspect: bool = False
    backwards: list[int] = []
    lacking: int | None = None
    drifted: list[tuple[int, int]] = []

    def holds(self, checkpoint: Checkpoint) -> bool:
        """Return whether the log begins with what a checkpoint says."""
        return self.roots.get(checkpoint.size) == checkpoint.root


def verify(
    application: LedgerApplication,
    views: Views,
    signed: Sequence[Signed] = (),
    *,
    with_views: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Verification:
    """Read the log twice, and return what holds of it and what does not.

    Args:
        application: The log.
        views: Its views.
        signed: Checkpoints to hold it against.
        with_views: Fill all read models aside, too, and compare them with those that serve.
        jobs: In how many processes to read.
        progress: Is told how far it is.

    Raises:
        AuditError: A checkpoint is of another ledger, or the views were swapped meanwhile.
        StoreError: The log cannot be read.
    """
    origin = application.log.identity().origin
    checkpoints = [one.checkpoint for one in signed]
    for checkpoint in checkpoints:
        if checkpoint.origin != origin:
            raise AuditError(
                f"the checkpoint is of {checkpoint.origin}, not of this ledger, {origin}"
            )
    integrity = application.log.integrity()
    # Before the log: what is appended meanwhile is then not missed in it.
    with closing(Evidence.of(views, application)) as evidence:
        head = application.log.head().position
        judge = Judge(application, evidence, head)
        for wrong in integrity.wrong:
            judge.find("altered", None, wrong)
        judge.notes += integrity.missing
        if evidence.damage is not None:
            judge.find("view drift", None, evidence.damage)
        first, entries, erased = First(), 0, dict[int, int]()
        try:
            with closing(Readings(application, evidence.tree, jobs, evidence.size)) as readings:

                def tell(done: int, reading: int) -> None:
                    if progress is not None:
                        progress(reading * head + done, 2 * head)

                first = _read_by_position(
                    readings, evidence, head, {one.size for one in checkpoints}, tell
                )
                lowest = application.log.read(LOWEST, 1)
                is_below = bool(lowest) and lowest[0].position < 1
                first.is_suspect |= evidence.size > head or is_below
                _judge(judge, first, evidence, checkpoints)
                for section in readings.by_entry(head, lambda done: tell(done, 1)):
                    entries += section.entries
                    erased |= section.erased
                    for finding, places in section.findings:
                        judge.add(finding, places)
        except Damaged as error:
            raise AuditError(
                "the views were swapped while they were read, or are damaged: try again, or "
                "remove them"
            ) from error
        except (OverflowError, TypeError, ValueError) as error:
            # Tables that somebody made anew may hold anything.
            if not integrity.wrong:
                raise
            judge.notes.append(f"the log could not be read to its end: {error}")
        if with_views:
            _compare_views(judge, evidence, views)
    held = [
        HeldAgainst(one.checkpoint.size, one.signed_by, first.holds(one.checkpoint))
        for one in sorted(signed, key=lambda one: one.checkpoint.size)
    ]
    found = sorted(judge.findings, key=lambda one: (one.position is None, one.position or 0))
    return Verification(
        sound=not found and all(one.holds for one in held),
        origin=origin,
        size=head,
        root=first.root.hex(),
        entries=entries,
        checkpoints=tuple(held),
        findings=tuple(found),
        more=judge.more,
        erased=erased,
        notes=(*judge.notes, *_limits(held, head, evidence, is_erased=bool(erased))),
    )


Tell = Callable[[int, int], None]
"""Is told how many events are read, and in which reading: 0 or 1."""


def _read_by_position(
    readings: Readings, evidence: Evidence, head: int, sizes: Collection[int], tell: Tell
) -> First:
    first = First(roots={0: EMPTY})
    tiles, rest = Peaks(), Peaks()
    levels = _Levels(evidence, first.drifted)
    count = last_at = 0
    for section in readings.by_position(head, sizes):
        first.is_suspect |= section.has_gaps or section.differs or section.low != count
        if section.count and section.first_at < last_at:
            first.backwards.append(section.first)
        first.backwards += section.backwards
        last_at = section.last_at or last_at
        first.lacking = first.lacking or section.lacking
        count += section.count
        for number, tile in enumerate(section.tiles, section.low // WIDTH):
            _cut(first, section, number, tiles)
            tiles.add(tile)
            if (size := (number + 1) * WIDTH) in sizes:
                first.roots[size] = tiles.root()
        _cut(first, section, section.low // WIDTH + len(section.tiles), tiles)
        if not first.is_suspect:
            levels.add(1, section.low // WIDTH, section.tiles)
        rest = peaks_of(section.rest)
        tell(section.low + section.count, 0)
    first.root = tiles.root(rest)
    return first


def _cut(first: First, section: ByPosition, number: int, tiles: Peaks) -> None:
    """Note the roots at the sizes that end within a tile."""
    for size, leaves in section.cuts.items():
        if size // WIDTH == number:
            first.roots[size] = tiles.root(peaks_of(leaves))


class _Levels:
    """Holds the hashes above the leaves against the stored ones, level by level."""

    def __init__(self, evidence: Evidence, drifted: list[tuple[int, int]]) -> None:
        self._evidence = evidence
        self._drifted = drifted
        self._waiting: dict[int, list[bytes]] = {}

    def add(self, level: int, number: int, hashes: Sequence[bytes]) -> None:
        """Take the next hashes of a level, from this number on."""
        expected = min(len(hashes), (self._evidence.size >> HEIGHT * level) - number)
        if expected > 0:
            stored = self._evidence.hashes(level, number, number + expected)
            for at, hash_ in enumerate(hashes[:expected]):
                if stored[at * HASH_BYTES : (at + 1) * HASH_BYTES] != hash_:
                    self._drifted.append((level, number + at))
        waiting = self._waiting.setdefault(level, [])
        waiting += hashes
        while len(waiting) >= WIDTH:
            above = (number + len(hashes) - len(waiting)) // WIDTH
            self.add(level + 1, above, [complete(waiting[:WIDTH])])
            del waiting[:WIDTH]


def _judge(
    judge: Judge, first: First, evidence: Evidence, checkpoints: Sequence[Checkpoint]
) -> None:
    failing = [one for one in checkpoints if not first.holds(one)]
    holding = max((one.size for one in checkpoints if first.holds(one)), default=0)
    vouched = 0
    if evidence.size and (first.is_suspect or failing):
        vouched = evidence.vouched(checkpoints)
        judge.compare(holding)
    if first.is_suspect:
        judge.tell_gaps()
    for level, number in first.drifted:
        judge.find(
            "view drift",
            None,
            f"the stored tree has another hash {number} at level {level} than the log gives",
        )
    if first.lacking is not None:
        judge.find("view drift", first.lacking, "the stored tree has no leaf there, and should")
    for position in first.backwards:
        message = "it was recorded before the event before it"
        finding = Finding(kind="altered", position=position, message=message)
        judge.add(finding, {position - 1, position})
    judge.tell_failing(failing, holding, vouched)


_WITHHELD = (
    "the views are kept by those who write, and are not read by this user, who has more rights: "
    "verify as a member of the readers' role to hold them against the log, too"
)


def _compare_views(judge: Judge, evidence: Evidence, views: Views) -> None:
    if evidence.generation is None:
        none = "there are no views of this log to compare"
        judge.notes.append(_WITHHELD if evidence.is_withheld else none)
        return
    judge.notes += [
        f"the projection {name} is not there in this program's schema: it was not compared"
        for name in views.not_compared(evidence.generation)
    ]
    try:
        for drift in views.compare(evidence.generation):
            row = " | ".join(map(str, drift.row))
            judge.find("view drift", None, f"{drift.name} {drift.table}, {drift.kind}: {row}")
    except Damaged:
        judge.find("view drift", None, "the views are damaged: `ledger rebuild` puts them right")
    except LedgerError as error:
        judge.notes.append(f"the views could not be compared: {error}")


def _limits(
    held: Sequence[HeldAgainst], head: int, evidence: Evidence, *, is_erased: bool
) -> list[str]:
    """Return what this verification does not show."""
    found: list[str] = []
    holding = max((one.size for one in held if one.holds), default=0)
    if not held:
        found.append(
            "no checkpoint was given: whoever can write the store could have rewritten all of it, "
            "every hash too, and it would not show"
        )
    elif holding < head and all(one.holds for one in held):
        found.append(f"no checkpoint vouches for what came after event {holding}")
    if any(not one.signed_by for one in held):
        found.append("no key was given: the checkpoints' signatures were not checked")
    if is_erased:
        found.append(
            "what remains of erased versions is as whoever erased the rest restated it: no proof "
            "covers that"
        )
    if not evidence.size and head:
        none = "there is no stored tree to hold the log against"
        found.append(_WITHHELD if evidence.is_withheld else none)
    return found
