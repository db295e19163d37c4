"""`Views`: the read models of one ledger, brought up to date by whoever reads them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from threading import Event
from typing import Any

from ledger.errors import (
    InvalidInput,
    LogReplaced,
    ProjectionStopped,
    StoreBusy,
    StoreNotWritable,
    StoreTooNew,
)
from ledger.projections.checking import Checking
from ledger.projections.database import Parameters, ViewsDb
from ledger.projections.following import Followed, follow
from ledger.projections.generation import Generation, Result
from ledger.projections.place import Place
from ledger.projections.projection import Projection
from ledger.projections.projector import (
    Damaged,
    Progress,
    Standing,
    leaf_at,
    status_of,
)
from ledger.projections.rebuilding import prove, statuses
from ledger.projections.records import (
    ProjectionStatus,
    RebuildProof,
    Skip,
    ViewStatus,
)
from ledger.projections.serving import TRIES, is_newer, taken_away


class Views(Checking):
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

    def read(self, query: Callable[[ViewsDb], Result], *needs: str) -> Result:
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
        return self._patiently(self._read, query, needs or self._usual)

    def _read(self, query: Callable[[ViewsDb], Result], names: Sequence[str]) -> Result:
        models = self._registry.chosen(names)
        for _ in range(TRIES):
            generation = self._up_to_date(names)
            self._require_all(models, generation.standings)
            try:
                with generation.snapshot() as db:
                    # Another process may have come further meanwhile, and one of them stopped.
                    (reached,) = db.execute(f"SELECT {together(names)}").fetchone()
                    if reached is not None and reached >= generation.head.position:
                        return query(db)
            except Damaged:
                self._discard(generation)
        raise taken_away(self._place)

    def rows(self, query: str, parameters: Parameters, *needs: str) -> list[Any]:
        """Return the rows that one SELECT finds; else as `read`, in a third of the time.

        Args:
            query: Begins with SELECT.
            parameters: Its parameters, by position or by name.
            needs: The names of the read models that it asks.
        """
        return self._patiently(self._rows, query, parameters, needs)

    def _rows(self, query: str, parameters: Parameters, names: Sequence[str]) -> list[Any]:
        generation = self._up_to_date(names)
        try:
            rows = generation.rows(telling(query, names), parameters)
        except Damaged:
            rows = []
        if rows and (reached := rows[0][0]) is not None and reached >= generation.head.position:
            return [row[1:] for row in rows]
        # They are apart, or damaged, or there is nothing to find: here it is seen which.
        return self._read(lambda db: db.execute(query, parameters).fetchall(), names)

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
        known = self.names()
        generation = self._up_to_date(())
        stands, broken = generation.standings, self._registry.broken
        return tuple(
            status_of(
                name,
                stands.get(name) or Standing(0, 0, b"", None, broken.get(name)),
                generation.head,
                self.skips(),
                known,
            )
            # Some are of services that embed the ledger, or cannot be used: they are told of, too.
            for name in (*known, *sorted((stands.keys() | broken.keys()) - set(known)))
        )

    def names(self) -> tuple[str, ...]:
        """Return the names of the read models that this program has."""
        return tuple(model.name for model in self._registry.chosen(()))

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
            ProjectionStopped: Rebuilt, one stops that ran until now; the old one serves on.
            StoreTooNew: The views are of a newer program.
            StoreNotWritable: They cannot be written by this user.
        """
        chosen = self._registry.chosen(names)
        # Asked first: where there is no log, nothing is made for its views.
        self._application.log.head()
        place = self._places[0]
        for _ in range(TRIES):
            try:
                return self._rebuild(place, chosen, progress)
            except (Damaged, LogReplaced):
                # Somebody took away what was being filled, or the log.
                continue
            except StoreNotWritable:
                # Unless somebody deleted it in the middle of it.
                if not place.was_taken_away():
                    raise
        raise taken_away(place)

    def _rebuild(
        self, place: Place, chosen: Sequence[Projection], progress: Progress | None
    ) -> tuple[RebuildProof, ...]:
        with place.building_alone():
            old = self._serving(place)
            for model in chosen:
                if is_newer(old, model):
                    raise StoreTooNew(
                        f"the views in {place.where} are of a newer program: their {model.name} "
                        f"is not of schema {model.schema}; rebuild them with that program, or "
                        f"{place.disposal} to have them made anew by this one"
                    )
            others = set() if old is None else old.standings.keys() - {m.name for m in chosen}
            with place.making() as new:
                self._fill(new, old if others else None, chosen, progress)
                proofs = prove(old, new, self._source(), chosen, progress)
                if old is not None:
                    self._keep_what_runs(old, new, chosen)
                new.advance(self._source(), self._application.log.head().position, progress)
                new.finish()
                self._use(new, place)
        return proofs

    def _keep_what_runs(
        self, old: Generation, new: Generation, chosen: Sequence[Projection]
    ) -> None:
        """Refuse to put read models that stopped in the place of those that went further."""
        for model in chosen:
            before, after = old.standings.get(model.name), new.standings[model.name]
            if before is not None and before.position > after.position:
                raise ProjectionStopped(
                    f"rebuilt, the projection {model.name} stops at event {after.failed_at}: "
                    f"{after.error}; the old one serves on"
                )

    def purge(self) -> None:
        """Leave no views from before an erasure behind.

        Raises:
            StoreBusy: Somebody is reading them; nothing is lost by trying again.
            StoreNotWritable: They cannot be removed by this user.
        """
        self._up_to_date(())
        place = self._places[0]
        if self._temporary is not None and not place.kept_by_others:
            raise StoreNotWritable(
                f"what was erased may still lie in {place.where}, which this user cannot write: "
                f"{place.disposal}, or let somebody run `ledger purge` who may"
            )
        with place.building_alone():
            if not place.clear():
                raise StoreBusy(
                    f"what was erased still lies in {place.where}, because somebody is reading "
                    "what was: run `ledger purge` once he is done"
                )

    # Those that failed

    def skip(self, name: str, position: int, reason: str, actor: str) -> None:
        """Let a read model pass over an event, for good, and note who decided so, and why.

        Raises:
            InvalidInput: No read model is called so, or it has not stopped at this event.
        """
        (model,) = self._registry.chosen((name,))
        if model.takes_rows:
            raise InvalidInput(f"the projection {name} is whole or nothing: rebuild it instead")
        if not reason.strip():
            raise InvalidInput("say why the event is skipped")
        standing = self._up_to_date((name,)).standings[name]
        if standing.failed_at is None:
            raise InvalidInput(f"the projection {name} has stopped at no event: it runs")
        if standing.failed_at != position:
            at = standing.failed_at
            raise InvalidInput(f"the projection {name} has stopped at {at}, not at {position}")
        leaf = leaf_at(self._application, position)
        self._skips.add(Skip(name, position, leaf, reason, actor, datetime.now(UTC)))

    def unskip(self, name: str, position: int) -> None:
        """Take a skip back; the read model is as it is until it is rebuilt.

        Raises:
            InvalidInput: No such skip is recorded.
        """
        if not self._skips.remove(name, position):
            raise InvalidInput(f"the projection {name} does not skip event {position}")

    def retry(self, names: Collection[str] = ()) -> tuple[ProjectionStatus, ...]:
        """Let read models that have stopped try again; return how they stand then.

        Args:
            names: Which; none means all that have stopped.

        Raises:
            InvalidInput: No read model is called so.
        """
        chosen = [model.name for model in self._registry.chosen(names)]
        self._up_to_date(())
        # Not while a rebuild is under way: what comes of it would not know.
        with self._place.building_alone():
            generation = self._serving(self._place)
            for name in chosen:
                if generation is not None and generation.standings[name].failed_at is not None:
                    generation.retry(name)
        return tuple(status for status in self.standing() if status.name in chosen)

    def skips(self) -> tuple[Skip, ...]:
        """Return the events that read models pass over, in order."""
        return self._skips.list()

    # Following

    def follow(self, stop: Event) -> Iterator[Followed]:
        """Keep the views up to date until `stop` is set; see `following.follow`."""

        def at(generation: Generation) -> tuple[int, dict[str, str]]:
            return generation.head.position, {
                name: f"at event {standing.failed_at}: {standing.error}"
                for name, standing in generation.standings.items()
                if standing.failed_at is not None
            }

        def catch_up() -> tuple[int, dict[str, str]]:
            return at(self._patiently(self._up_to_date, ()))

        def hurry(position: int) -> tuple[int, dict[str, str]] | None:
            generation = self._hurried(position)
            return None if generation is None else at(generation)

        with closing(self._application.log.watch()) as watch:
            yield from follow(lambda: self._places[0], catch_up, hurry, watch, stop)


@cache
def together(names: Sequence[str]) -> str:
    """Return the expression of the position that read models have all come to, and run.

    It is NULL where they are apart, or one of them has stopped.

    Args:
        names: Theirs; each is one word.
    """
    tables = ", ".join(f" projections AS p{n} " for n in range(len(names)))
    at_one = "".join(f" AND p{n}.position = p0.position" for n in range(1, len(names)))
    run = " AND ".join(
        f"p{n}.name = '{name}' AND p{n}.failed_at IS NULL" for n, name in enumerate(names)
    )
    return f"(SELECT p0.position FROM {tables} WHERE {run}{at_one})"


@cache
def telling(query: str, names: Sequence[str]) -> str:
    """Return a SELECT whose rows begin with what `together` gives."""
    return query.replace("SELECT ", f"SELECT {together(names)}, ", 1)
