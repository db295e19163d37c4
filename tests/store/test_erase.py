"""Erasing from the log: all or nothing, with the same leaves as before, and out of the files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
from eventsourcing.persistence import IntegrityError
from msgspec.structs import replace

from ledger.audit.merkle import Peaks
from ledger.domain.erasure import notice, slot
from ledger.domain.events import (
    EntryCreated,
    EntryEdited,
    EntryErased,
    EntryRestated,
    Erasure,
    EventData,
    Meta,
    Remains,
)
from ledger.errors import StoreBusy, StoreNotFound, StoreTooOld, UndecodableEvent
from ledger.store.application import LedgerApplication
from ledger.store.erasures import blanked
from ledger.store.leaf import Digest, digest_of, leaf_hash
from ledger.store.mapper import EventMapper
from ledger.store.rows import Blank, Head, NewRow
from ledger.store.schema import schema_version
from tests.store.recorders import Make, make_schema_1
from tests.store.test_guards import CHANGED, everything
from tests.store.test_mapper import CREATED, ENTRY, at_position, event

MAPPER = EventMapper()
SECRET = b"A lock opens"
FILED = EntryEdited(date=CREATED.date, edition="en", language="en")
REMAINS = Remains(version=1, stays=FILED, gone=("headline", "slug"))


def row(data: EventData, version: int) -> NewRow:
    return MAPPER.to_row(event(data, version))


@pytest.fixture
def application(path: Path) -> Iterator[LedgerApplication]:
    """A log of another entry's event and two of ours."""
    opened = LedgerApplication(f"sqlite:///{path}?timeout=0.1")
    opened.log.append(
        [row(CREATED, 1)._replace(entry=b"o" * 16), row(CREATED, 1), row(CREATED, 2)]
    )
    yield opened
    opened.close()


def erase(
    application: LedgerApplication, *blanks: Blank, remains: tuple[Remains, ...] = (REMAINS,)
) -> None:
    """Erase blobs of our entry, whose version comes to be two more."""
    rows = application.log.read_entry(ENTRY.bytes)
    by_position = {row.position: row for row in rows}
    lines = tuple(
        blanked(b.position, b.blob, digest_of(getattr(by_position[b.position], b.blob)))
        for b in blanks
    )
    application.log.erase(
        [
            row(EntryErased(authority="Court", blanked=lines), len(rows) + 1),
            row(EntryRestated(versions=remains), len(rows) + 2),
        ],
        blanks,
        application.log.head().position,
    )


CONTENT, META = Blank(2, "content"), Blank(2, "meta")


# All or nothing


def test_an_erasure_is_recorded_and_done(make: Make) -> None:
    recorder = make()
    recorder.append([row(CREATED, 1)])
    assert recorder.last_erasure() == 0
    rows = [row(EntryErased(authority="Court", blanked=("@1 content 00",)), 2), row(CREATED, 3)]
    appended = recorder.erase(rows, [Blank(1, "content")], 1)
    assert appended.first == 2
    assert recorder.head() == Head(3, appended.recorded_at)
    assert [(one.content, one.meta == b"") for one in recorder.read(0, 1)] == [(b"", False)]
    assert recorder.last_erasure() == 2


@pytest.mark.parametrize(
    ("blanks", "head", "message"),
    [
        ([CONTENT], 2, "ledger: the log has moved on"),
        ([CONTENT], 4, "ledger: the log has moved on"),
        ([CONTENT, META], 3, CHANGED),
        ([Blank(3, "content")], 3, CHANGED),
        ([CONTENT, Blank(1, "content")], 3, CHANGED),
    ],
)
def test_nothing_is_erased_where_one_thing_is_refused(
    application: LedgerApplication, path: Path, blanks: list[Blank], head: int, message: str
) -> None:
    before = everything(path)
    named = row(EntryErased(authority="Court", blanked=(blanked(2, "content", "00"),)), 3)
    with pytest.raises(IntegrityError) as caught:
        application.log.erase([named], blanks, head)
    assert str(caught.value) == message
    assert everything(path) == before
    assert application.log.last_erasure() == 0


def test_nothing_is_erased_where_the_erasure_itself_is_refused(
    application: LedgerApplication, path: Path
) -> None:
    before = everything(path)
    twice = row(EntryErased(authority="Court", blanked=(blanked(2, "content", "00"),)), 2)
    with pytest.raises(IntegrityError):
        application.log.erase([twice], [CONTENT], 3)
    assert everything(path) == before


def test_where_there_is_no_ledger_nothing_is_made(make: Make, tmp_path: Path) -> None:
    recorder = make(create=False)
    with pytest.raises(StoreNotFound):
        recorder.erase([], [], 0)
    with pytest.raises(StoreNotFound):
        recorder.purge()
    with pytest.raises(StoreNotFound):
        recorder.last_erasure()
    assert list(tmp_path.iterdir()) == []


