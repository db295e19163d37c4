"""After an erasure: free paths, commands that come again, and what can still be done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import pytest

from ledger import EditEntry, Ledger
from ledger.domain.commands import EraseVersions
from ledger.domain.erasure import Kept
from ledger.erasing import TRIES, Eraser
from ledger.errors import (
    CommandIdReused,
    Conflict,
    EntryNotFound,
    InvalidInput,
    Refused,
    StoreBusy,
)
from ledger.service import CommandHandler
from tests.erasures import DAY, WHO, Desk, erase, newsroom, refused
from tests.stores import Store


@pytest.fixture
def url(store: Store) -> str:
    return store.with_options(synchronous="normal", timeout="0.2")


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    with newsroom(url) as lent:
        yield lent


# Paths


def test_a_slug_that_a_path_was_numbered_after_stays(desk: Desk) -> None:
    ledger = desk.ledger
    ledger.edit(desk.namesake, headline="All is well", actor="Ann")
    done = ledger.erase(desk.namesake, (1,), "Court of Lee", **WHO)
    assert done.plan is not None
    assert done.plan.gone == {1: ("headline",)}
    assert done.plan.kept == (Kept(1, "slug", ()), Kept(1, "contexts", (2,)))
    assert ledger.get(desk.namesake, version=1).path == "/news/2021/03/4/pilot-questioned"
    assert ledger.get(desk.entry, version=3).path == "/news/2021/03/4/pilot-questioned-2"


def test_an_erased_path_is_free_again(desk: Desk) -> None:
    ledger, entry, *_ = desk
    path = "/news/2021/03/4/marlowe-questioned"
    assert ledger.at(path).entry.version == 2
    erase(ledger, entry, 1, 2)
    refused(lambda: ledger.at(path), EntryNotFound, f"no entry is or was at {path}")
    other = ledger.create(DAY, "Marlowe questioned", actor="Ann").entry
    assert ledger.get(other).path == path
    assert ledger.get(path).entry.id == other
    assert list(ledger.check()) == []


def test_nobody_else_gets_a_slug_like_that_of_an_erased_version(desk: Desk) -> None:
    refused(
        lambda: desk.ledger.create(DAY, "Tide", slug="~erased-9", actor="Ann"),
        InvalidInput,
        "a slug that begins with '~erased-' is kept for what was erased",
    )


# What comes after


def test_nothing_is_restored_from_what_was_erased(desk: Desk) -> None:
    ledger, entry, *_ = desk
    erase(ledger, entry, 1, 2, 4)
    for version in (1, 2, 4):
        refused(
            partial(ledger.revert, entry, version, actor="Ann"),
            Refused,
            f"version {version} was erased, as event 8 says: nothing can be restored from it",
        )
    assert ledger.revert(entry, 3, actor="Ann").version == 8
    assert ledger.get(entry).path == "/news/2021/03/4/pilot-questioned-2"


def test_who_expects_a_version_that_was_erased_is_told_that_the_entry_moved_on(desk: Desk) -> None:
    erase(desk.ledger, desk.entry, 1)
    with pytest.raises(Conflict, match=r"not at 1 as expected; what version 1 said was erased$"):
        desk.ledger.edit(desk.entry, headline="Seen", actor="Ann", expected_version=1)


def test_a_version_whose_names_alone_are_gone_is_restored(desk: Desk) -> None:
    ledger, entry, *_ = desk
    erase(ledger, entry, 1, text=False, names=True)
    ledger.revert(entry, 1, actor="Ann")
    assert ledger.get(entry).entry.headline == "Marlowe questioned"


def test_the_same_command_twice_erases_once(desk: Desk) -> None:
    ledger, entry, *_ = desk
    id_ = UUID(int=77)
    first = ledger.erase(entry, (1,), "Court of Lee", id=id_, **WHO)
    again = ledger.erase(entry, [1], "Court of Lee", id=id_, **WHO)
    assert (again.event, again.plan) == (first.event, None)
    refused(
        lambda: ledger.erase(entry, (1, 4), "Court of Lee", id=id_, **WHO),
        CommandIdReused,
        f"the command id {id_} was already used for another command (version 6 of entry {entry})",
    )
    assert ledger.application.log.head().position == 9


def test_an_id_that_an_erased_edit_had_is_no_erasure(desk: Desk) -> None:
    ledger, entry, *_ = desk
    id_ = ledger.history(entry)[0].meta.command
    erase(ledger, entry, 1)
    refused(
        lambda: erase(ledger, entry, 4, id=id_),
        CommandIdReused,
        f"the command id {id_} was already used for another command (version 1 of entry {entry})",
    )


def test_a_command_whose_text_was_erased_is_not_done_again(desk: Desk) -> None:
    ledger, entry, *_ = desk
    command = EditEntry(entry=entry, headline="Marlowe hanged", actor="Ann")
    ledger.execute([command])
    ledger.edit(entry, headline="Pilot is free", actor="Ann")
    erase(ledger, entry, 6)
    position = ledger.application.log.head().position
    (event,) = ledger.execute([command])
    assert (event.version, event.erased is not None) == (6, True)
    assert ledger.application.log.head().position == position


def test_what_the_entry_shows_after_an_erasure_is_what_is_edited(desk: Desk) -> None:
    ledger, entry, *_ = desk
    ledger.retract(entry, actor="Ann")
    erase(ledger, entry, 1, 2, 3, 5)
    ledger.reinstate(entry, actor="Ann")
    notice = "[erased, as event 9 says]"
    assert ledger.get(entry).entry.headline == notice
    # The words are gone from memory, too.
    with pytest.raises(Conflict) as caught:
        ledger.edit(entry, topic="Inquiry", actor="Ann", expected_version=6)
    assert str(caught.value) == (
        f"entry {entry} is at version 9, not at 6 as expected; changed meanwhile: "
        "status: retracted -> active"
    )
    ledger.edit(entry, headline="Pilot is free", actor="Ann")
    assert ledger.get(entry).entry.headline == "Pilot is free"


def test_an_erasure_that_others_always_come_before_gives_up(desk: Desk, url: str) -> None:
    with Ledger.open(url) as other:

        def now() -> datetime:
            # Asked between the look at the log and the writing.
            other.create(DAY, "Tide falls", actor="Ann")
            return datetime.now(UTC)

        handler = CommandHandler(desk.ledger.application, now)
        eraser = Eraser(desk.ledger.application, desk.ledger.views, handler, now)
        command = EraseVersions(entry=desk.entry, versions=(1,), authority="Court of Lee", **WHO)
        refused(
            lambda: eraser.erase(command),
            StoreBusy,
            "the log is being written all the time: try again; nothing was erased",
        )
    assert desk.ledger.application.log.head().position == 7 + TRIES
    assert desk.ledger.get(desk.entry, version=1).event.erased is None


def test_an_erasure_goes_on_from_one_before(desk: Desk, store: Store) -> None:
    ledger, entry, *_ = desk
    erase(ledger, entry, 1)
    assert store.found(["Wexford inquiry", "at-pier"]) == {"at-pier"}
    assert ledger.get(entry, version=2).entry.headline == "Marlowe questioned"
    erase(ledger, entry, 2)
    assert store.found(["Wexford inquiry", "at-pier"]) == set()
    states = [ledger.get(entry, version=version).entry for version in (1, 2, 3)]
    assert [(state.headline, state.topic) for state in states] == [
        ("[erased, as event 8 says]", "[erased, as event 8 says]"),
        ("[erased, as event 8 says]", "Inquiry"),
        ("Pilot questioned", "Inquiry"),
    ]
    assert list(ledger.check()) == []


# Who reads on, and copies


@pytest.mark.parametrize("after", [0, 1, 4, 5])
def test_a_subscription_goes_on_across_an_erasure(desk: Desk, after: int) -> None:
    ledger, entry, *_ = desk
    with ledger.subscribe() as subscription:
        for _ in range(after):
            next(subscription)
        erase(ledger, entry, 1, 2, 4)
        rest = list(ledger.events(after))
        assert [next(subscription) for _ in rest] == rest


def test_a_copy_of_an_erased_log_has_the_same_tree(desk: Desk, store: Store) -> None:
    ledger, entry, *_ = desk
    erase(ledger, entry, 1, 2, 4, names=True)
    report = ledger.replay_all(into=(url := store.another().url))
    with Ledger.open(url) as copy:
        assert copy.audit.head() == ledger.audit.head()
        assert list(copy.events()) == list(ledger.events())
        assert copy.views.status() == report.views == ledger.views.status()
        erase(copy, entry, 3, text=False, names=True)


def test_a_copy_begun_before_an_erasure_does_not_keep_the_text(desk: Desk, store: Store) -> None:
    ledger, entry, *_ = desk
    other = store.another()
    ledger.replay_all(into=other.url)
    assert other.found(["wexford"]) == {"wexford"}
    erase(ledger, entry, 1, 2, 4)
    ledger.replay_all(into=other.url)
    with Ledger.open(other.url) as copy:
        assert list(copy.events()) == list(ledger.events())
        copy.purge()
    assert store.found(["wexford"]) == other.found(["wexford"]) == set()


@pytest.mark.parametrize("upto", [1, 7, 8])
def test_a_copy_up_to_before_an_erasure_is_not_made(desk: Desk, store: Store, upto: int) -> None:
    ledger, entry, *_ = desk
    erase(ledger, entry, 1, 2, 4)
    # Without the erasure, and what remains, nobody could read it.
    url = store.another().url
    refused(
        lambda: ledger.replay_all(upto, into=url),
        InvalidInput,
        "event 1 was erased, as event 8 says: a copy has to reach as far, so that it can be read: "
        "--until @9",
    )
    with Ledger.open(url) as copy:
        assert list(copy.events()) == []
