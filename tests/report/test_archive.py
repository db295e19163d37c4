"""The report on the archive: totals, activity, who edited what, and what part is reported on."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import Ledger
from ledger.domain.values import FIELDS
from ledger.errors import InvalidTime
from ledger.report.archive import MOST_BARS, activity
from ledger.report.model import ArchiveReport, Bar
from tests.report.newsroom import fill


def test_the_totals(ledger: Ledger) -> None:
    fill(ledger)
    events = list(ledger.events())
    report = ledger.reports.archive()
    totals = report.totals
    assert totals.by_type == {
        "CorrectionPublished": 1,
        "EntryCreated": 3,
        "EntryEdited": 8,
        "EntryRetracted": 1,
    }
    assert (totals.entries, totals.events, totals.edits, totals.minor) == (3, 13, 8, 2)
    assert (totals.corrections, totals.retractions, totals.erasures) == (1, 1, 0)
    assert totals.actors == 5
    assert totals.first_recorded_at == events[0].recorded_at
    assert totals.last_recorded_at == events[-1].recorded_at
    assert (report.first, report.last, report.actor) == (1, 13, None)
    assert (report.heading.origin, report.heading.proof.size) == ("harbour.example/news", 13)
    assert report.heading.proof.root == ledger.audit.head().root
    assert (report.heading.proof.covered, report.heading.proof.checkpoints) == (0, ())


def test_the_most_edited_and_who_edited_what(ledger: Ledger) -> None:
    entries = fill(ledger)
    report = ledger.reports.archive()
    assert report.most_edited.total == 2
    assert [
        (one.entry, one.edits, one.minor, one.actors, one.versions)
        for one in report.most_edited.items
    ] == [(entries.vote, 6, 1, 2, 8), (entries.storm, 2, 1, 2, 3)]
    assert [
        (one.actor, one.events, one.created, one.edits, one.minor, one.entries)
        for one in report.editors.items
    ] == [
        ("ben", 4, 0, 4, 1, 1),
        ("cy", 3, 0, 3, 1, 2),
        ("王", 2, 1, 1, 0, 1),
        ("ana", 3, 2, 0, 0, 2),
        ("desk", 1, 0, 0, 0, 1),
    ]
    assert report.editors.items[0].fields == {
        "headline": 2,
        "slug": 2,
        "topic": 1,
        "summary": 1,
        "sources": 1,
    }
    fields = {one.of: one.edits for one in ledger.activity("field")}
    told = Counter[str]()
    for one in report.editors.items:
        told.update(one.fields)
    assert told == {field: fields[field] for field in FIELDS if field in fields}


def found(report: ArchiveReport) -> dict[str, tuple[int, list[int]]]:
    findings = msgspec.structs.asdict(report.findings)
    return {
        name: (listing.total, [one.position for one in listing.items])
        for name, listing in findings.items()
    }


def test_what_is_found_newest_first(ledger: Ledger) -> None:
    fill(ledger)
    assert found(ledger.reports.archive()) == {
        "facts": (2, [9, 8]),
        "silent_edits": (3, [10, 9, 8]),
        "flips": (1, [7]),
        "sources": (1, [8]),
        "erasures": (0, []),
    }
    assert found(ledger.reports.archive(top=1)) == {
        "facts": (2, [9]),
        "silent_edits": (3, [10]),
        "flips": (1, [7]),
        "sources": (1, [8]),
        "erasures": (0, []),
    }


def test_only_a_part_is_reported_on(ledger: Ledger) -> None:
    entries = fill(ledger)
    report = ledger.reports.archive(since=4, until=9)
    assert (report.first, report.last, report.totals.events) == (4, 9, 6)
    assert report.totals.first_recorded_at == list(ledger.events())[3].recorded_at
    assert found(report)["silent_edits"] == (2, [9, 8])
    his = ledger.reports.archive(actor="cy")
    assert (his.totals.events, his.totals.entries, his.actor) == (3, 2, "cy")
    assert found(his)["silent_edits"] == (1, [10])
    assert found(his)["flips"] == (1, [7])
    assert [one.entry for one in his.most_edited.items] == [entries.vote, entries.storm]
    assert sum(bar.edits for bar in his.activity.bars) == 3
    nothing = ledger.reports.archive(actor="nobody")
    assert (nothing.totals.events, nothing.totals.first_recorded_at) == (0, None)
    assert (nothing.activity.bars, nothing.editors.total) == ((), 0)
    late = ledger.reports.archive(since=list(ledger.events())[-1].recorded_at + timedelta(days=1))
    assert (late.first, late.totals.events) == (14, 0)
    with pytest.raises(InvalidTime, match="the log has no position 14; it ends at 13"):
        ledger.reports.archive(until=14)


def test_what_was_corrected_after_the_part_was_corrected(ledger: Ledger) -> None:
    """Silence is broken by any later correction, or it would be no fair report."""
    entries = fill(ledger)
    ledger.correct(entries.vote, "She goes.", actor="desk")
    assert found(ledger.reports.archive(until=13))["silent_edits"] == (2, [10, 9])


def test_an_empty_archive(ledger: Ledger) -> None:
    report = ledger.reports.archive()
    assert (report.totals.events, report.heading.proof.size) == (0, 0)
    assert (report.first, report.last) == (1, 0)


def test_progress_is_told_in_events(ledger: Ledger) -> None:
    fill(ledger)
    told: list[tuple[int, int]] = []
    ledger.reports.archive(progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (13, 13)
    assert len(told) == 3


# Activity


def test_activity_is_by_publication(ledger: Ledger) -> None:
    fill(ledger)
    found = ledger.reports.archive().activity
    assert found.period == "day"
    assert [(bar.start.isoformat(), bar.created, bar.edits) for bar in found.bars][:3] == [
        ("2021-03-01", 1, 0),
        ("2021-03-02", 2, 0),
        ("2021-03-03", 0, 1),
    ]
    assert (found.bars[-1], len(found.bars)) == (Bar(date(2021, 4, 12), 0, 1), 43)


@pytest.mark.parametrize(
    ("last", "period", "starts"),
    [
        (date(2021, 3, 4), "day", ["2021-03-04"]),
        (date(2021, 5, 2), "day", ["2021-03-04", "2021-03-05"]),
        (date(2021, 5, 3), "week", ["2021-03-01", "2021-03-08"]),
        (date(2022, 4, 24), "week", ["2021-03-01", "2021-03-08"]),
        (date(2022, 4, 25), "month", ["2021-03-01", "2021-04-01"]),
        (date(2026, 2, 28), "month", ["2021-03-01", "2021-04-01"]),
        (date(2026, 3, 1), "quarter", ["2021-01-01", "2021-04-01"]),
        (date(2036, 1, 1), "year", ["2021-01-01", "2022-01-01"]),
        (date(2081, 1, 1), "decade", ["2020-01-01", "2030-01-01"]),
    ],
)
def test_the_shortest_period_that_fits(last: date, period: str, starts: list[str]) -> None:
    found = activity({date(2021, 3, 4): 1}, {last: 2})
    assert found.period == period
    assert [bar.start.isoformat() for bar in found.bars[:2]] == starts
    assert len(found.bars) <= MOST_BARS
    assert (found.bars[0].created, found.bars[-1].edits) == (1, 2)


days = st.dictionaries(
    st.dates(date(1, 1, 1), date(600, 1, 1)) | st.dates(date(2000, 1, 1), date(2003, 1, 1)),
    st.integers(1, 9),
    max_size=4,
)


@settings(deadline=None, max_examples=40)
@given(days, days)
def test_the_bars_add_up_and_have_no_gaps(
    created: dict[date, int], edited: dict[date, int]
) -> None:
    found = activity(created, edited)
    assert sum(bar.created for bar in found.bars) == sum(created.values())
    assert sum(bar.edits for bar in found.bars) == sum(edited.values())
    lengths = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366, "decade": 3653}
    for a, b in pairwise(found.bars):
        assert timedelta(0) < b.start - a.start <= timedelta(days=lengths[found.period])
