"""The two readings of a log, given its rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.audit.findings import Finding, Kind
from ledger.audit.merkle import root_of
from ledger.audit.sections import ByEntry, ByPosition, by_entry, by_position
from ledger.domain.events import (
    EntryEdited,
    EntryErased,
    EntryRestated,
    EntryRetracted,
    EventData,
    Meta,
    Remains,
)
from ledger.store.erasures import blanked, erasures_of
from ledger.store.leaf import Digest, digest_of, leaf_hash, leaf_hashes
from ledger.store.rows import Row
from tests.audit.evidence import CREATED, MAPPER, X, Y, logged
from tests.store.payloads import texts

WIDTH = 256

# By position


def plain(low: int, count: int) -> list[Row]:
    """Return so many rows behind a position, a second apart."""
    return [
        Row(n, b"%016d" % n, 1, "EntryCreated@1", n * 1_000_000, b"m%d" % n, b"c%d" % n)
        for n in range(low + 1, low + count + 1)
    ]


def read(rows: Sequence[Row], low: int = 0, stored: bytes = b"", *sizes: int) -> ByPosition:
    return by_position(rows, low, stored, sizes)


def test_a_section_without_events() -> None:
    assert read([], 512, b"x" * 32, 513) == ByPosition(512)


@pytest.mark.parametrize("low", [0, 1024])
@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 511, 512, 513, 1024])
def test_what_the_tree_is_made_of(low: int, count: int) -> None:
    rows = plain(low, count)
    leaves = list(map(leaf_hash, rows))
    sizes = [low, *(low + n for n in range(1, count + 2))]
    found = read(rows, low, b"", *sizes)
    whole = count // WIDTH
    assert (found.low, found.count) == (low, count)
    assert found.tiles == [root_of(leaves[n * WIDTH : (n + 1) * WIDTH]) for n in range(whole)]
    assert found.rest == leaves[whole * WIDTH :]
    assert found.cuts == {
        low + n: leaves[n // WIDTH * WIDTH : n] for n in range(1, count + 1) if n % WIDTH
    }
    assert not found.has_gaps
    assert not found.differs
    assert found.backwards == []
    assert (found.first, found.first_at) == (low + 1, rows[0].recorded_at)
    assert found.last_at == rows[-1].recorded_at


@pytest.mark.parametrize(
    ("positions", "has_gaps"),
    [
        ([513, 514, 515], False),
        ([514, 515], True),
        ([513, 515], True),
        ([513], False),
        ([515], True),
    ],
)
def test_missing_positions(positions: list[int], has_gaps: bool) -> None:
    rows = [row for row in plain(512, 5) if row.position in positions]
    assert read(rows, 512).has_gaps is has_gaps


@pytest.mark.parametrize("known", [0, 1, 299, 300])
def test_stored_leaves_that_are_others(known: int) -> None:
    rows = plain(0, 300)
    stored = b"".join(map(leaf_hash, rows[:known]))
    assert not read(rows, 0, stored).differs
    for at in {0, known // 2, known - 1} & set(range(known)):
        other = bytearray(stored)
        other[at * 32 + 31] ^= 1
        assert read(rows, 0, bytes(other)).differs
    if known:
        assert read(rows[1:], 0, stored).differs


@pytest.mark.parametrize(
    ("known", "expected", "lacking"),
    [(0, 0, None), (10, 10, None), (11, 10, None), (9, 10, 522), (0, 1, 513), (0, 10, 513)],
)
def test_stored_leaves_that_are_lacking(known: int, expected: int, lacking: int | None) -> None:
    rows = plain(512, 10)
    stored = b"".join(map(leaf_hash, plain(512, known)))
    assert by_position(rows, 512, stored, (), expected).lacking == lacking
    # Half a hash is none.
    assert by_position(rows, 512, stored + bytes(31), (), expected).lacking == lacking
    assert by_position([], 512, stored, (), expected).lacking == lacking


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_times_that_run_backwards(steps: list[int]) -> None:
    rows, now, expected = [], 0, []
    for row, step in zip(plain(256, len(steps)), steps, strict=True):
        now += step
        rows.append(row._replace(recorded_at=now))
        if step < 0 and len(rows) > 1:
            expected.append(row.position)
    found = read(rows, 256)
    assert found.backwards == expected
    assert (found.first_at, found.last_at) == (rows[0].recorded_at, now)


rows_of_any_kind = st.builds(
    Row,
    st.integers(-(2**63), 2**63 - 1),
    st.binary(min_size=16, max_size=16),
    st.integers(-(2**63), 2**63 - 1),
    texts | st.binary(max_size=9).map(lambda type_: type_.decode(errors="surrogateescape")),
    st.integers(-(2**63), 2**63 - 1),
    *(
        st.binary(max_size=40) | st.binary(min_size=32, max_size=32).map(Digest)
        for _ in ("meta", "content")
    ),
)


@settings(deadline=None, max_examples=100)
@given(st.lists(rows_of_any_kind, max_size=6))
def test_many_leaf_hashes_are_those_of_each(rows: list[Row]) -> None:
    assert leaf_hashes(rows) == list(map(leaf_hash, rows))
    # As they come where there is no erasure.
    rows = [row._replace(meta=bytes(row.meta), content=bytes(row.content)) for row in rows]
    assert leaf_hashes(rows) == list(map(leaf_hash, rows))


# By entry

EDITED = EntryEdited(headline="Ferry stays")
(CREATION,) = logged((X, 1, CREATED))


class History(NamedTuple):
    """What a reading by entry came to, and how it told of its progress."""

    found: ByEntry
    told: list[int]

    @property
    def findings(self) -> list[Finding]:
        return [finding for finding, _ in self.found.findings]


def history(rows: Sequence[Row]) -> History:
    """Read rows by entry, as a store gives them: with digests where something was erased."""
    ordered = sorted(rows, key=lambda row: (row.entry, row.version))
    erasures = {
        entry: erasures_of([row for row in ordered if row.entry == entry], MAPPER)
        for entry in {row.entry for row in ordered}
    }
    told: list[int] = []
    found = by_entry(
        [erasures[row.entry].resolved(row) for row in ordered],
        lambda row: erasures[row.entry].event(row, MAPPER),
        told.append,
    )
    return History(found, told)


def finding(kind: Kind, position: int | None, version: int | None, message: str) -> Finding:
    return Finding(kind=kind, position=position, entry=X, version=version, message=message)


def test_nothing_is_found_where_nothing_is() -> None:
    assert history([]) == History(ByEntry(), [])


def test_entries_and_events_are_counted() -> None:
    said = [(X, 1, CREATED), (Y, 1, CREATED), (X, 2, EDITED), (X, 3, EntryRetracted())]
    assert history(logged(*said)) == History(ByEntry(entries=2, events=4), [3, 4])


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ((1, 3), finding("missing", None, 2, "version 2 is not there, version 3 is")),
        ((1, 5), finding("missing", None, 2, "version 2 to 4 is not there, version 5 is")),
        ((2, 3), finding("missing", None, 1, "version 1 is not there, version 2 is")),
        ((0, 1), finding("inserted", 1, 0, "it follows version 0")),
        ((-7, -6), finding("inserted", 1, -7, "it follows version 0")),
    ],
)
def test_versions_that_do_not_follow(versions: tuple[int, int], expected: Finding) -> None:
    rows = logged(*((X, 1, CREATED) for _ in versions), (Y, 1, CREATED))
    rows = [
        row._replace(version=version) for row, version in zip(rows, (*versions, 1), strict=True)
    ]
    found = history(rows)
    assert found.findings[0] == expected
    assert found.found.findings[0][1] == (rows[versions[0] == 1].position,)
    # The other entry is none the worse for it.
    assert {one.entry for one in found.findings} == {X}
    assert found.found.entries == 2


def test_behind_a_gap_nothing_is_called_illegal_but_what_cannot_be_read() -> None:
    rows = logged((X, 1, CREATED), *((X, n, EntryRetracted()) for n in (2, 3, 4, 5)))
    assert history(rows).findings[0] == finding("altered", 3, 3, "the entry was retracted")
    del rows[1]
    rows[3] = rows[3]._replace(content=b"")
    assert history(rows).findings == [
        finding("missing", None, 2, "version 2 is not there, version 3 is"),
        finding("altered", 5, 5, "its content is gone, and no erasure says why"),
    ]


def test_versions_in_another_order_than_the_log_s() -> None:
    rows = logged((X, 2, EDITED), (X, 1, CREATED), (X, 3, EntryRetracted()))
    assert history(rows).findings == [
        finding("reordered", 1, 2, "it comes before an earlier version"),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"type": "EntryMelted@1"},
            "the event type EntryMelted@1 is unknown; is this program too old?",
        ),
        (
            {"type": "EntryEdited@7"},
            "EntryEdited@7 is newer than this program, which knows EntryEdited@1",
        ),
        (
            {"type": "Entry\udcffEdited@1"},
            "the event type Entry\udcffEdited@1 is unknown; is this program too old?",
        ),
        (
            {"content": bytes(17)},
            "the payload of EntryEdited@1 cannot be read: Expected `object`, got `int`",
        ),
        ({"meta": b""}, "its content is gone, and no erasure says why"),
        (
            {"type": "EntryCreated@1", "content": CREATION.content},
            (
                f"EntryCreated as version 2 of entry {X}: it cannot happen to an entry that "
                "exists; the history is damaged"
            ),
        ),
    ],
)
def test_events_that_cannot_be_read_or_folded(change: dict[str, Any], message: str) -> None:
    rows = logged((X, 1, CREATED), (X, 2, EDITED), (X, 3, EDITED))
    rows[1] = rows[1]._replace(**change)
    # The third would change nothing, if anybody knew what the second was.
    assert history(rows).findings == [finding("altered", 2, 2, message)]


def test_a_history_begins_with_a_creation() -> None:
    message = (
        f"EntryEdited as version 1 of entry {X}: a history begins with EntryCreated, version 1; "
        "the history is damaged"
    )
    assert history(logged((X, 1, EDITED))).findings == [finding("altered", 1, 1, message)]


def test_each_illegal_event_is_found_and_the_fold_goes_on() -> None:
    said: list[tuple[UUID, int, EventData]] = [
        (X, 1, CREATED),
        (X, 2, EntryEdited(headline="")),
        (X, 3, EntryRetracted()),
        (X, 4, EDITED),
        (X, 5, EntryEdited(summary="It stays.")),
    ]
    assert history(logged(*said)).findings == [
        finding("altered", 2, 2, "the headline is empty"),
        finding("altered", 4, 4, "the entry was retracted"),
        finding("altered", 5, 5, "the entry was retracted"),
    ]


# Erased

NAMELESS = Meta(
    actor="[erased]", published_at=datetime(2024, 5, 1, tzinfo=UTC), command=UUID(int=2)
)
REMAINS = Remains(version=2, gone=("headline",), meta=NAMELESS)

THREE: list[tuple[UUID, int, EventData]] = [
    (X, 1, CREATED),
    (X, 2, EDITED),
    (X, 3, EntryEdited(headline="Ferry sinks")),
]


def erased(*blobs: str, lines: tuple[str, ...] = ()) -> list[Row]:
    """Return a log in which blobs of version 2 of three were erased, as one event says."""
    rows = logged(*THREE)
    told = tuple(
        blanked(2, name, digest_of(getattr(rows[1], name))) for name in ("content", "meta")
    )
    named = tuple(line for line in told if line.split()[1] in blobs)
    data = EntryErased(authority="Court", blanked=(*named, *lines))
    rows = logged(*THREE, (X, 4, data), (X, 5, EntryRestated(versions=(REMAINS,))))
    blanks: dict[str, Any] = dict.fromkeys(blobs, b"")
    rows[1] = rows[1]._replace(**blanks)
    return rows


@pytest.mark.parametrize("blobs", [("content",), ("meta",), ("content", "meta")])
def test_what_was_erased_is_no_finding(blobs: tuple[str, ...]) -> None:
    assert history(erased(*blobs)).found == ByEntry(entries=1, events=5, erased={2: 4})


@pytest.mark.parametrize("blobs", [("content",), ("content", "meta")])
def test_content_that_came_back(blobs: tuple[str, ...]) -> None:
    rows = erased(*blobs)
    rows[1] = rows[1]._replace(content=logged(*THREE)[1].content)
    found = history(rows)
    assert found.findings == [
        finding(
            "altered", 2, None, "it was erased, as another event says, and yet there is content"
        )
    ]
    assert found.found.erased == ({} if blobs == ("content",) else {2: 4})


@pytest.mark.parametrize("line", ["", "2 content", "@2 content ff", "@02 content " + "0" * 64])
def test_an_erasure_that_does_not_say_what_it_erased(line: str) -> None:
    assert history(erased("content", lines=(line,))).found == ByEntry(
        entries=1,
        events=5,
        erased={2: 4},
        findings=[(finding("altered", 4, 4, "it does not say what it erased"), (4,))],
    )


def test_what_is_gone_and_nothing_says_why() -> None:
    rows = erased("content")
    rows[2] = rows[2]._replace(content=b"")
    assert history(rows).findings == [
        finding("altered", 3, 3, "its content is gone, and no erasure says why")
    ]


def test_what_was_erased_and_nothing_remains_of() -> None:
    rows = erased("content")
    del rows[4]
    assert history(rows).findings == [
        finding(
            "altered",
            2,
            2,
            "it was erased, as event 4 says, and nothing says what remains of it",
        ),
        finding("altered", 4, 4, "what remains of what it erased is not restated"),
    ]


@pytest.mark.parametrize("others", [(), (2, 3), (9,)])
def test_what_restates_others_than_were_erased(others: tuple[int, ...]) -> None:
    remains = EntryRestated(versions=tuple(replace(REMAINS, version=n) for n in (2, *others)))
    (*_, restated) = logged(*THREE, (X, 4, EDITED), (X, 5, remains))
    rows = [*erased("content")[:4], restated]
    expected = [finding("altered", 5, 5, "it restates others than were erased")]
    assert history(rows).findings == (expected if others else [])


def test_what_restates_where_nothing_was_erased() -> None:
    message = "what remains is restated behind an erasure, only there"
    rows = logged(*THREE, (X, 4, EntryRestated(versions=())))
    assert history(rows).findings == [finding("altered", 4, 4, message)]
    (*_, again) = logged(*THREE, *THREE[:2], (X, 6, EntryRestated(versions=(REMAINS,))))
    assert history([*erased("content"), again]).findings == [finding("altered", 6, 6, message)]


def test_a_command_is_answered_once() -> None:
    rows = logged(*THREE)
    rows[2] = rows[2]._replace(meta=rows[0].meta)
    assert history(rows).findings == [
        finding("altered", 3, 3, "the command that it answers was answered before")
    ]
