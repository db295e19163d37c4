"""Threads that write at the same time share one commit, and each gets what is its own."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest

from ledger.batching import Batching, Ticket
from ledger.errors import StoreUnreachable

PATIENCE = 20


class Commits:
    """Takes batches; each commit waits until it is let go on."""

    def __init__(self, *, free: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.go_on = Event(), Event()
        self.error: BaseException | None = None
        if free:
            self.go_on.set()

    def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        if self.error is not None:
            raise self.error
        return [ValueError(f"odd {item}") if item % 2 else item * 10 for item in items]


def batching(commits: Commits, limit: int = 500) -> Batching[int, int]:
    return Batching(commits, lambda item: item, limit)


def waiting(batching: Batching[int, int], count: int) -> None:
    """Return once so many items wait for their turn."""
    while len(vars(batching)["_waiting"]) < count:
        pass


def submit_behind(
    pool: ThreadPoolExecutor, batching: Batching[int, int], commits: Commits, *items: int
) -> list[Future[int]]:
    """Submit items in this order while the first of them is being committed."""
    found = [pool.submit(batching.submit, items[0])]
    assert commits.begun.wait(PATIENCE)
    for number, item in enumerate(items[1:], 1):
        found.append(pool.submit(batching.submit, item))
        waiting(batching, number)
    return found


def test_what_waits_during_a_commit_goes_together_in_the_next() -> None:
    commits = Commits()
    shared = batching(commits)
    with ThreadPoolExecutor(4) as pool:
        found = submit_behind(pool, shared, commits, 2, 4, 6, 8)
        commits.go_on.set()
        assert [one.result(PATIENCE) for one in found] == [20, 40, 60, 80]
    assert commits.batches == [[2], [4, 6, 8]]
    assert shared.submit(12) == 120


def test_a_batch_has_a_limit_and_the_order_stays() -> None:
    commits = Commits()
    with ThreadPoolExecutor(6) as pool:
        found = submit_behind(pool, batching(commits, limit=10), commits, 2, 4, 6, 20, 2, 8)
        commits.go_on.set()
        assert [one.result(PATIENCE) for one in found] == [20, 40, 60, 200, 20, 80]
    # Alone where it is too much by itself.
    assert commits.batches == [[2], [4, 6], [20], [2, 8]]


def test_an_error_of_one_s_own_is_nobody_else_s() -> None:
    commits = Commits()
    with ThreadPoolExecutor(3) as pool:
        found = submit_behind(pool, batching(commits), commits, 2, 3, 4)
        commits.go_on.set()
        with pytest.raises(ValueError, match=r"^odd 3$"):
            found[1].result(PATIENCE)
        assert [found[0].result(PATIENCE), found[2].result(PATIENCE)] == [20, 40]


def test_what_befalls_a_commit_befalls_all_of_it_and_no_other() -> None:
    commits = Commits()
    shared = batching(commits)
    with ThreadPoolExecutor(3) as pool:
        found = submit_behind(pool, shared, commits, 2, 4, 6)
        commits.error = StoreUnreachable("gone")
        commits.go_on.set()
        told = [one.exception(PATIENCE) for one in found]
    assert [repr(error) for error in told] == ["StoreUnreachable('gone')"] * 3
    # Each of a batch its own: threads that raise the same one write into it at the same time.
    assert told[1] is not told[2]
    commits.error = None
    assert shared.submit(8) == 80


def test_an_interrupt_is_its_thread_s_own_and_the_others_are_told() -> None:
    commits = Commits()
    shared = batching(commits)
    with ThreadPoolExecutor(3) as pool:
        found = submit_behind(pool, shared, commits, 2, 4, 6)
        commits.begun.clear()
        commits.error = KeyboardInterrupt()
        commits.go_on.set()
        with pytest.raises(KeyboardInterrupt):
            found[0].result(PATIENCE)
        # Either of those who waited stored for both.
        told = sorted((one.exception(PATIENCE) for one in found[1:]), key=repr)
        assert [repr(error) for error in told] == [
            "Interrupted('the thread that was storing it was interrupted')",
            "KeyboardInterrupt()",
        ]
    commits.error = None
    assert shared.submit(8) == 80


def test_who_stops_waiting_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    commits = Commits()
    shared = batching(commits)

    def wait(*_: object) -> bool:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shared.submit, 2)
        assert commits.begun.wait(PATIENCE)
        with monkeypatch.context() as patch:
            patch.setattr("ledger.batching.Ticket.wait", wait)
            with pytest.raises(KeyboardInterrupt):
                shared.submit(4)
        last = pool.submit(shared.submit, 6)
        waiting(shared, 1)
        commits.go_on.set()
        assert [first.result(PATIENCE), last.result(PATIENCE)] == [20, 60]
    assert commits.batches == [[2], [6]]


def test_who_is_interrupted_as_he_begins_leaves_the_turn_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = batching(Commits(free=True))

    def lead(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Batching, "_lead", lead)
        with pytest.raises(KeyboardInterrupt):
            shared.submit(2)
    # Nor is what it wanted written for somebody who does not wait for it.
    assert shared.submit(4) == 40
    assert vars(shared)["_commit"].batches == [[4]]


# In a process of its own: what else runs in this one is not made to be interrupted anywhere.
INTERRUPTED = """
import random, signal
from ledger.batching import Batching

