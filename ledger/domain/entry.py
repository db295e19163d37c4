"""`NewsEntry` and its fold: what an entry is after each of its events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from ledger.domain import editions, permalinks
from ledger.domain.events import (
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    EntryErased,
    EntryMerged,
    EntryReinstated,
    EntryRestated,
    EntryRetracted,
    Event,
    edited,
)
from ledger.domain.values import AS_EDITION, Correction, Layout, Source, Status
from ledger.errors import UndecodableEvent, VersionNotFound


class NewsEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An entry as one of its versions has it.

    Attributes:
        id: Its id, for life.
        version: 1 for the first version.
        date: The day it is filed under.
        headline, topic, summary, contexts: CommonMark inline text, kept as published.
        slug: The last part of the path that it wants; see the permalinks view for the path it has.
        sources: In the order listed.
        cover_image: An address.
        language: A BCP 47 tag.
        edition: A code of `editions.EDITIONS`.
        layout: How its page was published.
        status: active, retracted or merged.
        published_at: When this version became public: the running maximum of the times stated,
            so it never runs backwards within an entry; aware, UTC.
        merged_into: The entry that goes on in its place.
        corrections: The public notes, oldest first.
        inferred: Names of the fields whose value an import had to assume.
    """

    id: UUID
    version: int
    date: date
    headline: str
    slug: str
    edition: str
    language: str
    published_at: datetime
    topic: str | None = None
    summary: str | None = None
    sources: tuple[Source, ...] = ()
    cover_image: str | None = None
    contexts: tuple[str, ...] = ()
    layout: Layout = AS_EDITION
    status: Status = "active"
    merged_into: UUID | None = None
    corrections: tuple[Correction, ...] = ()
    inferred: tuple[str, ...] = ()

    @property
    def wanted_path(self) -> str:
        """The path it asks for; another entry may have been there first."""
        return permalinks.path_of(self.date, self.slug)

    @property
    def prefix(self) -> str:
        """Where links to this entry's pages point."""
        if self.layout.prefix is not None:
            return self.layout.prefix
        return editions.edition(self.edition).prefix


def evolve(state: NewsEntry | None, event: Event) -> NewsEntry:
    """Return the entry after `event`.

    Args:
        state: The entry before it; None before its first event.
        event: The next event of the same entry.

    Raises:
        UndecodableEvent: The event cannot follow this state: such a history is damaged.
    """
    data = event.data
    if state is None:
        if event.version != 1 or not isinstance(data, EntryCreated):
            raise _illegal(event, "a history begins with EntryCreated, version 1")
        return _create(event, data)
    # Their numbers: ids themselves are compared in Python.
    if event.entry.int != state.id.int:
        raise _illegal(event, f"it is not of entry {state.id}")
    if event.version != state.version + 1:
        raise _illegal(event, f"it cannot follow version {state.version}")
    changed: dict[str, object]
    match data:
        case EntryEdited():
            changed = _edited_fields(state, data)
        case EntryRetracted():
            changed = {"status": "retracted"}
        case EntryReinstated():
            changed = {"status": "active", "merged_into": None}
        case CorrectionPublished():
            note = Correction(data.kind, data.text, event.version)
            changed = {"corrections": (*state.corrections, note)}
        case EntryMerged():
            changed = {"status": "merged", "merged_into": data.into}
        case EntryErased() | EntryRestated():
            changed = {}
        case _:
            raise _illegal(event, "it cannot happen to an entry that exists")
    changed["version"] = event.version
    if event.meta.published_at > state.published_at:
        changed["published_at"] = event.meta.published_at
    return replace(state, **changed)


def fold(events: Iterable[Event], state: NewsEntry | None = None) -> NewsEntry | None:
    """Return the entry after all `events`, from `state` on."""
    for event in events:
        state = evolve(state, event)
    return state


def at_version(events: Sequence[Event], version: int) -> NewsEntry:
    """Return an entry as a version has it.

    Args:
        events: All its events, from the first on.
        version: Which.

    Raises:
        VersionNotFound: It has no such version.
    """
    state = fold(events[:version]) if 1 <= version <= len(events) else None
    if state is None:
        raise VersionNotFound(
            f"entry {events[0].entry} has no version {version}; it has 1 to {len(events)}"
        )
    return state


def _create(event: Event, data: EntryCreated) -> NewsEntry:
    return NewsEntry(
        id=event.entry,
        version=1,
        published_at=event.meta.published_at,
        date=data.date,
        headline=data.headline,
        slug=data.slug,
        edition=data.edition,
        language=data.language,
        topic=data.topic,
        summary=data.summary,
        sources=data.sources,
        cover_image=data.cover_image,
        contexts=data.contexts,
        layout=data.layout,
        inferred=data.inferred,
    )


def _edited_fields(state: NewsEntry, data: EntryEdited) -> dict[str, object]:
    changes = edited(data)
    if data.inferred is not UNSET:
        changes["inferred"] = data.inferred
    elif state.inferred:
        changes["inferred"] = tuple(name for name in state.inferred if name not in changes)
    return changes


def _illegal(event: Event, why: str) -> UndecodableEvent:
    position = getattr(event, "position", 0)
    where = f"position {position}: " if position else ""
    return UndecodableEvent(
        f"{where}{type(event.data).__name__} as version {event.version} of entry {event.entry}: "
        f"{why}; the history is damaged",
        position,
    )
