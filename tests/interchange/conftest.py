"""What the tests of importing share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.interchange.pages import ImportReport
from ledger.pages.model import Page
from tests.interchange.site import ACTOR, open_ledger, write

Importer = Callable[..., ImportReport]


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """A ledger in which it is NOW."""
    with open_ledger(url) as opened:
        yield opened


@pytest.fixture
def take(ledger: Ledger, tmp_path: Path) -> Importer:
    """Import pages, each call from a folder of its own; origins are the files' names in it."""
    folders = iter(range(100))

    def take_in(pages: dict[str, Page | str | bytes], **options: object) -> ImportReport:
        folder = write(tmp_path / f"site-{next(folders)}", pages)
        return ledger.import_pages([folder], actor=ACTOR, **options)  # type: ignore[arg-type]

    return take_in
