"""What a verification finds, and what it comes to."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import msgspec

Kind = Literal["altered", "missing", "inserted", "reordered", "truncated", "forked", "view drift"]
"""What is wrong.

altered: an event is not what it was; missing: one is gone; inserted: one was slipped in;
reordered: one is at another position than it was; truncated: events are gone from the log's end;
forked: the log parts from a checkpoint, and nothing tells at which event of the range;
view drift: a read model, the stored tree too, is not what the log gives.
"""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that does not hold.

    Attributes:
        kind: What is wrong.
        position: Where in the log; of a range, the first; None where no position can be told.
        upto: The last position of the range; None: it is that one position.
        entry: Whose event it is; None where it is not known.
        version: The version of the entry that the event makes.
        message: What is wrong, in words.
    """

    kind: Kind
    position: int | None
    upto: int | None = None
    entry: UUID | None = None
    version: int | None = None
    message: str


def entry_id(entry: bytes) -> UUID | None:
    """Return the id of an entry; None where somebody made it one of another length."""
    return UUID(bytes=entry) if len(entry) == 16 else None


class HeldAgainst(msgspec.Struct, frozen=True):
    """A checkpoint that the log was held against.

    Attributes:
        size: How many events it covers.
        signed_by: The known keys that have signed it; none where no key was given.
        holds: Whether the log begins with what it says.
    """

    size: int
    signed_by: tuple[str, ...]
    holds: bool


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification came to.

    Attributes:
        sound: Whether nothing was found.
        origin: The ledger's name.
        size: How many events were read: the position of the last.
        root: The root of their tree, in hexadecimal digits.
        entries: How many entries they are of.
        checkpoints: What the log was held against, smallest first.
        findings: What does not hold, by position.
        more: How many findings there are beyond those.
        erased: Position to that of the event that says that it was erased.
        notes: What could not be checked, or is not shown by this.
    """

    sound: bool
    origin: str
    size: int
    root: str
    entries: int
    checkpoints: tuple[HeldAgainst, ...]
    findings: tuple[Finding, ...]
    more: int
    erased: dict[int, int]
    notes: tuple[str, ...]
