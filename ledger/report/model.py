"""What a report says, as data: this is what `--format json` prints, with these names.

Times are aware and UTC. A position is a place in the log; a version is one of an entry.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Generic, Literal, TypeVar
from uuid import UUID

import msgspec

from ledger.domain.diffs import FieldDiff, SourceChange, Span
from ledger.domain.events import Erasure
from ledger.domain.values import Basis, Correction, CorrectionKind, Status
from ledger.report.facts import ChangedFacts

Item = TypeVar("Item")

Period = Literal["day", "week", "month", "quarter", "year", "decade"]


class CheckedCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A signed checkpoint that was kept elsewhere, held against the log.

    Attributes:
        file: What it was read from.
        origin, size, root: What it says: whose log, how many events, their root in hexadecimal
            digits.
        signers: Who has signed it, of those whose keys were given.
        problem: Why the log is not the one that it tells of; None: the log begins with exactly
            these events.
    """

    file: str
    origin: str
    size: int
    root: str
    signers: tuple[str, ...]
    problem: str | None


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """How far what is reported can be proved.

    Attributes:
        size: How many events the log had when the report was made.
        root: The root of their Merkle tree (RFC 6962), in hexadecimal digits.
        covered: The position up to which checkpoints that hold cover the log; 0 for nowhere.
        checkpoints: Those given.
    """

    size: int
    root: str
    covered: int
    checkpoints: tuple[CheckedCheckpoint, ...]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """An edit that somebody should look at.

    Attributes:
        entry: Whose.
        version: The version that it made.
        position: Where it is in the log.
        actor: Who made it, as claimed.
        published_at: When it became public, as stated.
        basis: How that time is known.
        minor: Whether the actor called it minor.
        headline: That of the entry after it, as published.
        language: A BCP 47 tag, of that headline.
        assumed: Whether a value that was compared is an import's assumption.
        imported: Whether an import said it: then the actor is who imported it.
    """

    entry: UUID
    version: int
    position: int
    actor: str
    published_at: datetime
    basis: Basis
    minor: bool
    headline: str
    language: str
    assumed: bool
    imported: bool


class SilentEdit(Finding, frozen=True, kw_only=True):
    """A headline that changed, with no correction published on the entry since.

    Attributes:
        words: The word diff.
        facts: The numbers and names that it changed; None: none, or one of the two was erased.
    """

    words: tuple[Span, ...]
    facts: ChangedFacts | None


class Flip(Finding, frozen=True, kw_only=True):
    """An edit by which a field went back to what it had said before its last change (A-B-A)."""

    field: str


class SourceEdit(Finding, frozen=True, kw_only=True):
    """Sources that changed after publication: added, removed, or with another address."""

    changes: tuple[SourceChange, ...]


