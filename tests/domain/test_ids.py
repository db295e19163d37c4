"""Ids: readable, sorted by date, and the same for the same thing."""

from __future__ import annotations

from datetime import date
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.ids import import_command_id, imported_entry_id, new_entry_id

DAY = date(2014, 2, 13)
PATH = "/news/2014/02/13/bridge-opens"
COMMAND = UUID("00000000-0000-4000-8000-0000000000c1")
ENTRY = UUID("20140213-0000-8000-8000-00000000000a")


# Every ledger that imported a page holds these: they may never come out otherwise.
@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (imported_entry_id(DAY, "en", PATH), "20140213-80dc-8eec-be43-03e1c3538dde"),
        (
            imported_entry_id(date(1969, 7, 21), "zh", "/news/1969/07/21/登月"),
            "19690721-c0b8-8649-b395-9c22cef920e7",
        ),
        (new_entry_id(DAY, COMMAND), "20140213-827c-8d31-89de-6df727583e9c"),
        (import_command_id(ENTRY, 1, "news/bridge.md"), "dff15e4b-cac8-80ba-9335-3e380361bc3d"),
        (import_command_id(ENTRY, 2, None), "4b393b1b-ccc7-8052-b9aa-84282e4026d2"),
    ],
)
def test_an_id_stays_what_it_was(made: UUID, expected: str) -> None:
    assert str(made) == expected


@pytest.mark.parametrize(
    ("day", "digits"),
    [
        (DAY, "20140213"),
        (date(1969, 12, 31), "19691231"),
        (date(987, 1, 2), "09870102"),
        (date.min, "00010101"),
        (date.max, "99991231"),
    ],
)
def test_an_entry_id_begins_with_its_date(day: date, digits: str) -> None:
    assert str(imported_entry_id(day, "en", PATH)).startswith(f"{digits}-")
    assert str(new_entry_id(day, COMMAND)).startswith(f"{digits}-")


@settings(deadline=None, max_examples=100)
@given(day=st.dates(), other=st.dates(), path=st.text(max_size=50), command=st.uuids())
def test_ids_are_version_8_and_sort_by_date(
    day: date, other: date, path: str, command: UUID
) -> None:
    made = [
        imported_entry_id(day, "en", path),
        new_entry_id(day, command),
        import_command_id(command, 1, path),
    ]
    for id_ in made:
        assert (id_.version, id_.variant) == (8, RFC_4122)
    assert made == [
        imported_entry_id(day, "en", path),
        new_entry_id(day, command),
        import_command_id(command, 1, path),
    ]
    if day != other:
        assert (made[0] < new_entry_id(other, command)) == (day < other)


def test_whatever_is_another_thing_has_another_id() -> None:
    entries = [
        imported_entry_id(DAY, "en", PATH),
        imported_entry_id(DAY, "zh", PATH),
        imported_entry_id(DAY, "en", PATH + "-2"),
        imported_entry_id(date(2014, 2, 14), "en", PATH),
        new_entry_id(DAY, COMMAND),
        new_entry_id(DAY, UUID(int=COMMAND.int + 1)),
    ]
    # The date alone does not tell them apart.
    assert len({id_.int & (1 << 96) - 1 for id_ in entries[:3] + entries[4:]}) == 5
    assert len(set(entries)) == 6
    commands = [
        import_command_id(ENTRY, 1, PATH),
        import_command_id(ENTRY, 2, PATH),
        import_command_id(ENTRY, 1, None),
        import_command_id(COMMAND, 1, PATH),
    ]
    assert len(set(commands)) == 4
