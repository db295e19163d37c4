"""What the tests of the views share: a log in a folder of its own, and an empty ledger in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import Ledger


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "desk").mkdir()
    return tmp_path / "desk" / "news.db"


@pytest.fixture
def url(log: Path) -> str:
    return f"sqlite:///{log}?synchronous=normal"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        opened.init()
        yield opened
