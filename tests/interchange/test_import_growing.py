"""A page that grows from import to import becomes the history that one import would have made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger
from ledger.pages.model import Page
from tests.interchange.conftest import Importer
from tests.interchange.site import DAY, at, history, page, related

A, B, C = (("Bridge A", "a"), ("Bridge B", "b"), ("Bridge C", "c"))


def of(*listed: tuple[str, str], **fields: Any) -> Page:
    changes = history(*listed) if len(listed) > 1 else ()
    return page(*listed[-1], changes=changes, **fields)


def content(ledger: Ledger) -> list[tuple[str, str | None]]:
    steps = list(ledger.replay(at("a")))
    return [(step.after.headline, step.after.summary) for step in steps]


GROWING: dict[str, list[Page]] = {
    "A, then A-B-A": [of(A), of(A, B, A)],
    "A-B, then A-B-A-B": [of(A, B), of(A, B, A, B)],
    "A, A-B, A-B-A, A-B-A-C": [of(A), of(A, B), of(A, B, A), of(A, B, A, C)],
}


@pytest.mark.parametrize("case", GROWING)
def test_headlines_that_flip_as_the_page_grows_are_all_kept(
    take: Importer, ledger: Ledger, case: str
) -> None:
    pages = GROWING[case]
    for step in pages:
        take({"a.md": step})
    listed = [change.headline for change in ledger.changes(at("a"))]
    assert listed == [change.headline for change in pages[-1].changes]
    assert take({"a.md": pages[-1]}).events == 0


def test_content_that_goes_and_comes_back_over_several_versions(
    take: Importer, ledger: Ledger
) -> None:
    take({"a.md": of(A, summary="First")})
    take(
        {
            "b.md": of(B, summary="Second"),
            "c.md": of(A, B, C, summary="First"),
        }
    )
    assert content(ledger)[-1] == ("Bridge C", "First")
    assert ("Bridge B", "Second") in content(ledger)


def test_a_path_that_is_too_long_is_no_path(ledger: Ledger) -> None:
    from ledger.errors import InvalidInput

    with pytest.raises(InvalidInput, match="cannot be read: File name too long"):
        ledger.import_pages([Path("a" * 300)], actor="ada")


def test_contexts_of_an_entry_at_a_numbered_path_are_its_own(
    take: Importer, ledger: Ledger
) -> None:
    first, second = (ledger.create(DAY, "Bridge", actor="ada").entry for _ in range(2))
    pages = {
        "bridge.md": page("Bridge", "bridge"),
        "z.md": page("Zoo", "z", related=related("bridge-2", "Sea")),
    }
    take(pages)
    assert ledger.get(first).entry.contexts == ()
    assert ledger.get(second).entry.contexts == ("Sea",)
    assert take(pages).events == 0
