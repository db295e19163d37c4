"""What some pages of a commit come to, as it is planned, counted and stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from ledger.domain.commands import Command
from ledger.domain.decide import Decided
from ledger.interchange.files import Failure
from ledger.interchange.git.repository import Change

Kind = Literal["created", "edited", "retitled", "retracted", "reinstated"]
Fate = Literal["noise", "unchanged", "older", "indexes"]


class Plan(msgspec.Struct):
    """What some pages of a commit come to.

    Attributes:
        commands: What is to be done.
        decided: What each makes happen, by its id.
        kinds: What each of them is.
        fates: How many pages come to nothing, and why.
        failures: The pages that were not understood, or cannot be stored.
    """

    commands: list[Command] = []
    decided: dict[UUID, Decided] = {}
    kinds: list[Kind] = []
    fates: Counter[Fate] = msgspec.field(default_factory=Counter)
    failures: list[Failure] = []


Group = Sequence[tuple[Change, bytes]]
"""Changes of a commit that are decided together, each with its page; of one that went, the old."""
