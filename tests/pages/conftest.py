"""The pages of one archive, for all tests that read them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger import Ledger
from ledger.pages.links import AnyPage
from tests.pages.newsroom import all_pages, fill


@pytest.fixture(scope="session")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger that is filled, and left as it is."""
    with Ledger.open(f"sqlite:///{tmp_path_factory.mktemp('newsroom') / 'news.db'}") as ledger:
        fill(ledger)
        yield ledger


@pytest.fixture(scope="session")
def published(newsroom: Ledger) -> dict[str, AnyPage]:
    """Its pages; see `newsroom.all_pages`."""
    return all_pages(newsroom)
