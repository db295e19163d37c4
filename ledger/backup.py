"""Backups: a SQLite log written into one file while others go on, and what any backup holds."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import closing, suppress
from itertools import zip_longest
from pathlib import Path
from urllib.parse import quote

import msgspec

from ledger.audit.merkle import Peaks, root_of
from ledger.copying import as_erased, first_difference
from ledger.errors import DoesNotHold, InvalidInput, StoreNotFound
from ledger.projections.projector import Progress
from ledger.reading import LedgerReader
from ledger.store.application import LedgerApplication
from ledger.store.connections import connect, translated
from ledger.store.files import lies_still
from ledger.store.leaf import leaf_hash
from ledger.store.places import are_same
from ledger.store.urls import PostgresURL, SQLiteURL, parse_store_url

_PAGES = 1000
"""How many pages are written between two looks at the terminal."""

_BESIDE = ("", "-wal", "-shm", "-journal")
"""What SQLite takes for parts of one database."""


class BackupReport(msgspec.Struct, frozen=True):
    """What a backup holds.

    Attributes:
        events: How many events: all up to the log's end when it was made.
        root: The root of their tree, reckoned from the backup, in hexadecimal digits.
        newer: How many events the log has behind them.
    """

    events: int
    root: str
    newer: int


def backup(ledger: LedgerReader, path: Path, progress: Progress | None = None) -> BackupReport:
    """Write a SQLite log into a file, as it is at one moment; others may write meanwhile.

    A backup is the ledger itself, to be put back in its place; what is to be read beside it is a
    copy (`copying.copy`). The views are left out: they can be made anew.

    Args:
        ledger: Whose log.
        path: A file that is not there yet; it comes to be whole and verified, or not at all.
        progress: Is told how many pages are written, and how many there are.

    Raises:
        InvalidInput: There is such a file already, or the log is not on SQLite.
        DoesNotHold: What was written is not what the log holds.
        StoreFull: The disk is full.
        StoreError: It cannot be written, or the log cannot be read.
    """
    url = parse_store_url(ledger.application.url)
    if not isinstance(url, SQLiteURL):
        raise InvalidInput("a ledger on PostgreSQL is backed up by pg_dump")
    ledger.application.log.head()
    require_new(path)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with translated(path, "; nothing was left there"):
            _write(url, fresh, progress)
            report = _compared(ledger.application, _url_of(fresh), path)
            with fresh.open("rb") as file:
                os.fsync(file.fileno())
            require_new(path)
            fresh.rename(path)
    finally:
        for ending in _BESIDE:
            with suppress(OSError):
                fresh.with_name(fresh.name + ending).unlink()
    return report


def dump_command(ledger: LedgerReader, path: Path) -> str | None:
    """Return the command line that backs a ledger up; None where `backup` does it, on SQLite.

    Raises:
        InvalidInput: The file is there already.
        StoreError: The ledger cannot be read.
    """
    url = parse_store_url(ledger.application.url)
    if isinstance(url, SQLiteURL):
        return None
    ledger.application.log.head()
    require_new(path)
    # Imported here: on SQLite, nothing of it is needed.
    from ledger.store.postgres import dumps

    return dumps.dump_command(url, path)


def require_new(path: Path) -> None:
    """Refuse a file that is there, or where something would be taken for a part of it.

    Raises:
        InvalidInput: It is.
        StoreNotFound: Its folder is not there.
    """
    if not path.parent.is_dir():
        raise StoreNotFound(f"the folder {path.parent} does not exist: make it first")
    for beside in (path.with_name(path.name + ending) for ending in _BESIDE):
        if os.path.lexists(beside):
            raise InvalidInput(f"{beside} is there already, and is not overwritten")


def _write(url: SQLiteURL, fresh: Path, progress: Progress | None) -> None:
    # Nobody may read it who may not read the log.
    fresh.touch(stat.S_IMODE(url.path.stat().st_mode), exist_ok=False)
    still = lies_still(url.path)
    with (
        closing(connect(url.path, "ro" if still else "rw", immutable=still)) as source,
        closing(connect(fresh, "rwc")) as target,
    ):
        # One moment of the log is held from the first page to the last. Nobody waits for that.
        source.execute("BEGIN")
        source.execute("SELECT 1 FROM sqlite_schema").fetchone()
        # What is half-made is thrown away, so it needs no journal.
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")

        def tell(_status: int, remaining: int, total: int) -> None:
            if progress is not None:
                progress(total - remaining, total)

        source.backup(target, pages=_PAGES, progress=tell)


def verify_backup(ledger: LedgerReader, path: Path) -> BackupReport:
    """Hold a backup against the log: all its events are the log's, from the first on.

    Args:
        ledger: Whose backup it is.
        path: A file that `backup` wrote, or an archive of pg_dump's, in its format custom.

    Raises:
        InvalidInput: It cannot be read, is no backup, or is of another ledger.
        DoesNotHold: It is damaged, or holds something else than the log.
        MissingExtra: pg_restore is needed, and is not installed.
    """
    url = _url_of(path)
    # Nobody but SQLite opens a log's file; see `store.files`.
    if are_same(url, ledger.application.url):
        raise InvalidInput(f"{path} is the log itself")
    try:
        with path.open("rb") as file:
            begin = file.read(16)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    if begin.startswith(b"SQLite format 3\0"):
        return _compared(ledger.application, url, path)
    if begin.startswith(b"PGDMP"):
        return _compared_dump(ledger.application, path)
    raise InvalidInput(f"{path} is no backup: neither a SQLite file nor an archive of pg_dump's")


def _url_of(path: Path) -> str:
    return f"sqlite:///{quote(str(path.absolute()))}"


def _compared(application: LedgerApplication, url: str, path: Path) -> BackupReport:
    """Read a backup on SQLite beside the log; `path` is what it is called."""
    other = LedgerApplication(url)
    try:
        _require_own(application, other.log.identity().id, path)
        if damage := [text for texts in other.log.integrity() for text in texts]:
            raise DoesNotHold(f"the backup {path} is damaged: {'; '.join(damage)}")
        size, peaks = other.log.head().position, Peaks()
        if differs := first_difference(application, other, peaks, size):
            raise _other_event(path, differs)
    finally:
        other.close()
    return BackupReport(size, peaks.root().hex(), application.log.head().position - size)


def _compared_dump(application: LedgerApplication, path: Path) -> BackupReport:
    # Imported here: on SQLite, nothing of it is needed.
    from ledger.store.postgres.dumps import identity_in, require_whole, rows_in

    url = parse_store_url(application.url)
    schema = url.schema if isinstance(url, PostgresURL) else None
    require_whole(path)
    _require_own(application, identity_in(path, schema), path)
    leaves: dict[int, bytes] = {}
    for run in rows_in(path, schema):
        ours = application.rows(run[0].position - 1, len(run), run[-1].position)
        for row, our in zip_longest(run, ours):
            leaf = leaf_hash(as_erased(row, our)) if our else b""
            if our is None or leaf != leaf_hash(our) or row.position in leaves:
                raise _other_event(path, row.position)
            leaves[row.position] = leaf
    size = len(leaves)
    for position in range(1, size + 1):
        if position not in leaves:
            raise DoesNotHold(f"the backup {path} lacks event {position}")
    root = root_of(leaves[position] for position in range(1, size + 1))
    return BackupReport(size, root.hex(), application.log.head().position - size)


def _require_own(application: LedgerApplication, id_: str, path: Path) -> None:
    if id_ != application.log.identity().id:
        raise InvalidInput(f"{path} is the backup of another ledger")


def _other_event(path: Path, position: int) -> DoesNotHold:
    return DoesNotHold(
        f"the backup {path} holds another event at position {position} than the log"
    )
