"""What each command makes happen, and when it is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec import UNSET, to_builtins

from ledger.domain.commands import Command, digest_of
from ledger.domain.decide import entry_of
from ledger.domain.events import (
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    EntryMerged,
    EntryReinstated,
    EntryRetracted,
    Event,
    Meta,
)
from ledger.domain.ids import new_entry_id
from ledger.domain.values import FIELDS, Layout, Source
from ledger.errors import (
    EntryClosed,
    EntryExists,
    EntryNotFound,
    InvalidInput,
    InvalidTime,
    LedgerError,
    NothingChanged,
    Refused,
    VersionNotFound,
)
from tests.conftest import NOW
from tests.domain.scenario import (
    COMMAND,
    DAY,
    ENTRY,
    HEADLINE,
    OTHER,
    TEXT,
    correct,
    create,
    edit,
    given,
    merge,
    refused,
    reinstate,
    retract,
    revert,
)

HERALD = Source("Harbour Herald", "https://herald.example/bridge")
POST = Source("River Post", "https://post.example/1", "https://post.example/1.jpg")

HEADING = "the summary begins with ###: a page would make it a heading"

ACTIVE = (create(summary=TEXT),)
RETRACTED = (*ACTIVE, edit(topic="Harbour"), retract())
MERGED = (create("Another bridge", entry=OTHER), *ACTIVE, edit(topic="Harbour"), merge())


# Create


def test_create_fills_in_slug_language_and_edition() -> None:
    command = create(id=COMMAND)
    assert given().when(command) == Event(
        ENTRY,
        1,
        Meta(actor="ann", published_at=NOW, command=COMMAND),
        EntryCreated(
            date=DAY,
            headline=HEADLINE,
            slug="cafe-bridge-opens",
            edition="en",
            language="en",
            digest=digest_of(command),
        ),
    )


def test_create_in_another_edition_takes_its_language_and_slug_rule() -> None:
    data = given().says(create("Café 大桥 Opens.", edition="zh"))
    assert data == EntryCreated(
        date=DAY, headline="Café 大桥 Opens.", slug="Café-大桥-Opens", edition="zh", language="zh"
    )


def test_create_keeps_what_is_given() -> None:
    fields: dict[str, Any] = {
        "date": date(1969, 7, 21),
        "headline": " Café bridge opens ",
        "slug": "Old_Slug",
        "topic": "",
        "summary": "&quot;Open&quot;, at last ",
        "sources": (HERALD, POST),
        "cover_image": "https://herald.example/cover.png",
        "contexts": ("Harbour", "River"),
        "language": "fr-CA",
        "edition": "en",
        "layout": Layout("older", "/archive", "/zh/news"),
        "inferred": ("summary",),
        "origin": "news/1969/07/21/old.md",
    }
    assert given().says(create(**fields)) == EntryCreated(**fields)


def test_what_is_as_usual_is_not_stored() -> None:
    data = given().says(create(layout=Layout(), sources=(), contexts=(), topic=None))
    assert to_builtins(data) == {
        "date": "2014-02-13",
        "headline": HEADLINE,
        "slug": "cafe-bridge-opens",
        "edition": "en",
        "language": "en",
    }


def test_create_without_an_id_takes_it_from_date_and_command() -> None:
    command = create(entry=None, id=COMMAND)
    assert entry_of(command) == new_entry_id(DAY, COMMAND)
    assert given().when(command).entry == new_entry_id(DAY, COMMAND)


def test_create_says_each_context_once() -> None:
    data = given().when(create(contexts=("River", "Harbour", "River"))).data
    assert isinstance(data, EntryCreated)
    assert data.contexts == ("River", "Harbour")


@pytest.mark.parametrize("history", [ACTIVE, RETRACTED, MERGED])
def test_create_refuses_an_id_that_is_taken(history: tuple[Command, ...]) -> None:
    message = f"entry {ENTRY} is already in the ledger"
    refused(given(*history), create("Another"), EntryExists, message)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"headline": ""}, InvalidInput, "the headline is empty"),
        ({"edition": "xx"}, InvalidInput, "no edition is called 'xx'; known are: en, zh"),
        ({"slug": "a/b"}, InvalidInput, "the slug must not contain '/'"),
        ({"summary": ""}, InvalidInput, "the summary is empty"),
        ({"contexts": ("River", " ")}, InvalidInput, "the name of a context is empty"),
        ({"headline": None}, InvalidInput, "the headline is no text but None"),
        ({"headline": 7}, InvalidInput, "the headline is no text but 7"),
        ({"summary": "### Sources"}, InvalidInput, HEADING),
        ({"actor": None}, InvalidInput, "the actor is no text but None"),
        ({"reason": 7}, InvalidInput, "the reason is no text but 7"),
        ({"published_at": DAY}, InvalidTime, f"the publication time is no time but {DAY!r}"),
        ({"published_at": "now"}, InvalidTime, "the publication time is no time but 'now'"),
        ({"date": None}, InvalidInput, "the date is no date but None"),
        ({"date": "2014-02-13"}, InvalidInput, "the date is no date but '2014-02-13'"),
        ({"actor": " "}, InvalidInput, "the actor is empty"),
        ({"reason": ""}, InvalidInput, "the reason is empty"),
        ({"date": date(2024, 5, 3)}, InvalidTime, "the date 2024-05-03 lies in the future"),
        (
            {"inferred": ("colour",)},
            InvalidInput,
            f"no field is called 'colour'; known are: {', '.join(FIELDS)}",
        ),
    ],
)
def test_create_refuses(fields: dict[str, Any], error: type[LedgerError], message: str) -> None:
    refused(given(), create(**fields), error, message)


def test_create_allows_tomorrow() -> None:
    assert given(create(date=date(2024, 5, 2))).current().date == date(2024, 5, 2)


# Edit


def test_edit_says_only_what_changed() -> None:
    world = given(create(summary=TEXT, topic="Harbour", sources=(HERALD,)))
    command = edit(summary=TEXT, topic="River", sources=(HERALD, POST), date=DAY, slug="pier")
    assert world.edited(command) == EntryEdited(topic="River", sources=(HERALD, POST), slug="pier")
    assert world.events()[-1].version == 2


def test_edit_leaves_what_is_unset_and_removes_what_is_none() -> None:
    world = given(create(summary=TEXT, topic="Harbour", cover_image="https://a.example/b.png"))
    data = world.edited(edit(summary=None, cover_image=None))
    assert data == EntryEdited(summary=None, cover_image=None)
    assert data.topic is UNSET
    state = world.current()
    assert (state.summary, state.cover_image, state.topic) == (None, None, "Harbour")


def test_edit_takes_every_field() -> None:
    fields: dict[str, Any] = {
        "date": date(2014, 2, 14),
        "headline": "Bridge closes",
        "slug": "closed",
        "topic": "Harbour",
        "summary": TEXT,
        "sources": (POST,),
        "cover_image": "https://herald.example/cover.png",
        "contexts": ("River",),
        "language": "zh-Hant",
        "edition": "zh",
        "layout": Layout("archive"),
    }
    world = given(create())
    assert world.edited(edit(**fields)) == EntryEdited(**fields)
    assert {name: getattr(world.current(), name) for name in fields} == fields


@pytest.mark.parametrize(
    ("fields", "slug"),
    [
        ({"headline": "Bridge closes"}, "bridge-closes"),
        ({"headline": "Bridge closes", "slug": "cafe-bridge-opens"}, UNSET),
        ({"headline": "Bridge closes", "slug": "pier"}, "pier"),
        ({"headline": "CAFE bridge: opens!"}, UNSET),
        ({"headline": "Bridge Closes", "edition": "zh"}, "Bridge-Closes"),
        ({"topic": "Harbour"}, UNSET),
        ({"edition": "zh"}, UNSET),
    ],
)
def test_edit_of_the_headline_moves_the_slug(fields: dict[str, Any], slug: object) -> None:
    assert given(create()).edited(edit(**fields)).slug == slug


def test_edit_keeps_a_slug_of_its_own_while_the_headline_stays() -> None:
    world = given(create(slug="published-elsewhere"))
    assert world.edited(edit(headline=HEADLINE, topic="Harbour")) == EntryEdited(topic="Harbour")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"headline": HEADLINE},
        {"topic": None},
        {"summary": TEXT, "contexts": ("River", "River")},
        {"inferred": ()},
    ],
)
def test_edit_refuses_to_change_nothing(fields: dict[str, Any]) -> None:
    world = given(create(summary=TEXT, contexts=("River",)))
    message = f"entry {ENTRY} already says that: nothing was changed"
    refused(world, edit(**fields), NothingChanged, message)


def test_edit_stores_a_flip_back() -> None:
    world = given(create("Bridge opens"), edit(headline="Bridge closes"))
    data = world.edited(edit(headline="Bridge opens"))
    assert data == EntryEdited(headline="Bridge opens", slug="bridge-opens")
    assert world.current().version == 3


def test_edit_checks_values() -> None:
    world = given(*ACTIVE)
    refused(world, edit(headline="  "), InvalidInput, "the headline is empty")
    refused(world, edit(headline=None), InvalidInput, "the headline cannot be None")
    refused(world, edit(summary="### Related"), InvalidInput, HEADING)
    day = date(2024, 5, 3)
    refused(world, edit(date=day), InvalidTime, "the date 2024-05-03 lies in the future")


# Revert


def test_revert_restores_the_fields_of_a_version() -> None:
    world = given(
        create(summary=TEXT, slug="first"),
        edit(headline="Bridge closes", summary=None),
        edit(topic="Harbour", sources=(HERALD,)),
    )
    assert world.edited(revert(1)) == EntryEdited(
        headline=HEADLINE, slug="first", summary=TEXT, topic=None, sources=(), reverts_to=1
    )
    state = world.current()
    assert state.version == 4
    assert (state.headline, state.slug, state.summary) == (HEADLINE, "first", TEXT)
    assert (state.topic, state.sources) == (None, ())


def test_revert_says_only_what_differs() -> None:
    world = given(*ACTIVE, edit(topic="Harbour"), edit(topic="River"))
    assert world.edited(revert(2)) == EntryEdited(topic="Harbour", reverts_to=2)


@pytest.mark.parametrize("between", [correct(), edit(inferred=("topic",))])
def test_revert_refuses_to_change_nothing(between: Command) -> None:
    message = f"entry {ENTRY} already reads as in version 1: nothing was changed"
    refused(given(*ACTIVE, between), revert(1), NothingChanged, message)


@pytest.mark.parametrize("version", [-1, 0, 3, 9])
def test_revert_refuses_a_version_that_is_not_there(version: int) -> None:
    message = f"entry {ENTRY} has no version {version}; it has 1 to 2"
    refused(given(*ACTIVE, edit(topic="Harbour")), revert(version), VersionNotFound, message)


@pytest.mark.parametrize("history", [ACTIVE, (*ACTIVE, edit(topic="Harbour"))])
def test_revert_to_the_current_version_changes_nothing(history: tuple[Command, ...]) -> None:
    version = len(history)
    message = f"entry {ENTRY} already reads as in version {version}: nothing was changed"
    refused(given(*history), revert(version), NothingChanged, message)


# Retract, reinstate, correct, merge


def test_retract_closes_and_reinstate_opens() -> None:
    world = given(*ACTIVE)
    assert world.says(retract()) == EntryRetracted()
    assert world.current().status == "retracted"
    assert world.says(reinstate()) == EntryReinstated()
    assert (world.current().status, world.current().version) == ("active", 3)
    assert world.edited(edit(topic="River")) == EntryEdited(topic="River")


def test_reinstate_undoes_a_merge() -> None:
    world = given(*MERGED)
    assert world.says(reinstate()) == EntryReinstated()
    assert (world.current().status, world.current().merged_into) == ("active", None)


def test_reinstate_refuses_an_active_entry() -> None:
    message = f"entry {ENTRY} is neither retracted nor merged"
    refused(given(*ACTIVE), reinstate(), Refused, message)


@pytest.mark.parametrize("history", [ACTIVE, RETRACTED])
@pytest.mark.parametrize("kind", ["correction", "clarification", "update", "editors-note"])
def test_correct_puts_a_note_on_an_entry(history: tuple[Command, ...], kind: str) -> None:
    world = given(*history)
    data = world.when(correct("It is the Lee.", kind=kind)).data
    assert isinstance(data, CorrectionPublished)
    assert (data.kind, data.text) == (kind, "It is the Lee.")


def test_correct_needs_a_text() -> None:
    refused(given(*ACTIVE), correct(" "), InvalidInput, "the text of the correction is empty")


def test_merge_names_the_entry_that_goes_on() -> None:
    world = given(create("Another bridge", entry=OTHER), *ACTIVE)
    assert world.says(merge()) == EntryMerged(into=OTHER)
    assert (world.current().status, world.current().merged_into) == ("merged", OTHER)
    assert world.current(OTHER).version == 1


def test_merge_refuses_itself_and_what_is_not_there() -> None:
    world = given(*ACTIVE)
    message = f"entry {ENTRY} cannot be merged into itself"
    refused(world, merge(ENTRY), InvalidInput, message)
    refused(world, merge(OTHER), EntryNotFound, f"there is no entry {OTHER}")


def test_merge_refuses_a_closed_target() -> None:
    world = given(create("Another bridge", entry=OTHER), retract(entry=OTHER), *ACTIVE)
    message = f"entry {OTHER} is retracted: nothing can be merged into it"
    refused(world, merge(), EntryClosed, message)
    circle = given(*ACTIVE, create("Another bridge", entry=OTHER), merge(ENTRY, entry=OTHER))
    message = f"entry {OTHER} is merged: nothing can be merged into it"
    refused(circle, merge(), EntryClosed, message)


@pytest.mark.parametrize(
    ("command", "done"),
    [
        (edit(topic="River"), "edited"),
        (revert(1), "reverted"),
        (retract(), "retracted"),
        (merge(), "merged"),
    ],
)
def test_a_closed_entry_takes_no_edits(command: Command, done: str) -> None:
    message = f"entry {ENTRY} is retracted: it cannot be {done} before it is reinstated"
    refused(given(*RETRACTED), command, EntryClosed, message)
    message = f"entry {ENTRY} is merged into {OTHER}: it cannot be {done} before it is reinstated"
    refused(given(*MERGED), command, EntryClosed, message)


def test_a_merged_entry_takes_no_corrections() -> None:
    message = f"entry {ENTRY} is merged into {OTHER}: it cannot be corrected before it is"
    refused(given(*MERGED), correct(), EntryClosed, f"{message} reinstated")
