"""A shell for each test of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.runner import Shell
from tests.stores import Store


@pytest.fixture
def ledger(folder: Path, store: Store) -> Shell:
    return Shell(folder, store)
