"""Following: of several processes one projects, another takes over, each event counts once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Event, Thread

import pytest
from psycopg import sql

from ledger import Ledger
from ledger.projections.following import Followed
from tests.projections.desk import NAMES, add, digests, fill, one_generation, positions, write_many
from tests.projections.followers import (
    COUNTING,
    DEADLINE,
    Follower,
    counted,
    install_counting,
    once,
    wait_for,
)
from tests.stores import PostgresStore, Store


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder to have on the path: the counting projection, installed."""
    return install_counting(tmp_path)


@pytest.fixture
def start(site: Path, url: str) -> Iterator[Callable[[str], Follower]]:
    with ExitStack() as stack:

        def one(name: str) -> Follower:
            return stack.enter_context(closing(Follower(site, url, name)))

        yield one


def reaches(store: Store, follower: Follower, head: int) -> None:
    """Wait until a follower has projected everything, each event once."""
    wait_for(lambda: once(store, head))
    wait_for(lambda: follower.lines[-1] == f"projecting, at position {head}")
    assert once(store, head)


def speaks(follower: Follower) -> Follower:
    wait_for(lambda: follower.lines != [])
    return follower


def test_another_takes_over_when_the_one_at_work_is_killed(
    store: Store, url: str, start: Callable[[str], Follower]
) -> None:
    write_many(url, 50, 1)
    head = 100
    # Whoever is first leads.
    a, b = start("a"), start("b")
    leader, other = (a, b) if speaks(a).leads() else (b, a)
    wait_for(leader.leads)
    assert not speaks(other).leads()
    for turn in range(3):
        assert leader.lines[-1] == f"projecting, at position {head}"
        (line,) = other.lines
        assert line.startswith("waiting while another projects, at position ")
        # It dies in the middle of its work, and what follows is for the other.
        write_many(url, 100, 2 + turn)
        add(url, f"Crane {turn} falls")
        head += 301 + 100 * turn
        time.sleep(0.06 * turn)
        assert leader.end(signal.SIGKILL) == -signal.SIGKILL
        reaches(store, other, head)
        assert other.lines[1].startswith("projecting, at position ")
        leader, other = other, speaks(start(f"c{turn}"))
    with Ledger.open(url) as ledger:
        assert {proof.same for proof in ledger.rebuild()} == {True}
        assert {status.position for status in ledger.views.status()} == {head}


@pytest.mark.parametrize(
    ("how", "status", "err"),
    [(signal.SIGTERM, 0, ""), (signal.SIGINT, 130, "ledger: stopped")],
)
def test_it_ends_when_it_is_told_to(
    store: Store,
    url: str,
    start: Callable[[str], Follower],
    how: signal.Signals,
    status: int,
    err: str,
) -> None:
    fill(url)
    leader = start("leader")
    wait_for(leader.leads)
    assert leader.lines == ["projecting, at position 7"]
    waiting, next_one = speaks(start("waiting")), speaks(start("next"))
    assert waiting.lines == next_one.lines == ["waiting while another projects, at position 7"]
    # One that waits, then the one at work.
    assert (waiting.end(how), waiting.err) == (status, err)
    add(url, "Crane falls")
    wait_for(lambda: len(leader.lines) == 2)
    assert (leader.end(how), leader.err) == (status, err)
    assert leader.lines == ["projecting, at position 7", "projecting, at position 8"]
    wait_for(next_one.leads)
    add(url, "Quay floods")
    wait_for(lambda: next_one.lines[-1] == "projecting, at position 9")
    assert (next_one.end(how), next_one.err) == (status, err)
    assert once(store, 9)


def test_one_that_fails_does_not_end_it(
    store: Store, url: str, site: Path, start: Callable[[str], Follower]
) -> None:
    poisoned = COUNTING.replace("db.exec", "assert events[0].position < 8\n        db.exec")
    (site / "counting.py").write_text(poisoned)
    fill(url)
    follower = start("one")
    wait_for(follower.leads)
    add(url, "Crane falls", "Quay floods")
    wait_for(lambda: follower.lines[-1] == "projecting, at position 9")
    assert len(counted(store)) == 7
    assert positions(store) == dict.fromkeys(NAMES, 9) | {"counting": 7}
    assert follower.end(signal.SIGTERM) == 0
    assert {line.rstrip() for line in follower.err.splitlines()} == {
        "ledger: warning: counting has stopped at event 8: Counting.apply raised AssertionError:"
    }


