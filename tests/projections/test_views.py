"""Views: always up to date, never of another log, and ours where a newer program is at work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import pytest

from ledger import Ledger
from ledger.errors import StoreTooNew
from ledger.projections.current import Current
from ledger.projections.place import Place
from ledger.projections.places import place_of
from ledger.projections.projection import Projection
from ledger.projections.records import RebuildProof, ViewStatus
from ledger.projections.registry import BUILT_IN
from ledger.projections.sqlite.place import FilePlace
from ledger.projections.views import Views
from tests.projections.desk import (
    DAY,
    NAMES,
    add,
    digests,
    fill,
    one_generation,
    positions,
    projected_anew,
)
from tests.stores import Store


def paths(ledger: Ledger) -> set[str]:
    return {listed.path.removeprefix("/news/2021/03/4/") for listed in ledger.entries()}


def test_a_process_sees_its_own_writes(url: str) -> None:
    with Ledger.open(url) as ledger:
        entry = ledger.create(DAY, "Ferry resumes", actor="Ann").entry
        assert paths(ledger) == {"ferry-resumes"}
        ledger.edit(entry, headline="Ferry stops", actor="Ann")
        assert ledger.get(entry).entry.headline == "Ferry stops"
        assert paths(ledger) == {"ferry-stops"}


def test_views_follow_other_writers(url: str) -> None:
    fill(url)
    with Ledger.open(url) as reader, Ledger.open(url) as writer:
        assert paths(reader) == {"ferry-resumes", "ferry-resumes-2", "tide-rises"}
        assert paths(writer) == paths(reader)
        writer.create(DAY, "Crane falls", actor="Cy")
        assert "crane-falls" in paths(reader)
        script = (
            "import sys, datetime; from ledger import Ledger\n"
            "with Ledger.open(sys.argv[1]) as ledger:\n"
            "    ledger.create(datetime.date(2021, 3, 4), 'Quay floods', actor='Di')\n"
        )
        subprocess.run([sys.executable, "-c", script, url], check=True)
        assert "quay-floods" in paths(reader)
        assert {status.position for status in writer.views.status()} == {9}


def test_reading_nothing_new_leaves_the_views_alone(url: str, store: Store) -> None:
    fill(url)
    first = digests(url)
    serving = store.serving()
    assert digests(url) == first
    assert store.serving() == serving


def test_status_tells_name_schema_position_and_rows(url: str) -> None:
    fill(url)
    assert [(s.name, s.schema, s.position, s.rows) for s in digests(url)] == [
        ("current", 3, 7, 3),
        ("changes", 3, 7, 7),
        ("permalinks", 2, 7, 5),
        ("days", 1, 7, 4),
        ("contexts", 2, 7, 4),
        # 5 documents, 3 texts
        ("search", 2, 7, 8),
        # edits: 1 day, 2 actors, 2 entries, 3 fields; 3 last values; 1 flip; 2 silent edits
        ("activity", 2, 7, 14),
        ("tree", 1, 7, 7),
    ]
    assert len({status.digest for status in digests(url)}) == 8


def test_a_digest_is_the_sum_of_the_rows_hashes(url: str) -> None:
    contexts = ("A", "B", "C", "D", "E", "F")
    with Ledger.open(url) as ledger:
        entry = ledger.create(DAY, "Tide", actor="Ann", contexts=contexts, id=UUID(int=5)).entry
        (status,) = (s for s in ledger.views.status() if s.name == "contexts")
    rows = [
        # MessagePack: an array of the table's name and the columns, since and until at the end.
        b"\x95\xa8contexts\xa1" + context.encode() + b"\xc4\x10" + entry.bytes + b"\x01\xc0"
        for context in contexts
    ]
    total = sum(int.from_bytes(sha256(row).digest(), "big") for row in rows)
    assert total > 2**256
    assert (status.rows, status.digest) == (6, f"{total % 2**256:064x}")
    assert int(status.digest, 16) > 2**255


@pytest.mark.parametrize("batch", [1, 7, 5000])
def test_batches_of_any_size_give_the_same_digests(url: str, tmp_path: Path, batch: int) -> None:
    ids = fill(url)
    with Ledger.open(url) as ledger:
        for number in range(12):
            ledger.edit(ids[0], headline=f"Ferry {number % 5}", actor="Ann")
            ledger.edit(ids[2], contexts=(f"C{number % 4}", "Harbour"), actor="Ann")
    assert projected_anew(url, tmp_path / "other", batch) == digests(url)


def test_a_rebuild_swaps_and_leaves_one_generation(url: str, store: Store) -> None:
    fill(url)
    told: list[tuple[int, int]] = []
    with Ledger.open(url) as ledger, Ledger.open(url) as other:
        before = ledger.views.status()
        assert other.views.status() == before
        old = store.serving()
        proofs = ledger.rebuild(progress=lambda reached, aim: told.append((reached, aim)))
        assert proofs == tuple(RebuildProof(status, True) for status in before)
        assert set(told) == {(7, 7)}
        assert store.serving() != old
        assert other.views.status() == before
    assert one_generation(store)


def test_a_rebuild_tells_how_far_it_is(url: str, tmp_path: Path) -> None:
    fill(url)
    told: list[tuple[int, int]] = []
    with Ledger.open(url) as ledger:
        views = Views(ledger.application, FilePlace(tmp_path / "other"), batch=3)
        views.rebuild(progress=lambda reached, aim: told.append((reached, aim)))
        views.close()
    assert [step for step, _ in groupby(told)] == [(3, 7), (6, 7), (7, 7)]


def test_generations_left_half_made_are_cleared_away(url: str, store: Store) -> None:
    fill(url)
    digests(url)
    store.leave_half_made()
    assert not one_generation(store)
    with Ledger.open(url) as ledger:
        ledger.rebuild()
    assert one_generation(store)


# A log that is not the one the views were made of


@pytest.mark.parametrize("later", [(), ("Other a",), ("Other a", "Other b"), tuple("abcdef")])
def test_a_log_restored_to_an_older_copy_is_read_right(
    url: str, store: Store, tmp_path: Path, later: tuple[str, ...]
) -> None:
    """Fewer events than the views know, then as many, then more."""
    fill(url)
    restore = store.keep()
    add(url, "Crane falls", "Quay floods")
    digests(url)
    stale = store.serving()
    restore()
    if later:
        add(url, *later)
    with Ledger.open(url) as ledger:
        slugs = {headline.lower().replace(" ", "-") for headline in later}
        assert paths(ledger) == {"ferry-resumes", "ferry-resumes-2", "tide-rises"} | slugs
    assert store.serving() != stale
    assert digests(url) == projected_anew(url, tmp_path / "other")


def test_a_log_restored_under_open_views_is_read_right(
    url: str, store: Store, tmp_path: Path
) -> None:
    fill(url)
    restore = store.keep()
    add(url, "Crane falls", "Quay floods")
    with Ledger.open(url) as ledger:
        assert len(paths(ledger)) == 5
        ledger.application.close()
        restore()
        assert paths(ledger) == {"ferry-resumes", "ferry-resumes-2", "tide-rises"}
    assert digests(url) == projected_anew(url, tmp_path / "other")


def test_another_ledger_in_the_same_place_is_read_right(url: str, store: Store) -> None:
    fill(url)
    digests(url)
    store.delete()
    with Ledger.open(url) as ledger:
        ledger.init()
        assert ledger.entries() == []
    store.delete()
    add(url, *(f"N{number}" for number in range(7)))
    with Ledger.open(url) as ledger:
        assert paths(ledger) == {f"n{number}" for number in range(7)}


# Read models that change


class Grown(Current):
    """What a later program makes of the current versions."""

    schema = 4
    ddl = (
        """
        CREATE TABLE current (
            entry BLOB PRIMARY KEY, body BLOB NOT NULL, type TEXT, event BLOB,
            size INTEGER DEFAULT 1
        ) STRICT
        """,
    )
    tables: ClassVar[dict[str, str]] = {"current": "entry, body, size"}


LATER: tuple[Projection, ...] = (Grown(), *BUILT_IN[1:])


def status_of(url: str, place: Place, models: Sequence[Projection]) -> tuple[ViewStatus, ...]:
    """Return what a program says that has these read models."""
    with (
        Ledger.open(url) as ledger,
        closing(Views(ledger.application, place, models)) as views,
    ):
        return views.status()


def test_a_read_model_of_a_changed_schema_is_projected_anew_alone(
    url: str, store: Store, tmp_path: Path
) -> None:
    fill(url)
    before, right = digests(url), status_of(url, FilePlace(tmp_path / "other"), LATER)
    old = store.serving()
    with store.views() as db:
        db.execute("UPDATE silent_edits SET actor = 'Eve'")
        db.execute("UPDATE current SET body = x''")
    marked = digests(url)
    assert [a.name for a, b in zip(before, marked, strict=True) if a != b] == [
        "current",
        "activity",
    ]
    after = status_of(url, place_of(url), LATER)
    assert (after[0].name, after[0].schema, after[0].rows) == ("current", 4, 3)
    assert after == (right[0], *marked[1:])
    assert after[0].digest != before[0].digest
    assert store.serving() != old
    assert one_generation(store)
    # And that is that: the next one finds it done.
    new = store.serving()
    assert status_of(url, place_of(url), LATER) == after
    assert store.serving() == new


def test_a_program_with_fewer_read_models_leaves_the_others_be(url: str, store: Store) -> None:
    fill(url)
    before = digests(url)
    serving = store.serving()
    assert status_of(url, place_of(url), BUILT_IN[:2]) == before[:2]
    add(url, "Crane falls")
    assert [s.position for s in status_of(url, place_of(url), BUILT_IN[:2])] == [8, 8]
    assert positions(store) == dict.fromkeys(NAMES, 7) | {"current": 8, "changes": 8}
    assert [s.position for s in digests(url)] == [8] * 8
    assert store.serving() == serving


def test_a_newer_schema_is_left_alone_and_ours_is_projected_elsewhere(
    url: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    ids = fill(url)
    before = digests(url)
    newer = status_of(url, place_of(url), LATER)
    serving = store.serving()
    with Ledger.open(url) as ledger:
        assert ledger.get(ids[0]).entry.headline == "Ferry resumes"
        ledger.create(DAY, "Crane falls", actor="Cy")
        assert "crane-falls" in paths(ledger)
        assert len(list(elsewhere.iterdir())) == 1
    assert list(elsewhere.iterdir()) == []
    assert store.serving() == serving
    assert positions(store) == dict.fromkeys(NAMES, 7)
    with store.views() as db:
        assert db.execute("SELECT count(size) FROM current").fetchone() == (3,)
    assert [status.schema for status in digests(url)] == [3, 3, 2, 1, 2, 2, 2, 1]
    assert [status.schema for status in newer] == [4, 3, 2, 1, 2, 2, 2, 1]
    assert [status.schema for status in before] == [3, 3, 2, 1, 2, 2, 2, 1]


@pytest.mark.parametrize("names", [(), ("current",), ("days", "current")])
def test_a_rebuild_leaves_a_newer_schema_alone_too(
    url: str, store: Store, names: tuple[str, ...]
) -> None:
    fill(url)
    newer = status_of(url, place_of(url), LATER)
    serving = store.serving()
    with Ledger.open(url) as ledger:
        with pytest.raises(StoreTooNew) as caught:
            ledger.rebuild(names)
        assert str(caught.value) == (
            f"the views in {store.views_place} are of a newer program: their current is not of "
            f"schema 3; rebuild them with that program, or {store.disposal} to have them made "
            "anew by this one"
        )
        assert len(ledger.entries()) == 3
    assert store.serving() == serving
    assert status_of(url, place_of(url), LATER) == newer


def test_others_are_rebuilt_beside_a_newer_schema(url: str, store: Store) -> None:
    fill(url)
    right = digests(url)
    newer = status_of(url, place_of(url), LATER)
    with store.views() as db:
        db.execute("DELETE FROM days")
    with Ledger.open(url) as ledger:
        assert ledger.rebuild(("days",)) == (RebuildProof(right[3], False),)
    assert status_of(url, place_of(url), LATER) == newer
