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

def five():
    return 5

class Thief(Births):
    name = "thief"
    ddl = ("CREATE TABLE current (entry)",)
    tables = {"current": "entry"}
"""

ASK = """
import json, sys
from ledger import Ledger
from ledger.errors import InvalidInput
url, name = sys.argv[1:]
with Ledger.open(url) as ledger:
    found = {"entries": len(ledger.entries())}
    found["status"] = [[s.name, s.position, s.rows] for s in ledger.views.status()]
    found["again"] = [[s.name, s.position, s.rows] for s in ledger.views.status()]
    found["state"] = [[s.state, s.error] for s in ledger.views.standing() if s.name == name]
    try:
        found["rebuilt"] = [proof.status.rows for proof in ledger.rebuild([name])]
        from births import Births
        found["count"] = ledger.query(Births().count)
    except InvalidInput as error:
        found["refused"] = str(error)
    print(json.dumps(found))
"""


def discovered(folder: Path, url: str, point: str) -> tuple[dict[str, Any], str]:
    """Return what a program answers, and what it warns of, that has an entry point installed."""
    folder.mkdir()
    (folder / "births.py").write_text(MODULE)
    info = folder / "births-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: births\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[ledger.projections]\n{point}\n")
    ran = subprocess.run(
        [sys.executable, "-c", ASK, url, point.split(maxsplit=1)[0]],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found, ran.stderr


def test_installed_models_are_found_by_entry_point(url: str, tmp_path: Path) -> None:
    fill(url)
    found, warnings = discovered(tmp_path / "site", url, "births = births:Births")
    assert [row[0] for row in found["status"]] == [*NAMES, "births"]
    assert found["status"][-1] == ["births", 7, 3]
    assert found["again"] == found["status"]
    assert (found["state"], found["rebuilt"], found["count"]) == ([["running", None]], [3], 3)
    assert (found["entries"], warnings) == (3, "")


@pytest.mark.parametrize(
    ("point", "why"),
    [
        (
            "births = births:Deaths",
            "births:Deaths cannot be used: module 'births' has no attribute 'Deaths'",
        ),
        ("gone = gone.module:Gone", "gone.module:Gone cannot be used: No module named 'gone'"),
        (
            "thief = births:Thief",
            "births:Thief cannot be used: the projection thief wants current, which is taken",
        ),
        ("five = births:five", "births:five cannot be used: 5 is no Projection"),
    ],
)
def test_an_installed_model_that_cannot_be_used_is_told_of_and_the_others_go_on(
    url: str, tmp_path: Path, point: str, why: str
) -> None:
    fill(url)
    found, warnings = discovered(tmp_path / "site", url, point)
    message = f"the projection {point.split(maxsplit=1)[0]} of {why}"
    assert [row[0] for row in found["status"]] == list(NAMES)
    assert found["again"] == found["status"]
    assert (found["state"], found["refused"]) == ([["unknown", why]], message)
    assert (found["entries"], warnings) == (3, f"{message}\n")
