"""Importing pages again after something of them was erased: it does not come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.pages.model import Page
from tests.erasures import erase
from tests.interchange.conftest import Importer
from tests.interchange.site import at, count, history, page, said

Pages = Mapping[str, Page | str | bytes]

SECRET: dict[str, Any] = {"topic": "Harbour", "summary": "Marlowe was there."}
PLAIN: dict[str, Any] = {"topic": "Harbour", "summary": "A pilot was there."}
ONE = page("Marlowe questioned", "marlowe", **SECRET)
LISTED = page(
    "Pilot questioned",
    "pilot",
    changes=history(("Marlowe questioned", "marlowe"), ("Pilot questioned", "pilot")),
    **PLAIN,
)


def imported(take: Importer, ledger: Ledger, pages: Pages) -> None:
    """Import pages again: nothing is stored, and nothing of them is found."""
    before, stored = ledger.get(at("pilot")), count(ledger)
    report = take(pages)
    assert (report.events, count(ledger)) == (0, stored)
    assert ledger.get(at("pilot")) == before
    assert ledger.search("marlowe", all_versions=True) == []


def test_text_that_was_edited_here_and_then_erased(take: Importer, ledger: Ledger) -> None:
    take({"a.md": ONE})
    ledger.edit(at("marlowe"), headline="Pilot questioned", slug="pilot", actor="ada", **PLAIN)
    erase(ledger, at("pilot"), 1)
    imported(take, ledger, {"a.md": ONE})


def test_a_version_that_a_page_lists(take: Importer, ledger: Ledger) -> None:
    take({"a.md": LISTED})
    erase(ledger, at("pilot"), 1)
    imported(take, ledger, {"a.md": LISTED})


def test_an_older_page_beside_the_one_that_lists_it(take: Importer, ledger: Ledger) -> None:
    pages = {"a.md": LISTED, "2014/02/13/marlowe.md": page("Marlowe questioned", None, **SECRET)}
    take(pages)
    erase(ledger, at("pilot"), 1)
    imported(take, ledger, pages)


@pytest.mark.parametrize("pages", [{"a.md": ONE}, {"a.md": LISTED}])
def test_an_entry_that_was_retracted(take: Importer, ledger: Ledger, pages: Pages) -> None:
    take(pages)
    entry = next(ledger.events()).entry
    versions = len(ledger.history(entry))
    ledger.retract(entry, actor="ada")
    erase(ledger, entry, *range(1, versions + 1))
    before, stored = ledger.get(entry), count(ledger)
    assert take(pages).events == 0
    assert (ledger.get(entry), count(ledger)) == (before, stored)


def test_what_a_page_says_anew_is_taken(take: Importer, ledger: Ledger) -> None:
    take({"a.md": LISTED})
    erase(ledger, at("pilot"), 1)
    report = take({"a.md": replace(LISTED, summary="He is free.")})
    assert said(report) == {"files": 1, "edited": 1, "events": 1}
    assert ledger.get(at("pilot")).entry.summary == "He is free."
