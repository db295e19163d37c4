"""The journal of an export: a full disk loses nothing, and breaks no line of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.errors import InvalidInput
from ledger.site.folder import Folder
from tests.site.archive import content

JOURNAL, MANIFEST = ".ledger-site.journal", ".ledger-site.json"
LINE = re.compile(r"[0-9a-f]{64} \d{3}\.txt")

# Files of a byte each, so that none but the journal comes to the limit.
PROGRAM = """
import resource, sys
from pathlib import Path
from ledger.errors import InvalidInput
from ledger.site.folder import Folder
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
try:
    with Folder(Path(sys.argv[1]), "this") as folder:
        for number in range(100):
            folder.put(f"{number:03}.txt", b"1")
except InvalidInput as error:
    print(error)
finally:
    # Whatever else the process has to write when it ends is not of this test.
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
"""


def filled_up(out: Path) -> str:
    """Export where a file can have a thousand bytes at most; return what it said."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(out)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "site"


def test_a_full_disk_is_one_clear_line(out: Path) -> None:
    lines = 1000 // len(f"{'0' * 64} 000.txt\n")
    assert filled_up(out) == f"{out / f'{lines:03}.txt'} cannot be written: File too large\n"
    # What was written is known to be the site's, each by a whole line; a part of one is left.
    assert len(content(out)) == lines + 2
    assert not (out / JOURNAL).read_bytes().endswith(b"\n")


def test_the_next_export_goes_on_after_the_last_whole_line(out: Path) -> None:
    filled_up(out)
    with Folder(out, "this") as folder:
        folder.put("998.txt", b"2")
    written = sorted(content(out).keys() - {JOURNAL, MANIFEST})
    journal = (out / JOURNAL).read_text()
    assert journal.endswith("\n")
    assert all(LINE.fullmatch(line) for line in journal.splitlines())
    assert [line[65:] for line in journal.splitlines()] == written
    with Folder(out, "this") as folder:
        assert folder.finish("http://localhost", None, None).removed == len(written)
    assert content(out).keys() == {MANIFEST}


def test_what_fails_at_the_end_is_told_with_the_folder(out: Path) -> None:
    with (
        pytest.raises(InvalidInput, match="site cannot be written: Is a directory"),
        Folder(out, "this"),
    ):
        (out / ".ledger-site.new").mkdir()
    (out / ".ledger-site.new").rmdir()
    with Folder(out, "this") as folder:
        folder.put("001.txt", b"1")
