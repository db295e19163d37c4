"""What every command says beside its values: who, why, when, and where it was found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast
from uuid import uuid4

import pytest

from ledger.domain.commands import Command, EditEntry, EntryCommand, digest_of
from ledger.domain.decide import decide, entry_of
from ledger.domain.events import Meta
from ledger.domain.values import Layout
from ledger.errors import InvalidInput, InvalidTime
from tests.conftest import NOW
from tests.domain.scenario import (
    COMMAND,
    ENTRY,
    OTHER,
    TEXT,
    correct,
    create,
    edit,
    given,
    merge,
    reinstate,
    retract,
    revert,
)

EAST = timezone(timedelta(hours=8))

# Each command, with what has to happen before it.
COMMANDS: list[tuple[tuple[Command, ...], Callable[..., Command]]] = [
    ((), create),
    ((create(),), lambda **meta: edit(topic="River", **meta)),
    ((create(), edit(topic="River")), lambda **meta: revert(1, **meta)),
    ((create(),), retract),
    ((create(), retract()), reinstate),
    ((create(),), correct),
    ((create(), create(entry=OTHER)), merge),
]
NAMES = ["create", "edit", "revert", "retract", "reinstate", "correct", "merge"]


@pytest.mark.parametrize(("before", "command"), COMMANDS, ids=NAMES)
def test_every_event_says_who_why_when_and_where_from(before: Any, command: Any) -> None:
    asked = command(
        actor="ben",
        reason="a reader wrote in",
        minor=True,
        published_at=datetime(2018, 2, 6, 13, 49, 25, tzinfo=UTC),
        basis="listed",
        origin="news/2014/02/13/bridge.md",
        id=COMMAND,
    )
    event = given(*before).when(asked)
    assert event.meta == Meta(
        actor="ben",
        reason="a reader wrote in",
        minor=True,
        published_at=datetime(2018, 2, 6, 13, 49, 25, tzinfo=UTC),
        basis="listed",
        command=COMMAND,
    )
    assert event.data.origin == "news/2014/02/13/bridge.md"
    assert event.data.digest == digest_of(asked)
    assert event.entry == ENTRY


@pytest.mark.parametrize(("before", "command"), COMMANDS, ids=NAMES)
def test_what_is_not_said_has_a_default(before: Any, command: Any) -> None:
    asked = command(actor="ben", id=COMMAND)
    event = given(*before).when(asked)
    assert event.meta == Meta(
        actor="ben",
        reason=None,
        minor=False,
        published_at=NOW,
        basis="stated",
        command=COMMAND,
    )
    assert event.data.origin is None
    assert event.data.digest == digest_of(asked)


def test_each_command_has_an_id_of_its_own() -> None:
    first, second = edit(), edit()
    assert first.id != second.id
    assert first.id.version == 4


def test_times_are_kept_in_utc() -> None:
    given_time = datetime(2018, 2, 6, 21, 49, 25, tzinfo=EAST)
    kept = given().when(create(published_at=given_time)).meta.published_at
    assert kept == datetime(2018, 2, 6, 13, 49, 25, tzinfo=UTC)
    assert kept.tzinfo is UTC
    here = given().when(create(), now=NOW.astimezone(EAST)).meta.published_at
    assert (here, here.tzinfo) == (NOW, UTC)


@pytest.mark.parametrize(
    ("moment", "message"),
    [
        (
            NOW + timedelta(seconds=1),
            "the publication time 2024-05-01 12:00:01 lies in the future",
        ),
        (
            datetime(2024, 5, 1, 20, 30, tzinfo=EAST),
            "the publication time 2024-05-01 12:30:00 lies in the future",
        ),
        (
            datetime(2018, 2, 6, 13, 49, 25),  # noqa: DTZ001
            "the publication time 2018-02-06 13:49:25 has no time zone",
        ),
    ],
)
@pytest.mark.parametrize(("before", "command"), COMMANDS, ids=NAMES)
def test_no_event_is_published_ahead_or_nowhere(
    before: Any, command: Any, moment: datetime, message: str
) -> None:
    with pytest.raises(InvalidTime) as caught:
        given(*before).when(command(published_at=moment))
    assert str(caught.value) == message


def test_the_present_moment_is_no_future() -> None:
    assert given().when(create(published_at=NOW)).meta.published_at == NOW


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"actor": ""}, "the actor is empty"),
        ({"actor": "ann\n"}, "the actor holds a line break at character 4; it must be one plain"),
        ({"reason": "\t"}, "the reason is empty"),
        ({"reason": "a\x00"}, "the reason holds the control character U+0000 at character 2; "),
    ],
)
@pytest.mark.parametrize(("before", "command"), COMMANDS, ids=NAMES)
def test_actor_and_reason_are_plain_text(
    before: Any, command: Any, meta: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        given(*before).when(command(**meta))
    assert str(caught.value).startswith(message)


# An event that is stored is there for good: a value that no reader could decode must not get in.


@pytest.mark.parametrize(
    "meta",
    [
        {"basis": "guessed"},
        {"minor": "yes"},
        {"origin": 5},
        {"origin": "news/\udcff.md"},
        {"id": "first"},
    ],
)
def test_what_could_not_be_read_again_is_refused(meta: Any) -> None:
    for before, command in COMMANDS:
        with pytest.raises(InvalidInput):
            given(*before).when(command(**meta))


def test_an_unknown_kind_or_style_is_refused() -> None:
    world = given(create(summary=TEXT))
    with pytest.raises(InvalidInput):
        world.when(correct(kind="typo"))
    unknown = Layout(style=cast("Any", "newest"))
    with pytest.raises(InvalidInput):
        world.when(edit(layout=unknown))
    with pytest.raises(InvalidInput):
        given().when(create(layout=unknown))


# Misuse by a program, not by a person: these are no LedgerErrors.


def test_a_command_must_be_one() -> None:
    class Rename(EntryCommand, frozen=True, kw_only=True):
        pass

    world = given(create())
    with pytest.raises(TypeError, match=r"^Command is no command$"):
        entry_of(Command(actor="ann"))
    with pytest.raises(TypeError, match=r"^Rename is no command to an entry$"):
        world.when(Rename(actor="ann", entry=ENTRY))


def test_a_command_to_an_entry_needs_its_state() -> None:
    command = EditEntry(actor="ann", entry=uuid4(), topic="River")
    with pytest.raises(TypeError, match=r"^an entry's command needs the entry's state$"):
        decide(command, None, NOW, given())
