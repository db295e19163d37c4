"""What a ledger is called for life, and the copies that are called the same."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from eventsourcing.persistence import IntegrityError

from ledger.errors import ReadOnlyCopy

Clock = Callable[[], int]
"""Gives the present time in microseconds since 1970-01-01T00:00:00Z."""


def system_clock() -> int:
    """Return the system's time in microseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1000


class Identity(NamedTuple):
    """What a ledger is called for life.

    Attributes:
        id: Random, 16 bytes in hexadecimal digits.
        origin: The name that its checkpoints are signed under.
        created_at: Microseconds since 1970-01-01T00:00:00Z.
    """

    id: str
    origin: str
    created_at: int


def new_identity(origin: str | None, now: int) -> Identity:
    """Return the identity of a ledger that is made now.

    Args:
        origin: The name it is to be known by; None: one made from its id.
        now: Microseconds since 1970-01-01T00:00:00Z.
    """
    name = os.urandom(16).hex()
    return Identity(name, origin or f"ledger-{name[:8]}", now)


def read_only_copy() -> ReadOnlyCopy:
    """Return the error of somebody who writes into a copy."""
    return ReadOnlyCopy(
        "this ledger is a copy, so it takes no events of its own: write into the one that it was "
        "copied from, or let this one take over with `ledger promote`"
    )


def was_promoted() -> IntegrityError:
    """Return the error of somebody who goes on with a copy that has taken over meanwhile."""
    return IntegrityError("ledger: the copy was promoted, and goes on by itself")
