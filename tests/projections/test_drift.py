"""Drift: rows that a serving read model holds otherwise than the log gives are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from ledger import Ledger
from ledger.domain.events import RecordedEvent
from ledger.projections.records import Drift
from ledger.store.rows import to_microseconds
from tests.projections.desk import DAY, NAMES, digests, fill
from tests.stores import Store


@pytest.fixture
def ids(url: str) -> list[UUID]:
    """The entries of the 7 events of `fill`, which the views know."""
    found = fill(url)
    digests(url)
    return found


@pytest.fixture
def ledger(url: str, ids: list[UUID]) -> Iterator[Ledger]:
    with Ledger.open(url) as ledger:
        yield ledger


def change(store: Store, *statements: str) -> None:
    with store.views() as db:
        for statement in statements:
            assert db.execute(statement).rowcount == 1, statement


def change_row(event: RecordedEvent, *, actor: str) -> list[object]:
    """Return the row of the changes that the fourth event of `fill` makes."""
    published_at = to_microseconds(event.meta.published_at)
    return [
        *(event.entry.hex, 2, 4, "EntryEdited", published_at, published_at, "stated"),
        *(to_microseconds(event.recorded_at), actor, "it stopped", 0, "headline slug"),
        *("Ferry stops", None),
    ]


def test_a_changed_row_is_named_as_it_is_and_as_it_should_be(ledger: Ledger, store: Store) -> None:
    assert list(ledger.check()) == []
    change(store, "UPDATE changes SET actor = 'Eve' WHERE position = 4")
    (event,) = ledger.events(3, 4)
    assert list(ledger.check()) == [
        Drift("changes", "changes", "missing", change_row(event, actor="Ben")),
        Drift("changes", "changes", "surplus", change_row(event, actor="Eve")),
    ]


def test_a_deleted_row_is_named(ledger: Ledger, store: Store) -> None:
    change(store, "DELETE FROM changes WHERE position = 4")
    (event,) = ledger.events(3, 4)
    assert list(ledger.check()) == [
        Drift("changes", "changes", "missing", change_row(event, actor="Ben"))
    ]


def test_an_added_row_is_named(ledger: Ledger, store: Store) -> None:
    change(store, "INSERT INTO contexts VALUES ('Smuggling', x'00ff', 1, NULL)")
    assert list(ledger.check()) == [
        Drift("contexts", "contexts", "surplus", ["Smuggling", "00ff", 1, None])
    ]


@pytest.mark.parametrize(
    ("statement", "name", "table", "kinds"),
    [
        (
            "DELETE FROM current WHERE entry = (SELECT min(entry) FROM current)",
            "current",
            "current",
            ["missing"],
        ),
        (
            "UPDATE permalinks SET path = '/news/2021/03/4/x' WHERE path LIKE '%-2'",
            "permalinks",
            "permalinks",
            ["missing", "surplus"],
        ),
        (
            "UPDATE days SET status = 'active' WHERE status = 'retracted'",
            "days",
            "days",
            ["missing", "surplus"],
        ),
        ("DELETE FROM documents WHERE position = 2", "search", "documents", ["missing"]),
        (
            "UPDATE texts SET headline = 'Tide falls' WHERE headline = 'Tide rises'",
            "search",
            "texts",
            ["missing", "surplus"],
        ),
        ("DELETE FROM flips", "activity", "flips", ["missing"]),
        (
            "UPDATE edits SET minor = 0 WHERE kind = 'actor' AND key = 'Ben'",
            "activity",
            "edits",
            ["missing", "surplus"],
        ),
        (
            "UPDATE last_values SET digests = x'' WHERE headline = 'Tide rises'",
            "activity",
            "last_values",
            ["missing", "surplus"],
        ),
    ],
)
def test_drift_is_found_in_every_read_model_and_healed_by_a_rebuild(
    ledger: Ledger, store: Store, statement: str, name: str, table: str, kinds: list[str]
) -> None:
    before = ledger.views.status()
    change(store, statement)
    found = list(ledger.check())
    assert sorted(drift.kind for drift in found) == kinds
    assert {(drift.name, drift.table) for drift in found} == {(name, table)}
    # Those that were not asked for are not looked at.
    assert list(ledger.check((name,))) == found
    assert list(ledger.check([other for other in NAMES if other != name])) == []
    assert [(p.status, p.same) for p in ledger.rebuild()] == [
        (status, status.name != name) for status in before
    ]
    assert list(ledger.check()) == []


def test_words_that_the_index_has_lost_are_found(ledger: Ledger, store: Store) -> None:
    assert len(ledger.search("rises")) == 1
    with store.views() as db:
        if store.kind == "postgres":
            db.execute("UPDATE words SET headline = '' WHERE rowid = 3")
        else:
            db.execute(
                "INSERT INTO words (words, rowid, headline, topic, summary, sources) "
                "VALUES ('delete', 3, 'tide rises', '', '', '')"
            )
    assert ledger.search("rises") == []
    found = list(ledger.check())
    assert [(drift.name, drift.kind) for drift in found] == [("search", "missing")] * 2
    assert [drift.row[0] for drift in found] == ["rises", "tide"]
    ledger.rebuild(("search",))
    assert len(ledger.search("rises")) == 1
    assert list(ledger.check()) == []


def test_many_rows_are_named_in_order(ledger: Ledger, store: Store, ids: list[UUID]) -> None:
    change(
        store,
        f"UPDATE current SET body = x'01' WHERE entry = x'{ids[2].hex}'",
        "DELETE FROM contexts WHERE context = 'Ferries'",
        "INSERT INTO contexts VALUES ('Aerial', x'00', 1, NULL)",
        "INSERT INTO contexts VALUES ('Ferries', x'00', 1, NULL)",
        "INSERT INTO contexts VALUES ('Ferries', x'ff', 1, 3)",
        "DELETE FROM flips",
    )
    found = [(d.name, d.table, d.kind, d.row[:2]) for d in ledger.check()]
    assert {row[:3] for row in found[:2]} == {
        ("current", "current", "missing"),
        ("current", "current", "surplus"),
    }
    assert found[2:] == [
        ("contexts", "contexts", "surplus", ["Aerial", "00"]),
        ("contexts", "contexts", "surplus", ["Ferries", "00"]),
        ("contexts", "contexts", "missing", ["Ferries", ids[0].hex]),
        ("contexts", "contexts", "surplus", ["Ferries", "ff"]),
        ("activity", "flips", "missing", [ids[0].hex, 3]),
    ]


def content(store: Store) -> object:
    """Return what is in the store, byte by byte where it lies in files."""
    with store.views() as views, store.log() as log:
        tables = [
            row
            for (name,) in views.execute("SELECT tables FROM projections").fetchall()
            for table in name.split()
            for row in sorted(map(repr, views.execute(f"SELECT * FROM {table}").fetchall()))
        ]
        return store.generations(), tables, log.execute("SELECT * FROM events").fetchall()


@pytest.mark.parametrize("names", [(), ("contexts",)])
def test_a_check_changes_nothing(
    url: str,
    store: Store,
    ids: list[UUID],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[str, ...],
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    change(store, "DELETE FROM contexts WHERE context = 'Ferries'")
    before, status = content(store), digests(url)
    told: list[tuple[int, int]] = []
    with Ledger.open(url) as ledger:
        found = ledger.check(names, lambda reached, aim: told.append((reached, aim)))
        assert [drift.kind for drift in found] == ["missing"]
        # Left in the middle, it leaves nothing behind either.
        assert next(ledger.check(names)).row[0] == "Ferries"
    assert set(told) == {(7, 7)}
    assert content(store) == before
    assert digests(url) == status
    assert list(elsewhere.iterdir()) == []


def test_a_check_looks_at_one_moment_while_others_write(
    ledger: Ledger, url: str, store: Store
) -> None:
    change(store, "UPDATE silent_edits SET new = 'x' WHERE position = 4")
    with Ledger.open(url) as other:

        def write(reached: int, aim: int) -> None:
            assert aim == 7
            other.create(DAY, f"Crane {reached} falls", actor="Cy")
            assert len(other.entries()) == 4
            assert len(ledger.entries()) == 4

        found = list(ledger.check((), write))
    assert [(drift.table, drift.kind) for drift in found] == [
        ("silent_edits", "missing"),
        ("silent_edits", "surplus"),
    ]
    assert {status.position for status in ledger.views.status()} == {8}
    serving = store.serving()
    assert len(list(ledger.check())) == 2
    assert store.serving() == serving
