"""Judging: what it means that a log is not what its stored tree, or a checkpoint, says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from uuid import UUID

from ledger.audit.alignment import Difference, differences
from ledger.audit.checkpoints import Checkpoint
from ledger.audit.findings import Finding, Kind, entry_id
from ledger.store.application import BATCH, LedgerApplication
from ledger.store.rows import Row
from ledger.verifying.evidence import Evidence

MOST = 1000
"""How many findings are told one by one."""

LOWEST = -(2**63)
"""Where to begin to read, if rows may be where none can be."""

Named = tuple[UUID | None, int]
"""An entry and its version."""


class Judge:
    """Collects what is found.

    Args:
        application: The log.
        evidence: What its views say of it.
        head: Up to which position it is verified.

    Attributes:
        findings: What does not hold.
        more: How many findings there are beyond those.
        notes: What could not be told.
    """

    def __init__(self, application: LedgerApplication, evidence: Evidence, head: int) -> None:
        self._application = application
        self._evidence = evidence
        self._head = head
        self._explained: set[Named] = set()
        self._places: set[int] = set()
        self._is_all = True
        self._reached = 0
        self.findings: list[Finding] = []
        self.more = 0
        self.notes: list[str] = []

    def find(
        self,
        kind: Kind,
        position: int | None,
        message: str,
        *,
        upto: int | None = None,
        of: Named | None = None,
    ) -> None:
        """Note a finding; see `Finding`."""
        entry, version = of or (None, None)
        if len(self.findings) == MOST:
            self.more += 1
            return
        self.findings.append(
            Finding(
                kind=kind,
                position=position,
                upto=None if upto == position else upto,
                entry=entry,
                version=version,
                message=message,
            )
        )

    def add(self, finding: Finding, places: Collection[int]) -> None:
        """Note a finding of the second reading, unless the first has told its cause.

        Args:
            finding: It.
            places: The positions of the events at which it showed.
        """
        if not self._places.isdisjoint(places):
            return
        named = (finding.entry, finding.version)
        if named in self._explained:
            return
        if len(self.findings) == MOST:
            self.more += 1
        else:
            self.findings.append(finding)

    # What the first reading shows

    def compare(self, holding: int) -> None:
        """Tell where the log is not what its stored tree says.

        Args:
            holding: Up to this position a checkpoint says that the log is right.
        """
        found, self._is_all, self._reached = differences(self._rows(), self._evidence.leaves())
        if not found and self._evidence.size > self._head:
            self.tell_truncated(self._head + 1, self._evidence.size)
        if not self._is_all:
            self.notes.append("the log differs from its stored tree in more places than are told")
        was = self._evidence.versions_at(
            {place for one in found if one.kind != "truncated" for place in _places(one)}
        )
        self._explained |= set(was.values())
        for one in found:
            place = one.was or one.position
            if one.kind == "truncated":
                self.tell_truncated(one.position, one.upto)
            elif one.position >= 1 and max(place, one.position) <= holding:
                self.find(
                    "view drift",
                    place,
                    "the stored tree has another leaf than the log, which a checkpoint says is "
                    "right",
                )
            else:
                self._tell(one, was.get(place))

    def _tell(self, one: Difference, was: Named | None) -> None:
        now = None if one.row is None else _named(one.row)
        messages = {
            "altered": "the event is not what it was",
            "reordered": f"the event was at {one.was}",
            "inserted": "the event was not there",
            "missing": "what was there is gone",
        }
        message = messages[one.kind]
        if one.kind == "altered" and one.was not in {None, one.position}:
            message += f"; it was at {one.was}"
        named = now if one.kind == "inserted" else was or now
        self.find(one.kind, one.position, message, upto=one.upto, of=named)
        if now is not None:
            self._explained.add(now)
        self._places |= {one.position, one.was or one.position}

    def tell_gaps(self) -> None:
        """Tell which positions no event has, where the tree does not reach to say more."""
        if not self._is_all:
            return
        last = self._reached
        for row in self._rows(last or LOWEST):
            if row.position in self._places:
                # What became of it is told; where it is may be where it was moved to.
                last += row.position == last + 1
                continue
            if row.position < 1:
                self.find("inserted", row.position, "an event where none can be", of=_named(row))
            else:
                if row.position > last + 1:
                    self.find("missing", last + 1, "no event is there", upto=row.position - 1)
                last = row.position

    def tell_truncated(self, low: int, high: int) -> None:
        """Tell that events are gone from the log's end; once, however many say so."""
        for at, finding in enumerate(self.findings):
            if finding.kind == "truncated":
                high = max(high, finding.upto or high)
                del self.findings[at]
                break
        self.find("truncated", low, f"the log ends before; it had event {high}", upto=high)

    def tell_failing(self, failing: Sequence[Checkpoint], holding: int, vouched: int) -> None:
        """Tell what of the checkpoints that do not hold the tree has not explained.

        Args:
            failing: Those.
            holding: The size of the largest that does.
            vouched: Up to this position one of them says that the tree is right.
        """
        for checkpoint in sorted(failing, key=lambda one: one.size):
            size = checkpoint.size
            if size == 0:
                self.find(
                    "forked", None, "the checkpoint of no events has not the empty tree's root"
                )
            elif size <= vouched:
                # The tree has told event by event why.
                continue
            elif size > self._head:
                self.tell_truncated(self._head + 1, size)
            elif not self._breaks(size):
                low = holding + 1
                self.find(
                    "forked",
                    low,
                    f"these are not the events that the checkpoint of {size} tells of: they were "
                    "rewritten, or it is of another copy",
                    upto=size,
                )
            else:
                self.notes.append(
                    f"whether more of the first {size} events was changed cannot be told: no "
                    "checkpoint vouches for the stored tree"
                )

    def _breaks(self, size: int) -> bool:
        """Return whether it is told why the log does not hold at a size."""
        return any(
            finding.position is not None
            and finding.position <= size
            and finding.kind != "view drift"
            for finding in self.findings
        )

    def _rows(self, after: int = LOWEST) -> Iterator[Row]:
        """Yield the rows above a position, at first also those that are where none can be."""
        while rows := self._application.rows(after, BATCH, self._head):
            yield from rows
            after = rows[-1].position


def _places(one: Difference) -> Iterable[int]:
    """Return the positions that something had in the log as it was."""
    return range(one.position, one.upto + 1) if one.was is None else (one.was,)


def _named(row: Row) -> Named:
    return entry_id(row.entry), row.version
