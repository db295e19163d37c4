"""Checking: read models filled aside, and compared with those that serve."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from ledger.errors import ProjectionDrifted, ProjectionStopped, StoreNotWritable
from ledger.projections.database import ViewsDb
from ledger.projections.generation import Generation
from ledger.projections.place import Place
from ledger.projections.projection import Projection
from ledger.projections.projector import Damaged, Progress, Standing, standings
from ledger.projections.rebuilding import drifts, statuses
from ledger.projections.records import Drift, ViewStatus
from ledger.projections.serving import TRIES, Serving, lacking, taken_away
from ledger.projections.sqlite.generation import FileGeneration


class Checking(Serving):
    """Fills read models aside; those that serve stay as they are."""

    def check(
        self, names: Collection[str] = (), progress: Progress | None = None
    ) -> Iterator[Drift]:
        """Fill read models aside and yield row by row what the serving ones have otherwise.

        Nothing that serves is changed.

        Raises:
            InvalidInput: No read model is called so.
            ProjectionDrifted: The file of the views is damaged, or of another log.
            StoreNotWritable: The views cannot be brought up to date by this user.
        """
        chosen = self._registry.chosen(names)
        for _ in range(TRIES):
            try:
                generation = self._to_compare(chosen)
                with generation.snapshot() as serving:
                    found = standings(serving)
                    running = {
                        found[model.name].position
                        for model in chosen
                        if found[model.name].failed_at is None
                    }
                    # Those that run may be apart while another process catches up.
                    if len(running) > 1:
                        continue
                    target = max(running, default=generation.head.position)
                    with self._made_aside(chosen, target, progress) as right:
                        yield from drifts(chosen, serving, right)
                    return
            except Damaged as error:
                raise _damaged(self._places[0]) from error
        raise taken_away(self._places[0])

    def compare(self, generation: Generation) -> Iterator[Drift]:
        """Fill read models aside and yield row by row what a generation has otherwise.

        Nothing is brought up to date: each is compared at the position where it stands.

        Raises:
            Damaged: The generation's file is damaged.
        """
        with generation.snapshot() as serving:
            found = standings(serving)
            at: dict[int, list[Projection]] = {}
            for model in self._registry.chosen(()):
                if model not in lacking(generation, [model]):
                    at.setdefault(found[model.name].position, []).append(model)
            for position, models in at.items():
                with self._made_aside(models, position, None) as right:
                    yield from drifts(models, serving, right)

    def not_compared(self, generation: Generation) -> list[str]:
        """Return the read models that a generation has not, or has in another schema."""
        return [model.name for model in lacking(generation, self._registry.chosen(()))]

    def _to_compare(self, chosen: Sequence[Projection]) -> Generation:
        """Return the generation that serves, as it is but for the events that it lacked."""
        place = self._places[0]
        if place.serving() is not None:
            generation = self._serving(place)
            if generation is None or not generation.belongs_to(self._application):
                raise _damaged(place)
            generation.catch_up(self._source(), self._application.log.head())
            if not lacking(generation, chosen):
                return generation
        generation = self._up_to_date([model.name for model in chosen])
        if self._temporary is not None:
            raise StoreNotWritable(
                f"the views in {place.where} cannot be brought up to date by this user, so they "
                "cannot be compared"
            )
        return generation

    @contextmanager
    def _made_aside(
        self, models: Sequence[Projection], target: int, progress: Progress | None
    ) -> Iterator[ViewsDb]:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="ledger-aside-") as folder:
            source = msgspec.structs.replace(self._source(), read_models=tuple(models))
            with closing(FileGeneration(Path(folder, "aside.db"))) as aside:
                aside.fill(source, target, progress, anew=models)
                with aside.snapshot() as db:
                    yield db

    def aside(self, target: int, progress: Progress | None) -> tuple[ViewStatus, ...]:
        """Fill read models aside up to position `target`, and return what they hold.

        Raises:
            ProjectionStopped: One of them fails on an event.
        """
        models = self._registry.chosen(())
        with self._made_aside(models, target, progress) as db:
            self._require_all(models, standings(db))
            return statuses(db, models)

    def _require_all(
        self, models: Sequence[Projection], standings: Mapping[str, Standing]
    ) -> None:
        """Refuse read models that have stopped."""
        for model in models:
            failed_at, error = standings[model.name].failed_at, standings[model.name].error
            if failed_at is not None:
                # If it is an event that nobody can read, that is what to say.
                next(self._application.read(failed_at - 1, failed_at), None)
                raise ProjectionStopped(
                    f"the projection {model.name} has stopped at event {failed_at}: {error}; once "
                    f"that is mended, `ledger projections retry {model.name}`; if its tables are "
                    f"damaged, `ledger rebuild {model.name}`; or, as a last resort, "
                    f"`ledger projections skip {model.name} {failed_at} --reason ...`"
                )


def _damaged(place: Place) -> ProjectionDrifted:
    return ProjectionDrifted(
        f"the views in {place.where} are damaged, of another log, or from before an erasure: "
        "`ledger rebuild` puts them right"
    )
