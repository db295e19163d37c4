"""The projector: gives the events of the log to the read models, batch by batch.

A batch and the new positions are one transaction, so each event counts once for each read model,
whoever else is projecting and wherever a process dies. A read model that fails on an event stops
there, and says so; the others go on.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, Literal, cast

import msgspec

from ledger.domain.events import RecordedEvent
from ledger.errors import LogReplaced, UndecodableEvent
from ledger.projections.database import STANDINGS, Db, ViewsDb
from ledger.projections.projection import Projection
from ledger.projections.records import ProjectionStatus, Skip
from ledger.projections.skips import Skips
from ledger.store.application import LedgerApplication
from ledger.store.leaf import are_whole, leaf_hash
from ledger.store.rows import Head, Row

Progress = Callable[[int, int], None]
"""Is told the position reached and the position aimed at."""

BOOKKEEPING = (
    "CREATE TABLE generation (ledger TEXT NOT NULL, begun INTEGER NOT NULL) STRICT",
    """
    CREATE TABLE projections (
        name TEXT PRIMARY KEY,
        schema INTEGER NOT NULL,
        position INTEGER NOT NULL,
        leaf BLOB NOT NULL,
        failed_at INTEGER,
        error TEXT,
        tables TEXT NOT NULL
    ) STRICT
    """,
)

_POSITION = attrgetter("position")

_REPLACED = "the log was replaced while it was read: try again"

Given = RecordedEvent | UndecodableEvent | Row
"""What a read model is given of an event: itself, why it cannot be had, or its row."""


class Source(msgspec.Struct, frozen=True):
    """What read models are filled from.

    Attributes:
        application: The log.
        read_models: What to project.
        batch: How many events are taken in one transaction.
        skips: The events that somebody decided to pass over; looked up for every batch.
        projected: Behind which position all events are new, so that nobody can have decided to:
            a read model has to fail on one before. None: of none it is known.
    """

    application: LedgerApplication
    read_models: tuple[Projection, ...]
    batch: int
    skips: Skips
    projected: int | None = None


class Standing(msgspec.Struct, frozen=True):
    """Where a read model stands.

    Attributes:
        schema: The version of its tables.
        position: The last event it has taken.
        leaf: That event's leaf hash; empty where it has taken none.
        failed_at: The event it failed on; None: it runs.
        error: The handler that failed, and what it raised.
    """

    schema: int
    position: int
    leaf: bytes
    failed_at: int | None
    error: str | None


class Damaged(Exception):
    """A generation of views is damaged, or has been taken away."""


def status_of(
    name: str, standing: Standing, head: Head, skips: Sequence[Skip], known: Collection[str]
) -> ProjectionStatus:
    """Return how a read model stands.

    Args:
        name: Its name.
        standing: Where it stands.
        head: The end of the log.
        skips: What read models pass over.
        known: The names of those that this program has.
    """
    runs: Literal["running", "unknown"] = "running" if name in known else "unknown"
    return ProjectionStatus(
        name=name,
        schema=standing.schema,
        position=standing.position,
        lag=head.position - standing.position,
        state=runs if standing.failed_at is None else "stopped",
        failed_at=standing.failed_at,
        error=standing.error,
        skipped=tuple(skip for skip in skips if skip.name == name),
    )


def standings(db: Db) -> dict[str, Standing]:
    """Return where each read model of a generation stands, by name."""
    return _standings(db.execute(STANDINGS))


def _standings(rows: Iterable[Any]) -> dict[str, Standing]:
    return {name: Standing(*row) for name, *row in rows}


def project(
    db: ViewsDb,
    source: Source,
    target: int,
    progress: Progress | None = None,
    *,
    found: dict[str, Standing] | None = None,
) -> dict[str, Standing]:
    """Bring the read models that run up to position `target`; return where all of them stand.

    Those that the generation lacks, or has in another schema, are let be. One that stopped at an
    event that is skipped meanwhile goes on.

    Args:
        db: The generation.
        source: What to fill it from.
        target: The position to reach.
        progress: Is told how far it is.
        found: Where the read models stood a moment ago; None: that is looked up.

    Raises:
        LogReplaced: Another log has come into the place of the one that they know.
    """
    found = found or standings(db)
    if _resume(db, source, found):
        found = standings(db)
    while True:
        reached = _reached(found, source, target)
        if reached < target:
            ahead: list[Row] = []
            begun = db.begin(
                lambda: _reached(standings(db), source, target) >= target,
                partial(_read, ahead, source, reached, target),
            )
            if begun is not None:
                with db.committed():
                    found = _take(db, source, target, _standings(begun), (reached, ahead))
            else:
                found = standings(db)
            reached = _reached(found, source, target)
        if progress is not None:
            progress(min(reached, target), target)
        if reached >= target:
            return found


def _resume(db: ViewsDb, source: Source, found: Mapping[str, Standing]) -> bool:
    """Let those that stopped at an event that is skipped now go on; return whether any did."""
    stopped = {name: s.failed_at for name, s in found.items() if s.failed_at is not None}
    resumed = False
    skips = source.skips.all() if stopped else frozenset()
    for name, failed_at in stopped.items():
        if (name, failed_at, leaf_at(source.application, failed_at)) in skips:
            with db.transaction():
                retry(db, name)
            resumed = True
    return resumed


def retry(db: Db, name: str) -> None:
    """Let a read model that has stopped try again."""
    db.execute("UPDATE projections SET failed_at = NULL, error = NULL WHERE name = ?", (name,))


def add(db: ViewsDb, model: Projection) -> None:
    """Make a read model's tables, empty, in place of those it had."""
    row = db.execute("SELECT tables FROM projections WHERE name = ?", (model.name,)).fetchone()
    for name in row[0].split() if row else ():
        db.drop(name)
    before = db.tables()
    for statement in model.statements(db):
        db.execute(statement)
    # A virtual table is made before those it keeps its content in, and dropped before them; so
    # they are gone by then.
    new = [table for table in db.tables() if table not in before]
    db.execute("DELETE FROM projections WHERE name = ?", (model.name,))
    db.execute(
        "INSERT INTO projections VALUES (?, ?, 0, ?, NULL, NULL, ?)",
        (model.name, model.schema, b"", " ".join(new)),
    )


