"""Replaying the whole log: into read models of its own, and into another store."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ledger.copying import carry
from ledger.errors import InvalidInput
from ledger.projections.projector import Progress
from ledger.projections.views import Views
from ledger.results import ReplayReport
from ledger.store.application import LedgerApplication
from ledger.store.erasures import is_blank
from ledger.store.leaf import leaf_hash
from ledger.store.places import shown
from ledger.store.rows import Row


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
        have, ours = other.rows(after - 1, 1), application.rows(after - 1, 1)
        if after > upto or (after and [*map(leaf_hash, have)] != [*map(leaf_hash, ours)]):
            raise InvalidInput(
                f"the store {shown(into)} holds other events already: replay into a new one"
            )
        carry(application, other, after, upto, check=partial(_require_erasures, application, upto))
    finally:
        other.close()


def _require_erasures(application: LedgerApplication, upto: int, rows: Sequence[Row]) -> None:
    """Refuse to copy what was erased without the event that says so."""
    for row in filter(is_blank, rows):
        (resolved,) = application.rows(row.position - 1, 1)
        erased = application.to_event(resolved).erased
        if erased is not None and erased.position >= upto:
            raise InvalidInput(
                f"event {row.position} was erased, as event {erased.position} says: a copy has to "
                f"reach as far, so that it can be read: --until @{erased.position + 1}"
            )
