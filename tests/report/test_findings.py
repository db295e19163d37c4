"""What somebody should look at: silent edits, flips, sources, erasures."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from ledger import Ledger, Source
from ledger.domain.diffs import SourceChange, Span
from ledger.errors import InvalidInput, NotFound, Refused
from ledger.report.facts import ChangedFacts
from ledger.report.findings import Best, find
from ledger.report.model import ErasureNotice, Finding, Flip, SilentEdit, SourceEdit
from tests.histories import Step, desk, histories, play
from tests.properties import on_both
from tests.report.newsroom import COURIER, MOVED, RADIO, day, fill
from tests.stores import Store


def found(ledger: Ledger, entry: UUID) -> list[Finding | ErasureNotice]:
    return list(find(ledger.history(entry)))


def places(findings: list[Any], kind: type[Any]) -> list[int]:
    return [one.version for one in findings if isinstance(one, kind)]


def test_what_is_found(ledger: Ledger) -> None:
    entries = fill(ledger)
    flip, silent, sources = found(ledger, entries.vote)
    assert isinstance(flip, Flip)
    assert (flip.version, flip.position, flip.field, flip.actor) == (5, 7, "topic", "cy")
    assert isinstance(silent, SilentEdit)
    assert (silent.version, silent.position, silent.published_at) == (6, 8, day(7))
    assert (silent.minor, silent.basis, silent.assumed) == (False, "stated", False)
    assert silent.words == (
        Span("equal", "Port Ellery votes by 8 to 5"),
        Span("insert", "; Ines Okafor goes"),
        Span("equal", "."),
    )
    assert silent.facts == ChangedFacts(names_new=("Ines Okafor",))
    assert isinstance(sources, SourceEdit)
    assert sources.changes == (
        SourceChange("address", MOVED, 1, COURIER),
        SourceChange("added", RADIO, 2),
    )
    first, second = found(ledger, entries.storm)
    assert isinstance(first, SilentEdit)
    assert isinstance(second, SilentEdit)
    assert (first.facts, second.facts) == (ChangedFacts(("三",), ("四",)), None)
    assert (second.language, second.headline, second.minor) == ("zh", "渡轮将停航四天", True)
    assert found(ledger, entries.quiet) == []


def test_a_later_correction_breaks_the_silence(ledger: Ledger) -> None:
    entries = fill(ledger)
    ledger.correct(entries.vote, "She goes.", "update", actor="desk")
    assert places(found(ledger, entries.vote), SilentEdit) == []


def test_a_value_that_an_import_assumed_is_told(ledger: Ledger) -> None:
    entry = ledger.create(
        date(2021, 3, 1), "Tide", sources=(COURIER,), inferred=("sources",), actor="ana"
    ).entry
    ledger.edit(entry, sources=(RADIO,), actor="ana")
    ledger.edit(entry, sources=(MOVED,), actor="ana")
    assert [one.assumed for one in found(ledger, entry) if isinstance(one, SourceEdit)] == [
        True,
        False,
    ]


def test_what_was_erased_is_compared_with_nothing(ledger: Ledger) -> None:
    entry = ledger.create(date(2021, 3, 1), "Tide 1", sources=(COURIER,), actor="ana").entry
    ledger.edit(entry, headline="Tide 2 of Mara", sources=(RADIO,), actor="ana")
    ledger.edit(entry, headline="Tide 3", sources=(MOVED,), actor="ana")
    ledger.edit(entry, headline="Tide 4 of Mara", actor="ana")
    ledger.edit(entry, headline="Tide 5", actor="ana")
    ledger.erase(entry, [2, 4], "the court", actor="counsel", reason="her name")
    after = found(ledger, entry)
    notice = next(one for one in after if isinstance(one, ErasureNotice))
    assert (notice.version, notice.position, notice.versions) == (6, 6, (2, 4))
    assert (notice.authority, notice.reason, notice.actor) == ("the court", "her name", "counsel")
    assert places(after, SourceEdit) == []
    assert places(after, Flip) == []
    silent = [one for one in after if isinstance(one, SilentEdit)]
    says = "[erased, as event 6 says]"
    assert [(one.version, one.facts) for one in silent] == [(n, None) for n in (2, 3, 4, 5)]
    assert silent[0].words == (Span("delete", "Tide 1"), Span("insert", says))
    assert silent[1].words == (Span("delete", says), Span("insert", "Tide 3"))


def test_what_stays_of_an_erased_version_is_still_compared(ledger: Ledger) -> None:
    """Its summary goes; its headline, which the next version shows, does not."""
    entry = ledger.create(date(2021, 3, 1), "Tide 1", summary="A", actor="ana").entry
    ledger.edit(entry, headline="Tide 2", summary="Mara", actor="ana")
    ledger.edit(entry, summary="B", actor="ana")
    ledger.erase(entry, [2], "the court", actor="counsel", reason="hers")
    silent = [one for one in found(ledger, entry) if isinstance(one, SilentEdit)]
    assert [(one.version, one.facts) for one in silent] == [(2, ChangedFacts(("1",), ("2",)))]


@on_both(
    40, histories(), st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(1, 6))), max_size=3)
)
def test_the_log_says_what_the_views_say(
    store: Store, history: list[Step], erasures: list[tuple[int, set[int]]]
) -> None:
    with desk(store) as lent:
        ledger = lent.open()
        ids = play(ledger, history)
        for number, versions in erasures:
            with suppress(Refused, InvalidInput, NotFound):
                ledger.erase(ids[number % len(ids)], versions, "court", actor="cy", reason="so")
        known = {event.entry for event in ledger.events()}
        every = [one for entry in ids if entry in known for one in find(ledger.history(entry))]
        every.sort(key=lambda one: one.position)
        flips = [
            (one.entry, one.version, one.field, one.actor, one.published_at)
            for one in every
            if isinstance(one, Flip)
        ]
        assert sorted(flips) == sorted(
            (one.entry, one.version, one.field, one.actor, one.published_at)
            for one in ledger.flips()
        )
        silent = [
            (one.entry, one.version, one.headline, one.minor, one.basis)
            for one in every
            if isinstance(one, SilentEdit)
        ]
        assert silent == [
            (one.entry, one.version, one.new, one.minor, one.basis)
            for one in ledger.silent_edits()
        ]


def test_a_new_order_or_picture_of_sources_is_no_change(ledger: Ledger) -> None:
    entry = ledger.create(date(2021, 3, 1), "Tide", sources=(COURIER, RADIO), actor="ana").entry
    pictured = Source(COURIER.name, COURIER.url, "https://courier.example/1.png")
    ledger.edit(entry, sources=(RADIO, pictured), actor="ana")
    assert found(ledger, entry) == []
    ledger.edit(entry, sources=(RADIO,), actor="ana")
    assert places(found(ledger, entry), SourceEdit) == [3]


def test_the_best_are_kept_and_all_are_counted() -> None:
    best: Best[str] = Best(2)
    for number in (3, 1, 4, 2):
        best.add(f"item {number}", number)
    assert (best.listing().total, best.listing().items) == (4, ("item 4", "item 3"))
