"""Which text of an entry an erasure takes, what stays of it, and when it is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec import UNSET

from ledger.domain.commands import Command
from ledger.domain.erasure import NAME, Kept, notice, slot
from ledger.domain.events import (
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    EntryMerged,
    EntryReinstated,
    EntryRestated,
    EntryRetracted,
    Erasure,
    EventData,
    Remains,
)
from ledger.domain.values import Layout, Source
from ledger.errors import InvalidInput, NothingChanged, Refused, VersionNotFound
from tests.domain.blanking import NOTHING, REPLACE, Log, erase, refused
from tests.domain.scenario import (
    DAY,
    ENTRY,
    HEADLINE,
    OTHER,
    TEXT,
    correct,
    create,
    edit,
    merge,
    reinstate,
    retract,
    revert,
)

FULL: dict[str, Any] = {
    "slug": "cafe-bridge",
    "topic": "Harbour",
    "summary": TEXT,
    "sources": (Source("Herald", "https://herald.example/1"),),
    "cover_image": "https://herald.example/1.jpg",
    "contexts": ("Lee", "Bridges"),
    "layout": Layout("older"),
}
OTHERS: dict[str, Any] = {
    "headline": "Bridge closes",
    "slug": "closed",
    "topic": "River",
    "summary": "It is shut.",
    "sources": (),
    "cover_image": None,
    "contexts": (),
}
TEXTS = tuple(OTHERS)
FILED = EntryEdited(date=DAY, language="en", edition="en", layout=Layout("older"), inferred=())


# Field by field


def test_all_that_was_replaced_goes_and_how_it_is_filed_stays() -> None:
    log = Log(create(**FULL), edit(**OTHERS))
    done = log.erase(1)
    assert (done.gone, done.kept, done.contents, done.metas) == ({1: TEXTS}, (), (1,), ())
    assert done.remains == (Remains(version=1, stays=FILED, gone=TEXTS),)
    assert log.says(1) == EntryCreated(
        date=DAY,
        headline="[erased, as event 3 says]",
        slug="~erased-1",
        edition="en",
        language="en",
        topic="[erased, as event 3 says]",
        summary="[erased, as event 3 says]",
        layout=Layout("older"),
    )
    event = log.events()[0]
    assert event.erased == Erasure(3, text=True, names=False, fields=TEXTS)
    assert event.meta.actor == "ann"


@pytest.mark.parametrize("field", TEXTS)
def test_the_one_field_that_was_replaced_goes(field: str) -> None:
    # A headline that changes would move the slug, too.
    other = {"slug": FULL["slug"], field: OTHERS[field]}
    done = Log(create(**FULL), edit(**other)).plan(erase(1))
    assert done.gone == {1: (field,)}
    rest = [name for name in TEXTS if name != field]
    assert done.kept == tuple(Kept(1, name, (2,)) for name in rest)
    (remains,) = done.remains
    stays = FULL | {"headline": HEADLINE}
    assert {name: getattr(remains.stays, name) for name in rest} == {
        name: stays[name] for name in rest
    }
    assert getattr(remains.stays, field) is UNSET


def test_what_a_version_removed_is_no_text() -> None:
    log = Log(create(summary=TEXT), edit(summary=None), edit(topic="Lee"), edit(topic="Sea"))
    refused(log, erase(2), NothingChanged, f"version 2 {NOTHING}")
    assert log.erase(2, 3).gone == {3: ("topic",)}
    assert log.says(2) == EntryEdited(summary=None)


def test_a_filing_is_no_text() -> None:
    log = Log(create(), edit(date=date(2014, 2, 14), language="fr"), edit(date=DAY, topic="Lee"))
    refused(log, erase(2), NothingChanged, f"version 2 {NOTHING}")


def test_what_was_inferred_stays_inferred() -> None:
    first = create(summary=TEXT, inferred=("topic", "summary"))
    log = Log(first, edit(summary="Shut.", inferred=("sources",)), edit(summary="Open."))
    log.erase(1, 2)
    assert log.says(1) == EntryCreated(
        date=DAY,
        headline=HEADLINE,
        slug="cafe-bridge-opens",
        edition="en",
        language="en",
        summary=notice(4),
        inferred=("topic", "summary"),
    )
    assert log.says(2) == EntryEdited(summary=notice(4), inferred=("sources",))


# What other versions still show


def test_a_version_that_stays_keeps_what_it_shows() -> None:
    log = Log(create(topic="Lee"), edit(summary=TEXT), edit(summary="Shut."), edit(topic="Sea"))
    done = log.erase(2)
    assert (done.gone, done.kept, done.contents) == ({2: ("summary",)}, (), (2,))
    # Of what version 1 said, only the erased versions 2 and 3 still showed the topic.
    assert log.plan(erase(1, 3)).gone == {1: ("topic",)}


def test_what_an_inner_version_shows_stays() -> None:
    log = Log(
        create(topic="Lee"),
        edit(summary=TEXT),
        edit(summary="Shut.", headline="Bridge closes"),
        edit(topic="Sea", summary=None),
    )
    done = log.plan(erase(1, 3))
    assert done.gone == {3: ("summary",)}
    assert done.kept == (
        Kept(1, "headline", (2,)),
        Kept(1, "slug", (2,)),
        Kept(1, "topic", (2,)),
        Kept(3, "headline", (4,)),
        Kept(3, "slug", (4,)),
    )


def test_nothing_goes_where_others_show_all_of_it() -> None:
    log = Log(create(topic="Lee"), edit(summary=TEXT), edit(summary="Shut."), edit(topic="Sea"))
    refused(
        log,
        erase(1),
        Refused,
        "nothing would go: version 2, 3, 4 still shows the headline, slug, topic of version 1: "
        f"{REPLACE}; then erase all versions that show it",
    )


@pytest.mark.parametrize(
    ("commands", "versions", "shown"),
    [
        ((create(),), (1,), "headline of version 1"),
        ((create(), edit(topic="Lee")), (1, 2), "headline of version 1"),
        ((create(), edit(topic="Lee")), (2,), "topic of version 2"),
        ((create(), edit(**OTHERS), edit(summary=TEXT)), (1, 2, 3), "headline of version 2"),
        ((create(), retract(), reinstate()), (1, 3), "headline of version 1"),
        ((create(), correct("It is the Lee.")), (1, 2), "headline of version 1"),
    ],
)
def test_what_the_entry_shows_is_replaced_or_retracted_first(
    commands: tuple[Command, ...], versions: tuple[int, ...], shown: str
) -> None:
    message = f"the entry still shows the {shown}: {REPLACE}"
    refused(Log(*commands), erase(*versions), Refused, message)


def test_what_is_asked_for_is_told_before_what_stayed_of_an_erasure_before() -> None:
    log = Log(create(), edit(topic="Lee", headline="Closes"), edit(headline="Shut"))
    assert log.erase(2).kept == (Kept(2, "topic", (3,)),)
    message = f"the entry still shows the headline of version 3: {REPLACE}"
    refused(log, erase(3), Refused, message)


@pytest.mark.parametrize(
    ("closed", "stays"), [(retract(), EntryRetracted()), (merge(), EntryMerged(into=OTHER))]
)
def test_a_closed_entry_shows_nothing(closed: Command, stays: EventData) -> None:
    log = Log(create(topic="Lee"), edit(topic="Sea"), edit(summary=TEXT), closed)
    assert log.plan(erase(3)).gone == {3: ("summary",)}
    # Version 2 was public, and still is what it was.
    assert log.plan(erase(1, 3)).gone == {1: ("topic",), 3: ("summary",)}
    done = log.erase(1, 2, 3, 4)
    assert done.gone == {1: ("headline", "slug", "topic"), 2: ("topic",), 3: ("summary",)}
    assert (done.kept, done.contents) == ((), (1, 2, 3, 4))
    assert log.says(4) == stays


def test_an_entry_that_was_closed_for_a_while_shows_it_again() -> None:
    log = Log(create(), edit(summary=TEXT), retract(), reinstate(), edit(summary="Shut."))
    assert log.plan(erase(2, 3, 4)).gone == {2: ("summary",)}
    refused(
        log,
        erase(2),
        Refused,
        f"nothing would go: version 4 still shows the summary of version 2: {REPLACE}; then "
        "erase all versions that show it",
    )


# Corrections, flips, reverts


def test_the_text_of_a_correction_goes_and_its_kind_stays() -> None:
    log = Log(create(), correct("It is the Lee.", kind="clarification"), edit(topic="Lee"))
    assert log.erase(2).gone == {2: ("text",)}
    assert log.says(2) == CorrectionPublished(kind="clarification", text=notice(4))
    (note,) = log.version(ENTRY, 3).corrections
    assert (note.kind, note.text, note.version) == ("clarification", notice(4), 2)


def test_what_another_version_says_by_itself_stays_too() -> None:
    log = Log(create("Opens"), edit(headline="Closes"), edit(headline="Opens"))
    message = (
        "nothing would go: version 3 still shows the headline, slug of version 1: "
        f"{REPLACE}; then erase all versions that show it"
    )
    refused(log, erase(1), Refused, message)
    assert log.plan(erase(2)).gone == {2: ("headline", "slug")}
    log.when(edit(headline="Shut"))
    assert log.plan(erase(3, 1)).gone == {1: ("headline", "slug"), 3: ("headline", "slug")}
    done = log.plan(erase(1, 2))
    assert done.gone == {2: ("headline", "slug")}
    assert done.kept == (Kept(1, "headline", (3,)), Kept(1, "slug", (3,)))


def test_a_revert_still_says_what_it_restored() -> None:
    log = Log(create(), edit(headline="Closes"), revert(1), edit(headline="Shut", slug="shut"))
    assert log.erase(1, 3).gone == {1: ("headline", "slug"), 3: ("headline", "slug")}
    assert log.says(3) == EntryEdited(headline=notice(5), slug=slot(3), reverts_to=1)


def test_an_import_is_still_one() -> None:
    log = Log(create(origin="news/1.md"), edit(topic="Lee", origin="news/2.md"), edit(topic="Sea"))
    done = log.erase(2)
    assert done.remains == (Remains(version=2, gone=("topic",), imported=True),)
    assert log.says(2) == EntryEdited(topic=notice(4), origin="[erased]")


# Numbering


def test_a_slug_stays_that_another_path_was_numbered_after() -> None:
    log = Log(create(), edit(headline="Closes"), edit(headline="Shut"))
    done = log.plan(erase(1, 2), numbering=(1,))
    assert done.gone == {1: ("headline",), 2: ("headline", "slug")}
    assert done.kept == (Kept(1, "slug", ()),)
    assert done.remains[0].stays.slug == "cafe-bridge-opens"


def test_a_slug_stays_that_led_to_a_numbered_path_by_another_day() -> None:
    log = Log(create(), edit(date=date(2014, 2, 14)), edit(headline="Closes"))
    done = log.plan(erase(1, 2), numbering=(2,))
    assert done.kept == (Kept(1, "slug", ()),)
    assert log.plan(erase(1, 2), numbering=(3,)).kept == ()


def test_a_slug_that_only_another_path_needs_stays_alone() -> None:
    log = Log(create(), edit(slug="pier"), edit(slug="quay"))
    message = (
        "nothing would go: the slug of version 2 stays, because the path of another entry was "
        "numbered after it"
    )
    refused(log, erase(2), Refused, message, numbering=(2,))
    assert log.plan(erase(2)).gone == {2: ("slug",)}


# Twice


def test_an_erasure_goes_on_from_the_one_before() -> None:
    log = Log(create(topic="Lee"), edit(headline="Closes"), edit(topic="Sea", summary=TEXT))
    first = log.erase(1)
    assert (first.gone, first.contents) == ({1: ("headline", "slug")}, (1,))
    assert first.kept == (Kept(1, "topic", (2,)),)
    log.when(edit(**OTHERS))
    second = log.erase(2, 3)
    assert second.gone == {1: ("topic",), 2: ("headline", "slug"), 3: ("topic", "summary")}
    # What the first restated is erased with it, and restated anew where it stays.
    assert (second.kept, second.contents) == ((), (2, 3, 5))
    assert [(one.version, one.gone) for one in second.remains] == [
        (1, ("headline", "slug", "topic")),
        (2, ("headline", "slug")),
        (3, ("topic", "summary")),
    ]
    assert log.says(5) == EntryRestated(versions=())
    erased = log.events()[0].erased
    assert erased == Erasure(4, text=True, names=False, fields=("headline", "slug", "topic"))
    refused(log, erase(1, 2, 3), NothingChanged, f"version 1, 2, 3 {NOTHING}")


def test_an_entry_reinstated_after_an_erasure_shows_notices() -> None:
    log = Log(create(), retract())
    log.erase(1)
    log.when(reinstate())
    log.when(edit(topic="Lee"))
    state = log.version(ENTRY, 6)
    assert (state.headline, state.slug, state.topic) == (notice(3), slot(1), "Lee")
    log.when(edit(topic="Sea"))
    assert log.erase(6).gone == {6: ("topic",)}
    assert log.version(ENTRY, 7).headline == notice(3)


# What cannot be asked


def test_what_makes_no_sense_is_refused() -> None:
    log = Log(create(), edit(topic="Lee"), edit(topic="Sea"))
    log.erase(2)
    nothing = "nothing to erase: "
    refused(log, erase(1, text=False), InvalidInput, nothing + "neither text nor names")
    refused(log, erase(), InvalidInput, nothing + "name a version")
    for version in (0, -1, 6):
        message = f"entry {ENTRY} has no version {version}; it has 1 to 5"
        refused(log, erase(1, version), VersionNotFound, message)
    for version in (4, 5):
        message = f"version {version} is an erasure itself, which stays"
        refused(log, erase(version, names=True), InvalidInput, message)


def test_every_kind_of_event_can_be_read_after_it_was_erased() -> None:
    log = Log(create(), edit(topic="Lee"), correct(), retract(), reinstate(), merge())
    log.erase(*range(1, 7), names=True)
    assert [type(event.data) for event in log.events()[:6]] == [
        EntryCreated,
        EntryEdited,
        CorrectionPublished,
        EntryRetracted,
        EntryReinstated,
        EntryMerged,
    ]
    assert {event.meta.actor for event in log.events()[:6]} == {NAME}
    assert log.version(ENTRY, 8).merged_into == OTHER
