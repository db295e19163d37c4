"""Bundles of any history, parts of it erased: each proves what the ledger says."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import strategies as st

from ledger.audit import bundles
from ledger.errors import InvalidInput, Refused, VersionNotFound
from tests.audit.evidence import KNOWN, LOG, signed
from tests.histories import Step, desk, histories, play
from tests.properties import on_both
from tests.stores import Store

ERASURES = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5), st.booleans()), max_size=3)


@on_both(40, histories(), ERASURES, st.integers(1, 4))
def test_any_history(
    store: Store, history: list[Step], erasures: list[tuple[int, int, bool]], version: int
) -> None:
    with desk(store) as lent:
        ledger = lent.open()
        ids = play(ledger, history)
        known = [entry for entry in ids if ledger.application.rows_of(entry)]
        for number, erased, names in erasures:
            with suppress(Refused, InvalidInput, VersionNotFound):
                ledger.erase(
                    *(known[number % len(known)], [erased], "a court"),
                    actor="Ann",
                    reason="an order",
                    names=names,
                )
        note = signed(ledger.audit.checkpoint().body, LOG)
        for entry in known:
            found = ledger.changes(entry, all_versions=True)
            last = min(version, len(found))
            for upto in (None, last):
                data = ledger.prover.bundle(entry, note, upto, complete=True)
                verdict = bundles.check(data, KNOWN)
                assert verdict.entry == ledger.get(entry, version=upto or len(found)).entry
                assert [(one.path, one.headline) for one in verdict.versions] == [
                    (one.path, one.headline) for one in found[:upto]
                ]
                assert set(verdict.unseen) <= set(range((upto or len(found)) + 1, len(found) + 1))
