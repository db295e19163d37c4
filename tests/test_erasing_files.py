"""What was erased is in no file of the store, and nobody who has it open reads it again."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger import EditEntry, Ledger
from ledger.domain.commands import digest_of
from ledger.domain.events import EntryCreated, EntryEdited, Erasure, Event, Meta
from ledger.errors import ProjectionDrifted, StoreBusy
from ledger.store.mapper import EventMapper
from ledger.store.rows import Row, to_microseconds
from ledger.store.schema import schema_version
from tests.erasures import DAY, WHO, Desk, erase, newsroom, public
from tests.histories import answers
from tests.places import views_folder
from tests.projections.desk import generation, projected_anew
from tests.store.recorders import make_schema_1
from tests.stores import Store
from tests.unprivileged import run_unprivileged

DIGEST = bytes(range(200, 216))
CREATED = EntryCreated(
    date=DAY, headline="Marlowe questioned", slug="marlowe", edition="en", language="en"
)

# One of each field, of the correction, and of the reason that somebody gave.
WORDS = ("marlowe", "wexford", "seen-at-pier", "gallows", "tipster")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "desk").mkdir()
    return tmp_path / "desk"


@pytest.fixture
def url(store: Store) -> str:
    return store.with_options(synchronous="normal", timeout="0.2")


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    with newsroom(url) as lent:
        lent.ledger.entries()
        yield lent


def test_the_words_are_in_no_file_of_the_store(desk: Desk, store: Store) -> None:
    assert store.found(WORDS) == {*WORDS}
    erase(desk.ledger, desk.entry, 1, 2, 4, names=True)
    assert store.found(WORDS) == set()
    desk.ledger.search("pilot", all_versions=True)
    desk.ledger.rebuild()
    desk.ledger.create(public(8).date(), "Tide falls", actor="Ann")
    assert store.found(WORDS) == set()
    desk.ledger.close()
    assert store.found(WORDS) == set()
    assert store.generations() == [store.serving()]


def test_the_digest_that_stays_tells_no_name(desk: Desk, store: Store) -> None:
    ledger, entry, *_ = desk
    command = EditEntry(entry=entry, topic="Pilots", actor="Tipster", published_at=public(12))
    ledger.execute([command])
    erase(ledger, entry, 1, 6, text=False, names=True)
    assert store.found(["tipster"]) == set()
    event = ledger.get(entry, version=6).event
    assert event.data.digest == digest_of(replace(command, actor="Anybody", reason="whatever"))
    assert ledger.execute([command]) == [event]


def test_what_older_programs_took_of_a_command_goes_with_its_text(
    store: Store, log: Path, url: str
) -> None:
    mapper, entry = EventMapper(), UUID(int=9)
    said = [("a tip", "Marlowe questioned"), (None, "Pilot questioned")]
    rows = []
    for version, (reason, headline) in enumerate(said, 1):
        command = UUID(int=version)
        meta = Meta(
            actor="Ann", reason=reason, published_at=public(8), command=command, digest=DIGEST
        )
        data = CREATED if version == 1 else EntryEdited(headline=headline, slug="pilot")
        new = mapper.to_row(Event(entry, version, meta, data))
        rows.append(Row(version, *new[:3], to_microseconds(public(9)), *new[3:]))
    make_schema_1(log, rows)
    with Ledger.open(url) as ledger:
        assert ledger.upgrade() == (1, schema_version())
        (before, _) = ledger.history(entry)
        # What was taken otherwise cannot be compared: the command was done all the same.
        again = EditEntry(entry=entry, headline="Anything", actor="Ann", id=UUID(int=2))
        assert ledger.execute([again])[0].version == 2
        erase(ledger, entry, 1)
        event = ledger.history(entry)[0]
        assert event.meta == replace(before.meta, digest=b"")
        assert event.erased == Erasure(3, True, False, ("headline", "slug"), restated=True)
        assert list(ledger.check()) == []
    assert log.read_bytes().count(DIGEST) == 1
    assert store.found(["marlowe"]) == set()


def test_views_that_stood_still_are_not_read_again(desk: Desk, url: str, store: Store) -> None:
    with Ledger.open(url) as other:
        ids = (desk.entry, desk.namesake, desk.tide)
        assert "marlowe" in str(answers(other, ids)).lower()
        other.edit(desk.entry, topic="Pilots", actor="Ann")
        erase(desk.ledger, desk.entry, 1, 2, 4)
        for moment in ({}, {"known_at": 3}, {"as_of": public(9)}):
            told = str(answers(other, ids, **moment)).lower()
            assert not [word for word in WORDS[:4] if word in told]
        told = str([other.history(desk.entry), [*other.events()], other.blame(desk.entry)])
        assert not [word for word in WORDS[:4] if word in told.lower()]
        assert list(other.check()) == []
        assert other.audit.head() == desk.ledger.audit.head()
    assert store.found(WORDS[:4]) == set()


OTHER = """
import sys
from uuid import UUID
from ledger import Ledger
from tests.histories import answers
with Ledger.open(sys.argv[1]) as ledger:
    for _ in sys.stdin:
        print(repr(answers(ledger, [UUID(sys.argv[2])], known_at=3)), flush=True)
