"""`decide`: what a command makes happen, or why it must not.

Pure: the time is passed in, and so is whatever else a rule has to know (`Lookup`).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from ledger.domain import editions, ids, permalinks, rules
from ledger.domain.commands import (
    Command,
    CreateEntry,
    EditEntry,
    EntryCommand,
    MergeEntry,
    PublishCorrection,
    ReinstateEntry,
    RetractEntry,
    RevertEntry,
    digest_of,
)
from ledger.domain.entry import NewsEntry
from ledger.domain.events import (
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    EntryMerged,
    EntryReinstated,
    EntryRetracted,
    Event,
    EventData,
    Meta,
)
from ledger.domain.values import FIELDS
from ledger.errors import (
    EntryClosed,
    EntryExists,
    InvalidInput,
    NothingChanged,
    Refused,
    VersionNotFound,
)


class Lookup(Protocol):
    """What a rule may ask beside the entry's own state."""

    def version(self, entry: UUID, version: int) -> NewsEntry:
        """Return the entry as that version has it; VersionNotFound where there is none."""

    def current(self, entry: UUID) -> NewsEntry:
        """Return the entry as it is; EntryNotFound where there is none."""


class Decided(NamedTuple):
    """What a command makes happen to an entry in a state; None: where there is no entry."""

    state: NewsEntry | None
    event: Event


def entry_of(command: Command) -> UUID:
    """Return the id of the entry that a command is about, a new one's too."""
    if isinstance(command, CreateEntry):
        if not isinstance(command.date, date):
            raise InvalidInput(f"the date is no date but {command.date!r}")
        return command.entry or ids.new_entry_id(command.date, command.id)
    if isinstance(command, EntryCommand):
        return command.entry
    raise TypeError(f"{type(command).__name__} is no command")


def decide(
    command: Command, state: NewsEntry | None, now: datetime, lookup: Lookup
) -> list[Event]:
    """Return the events that a command makes happen.

    Args:
        command: What is wanted.
        state: The entry as it is; None where there is none.
        now: The present time, aware.
        lookup: Where to find earlier versions and other entries.

    Raises:
        InvalidInput: A value cannot be taken.
        Refused: A rule forbids the command in this state.
    """
    if isinstance(command, CreateEntry):
        if state is not None:
            raise EntryExists(f"entry {state.id} is already in the ledger")
        data: EventData = _create(command, now)
        entry, version = entry_of(command), 1
    else:
        if state is None:
            raise TypeError("an entry's command needs the entry's state")
        data = _change(command, state, now, lookup)
        entry, version = state.id, state.version + 1
    data = replace(data, digest=digest_of(command))
    return [storable(Event(entry, version, meta_of(command, now), data))]


def storable(event: Event) -> Event:
    """Return an event that can be read again: one that cannot would stop every reader."""
    for part in (event.meta, event.data):
        try:
            msgspec.msgpack.decode(msgspec.msgpack.encode(part), type=type(part))
        except (msgspec.MsgspecError, TypeError, UnicodeError) as error:
            raise InvalidInput(f"the command holds a value of the wrong kind: {error}") from None
    return event


def meta_of(command: Command, now: datetime) -> Meta:
    """Return who, why and when of what a command makes happen."""
    published_at = now if command.published_at is None else command.published_at
    return Meta(
        actor=rules.check_text("actor", command.actor),
        reason=None if command.reason is None else rules.check_text("reason", command.reason),
        minor=command.minor,
        published_at=rules.check_published_at(published_at, now),
        basis=command.basis,
        command=command.id,
    )


def _create(command: CreateEntry, now: datetime) -> EntryCreated:
    edition = editions.edition(command.edition)
    headline = rules.check_text("headline", command.headline)
    values = {name: getattr(command, name) for name in FIELDS}
    if command.slug is None:
        values["slug"] = permalinks.slugify(headline, edition)
    if command.language is None:
        values["language"] = edition.language
    checked = {name: rules.check_field(name, value, now) for name, value in values.items()}
    return EntryCreated(
        **checked,  # type: ignore[arg-type]
        inferred=rules.check_inferred(command.inferred),
        origin=command.origin,
    )


