"""Random bytes of the operating system, fetched many at a time.

Whenever `os.urandom` is called, Python lets another thread run. Where many write at once, three
such calls an event take longer than all else that is done for it.
"""

from __future__ import annotations

import os
from collections import deque
from uuid import UUID

SIZE = 16
"""How many bytes a salt or an id takes."""

_AT_ONCE = 256

_ready: deque[bytes] = deque()


def random_bytes(size: int = SIZE) -> bytes:
    """Return so many random bytes, which nobody else is given."""
    if size != SIZE:
        return os.urandom(size)
    try:
        return _ready.popleft()
    except IndexError:
        fresh = os.urandom(SIZE * _AT_ONCE)
        _ready.extend(fresh[at : at + SIZE] for at in range(SIZE, len(fresh), SIZE))
        return fresh[:SIZE]


def random_id() -> UUID:
    """Return a random UUID (RFC 9562, version 4)."""
    return UUID(bytes=random_bytes(), version=4)


if hasattr(os, "register_at_fork"):
    # Not what the parent is going to use as well.
    os.register_at_fork(after_in_child=_ready.clear)
