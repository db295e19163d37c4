"""The digest of a command: the same for the same command, another for any other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from ledger.domain.commands import (
    Command,
    EntryCommand,
    ReinstateEntry,
    RetractEntry,
    digest_of,
)
from ledger.domain.values import Layout, Source
from tests.conftest import NOW
from tests.domain.scenario import (
    ANN,
    COMMAND,
    ENTRY,
    OTHER,
    correct,
    create,
    edit,
    given,
    merge,
    reinstate,
    retract,
    revert,
)

HERALD = Source("Harbour Herald", "https://herald.example/bridge")
PICTURED = Source("Harbour Herald", "https://herald.example/bridge", "https://herald.example/1")
EVERY: list[Command] = [
    create(),
    edit(topic="River"),
    revert(1),
    retract(),
    reinstate(),
    correct(),
    merge(),
]
META: dict[str, Any] = {
    "minor": True,
    "published_at": NOW,
    "basis": "listed",
    "origin": "news/2014/02/13/bridge.md",
}
IDS = [type(command).__name__ for command in EVERY]


@pytest.mark.parametrize("command", EVERY, ids=IDS)
def test_it_is_the_same_whatever_the_id_and_the_expectation(command: Command) -> None:
    digest = digest_of(command)
    assert len(digest) == 16
    assert digest_of(replace(command, id=COMMAND)) == digest
    assert digest_of(replace(command, expected_version=3)) == digest
    assert digest_of(replace(command, id=COMMAND, expected_version=4)) == digest


@pytest.mark.parametrize(
    ("command", "digest"),
    [
        (create(), "025069fa070eafdf0c5fb5b21a4088ef"),
        (retract(), "f7fba2db2e49e49860a99d4bfbc3506a"),
        (edit(topic="River", minor=True, published_at=NOW), "f2e83b7516db1bc49799d5727e5b2910"),
    ],
)
def test_logs_hold_it_so_it_stays_as_it_is(command: Command, digest: str) -> None:
    assert digest_of(command).hex() == digest


def test_what_is_unset_has_no_part_in_it() -> None:
    assert digest_of(edit(topic="River", summary=UNSET)) == digest_of(edit(topic="River"))


@pytest.mark.parametrize("command", EVERY, ids=IDS)
def test_it_tells_no_names(command: Command) -> None:
    named = replace(command, actor="ben", reason="a reader wrote in")
    assert digest_of(named) == digest_of(command)


def test_it_tells_how_many_contexts_were_taken_away_and_not_which() -> None:
    one = digest_of(edit(remove_contexts=("Lee",)))
    assert digest_of(edit(remove_contexts=("Cork",))) == one
    two = digest_of(edit(remove_contexts=("Lee", "Cork")))
    assert len({digest_of(edit()), one, two}) == 3


@pytest.mark.parametrize("command", EVERY, ids=IDS)
@pytest.mark.parametrize("name", META)
def test_it_is_another_for_another_meta(command: Command, name: str) -> None:
    assert digest_of(replace(command, **{name: META[name]})) != digest_of(command)


def test_it_tells_meta_apart() -> None:
    digests = [digest_of(edit(**{name: value})) for name, value in META.items()]
    assert len({digest_of(edit()), *digests}) == 1 + len(META)


@pytest.mark.parametrize(("one", "other"), [*combinations(EVERY, 2)])
def test_it_is_another_for_another_type(one: Command, other: Command) -> None:
    assert digest_of(one) != digest_of(other)


def test_the_type_alone_makes_a_difference() -> None:
    found = {digest_of(cls(**ANN)) for cls in (EntryCommand, RetractEntry, ReinstateEntry)}
    assert len(found) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (create("Bridge opens"), create("Bridge shuts")),
        (create(), create(entry=OTHER)),
        (create(), create(entry=None)),
        (create(), create(date=date(2014, 2, 14))),
        (create(sources=(HERALD,)), create(sources=(PICTURED,))),
        (create(layout=Layout("older")), create(layout=Layout("older", "/news"))),
        (edit(topic=None), edit()),
        (edit(topic=""), edit(topic=None)),
        (edit(topic="River"), edit(summary="River")),
        (edit(sources=()), edit()),
        (edit(sources=(HERALD,)), edit(add_sources=(HERALD,))),
        (edit(contexts=("Lee",)), edit(add_contexts=("Lee",))),
        (edit(remove_contexts=("Lee",)), edit(add_contexts=("Lee",))),
        (edit(contexts=("Lee", "Cork")), edit(contexts=("Cork", "Lee"))),
        (edit(remove_sources=(1,)), edit(remove_sources=(2,))),
        (edit(inferred=()), edit()),
        (edit(entry=ENTRY), edit(entry=OTHER)),
        (revert(1), revert(2)),
        (correct("One."), correct("Two.")),
        (correct("One."), correct("One.", kind="update")),
        (merge(OTHER), merge(UUID(int=1))),
        (edit(published_at=NOW), edit(published_at=NOW + timedelta(microseconds=1))),
    ],
)
def test_it_is_another_for_another_value(one: Command, other: Command) -> None:
    assert digest_of(one) != digest_of(other)


def test_the_same_moment_in_another_zone_is_the_same() -> None:
    east = datetime(2018, 2, 6, 21, 49, tzinfo=timezone(timedelta(hours=8)))
    utc = datetime(2018, 2, 6, 13, 49, tzinfo=UTC)
    assert digest_of(edit(published_at=east)) == digest_of(edit(published_at=utc))


def test_an_event_keeps_the_digest_of_its_command() -> None:
    world = given(create())
    for command in (edit(topic="River"), correct(), retract(), reinstate(), revert(1)):
        assert world.when(command).data.digest == digest_of(command)
