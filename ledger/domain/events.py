"""What happened: immutable facts, in the past tense.

An event is stored in two parts. `Meta` says who, why and when; the event's data says what.
They are encoded apart, so that the text can be erased one day while the rest survives.

A stored type is named `EntryEdited@1`: the class and its schema, never a Python path. The data
forbids unknown fields: an old program must fail rather than fold wrongly. In `EntryEdited`,
UNSET means *not edited* and None means *removed*.

No event can be part of a cycle of references, so Python's garbage collector leaves them alone
(`gc=False`): where many are at hand, its looking through them takes longer than decoding them.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ledger.domain.values import AS_EDITION, FIELDS, Basis, CorrectionKind, Layout, Source


class Meta(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """Who did it, why, and when it became public.

    Attributes:
        actor: Who, by name. A claim, not an authenticated identity.
        reason: Why, in the actor's words.
        minor: Whether the actor called it a minor edit.
        published_at: When this version became public; aware, UTC.
        basis: How that time is known.
        command: The id of the command that this event answers.
        digest: In events of older programs, what is `EventData.digest` now.
    """

    actor: str
    published_at: datetime
    command: UUID
    digest: bytes = b""
    basis: Basis = "stated"
    reason: str | None = None
    minor: bool = False


class EventData(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    gc=False,
):
    """Base of what an event says. A subclass's docstring tells what has happened.

    Attributes:
        origin: Where it was learned: a page's path, a commit. None for a command given here.
        digest: The digest of the command that it answers (`commands.digest_of`), so that its id
            is not taken for another one. It is here because it goes when the text goes: who can
            guess a text could tell from its digest that he is right.
    """

    __schema__ = 1

    origin: str | None = None
    digest: bytes = b""


class EntryCreated(EventData, frozen=True, kw_only=True):
    """An entry came into being.

    Attributes:
        inferred: The fields whose value an import had to assume.
    """

    date: date
    headline: str
    slug: str
    edition: str
    language: str
    topic: str | None = None
    summary: str | None = None
    sources: tuple[Source, ...] = ()
    cover_image: str | None = None
    contexts: tuple[str, ...] = ()
    layout: Layout = AS_EDITION
    inferred: tuple[str, ...] = ()


class EntryEdited(EventData, frozen=True, kw_only=True):
    """Some fields changed; only those are here.

    Attributes:
        reverts_to: The version that this edit restores, where it restores one.
        inferred: The fields whose value is an import's assumption from here on. UNSET: those that
            were so before, less the ones edited here.
    """

    date: date | UnsetType = UNSET
    headline: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    topic: str | UnsetType | None = UNSET
    summary: str | UnsetType | None = UNSET
    sources: tuple[Source, ...] | UnsetType = UNSET
    cover_image: str | UnsetType | None = UNSET
    contexts: tuple[str, ...] | UnsetType = UNSET
    language: str | UnsetType = UNSET
    edition: str | UnsetType = UNSET
    layout: Layout | UnsetType = UNSET
    reverts_to: int | None = None
    inferred: tuple[str, ...] | UnsetType = UNSET


class EntryRetracted(EventData, frozen=True, kw_only=True):
    """The entry was taken back: it stays readable, marked, and takes no edits."""


class EntryReinstated(EventData, frozen=True, kw_only=True):
    """A retraction or a merge was undone."""


class CorrectionPublished(EventData, frozen=True, kw_only=True):
    """A public note was put on the entry; its fields stay as they are."""

    kind: CorrectionKind
    text: str


class EntryMerged(EventData, frozen=True, kw_only=True):
    """The entry was merged into another, which goes on in its place."""

    into: UUID


class EntryErased(EventData, frozen=True, kw_only=True):
    """Content of earlier versions was taken away for good; it is recorded who wanted it.

    Attributes:
        authority: Who: a court by its order, a person by a request.
        blanked: What was taken away: `@<position> content <digest>` or `@<position> meta <digest>`
            each, with the SHA-256 of the stored bytes, so that every proof goes on to hold. In
            text, so that the database itself can look for it.
    """

    authority: str
    blanked: tuple[str, ...]


class Remains(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """What is left of a version whose content was erased.

    Attributes:
        version: Which.
        stays: What it set that later versions still show, and how it was filed.
        gone: Names of what else it set: fields, or the text of a correction.
        imported: Whether an import had said it.
        kind: That of the correction that it was.
        into: The entry that it was merged into.
        meta: Who and when, in the place of what was taken away of that; None: nothing was.
    """

    version: int
    stays: EntryEdited = EntryEdited()
    gone: tuple[str, ...] = ()
    imported: bool = False
    kind: CorrectionKind | None = None
    into: UUID | None = None
    meta: Meta | None = None


class EntryRestated(EventData, frozen=True, kw_only=True):
    """What remains of all erased versions was said anew; no version reads differently by it.

    Attributes:
        versions: One for each erased version; they count in place of all that was restated before.
    """

    versions: tuple[Remains, ...]


EVENT_TYPES: dict[str, type[EventData]] = {
    cls.__name__: cls
    for cls in (
        EntryCreated,
        EntryEdited,
        EntryRetracted,
        EntryReinstated,
        CorrectionPublished,
        EntryMerged,
        EntryErased,
        EntryRestated,
    )
}


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event of one entry.

    Attributes:
        entry: The entry's id.
        version: The version of the entry that this event makes: 1, 2, 3, ...
        meta: Who, why, when.
        data: What.
    """

    entry: UUID
    version: int
    meta: Meta
    data: EventData


