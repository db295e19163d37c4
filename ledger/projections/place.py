"""The place that the generations of one ledger's views lie in: who serves, who builds, who leads.

A pointer names the generation that serves. A rebuild fills a new one and swaps the pointer, so it
never holds up a reader, and never the log. All of it can be thrown away at any time.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar, Protocol

from ledger.errors import StoreBusy
from ledger.projections.generation import Generation
from ledger.projections.skips import Skips

# How long one process waits for another that builds, in seconds.
_PATIENCE = 3600.0
_TELL_AFTER = 2.0
_PAUSE = 0.02

_log = logging.getLogger("ledger")


class Lead(Protocol):
    """What makes a process the leader: it ends with the process."""

    def holds(self) -> bool:
        """Return whether others still see it."""

    def close(self) -> None:
        """Lead no more."""


class Place(ABC):
    """The place of the generations of one ledger's views.

    Attributes:
        where: What it is called in messages.
        disposal: What to do to throw the views away, for messages.
        patience: For how many seconds a process that may not write waits for one that may.
    """

    where: str
    disposal: str
    patience: ClassVar[float] = 0.0

    @property
    def kept_by_others(self) -> bool:
        """Whether somebody of fewer rights keeps the views: they can only be thrown away."""
        return False

    @property
    @abstractmethod
    def skips(self) -> Skips:
        """What projections pass over: a decision, that stays where views are thrown away."""

    @abstractmethod
    def serving(self) -> str | None:
        """Return the name of the generation that serves; None where there is none."""

    @abstractmethod
    def generation(self, name: str, *, in_passing: bool = False) -> Generation:
        """Return the generation of a name, be it there or not.

        Args:
            name: That.
            in_passing: It is read once from end to end, so that caching is not worth it.
        """

    @abstractmethod
    def new_name(self) -> str:
        """Return a name that no generation has."""

    @abstractmethod
    def discard(self, generation: Generation) -> bool:
        """Let a generation that is damaged serve no more; return False where this user may not."""

    @abstractmethod
    def clear(self) -> bool:
        """Remove all generations but the one that serves; only who builds alone may do so.

        Returns:
            Whether they are gone: one that somebody reads may be left.
        """

    @abstractmethod
    def point_to(self, generation: Generation) -> None:
        """Let a generation serve, from one moment to the next, and remove the one before it."""

    @abstractmethod
    def lead(self) -> Lead | None:
        """Return what makes this process the leader while it is open; None: another process is."""

    @abstractmethod
    def building_alone(self) -> AbstractContextManager[None]:
        """Keep other processes from building, or clearing away what is being built.

        Raises:
            StoreBusy: Another process has been building for very long.
        """

    @abstractmethod
    def was_taken_away(self) -> bool:
        """Return whether somebody deleted the place, which can be made anew."""

    @abstractmethod
    def close(self) -> None:
        """Close all connections."""

    @contextmanager
    def making(self) -> Iterator[Generation]:
        """Lend a new generation; what is left half-made is cleared away."""
        self.clear()
        generation = self.generation(self.new_name())
        try:
            yield generation
        except BaseException:
            generation.close()
            self.clear()
            raise

    def wait_for(self, lock: Callable[[], bool]) -> None:
        """Wait until `lock` takes the lock of those who build; Ctrl-C ends it."""
        began = time.monotonic()
        told = False
        while not lock():
            waited = time.monotonic() - began
            if waited > _PATIENCE:
                raise StoreBusy(f"the views in {self.where} are being built all the time")
            if waited > _TELL_AFTER and not told:
                _log.warning("waiting for another process that builds the views")
                told = True
            time.sleep(_PAUSE)