def runs(standing: Standing | None, model: Projection) -> bool:
    """Return whether a read model is there in its present schema, and has not stopped."""
    return standing is not None and standing.schema == model.schema and standing.failed_at is None


def leaf_at(application: LedgerApplication, position: int) -> bytes:
    """Return the leaf hash of the event at `position`, empty where there is none."""
    rows = application.rows(position - 1, 1, position)
    return leaf_hash(rows[0]) if rows else b""


def _reached(found: dict[str, Standing], source: Source, target: int) -> int:
    """Return the position of the last of those that run; `target` where none does."""
    running = (found[m.name].position for m in source.read_models if runs(found.get(m.name), m))
    return min(running, default=target)


def _read(into: list[Row], source: Source, after: int, target: int) -> None:
    """Read the last event that is known, and the batch that follows."""
    into[:] = source.application.rows(max(after - 1, 0), source.batch + bool(after), target)


def _take(
    db: ViewsDb,
    source: Source,
    target: int,
    found: dict[str, Standing],
    ahead: tuple[int, list[Row]],
) -> dict[str, Standing]:
    """Give the next batch to the read models that run; return where all of them stand then.

    Args:
        db: The generation, in a transaction.
        source: What to fill it from.
        target: The position to reach.
        found: Where the read models stand.
        ahead: A position, and what `_read` gives for it.
    """
    after = _reached(found, source, target)
    if after >= target:
        return found
    expected, rows = ahead
    if after != expected:
        # Another process has come further meanwhile.
        _read(rows, source, after, target)
    if after:
        # The last event that is known, read again: it must still be there.
        leaves = {standing.position: standing.leaf for standing in found.values()}
        if not rows or leaf_hash(rows[0]) != leaves[after]:
            raise LogReplaced(_REPLACED)
        del rows[0]
    if not rows:
        raise LogReplaced(_REPLACED)
    skips = frozenset() if after == source.projected else source.skips.all()
    events = _decoded(source.application, rows)
    for model in source.read_models:
        standing = found.get(model.name)
        if standing is not None and runs(standing, model):
            given = rows if model.takes_rows else events
            found[model.name] = _give(db, model, standing, rows, given, skips)
    db.executemany(
        "UPDATE projections SET position = ?, leaf = ?, failed_at = ?, error = ? WHERE name = ?",
        [(s.position, s.leaf, s.failed_at, s.error, name) for name, s in found.items()],
    )
    return found


