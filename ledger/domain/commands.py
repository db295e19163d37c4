"""What somebody wants to happen: imperative, and refused where the rules forbid it.

Every command carries an `id`. The same id twice is the same command: it is stored once, and the
second answer is the first one. So a command whose answer was lost can simply be given again.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from hashlib import sha256
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ledger.domain import editions
from ledger.domain.chance import random_id
from ledger.domain.values import AS_EDITION, Basis, CorrectionKind, Layout, Source
from ledger.errors import InvalidInput


class Command(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all commands.

    Attributes:
        actor: Who gives it.
        reason: Why.
        minor: Whether it is a minor edit.
        published_at: When the result became public (aware); None: at the time of the command.
        basis: How that time is known.
        origin: Where an import found it.
        id: The command's own id.
        expected_version: The version it is based on; the command conflicts if the entry has moved
            on. None: whatever version is current.
    """

    actor: str
    reason: str | None = None
    minor: bool = False
    published_at: datetime | None = None
    basis: Basis = "stated"
    origin: str | None = None
    id: UUID = msgspec.field(default_factory=random_id)
    expected_version: int | None = None


def digest_of(command: Command) -> bytes:
    """Return 16 bytes that tell a command from others, whatever its id and its expectation.

    Fields at their default do not count, so that a field more in a later program changes nothing.
    Nor do who gives it and why: names may be erased, and a digest confirms a good guess.

    Raises:
        InvalidInput: A value is of a kind that no event can hold.
    """
    kept = {
        name: value
        for name, default in _counted(type(command))
        if (value := getattr(command, name)) is not default and value != default
    }
    try:
        if "remove_contexts" in kept:
            # A name that is taken away stands in no event of this edit, and may be erased where it
            # was: who guesses it must not be told here that he is right.
            kept["remove_contexts"] = len(kept["remove_contexts"])
        encoded = msgspec.msgpack.encode((type(command).__name__, kept), order="deterministic")
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"the command holds a value of the wrong kind: {error}") from None
    return sha256(encoded).digest()[:16]


_APART = {"id", "expected_version", "actor", "reason"}


@cache
def _counted(type_: type[Command]) -> tuple[tuple[str, object], ...]:
    """Return the names of the fields that count, with their defaults."""
    fields = msgspec.structs.fields(type_)
    return tuple((field.name, field.default) for field in fields if field.name not in _APART)


class CreateEntry(Command, frozen=True, kw_only=True):
    """Create an entry.

    Attributes:
        entry: Its id; None: derived from the date and the command's id.
        slug: The last part of its path; None: by the rule of `permalinks.slugify`.
        language: None: the edition's.
        inferred: Names of the fields whose value had to be assumed.
    """

    date: date
    headline: str
    entry: UUID | None = None
    slug: str | None = None
    topic: str | None = None
    summary: str | None = None
    sources: tuple[Source, ...] = ()
    cover_image: str | None = None
    contexts: tuple[str, ...] = ()
    language: str | None = None
    edition: str = editions.DEFAULT
    layout: Layout = AS_EDITION
    inferred: tuple[str, ...] = ()


class EntryCommand(Command, frozen=True, kw_only=True):
    """Base of the commands to an entry that exists."""

    entry: UUID


class EditEntry(EntryCommand, frozen=True, kw_only=True):
    """Change some fields. UNSET leaves one as it is; None removes it.

    A headline that changes moves the entry to the slug that the rule gives, unless `slug` is set.

    Attributes:
        add_sources: Sources to put behind those that are there, or behind `sources`.
        remove_sources: Numbers (from 1) of the sources to take away; best with an
            `expected_version`, as they count in the list that somebody looked at.
        add_contexts: Contexts to add; one that is there already stays once.
        remove_contexts: Contexts to take away.
        inferred: Names of the fields whose value is assumed from here on.
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
    add_sources: tuple[Source, ...] = ()
    remove_sources: tuple[int, ...] = ()
    add_contexts: tuple[str, ...] = ()
    remove_contexts: tuple[str, ...] = ()
    inferred: tuple[str, ...] | UnsetType = UNSET


class RevertEntry(EntryCommand, frozen=True, kw_only=True):
    """Give an entry all the fields that it had in an earlier version."""

    to_version: int


class RetractEntry(EntryCommand, frozen=True, kw_only=True):
    """Take an entry back, in public."""


class ReinstateEntry(EntryCommand, frozen=True, kw_only=True):
    """Undo a retraction or a merge."""


class PublishCorrection(EntryCommand, frozen=True, kw_only=True):
    """Put a public note on an entry."""

    text: str
    kind: CorrectionKind = "correction"


class MergeEntry(EntryCommand, frozen=True, kw_only=True):
    """Merge an entry into another one, which goes on in its place."""

    into: UUID


class EraseVersions(EntryCommand, frozen=True, kw_only=True):
    """Take the content of versions away for good; see `erasure`.

    Attributes:
        versions: Which.
        authority: Who wants it: a court by its order, a person by a request.
        text: Whether the text goes.
        names: Whether the names of who made these versions go, and their reasons.
    """

    versions: tuple[int, ...]
    authority: str
    text: bool = True
    names: bool = False
