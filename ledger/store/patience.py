"""Patience with a server that was lost: it may be restarting."""

from __future__ import annotations

from time import monotonic, sleep

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


class Patience:
    """Waits a little longer each time, until it is enough.

    Args:
        seconds: How long to wait in all, from the first time on.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadline: float | None = None
        self._pause = _FIRST_PAUSE

    def wait(self) -> bool:
        """Wait a little; return False, at once, where it is enough."""
        now = monotonic()
        if self._deadline is None:
            self._deadline = now + self._seconds
        left = self._deadline - now
        if left <= 0:
            return False
        sleep(min(self._pause, left))
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        return True
