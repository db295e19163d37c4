"""Read models that installed packages bring: found by their entry points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.projections.desk import NAMES, fill

MODULE = """
from ledger import EntryCreated, Projection, handles

class Births(Projection):
    name = "births"
    ddl = ("CREATE TABLE births (position INTEGER PRIMARY KEY)",)
    tables = {"births": "position"}

    @handles(EntryCreated)
    def note(self, event, db):
        db.execute("INSERT INTO births VALUES (?)", (event.position,))

    def count(self, db):
        return db.execute("SELECT count(*) FROM births").fetchone()[0]

class Thief(Births):
    name = "thief"
    ddl = ("CREATE TABLE current (entry)",)
    tables = {"current": "entry"}
"""

ASK = """
import json, sys
from ledger import Ledger
from ledger.errors import InvalidInput
with Ledger.open(sys.argv[1]) as ledger:
    found = [len(ledger.entries())]
    for _ in range(2):
        try:
            found.append([[s.name, s.position, s.rows] for s in ledger.views.status()])
        except InvalidInput as error:
            found.append(str(error))
    found.append(len(ledger.entries()))
    if "births" in sys.argv:
        from births import Births
        found.append(ledger.query(Births().count))
    print(json.dumps(found))
"""


def discovered(folder: Path, url: str, point: str, *arguments: str) -> list[Any]:
    """Return what a program answers on whose path a package is installed with an entry point."""
    (folder / "births.py").write_text(MODULE)
    info = folder / "births-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: births\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[ledger.projections]\n{point}\n")
    ran = subprocess.run(
        [sys.executable, "-c", ASK, url, *arguments],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    found = json.loads(ran.stdout)
    assert isinstance(found, list)
    return found


def test_installed_models_are_found_by_entry_point(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/news.db?synchronous=normal"
    fill(url)
    folder = tmp_path / "site"
    folder.mkdir()
    first, status, again, last, count = discovered(folder, url, "births = births:Births", "births")
    assert (first, last, count) == (3, 3, 3)
    assert [row[0] for row in status] == [*NAMES, "births"]
    assert status[-1] == ["births", 7, 3]
    assert again == status


@pytest.mark.parametrize(
    ("point", "message"),
    [
        (
            "births = births:Deaths",
            "births:Deaths cannot be used: module 'births' has no attribute 'Deaths'",
        ),
        (
            "gone = gone.module:Gone",
            "gone.module:Gone cannot be used: No module named 'gone'",
        ),
        (
            "thief = births:Thief",
            "births:Thief cannot be used: the projection thief wants current, which is taken",
        ),
    ],
)
def test_an_installed_model_that_cannot_be_used_is_told_each_time(
    tmp_path: Path, point: str, message: str
) -> None:
    url = f"sqlite:///{tmp_path}/news.db?synchronous=normal"
    fill(url)
    folder = tmp_path / "site"
    folder.mkdir()
    message = f"the projection {point.split(maxsplit=1)[0]} of {message}"
    # What needs no other models than those of the ledger works.
    assert discovered(folder, url, point) == [3, message, message, 3]
