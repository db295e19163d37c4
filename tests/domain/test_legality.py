"""Legality: every event that a command made is legal, and what none could have made is not."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger import Ledger
from ledger.audit.sections import by_entry
from ledger.domain.commands import Command
from ledger.domain.editions import EDITIONS
from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import (
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    EntryErased,
    EntryMerged,
    EntryReinstated,
    EntryRestated,
    EntryRetracted,
    Erasure,
    Event,
    EventData,
    Meta,
    RecordedEvent,
    Remains,
)
from ledger.domain.legality import why_illegal
from ledger.domain.values import FIELDS, Layout, Source
from ledger.errors import LedgerError
from tests.conftest import NOW
from tests.domain.scenario import (
    COMMAND,
    DAY,
    ENTRY,
    HEADLINE,
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
from tests.histories import Step, desk, histories, play
from tests.properties import on_both
from tests.stores import Store

META = Meta(actor="ann", published_at=NOW, command=COMMAND)


def recorded(event: Event) -> RecordedEvent:
    return RecordedEvent(event.entry, event.version, event.meta, event.data, 9, NOW)


def why(
    data: EventData,
    *before: Command,
    meta: Meta = META,
    erased: Erasure | None = None,
) -> str | None:
    """Return why an event is illegal after these commands."""
    state = given(*before).current() if before else None
    version = 1 if state is None else state.version + 1
    return why_illegal(state, RecordedEvent(ENTRY, version, meta, data, 9, NOW, erased))


def require_legal(ledger: Ledger, entries: list[UUID]) -> None:
    """Require that an audit finds all events of these entries legal."""
    application = ledger.application
    rows = [row for entry in entries for row in application.rows_of(entry)]
    assert by_entry(rows, application.to_event, lambda _: None).findings == []


# What commands make


def test_what_commands_make_is_legal() -> None:
    source = Source("Courier", "https://courier.example/1", "https://courier.example/1.jpg")
    world = given(
        create(slug="bridge"),
        create(entry=OTHER),
        edit(
            date=DAY + timedelta(days=1),
            headline="Bridge",
            topic="",
            summary="It opens.",
            sources=(source,),
            cover_image="https://courier.example/2.jpg",
            contexts=("Bridges", "Rivers"),
            language="zh-Hant",
            edition="zh",
            layout=Layout("archive", "/zh/news"),
            inferred=("summary",),
        ),
        edit(topic=None, cover_image=None, sources=(), contexts=()),
        edit(inferred=()),
        correct(),
        revert(1),
        retract(),
        correct(),
        reinstate(),
        merge(),
        reinstate(),
        edit(headline="Bridge", reason="a reason", minor=True),
    )
    assert world.current().version == 12
    state: NewsEntry | None = None
    for event in map(recorded, world.events()):
        assert why_illegal(state, event) is None, event
        state = evolve(state, event)


@on_both(40, histories(), st.lists(st.tuples(st.integers(0, 4), st.sets(st.integers(1, 6)))))
def test_any_history_is_legal_also_where_it_was_erased(
    store: Store, history: list[Step], erasures: list[tuple[int, set[int]]]
) -> None:
    with desk(store) as lent:
        ledger = lent.open()
        ids = play(ledger, history)
        for number, versions in erasures:
            with suppress(LedgerError):
                ledger.erase(
                    ids[number % len(ids)],
                    versions,
                    "a court",
                    actor="Cy",
                    reason="an order",
                    names=number == 0,
                )
        require_legal(ledger, ids)


@pytest.mark.parametrize(
    ("field", "had", "gone"),
    [
        ("contexts", ("Ida Moll",), ()),
        ("sources", (Source("Ida Moll", "https://ida.example/"),), ()),
        ("cover_image", "https://ida.example/moll.jpg", None),
        ("topic", "Ida Moll", None),
    ],
)
def test_what_took_away_what_was_erased_later_did_change_something(
    store: Store, field: str, had: Any, gone: Any
) -> None:
    with desk(store) as lent:
        ledger = lent.open()
        ledger.init()
        entry = ledger.create(DAY, "Ferry", actor="Ann", **{field: had}).entry
        ledger.edit(entry, actor="Ben", **{field: gone})
        ledger.edit(entry, actor="Ben", headline="Ferry sails")
        ledger.erase(entry, [1], "a court", actor="Cy", reason="an order")
        require_legal(ledger, [entry])


def test_what_was_erased_again_and_again_is_legal(store: Store) -> None:
    with desk(store) as lent:
        ledger = lent.open()
        ledger.init()
        entry = ledger.create(DAY, "Ferry", actor="Ann").entry
        ledger.retract(entry, actor="Ben")
        ledger.correct(entry, "It was nine.", actor="Ben")
        for versions in ([1], [2], [3]):
            ledger.erase(entry, versions, "a court", actor="Cy", reason="an order", names=True)
            require_legal(ledger, [entry])


# What no command makes

CREATED = EntryCreated(date=DAY, headline="Bridge", slug="bridge", edition="en", language="en")

VALUES: list[tuple[dict[str, Any], str]] = [
    ({"headline": " "}, "the headline is empty"),
    (
        {"headline": "Bridge\n"},
        "the headline holds a line break at character 7; it must be one plain line",
    ),
    ({"headline": "b" * 20_001}, "the headline has 20,001 characters; 20,000 are the most"),
    ({"summary": "### Bridge"}, "the summary begins with ###: a page would make it a heading"),
    (
        {"topic": "a\x1bb"},
        "the topic holds the control character U+001B at character 2; it must be one plain line",
    ),
    (
        {"cover_image": "bridge.jpg"},
        "the cover image 'bridge.jpg' is no http or https address without spaces",
    ),
    ({"slug": "a bridge"}, "the slug must not contain ' '"),
    ({"edition": "xx"}, f"no edition is called 'xx'; known are: {', '.join(EDITIONS)}"),
    ({"language": "e"}, "the language 'e' is no tag such as en or zh-Hant"),
    (
        {"layout": Layout(prefix="news")},
        "the path prefix 'news' is not one such as /news or /zh/news",
    ),
    ({"date": date(2024, 5, 3)}, "the date 2024-05-03 lies in the future"),
    (
        {"sources": (Source("", "https://courier.example/1"),)},
        "the name of a source is empty",
    ),
    ({"contexts": ("",)}, "the name of a context is empty"),
    ({"contexts": ("a",) * 1_001}, "1,001 contexts are too many; 1,000 are the most"),
    (
        {"inferred": ("colour",)},
        f"no field is called 'colour'; known are: {', '.join(FIELDS)}",
    ),
]


@pytest.mark.parametrize(("values", "message"), VALUES)
def test_values_that_no_command_takes(values: dict[str, Any], message: str) -> None:
    assert why(replace(CREATED, **values)) == message
    assert why(EntryEdited(**values), create()) == message
    # Where it was erased, what stands there is the ledger's own.
    assert why(replace(CREATED, **values), erased=Erasure(10, text=True, names=False)) is None


def test_where_only_names_were_erased_the_text_is_held_to_the_rules() -> None:
    names = Erasure(10, text=False, names=True)
    assert why(replace(CREATED, headline=""), erased=names) == "the headline is empty"
    assert why(EntryEdited(), create(), erased=names) == "it changes nothing"


def test_a_day_is_in_the_future_for_whoever_recorded_it() -> None:
    assert why(replace(CREATED, date=date(2024, 5, 2))) is None
    later = replace(META, published_at=NOW + timedelta(days=1))
    assert why(replace(CREATED, date=date(2024, 5, 3)), meta=later) is None


def test_nothing_is_published_after_it_was_recorded() -> None:
    # But for clocks that are apart.
    later = replace(META, published_at=NOW + timedelta(days=1, microseconds=1))
    assert why(CREATED, meta=later) == "it was published after it was recorded"


def test_an_erasure_says_who_wanted_it() -> None:
    assert why(EntryErased(authority="", blanked=()), create()) == "the authority is empty"


def test_what_remains_is_held_to_the_rules() -> None:
    remains = Remains(version=1, stays=EntryEdited(headline=" "))
    assert why(EntryRestated(versions=(remains,)), create()) == "the headline is empty"


@pytest.mark.parametrize("name", ["actor", "reason"])
def test_who_and_why_are_plain_lines(name: str) -> None:
    values: dict[str, Any] = {name: "a\x00"}
    assert why(EntryRetracted(), create(), meta=replace(META, **values)) == (
        f"the {name} holds the control character U+0000 at character 2; it must be one plain line"
    )


@pytest.mark.parametrize("kind", ["correction", "editors-note"])
def test_a_correction_says_something(kind: Any) -> None:
    data = CorrectionPublished(kind=kind, text=" ")
    assert why(data, create()) == "the text of the correction is empty"


ACTIVE = (create(),)
RETRACTED = (create(), retract())
MERGED = (create(), create(entry=OTHER), merge())
EDITED = EntryEdited(headline="Bridge")
CORRECTED = CorrectionPublished(kind="update", text="It opens.")
INTO = EntryMerged(into=OTHER)


@pytest.mark.parametrize(
    ("before", "data", "message"),
    [
        (ACTIVE, EDITED, None),
        (ACTIVE, EntryRetracted(), None),
        (ACTIVE, EntryReinstated(), "the entry was neither retracted nor merged"),
        (ACTIVE, INTO, None),
        (ACTIVE, EntryMerged(into=ENTRY), "the entry is merged into itself"),
        (ACTIVE, CORRECTED, None),
        (RETRACTED, EDITED, "the entry was retracted"),
        (RETRACTED, EntryRetracted(), "the entry was retracted"),
        (RETRACTED, EntryReinstated(), None),
        (RETRACTED, INTO, "the entry was retracted"),
        (RETRACTED, CORRECTED, None),
        (MERGED, EDITED, "the entry was merged"),
        (MERGED, EntryRetracted(), "the entry was merged"),
        (MERGED, EntryReinstated(), None),
        (MERGED, INTO, "the entry was merged"),
        (MERGED, CORRECTED, "the entry was merged"),
        *(
            (before, data, None)
            for before in (ACTIVE, RETRACTED, MERGED)
            for data in (EntryErased(authority="Court", blanked=()), EntryRestated(versions=()))
        ),
    ],
)
def test_what_can_happen_in_a_state(
    before: tuple[Command, ...], data: EventData, message: str | None
) -> None:
    assert why(data, *before) == message
    # What was erased of it changes nothing about when it could happen.
    assert why(data, *before, erased=Erasure(10, text=True, names=True)) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (EntryEdited(), "it changes nothing"),
        (EntryEdited(headline=HEADLINE), "it changes nothing"),
        (EntryEdited(topic=None, sources=(), inferred=("topic",)), "it changes nothing"),
        (EntryEdited(headline=HEADLINE, topic="Bridges"), None),
        (EntryEdited(inferred=()), None),
        (EntryEdited(reverts_to=1, topic="Bridges"), None),
        (EntryEdited(reverts_to=2, topic="Bridges"), None),
        (EntryEdited(reverts_to=2), "it changes nothing"),
        (EntryEdited(reverts_to=3, topic="B"), "there is no version 3 before it to restore"),
        (EntryEdited(reverts_to=0, topic="B"), "there is no version 0 before it to restore"),
    ],
)
def test_an_edit_changes_something(data: EntryEdited, message: str | None) -> None:
    before = (create(inferred=("topic",)), correct())
    assert why(data, *before) == message
    assert why(data, *before, erased=Erasure(10, text=True, names=False)) is None


def test_what_an_edit_changed_of_what_was_erased_nobody_can_say() -> None:
    state = given(create()).current()
    for data, message in (
        (EntryEdited(headline=HEADLINE), None),
        (EntryEdited(reverts_to=9), "there is no version 9 before it to restore"),
    ):
        event = RecordedEvent(ENTRY, 2, META, data, 9, NOW)
        assert why_illegal(state, event, is_partial=True) == message
