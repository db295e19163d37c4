"""Erasure: which text of an entry can go, what stays of it, and how an erased version reads.

An edit stores only what changed, so later versions inherit from earlier ones. What an erased
version set is gone if no version that stays shows it; all else is restated, so that those read as
they did. A version of a retracted or merged entry shows nothing that would have to stay.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from ledger.domain.commands import EraseVersions
from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import (
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    EntryErased,
    EntryMerged,
    EntryRestated,
    EventData,
    Meta,
    RecordedEvent,
    Remains,
)
from ledger.domain.permalinks import ERASED
from ledger.domain.values import FIELDS
from ledger.errors import InvalidInput, NothingChanged, Refused, VersionNotFound

FILING = frozenset({"date", "language", "edition", "layout"})
"""The fields that are no text but tell how an entry is filed: they always stay."""

NAME = "[erased]"
"""Stands where a name was."""


def notice(position: int) -> str:
    """Return what stands where a text was, given the position of the event that says so."""
    return f"[erased, as event {position} says]"


def slot(position: int) -> str:
    """Return the slug of a version whose own is gone, given its event's position."""
    return f"{ERASED}{position}"


class Kept(msgspec.Struct, frozen=True):
    """A field that an erased version set and that stays.

    Attributes:
        version: The erased version.
        field: The field.
        shown_by: The versions that show it and are not erased; none: the path of another entry
            was numbered after this slug.
    """

    version: int
    field: str
    shown_by: tuple[int, ...]


class Plan(msgspec.Struct, frozen=True):
    """What an erasure comes to.

    Attributes:
        gone: Version to the names of what goes: fields, or the text of a correction.
        kept: What they set that stays.
        contents: The versions whose content is blanked, restatements that no longer count too.
        metas: The versions whose meta is blanked.
        remains: What remains of all erased versions, of those that were erased before too.
    """

    gone: dict[int, tuple[str, ...]]
    kept: tuple[Kept, ...]
    contents: tuple[int, ...]
    metas: tuple[int, ...]
    remains: tuple[Remains, ...]


def plan(
    events: Sequence[RecordedEvent], command: EraseVersions, numbering: Collection[int] = ()
) -> Plan:
    """Return what it takes to erase versions of an entry.

    Args:
        events: All its events.
        command: What is wanted.
        numbering: The versions at which it came to a path that another entry's was numbered
            after: their slugs stay, or that one's path would be another.

    Raises:
        InvalidInput: Neither text nor names are to go, or a version says none.
        VersionNotFound: There is no such version.
        Refused: The current version still shows the text, or nothing would go.
    """
    wanted = _wanted(events, command)
    erased = {event.version for event in events if _content_is_erased(event)}
    nameless = {e.version for e in events if e.erased is not None and e.erased.names}
    texts = erased | wanted if command.text else erased
    names = nameless | wanted if command.names else nameless
    # An older program's digest of the command is in the meta; it tells who guesses the text.
    telling = {e.version for e in events if e.meta.digest and e.version in texts}
    restated = {e.version for e in events if e.erased is not None and e.erased.restated}
    witnesses = _witnesses(events, texts)
    last = _last_setters(events)
    gone: dict[int, tuple[str, ...]] = {}
    kept: list[Kept] = []
    remains: list[Remains] = []
    shown: list[tuple[int, str]] = []
    for event in events:
        version = event.version
        if version not in texts | names | restated or isinstance(event.data, EntryRestated):
            continue
        left: dict[str, object] = {}
        lost: list[str] = []
        for field, value in _set_by(event).items() if version in texts else ():
            # Whoever inherits it, and whoever says the same by himself.
            shown_by = tuple(w for w, state in witnesses.items() if getattr(state, field) == value)
            if event.erased is not None and field in event.erased.fields:
                lost.append(field)
            elif field in FILING or not value:
                left[field] = value
            elif shown_by or _is_numbered(version, field, last, numbering):
                left[field] = value
                if version in wanted and command.text:
                    kept.append(Kept(version, field, shown_by))
            elif last[version, field] > len(events) and _status(events) == "active":
                shown.append((version, field))
            else:
                lost.append(field)
        if isinstance(event.data, CorrectionPublished) and version in texts:
            lost.append("text")
        had = event.erased.fields if event.erased is not None else ()
        if new := tuple(field for field in lost if field not in had):
            gone[version] = new
        meta = _nameless(event.meta) if version in names else replace(event.meta, digest=b"")
        is_restated = version in names | telling | restated
        remains.append(_remains(event, left, lost, meta if is_restated else None))
    if shown:
        # What is asked for comes before what stayed of an erasure before.
        version, field = min(shown, key=lambda pair: pair[0] not in wanted)
        raise Refused(
            f"the entry still shows the {field} of version {version}: replace it with an edit, or "
            "retract the entry, first"
        )
    if not gone and not names - nameless:
        raise _nothing_goes(wanted, kept)
    superseded = {
        event.version
        for event in events
        if isinstance(event.data, EntryRestated) and event.data.versions
    }
    return Plan(
        gone=gone,
        kept=tuple(kept),
        contents=tuple(sorted((texts | superseded) - erased)),
        metas=tuple(sorted(names - nameless | telling)),
        remains=tuple(remains),
    )


