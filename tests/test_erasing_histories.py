"""Whatever happened, and whatever is erased: all else reads as it did, and every proof holds."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from hypothesis import strategies as st

from ledger import Ledger
from ledger.domain.events import CorrectionPublished, EntryRestated
from ledger.errors import InvalidInput, NotFound, Refused
from tests.erasures import WHO, readings
from tests.histories import Desk, Step, desk, histories, play
from tests.properties import on_both
from tests.stores import Store


class Wish(NamedTuple):
    """What somebody wants to be erased."""

    entry: int
    versions: frozenset[int]
    text: bool
    names: bool


wishes = st.lists(
    st.builds(
        Wish,
        st.integers(0, 4),
        st.frozensets(st.integers(1, 6), min_size=1, max_size=5),
        st.sampled_from([True, True, True, False]),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def kept(ledger: Ledger, entry: UUID, wish: Wish) -> tuple[list[int], set[int]]:
    """Return the versions of an entry that must read as before, and the corrections that go.

    Those are the versions that were public as they are, unless they are erased. An entry that was
    closed shows nothing, so nothing of it has to stay; what was restated is restated anew.
    """
    gone = wish.versions | {
        event.version for event in ledger.history(entry) if event.erased is not None
    }
    steps = list(ledger.replay(entry))
    stay = [
        step.after.version
        for step in steps
        if step.after.version not in gone
        and step.after.status == "active"
        and not isinstance(step.event.data, EntryRestated)
    ]
    notes = {s.event.version for s in steps if isinstance(s.event.data, CorrectionPublished)}
    return stay, notes & gone


def carry_out(ledger: Ledger, ids: list[UUID], wish: Wish) -> bool:
    """Erase what somebody wants; return whether the rules allowed it. All else stays."""
    entry = ids[wish.entry % len(ids)]
    upto = ledger.application.log.head().position
    stay: dict[UUID, tuple[list[int], set[int]]] = {}
    for other in ids:
        with suppress(NotFound):
            versions = range(1, len(ledger.history(other)) + 1)
            stay[other] = kept(ledger, other, wish) if other == entry else ([*versions], set())

    def read() -> dict[UUID, dict[object, object]]:
        return {
            other: readings(ledger, other, versions, upto, notes)
            for other, (versions, notes) in stay.items()
        }

    before, checkpoint = read(), ledger.audit.checkpoint()
    try:
        ledger.erase(entry, wish.versions, "Court", text=wish.text, names=wish.names, **WHO)
    except (Refused, InvalidInput, NotFound):
        assert ledger.application.log.head().position == upto
        return False
    assert read() == before
    ledger.audit.require(ledger.audit.checkpoint(), checkpoint)
    return True


@on_both(60, histories(), wishes, st.booleans())
def test_no_version_but_the_erased_ones_reads_differently(
    store: Store, history: list[Step], wanted: list[Wish], apart: bool
) -> None:
    with desk(store) as lent:
        ledger = lent.open()
        ids = play(ledger, history, apart=apart)
        for wish in wanted:
            carry_out(ledger, ids, wish)
        assert list(ledger.check()) == []
        copied(lent, ledger)


def copied(lent: Desk, ledger: Ledger) -> None:
    """Hold a copy of a log to be the same: its events, its tree, its views."""
    report = ledger.replay_all(into=(url := lent.url()))
    copy = lent.open(url)
    assert list(copy.events()) == list(ledger.events())
    assert copy.audit.head() == ledger.audit.head()
    assert copy.views.status() == report.views == ledger.views.status()