def _give(
    db: ViewsDb,
    model: Projection,
    standing: Standing,
    rows: Sequence[Row],
    events: Sequence[Given],
    skips: Collection[tuple[str, int, bytes]],
) -> Standing:
    """Give a read model the events it lacks; where it fails, all before the one it fails on.

    Returns:
        Where it stands then.
    """
    new = bisect_right(rows, standing.position, key=_POSITION)
    lacked, given = rows[new:], events[new:]
    skipped = {position for name, position, _ in skips if name == model.name}
    if skipped:
        given = [
            event
            for row, event in zip(lacked, given, strict=True)
            if row.position not in skipped
            or (model.name, row.position, leaf_hash(row)) not in skips
        ]
    failed_at, failure = _apply(db, model, given)
    taken = len(lacked) if failed_at is None else bisect_left(lacked, failed_at, key=_POSITION)
    position, leaf = standing.position, standing.leaf
    if taken:
        position, leaf = lacked[taken - 1].position, leaf_hash(lacked[taken - 1])
    return Standing(standing.schema, position, leaf, failed_at, failure)


def _apply(
    db: ViewsDb, model: Projection, events: Sequence[Given]
) -> tuple[int | None, str | None]:
    """Give events to a read model, together or one by one; return where and why it failed."""
    if _attempt(db, model, events) is None:
        return None, None
    for event in events:
        failure = _attempt(db, model, [event])
        if failure is not None:
            return event.position, failure
    return None, None


def _attempt(db: ViewsDb, model: Projection, events: Sequence[Given]) -> str | None:
    """Give events to a read model, all or none; return what went wrong."""
    if not events:
        return None
    if UndecodableEvent in map(type, events):
        return str(next(event for event in events if isinstance(event, UndecodableEvent)))
    try:
        with db.attempt():
            if model.takes_rows:
                model.apply_rows(cast("Sequence[Row]", events), db)
            else:
                model.apply(cast("Sequence[RecordedEvent]", events), db)
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        is_of_database = isinstance(error, db.Error)
        # What is not the read model's fault: a full disk, a damaged file, a lost server.
        if is_of_database and (db.is_circumstance(error) or not db.in_transaction):
            raise
        if is_of_database and not set(model.tables) <= set(db.tables()):
            raise Damaged from error
        said = str(error).partition("\n")[0] if is_of_database else str(error)
        why = f"{type(error).__name__}: {' '.join(said.split())}"
        if db.was_guarded(error):
            why += " (to begin, commit or roll back)"
        return f"{model.handler_of(cast('RecordedEvent | Row', events[0]))} raised {why}"
    return None


def _decoded(
    application: LedgerApplication, rows: Sequence[Row]
) -> list[RecordedEvent | UndecodableEvent]:
    """Return rows as events, and in the place of those that cannot be read, why."""
    # Which of them were erased is asked of all at once, not of each.
    decode = application.event_mapper.to_event if are_whole(rows) else application.to_event
    found: list[RecordedEvent | UndecodableEvent] = []
    for row in rows:
        try:
            found.append(decode(row))
        except UndecodableEvent as error:
            found.append(error)
    return found