def _wanted(events: Sequence[RecordedEvent], command: EraseVersions) -> set[int]:
    if not command.text and not command.names:
        raise InvalidInput("nothing to erase: neither text nor names")
    if not command.versions:
        raise InvalidInput("nothing to erase: name a version")
    for version in command.versions:
        if type(version) is not int:
            raise InvalidInput(f"{version!r} is no version: they are numbers")
        if not 1 <= version <= len(events):
            raise VersionNotFound(
                f"entry {command.entry} has no version {version}; it has 1 to {len(events)}"
            )
        event = events[version - 1]
        if isinstance(event.data, EntryErased | EntryRestated):
            raise InvalidInput(f"version {version} is an erasure itself, which stays")
    return set(command.versions)


def _content_is_erased(event: RecordedEvent) -> bool:
    return event.erased is not None and event.erased.text


def _is_numbered(
    version: int, field: str, last: Mapping[tuple[int, str], int], numbering: Collection[int]
) -> bool:
    return field == "slug" and any(version <= at < last[version, field] for at in numbering)


def _set_by(event: RecordedEvent) -> dict[str, object]:
    """Return the fields that an event set."""
    data = event.data
    if not isinstance(data, EntryCreated | EntryEdited):
        return {}
    return {name: value for name in FIELDS if (value := getattr(data, name)) is not UNSET}


def _last_setters(events: Sequence[RecordedEvent]) -> dict[tuple[int, str], int]:
    """Return for each version and field it set the version that set it next, if only to come."""
    found: dict[tuple[int, str], int] = {}
    until: dict[str, int] = {}
    for event in reversed(events):
        for field in _set_by(event):
            found[event.version, field] = until.get(field, len(events) + 1)
            until[field] = event.version
    return found


def _witnesses(events: Sequence[RecordedEvent], erased: Collection[int]) -> dict[int, NewsEntry]:
    """Return the versions that have to read as they did, and how that is."""
    found: dict[int, NewsEntry] = {}
    state = None
    for event in events:
        state = evolve(state, event)
        if (
            event.version not in erased
            and state.status == "active"
            and not isinstance(event.data, EntryErased | EntryRestated)
        ):
            found[event.version] = state
    return found


def _status(events: Sequence[RecordedEvent]) -> str:
    state = None
    for event in events:
        state = evolve(state, event)
    return "" if state is None else state.status


def _remains(
    event: RecordedEvent, left: Mapping[str, object], lost: Sequence[str], meta: Meta | None
) -> Remains:
    data = event.data
    inferred = data.inferred if isinstance(data, EntryCreated | EntryEdited) else UNSET
    return Remains(
        version=event.version,
        stays=EntryEdited(
            **left,  # type: ignore[arg-type]
            inferred=inferred,
            reverts_to=data.reverts_to if isinstance(data, EntryEdited) else None,
        ),
        gone=tuple(lost),
        kind=data.kind if isinstance(data, CorrectionPublished) else None,
        into=data.into if isinstance(data, EntryMerged) else None,
        meta=meta,
        imported=data.origin is not None,
    )


def _nameless(meta: Meta) -> Meta:
    return Meta(
        actor=NAME,
        published_at=meta.published_at,
        command=meta.command,
        basis=meta.basis,
        minor=meta.minor,
    )


def _nothing_goes(wanted: Collection[int], kept: Sequence[Kept]) -> Refused:
    versions = ", ".join(map(str, sorted(wanted)))
    shown = sorted({version for one in kept for version in one.shown_by})
    if not shown and kept:
        return Refused(
            f"nothing would go: the slug of version {versions} stays, because the path of another "
            "entry was numbered after it"
        )
    if not shown:
        return NothingChanged(
            f"version {versions} says nothing that could be erased, or it was erased already (if "
            "that was cut short, `ledger purge` finishes it)"
        )
    fields = ", ".join(dict.fromkeys(one.field for one in kept if one.shown_by))
    return Refused(
        f"nothing would go: version {', '.join(map(str, shown))} still shows the {fields} of "
        f"version {versions}: replace it with an edit, or retract the entry, first; then erase "
        "all versions that show it"
    )


def substitute(cls: type[EventData], position: int, by: int, remains: Remains) -> EventData:
    """Return what an event says whose content was erased.

    Args:
        cls: The event's class.
        position: Its position.
        by: The position of the event that says that it was erased.
        remains: What remains of it.
    """
    values = {
        name: value for name in FIELDS if (value := getattr(remains.stays, name)) is not UNSET
    } | {name: _placeholder(name, position, by) for name in remains.gone if name in FIELDS}
    origin = NAME if remains.imported else None
    if cls is EntryCreated:
        inferred = remains.stays.inferred
        return EntryCreated(
            **values,
            inferred=() if inferred is UNSET else inferred,
            origin=origin,
        )
    if cls is EntryEdited:
        return EntryEdited(
            **values,
            inferred=remains.stays.inferred,
            reverts_to=remains.stays.reverts_to,
            origin=origin,
        )
    if cls is CorrectionPublished and remains.kind is not None:
        return CorrectionPublished(kind=remains.kind, text=notice(by))
    if cls is EntryMerged and remains.into is not None:
        return EntryMerged(into=remains.into)
    if cls is EntryRestated:
        return EntryRestated(versions=())
    return cls()


def _placeholder(field: str, position: int, by: int) -> object:
    match field:
        case "slug":
            return slot(position)
        case "headline" | "topic" | "summary":
            return notice(by)
        case "cover_image":
            return None
        case _:
            return ()
