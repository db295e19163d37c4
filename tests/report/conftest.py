"""What the tests of the reports share: an empty ledger."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger import Ledger


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        opened.init("harbour.example/news")
        yield opened
