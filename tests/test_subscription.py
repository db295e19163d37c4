"""Subscriptions: old events, then new ones as they come, each once and in order."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger import EditEntry, Ledger
from ledger.domain.events import RecordedEvent
from ledger.errors import InvalidInput, LogReplaced, StoreNotFound, UndecodableEvent
from ledger.subscription import Subscription

DAY = date(2021, 3, 4)
PATIENCE = 30


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """A ledger of three events."""
    with Ledger.open(url) as opened:
        write(opened, "One", "Two", "Three")
        yield opened


def write(ledger: Ledger, *headlines: str) -> list[RecordedEvent]:
    return [ledger.create(DAY, headline, actor="Ann") for headline in headlines]


def positions(events: Iterator[RecordedEvent], number: int) -> list[int]:
    return [event.position for event in islice(events, number)]


@contextmanager
def in_threads(number: int = 1) -> Iterator[Callable[..., Future[Any]]]:
    """Lend something to run in other threads; all of them have ended when it is given back."""
    with ThreadPoolExecutor(number) as pool:
        yield pool.submit


def test_old_events_then_new_ones(ledger: Ledger) -> None:
    with ledger.subscribe() as subscription:
        old = list(islice(subscription, 3))
        assert old == list(ledger.events())
        assert [event.position for event in old] == [1, 2, 3]
        new = write(ledger, "Four", "Five")
        assert list(islice(subscription, 2)) == new


@pytest.mark.parametrize(("after", "first"), [(0, 1), (1, 2), (3, 4), (4, 5)])
def test_from_any_position(ledger: Ledger, after: int, first: int) -> None:
    write(ledger, "Four")
    with in_threads() as run, ledger.subscribe(after=after) as subscription:
        found = run(positions, subscription, 3)
        write(ledger, "Five", "Six", "Seven")
        assert found.result(PATIENCE) == [first, first + 1, first + 2]


def test_a_position_that_the_log_has_not_reached_is_waited_for(ledger: Ledger) -> None:
    with ledger.subscribe(after=5) as subscription:
        write(ledger, "Four", "Five", "Six")
        assert next(subscription).position == 6


def test_more_events_than_are_read_at_once(ledger: Ledger) -> None:
    entry = next(ledger.events()).entry
    ledger.execute(
        [EditEntry(entry=entry, headline=f"Number {n}", actor="Ben") for n in range(2_500)]
    )
    with ledger.subscribe() as subscription:
        assert positions(subscription, 2_503) == list(range(1, 2_504))


def test_events_come_while_somebody_waits(ledger: Ledger) -> None:
    with in_threads() as run, ledger.subscribe(after=3) as subscription:
        found = run(positions, subscription, 2)
        assert not found.done()
        write(ledger, "Four")
        write(ledger, "Five")
        assert found.result(PATIENCE) == [4, 5]


def test_several_at_once_and_a_concurrent_writer(ledger: Ledger) -> None:
    events, starts = 300, [0, 0, 2, 3]
    with in_threads(len(starts)) as run, ExitStack() as stack:
        found = [
            run(positions, stack.enter_context(ledger.subscribe(after)), events - after)
            for after in starts
        ]
        entry = next(ledger.events()).entry
        for number in range(events - 3):
            ledger.edit(entry, headline=f"Number {number}", actor="Ben")
        for after, future in zip(starts, found, strict=True):
            assert future.result(PATIENCE) == list(range(after + 1, events + 1))


WRITER = """
import sys
from ledger import Ledger

with Ledger.open(sys.argv[1]) as ledger:
    for number in range(int(sys.argv[3])):
        ledger.edit(sys.argv[2], headline=f"Number {number}", actor="Ben")