"""


def test_another_process_reads_it_no_more(desk: Desk, url: str, store: Store) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, url, str(desk.entry)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        told: list[str] = []
        for is_erased in (False, True):
            if is_erased:
                erase(desk.ledger, desk.entry, 1, 2, 4)
            other.stdin.write("read\n")
            other.stdin.flush()
            told.append(other.stdout.readline().lower())
    assert [word for word in WORDS[:4] if word in told[0]] == ["marlowe", "wexford", *WORDS[2:4]]
    assert [word for word in WORDS[:4] if word in told[1]] == []
    assert "[erased, as event 8 says]" in told[1]
    assert store.found(WORDS[:4]) == set()


KILLED = """
import os, signal, sys
from uuid import UUID
from ledger import Ledger
from ledger.projections.views import Views
with Ledger.open(sys.argv[1]) as ledger:
    cls = {"views": Views, "log": type(ledger.application.log)}[sys.argv[3]]
    cls.purge = lambda self: os.kill(os.getpid(), signal.SIGKILL)
    ledger.erase(
        UUID(sys.argv[2]), [1, 2, 4], "Court of Lee", actor="Dee", reason="ordered",
        names=True, id=UUID(int=77),
    )
"""


def killed(url: str, entry: UUID, before: str) -> None:
    """Erase in a process that is killed before it purges the views, or the log."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, url, str(entry), before],
        # A measurement of coverage would be cut off, too.
        env={name: value for name, value in os.environ.items() if "COVERAGE" not in name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("before", ["views", "log"])
@pytest.mark.parametrize("is_open", [False, True])
def test_an_erasure_that_was_cut_off_is_done_and_can_be_finished(
    desk: Desk, url: str, store: Store, tmp_path: Path, before: str, is_open: bool
) -> None:
    ledger, entry, *_ = desk
    if not is_open:
        ledger.close()
    killed(url, entry, before)
    assert store.found(WORDS) == {*WORDS}
    told = str((answers(ledger, [entry]), answers(ledger, [entry], known_at=3))).lower()
    assert [word for word in WORDS if word in told] == []
    assert "[erased, as event 8 says]" in told
    assert ledger.views.status() == projected_anew(url, tmp_path / "other")
    ledger.purge()
    assert store.found(WORDS) == set()
    ledger.purge()


def test_the_same_command_again_finishes_what_was_cut_off(
    desk: Desk, url: str, store: Store
) -> None:
    killed(url, desk.entry, "views")
    again = desk.ledger.erase(
        desk.entry, [1, 2, 4], "Court of Lee", names=True, id=UUID(int=77), **WHO
    )
    assert (again.event.position, again.plan) == (8, None)
    assert store.found(WORDS) == set()


def test_a_check_tells_views_of_before_an_erasure(desk: Desk, url: str, store: Store) -> None:
    killed(url, desk.entry, "views")
    with pytest.raises(ProjectionDrifted) as caught:
        list(desk.ledger.check())
    assert str(caught.value) == (
        f"the views in {store.views_place} are damaged, of another log, or from before an "
        "erasure: `ledger rebuild` puts them right"
    )
    desk.ledger.rebuild()
    assert list(desk.ledger.check()) == []


def test_a_rebuild_of_one_view_takes_nothing_over_from_before(
    desk: Desk, url: str, store: Store
) -> None:
    killed(url, desk.entry, "views")
    desk.ledger.rebuild(["days"])
    told = str(answers(desk.ledger, [desk.entry], known_at=3)).lower()
    assert [word for word in WORDS if word in told] == []
    desk.ledger.purge()
    assert store.found(WORDS) == set()


def test_a_reader_of_what_was_delays_the_purge_alone(desk: Desk, store: Store, log: Path) -> None:
    ledger, entry, *_ = desk
    with closing(sqlite3.connect(log, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        with pytest.raises(StoreBusy) as caught:
            erase(ledger, entry, 1, 2, 4, names=True)
        assert str(caught.value) == (
            f"it is erased, as event 8 says; but what was erased still lies in {log}-wal, because "
            "another process is reading: "
            "run `ledger purge` once it is done"
        )
        assert ledger.get(entry, version=1).entry.headline == "[erased, as event 8 says]"
    ledger.purge()
    assert store.found(WORDS) == set()


def test_what_a_rebuild_that_was_killed_left_behind_goes(
    desk: Desk, store: Store, log: Path
) -> None:
    serving = generation(log)
    left = serving.with_name("0123456789abcdef.db")
    desk.ledger.views.close()
    shutil.copy(serving, left)
    erase(desk.ledger, desk.entry, 1, 2, 4, names=True)
    assert store.found(WORDS) == set()
    left.write_text("Marlowe")
    desk.ledger.purge()
    assert not left.exists()
    assert generation(log).exists()


def test_views_that_cannot_be_written_are_told(
    desk: Desk, url: str, store: Store, log: Path
) -> None:
    folder = views_folder(log)
    killed(url, desk.entry, "views")
    desk.ledger.close()
    files = [folder, *folder.iterdir()]
    try:
        for file in files:
            file.chmod(file.stat().st_mode & ~0o222)
        done = run_unprivileged([sys.executable, "-m", "ledger", "--store", url, "purge"])
    finally:
        for file in files:
            file.chmod(file.stat().st_mode | 0o200)
    assert (done.returncode, done.stdout) == (43, "")
    assert done.stderr == (
        f"ledger: what was erased may still lie in {folder}, which this user cannot write: "
        "delete that folder, or let somebody run `ledger purge` who may\n"
    )
    desk.ledger.purge()
    assert store.found(WORDS) == set()


def test_an_erasure_that_others_write_beside_is_decided_again(desk: Desk, url: str) -> None:
    ledger, entry, *_ = desk
    with Ledger.open(url) as other, ThreadPoolExecutor(1) as pool:
        writing = pool.submit(
            lambda: [other.create(public(8).date(), f"Tide {n}", actor="Ann") for n in range(40)]
        )
        erase(ledger, entry, 1, 2, 4)
        assert len(writing.result()) == 40
    assert len(ledger.history(entry)) == 7
    assert ledger.get(entry, version=1).event.erased is not None
    assert list(ledger.check()) == []