class Erasure(msgspec.Struct, frozen=True):
    """What was taken away of an event.

    Attributes:
        position: The `EntryErased` event that says so.
        text: Whether what the event said is gone, but for what still shows elsewhere.
        names: Whether the actor's name is gone, and the reason with it.
        restated: Whether who, why and when is told anew, be it with the names.
        fields: Names of what is gone of the text: fields, or the text of a correction.
    """

    position: int
    text: bool
    names: bool
    fields: tuple[str, ...] = ()
    restated: bool = False


class RecordedEvent(Event, frozen=True):
    """An event that the store has taken.

    Attributes:
        position: Its place in the log: 1, 2, 3, ... without gaps.
        recorded_at: When the store took it; aware, UTC; it never runs backwards along the log.
        erased: What was taken away of it; notices stand in `data` and `meta` where that was.
    """

    position: int
    recorded_at: datetime
    erased: Erasure | None = None


def edited(data: EntryEdited) -> dict[str, object]:
    """Return the fields that an edit set, with their values, in their usual order."""
    # Asked one by one, as every fold and every list of changes asks this of every edit: a loop
    # over their names takes four times as long.
    found: dict[str, object] = {}
    if data.date is not UNSET:
        found["date"] = data.date
    if data.headline is not UNSET:
        found["headline"] = data.headline
    if data.slug is not UNSET:
        found["slug"] = data.slug
    if data.topic is not UNSET:
        found["topic"] = data.topic
    if data.summary is not UNSET:
        found["summary"] = data.summary
    if data.sources is not UNSET:
        found["sources"] = data.sources
    if data.cover_image is not UNSET:
        found["cover_image"] = data.cover_image
    if data.contexts is not UNSET:
        found["contexts"] = data.contexts
    if data.language is not UNSET:
        found["language"] = data.language
    if data.edition is not UNSET:
        found["edition"] = data.edition
    if data.layout is not UNSET:
        found["layout"] = data.layout
    return found


def fields_set(event: Event) -> tuple[str, ...]:
    """Return the names of the fields that an event set, in their usual order."""
    data = event.data
    if isinstance(data, EntryEdited):
        return tuple(edited(data))
    if isinstance(data, EntryCreated):
        return tuple(name for name in FIELDS if getattr(data, name) not in (None, ()))
    return ()