def test_a_copy_blanks_what_its_new_events_name(
    application: LedgerApplication, make: Make, path: Path
) -> None:
    copy = make(at=path.with_name("copy.db"))
    copy.load(application.log.read(0, 3))
    erase(application, CONTENT)
    rows = application.log.read(3, 10)
    with pytest.raises(IntegrityError) as caught:
        copy.load(rows, [CONTENT, Blank(9, "content")])
    assert str(caught.value) == "ledger: there is no event 9 to blank"
    assert copy.head().position == 3
    assert copy.read(1, 1)[0].content != b""
    copy.load(rows, [CONTENT])
    assert copy.read(0, 10) == application.log.read(0, 10)


# How it reads


def test_leaves_and_tree_are_the_same_before_and_after(application: LedgerApplication) -> None:
    leaves = [leaf_hash(one) for one in application.rows(0, 10)]
    whole = application.log.read(0, 10)
    erase(application, CONTENT, META, Blank(3, "content"))
    rows = application.rows(0, 10)
    assert [leaf_hash(one) for one in rows][:3] == leaves
    assert application.rows_of(ENTRY) == rows[1:]
    peaks, then = Peaks(), Peaks()
    for old, new in zip(whole, rows, strict=False):
        then.add(leaf_hash(old))
        peaks.add(leaf_hash(new))
    assert peaks.root() == then.root()
    assert [(type(one.meta), type(one.content)) for one in rows] == [
        (bytes, bytes),
        (Digest, Digest),
        (bytes, Digest),
        (bytes, bytes),
        (bytes, bytes),
    ]


@pytest.mark.parametrize("blank", [CONTENT, META])
def test_what_remains_is_read_with_notices(application: LedgerApplication, blank: Blank) -> None:
    (before, *_) = application.history(ENTRY)
    nameless = Meta(
        actor="[erased]", published_at=before.meta.published_at, command=before.meta.command
    )
    erase(application, blank, remains=(replace(REMAINS, meta=nameless),))
    found = application.history(ENTRY)[0]
    if blank is META:
        assert (found.meta, found.data) == (nameless, CREATED)
        assert found.erased == Erasure(4, text=False, names=True, restated=True)
    else:
        assert found.meta == before.meta
        assert found.data == EntryCreated(
            date=CREATED.date, headline=notice(4), slug=slot(2), edition="en", language="en"
        )
        assert found.erased == Erasure(4, text=True, names=False, fields=("headline", "slug"))
    assert [*application.read()][1] == [*application.read(reverse=True)][-2] == found


def test_who_is_told_anew_by_name_is_not_erased(application: LedgerApplication) -> None:
    (before, *_) = application.history(ENTRY)
    erase(application, META, remains=(Remains(version=1, meta=before.meta),))
    found = application.history(ENTRY)[0]
    assert (found.meta, found.data) == (before.meta, before.data)
    assert found.erased == Erasure(4, text=False, names=False, restated=True)


def test_a_restatement_counts_behind_its_erasure_alone(application: LedgerApplication) -> None:
    erase(application, CONTENT)
    before = application.history(ENTRY)[0]
    alone = EntryRestated(versions=(replace(REMAINS, gone=("slug",)),))
    application.log.append([row(alone, 5)])
    assert application.history(ENTRY)[0] == before


def test_a_blank_that_no_erasure_names_cannot_be_read(
    application: LedgerApplication, path: Path
) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TRIGGER events_are_never_changed")
        db.execute("UPDATE events SET content = x'' WHERE position = 2")
    with pytest.raises(UndecodableEvent) as caught:
        application.history(ENTRY)
    assert str(caught.value) == "position 2: its content is gone, and no erasure says why"
    assert caught.value.position == 2


NOTHING_REMAINS = "position 2: it was erased, as event 4 says, and nothing says what remains of it"


@pytest.mark.parametrize(
    ("blank", "remains"),
    [
        (CONTENT, ()),
        (META, ()),
        # What remains is of the other blob, or of another version.
        (META, (REMAINS,)),
        (CONTENT, (replace(REMAINS, version=2),)),
    ],
)
def test_an_erased_event_of_which_nothing_remains_cannot_be_read(
    application: LedgerApplication, blank: Blank, remains: tuple[Remains, ...]
) -> None:
    erase(application, blank, remains=remains)
    with pytest.raises(UndecodableEvent) as caught:
        application.history(ENTRY)
    assert str(caught.value) == NOTHING_REMAINS


def test_remains_that_lack_what_every_entry_has_cannot_be_read(
    application: LedgerApplication,
) -> None:
    erase(application, CONTENT, remains=(Remains(version=1, gone=("headline", "slug")),))
    with pytest.raises(UndecodableEvent) as caught:
        application.history(ENTRY)
    assert str(caught.value) == NOTHING_REMAINS
    assert caught.value.position == 2


# Out of the file


