"""Given a history, when a command, then an event: the domain without a store."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger.domain.commands import (
    Command,
    CreateEntry,
    EditEntry,
    MergeEntry,
    PublishCorrection,
    ReinstateEntry,
    RetractEntry,
    RevertEntry,
    digest_of,
)
from ledger.domain.decide import decide, entry_of
from ledger.domain.entry import NewsEntry, fold
from ledger.domain.events import EntryEdited, Event, EventData
from ledger.errors import EntryNotFound, LedgerError, VersionNotFound
from tests.conftest import NOW

ENTRY = UUID("20140213-0000-8000-8000-00000000000a")
OTHER = UUID("20140213-0000-8000-8000-00000000000b")
COMMAND = UUID("00000000-0000-4000-8000-0000000000c1")
DAY = date(2014, 2, 13)
HEADLINE = "Café bridge opens"
TEXT = "The new bridge over the river is open."


class World:
    """Entries and their events in memory: what `decide` may look up."""

    def __init__(self) -> None:
        self._events: dict[UUID, list[Event]] = {}

    def when(self, command: Command, now: datetime = NOW) -> Event:
        """Decide a command, and let the event that it makes happen."""
        entry = entry_of(command)
        (event,) = decide(command, fold(self.events(entry)), now, self)
        self._events.setdefault(entry, []).append(event)
        return event

    def says(self, command: Command) -> EventData:
        """Decide a command, and return what its event says beside the command's digest."""
        data = self.when(command).data
        assert data.digest == digest_of(command)
        return replace(data, digest=b"")

    def edited(self, command: Command) -> EntryEdited:
        """Decide a command that makes an edit, and return what it says; see `says`."""
        data = self.says(command)
        assert isinstance(data, EntryEdited)
        return data

    def events(self, entry: UUID = ENTRY) -> list[Event]:
        return self._events.get(entry, [])

    def current(self, entry: UUID = ENTRY) -> NewsEntry:
        state = fold(self.events(entry))
        if state is None:
            raise EntryNotFound(f"there is no entry {entry}")
        return state

    def version(self, entry: UUID, version: int) -> NewsEntry:
        state = fold(self.events(entry)[:version])
        if state is None or state.version != version:
            raise VersionNotFound(f"entry {entry} has no version {version}")
        return state


def given(*commands: Command) -> World:
    """Return a world in which `commands` have happened."""
    world = World()
    for command in commands:
        world.when(command)
    return world


def refused(world: World, command: Command, error: type[LedgerError], message: str) -> None:
    """Hold a command to be refused, with exactly this error, and with nothing happening."""
    before = [*world.events()]
    with pytest.raises(error) as caught:
        world.when(command)
    assert caught.type is error
    assert str(caught.value) == message
    assert world.events() == before


ANN: dict[str, Any] = {"actor": "ann", "entry": ENTRY}


def create(headline: str = HEADLINE, **fields: Any) -> CreateEntry:
    return CreateEntry(**ANN | {"date": DAY, "headline": headline} | fields)


def edit(**fields: Any) -> EditEntry:
    return EditEntry(**ANN | fields)


def revert(to_version: int, **fields: Any) -> RevertEntry:
    return RevertEntry(**ANN | {"to_version": to_version} | fields)


def retract(**fields: Any) -> RetractEntry:
    return RetractEntry(**ANN | fields)


def reinstate(**fields: Any) -> ReinstateEntry:
    return ReinstateEntry(**ANN | fields)


def correct(text: str = "The river was misnamed.", **fields: Any) -> PublishCorrection:
    return PublishCorrection(**ANN | {"text": text} | fields)


def merge(into: UUID = OTHER, **fields: Any) -> MergeEntry:
    return MergeEntry(**ANN | {"into": into} | fields)