def test_following_ends_when_its_event_is_set(url: str) -> None:
    fill(url)
    stop, seen = Event(), list[Followed]()
    with Ledger.open(url) as ledger:

        def follow() -> None:
            for step in ledger.views.follow(stop):
                seen.append(step)

        thread = Thread(target=follow)
        thread.start()
        try:
            wait_for(lambda: seen == [Followed(True, 7, {})])
            add(url, "Crane falls")
            wait_for(lambda: seen == [Followed(True, 7, {}), Followed(True, 8, {})])
        finally:
            stop.set()
            thread.join(DEADLINE)
        assert not thread.is_alive()
        assert len(seen) == 2
        assert list(ledger.views.follow(stop)) == []


def test_two_ledgers_take_turns(url: str) -> None:
    fill(url)
    stop = Event()
    with Ledger.open(url) as a, Ledger.open(url) as b:
        first, second = a.views.follow(stop), b.views.follow(stop)
        assert next(first) == Followed(True, 7, {})
        assert next(second) == Followed(False, 7, {})
        add(url, "Crane falls")
        assert next(first) == Followed(True, 8, {})
        assert isinstance(first, Generator)
        first.close()
        assert next(second) == Followed(True, 8, {})
        third = a.views.follow(stop)
        assert next(third) == Followed(False, 8, {})
        stop.set()
        assert list(second) == []
        assert list(third) == []
        # Nobody leads any more.
        stop.clear()
        assert next(a.views.follow(stop)) == Followed(True, 8, {})


@pytest.mark.usefixtures("log")
def test_there_is_one_leader_again_after_the_folder_was_deleted(url: str, store: Store) -> None:
    fill(url)
    stop = Event()
    with Ledger.open(url) as a, Ledger.open(url) as b:
        first, second = a.views.follow(stop), b.views.follow(stop)
        assert next(first) == Followed(True, 7, {})
        assert next(second) == Followed(False, 7, {})
        store.drop_views()
        # Its lock is nobody's to see any more, so the other one leads.
        assert next(second) == Followed(True, 7, {})
        assert next(first) == Followed(False, 7, {})
        add(url, "Crane falls")
        assert next(second) == Followed(True, 8, {})
        stop.set()
        assert list(first) == list(second) == []


def test_views_that_are_taken_away_come_back_under_a_follower(url: str, store: Store) -> None:
    fill(url)
    before = digests(url)
    with Ledger.open(url) as ledger:
        following = ledger.views.follow(Event())
        assert next(following) == Followed(True, 7, {})
        store.drop_views()
        add(url, "Crane falls")
        assert next(following) == Followed(True, 8, {})
        assert one_generation(store)
        assert [status.name for status in digests(url)] == [status.name for status in before]


def test_what_strangers_say_is_not_believed(postgres_store: PostgresStore) -> None:
    fill(postgres_store.url)
    stop, seen = Event(), list[Followed]()
    with Ledger.open(postgres_store.url) as ledger:
        thread = Thread(target=lambda: seen.extend(ledger.views.follow(stop)))
        thread.start()
        try:
            for word in ("8", "999999999999999999", "99999999999999999999", "-1", "٨", "x", ""):
                postgres_store.server.execute(
                    sql.SQL("SELECT pg_notify({}, {})").format(
                        f"{postgres_store.schema}_events", word
                    )
                )
                wait_for(lambda: {status.lag for status in ledger.views.standing()} == {0})
            add(postgres_store.url, "Crane falls")
            wait_for(lambda: seen[-1:] == [Followed(True, 8, {})])
        finally:
            stop.set()
            thread.join(DEADLINE)
    assert seen[-1] == Followed(True, 8, {})
    assert {step.position for step in seen} <= {7, 8}


def test_a_schema_that_was_given_to_others_is_not_written(postgres_store: PostgresStore) -> None:
    """Code of theirs may be in it, and would run with the rights of the follower."""
    fill(postgres_store.url)
    with Ledger.open(postgres_store.url) as ledger:
        following = ledger.views.follow(Event())
        assert next(following) == Followed(True, 7, {})
        before = sql.Identifier(postgres_store.serving() or "")
        postgres_store.server.execute(
            sql.SQL("ALTER SCHEMA {} OWNER TO pg_database_owner").format(before)
        )
        add(postgres_store.url, "Crane falls")
        assert next(following) == Followed(True, 8, {})
        found = postgres_store.server.execute(
            sql.SQL("SELECT DISTINCT position FROM {}.projections").format(before),
        )
        assert found == [(7,)]
        assert sql.Identifier(postgres_store.serving() or "") != before
