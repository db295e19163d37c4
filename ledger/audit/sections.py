"""The two readings of a log, section by section: by position, and by entry.

Rows in, findings out: whoever reads the store, and in how many processes, does not matter here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from uuid import UUID

import msgspec

from ledger.audit.findings import Finding, Kind, entry_id
from ledger.audit.merkle import complete
from ledger.audit.tiles import WIDTH
from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import EntryErased, EntryRestated, RecordedEvent
from ledger.domain.legality import why_illegal
from ledger.errors import UndecodableEvent
from ledger.store.erasures import named_blob
from ledger.store.leaf import Digest, leaf_hashes
from ledger.store.rows import Row

HASH_BYTES = 32

_TIME = attrgetter("recorded_at")


class ByPosition(msgspec.Struct):
    """What a section of the log came to, read by position.

    Attributes:
        low: The position before its first.
        count: How many events there are.
        tiles: The hash of every complete tile.
        rest: The leaf hashes that fill no tile any more.
        cuts: Size to the leaf hashes of its last tile, for sizes within a tile.
        first: The position of its first event.
        differs: Whether the stored leaf hashes are others.
        lacking: The first position whose leaf hash should be stored and is not.
        has_gaps: Whether a position is missing.
        backwards: The positions whose time is before that of the position before.
        first_at: The time of its first event, in microseconds since 1970-01-01T00:00:00Z.
        last_at: The time of its last.
    """

    low: int
    count: int = 0
    tiles: list[bytes] = []
    rest: list[bytes] = []
    cuts: dict[int, list[bytes]] = {}
    first: int = 0
    differs: bool = False
    lacking: int | None = None
    has_gaps: bool = False
    backwards: list[int] = []
    first_at: int = 0
    last_at: int = 0


def by_position(
    rows: Sequence[Row], low: int, stored: bytes, sizes: Collection[int], expected: int = 0
) -> ByPosition:
    """Read a section by position.

    Args:
        rows: Its rows, in order.
        low: The position before its first: a multiple of `WIDTH`.
        stored: The leaf hashes that are stored of it, from its first on; as many as there are.
        sizes: At these the tree's root will be wanted.
        expected: How many leaf hashes should be stored.
    """
    found = ByPosition(low, len(rows))
    if len(stored) < expected * HASH_BYTES:
        found.lacking = low + len(stored) // HASH_BYTES + 1
    if not rows:
        return found
    found.first = rows[0].position
    leaves = leaf_hashes(rows)
    found.has_gaps = rows[0].position != low + 1 or rows[-1].position != low + len(rows)
    found.differs = not stored.startswith(b"".join(leaves)[: len(stored)])
    whole = len(leaves) - len(leaves) % WIDTH
    found.tiles = [complete(leaves[at : at + WIDTH]) for at in range(0, whole, WIDTH)]
    found.rest = leaves[whole:]
    for size in sizes:
        at = size - low
        if 0 < at <= len(leaves) and at % WIDTH:
            found.cuts[size] = leaves[at - at % WIDTH : at]
    times = list(map(_TIME, rows))
    found.first_at, found.last_at = times[0], times[-1]
    if times != sorted(times):
        found.backwards = [
            row.position
            for row, before in zip(rows[1:], times, strict=False)
            if row.recorded_at < before
        ]
    return found


class ByEntry(msgspec.Struct):
    """What a section of the log came to, read by entry and version.

    Attributes:
        entries: How many entries there are.
        events: How many events.
        erased: Position to that of the event that says that it was erased.
        findings: What does not hold, each with the positions of the events at which it showed.
    """

    entries: int = 0
    events: int = 0
    erased: dict[int, int] = {}
    findings: list[tuple[Finding, tuple[int, ...]]] = []


Decode = Callable[[Row], RecordedEvent]


def by_entry(rows: Iterable[Row], decode: Decode, tell: Callable[[int], None]) -> ByEntry:
    """Read a section by entry and version, holding one event and one state at a time.

    Args:
        rows: Its rows, by entry and version; whole entries.
        decode: Gives an event, or raises UndecodableEvent.
        tell: Is told how many events were read.
    """
    found = ByEntry()
    for _, events in groupby(rows, attrgetter("entry")):
        found.entries += 1
        history = _History(decode, found)
        for row in events:
            found.events += 1
            history.take(row)
        history.end()
        tell(found.events)
    return found


class _History:
    """One entry, event by event."""

    def __init__(self, decode: Decode, found: ByEntry) -> None:
        self._decode = decode
        self._found = found
        self._last: Row | None = None
        self._state: NewsEntry | None = None
        # Behind a gap nobody can say what is legal.
        self._is_whole = True
        self._commands: set[UUID] = set()
        self._named: set[tuple[int, str]] = set()
        self._blank: set[tuple[int, str]] = set()
        # The erasure that waits for what remains to be restated, and what was restated last.
        self._erasure: Row | None = None
        self._erased: set[int] = set()
        self._restated: tuple[Row, set[int]] | None = None

    def take(self, row: Row) -> None:
        """Take the next event."""
        version, position = (self._last.version, self._last.position) if self._last else (0, 0)
        self._last = row
        if row.version != version + 1:
            self._is_whole = False
            self._tell_gap(row, version)
        if row.position < position:
            self._tell("reordered", row, "it comes before an earlier version", position)
        for name, blob in (("content", row.content), ("meta", row.meta)):
            if isinstance(blob, Digest):
                self._blank.add((row.position, name))
        try:
            event = self._decode(row)
        except UndecodableEvent as error:
            self._is_whole = False
            self._tell("altered", row, _reason(error))
            return
        if event.meta.command in self._commands:
            self._tell("altered", row, "the command that it answers was answered before")
        self._commands.add(event.meta.command)
        self._note_erasures(row, event)
        if self._is_whole:
            why = why_illegal(self._state, event, is_partial=bool(self._blank))
            try:
                self._state = evolve(self._state, event)
            except UndecodableEvent as error:
                self._is_whole, why = False, _reason(error)
            if why is not None:
                self._tell("altered", row, why)

    def end(self) -> None:
        """Say what can be said only once all events are read."""
        if self._erasure is not None:
            self._tell("altered", self._erasure, "what remains of what it erased is not restated")
        came_back = sorted({position for position, _ in self._named - self._blank})
        for position in came_back:
            finding = Finding(
                kind="altered",
                position=position,
                entry=None if self._last is None else entry_id(self._last.entry),
                message="it was erased, as another event says, and yet there is content",
            )
            self._found.findings.append((finding, (position,)))
        is_other = self._restated is not None and self._restated[1] != self._erased
        if self._restated is not None and is_other and self._is_whole and not came_back:
            self._tell("altered", self._restated[0], "it restates others than were erased")

    def _note_erasures(self, row: Row, event: RecordedEvent) -> None:
        data = event.data
        if event.erased is not None:
            self._found.erased[row.position] = event.erased.position
            if not isinstance(data, EntryRestated):
                self._erased.add(row.version)
        erasure, self._erasure = self._erasure, None
        is_behind = erasure is not None and row.position == erasure.position + 1
        if isinstance(data, EntryRestated) != is_behind:
            self._tell("altered", row, "what remains is restated behind an erasure, only there")
        if isinstance(data, EntryRestated) and event.erased is None:
            self._restated = row, {remains.version for remains in data.versions}
        if isinstance(data, EntryErased):
            self._erasure = row
            for blob in map(named_blob, data.blanked):
                if blob is None:
                    self._tell("altered", row, "it does not say what it erased")
                else:
                    self._named.add((blob.position, blob.name))

    def _tell_gap(self, row: Row, version: int) -> None:
        if row.version <= version:
            self._tell("inserted", row, f"it follows version {version}")
            return
        upto = "" if row.version == version + 2 else f" to {row.version - 1}"
        finding = Finding(
            kind="missing",
            position=None,
            entry=entry_id(row.entry),
            version=version + 1,
            message=f"version {version + 1}{upto} is not there, version {row.version} is",
        )
        self._found.findings.append((finding, (row.position,)))

    def _tell(self, kind: Kind, row: Row, why: str, *elsewhere: int) -> None:
        finding = Finding(
            kind=kind,
            position=row.position,
            entry=entry_id(row.entry),
            version=row.version,
            message=why,
        )
        self._found.findings.append((finding, (row.position, *elsewhere)))


def _reason(error: UndecodableEvent) -> str:
    """Return why an event cannot be read, without its position."""
    return str(error).partition(": ")[2]
