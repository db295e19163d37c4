"""Erasing through the facade: what goes, what stays as it was, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from ledger.domain.erasure import Kept
from ledger.domain.events import EntryErased, EntryRestated, Erasure
from ledger.errors import (
    Conflict,
    EntryNotFound,
    InvalidInput,
    NothingChanged,
    Refused,
    VersionNotFound,
)
from ledger.results import ContextCount
from tests.erasures import DAY, WHO, Desk, erase, newsroom, public, readings, refused
from tests.projections.desk import projected_anew
from tests.stores import Store


@pytest.fixture
def url(store: Store) -> str:
    return store.with_options(synchronous="normal", timeout="0.2")


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    with newsroom(url) as lent:
        yield lent


# What is erased


def test_what_was_erased_reads_so_and_who_when_and_why_stays(desk: Desk) -> None:
    ledger, entry, *_ = desk
    before = ledger.history(entry)
    done = ledger.erase(entry, (4, 1, 2, 2), "Court of Lee", **WHO)
    texts = ("headline", "slug", "topic", "summary", "sources", "cover_image", "contexts")
    assert done.plan is not None
    assert done.plan.gone == {1: texts, 4: ("text",)}
    assert done.plan.kept == (Kept(2, "topic", (3, 5)),)
    after = ledger.history(entry)
    assert [event.meta for event in after[:5]] == [event.meta for event in before]
    assert (after[2], after[4]) == (before[2], before[4])
    assert [event.erased for event in after] == [
        Erasure(8, text=True, names=False, fields=texts),
        Erasure(8, text=True, names=False),
        None,
        Erasure(8, text=True, names=False, fields=("text",)),
        *(None, None, None),
    ]
    notice = "[erased, as event 8 says]"
    first = ledger.get(entry, version=1)
    assert (first.entry.headline, first.entry.topic, first.entry.summary) == (notice,) * 3
    assert (first.entry.sources, first.entry.cover_image, first.entry.contexts) == ((), None, ())
    assert first.path == "/news/2021/03/4/~erased-1"
    assert ledger.at("/news/2021/03/4/~erased-1").entry.version == 2
    assert [note.text for note in ledger.get(entry).entry.corrections] == [notice]


def test_the_log_says_who_wanted_it_and_what_went(desk: Desk) -> None:
    ledger, entry, *_ = desk
    id_ = UUID(int=77)
    blobs = ledger.application.log.read_entry(entry.bytes)
    done = ledger.erase(entry, (1, 4), "Court of Lee", id=id_, names=True, **WHO)
    said, restated = ledger.history(entry)[5:]
    assert done.event == said
    assert (said.version, said.position, restated.version, restated.position) == (6, 8, 7, 9)
    assert (said.meta.actor, said.meta.reason, said.meta.command) == ("Dee", "ordered", id_)
    assert (said.meta.minor, said.meta.basis) == (False, "stated")
    assert isinstance(said.data, EntryErased)
    assert said.data.authority == "Court of Lee"
    assert said.data.blanked == tuple(
        f"@{position} {name} {sha256(getattr(blobs[version - 1], name)).hexdigest()}"
        for name in ("content", "meta")
        for version, position in ((1, 1), (4, 5))
    )
    assert isinstance(restated.data, EntryRestated)
    assert [remains.version for remains in restated.data.versions] == [1, 4]
    assert (restated.meta.actor, restated.meta.minor) == ("Dee", True)
    assert restated.meta.reason == "restates what remains of erased versions"
    assert restated.meta.published_at == said.meta.published_at
    assert ledger.application.log.last_erasure() == 8


def test_names_go_where_they_are_asked_for(desk: Desk) -> None:
    ledger, entry, *_ = desk
    erase(ledger, entry, 1, 3, text=False, names=True)
    changes = ledger.changes(entry, all_versions=True)[:5]
    assert [(change.actor, change.reason) for change in changes] == [
        ("[erased]", None),
        ("Ben", None),
        ("[erased]", None),
        ("Ann", None),
        ("Ben", None),
    ]
    assert {count.of: count.edits for count in ledger.activity("actor")} == {
        "Ben": 2,
        "[erased]": 1,
    }
    assert ledger.get(entry, version=1).entry.headline == "Marlowe questioned"


def test_a_plan_erases_nothing(desk: Desk, store: Store) -> None:
    ledger, entry, *_ = desk
    plan = ledger.plan_erasure(entry, (1, 4), "Court of Lee", **WHO)
    assert ledger.application.log.head().position == 7
    assert store.found(["gallows"])
    assert ledger.erase(entry, (1, 4), "Court of Lee", **WHO).plan == plan


# What stays


@pytest.mark.parametrize("names", [False, True])
def test_no_version_but_the_erased_ones_reads_differently(desk: Desk, names: bool) -> None:
    ledger = desk.ledger
    ask = [
        partial(readings, ledger, desk.entry, (3, 5), 7, (4,)),
        partial(readings, ledger, desk.namesake, (1,), 7),
        partial(readings, ledger, desk.tide, (1,), 7),
    ]
    before = [question() for question in ask]
    erase(ledger, desk.entry, 1, 2, 4, names=names)
    assert [question() for question in ask] == before


def test_pages_and_lists_are_as_they_were_but_for_the_notices(desk: Desk) -> None:
    ledger, entry, *_ = desk

    def lists() -> list[object]:
        current = ledger.get(entry)
        page = ledger.page(current)
        return [
            *(page.headline, page.topic, page.summary, page.sources, page.related),
            [line.path for line in page.changes[1:]],
            current.path,
            [(one.entry.headline, one.path) for one in ledger.entries()],
            [one.path for one in ledger.day(DAY).entries],
            ledger.contexts(),
            ledger.related(desk.tide),
            ledger.related(desk.namesake),
            [one.path for one in ledger.search("pilot", all_versions=True)],
        ]

    before = lists()
    erase(ledger, entry, 1, 2, 4)
    assert lists() == before
    assert [(line.headline, line.path) for line in ledger.page(ledger.get(entry)).changes] == [
        ("[erased, as event 8 says]", "/news/2021/03/4/~erased-1"),
        ("Pilot questioned", "/news/2021/03/4/pilot-questioned-2"),
        ("Pilot is free", "/news/2021/03/4/pilot-is-free"),
    ]


def test_changes_tell_what_was_erased_and_by_which_event(desk: Desk) -> None:
    ledger, entry, *_ = desk
    erase(ledger, entry, 1, 2, 4)
    assert [
        (change.type, change.erased) for change in ledger.changes(entry, all_versions=True)
    ] == [
        ("EntryCreated", 8),
        ("EntryEdited", 8),
        ("EntryEdited", None),
        ("CorrectionPublished", 8),
        ("EntryEdited", None),
        ("EntryErased", None),
        ("EntryRestated", None),
    ]
    assert [change.version for change in ledger.changes(entry)] == [1, 3, 5]


def test_searches_find_no_erased_word_at_any_time(desk: Desk) -> None:
    ledger, entry, *_ = desk
    words = ("marlowe", "wexford", "marlowe was", "questioned marlowe*")
    found = ledger.search("marlowe", all_versions=True)
    assert [one.entry.version for one in found] == [1, 2]
    erase(ledger, entry, 1, 2, 4)
    for word in words:
        assert ledger.search(word) == ledger.search(word, all_versions=True) == []
        assert ledger.search(word, all_versions=True, known_at=3) == []
        assert ledger.search(word, as_of=public(9)) == []
    assert ledger.contexts(as_of=public(9)) == [ContextCount("Harbour", 1)]


def test_what_nobody_knows_any_more_is_no_flip_and_no_silent_edit(desk: Desk) -> None:
    ledger, tide = desk.ledger, desk.tide
    for headline in ("Tide falls", "Tide turns", "Tide stays"):
        ledger.edit(tide, headline=headline, actor="Ben")
    erase(ledger, tide, 1, 3)
    # Versions 1 and 3 show the same notice, and said something else each.
    assert ledger.flips() == []
    notice = "[erased, as event 11 says]"
    assert [(edit.old, edit.new) for edit in ledger.silent_edits() if edit.entry == tide] == [
        (notice, "Tide falls"),
        ("Tide falls", notice),
        (notice, "Tide stays"),
    ]


def test_proofs_go_on_to_hold(desk: Desk) -> None:
    ledger = desk.ledger
    checkpoints = [ledger.audit.checkpoint(size) for size in (1, 4, 7)]
    erase(ledger, desk.entry, 1, 2, 4, names=True)
    for checkpoint in checkpoints:
        ledger.audit.require(checkpoint)
        ledger.audit.require(ledger.audit.checkpoint(), checkpoint)
        assert ledger.audit.checkpoint(checkpoint.size) == checkpoint


def test_the_views_equal_views_made_anew(desk: Desk, url: str, tmp_path: Path) -> None:
    ledger, entry, *_ = desk
    erase(ledger, entry, 1, 2, 4, names=True)
    assert list(ledger.check()) == []
    status = ledger.views.status()
    assert projected_anew(url, tmp_path / "other") == status
    assert {proof.same for proof in ledger.rebuild()} == {True}
    assert ledger.views.status() == status == ledger.replay_all().views


# What is refused


def test_what_cannot_be_erased_is_told(desk: Desk) -> None:
    ledger, entry, *_ = desk
    nobody = UUID(int=5)
    refused(lambda: erase(ledger, nobody, 1), EntryNotFound, f"there is no entry {nobody}")
    refused(
        lambda: erase(ledger, entry, 6),
        VersionNotFound,
        f"entry {entry} has no version 6; it has 1 to 5",
    )
    refused(
        lambda: erase(ledger, entry, 5),
        Refused,
        "the entry still shows the headline of version 5: replace it with an edit, or retract "
        "the entry, first",
    )
    refused(
        lambda: erase(ledger, entry, 1, expected_version=3),
        Conflict,
        f"entry {entry} is at version 5, not at 3 as expected; changed meanwhile: headline: "
        "Pilot [-questioned-]{+is free+}; slug: pilot-questioned -> pilot-is-free; corrections: "
        "nothing -> correction: It was not Marlowe.",
    )
    refused(lambda: erase(ledger, entry, 1, reason=None), InvalidInput, "say why it is erased")
    refused(lambda: erase(ledger, entry, 1, reason=" "), InvalidInput, "the reason is empty")
    refused(lambda: erase(ledger, entry, 1, actor=""), InvalidInput, "the actor is empty")
    refused(lambda: ledger.erase(entry, [1], "", **WHO), InvalidInput, "the authority is empty")
    refused(
        lambda: ledger.erase(entry, [1], "as to @3 content 00", **WHO),
        InvalidInput,
        "the authority must not name a position as an erasure does",
    )
    assert ledger.application.log.head().position == 7
    erase(ledger, entry, 1, expected_version=5)
    erase(ledger, entry, 4)
    refused(
        lambda: erase(ledger, entry, 4),
        NothingChanged,
        "version 4 says nothing that could be erased, or it was erased already (if that was cut "
        "short, `ledger purge` finishes it)",
    )
    refused(
        lambda: erase(ledger, entry, 6),
        InvalidInput,
        "version 6 is an erasure itself, which stays",
    )
