"""Replaying the whole log: into read models of its own, and into another store."""

from __future__ import annotations

from eventsourcing.persistence import IntegrityError

from ledger.errors import InvalidInput
from ledger.projections.projector import Progress
from ledger.projections.views import Views
from ledger.results import ReplayReport
from ledger.store.application import BATCH, LedgerApplication
from ledger.store.leaf import leaf_hash


def replay_all(
    application: LedgerApplication,
    views: Views,
    upto: int,
    into: str | None,
    progress: Progress | None,
) -> ReplayReport:
    """Replay the log up to a position, and tell what each read model holds then.

    Args:
        application: The log.
        views: Its views, which are left as they are.
        upto: The last position to replay.
        into: The URL of a store that is to get the same events at the same positions, recorded at
            the same times. It is made, as a ledger of its own; a replay that was stopped goes on.
        progress: Is told the position reached and the position aimed at, after each batch.

    Raises:
        InvalidInput: The other store holds other events, or more.
        ProjectionStopped: A read model fails on an event.
    """
    if into is not None:
        _copy(application, into, upto)
    return ReplayReport(upto, views.aside(upto, progress))


def _copy(application: LedgerApplication, into: str, upto: int) -> None:
    other = LedgerApplication(into)
    try:
        other.log.create()
        after = other.log.head().position
        have, ours = other.log.read(after - 1, 1), application.log.read(after - 1, 1)
        if after > upto or (after and [*map(leaf_hash, have)] != [*map(leaf_hash, ours)]):
            raise InvalidInput(
                f"the store {into} holds other events already: replay into a new one"
            )
        while rows := application.log.read(after, BATCH, upto):
            other.log.load(rows)
            after = rows[-1].position
    except IntegrityError as error:
        raise InvalidInput(f"somebody else writes to the store {into}: {error}") from error
    finally:
        other.close()
