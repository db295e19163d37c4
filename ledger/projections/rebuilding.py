"""What a rebuild ends with: proofs that it says the same, or row by row where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ledger.projections.database import ViewsDb
from ledger.projections.generation import Generation
from ledger.projections.projection import Projection
from ledger.projections.projector import Damaged, Progress, Source, Standing, standings
from ledger.projections.records import Drift, RebuildProof, ViewStatus


def prove(
    old: Generation | None,
    new: Generation,
    source: Source,
    chosen: Sequence[Projection],
    progress: Progress | None,
) -> tuple[RebuildProof, ...]:
    """Compare read models that were filled anew with those that serve, at one position.

    Args:
        old: The generation that serves, which may go on taking events; None: there is none.
        new: The new one, which nobody else knows of yet.
        source: What both are filled from.
        chosen: The read models to compare.
        progress: Is told how far it is.
    """
    before: dict[str, tuple[int, str]] = {}
    if old is not None:
        try:
            # What serves is brought at least as far as the new one is; then that one to the very
            # position at which a snapshot of it stands still.
            old.catch_up(source, source.application.log.head())
            with old.snapshot() as db:
                then = standings(db)
                new.advance(source, _position(then, chosen), progress)
                for model in chosen:
                    if _alike(then.get(model.name), new.standings[model.name]):
                        before[model.name] = model.digest(db)
        except Damaged:
            before = {}
    after = new.read(lambda db: statuses(db, chosen))
    return tuple(
        RebuildProof(
            status,
            before[status.name] == (status.rows, status.digest) if status.name in before else None,
        )
        for status in after
    )


def statuses(db: ViewsDb, models: Sequence[Projection]) -> tuple[ViewStatus, ...]:
    """Return what read models hold."""
    found = standings(db)
    return tuple(
        ViewStatus(model.name, model.schema, found[model.name].position, *model.digest(db))
        for model in models
        if model.name in found and found[model.name].schema == model.schema
    )


def _position(found: dict[str, Standing], chosen: Sequence[Projection]) -> int:
    """Return the position that those of the read models have which run."""
    running = (
        found[model.name].position
        for model in chosen
        if model.name in found and found[model.name].failed_at is None
    )
    return max(running, default=0)


def _alike(one: Standing | None, other: Standing) -> bool:
    return one is not None and (one.schema, one.position, one.leaf) == (
        other.schema,
        other.position,
        other.leaf,
    )


def drifts(chosen: Sequence[Projection], serving: ViewsDb, right: ViewsDb) -> Iterator[Drift]:
    """Yield where read models that serve differ from rebuilt ones: the event, or the row."""
    have, should = standings(serving), standings(right)
    for model in chosen:
        one, other = have[model.name], should[model.name]
        if one.position == other.position:
            yield from _drift(model, serving, right)
        if one.failed_at != other.failed_at:
            if one.failed_at is not None:
                yield Drift(model.name, "", "stopped", [one.failed_at, one.error])
            if other.failed_at is not None:
                yield Drift(model.name, "", "rebuilt, stops", [other.failed_at, other.error])


def _drift(model: Projection, serving: ViewsDb, right: ViewsDb) -> Iterator[Drift]:
    """Yield the rows in which a serving read model differs from a rebuilt one, in order."""
    # What is filled aside may lie in a database of another kind, with other indexes.
    alike = model.compared(serving) == model.compared(right)
    compared = dict(model.compared(serving)) if alike else {}
    if model.digest(serving) != model.digest(right):
        compared |= model.tables
    for table, columns in sorted(compared.items()):
        have = serving.stream(table, columns, in_order=True)
        should = right.stream(table, columns, in_order=True)
        for surplus, row in _differences(have, should):
            shown = [value.hex() if isinstance(value, bytes) else value for value in row]
            yield Drift(model.name, table, "surplus" if surplus else "missing", shown)


def _differences(
    have: Iterator[tuple[Any, ...]], should: Iterator[tuple[Any, ...]]
) -> Iterator[tuple[bool, tuple[Any, ...]]]:
    """Merge two sorted runs of rows; yield those of the first alone, and of the second alone."""
    one, other = next(have, None), next(should, None)
    while one is not None or other is not None:
        if one is not None and other is not None and _sortable(one) == _sortable(other):
            # 1 and 1.0 are sorted as one, but they are not the same.
            if [*map(type, one)] != [*map(type, other)]:
                yield True, one
                yield False, other
            one, other = next(have, None), next(should, None)
        elif other is None or (one is not None and _sortable(one) < _sortable(other)):
            yield True, one or ()
            one = next(have, None)
        else:
            yield False, other
            other = next(should, None)


def _sortable(row: tuple[Any, ...]) -> list[tuple[int, Any]]:
    """Return a row as the databases order it: nothing, numbers, text, bytes."""
    ranks = {type(None): 0, int: 1, float: 1, str: 2, bytes: 3}
    return [(ranks[type(value)], 0 if value is None else value) for value in row]