"""


def test_a_writer_in_another_process(ledger: Ledger, url: str) -> None:
    entry: UUID = next(ledger.events()).entry
    with in_threads() as run, ledger.subscribe() as subscription:
        found = run(lambda: list(islice(subscription, 103)))
        writer = subprocess.Popen([sys.executable, "-c", WRITER, url, str(entry), "100"])
        events = found.result(PATIENCE)
        assert writer.wait(PATIENCE) == 0
    assert events == list(ledger.events())
    assert [event.position for event in events] == list(range(1, 104))


def waiting(subscription: Subscription, found: list[int]) -> threading.Thread:
    """Return a thread that iterates, once it has had all there is."""
    had_all = threading.Event()

    def iterate() -> None:
        for event in subscription:
            found.append(event.position)
            if event.position == 3:
                had_all.set()

    thread = threading.Thread(target=iterate)
    thread.start()
    assert had_all.wait(PATIENCE)
    return thread


def test_closing_from_another_thread_ends_one_that_waits(ledger: Ledger) -> None:
    found: list[int] = []
    other: list[int] = []
    subscription, second = ledger.subscribe(), ledger.subscribe(after=1)
    thread, going_on = waiting(subscription, found), waiting(second, other)
    subscription.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    write(ledger, "Four")
    assert (found, list(subscription)) == ([1, 2, 3], [])
    # The other one goes on.
    assert going_on.is_alive()
    second.close()
    going_on.join(PATIENCE)
    assert not going_on.is_alive()


def test_closing_the_ledger_ends_all(ledger: Ledger) -> None:
    found: list[list[int]] = [[], [], []]
    subscriptions = [ledger.subscribe() for _ in found]
    threads = [
        waiting(subscription, positions)
        for subscription, positions in zip(subscriptions, found, strict=True)
    ]
    ledger.close()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert found == [[1, 2, 3]] * 3
    assert all(list(subscription) == [] for subscription in subscriptions)


def test_leaving_the_context_ends_it_with_events_still_to_come(ledger: Ledger) -> None:
    with ledger.subscribe() as subscription:
        assert next(subscription).position == 1
    with pytest.raises(StopIteration):
        next(subscription)


def test_an_event_that_cannot_be_read_is_raised_when_its_turn_comes(ledger: Ledger) -> None:
    last = ledger.application.log.read(2, 1)[0]
    unknown = last._replace(position=4, version=2, type="EntryVanished@1")
    later = last._replace(
        position=5, version=3, type="EntryRetracted@1", content=bytes(16) + b"\x80"
    )
    ledger.application.log.load([unknown, later])
    with ledger.subscribe() as subscription:
        assert positions(subscription, 3) == [1, 2, 3]
        # It is not passed over, however often one asks.
        for _ in range(2):
            with pytest.raises(UndecodableEvent, match=r"^position 4: ") as raised:
                next(subscription)
            assert raised.value.position == 4
    with ledger.subscribe(after=4) as subscription:
        assert next(subscription).position == 5


@pytest.mark.parametrize("events", [0, 1, 3, 4])
def test_another_log_in_its_place_is_not_read_on(
    ledger: Ledger, log: Path, tmp_path: Path, events: int
) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        other.init()
        write(other, *(f"Other {number}" for number in range(events)))
    with ledger.subscribe() as subscription:
        assert positions(subscription, 3) == [1, 2, 3]
        (tmp_path / "other.db").replace(log)
        with pytest.raises(LogReplaced, match=r"^event 3 is no longer the one that was read"):
            next(subscription)


@pytest.mark.parametrize("after", [-1, 2**63 - 1])
def test_a_position_that_there_cannot_be(ledger: Ledger, after: int) -> None:
    with pytest.raises(InvalidInput, match=f"^there can be no position {after}$"):
        ledger.subscribe(after=after)


def test_there_is_no_ledger(url: str, tmp_path: Path) -> None:
    with (
        Ledger.open(url) as ledger,
        ledger.subscribe() as subscription,
        pytest.raises(StoreNotFound),
    ):
        next(subscription)
    assert list(tmp_path.iterdir()) == []
