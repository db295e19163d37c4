"""Evidence: the views as they lie, before anything is done to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from ledger.audit.alignment import Leaf
from ledger.audit.checkpoints import Checkpoint
from ledger.audit.merkle import Peaks
from ledger.projections.changes import Changes
from ledger.projections.generation import Generation
from ledger.projections.projection import Projection
from ledger.projections.projector import Damaged
from ledger.projections.tree import HASH_BYTES, Tree, stored
from ledger.projections.views import Views
from ledger.store.application import LedgerApplication
from ledger.verifying.readings import SECTION


class Evidence:
    """What the views that serve say of the log; they are neither brought up to date nor mended.

    Args:
        generation: The one that serves; None: there is none that is of this ledger.
        damage: Why one that is there cannot be used.

    Attributes:
        generation: That.
        damage: That.
        is_withheld: There may be some that this user does not read; see `Views.kept_by_others`.
        size: How many leaves their tree has; 0: there is none.
    """

    def __init__(self, generation: Generation | None, damage: str | None = None) -> None:
        self.generation = generation
        self.damage = damage
        self.is_withheld = False
        self.size = self._position(Tree())

    @classmethod
    def of(cls, views: Views, application: LedgerApplication) -> Evidence:
        """Return the evidence of a ledger's views."""
        generation = views.as_it_lies()
        if generation is not None:
            try:
                if generation.is_of(application):
                    return cls(generation)
            except Damaged:
                generation.close()
                return cls(None, f"the views in {generation.where} are damaged")
            generation.close()
        none = cls(None)
        none.is_withheld = views.kept_by_others
        return none

    def close(self) -> None:
        """Close the views."""
        if self.generation is not None:
            self.generation.close()

    @property
    def tree(self) -> str | None:
        """The generation with the tree; None where there is none."""
        return self.generation.name if self.generation is not None and self.size else None

    def hashes(self, level: int, low: int, high: int) -> bytes:
        """Return stored hashes of the tree; see `tree.stored`."""
        if self.generation is None or not self.size:
            return b""
        try:
            return self.generation.read(lambda db: stored(db, level, low, high))
        except TypeError as error:
            # Something else than bytes, where somebody changed the tables.
            raise Damaged from error

    def leaves(self) -> Iterator[Leaf]:
        """Yield the stored leaves, in order, up to the first that is not there."""
        for low in range(0, self.size, SECTION):
            high = min(low + SECTION, self.size)
            hashes = self.hashes(0, low, high)
            for at in range(0, len(hashes), HASH_BYTES):
                yield Leaf(low + at // HASH_BYTES + 1, hashes[at : at + HASH_BYTES])
            if len(hashes) < (high - low) * HASH_BYTES:
                # What comes behind a gap may be anything.
                return

    def vouched(self, checkpoints: Collection[Checkpoint]) -> int:
        """Return up to which position a checkpoint says that the stored leaves are right."""
        wanted = {one.size: one.root for one in checkpoints if 0 < one.size <= self.size}
        peaks, found = Peaks(), 0
        if wanted:
            for leaf in self.leaves():
                peaks.add(leaf.hash)
                if wanted.get(peaks.size) == peaks.root():
                    found = peaks.size
                if peaks.size == max(wanted):
                    break
        return found

    def versions_at(self, positions: Collection[int]) -> Mapping[int, tuple[UUID, int]]:
        """Return which entry and version was at each of these positions, as far as is known."""
        if self.generation is None or not positions or not self._position(Changes()):
            return {}
        with self.generation.snapshot() as db:
            rows = db.execute("SELECT position, entry, version FROM changes")
            return {
                position: (UUID(bytes=entry), version)
                for position, entry, version in rows
                if position in positions
            }

    def _position(self, model: Projection) -> int:
        """Return the position of a read model; 0 where it is not there in its present schema."""
        if self.generation is None:
            return 0
        standing = self.generation.standings.get(model.name)
        known = standing is not None and standing.schema == model.schema
        return max(0, standing.position) if standing is not None and known else 0
