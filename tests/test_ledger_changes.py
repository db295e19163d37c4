"""The facade: Changes lists, pages of earlier moments, commands given again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger import EditEntry, Ledger, MergeEntry, RetractEntry, Source
from ledger.domain.commands import Command, digest_of
from ledger.domain.diffs import FieldDiff
from ledger.errors import (
    CommandIdReused,
    EntryNotFound,
    InvalidInput,
    NothingChanged,
    VersionNotFound,
)

DAY = date(2021, 3, 4)
NOON = datetime(2021, 3, 6, 12, tzinfo=UTC)
COURIER = Source("Ellery Courier", "https://courier.example/1")
GAZETTE = Source("Ellery Gazette", "https://gazette.example/1")


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        yield opened


def at(hours: int) -> datetime:
    return NOON + timedelta(hours=hours)


def listed(ledger: Ledger, entry: UUID, *, all_versions: bool = False) -> list[tuple[str, ...]]:
    found = ledger.changes(entry, all_versions=all_versions)
    return [(change.label, change.headline, change.path.split("/", 4)[-1]) for change in found]


# Changes


def test_a_single_version_is_the_current_one(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    assert listed(ledger, entry) == [("Current version", "One", "4/one")]
    assert listed(ledger, entry, all_versions=True) == [("Current version", "One", "4/one")]
    ledger.edit(entry, actor="ana", topic="Harbour")
    assert listed(ledger, entry) == [("Current version", "One", "4/one")]


def test_the_last_change_links_where_the_entry_is_now(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    ledger.edit(entry, actor="ana", headline="Two")
    ledger.edit(entry, actor="ana", slug="pier")
    ledger.edit(entry, actor="ana", date=date(2021, 3, 5))
    assert listed(ledger, entry) == [
        ("First version", "One", "4/one"),
        ("Current version", "Two", "5/pier"),
    ]
    assert [c.version for c in ledger.changes(entry)] == [1, 2]
    assert listed(ledger, entry, all_versions=True) == [
        ("First version", "One", "4/one"),
        ("Update", "Two", "4/two"),
        ("Update", "Two", "4/pier"),
        ("Current version", "Two", "5/pier"),
    ]
    assert ledger.get(entry).path == "/news/2021/03/5/pier"


def test_a_single_headline_that_moved_links_where_the_entry_is_now(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    ledger.edit(entry, actor="ana", slug="pier")
    assert listed(ledger, entry) == [("Current version", "One", "4/pier")]
    assert listed(ledger, entry, all_versions=True) == [
        ("First version", "One", "4/one"),
        ("Current version", "One", "4/pier"),
    ]


# Pages of earlier moments


def lines(ledger: Ledger, entry: UUID, **asked: Any) -> list[tuple[str, str, str]]:
    page = ledger.page(ledger.get(entry, **asked))
    return [(line.label, line.headline, line.path.split("/", 4)[-1]) for line in page.changes]


def test_a_page_as_of_a_time_has_the_changes_of_that_time(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana", published_at=at(0)).entry
    ledger.edit(entry, actor="ana", headline="Two", published_at=at(1))
    ledger.edit(entry, actor="ana", slug="pier", published_at=at(2))
    ledger.edit(entry, actor="ana", headline="Three", published_at=at(3))
    one, two = ("first_version", "One", "4/one"), ("update", "Two", "4/two")

    assert lines(ledger, entry, as_of=at(0)) == []
    assert lines(ledger, entry, as_of=at(1)) == [one, ("current_version", "Two", "4/two")]
    assert lines(ledger, entry, as_of=at(2)) == [one, ("current_version", "Two", "4/pier")]
    assert lines(ledger, entry, as_of=at(3)) == [one, two, ("current_version", "Three", "4/three")]
    assert lines(ledger, entry) == lines(ledger, entry, as_of=at(3))
    # A version by its number is shown among all that is known now.
    assert lines(ledger, entry, version=1) == lines(ledger, entry)


def test_a_page_known_at_a_time_has_the_changes_known_then(ledger: Ledger) -> None:
    first = ledger.create(DAY, "One", actor="ana", published_at=at(0))
    entry = first.entry
    second = ledger.edit(entry, actor="ana", headline="Two", published_at=at(1))
    third = ledger.edit(entry, actor="ana", headline="Three", published_at=at(2))
    two = [("first_version", "One", "4/one"), ("current_version", "Two", "4/two")]

    assert lines(ledger, entry, known_at=first.recorded_at) == []
    assert lines(ledger, entry, known_at=second.recorded_at) == two
    assert lines(ledger, entry, known_at=third.recorded_at, as_of=at(1)) == two
    assert lines(ledger, entry, known_at=second.recorded_at, as_of=at(9)) == two
    assert lines(ledger, entry, known_at=first.recorded_at, as_of=at(9)) == []
    assert len(lines(ledger, entry, known_at=third.recorded_at)) == 3


def test_a_version_published_late_makes_public_what_came_before_it(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana", published_at=at(0)).entry
    ledger.edit(entry, actor="ana", headline="Two", published_at=at(10))
    ledger.edit(entry, actor="ana", headline="Three", published_at=at(5))
    assert lines(ledger, entry, as_of=at(7)) == []
    assert [line[1] for line in lines(ledger, entry, as_of=at(10))] == ["One", "Two", "Three"]


# Commands given again


@pytest.mark.parametrize(
    "change",
    [
        {"headline": "Three"},
        {"minor": True},
        {"published_at": NOON},
        {"topic": None},
        {"basis": "listed"},
        {"origin": "news/2021/03/04/two.md"},
        {"add_sources": (COURIER,)},
    ],
    ids=str,
)
def test_an_id_is_not_taken_for_another_command(ledger: Ledger, change: dict[str, Any]) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    command = EditEntry(actor="ana", entry=entry, headline="Two")
    (event,) = ledger.execute([command])
    assert event.data.digest == digest_of(command)
    with pytest.raises(CommandIdReused) as caught:
        ledger.execute([replace(command, **change)])
    assert str(caught.value) == (
        f"the command id {command.id} was already used for another command "
        f"(version 2 of entry {entry})"
    )
    assert ledger.execute([command]) == [event]
    assert ledger.execute([replace(command, expected_version=1)]) == [event]
    assert ledger.application.log.head().position == 2


def test_who_gives_a_command_again_and_why_does_not_matter(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    command = EditEntry(actor="ana", entry=entry, headline="Two")
    done = ledger.execute([command])
    assert ledger.execute([replace(command, actor="ben", reason="recount")]) == done
    assert done[0].meta.actor == "ana"


def test_an_id_is_not_taken_for_another_type_of_command(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    command = RetractEntry(actor="ana", entry=entry)
    (event,) = ledger.execute([command])
    again: list[Command] = [
        MergeEntry(actor="ana", entry=entry, into=entry, id=command.id),
        EditEntry(actor="ana", entry=entry, id=command.id),
    ]
    for other in again:
        with pytest.raises(CommandIdReused, match=str(command.id)):
            ledger.execute([other])
    assert ledger.execute([command]) == [event]
    assert [(e.version, e.position) for e in ledger.history(entry)] == [(1, 1), (2, 2)]


def test_an_id_is_not_taken_for_another_command_of_one_transaction(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    command = EditEntry(actor="ana", entry=entry, headline="Two")
    with pytest.raises(CommandIdReused, match=str(command.id)):
        ledger.execute([command, replace(command, minor=True)])
    assert ledger.application.log.head().position == 1


def test_a_merge_given_again_is_answered_whatever_became_of_its_target(
    ledger: Ledger, url: str
) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    other = ledger.create(DAY, "Other", actor="ana").entry
    command = MergeEntry(actor="ana", entry=entry, into=other)
    (merged,) = ledger.execute([command])
    ledger.retract(other, actor="eve")
    assert ledger.execute([command]) == [merged]
    with Ledger.open(url) as fresh:
        assert fresh.execute([command]) == [merged]
    assert ledger.application.log.head().position == 4


# Edits, reverts, differences, references


def test_sources_and_contexts_are_added_and_taken_away(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana", contexts=("Ines",)).entry
    ledger.edit(entry, actor="ana", add_sources=(COURIER, GAZETTE), add_contexts=("Ferry",))
    ledger.edit(entry, actor="ana", remove_sources=(1,), remove_contexts=("Ines",))
    shown = ledger.get(entry).entry
    assert (shown.sources, shown.contexts) == ((GAZETTE,), ("Ferry",))
    assert ledger.get(entry, version=2).entry.sources == (COURIER, GAZETTE)
    with pytest.raises(InvalidInput, match=r"^there is no source 7; the entry has 1$"):
        ledger.edit(entry, actor="ana", remove_sources=(7,))
    with pytest.raises(InvalidInput, match=r"^the entry has no context 'Nobody'$"):
        ledger.edit(entry, actor="ana", remove_contexts=("Nobody",))
    assert [item.entry.id for item in ledger.entries(context="Ferry")] == [entry]
    assert ledger.entries(context="Ines") == []


def test_a_revert_needs_a_version_that_is_there(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    ledger.edit(entry, actor="ana", headline="Two")
    for version in (0, -1, 9):
        with pytest.raises(VersionNotFound) as caught:
            ledger.revert(entry, version, actor="ana")
        assert str(caught.value) == f"entry {entry} has no version {version}; it has 1 to 2"
    with pytest.raises(NothingChanged):
        ledger.revert(entry, 2, actor="ana")
    assert ledger.get(entry).entry.version == 2


def test_a_merge_shows_in_the_differences(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    other = ledger.create(DAY, "Other", actor="ana").entry
    ledger.merge(entry, other, actor="ana")
    assert ledger.diff(entry) == (
        FieldDiff("status", "active", "merged"),
        FieldDiff("merged_into", None, str(other)),
    )


@pytest.mark.parametrize(
    "reference", ["\ud800", "abc\udcff", "/news/2021/03/4/one\udcff", "/news/2021/03/4/\ud800.md"]
)
def test_a_reference_that_is_no_text_names_nothing(ledger: Ledger, reference: str) -> None:
    ledger.create(DAY, "One", actor="ana")
    for ask in (ledger.id_of, ledger.get, ledger.at, ledger.history, ledger.changes):
        with pytest.raises(EntryNotFound) as caught:
            ask(reference)
        assert str(caught.value) == f"{reference!r} names no entry: it is no text"
    with pytest.raises(EntryNotFound):
        ledger.edit(reference, actor="ana", headline="Two")


def test_a_reference_may_be_copied_from_a_browser(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "雨 One", actor="ana", edition="zh").entry
    path = "/zh/news/2021/03/4/%E9%9B%A8-One.html?from=feed#sources"
    assert ledger.at(f"https://news.example{path}").entry.id == entry
    assert ledger.id_of(path) == entry


def test_a_filter_that_is_no_text_matches_nothing(ledger: Ledger) -> None:
    ledger.create(DAY, "One", actor="ana", topic="T", contexts=("C",))
    assert ledger.entries(topic="\udcff") == ledger.entries(context="\udcff") == []
    assert len(ledger.entries(topic="T", context="C")) == 1
