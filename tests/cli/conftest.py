"""A shell for each test of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.runner import Shell


@pytest.fixture
def ledger(tmp_path: Path) -> Shell:
    return Shell(tmp_path)
