"""A newsroom with something to erase; what must stay as it was, and what must be nowhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger import Ledger, Source
from ledger.domain.entry import NewsEntry
from ledger.domain.permalinks import with_prefix
from ledger.domain.values import Correction
from ledger.errors import LedgerError

DAY = date(2021, 3, 4)
WHO: dict[str, Any] = {"actor": "Dee", "reason": "ordered"}


class Desk(NamedTuple):
    """An entry of five versions, another that wants its path, and one that shares a context."""

    ledger: Ledger
    entry: UUID
    namesake: UUID
    tide: UUID


def public(hour: int) -> datetime:
    return datetime(2021, 3, 4, hour, tzinfo=UTC)


@contextmanager
def newsroom(url: str) -> Iterator[Desk]:
    """Lend a newsroom of seven events: the entry's are at 1, 3, 4, 5 and 7."""
    with Ledger.open(url) as ledger:
        entry = ledger.create(
            DAY,
            "Marlowe questioned",
            topic="Wexford inquiry",
            summary="Marlowe was at the pier.",
            sources=(Source("Courier", "https://courier.example/seen-at-pier"),),
            cover_image="https://courier.example/gallows.jpg",
            contexts=("Wexford", "Harbour"),
            actor="Ann",
            reason="the tipster",
            published_at=public(8),
        ).entry
        namesake = ledger.create(
            DAY, "Pilot questioned", contexts=("Harbour",), actor="Ann", published_at=public(8)
        ).entry
        ledger.edit(entry, topic="Inquiry", actor="Ben", published_at=public(9))
        ledger.edit(
            entry,
            headline="Pilot questioned",
            summary="A pilot was at the pier.",
            sources=(Source("Courier", "https://courier.example/2"),),
            cover_image=None,
            contexts=("Harbour",),
            actor="Cy",
            published_at=public(10),
        )
        ledger.correct(entry, "It was not Marlowe.", actor="Ann", published_at=public(11))
        tide = ledger.create(DAY, "Tide rises", contexts=("Harbour",), actor="Ann").entry
        ledger.edit(entry, headline="Pilot is free", actor="Ben")
        yield Desk(ledger, entry, namesake, tide)


def refused(done: Callable[[], object], error: type[LedgerError], message: str) -> None:
    """Hold a call to be refused, with exactly this error."""
    with pytest.raises(error) as caught:
        done()
    assert caught.type is error
    assert str(caught.value) == message


def erase(ledger: Ledger, entry: UUID | str, *versions: int, **options: Any) -> None:
    """Erase versions as a court wants it."""
    ledger.erase(entry, versions, "Court of Lee", **WHO | options)


def readings(
    ledger: Ledger, entry: UUID, versions: Collection[int], upto: int, noted: Collection[int] = ()
) -> dict[object, object]:
    """Return all that can be read of versions of an entry, by themselves and at their moments.

    Args:
        ledger: Where.
        entry: Whose.
        versions: Which.
        upto: The position that is present: what came after it is left out.
        noted: Versions whose corrections are left out, where later ones list them.
    """
    found: dict[object, object] = {}

    def told(state: NewsEntry) -> NewsEntry:
        notes = tuple(
            Correction(note.kind, "", note.version) if note.version in noted else note
            for note in state.corrections
        )
        return replace(state, corrections=notes)

    for version in versions:
        shown = ledger.get(entry, version=version)
        page = ledger.page(shown)
        found[version] = (told(shown.entry), shown.path, shown.event)
        found[version, "page"] = replace(page, changes=(), related=())
        path = with_prefix(shown.path, shown.entry.prefix)
        found[version, "owner"] = ledger.resolve(path).entry
        position = shown.event.position
        then = ledger.get(entry, known_at=position)
        found[version, "known"] = (told(then.entry), then.path, then.event)
        public = ledger.get(entry, as_of=position, known_at=position).entry.version
        found[version, "public"] = public
        for other in versions:
            diffs = ledger.diff(entry, other, version)
            found[other, version, "diff"] = [one for one in diffs if one.field != "corrections"]
    for change in ledger.changes(entry, all_versions=True, known_at=upto):
        if change.version in versions:
            found[change.version, "change"] = change
    return found
