"""Following: one process of several keeps the views up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event

import msgspec

from ledger.errors import StoreUnreachable
from ledger.projections.place import Place
from ledger.store.log import POLL_INTERVAL, Watch


class Followed(msgspec.Struct, frozen=True):
    """What one that follows is at.

    Attributes:
        leads: Whether this process does the work; else it waits for another to end.
        position: Up to where the views were when it last looked.
        stopped: The read models that have failed on an event, with what failed.
    """

    leads: bool
    position: int
    stopped: dict[str, str]


def follow(
    place: Callable[[], Place],
    catch_up: Callable[[], tuple[int, dict[str, str]]],
    hurry: Callable[[int], tuple[int, dict[str, str]] | None],
    watch: Watch,
    stop: Event,
) -> Iterator[Followed]:
    """Keep views up to date until `stop` is set.

    Of several processes that follow, one does the work; when it ends, however it ends, another
    takes over. Leading only saves the others the work: who projects what is settled by the
    projector's transactions.

    Args:
        place: Returns where the views lie.
        catch_up: Brings them up to date; returns their position, and which have stopped, and why.
        hurry: Brings them up to a position that there was word of, and looks at nothing else
            before; None: that was in vain.
        watch: Waits for new events.
        stop: Ends it, from any other thread.

    Yields:
        What has changed: this process begins to lead or to wait; under its lead, the views have
        moved on, or one of them has stopped.
    """
    told: Followed | None = None
    found = catch_up()
    while not stop.is_set():
        try:
            leader = place().lead()
        except StoreUnreachable:
            # Whoever catches up waits for the server to come back, or gives up.
            leader = None
            found = catch_up()
        if leader is None:
            if told is None or told.leads:
                told = Followed(False, *found)
                yield told
            stop.wait(POLL_INTERVAL)
            continue
        with closing(leader):
            while not stop.is_set() and leader.holds():
                now = Followed(True, *catch_up())
                if now != told:
                    told = now
                    yield told
                word = watch.wait(stop)
                if word and (hurried := hurry(word)) is not None:
                    told = Followed(True, *hurried)
                    yield told
