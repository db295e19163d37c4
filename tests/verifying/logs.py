"""Logs to verify: as many events as wanted, put into a store at once, and then damaged."""

from __future__ import annotations

from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from ledger import Ledger
from ledger.audit.checkpoints import Checkpoint
from ledger.audit.findings import Finding, Kind, Verification
from ledger.audit.merkle import root_of
from ledger.domain.events import EntryEdited, EventData
from ledger.projections.tree import Tree
from ledger.projections.views import Views, views_folder
from ledger.store.application import LedgerApplication
from ledger.store.leaf import leaf_hash
from tests.audit import workshop
from tests.audit.evidence import CREATED, ORIGIN, logged

NO_CHECKPOINT = (
    "no checkpoint was given: whoever can write the store could have rewritten all of it, every "
    "hash too, and it would not show"
)
NO_KEY = "no key was given: the checkpoints' signatures were not checked"
NO_TREE = "there is no stored tree to hold the log against"


def url_of(log: Path) -> str:
    return f"sqlite:///{log}?synchronous=normal"


def entry_at(position: int) -> UUID:
    """Return the entry of the event at a position: of 12, each four are of four entries."""
    block, number = divmod(position - 1, 12)
    return UUID(bytes=sha256(b"%d" % (block * 4 + number % 4)).digest()[:16])


def version_at(position: int) -> int:
    return (position - 1) % 12 // 4 + 1


def said(position: int) -> EventData:
    return CREATED if version_at(position) == 1 else EntryEdited(headline=f"Ferry {position}")


def fill(log: Path, size: int, *, views: bool = True) -> list[bytes]:
    """Let a log have so many events, all legal, and views of them; return their leaf hashes."""
    positions = range(1, size + 1)
    rows = logged(*((entry_at(n), version_at(n), said(n)) for n in positions))
    with Ledger.open(url_of(log)) as ledger:
        ledger.init(ORIGIN)
        ledger.application.log.load(rows[ledger.application.log.head().position :])
        if views:
            ledger.views.status()
    return list(map(leaf_hash, rows))


def fill_tree(log: Path, size: int) -> list[bytes]:
    """As `fill`, but with no view other than the tree."""
    leaves = fill(log, size, views=False)
    with closing(LedgerApplication(url_of(log))) as application:
        views = Views(application, views_folder(log.absolute()), (Tree(),))
        with closing(views):
            views.status()
    return leaves


def checkpoint(leaves: list[bytes], size: int | None = None) -> bytes:
    """Return the checkpoint of a log with these leaf hashes."""
    size = len(leaves) if size is None else size
    return Checkpoint(ORIGIN, size, root_of(leaves[:size])).body.encode()


def verify(log: Path, *checkpoints: bytes, **options: Any) -> Verification:
    with Ledger.open(url_of(log)) as ledger:
        return ledger.audit.verify(checkpoints, **options)


def attack(log: Path, *statements: str) -> None:
    """Damage a store as somebody can who may write it."""
    with closing(workshop.opened(log)) as db:
        for statement in statements:
            assert db.execute(statement).rowcount > 0, statement


def move_from(log: Path, position: int, by: int) -> None:
    """Move the event at a position, and all that follow."""
    with closing(workshop.opened(log)) as db:
        workshop.shift(db, position - 1, by)


def told(found: Verification) -> list[tuple[str, int | None, int | None]]:
    """Return the findings in short: kind and range."""
    return [(one.kind, one.position, one.upto) for one in found.findings]


def finding(kind: Kind, position: int, message: str, upto: int | None = None) -> Finding:
    """Return a finding about the event that was at a position."""
    return Finding(
        kind=kind,
        position=position,
        upto=upto,
        entry=entry_at(position),
        version=version_at(position),
        message=message,
    )


def files(log: Path) -> dict[Path, tuple[bytes, int]]:
    """Return every file of a store: what is in it, and when it was written."""
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(log.parent.rglob("*"))
        if path.is_file()
    }
