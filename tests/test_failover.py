"""Followers on PostgreSQL whose connections or whose server go away under them."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest

from ledger import Ledger
from tests.postgres import OwnServer
from tests.projections.desk import write_many
from tests.projections.followers import Follower, install_counting, once, wait_for
from tests.stores import PostgresStore


@pytest.fixture
def two(place: PostgresStore, tmp_path: Path) -> Iterator[tuple[Follower, Follower]]:
    """Two that follow a log of 100 events."""
    write_many(place.with_options(), 50, 1)
    site = install_counting(tmp_path)
    with ExitStack() as stack:
        # On connections that bear its name.
        one, other = (
            stack.enter_context(
                closing(Follower(site, place.with_options(application_name=name), name))
            )
            for name in ("ana", "ben")
        )
        # Who never reached a server does not wait for it.
        wait_for(lambda: one.lines != [] and other.lines != [])
        yield one, other


def wait_for_leader(two: tuple[Follower, Follower], head: int) -> Follower:
    """Wait until one projects, and is at the end, and the other one waits; return the one."""

    def is_settled() -> bool:
        leaders = [one.lines[-1] for one in two if one.leads()]
        return leaders == [f"projecting, at position {head}"]

    wait_for(is_settled)
    return next(one for one in two if one.leads())


def restart(server: OwnServer) -> None:
    server.stop()
    server.start()


def crash(server: OwnServer) -> None:
    server.kill()
    time.sleep(0.3)
    server.start()


BREAKS: dict[str, Callable[[OwnServer, str], object]] = {
    "connections": lambda server, leader: server.terminate_backends(leader),
    "restart": lambda server, leader: restart(server),
    "crash": lambda server, leader: crash(server),
}


@pytest.mark.parametrize("how", BREAKS)
def test_each_event_is_counted_once_whatever_breaks(
    server: OwnServer, place: PostgresStore, two: tuple[Follower, Follower], how: str
) -> None:
    head = 100
    for turn in range(3):
        leader = wait_for_leader(two, head)
        write_many(place.with_options(), 100, 2 + turn)
        head += 300 + 100 * turn
        time.sleep(0.05 * turn)
        BREAKS[how](server, leader.name)
        wait_for_leader(two, head)
        # A crash may cost views what they had; they take it again.
        wait_for(partial(once, place, head))
    assert [one.end(signal.SIGTERM) for one in two] == [0, 0]
    assert {one.err for one in two} == {""}
    with Ledger.open(place.url) as ledger:
        assert {proof.same for proof in ledger.rebuild()} == {True}
