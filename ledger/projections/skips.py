"""The events that projections pass over, because somebody decided so."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ledger.projections.records import Skip


class Skips(ABC):
    """The skips of one ledger: views can be thrown away, a decision cannot."""

    @abstractmethod
    def add(self, skip: Skip) -> None:
        """Note a skip; a second one for the same event changes nothing."""

    @abstractmethod
    def remove(self, name: str, position: int) -> bool:
        """Take a skip back; return whether there was one."""

    @abstractmethod
    def list(self) -> tuple[Skip, ...]:
        """Return all skips, by position."""

    def all(self) -> frozenset[tuple[str, int, bytes]]:
        """Return what is to be passed over: projection, position, leaf hash."""
        return frozenset((skip.name, skip.position, skip.leaf) for skip in self.list())
