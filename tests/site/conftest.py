"""One archive and its site, for all tests that only look at them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import Ledger
from tests.site.archive import export, fill


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger that is filled, and left as it is."""
    with Ledger.open(f"sqlite:///{tmp_path_factory.mktemp('archive') / 'news.db'}") as ledger:
        fill(ledger)
        yield ledger


@pytest.fixture(scope="session")
def site(archive: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its site, to be left as it is."""
    folder = tmp_path_factory.mktemp("site")
    export(archive, folder)
    return folder