def interrupt(*_):
    raise KeyboardInterrupt

shared = Batching(lambda items: [item * 10 for item in items], lambda item: item)
chance = random.Random(5)
signal.signal(signal.SIGALRM, interrupt)
interrupted = left = 0
while interrupted < 5_000:
    try:
        signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 3e-5))
        shared.submit(2)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        interrupted += 1
    left += bool(shared._leader) + bool(shared._waiting)
signal.signal(signal.SIGALRM, signal.SIG_IGN)
print(left, shared.submit(4))
"""


def test_interrupts_at_any_moment_leave_nothing_behind() -> None:
    unwatched = {name: value for name, value in os.environ.items() if "COV" not in name}
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        env=unwatched,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0 40\n", "")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_waits_for_no_thread_of_its_parent() -> None:
    commits = Commits()
    shared = batching(commits)
    with ThreadPoolExecutor(2) as pool:
        found = submit_behind(pool, shared, commits, 2, 4)
        child = multiprocessing.get_context("fork").Process(
            target=in_child, args=(shared, commits)
        )
        child.start()
        child.join(PATIENCE)
        assert child.exitcode == 0
        commits.go_on.set()
        assert [one.result(PATIENCE) for one in found] == [20, 40]


def in_child(shared: Batching[int, int], commits: Commits) -> None:
    commits.go_on.set()
    os._exit(0 if shared.submit(6) == 60 else 1)


def test_no_turn_is_lost_among_many_threads() -> None:
    commits = Commits(free=True)
    shared = batching(commits, limit=40)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(shared.submit, [2, 4, 6, 8] * 500))
    assert found == [20, 40, 60, 80] * 500
    assert sorted(item for batch in commits.batches for item in batch) == sorted(
        [2, 4, 6, 8] * 500
    )
    assert all(sum(batch) <= 40 for batch in commits.batches)


def test_answers_arrive_though_whoever_brings_them_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commits = Commits()
    shared = batching(commits)
    call, calls = Ticket.call, []

    def interrupted(ticket: Ticket[int, int]) -> None:
        calls.append(ticket)
        if len(calls) == 2:
            raise KeyboardInterrupt
        call(ticket)

    with ThreadPoolExecutor(4) as pool:
        found = submit_behind(pool, shared, commits, 2, 4, 6, 8)
        with monkeypatch.context() as patch:
            patch.setattr("ledger.batching.Ticket.call", interrupted)
            commits.go_on.set()
            told = [one.exception(PATIENCE) for one in found]
    assert [type(error) for error in told].count(KeyboardInterrupt) == 1
    assert [one.result() for one, error in zip(found, told, strict=True) if error is None] == [
        item * 10 for item, error in zip((2, 4, 6, 8), told, strict=True) if error is None
    ]
    assert shared.submit(12) == 120