class ErasureNotice(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure: what was taken away, and who wanted it.

    Attributes:
        entry: Of which entry.
        version: The version that the erasure made.
        position: Where it is in the log.
        recorded_at: When.
        actor: Who did it, as claimed.
        authority: Who wanted it.
        reason: Why.
        versions: The versions that it took something of.
    """

    entry: UUID
    version: int
    position: int
    recorded_at: datetime
    actor: str
    authority: str
    reason: str | None
    versions: tuple[int, ...]


class Listing(msgspec.Struct, Generic[Item], frozen=True):
    """A list that may be cut: how many there are, and the first of them."""

    total: int
    items: tuple[Item, ...]


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody should look at, newest first.

    Attributes:
        facts: The silent edits that changed a number or a name.
        silent_edits: All silent edits.
        flips: Fields that went back.
        sources: Sources changed after publication.
        erasures: What was taken away for good.
    """

    facts: Listing[SilentEdit]
    silent_edits: Listing[SilentEdit]
    flips: Listing[Flip]
    sources: Listing[SourceEdit]
    erasures: Listing[ErasureNotice]


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """What every report begins with.

    Attributes:
        made_at: When the report was made.
        program: What made it, with its version.
        origin: The ledger's name, for life.
        ledger: Its id.
        proof: How far what is reported can be proved.
    """

    made_at: datetime
    program: str
    origin: str
    ledger: str
    proof: Proof


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of what is reported on.

    Attributes:
        entries: The entries that any of it is of.
        events: All events.
        by_type: Type to number of events.
        edits: The events that are edits.
        minor: How many of them were called minor.
        corrections: Corrections, clarifications, updates, notes.
        retractions: Retractions.
        erasures: Erasures.
        actors: Names of actors.
        first_recorded_at, last_recorded_at: Of the first and the last event; None for no event.
    """

    entries: int
    events: int
    by_type: dict[str, int]
    edits: int
    minor: int
    corrections: int
    retractions: int
    erasures: int
    actors: int
    first_recorded_at: datetime | None
    last_recorded_at: datetime | None


class Bar(msgspec.Struct, frozen=True):
    """A period, by publication: its first day (UTC), the entries created, the edits."""

    start: date
    created: int
    edits: int


class Activity(msgspec.Struct, frozen=True):
    """Activity over time, without gaps: the shortest period that gives at most 60 bars."""

    period: Period
    bars: tuple[Bar, ...]


class EditedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry, and how much it was edited.

    Attributes:
        entry: Its id.
        headline: As the log has it now, as published.
        language: A BCP 47 tag, of that headline.
        versions: How many versions it has.
        edits: The edits reported on.
        minor: How many of them were called minor.
        actors: How many actors made them.
    """

    entry: UUID
    headline: str
    language: str
    versions: int
    edits: int
    minor: int
    actors: int


class Editor(msgspec.Struct, frozen=True, kw_only=True):
    """An actor, as named, and what he did.

    Attributes:
        actor: The name: a claim.
        events: All his events.
        created: The entries that he created.
        edits: His edits.
        minor: How many of them he called minor.
        entries: How many entries his events are of.
        fields: Field to the number of edits that changed it, in their usual order.
    """

    actor: str
    events: int
    created: int
    edits: int
    minor: int
    entries: int
    fields: dict[str, int]


class ArchiveReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report on the archive, or on a part of it.

    Attributes:
        heading: Of which ledger, made when, and how far it can be proved.
        first, last: The positions between which events are reported on, both included.
        actor: Only events by this one; None: by all.
        totals: Numbers.
        activity: Creations and edits over time.
        most_edited: The entries with the most edits.
        editors: The actors, those with the most edits first.
        findings: What somebody should look at.
    """

    heading: Heading
    first: int
    last: int
    actor: str | None
    totals: Totals
    activity: Activity
    most_edited: Listing[EditedEntry]
    editors: Listing[Editor]
    findings: Findings


class VersionReport(msgspec.Struct, frozen=True, kw_only=True):
    """A version of an entry: who, when, why, and what.

    Attributes:
        version, position, type: Which, where in the log, and what happened.
        path: Where it was published, without extension.
        language: A BCP 47 tag, of its texts.
        actor, reason, minor: Who did it, as claimed; why; whether he called it minor.
        imported: Whether an import said it: then the actor is who imported it.
        published_at, basis: When it became public, as stated, and how that is known.
        recorded_at: When the ledger learned of it.
        differences: What differs from the version before, or from nothing.
        correction: The kind of public note that it put on the entry.
        reverts_to: The version that it says it restores.
        inferred: Fields whose value, in this version, is an import's assumption.
        erased: What was taken away of it.
        silent: Whether it is a silent edit; see `SilentEdit`.
        facts: The numbers and names that it changed in silence.
        flips: The fields that went back to what they had said before.
        sources: Whether it changed sources after publication.
        covered: Whether a checkpoint that holds covers its position.
    """

    version: int
    position: int
    type: str
    path: str
    language: str
    actor: str
    reason: str | None
    minor: bool
    imported: bool
    published_at: datetime
    basis: Basis
    recorded_at: datetime
    differences: tuple[FieldDiff, ...]
    correction: CorrectionKind | None
    reverts_to: int | None
    inferred: tuple[str, ...]
    erased: Erasure | None
    silent: bool
    facts: ChangedFacts | None
    flips: tuple[str, ...]
    sources: bool
    covered: bool


class EntryReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report on the complete life of one entry.

    Attributes:
        heading: Of which ledger, made when, and how far it can be proved.
        entry: Its id.
        headline, language: Now, as published, with its BCP 47 tag.
        path: Where it is now, without extension.
        status: active, retracted or merged.
        merged_into: The entry that goes on in its place.
        corrections: Its public notes, oldest first.
        inferred: Fields whose value is still an import's assumption.
        versions: All of them, oldest first.
        findings: What somebody should look at, all of it.
    """

    heading: Heading
    entry: UUID
    headline: str
    language: str
    path: str
    status: Status
    merged_into: UUID | None
    corrections: tuple[Correction, ...]
    inferred: tuple[str, ...]
    versions: tuple[VersionReport, ...]
    findings: Findings
