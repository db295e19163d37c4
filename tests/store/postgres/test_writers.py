"""Many writers and many readers at one log: nothing is lost, doubled, or seen out of turn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

import pytest
from psycopg import sql

from tests.chaos.crowd import Crowd
from tests.postgres import OwnServer
from tests.stores import PostgresStore

# What takes too long on two processors is done in full where somebody asks for it.
EVENTS = 2000
FEWER = EVENTS if "LEDGER_TEST_FULL" in os.environ else 400


@pytest.fixture
def seed() -> int:
    """What chance is; pytest shows it where a test fails."""
    found = time.time_ns() % 1_000_000
    print(f"seed = {found}")  # noqa: T201
    return found


@pytest.fixture
def gather(place: PostgresStore, tmp_path: Path) -> Iterator[Callable[..., Crowd]]:
    with ExitStack() as stack:
        yield lambda seed, events, patient, hasty: stack.enter_context(
            closing(Crowd(place.with_options(), tmp_path, seed, events, patient, hasty))
        )


def test_eight_writers_and_four_readers(gather: Callable[..., Crowd], seed: int) -> None:
    crowd = gather(seed, EVENTS, 8, 0)
    while crowd.is_writing():
        time.sleep(0.1)
    crowd.require_sound()


def test_connections_are_killed_all_the_time(
    gather: Callable[..., Crowd], server: OwnServer, seed: int
) -> None:
    crowd = gather(seed, FEWER, 6, 2)
    rng, killed = Random(seed), 0
    crowd.begin()
    with closing(server.connect()) as db:
        while crowd.is_writing():
            pids = db.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'ledger' ORDER BY pid"
            ).fetchall()
            if pids:
                db.execute("SELECT pg_terminate_backend(%s)", rng.choice(pids))
                killed += 1
            time.sleep(rng.uniform(0.03, 0.15))
    assert killed >= 10
    crowd.require_sound()


def test_the_server_is_killed_and_started_again(
    gather: Callable[..., Crowd], server: OwnServer, place: PostgresStore, seed: int
) -> None:
    crowd = gather(seed, FEWER, 6, 2)
    rng = Random(seed)
    crowd.begin()
    for share in (0.15, 0.4, 0.65):
        while head_of(server, place.schema) < share * 8 * FEWER:
            assert crowd.is_writing()
            time.sleep(0.05)
        server.kill()
        time.sleep(rng.uniform(0, 1))
        server.start()
    assert crowd.is_writing()
    while crowd.is_writing():
        time.sleep(0.1)
    crowd.require_sound()


def head_of(server: OwnServer, schema: str) -> int:
    query = sql.SQL("SELECT coalesce(max(position), 0) FROM {}").format(
        sql.Identifier(schema, "events")
    )
    ((head,),) = server.execute(query)
    return int(head)
