"""The doctor: what it finds of a store, and what it says to do."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from ledger import Ledger
from ledger.copying import copy
from ledger.doctor import examine
from ledger.domain.events import EntryEdited, RecordedEvent
from ledger.errors import NotALedger, StoreNotFound, StoreTooNew, StoreTooOld
from ledger.projections.database import Db
from ledger.projections.projection import handles
from ledger.store import sqlite_checks
from ledger.store.checks import Check
from ledger.store.schema import schema_version
from tests.projections.desk import Fragile
from tests.stores import Store

DAY = date(2021, 3, 4)
GUARDS = (
    "find out who did that; `ledger audit verify` tells whether events were altered; "
    "`ledger copy` into a new store makes the guards anew"
)


@pytest.fixture
def ledger(store: Store) -> Iterator[Ledger]:
    """A ledger of two events."""
    with Ledger.open(store.with_options()) as opened:
        opened.init("harbour.example/news")
        entry = opened.create(DAY, "Ferry", actor="Ann").entry
        opened.edit(entry, headline="Ferry sails", actor="Ben")
        yield opened


def found(ledger: Ledger) -> dict[str, Check]:
    return {check.name: check for check in examine(ledger)}


# Of either kind


def test_nothing_is_wrong_with_a_sound_store(ledger: Ledger) -> None:
    ledger.views.status()
    checks = found(ledger)
    # That a user owns the log is right for a test, and for a small newsroom.
    assert {name for name, check in checks.items() if check.state != "ok"} <= {"rights"}
    assert checks["store"].found.startswith(ledger.application.url.partition("?")[0])
    identity = ledger.application.log.identity()
    assert checks["ledger"].found.startswith(f"harbour.example/news (id {identity.id}), made on 2")
    assert checks["role"] == Check("role", "ok", "takes events; the log ends at position 2")
    assert checks["tables"].found == "tables, indexes and guards are as they should be"
    assert checks["views"].found.startswith("up to date: current, changes, permalinks, days,")
    assert all(not check.advice for name, check in checks.items() if name != "rights")


def test_nothing_is_brought_up_to_date(ledger: Ledger, store: Store) -> None:
    assert found(ledger)["views"].found == "none yet: the first reader makes them"
    assert store.serving() is None
    ledger.views.status()
    ledger.create(DAY, "Tide", actor="Ann")
    for _ in range(2):
        assert found(ledger)["views"] == Check(
            "views",
            "ok",
            "behind the log by 1: current, changes, permalinks, days, contexts, search, activity, "
            "tree",
        )


def test_a_copy_is_told(ledger: Ledger, store: Store) -> None:
    with Ledger.open(store.another().with_options()) as other:
        copy(ledger, other)
        assert found(other)["role"].found == (
            "is a copy, which is only read until `ledger promote`; the log ends at position 2"
        )


def test_a_projection_that_has_stopped_is_to_be_put_right(ledger: Ledger) -> None:
    ledger.register(Fragile())
    ledger.views.status()
    views = [check for check in examine(ledger) if check.name == "views"]
    assert views[0].state == "ok"
    assert views[0].found.startswith("up to date: ")
    assert views[1:] == [
        Check(
            "views",
            "fail",
            "fragile has stopped at event 2: Fragile.edited raised ValueError: too much",
            "once that is mended, `ledger projections retry fragile`",
        )
    ]


def test_one_that_this_program_has_not_is_told_apart(ledger: Ledger) -> None:
    ledger.register(Fragile())
    ledger.views.status()
    with Ledger.open(ledger.application.url) as other:
        other.create(DAY, "Tide", actor="Ann")
        other.entries()
        first, stopped = (check for check in examine(other) if check.name == "views")
    assert first.found.startswith("up to date: current, ")
    assert stopped.advice == (
        "once that is mended, `ledger.views.retry(['fragile'])` in the program that registers it"
    )


def test_those_that_are_behind_are_named(ledger: Ledger) -> None:
    class Late(Fragile):
        name = "late"

        @handles(EntryEdited)
        def edited(self, event: RecordedEvent, db: Db) -> None:
            pass

    ledger.register(Late())
    ledger.views.status()
    with Ledger.open(ledger.application.url) as other:
        other.create(DAY, "Tide", actor="Ann")
        other.views.status()
        assert found(other)["views"].found == (
            "up to date: current, changes, permalinks, days, contexts, search, activity, tree; "
            "behind the log by 1: late"
        )


def test_a_table_that_is_gone_is_told(ledger: Ledger, store: Store) -> None:
    ledger.views.status()
    with store.views() as db:
        db.execute("DROP TABLE changes")
    check = found(ledger)["views"]
    assert (check.state, check.found) == ("warn", "damaged")


def test_views_of_what_was_then_are_told(ledger: Ledger, store: Store) -> None:
    ledger.views.status()
    with store.log() as db:
        db.execute("UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 2")
    assert found(ledger)["views"] == Check(
        "views",
        "warn",
        "of another log, or from before an erasure",
        "the next reader makes them anew, which takes as long as a rebuild",
    )


def test_there_is_no_store(store: Store) -> None:
    with Ledger.open(store.url) as nobody:
        checks = examine(nobody)
        first = next(checks)
        assert (first.name, first.state) == ("store", "fail")
        assert "there is no ledger" in first.found
        with pytest.raises(StoreNotFound) as caught:
            next(checks)
        assert " ".join(str(caught.value).split()) == first.found


# On SQLite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "news.db"


@pytest.fixture
def file(path: Path) -> Iterator[Ledger]:
    """A ledger of one event."""
    with Ledger.open(f"sqlite:///{path}") as opened:
        opened.create(DAY, "Ferry", actor="Ann")
        yield opened


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement)


def test_what_sqlite_is_asked(file: Ledger, path: Path) -> None:
    checks = found(file)
    assert list(checks) == [
        *("store", "ledger", "role", "version", "schema", "journal", "durability", "clock"),
        *("disk", "permissions", "tables", "views"),
    ]
    assert checks["version"].found == f"SQLite {sqlite3.sqlite_version}; needed is 3.37.0"
    assert checks["schema"].found == f"log schema {schema_version()}"
    assert checks["journal"].found == "journal mode wal"
    assert checks["durability"].found == "synchronous=full"
    assert checks["clock"].found == "not behind the last event"


def test_a_guard_that_is_missing_is_to_be_put_right(file: Ledger, path: Path) -> None:
    change(path, "DROP TRIGGER events_are_never_deleted")
    missing = (
        "the trigger events_are_never_deleted of the ledger's own is missing from the database"
    )
    assert found(file)["tables"] == Check("tables", "fail", missing, GUARDS)


def test_a_guard_of_somebody_elses_is_to_be_put_right(file: Ledger, path: Path) -> None:
    change(path, "CREATE TRIGGER late AFTER INSERT ON events BEGIN SELECT 1; END")
    wrong = "the trigger late of the database is not the ledger's own"
    assert found(file)["tables"] == Check("tables", "fail", wrong, GUARDS)


def test_less_durability_is_warned_of(file: Ledger, path: Path) -> None:
    with Ledger.open(f"sqlite:///{path}?synchronous=normal") as fast:
        check = found(fast)["durability"]
    assert (check.state, check.found) == ("warn", "synchronous=normal")
    file.close()
    change(path, "PRAGMA journal_mode = DELETE")
    check = found(file)["journal"]
    assert (check.state, check.found) == ("warn", "journal mode delete")


def test_a_clock_that_is_behind_is_warned_of(file: Ledger) -> None:
    head = file.application.log.head().recorded_at
    for behind, state in ((0, "ok"), (1_000_000, "ok"), (90_000_000, "warn")):
        checks = {c.name: c for c in examine(file, lambda at=head - behind: at)}  # type: ignore[misc]
        assert checks["clock"].state == state
    assert checks["clock"].found == "0:01:30 behind the last event"


def test_what_others_may_write_is_warned_of(file: Ledger, path: Path) -> None:
    path.chmod(0o666)
    check = found(file)["permissions"]
    assert check == Check(
        "permissions",
        "warn",
        f"this user may write it; every user may write {path}",
        "take that right away: `chmod o-w`",
    )
    path.parent.chmod(0o777)
    assert found(file)["permissions"].found.endswith(f"may write {path} and {path.parent}")
    # Where only the owner of a file may remove it, as in /tmp, nothing is lost.
    path.chmod(0o644)
    path.parent.chmod(0o1777)
    assert found(file)["permissions"].state == "ok"


def test_a_disk_that_is_nearly_full_is_warned_of(
    file: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=63 * 1024**2))
    check = found(file)["disk"]
    assert (check.state, check.found[:14]) == ("warn", "66.1 MB free, ")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=64 * 1024**2))
    assert found(file)["disk"].state == "ok"


def test_an_old_library_is_to_be_put_right(file: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_checks, "NEEDED", (99, 1, 0))
    check = found(file)["version"]
    assert check.state == "fail"
    assert check.found == f"SQLite {sqlite3.sqlite_version}; needed is 99.1.0"


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("PRAGMA user_version = 99", StoreTooNew),
        ("PRAGMA user_version = 1", StoreTooOld),
        ("PRAGMA application_id = 7", NotALedger),
    ],
)
def test_what_cannot_be_opened_is_told_first(
    file: Ledger, path: Path, statement: str, error: type[Exception]
) -> None:
    file.close()
    change(path, statement)
    checks = examine(file)
    assert next(checks).state == "fail"
    with pytest.raises(error):
        next(checks)


def test_damaged_views_are_told(file: Ledger, path: Path) -> None:
    file.views.status()
    file.close()
    folder = path.with_name("news.db-views")
    (folder / (folder / "current").read_text().strip()).write_bytes(b"no views" * 1000)
    check = found(file)["views"]
    assert (check.state, check.found) == ("warn", "damaged")
