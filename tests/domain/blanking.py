"""The events of one entry as a log keeps them, where what was erased of them is blank."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger.domain.commands import Command, EraseVersions
from ledger.domain.decide import decide, entry_of, meta_of
from ledger.domain.entry import NewsEntry, at_version, fold
from ledger.domain.erasure import Plan, plan
from ledger.domain.events import EntryErased, EntryRestated, Event, EventData, RecordedEvent
from ledger.errors import LedgerError
from ledger.store.erasures import blanked, erasures_of
from ledger.store.leaf import digest_of
from ledger.store.mapper import EventMapper
from ledger.store.rows import Row, to_microseconds
from tests.conftest import NOW
from tests.domain.scenario import ANN, OTHER, create

MAPPER = EventMapper()


def erase(*versions: int, **fields: Any) -> EraseVersions:
    return EraseVersions(**ANN | {"versions": versions, "authority": "Court of Lee"} | fields)


REPLACE = "replace it with an edit, or retract the entry, first"
NOTHING = (
    "says nothing that could be erased, or it was erased already (if that was cut short, `ledger "
    "purge` finishes it)"
)


class Log:
    """An entry's events, at positions 1, 2, 3, ..."""

    def __init__(self, *commands: Command) -> None:
        self._rows: list[Row] = []
        for command in commands:
            self.when(command)

    def when(self, command: Command, *, older: bool = False) -> RecordedEvent:
        """Decide a command, and record the event that it makes happen.

        Args:
            command: What to decide.
            older: Record it as older programs did, with the digest of the command in its meta.
        """
        (event,) = decide(command, fold(self.events()), NOW, self)
        if older:
            meta = replace(event.meta, digest=event.data.digest)
            event = replace(event, meta=meta, data=replace(event.data, digest=b""))
        return self._record(event)

    def plan(self, command: EraseVersions, numbering: Collection[int] = ()) -> Plan:
        return plan(self.events(), command, numbering)

    def erase(self, *versions: int, **fields: Any) -> Plan:
        """Erase versions; return what it came to."""
        command = erase(*versions, **fields)
        done = self.plan(command)
        lines: list[str] = []
        erasures = erasures_of(self._rows, MAPPER)
        for wanted, name in ((done.contents, "content"), (done.metas, "meta")):
            for version in wanted:
                row = self._rows[version - 1]
                was = getattr(erasures.resolved(row), name)
                lines.append(blanked(row.position, name, digest_of(was)))
                blank: dict[str, Any] = {name: b""}
                self._rows[version - 1] = row._replace(**blank)
        self._say(command, EntryErased(authority="Court of Lee", blanked=tuple(lines)))
        self._say(command, EntryRestated(versions=done.remains))
        return done

    def events(self) -> list[RecordedEvent]:
        erasures = erasures_of(self._rows, MAPPER)
        return [erasures.event(erasures.resolved(row), MAPPER) for row in self._rows]

    def says(self, version: int) -> EventData:
        """Return what the event of a version says now."""
        return self.events()[version - 1].data

    def version(self, entry: UUID, version: int) -> NewsEntry:
        return at_version(self.events(), version)

    def current(self, entry: UUID) -> NewsEntry:
        """Return the other entry, the only one that commands here look at."""
        assert entry == OTHER
        (event,) = decide(create("Another bridge", entry=OTHER), None, NOW, self)
        state = fold([event])
        assert state is not None
        return state

    def _say(self, command: Command, data: EventData) -> None:
        self._record(Event(entry_of(command), len(self._rows) + 1, meta_of(command, NOW), data))

    def _record(self, event: Event) -> RecordedEvent:
        at, new = len(self._rows) + 1, MAPPER.to_row(event)
        row = Row(at, *new[:3], to_microseconds(NOW), *new[3:])
        self._rows.append(row)
        return MAPPER.to_event(row)


def refused(
    log: Log,
    command: EraseVersions,
    error: type[LedgerError],
    message: str,
    numbering: tuple[int, ...] = (),
) -> None:
    """Hold an erasure to be refused, with exactly this error."""
    with pytest.raises(error) as caught:
        log.plan(command, numbering)
    assert caught.type is error
    assert str(caught.value) == message
