"""Following: one process of several keeps the views up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event

from ledger.projections.place import Place

INTERVAL = 0.1
"""How many seconds to wait for new events, or for the leader's end."""


def follow(
    place: Callable[[], Place], catch_up: Callable[[], int], stop: Event
) -> Iterator[tuple[bool, int]]:
    """Keep views up to date until `stop` is set.

    Of several processes that follow, one does the work; when it ends, however it ends, another
    takes over. Leading only saves the others the work: who projects what is settled by the
    projector's transactions.

    Args:
        place: Returns where the views lie.
        catch_up: Brings them up to date, and returns their position.
        stop: Ends it, from any thread or signal handler.

    Yields:
        Whether this process leads, and the position of the views when it last looked; whenever
        it begins to lead or to wait, and whenever the views have moved on under its lead.
    """
    position = catch_up()
    waiting = False
    while not stop.is_set():
        leader = place().lead()
        if leader is None:
            if not waiting:
                yield False, position
            waiting = True
            stop.wait(INTERVAL)
            continue
        waiting = False
        with closing(leader):
            yield True, position
            while not stop.is_set():
                reached = catch_up()
                if reached != position:
                    position = reached
                    yield True, position
                stop.wait(INTERVAL)
