"""Edits that add to sources and contexts, or take some away."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from ledger.domain.events import EntryEdited
from ledger.domain.values import Source
from ledger.errors import EntryClosed, InvalidInput, NothingChanged
from tests.domain.scenario import ENTRY, create, edit, given, refused, retract

A = Source("Herald", "https://herald.example/1")
B = Source("Post", "https://post.example/1")
C = Source("Times", "https://times.example/1")
SAME = f"entry {ENTRY} already says that: nothing was changed"


@pytest.mark.parametrize(
    ("fields", "after"),
    [
        ({"add_sources": (C,)}, (A, B, C)),
        ({"add_sources": (C, A)}, (A, B, C, A)),
        ({"remove_sources": (1,)}, (B,)),
        ({"remove_sources": (2,)}, (A,)),
        ({"remove_sources": (2, 1)}, ()),
        ({"remove_sources": (1, 1)}, (B,)),
        ({"remove_sources": (1,), "add_sources": (C,)}, (B, C)),
        ({"remove_sources": (1,), "add_sources": (A,)}, (B, A)),
        ({"sources": (C,), "add_sources": (A,)}, (C, A)),
        ({"sources": (C, B, A), "remove_sources": (3, 2)}, (C,)),
        ({"sources": (), "add_sources": (C,)}, (C,)),
    ],
)
def test_sources_are_added_and_taken_away(
    fields: dict[str, Any], after: tuple[Source, ...]
) -> None:
    world = given(create(sources=(A, B), contexts=("Lee",)))
    assert world.edited(edit(**fields)) == EntryEdited(sources=after)
    assert (world.current().sources, world.current().contexts) == (after, ("Lee",))


@pytest.mark.parametrize(
    ("fields", "after"),
    [
        ({"add_contexts": ("Flood",)}, ("Lee", "Cork", "Flood")),
        ({"add_contexts": ("Flood", "Lee", "Flood")}, ("Lee", "Cork", "Flood")),
        ({"remove_contexts": ("Lee",)}, ("Cork",)),
        ({"remove_contexts": ("Cork", "Lee", "Cork")}, ()),
        ({"remove_contexts": ("Lee",), "add_contexts": ("Flood",)}, ("Cork", "Flood")),
        ({"remove_contexts": ("Lee",), "add_contexts": ("Lee",)}, ("Cork", "Lee")),
        ({"contexts": ("Flood",), "add_contexts": ("Lee",)}, ("Flood", "Lee")),
        ({"contexts": ("Flood", "Cork"), "remove_contexts": ("Cork",)}, ("Flood",)),
    ],
)
def test_contexts_are_added_and_taken_away(fields: dict[str, Any], after: tuple[str, ...]) -> None:
    world = given(create(sources=(A,), contexts=("Lee", "Cork")))
    assert world.edited(edit(**fields)) == EntryEdited(contexts=after)
    assert (world.current().contexts, world.current().sources) == (after, (A,))


def test_they_go_with_other_fields() -> None:
    world = given(create(sources=(A,), contexts=("Lee",)))
    command = edit(topic="River", add_sources=(B,), remove_contexts=("Lee",))
    assert world.edited(command) == EntryEdited(topic="River", sources=(A, B), contexts=())


@pytest.mark.parametrize("number", [-1, 0, 3, 7])
def test_a_source_that_is_not_there_cannot_be_taken_away(number: int) -> None:
    world = given(create(sources=(A, B)))
    message = f"there is no source {number}; the entry has 2"
    refused(world, edit(remove_sources=(1, number)), InvalidInput, message)
    message = f"there is no source {number}; the entry has 0"
    refused(given(create()), edit(remove_sources=(number,)), InvalidInput, message)


def test_numbers_count_in_the_list_before_the_additions() -> None:
    world = given(create(sources=(A,)))
    message = "there is no source 2; the entry has 1"
    refused(world, edit(add_sources=(B,), remove_sources=(2,)), InvalidInput, message)
    message = "there is no source 1; the entry has 0"
    refused(world, edit(sources=(), remove_sources=(1,)), InvalidInput, message)


def test_a_context_that_is_not_there_cannot_be_taken_away() -> None:
    world = given(create(contexts=("Lee",)))
    message = "the entry has no context 'Nobody'"
    refused(world, edit(remove_contexts=("Lee", "Nobody")), InvalidInput, message)
    refused(
        world,
        edit(add_contexts=("Nobody",), remove_contexts=("Nobody",)),
        InvalidInput,
        message,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"add_contexts": ("Lee",)},
        {"remove_sources": (2,), "add_sources": (B,)},
        {"remove_contexts": ("Cork",), "add_contexts": ("Cork",)},
        {"add_sources": (), "remove_sources": (), "add_contexts": (), "remove_contexts": ()},
    ],
)
def test_what_leaves_the_lists_as_they_are_changes_nothing(fields: dict[str, Any]) -> None:
    world = given(create(sources=(A, B), contexts=("Lee", "Cork")))
    refused(world, edit(**fields), NothingChanged, SAME)


def test_what_is_added_is_checked() -> None:
    world = given(create())
    bad = Source(" ", "https://herald.example/1")
    refused(world, edit(add_sources=(bad,)), InvalidInput, "the name of a source is empty")
    refused(world, edit(add_contexts=("",)), InvalidInput, "the name of a context is empty")
    full = given(create(sources=(A,) * 1000))
    message = "1,001 sources are too many; 1,000 are the most"
    refused(full, edit(add_sources=(B,)), InvalidInput, message)


def test_a_list_that_changes_is_no_longer_assumed() -> None:
    world = given(create(sources=(A,), inferred=("sources", "topic")))
    assert world.edited(edit(add_sources=(B,))).inferred is UNSET
    assert world.current().inferred == ("topic",)


def test_a_closed_entry_is_not_added_to() -> None:
    world = given(create(), retract())
    with pytest.raises(EntryClosed, match="is retracted: it cannot be edited"):
        world.when(edit(remove_sources=(7,)))
