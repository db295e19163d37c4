"""Threads that write at the same time share a commit, and each is told only what is so."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from threading import Event as Flag
from typing import Any
from uuid import UUID

import pytest

from ledger import CreateEntry, EditEntry, Ledger, MergeEntry
from ledger.deciding import Request
from ledger.domain.commands import Command
from ledger.domain.events import Event, RecordedEvent
from ledger.errors import (
    CommandIdReused,
    Conflict,
    EntryClosed,
    EntryNotFound,
    InvalidInput,
    NothingChanged,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreUnreachable,
)
from ledger.histories import Histories, History

DAY = date(2024, 5, 1)
ID = UUID("00000000-0000-4000-8000-000000000001")

Done = list[tuple[RecordedEvent, bool]]


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        yield opened


@pytest.fixture
def entry(ledger: Ledger) -> UUID:
    return ledger.create(DAY, "Flood", actor="ada").entry


def new(headline: str, **fields: Any) -> CreateEntry:
    return CreateEntry(date=DAY, headline=headline, actor="ada", **fields)


def edit(entry: UUID, headline: str, **fields: Any) -> EditEntry:
    return EditEntry(entry=entry, headline=headline, actor="ada", **fields)


class Gate:
    """Holds up the first append from now on; notes how many events each brings."""

    def __init__(self, ledger: Ledger) -> None:
        self.reached, self.opened = Flag(), Flag()
        self.appends: list[int] = []
        self.error: BaseException | None = None
        self._append: Callable[..., list[RecordedEvent]] = ledger.application.append
        vars(ledger.application)["append"] = self

    def __call__(self, events: Sequence[Event], *rest: Any) -> list[RecordedEvent]:
        self.appends.append(len(events))
        if len(self.appends) == 1:
            self.reached.set()
            assert self.opened.wait(30)
        elif self.error is not None:
            error, self.error = self.error, None
            raise error
        return self._append(events, *rest)


def together(
    ledger: Ledger, gate: Gate, requests: Sequence[Sequence[Command]]
) -> list[Future[Done]]:
    """Ask for all while another command is being stored: they come next, in this order."""
    handler = ledger._handler
    waiting = vars(handler._batching)["_waiting"]
    with ThreadPoolExecutor(len(requests) + 1) as pool:
        first = pool.submit(handler.execute, [new("Before")])
        assert gate.reached.wait(30)
        found: list[Future[Done]] = []
        for number, request in enumerate(requests, 1):
            found.append(pool.submit(handler.execute, list(request)))
            while len(waiting) < number:
                pass
        gate.opened.set()
    first.result()
    return found


def told(found: Sequence[Future[Done]]) -> list[object]:
    """Return versions and whether they are new, or the class of the error."""
    return [
        type(error)
        if (error := one.exception())
        else [(event.version, is_new) for event, is_new in one.result()]
        for one in found
    ]


def test_what_waits_is_stored_in_one_commit_and_each_is_refused_for_itself(
    ledger: Ledger, entry: UUID
) -> None:
    gate = Gate(ledger)
    found = together(
        ledger,
        gate,
        [
            [edit(entry, "Two")],
            [edit(entry, "Two")],
            [edit(entry, "Three", expected_version=2), new("Other")],
            [edit(entry, "Four", expected_version=2)],
            [edit(entry, "Lost"), new("")],
            [edit(UUID(int=5), "Nothing")],
            [edit(entry, "Five")],
        ],
    )
    assert told(found) == [
        [(2, True)],
        NothingChanged,
        [(3, True), (1, True)],
        Conflict,
        InvalidInput,
        EntryNotFound,
        [(4, True)],
    ]
    # Whoever was refused asked once more, of what is stored by now.
    assert gate.appends == [1, 4]
    headlines = [step.after.headline for step in ledger.replay(entry)]
    assert headlines == ["Flood", "Two", "Three", "Five"]
    (conflict,) = [one.exception() for one in found if isinstance(one.exception(), Conflict)]
    assert "is at version" in str(conflict)
    assert ledger.audit.verify().sound


def test_one_command_that_two_ask_for_at_once_is_done_once(ledger: Ledger, entry: UUID) -> None:
    gate = Gate(ledger)
    found = together(
        ledger,
        gate,
        [
            [edit(entry, "Two", id=ID)],
            [edit(entry, "Two", id=ID)],
            [edit(entry, "Other", id=ID)],
        ],
    )
    assert told(found) == [[(2, True)], [(2, False)], CommandIdReused]
    assert found[0].result()[0][0] == found[1].result()[0][0]


def test_a_new_entry_that_is_asked_for_again_is_the_one_there_is(ledger: Ledger, url: str) -> None:
    with Ledger.open(url) as other:
        first = other.execute([new("Flood", id=ID)])
    ledger.create(DAY, "Dock", actor="ada")
    gate = Gate(ledger)
    found = together(ledger, gate, [[new("Ferry")], [new("Flood", id=ID)], [new("Crane")]])
    assert told(found) == [[(1, True)], [(1, False)], [(1, True)]]
    assert [event for event, _ in found[1].result()] == first
    # It was guessed that it is new, which was refused; then all was read.
    assert gate.appends[:2] == [1, 3]
    assert len(list(ledger.events())) == 5


def test_nobody_is_refused_for_what_was_not_stored(ledger: Ledger, entry: UUID) -> None:
    gate = Gate(ledger)
    gate.error = StoreFull("no room")
    found = together(ledger, gate, [[edit(entry, "Two")], [edit(entry, "Two")], [new("Ferry")]])
    # The second found that it would change nothing, had the first been stored.
    assert told(found) == [StoreFull, [(2, True)], StoreFull]
    assert [step.after.headline for step in ledger.replay(entry)] == ["Flood", "Two"]


def test_who_has_nothing_to_store_is_answered_though_nothing_can_be_stored(
    ledger: Ledger, entry: UUID
) -> None:
    ledger.execute([edit(entry, "Two", id=ID)])
    gate = Gate(ledger)
    gate.error = StoreFull("no room")
    found = together(
        ledger, gate, [[edit(entry, "Two", id=ID)], [edit(entry, "")], [new("Ferry")]]
    )
    assert told(found) == [[(2, False)], InvalidInput, StoreFull]
    assert gate.appends == [1, 1]


def test_another_writer_s_edit_hinders_only_those_of_the_same_entry(
    ledger: Ledger, url: str, entry: UUID
) -> None:
    gate = Gate(ledger)

    with Ledger.open(url) as other:
        append = gate._append

        def overtaken(events: Sequence[Event], *rest: Any) -> list[RecordedEvent]:
            if len(gate.appends) == 2:
                other.edit(entry, headline="Overtaken", actor="eve")
            return append(events, *rest)

        gate._append = overtaken
        found = together(
            ledger, gate, [[edit(entry, "Two", expected_version=1)], [new("A")], [new("B")]]
        )
    assert told(found) == [Conflict, [(1, True)], [(1, True)]]
    assert [step.after.headline for step in ledger.replay(entry)] == ["Flood", "Overtaken"]
    assert len(list(ledger.events())) == 5


def test_two_entries_are_not_merged_into_each_other(ledger: Ledger, entry: UUID) -> None:
    target = ledger.create(DAY, "Ferry", actor="ada").entry
    gate = Gate(ledger)
    found = together(
        ledger,
        gate,
        [
            [edit(target, "Ferries")],
            [MergeEntry(entry=target, into=entry, actor="ada")],
            [MergeEntry(entry=entry, into=target, actor="ada")],
        ],
    )
    assert told(found) == [[(2, True)], [(3, True)], EntryClosed]


def test_an_answer_that_was_lost_is_found_by_all_who_waited_for_it(
    ledger: Ledger, entry: UUID
) -> None:
    gate = Gate(ledger)
    append = gate._append

    def unheard(events: Sequence[Event], *rest: Any) -> list[RecordedEvent]:
        recorded = append(events, *rest)
        if len(gate.appends) == 2:
            raise StoreUnreachable("gone")
        return recorded

    gate._append = unheard
    found = together(ledger, gate, [[edit(entry, "Two")], [edit(entry, "Two")], [new("Ferry")]])
    assert told(found) == [[(2, True)], NothingChanged, [(1, True)]]
    assert len(list(ledger.events())) == 4


def test_whoever_stores_for_all_and_is_interrupted_leaves_nobody_in_the_dark(
    ledger: Ledger, entry: UUID
) -> None:
    gate = Gate(ledger)
    gate.error = KeyboardInterrupt()
    found = together(ledger, gate, [[edit(entry, "Two")], [new("Ferry")], [new("Crane")]])
    outcomes = told(found)
    assert outcomes.count(KeyboardInterrupt) == 1
    assert len([one for one in outcomes if isinstance(one, list)]) == 2
    with suppress(NothingChanged):
        ledger.execute([edit(entry, "Two")])
    assert ledger.get(entry).entry.headline == "Two"


def test_what_was_stored_by_who_was_interrupted_then_is_found(ledger: Ledger, entry: UUID) -> None:
    gate = Gate(ledger)
    append = gate._append

    def unheard(events: Sequence[Event], *rest: Any) -> list[RecordedEvent]:
        recorded = append(events, *rest)
        if len(gate.appends) == 2:
            # Stored, and nobody is told.
            raise KeyboardInterrupt
        return recorded

    gate._append = unheard
    found = together(ledger, gate, [[edit(entry, "Two")], [new("Ferry")], [new("Crane")]])
    outcomes = told(found)
    assert outcomes.count(KeyboardInterrupt) == 1
    # Whichever of the three it was that stored for all.
    assert [one for one in outcomes if one is not KeyboardInterrupt] in (
        [[(1, True)], [(1, True)]],
        [[(2, True)], [(1, True)]],
    )
    assert gate.appends == [1, 3]
    assert len(list(ledger.events())) == 5


def test_whoever_finds_his_own_in_the_log_is_not_told_of_another_s_failure(
    ledger: Ledger, entry: UUID
) -> None:
    handler = ledger._handler
    in_the_dark = Request([edit(entry, "Two", id=ID)], {})
    ledger.execute(in_the_dark.commands)
    in_the_dark.unanswered = {ID}
    unlucky = Request([new("Ferry")], {})
    for request in (in_the_dark, unlucky):
        handler._look(request, None)

    def full(*_: object) -> list[RecordedEvent]:
        raise StoreFull("no room")

    vars(ledger.application)["append"] = full
    found, error = handler._do([in_the_dark, unlucky])
    assert isinstance(found, list)
    assert [(event.version, is_new) for event, is_new in found] == [(2, True)]
    assert isinstance(error, StoreFull)


def test_after_a_lost_answer_only_what_was_sent_is_new(ledger: Ledger, entry: UUID) -> None:
    ledger.execute([edit(entry, "Two", id=ID)])
    append = ledger.application.append
    lost: list[bool] = []

    def unheard(events: Sequence[Event], *rest: Any) -> list[RecordedEvent]:
        recorded = append(events, *rest)
        if not lost:
            lost.append(True)
            raise StoreUnreachable("gone")
        return recorded

    vars(ledger.application)["append"] = unheard
    done = ledger._handler.execute([edit(entry, "Two", id=ID), edit(entry, "Three")])
    assert [(event.version, is_new) for event, is_new in done] == [(2, False), (3, True)]


def test_after_a_lost_answer_the_log_is_asked_until_it_tells(
    ledger: Ledger, entry: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = ledger.application.append
    busy: list[StoreError] = [StoreBusy("all connections were in use")]

    def unheard(events: Sequence[Event], *rest: Any) -> list[RecordedEvent]:
        append(events, *rest)
        raise StoreUnreachable("gone")

    def get(histories: Histories, id_: UUID) -> History:
        if busy and len(list(ledger.events())) == 2:
            raise busy.pop()
        return read(histories, id_)

    read = Histories.get
    monkeypatch.setattr(Histories, "get", get)
    vars(ledger.application)["append"] = unheard
    ((event, is_new),) = ledger._handler.execute([edit(entry, "Two")])
    assert (event.version, is_new, busy) == (2, True, [])


def looking(ledger: Ledger, meanwhile: Callable[[], object]) -> list[int]:
    """Let something happen whenever a request has been looked up; return how often that was."""
    handler = ledger._handler
    look, looks = handler._look, list[int]()

    def then(request: Request, epoch: int | None) -> None:
        look(request, epoch)
        looks.append(len(looks))
        vars(handler).pop("_look")
        meanwhile()
        vars(handler)["_look"] = then

    vars(handler)["_look"] = then
    return looks


def test_a_refusal_is_given_though_the_entry_moves_on_all_the_time(
    ledger: Ledger, entry: UUID
) -> None:
    numbers = iter(range(100))
    looks = looking(ledger, lambda: ledger.execute([edit(entry, f"Flood {next(numbers)}")]))
    with pytest.raises(Conflict):
        ledger.execute([edit(entry, "Two", expected_version=1)])
    assert len(looks) <= 2


def test_a_command_is_stored_though_others_write_all_the_time(
    ledger: Ledger, url: str, entry: UUID
) -> None:
    numbers = iter(range(100))
    with Ledger.open(url) as other:
        looks = looking(ledger, lambda: other.execute([new(f"Ferry {next(numbers)}")]))
        ledger.execute([edit(entry, "Two")])
    assert len(looks) <= 2


def test_what_was_read_of_another_log_decides_nothing(log: Path) -> None:
    kept = log.with_name("kept.db")
    with Ledger.open(f"sqlite:///{log}") as ledger:
        entry = ledger.create(DAY, "Flood", actor="ada").entry
        with closing(sqlite3.connect(log)) as db:
            db.execute("VACUUM INTO ?", (str(kept),))
        with Ledger.open(f"sqlite:///{kept}") as backup:
            backup.edit(entry, headline="As the backup says", actor="ada")
        ledger.edit(entry, headline="Gone", actor="ada")
        ledger._handler.histories.trust_nothing()

        def put_back() -> None:
            if kept.exists():
                kept.replace(log)
                ledger.execute([new("Ferry")])

        looking(ledger, put_back)
        ledger.execute([edit(entry, "Gone", summary="More.")])
        assert ledger.get(entry).entry.headline == "Gone"
        with pytest.raises(NothingChanged):
            ledger.execute([edit(entry, "Gone")])
        ledger.execute([edit(entry, "As the backup says")])
        assert ledger.audit.verify(with_views=True).sound


def test_one_that_fails_alone_fails_for_nobody_else(ledger: Ledger, url: str, entry: UUID) -> None:
    gate = Gate(ledger)
    append = gate._append
    with Ledger.open(url) as other:

        def unlucky(events: Sequence[Event], *rest: Any) -> list[RecordedEvent]:
            if len(gate.appends) == 2:
                other.edit(entry, headline="Overtaken", actor="eve")
            if len(gate.appends) == 4:
                raise StoreFull("no room")
            return append(events, *rest)

        gate._append = unlucky
        # So all below is read, and those who were refused together are stored each for itself.
        ledger._handler.histories.trust_nothing()
        found = together(
            ledger, gate, [[edit(entry, "Two", expected_version=1)], [new("A")], [new("B")]]
        )
    assert told(found) == [Conflict, StoreFull, [(1, True)]]
    stored = [ledger.get(event.entry).entry.headline for event in ledger.events()]
    assert stored == ["Overtaken", "Before", "Overtaken", "B"]