def files(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


def test_a_purge_leaves_nothing_of_it_in_any_file(path: Path, make: Make) -> None:
    recorder = make()
    # Many and long enough for pages to be split, and for texts to lie in pages of their own.
    for number in range(60):
        texts = [b"%s %d " % (SECRET, number * 5 + n) * (1 + n * 100) for n in range(5)]
        versions = range(number * 5 + 1, number * 5 + 6)
        recorder.append(
            [
                NewRow(ENTRY.bytes, version, "EntryEdited@1", b"m", text)
                for version, text in zip(versions, texts, strict=True)
            ]
        )
    lines = tuple(blanked(position, "content", "00" * 32) for position in range(1, 301))
    named = row(EntryErased(authority="Court", blanked=lines), 301)
    assert SECRET in files(path)
    recorder.erase([named], [Blank(position, "content") for position in range(1, 301)], 300)
    recorder.purge()
    assert SECRET not in files(path)
    assert {one.content for one in recorder.read(0, 300)} == {b""}
    # A new connection finds the file as it was made.
    fresh = make(at=path.with_name("fresh.db"))
    fresh.create()
    assert pragmas(path) == pragmas(path.with_name("fresh.db"))
    assert schema_of(path) == schema_of(path.with_name("fresh.db"))


def test_what_is_freed_is_overwritten_at_once(path: Path, make: Make) -> None:
    recorder = make()
    recorder.append([row(CREATED, version) for version in (1, 2)])
    recorder.close()
    assert SECRET in files(path)
    lines = tuple(blanked(position, "content", "00" * 32) for position in (1, 2))
    named = row(EntryErased(authority="Court", blanked=lines), 3)
    recorder.erase([named], [Blank(1, "content"), Blank(2, "content")], 2)
    recorder.close()
    assert SECRET not in files(path)


def pragmas(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as db:
        names = ("application_id", "user_version", "journal_mode", "integrity_check")
        return [db.execute(f"PRAGMA {name}").fetchone() for name in names]


def schema_of(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()


@contextmanager
def holding(path: Path, sql: str) -> Iterator[None]:
    """Hold a transaction in another connection."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(sql)
        other.execute("SELECT count(*) FROM events").fetchone()
        yield
        other.execute("ROLLBACK")


def test_a_reader_of_what_was_holds_up_the_purge_alone(
    application: LedgerApplication, path: Path
) -> None:
    with holding(path, "BEGIN"):
        erase(application, CONTENT, Blank(3, "content"), remains=(REMAINS, Remains(version=2)))
        with pytest.raises(StoreBusy) as caught:
            application.log.purge()
        assert str(caught.value) == (
            f"what was erased still lies in {path}-wal, because another process is reading: "
            "run `ledger purge` once it is done"
        )
        assert application.log.read(1, 1)[0].content == b""
    application.log.purge()
    assert files(path).count(SECRET) == 1


def test_a_writer_holds_up_the_purge(application: LedgerApplication, path: Path) -> None:
    erase(application, CONTENT)
    with holding(path, "BEGIN IMMEDIATE"):
        with pytest.raises(StoreBusy) as caught:
            application.log.purge()
        assert str(caught.value) == (
            f"{path} is being written by another process: try again: what was erased may still "
            "lie in it (database is locked)"
        )
        with pytest.raises(StoreBusy) as caught:
            erase(application, Blank(3, "content"))
        assert str(caught.value) == (
            f"{path} is being written by another process: try again; nothing was erased "
            "(database is locked)"
        )
    application.log.purge()


# A log of before


def test_a_log_of_schema_1_is_brought_up_and_then_erases(path: Path, make: Make) -> None:
    rows = [at_position(row(CREATED, version), version) for version in (1, 2)]
    make_schema_1(path, rows)
    recorder = make()
    with pytest.raises(StoreTooOld) as caught:
        recorder.last_erasure()
    assert str(caught.value) == (
        f"{path} has log schema 1, this program works with {schema_version()}: "
        "bring it up with `ledger upgrade`"
    )
    assert recorder.upgrade() == (1, schema_version())
    assert recorder.read(0, 10) == rows
    fresh = make(at=path.with_name("fresh.db"))
    fresh.create()
    assert schema_of(path) == schema_of(fresh.path)
    named = row(EntryErased(authority="Court", blanked=(blanked(1, "content", "00"),)), 3)
    assert recorder.erase([named], [Blank(1, "content")], 2).first == 3
    assert recorder.read(0, 1)[0].content == b""
    assert recorder.upgrade() == (schema_version(), schema_version())


def test_an_event_of_schema_1_with_the_command_s_digest_in_its_meta_is_read(
    path: Path, make: Make
) -> None:
    written = event(CREATED, 1)
    meta = {name: getattr(written.meta, name) for name in ("actor", "published_at", "command")}
    salted = bytes(16) + msgspec.msgpack.encode(meta | {"digest": bytes(16)})
    make_schema_1(path, [at_position(row(CREATED, 1), 1)._replace(meta=salted)])
    make().upgrade()
    application = LedgerApplication(f"sqlite:///{path}")
    try:
        (found,) = application.history(ENTRY)
    finally:
        application.close()
    assert (found.meta, found.data) == (replace(written.meta, digest=bytes(16)), CREATED)
