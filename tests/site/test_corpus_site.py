"""The site of a real archive of 924 pages: whole, valid, and without a dead link."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import Ledger
from tests.conftest import SHARED
from tests.site.archive import export
from tests.site.links import dead_links, files_of
from tests.site.validity import require_valid

BUNDLE = SHARED / "corpus" / "context-zh-2003-2009.bundle"
ENTRIES = 924


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger of the archive's pages."""
    if not BUNDLE.is_file():
        pytest.skip("the archive is not here (../shared/corpus)")
    folder = tmp_path_factory.mktemp("corpus")
    clone = folder / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", "--branch", "master", str(BUNDLE), str(clone)], check=True
    )
    with Ledger.open(f"sqlite:///{folder / 'news.db'}") as ledger:
        assert ledger.import_pages([clone], actor="importer", strict=True).events == ENTRIES
        yield ledger


@pytest.fixture(scope="module")
def site(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site."""
    folder = tmp_path_factory.mktemp("site")
    report = export(ledger, folder)
    assert (report.written, report.notes) == (len(files_of(folder)), ())
    return folder


def test_every_entry_is_at_its_path_in_four_formats(ledger: Ledger, site: Path) -> None:
    listed = ledger.entries()
    assert len(listed) == ENTRIES
    for item in listed:
        for extension in ("html", "json", "xml", "md", "changes.atom"):
            assert (site / f"zh{item.path}.{extension}").is_file()


def test_no_link_is_dead(site: Path) -> None:
    assert dead_links(site) == []


def test_every_file_is_valid(site: Path) -> None:
    files = files_of(site)
    assert len(files) > ENTRIES * 5
    for file in files:
        require_valid(file)


def test_the_same_again_writes_nothing(ledger: Ledger, site: Path) -> None:
    report = export(ledger, site)
    assert (report.written, report.left, report.removed) == (0, len(files_of(site)), 0)
