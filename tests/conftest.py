"""What all tests share."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

# A shell's background job is deaf to Ctrl-C, and so would be the processes that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared"

NOW = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store that does not exist yet."""
    return f"sqlite:///{tmp_path / 'news.db'}"
