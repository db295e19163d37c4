"""`Views`: the read models of one ledger, brought up to date by whoever reads them."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from ledger.errors import InvalidInput, ProjectionDrifted, ProjectionStopped
from ledger.projections.following import follow
from ledger.projections.generation import Generation, Result
from ledger.projections.place import Place
from ledger.projections.projection import Projection
from ledger.projections.projector import Damaged, Progress, Standing, leaf_at, standings
from ledger.projections.rebuilding import drift, prove, statuses
from ledger.projections.records import (
    Drift,
    ProjectionStatus,
    RebuildProof,
    Skip,
    ViewStatus,
)
from ledger.projections.serving import TRIES, Serving, taken_away
from ledger.store.log import Head


class Views(Serving):
    """The read models of one ledger.

    Every read first takes the events it does not know yet, so a process sees its own writes.
    """

    # Asking

    def register(self, model: Projection) -> None:
        """Add a read model of one's own; see `Projection`.

        Raises:
            InvalidInput: It is not declared as it must be, or another has its name or a table.
        """
        self._registry.add(model)

    def read(self, query: Callable[[sqlite3.Connection], Result], *needs: str) -> Result:
        """Return what `query` finds in views that know every event recorded until now.

        Views that turn out damaged are thrown away, and the query is asked again of new ones.

        Args:
            query: Is given a connection, which sees one moment.
            needs: The names of the read models that it asks; none means all of `ledger`'s own.

        Raises:
            ProjectionStopped: One of those has failed on an event, so it does not know the rest.
            UndecodableEvent: It has, because nobody can read that event.
            StoreError: The log cannot be read, or no views can be made anywhere.
        """
        for _ in range(TRIES):
            generation = self._up_to_date(needs or self._usual)
            self._require_all(self._registry.chosen(needs or self._usual), generation.standings)
            try:
                return generation.read(query)
            except Damaged:
                self._discard(generation)
        raise taken_away(self._place)

    def status(self) -> tuple[ViewStatus, ...]:
        """Return what each read model holds, once it is up to date: rows and digest."""
        models = self._registry.chosen(())
        for _ in range(TRIES):
            generation = self._up_to_date(())
            try:
                return generation.read(lambda db: statuses(db, models))
            except Damaged:
                self._discard(generation)
        raise taken_away(self._place)

    def standing(self) -> tuple[ProjectionStatus, ...]:
        """Return how each read model stands, once those that run are up to date."""
        models = self._registry.chosen(())
        generation = self._up_to_date(())
        skips = self.skips()
        return tuple(
            _status_of(model.name, generation.standings[model.name], generation.head, skips)
            for model in models
        )

    def require(self, names: Collection[str] = ()) -> None:
        """Refuse read models that have stopped.

        Args:
            names: Which; none means all.

        Raises:
            ProjectionStopped: One of them has failed on an event.
        """
        self._require_all(self._registry.chosen(names), self._up_to_date(names).standings)

    # Rebuilding

    def rebuild(
        self, names: Collection[str] = (), progress: Progress | None = None
    ) -> tuple[RebuildProof, ...]:
        """Fill read models anew beside those that serve, compare, and swap in one step.

        Readers go on reading and writers writing meanwhile. Stopped anywhere, the old ones serve.

        Args:
            names: Which; none means all.
            progress: Is told the position reached and the position aimed at, after each batch.

        Raises:
            InvalidInput: No read model is called so.
        """
        chosen = self._registry.chosen(names)
        return self._somewhere(lambda place: self._rebuild(place, chosen, progress))

    def _rebuild(
        self, place: Place, chosen: Sequence[Projection], progress: Progress | None
    ) -> tuple[RebuildProof, ...]:
        # Asked first: where there is no log, nothing is made for its views.
        self._application.log.head()
        with place.building_alone():
            old = self._serving(place)
            some = len(chosen) < len(self._registry.all())
            with place.making() as path:
                new = self._made(path, place, old if some else None, chosen, progress)
                source = self._source(place)
                proofs = prove(old, new, source, chosen, progress)
                new.advance(source, self._application.log.head().position, progress)
                new.finish()
                self._use(new, place)
        return proofs

    def check(
        self, names: Collection[str] = (), progress: Progress | None = None
    ) -> Iterator[Drift]:
        """Fill read models aside and yield row by row what the serving ones have otherwise.

        Nothing that serves is changed.

        Raises:
            InvalidInput: No read model is called so.
            ProjectionStopped: One of them has failed on an event.
            ProjectionDrifted: The file of the views itself is damaged.
        """
        chosen = self._registry.chosen(names)
        generation = self._up_to_date([model.name for model in chosen])
        try:
            with generation.snapshot() as serving:
                self._require_all(chosen, standings(serving))
                (position,) = serving.execute("SELECT max(position) FROM projections").fetchone()
                with self._made_aside(position, progress) as right:
                    self._require_all(chosen, standings(right))
                    for model in chosen:
                        yield from drift(model, serving, right)
        except Damaged as error:
            raise ProjectionDrifted(
                f"the views in {generation.path} are damaged: `ledger rebuild` puts them right"
            ) from error

    @contextmanager
    def _made_aside(self, target: int, progress: Progress | None) -> Iterator[sqlite3.Connection]:
        with tempfile.TemporaryDirectory(prefix="ledger-aside-") as folder:
            source = self._source(self._place)
            aside = Generation.make(Path(folder, "aside.db"), source, target, progress)
            try:
                with aside.snapshot() as db:
                    yield db
            finally:
                aside.close()

    def aside(self, target: int, progress: Progress | None) -> tuple[ViewStatus, ...]:
        """Fill read models aside up to position `target`, and return what they hold.

        Raises:
            ProjectionStopped: One of them fails on an event.
        """
        models = self._registry.chosen(())
        with self._made_aside(target, progress) as db:
            self._require_all(models, standings(db))
            return statuses(db, models)

    # Those that failed

    def skip(self, name: str, position: int, reason: str, actor: str) -> None:
        """Let a read model pass over an event, for good, and note who decided so, and why.

        Raises:
            InvalidInput: No read model is called so, or it has not stopped at this event.
        """
        (model,) = self._registry.chosen((name,))
        if not reason.strip():
            raise InvalidInput("say why the event is skipped")
        standing = self._up_to_date((name,)).standings[model.name]
        if standing.failed_at is None:
            raise InvalidInput(f"the projection {name} has stopped at no event: it runs")
        if standing.failed_at != position:
            at = standing.failed_at
            raise InvalidInput(f"the projection {name} has stopped at {at}, not at {position}")
        leaf = leaf_at(self._application, position)
        now = datetime.now(UTC)
        self._place.skips.add(Skip(name, position, leaf, reason, actor, now))
        self.retry((name,))

    def retry(self, names: Collection[str] = ()) -> tuple[ProjectionStatus, ...]:
        """Let read models that have stopped try again; return how they stand then.

        Args:
            names: Which; none means all that have stopped.

        Raises:
            InvalidInput: No read model is called so.
        """
        chosen = [model.name for model in self._registry.chosen(names)]
        generation = self._up_to_date(())
        for name in chosen:
            if generation.standings[name].failed_at is not None:
                generation.retry(name)
        return tuple(status for status in self.standing() if status.name in chosen)

    def skips(self) -> tuple[Skip, ...]:
        """Return the events that read models pass over, in order."""
        return self._place.skips.all()

    # Following

    def follow(self, stop: Event) -> Iterator[tuple[bool, int]]:
        """Keep the views up to date until `stop` is set; see `following.follow`."""
        return follow(lambda: self._place, lambda: self._up_to_date(()).head.position, stop)

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
                    f"that is mended, `ledger projections retry {model.name}`, or skip the event"
                )


def _status_of(
    name: str, standing: Standing, head: Head, skips: Sequence[Skip]
) -> ProjectionStatus:
    return ProjectionStatus(
        name=name,
        schema=standing.schema,
        position=standing.position,
        lag=head.position - standing.position,
        state="running" if standing.failed_at is None else "stopped",
        failed_at=standing.failed_at,
        error=standing.error,
        skipped=tuple(skip for skip in skips if skip.name == name),
    )


def views_folder(log: Path) -> Path:
    """Return where the views of the log in this file lie."""
    return log.with_name(log.name + "-views")
