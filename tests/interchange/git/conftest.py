"""What the tests of git history share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interchange.git.archive import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A repository without a commit."""
    return Archive(tmp_path / "archive")