def _change(command: Command, state: NewsEntry, now: datetime, lookup: Lookup) -> EventData:
    match command:
        case EditEntry():
            _require_active(state, "edited")
            return _edit(command, state, _wanted(command, state), now)
        case RevertEntry():
            _require_active(state, "reverted")
            return _revert(command, state, lookup)
        case RetractEntry():
            _require_active(state, "retracted")
            return EntryRetracted(origin=command.origin)
        case ReinstateEntry():
            if state.status == "active":
                raise Refused(f"entry {state.id} is neither retracted nor merged")
            return EntryReinstated(origin=command.origin)
        case PublishCorrection():
            if state.status == "merged":
                raise _closed(state, "corrected")
            text = rules.check_text("text of the correction", command.text)
            return CorrectionPublished(kind=command.kind, text=text, origin=command.origin)
        case MergeEntry():
            _require_active(state, "merged")
            return _merge(command, state, lookup)
        case _:
            raise TypeError(f"{type(command).__name__} is no command to an entry")


def _wanted(command: EditEntry, state: NewsEntry) -> dict[str, object]:
    """Return the fields that an edit names, its additions and removals worked in."""
    wanted = {name: value for name in FIELDS if (value := getattr(command, name)) is not UNSET}
    if command.add_sources or command.remove_sources:
        base = state.sources if command.sources is UNSET else command.sources
        for number in command.remove_sources:
            if not 1 <= number <= len(base):
                raise InvalidInput(f"there is no source {number}; the entry has {len(base)}")
        kept = (s for n, s in enumerate(base, 1) if n not in command.remove_sources)
        wanted["sources"] = (*kept, *command.add_sources)
    if command.add_contexts or command.remove_contexts:
        names = state.contexts if command.contexts is UNSET else command.contexts
        for name in command.remove_contexts:
            if name not in names:
                raise InvalidInput(f"the entry has no context {name!r}")
        stay = (name for name in names if name not in command.remove_contexts)
        wanted["contexts"] = (*stay, *command.add_contexts)
    return wanted


def _edit(
    command: EditEntry, state: NewsEntry, wanted: dict[str, object], now: datetime
) -> EntryEdited:
    # Checked before compared: contexts, for one, lose their repetitions.
    checked = {name: rules.check_field(name, value, now) for name, value in wanted.items()}
    headline = checked.get("headline", state.headline)
    if headline != state.headline and "slug" not in checked:
        edition = editions.edition(str(checked.get("edition", state.edition)))
        checked["slug"] = permalinks.slugify(str(headline), edition)
    changed = {name: value for name, value in checked.items() if value != getattr(state, name)}
    inferred = command.inferred
    if inferred is not UNSET:
        inferred = rules.check_inferred(inferred)
        if inferred == tuple(name for name in state.inferred if name not in changed):
            inferred = UNSET
    if not changed and inferred is UNSET:
        raise NothingChanged(f"entry {state.id} already says that: nothing was changed")
    return EntryEdited(**changed, inferred=inferred, origin=command.origin)  # type: ignore[arg-type]


def _revert(command: RevertEntry, state: NewsEntry, lookup: Lookup) -> EntryEdited:
    if not 1 <= command.to_version <= state.version:
        raise VersionNotFound(
            f"entry {state.id} has no version {command.to_version}; it has 1 to {state.version}"
        )
    is_current = command.to_version == state.version
    earlier = state if is_current else lookup.version(state.id, command.to_version)
    changed = {
        name: value for name in FIELDS if (value := getattr(earlier, name)) != getattr(state, name)
    }
    if not changed:
        raise NothingChanged(
            f"entry {state.id} already reads as in version {earlier.version}: nothing was changed"
        )
    inherited = tuple(name for name in state.inferred if name not in changed)
    inferred = earlier.inferred if earlier.inferred != inherited else UNSET
    return EntryEdited(
        **changed,
        reverts_to=earlier.version,
        inferred=inferred,
        origin=command.origin,
    )


def _merge(command: MergeEntry, state: NewsEntry, lookup: Lookup) -> EntryMerged:
    if command.into == state.id:
        raise InvalidInput(f"entry {state.id} cannot be merged into itself")
    target = lookup.current(command.into)
    if target.status != "active":
        raise EntryClosed(f"entry {target.id} is {target.status}: nothing can be merged into it")
    return EntryMerged(into=target.id, origin=command.origin)


def _require_active(state: NewsEntry, done: str) -> None:
    if state.status != "active":
        raise _closed(state, done)


def _closed(state: NewsEntry, done: str) -> EntryClosed:
    into = f" into {state.merged_into}" if state.merged_into else ""
    return EntryClosed(
        f"entry {state.id} is {state.status}{into}: it cannot be {done} before it is reinstated"
    )
