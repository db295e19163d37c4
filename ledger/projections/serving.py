"""Which generation of the views serves: opened, brought up to date, made where it is not there.

A generation knows the ledger's id, its positions, and the leaf hash at each; a log that was
restored to an older copy no longer matches, and the views are rebuilt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, ParamSpec

from msgspec.structs import replace

from ledger.errors import (
    LogReplaced,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreNotWritable,
    StoreUnreachable,
)
from ledger.projections.generation import Generation, Result
from ledger.projections.place import Place
from ledger.projections.projection import Projection
from ledger.projections.projector import Damaged, Progress, Source, standings
from ledger.projections.registry import BUILT_IN, Registry
from ledger.projections.sqlite.place import FilePlace
from ledger.store.application import BATCH, LedgerApplication
from ledger.store.connections import translated
from ledger.store.log import POLL_INTERVAL
from ledger.store.patience import Patience
from ledger.store.rows import Head
from ledger.store.urls import parse_store_url

Asked = ParamSpec("Asked")

if TYPE_CHECKING:
    import tempfile

# How often a read begins again where other processes swap the views under it.
TRIES = 10


class Serving:
    """The generation that serves.

    Where its place cannot be written, views are projected into a temporary folder instead.

    Args:
        application: The log.
        place: Where the generations lie.
        read_models: What to project, beside what is registered later.
        batch: How many events are taken in one transaction.
    """

    def __init__(
        self,
        application: LedgerApplication,
        place: Place,
        read_models: Sequence[Projection] = BUILT_IN,
        batch: int = BATCH,
    ) -> None:
        self._application = application
        self._places = [place]
        self._skips = place.skips
        self._registry = Registry(read_models)
        self._usual = tuple(model.name for model in read_models)
        self._batch = batch
        self._lock = RLock()
        self._generation: Generation | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._timeout = parse_store_url(application.url).timeout
        self._is_reached = False

    def close(self) -> None:
        """Close the views; the next read opens them again."""
        with self._lock:
            self._hold(None)
            if self._temporary is not None:
                self._temporary.cleanup()
                self._temporary = None
                self._places.pop()
            self._place.close()

    def _patiently(
        self, work: Callable[Asked, Result], *asked: Asked.args, **named: Asked.kwargs
    ) -> Result:
        """Work; where the server is lost in the middle, again once it is back."""
        patience: Patience | None = None
        while True:
            try:
                done = work(*asked, **named)
            except StoreUnreachable:
                patience = patience or Patience(self._timeout if self._is_reached else 0)
                if not patience.wait():
                    raise
            else:
                self._is_reached = True
                return done

    def _up_to_date(self, names: Collection[str]) -> Generation:
        """Return the generation that serves, with all events recorded until now.

        Args:
            names: The read models that are asked; none means all.
        """
        models = self._registry.chosen(names)
        for _ in range(TRIES):
            with self._lock:
                # Asked first: where there is no log, nothing is made for its views.
                head = self._application.log.head()
                place = self._place
                generation = self._serving(place)
                if generation is not None and not serves(generation, head, models):
                    generation = self._caught_up(place, generation, head)
                    if lacking(generation, models):
                        generation = None
                if generation is not None:
                    return generation
            with suppress(LogReplaced):
                self._somewhere(lambda place: self._build(place, models))
        raise taken_away(self._place)

    def _hurried(self, position: int) -> Generation | None:
        """Return the generation that served, with the events up to a position; ask nothing before.

        None: that was in vain, and whoever brings the views up to date finds out why.
        """
        with self._lock, suppress(LogReplaced, Damaged, StoreError):
            generation = self._generation
            if generation is not None and generation.head.position < position:
                source = replace(self._source(), projected=generation.head.position)
                # Of no time: it is still to be seen whether that is the log's end.
                generation.catch_up(source, Head(position, 0))
                return generation
        return None

    @property
    def kept_by_others(self) -> bool:
        """Whether users of fewer rights keep the views, so that this one does not read them."""
        return self._places[0].kept_by_others

    def as_it_lies(self) -> Generation | None:
        """Return the generation that serves, not brought up to date, not even if it is damaged.

        Close it when done. None where there is none.
        """
        place = self._places[0]
        name = place.serving()
        return None if name is None else place.generation(name, in_passing=True)

    def _serving(self, place: Place) -> Generation | None:
        """Return the generation that the pointer names, if it belongs to this log."""
        with self._lock:
            generation: Generation | None = None
            while (name := place.serving()) is not None:
                held = self._generation
                if held is not None and held.name == name and held.where == place.where:
                    return held
                generation = self._opened(place.generation(name))
                # Another process may have swapped just now; then the new one is to look at.
                if generation is not None or place.serving() == name:
                    break
            self._hold(generation)
            return generation

    def _opened(self, generation: Generation) -> Generation | None:
        with suppress(Damaged, StoreNotWritable):
            if generation.belongs_to(self._application):
                return generation
        generation.close()
        return None

    def _caught_up(self, place: Place, generation: Generation, head: Head) -> Generation | None:
        """Return `generation` after the events it lacked; None if others have to be made."""
        try:
            if generation.belongs_to(self._application):
                generation.catch_up(self._source(), head)
                return generation
        except LogReplaced:
            pass
        except Damaged:
            self._discard(generation)
        except (StoreNotWritable, StoreFull):
            if self._came_up(place, generation, head):
                return generation
            self._go_elsewhere(place)
        self._hold(None)
        return None

    def _came_up(self, place: Place, generation: Generation, head: Head) -> bool:
        """Return whether somebody who may write has brought a generation up to the log's end."""
        deadline = time.monotonic() + place.patience
        while time.monotonic() < deadline:
            generation.standings = generation.read(standings)
            if all(
                standing.failed_at is not None or standing.position >= head.position
                for standing in generation.standings.values()
            ):
                generation.head = head
                return True
            time.sleep(POLL_INTERVAL)
        return False

    def _build(self, place: Place, models: Sequence[Projection]) -> None:
        """Make what is asked for and not there, unless another process has just done so."""
        with place.building_alone():
            old = self._serving(place)
            missing = lacking(old, models)
            if not missing:
                return
            if any(is_newer(old, model) for model in missing):
                # A newer program is at work here: its tables stay, ours are made elsewhere.
                self._go_elsewhere(place)
                return
            # What else of ours is lacking is made with it: the log has to be read only once.
            usual = [m for m in self._registry.all() if m.name in self._usual or m in missing]
            with place.making() as new:
                self._fill(new, old, lacking(old, usual), None)
                new.finish()
                self._use(new, place)

    def _fill(
        self,
        new: Generation,
        old: Generation | None,
        anew: Sequence[Projection],
        progress: Progress | None,
    ) -> None:
        """Fill a generation with all events recorded until now.

        Args:
            new: That.
            old: The one that serves, to keep what it has; None: there is none to keep.
            anew: The read models to make anew.
            progress: Is told how far it is.

        Raises:
            LogReplaced: The log was replaced meanwhile.
        """
        source, target = self._source(), self._application.log.head().position
        if old is not None:
            anew = [model for model in anew if not is_newer(old, model)]
            try:
                new.fill(source, target, progress, anew=anew, of=old)
            except Damaged:
                # It cannot even be copied.
                new.remove()
                anew = self._registry.all()
            else:
                return
        new.fill(source, target, progress, anew=anew)

    def _somewhere(self, work: Callable[[Place], Result]) -> Result:
        """Work in the folder beside the log, or, where that cannot be written, elsewhere."""
        place = self._place
        try:
            return work(place)
        except (StoreNotWritable, StoreFull):
            if self._temporary is not None:
                raise
        # Where somebody deleted it in the middle of it, it is as good as before.
        if place.was_taken_away():
            with suppress(StoreNotWritable, StoreFull):
                return work(place)
        self._go_elsewhere(place)
        return work(self._place)

    @property
    def _place(self) -> Place:
        return self._places[-1]

    def _go_elsewhere(self, place: Place) -> None:
        import tempfile

        with self._lock, translated(Path(tempfile.tempdir or "the folder for temporary files")):
            if self._place is place and self._temporary is None:
                self._temporary = tempfile.TemporaryDirectory(prefix="ledger-views-")
                self._places.append(FilePlace(Path(self._temporary.name)))

    def _use(self, generation: Generation, place: Place) -> None:
        """Let a generation serve."""
        with self._lock:
            place.point_to(generation)
            self._hold(generation)

    def _hold(self, generation: Generation | None) -> None:
        if self._generation is not None and self._generation is not generation:
            self._generation.close()
        self._generation = generation

    def _discard(self, generation: Generation) -> None:
        with self._lock:
            if self._generation is generation:
                self._hold(None)
            for place in self._places:
                if place.where == generation.where and not place.discard(generation):
                    self._go_elsewhere(place)

    def _source(self) -> Source:
        return Source(self._application, self._registry.all(), self._batch, self._skips)


def lacking(generation: Generation | None, models: Sequence[Projection]) -> list[Projection]:
    """Return the read models that a generation has not, or has in another schema."""
    if generation is None:
        return list(models)
    stands = generation.standings
    return [
        model
        for model in models
        if model.name not in stands or stands[model.name].schema != model.schema
    ]


def serves(generation: Generation, head: Head, models: Sequence[Projection]) -> bool:
    """Return whether read models are known to be there, and to run, up to the log's end."""
    if generation.head != head:
        return False
    stands = generation.standings
    for model in models:
        standing = stands.get(model.name)
        if (
            standing is None
            or standing.schema != model.schema
            or standing.failed_at is not None
            or standing.position < head.position
        ):
            return False
    return True


def is_newer(generation: Generation | None, model: Projection) -> bool:
    """Return whether a generation has a read model as a newer program makes it."""
    standing = None if generation is None else generation.standings.get(model.name)
    return standing is not None and standing.schema > model.schema


def taken_away(place: Place) -> StoreBusy:
    """Return the error of somebody whose views are swapped under him without end."""
    return StoreBusy(f"the views in {place.where} are taken away again and again: try later")
