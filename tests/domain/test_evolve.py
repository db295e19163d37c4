"""The fold: what an entry is after its events, against a naive model of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import event as note
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from ledger.domain.commands import (
    Command,
    CreateEntry,
    EditEntry,
    MergeEntry,
    PublishCorrection,
    ReinstateEntry,
    RetractEntry,
    RevertEntry,
)
from ledger.domain.entry import NewsEntry, at_version, evolve, fold
from ledger.domain.events import (
    EntryCreated,
    EntryEdited,
    EntryErased,
    EntryRestated,
    EntryRetracted,
    Event,
    EventData,
    Meta,
    RecordedEvent,
)
from ledger.domain.values import FIELDS, Correction, Layout, Source
from ledger.errors import (
    EntryClosed,
    InvalidInput,
    LedgerError,
    NothingChanged,
    Refused,
    UndecodableEvent,
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

START = datetime(2018, 2, 6, tzinfo=UTC)
CREATED = EntryCreated(
    date=DAY, headline=HEADLINE, slug="cafe-bridge-opens", edition="en", language="en"
)


def at(version: int, data: EventData, minutes: int = 0) -> Event:
    when = START + timedelta(minutes=minutes)
    return Event(ENTRY, version, Meta(actor="ann", published_at=when, command=COMMAND), data)


def test_a_created_entry_has_what_the_event_says() -> None:
    assert evolve(None, at(1, CREATED)) == NewsEntry(
        id=ENTRY,
        version=1,
        date=DAY,
        headline=HEADLINE,
        slug="cafe-bridge-opens",
        edition="en",
        language="en",
        published_at=START,
    )


def test_no_events_make_no_entry() -> None:
    assert fold([]) is None


def test_an_entry_is_had_at_each_version() -> None:
    events = given(create(), edit(topic="River"), retract()).events()
    for version in (1, 2, 3):
        assert at_version(events, version) == fold(events[:version])
        assert at_version(events, version).version == version
    for version in (-1, 0, 4):
        with pytest.raises(VersionNotFound) as caught:
            at_version(events, version)
        assert str(caught.value) == f"entry {ENTRY} has no version {version}; it has 1 to 3"


def test_an_entry_knows_its_path_and_prefix() -> None:
    english = given(create()).current()
    assert (english.wanted_path, english.prefix) == (
        "/news/2014/02/13/cafe-bridge-opens",
        "/news",
    )
    chinese = given(create("大桥", edition="zh", date=date(2014, 2, 3))).current()
    assert (chinese.wanted_path, chinese.prefix) == ("/news/2014/02/3/大桥", "/zh/news")
    moved = given(create(layout=Layout(prefix="/archive"), edition="zh")).current()
    assert moved.prefix == "/archive"


def test_published_at_never_runs_backwards() -> None:
    topics = ["a", "b", "c", "d", "e"]
    times = [10, 5, 20, 20, 0]
    state = evolve(None, at(1, CREATED, 10))
    shown = []
    for version, (topic, minutes) in enumerate(zip(topics, times, strict=True), start=2):
        state = evolve(state, at(version, EntryEdited(topic=topic), minutes))
        shown.append((state.published_at - START) // timedelta(minutes=1))
    assert shown == [10, 10, 20, 20, 20]


def test_corrections_add_up_and_outlive_a_retraction() -> None:
    world = given(
        create(summary=TEXT),
        correct("It is the Lee."),
        edit(topic="River"),
        retract(),
        correct("We were wrong.", kind="editors-note"),
        reinstate(),
        revert(1),
    )
    assert world.current().corrections == (
        Correction("correction", "It is the Lee.", 2),
        Correction("editors-note", "We were wrong.", 5),
    )


# Inferred


@pytest.mark.parametrize(
    ("fields", "stored", "after"),
    [
        ({"headline": "Bridge closes"}, UNSET, ("topic", "summary")),
        ({"summary": "It is shut."}, UNSET, ("topic",)),
        ({"summary": "It is shut.", "inferred": ("topic",)}, UNSET, ("topic",)),
        ({"summary": "It is shut.", "inferred": ("summary",)}, ("summary",), ("summary",)),
        ({"summary": "It is shut.", "inferred": ()}, (), ()),
        ({"inferred": ("sources",)}, ("sources",), ("sources",)),
        # The same value again is no edit of the field: it stays assumed unless told otherwise.
        ({"summary": TEXT, "slug": "pier"}, UNSET, ("topic", "summary")),
    ],
)
def test_edit_inherits_what_is_inferred(
    fields: dict[str, Any], stored: object, after: tuple[str, ...]
) -> None:
    world = given(create(summary=TEXT, inferred=("topic", "summary")))
    assert world.edited(edit(**fields)).inferred == stored
    assert world.current().inferred == after


def test_edit_refuses_the_same_inferred_again() -> None:
    world = given(create(inferred=("topic",)))
    message = f"entry {ENTRY} already says that: nothing was changed"
    refused(world, edit(inferred=("topic",)), NothingChanged, message)
    message = f"no field is called 'colour'; known are: {', '.join(FIELDS)}"
    refused(world, edit(inferred=("colour",)), InvalidInput, message)


@pytest.mark.parametrize(
    ("first", "then", "after"),
    [
        (("summary",), (), ("summary",)),
        ((), ("topic",), ()),
        (("summary",), ("summary",), ("summary",)),
        (("topic", "summary"), ("topic", "summary"), ("topic", "summary")),
    ],
)
def test_revert_restores_what_was_inferred(
    first: tuple[str, ...], then: tuple[str, ...], after: tuple[str, ...]
) -> None:
    world = given(
        create(summary=TEXT, inferred=first), edit(summary="It is shut.", inferred=then), revert(1)
    )
    assert world.current().summary == TEXT
    assert world.current().inferred == after


# Damaged histories


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (
            [at(1, EntryEdited(topic="River"))],
            "EntryEdited as version 1: a history begins with EntryCreated, version 1",
        ),
        (
            [at(2, CREATED)],
            "EntryCreated as version 2: a history begins with EntryCreated, version 1",
        ),
        (
            [at(1, CREATED), at(3, EntryRetracted())],
            "EntryRetracted as version 3: it cannot follow version 1",
        ),
        (
            [at(1, CREATED), at(1, EntryRetracted())],
            "EntryRetracted as version 1: it cannot follow version 1",
        ),
        (
            [at(1, CREATED), at(2, CREATED)],
            "EntryCreated as version 2: it cannot happen to an entry that exists",
        ),
        (
            [at(1, CREATED), at(2, EventData())],
            "EventData as version 2: it cannot happen to an entry that exists",
        ),
    ],
)
def test_a_damaged_history_is_named(events: list[Event], message: str) -> None:
    what, why = message.split(": ")
    with pytest.raises(UndecodableEvent) as caught:
        fold(events)
    assert str(caught.value) == f"{what} of entry {ENTRY}: {why}; the history is damaged"
    assert caught.value.position == 0
    *before, last = events
    recorded = RecordedEvent(last.entry, last.version, last.meta, last.data, 7, NOW)
    with pytest.raises(UndecodableEvent, match=f"^position 7: {what} of entry") as caught:
        evolve(fold(before), recorded)
    assert caught.value.position == 7


# Against a model: a dict of what a reader should see

SLUGS = {
    ("en", "Bridge opens"): "bridge-opens",
    ("en", "Bridge Opens!"): "bridge-opens",
    ("en", "Mayor: bridge opens"): "mayor-bridge-opens",
    ("zh", "Bridge opens"): "Bridge-opens",
    ("zh", "Bridge Opens!"): "Bridge-Opens",
    ("zh", "Mayor: bridge opens"): "Mayor-bridge-opens",
}
HERALD = Source("Harbour Herald", "https://herald.example/bridge")
POST = Source("River Post", "https://post.example/1")
INFERRED = [(), ("summary",), ("headline", "topic"), ("topic", "summary", "sources")]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "date": st.sampled_from([DAY, date(1969, 7, 21)]),
    "headline": st.sampled_from(sorted({headline for _, headline in SLUGS})),
    "slug": st.sampled_from(["bridge-opens", "pier"]),
    "topic": st.sampled_from([None, "", "River"]),
    "summary": st.sampled_from([None, TEXT, "It is shut."]),
    "sources": st.sampled_from([(), (HERALD,), (HERALD, POST), (POST, HERALD)]),
    "cover_image": st.sampled_from([None, "https://herald.example/cover.png"]),
    "contexts": st.sampled_from([(), ("River",), ("River", "Lee")]),
    "language": st.sampled_from(["en", "fr"]),
    "edition": st.sampled_from(["en", "zh"]),
    "layout": st.sampled_from([Layout(), Layout("older")]),
}
META = st.fixed_dictionaries(
    {"published_at": st.integers(0, 9).map(lambda day: START + timedelta(days=day))}
)
EDITS = st.fixed_dictionaries({}, optional=VALUES | {"inferred": st.sampled_from(INFERRED)})
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(lambda meta, fields: edit(**meta, **fields), META, EDITS),
    st.builds(lambda meta, fields: edit(**meta, **fields), META, EDITS),
    st.builds(lambda meta, version: revert(version, **meta), META, st.integers(1, 6)),
    st.builds(lambda meta: retract(**meta), META),
    st.builds(lambda meta: reinstate(**meta), META),
    st.builds(lambda meta, text: correct(text, **meta), META, st.sampled_from(["One.", "Two."])),
    st.builds(lambda meta, into: merge(into, **meta), META, st.sampled_from([ENTRY, OTHER])),
)


def first(command: CreateEntry) -> dict[str, Any]:
    seen = {name: getattr(command, name) for name in FIELDS}
    return seen | {
        "slug": SLUGS[seen["edition"], seen["headline"]],
        "language": seen["edition"],
        "inferred": command.inferred,
        "version": 1,
        "published_at": command.published_at,
        "status": "active",
        "merged_into": None,
        "corrections": (),
    }


def predict(past: list[dict[str, Any]], command: Command) -> dict[str, Any] | type[LedgerError]:
    """What a reader should see after a command, or why it should be refused."""
    seen = past[-1]
    moved: dict[str, Any] = {
        "version": seen["version"] + 1,
        "published_at": max(seen["published_at"], command.published_at),
    }
    match command:
        case ReinstateEntry():
            if seen["status"] == "active":
                return Refused
            return seen | moved | {"status": "active", "merged_into": None}
        case PublishCorrection():
            if seen["status"] == "merged":
                return EntryClosed
            put = Correction(command.kind, command.text, seen["version"] + 1)
            return seen | moved | {"corrections": (*seen["corrections"], put)}
    if seen["status"] != "active":
        return EntryClosed
    match command:
        case RetractEntry():
            return seen | moved | {"status": "retracted"}
        case MergeEntry():
            if command.into == ENTRY:
                return InvalidInput
            return seen | moved | {"status": "merged", "merged_into": command.into}
        case RevertEntry():
            if command.to_version > seen["version"]:
                return VersionNotFound
            old = past[command.to_version - 1]
            if all(old[name] == seen[name] for name in FIELDS):
                return NothingChanged
            return seen | moved | {name: old[name] for name in (*FIELDS, "inferred")}
    assert isinstance(command, EditEntry)
    wanted = {name: v for name in FIELDS if (v := getattr(command, name)) is not UNSET}
    then = seen | wanted
    if then["headline"] != seen["headline"] and "slug" not in wanted:
        then["slug"] = SLUGS[then["edition"], then["headline"]]
    then["inferred"] = tuple(name for name in seen["inferred"] if then[name] == seen[name])
    if command.inferred is not UNSET:
        then["inferred"] = command.inferred
    return NothingChanged if then == seen else then | moved


def as_seen(entry: NewsEntry) -> dict[str, Any]:
    found = {name: getattr(entry, name) for name in entry.__struct_fields__}
    assert found.pop("id") == ENTRY
    return found


def edited_fields(data: EventData) -> set[str]:
    return {name for name in FIELDS if getattr(data, name) is not UNSET}


@settings(deadline=None, max_examples=100)
@forall(
    headline=VALUES["headline"],
    edition=VALUES["edition"],
    inferred=st.sampled_from(INFERRED),
    commands=st.lists(COMMANDS, max_size=12),
)
def test_the_fold_shows_what_a_naive_model_predicts(
    headline: str, edition: str, inferred: tuple[str, ...], commands: list[Command]
) -> None:
    created = create(
        headline, edition=edition, summary=TEXT, inferred=inferred, published_at=START
    )
    world = given(create(entry=OTHER), created)
    past = [first(created)]
    for command in commands:
        before, expected = world.current(), predict(past, command)
        if isinstance(expected, type):
            with pytest.raises(expected) as caught:
                world.when(command)
            assert caught.type is expected
            assert world.current() == before
            continue
        data = world.when(command).data
        after = world.current()
        assert as_seen(after) == expected
        past.append(expected)
        if isinstance(data, EntryEdited):
            differing = {name for name in FIELDS if getattr(before, name) != getattr(after, name)}
            assert edited_fields(data) == differing
        note(type(command).__name__)
    # Once more from the start, and from any point on: the same entry.
    events = world.events()
    assert [as_seen(world.version(ENTRY, n)) for n in range(1, len(past) + 1)] == past
    assert fold(events) == fold(events) == world.current()
    for split in range(len(events)):
        assert fold(events[split:], fold(events[:split])) == world.current()


@pytest.mark.parametrize(
    "data", [EntryErased(authority="Court", blanked=()), EntryRestated(versions=())]
)
def test_an_erasure_leaves_the_entry_as_it_is(data: EventData) -> None:
    before = evolve(None, at(1, CREATED))
    after = evolve(before, at(2, data))
    assert after == replace(before, version=2)
    with pytest.raises(UndecodableEvent, match="a history begins with EntryCreated"):
        evolve(None, at(1, data))
