"""Logs to verify: as many events as wanted, put into a store at once, and then damaged."""

from __future__ import annotations

from contextlib import closing
from hashlib import sha256
from typing import Any
from uuid import UUID

from ledger import Ledger
from ledger.audit.checkpoints import Checkpoint
from ledger.audit.findings import Finding, Kind, Verification
from ledger.audit.merkle import root_of
from ledger.domain.events import EntryEdited, EventData
from ledger.projections.places import place_of
from ledger.projections.tree import Tree
from ledger.projections.views import Views
from ledger.store.application import LedgerApplication
from ledger.store.leaf import leaf_hash
from tests.audit import workshop
from tests.audit.evidence import CREATED, ORIGIN, logged
from tests.stores import Store

NO_CHECKPOINT = (
    "no checkpoint was given: whoever can write the store could have rewritten all of it, every "
    "hash too, and it would not show"
)
NO_KEY = "no key was given: the checkpoints' signatures were not checked"
NO_TREE = "there is no stored tree to hold the log against"


def entry_at(position: int) -> UUID:
    """Return the entry of the event at a position: of 12, each four are of four entries."""
    block, number = divmod(position - 1, 12)
    return UUID(bytes=sha256(b"%d" % (block * 4 + number % 4)).digest()[:16])


def version_at(position: int) -> int:
    return (position - 1) % 12 // 4 + 1


def said(position: int) -> EventData:
    return CREATED if version_at(position) == 1 else EntryEdited(headline=f"Ferry {position}")


def fill(store: Store, size: int, *, views: bool = True) -> list[bytes]:
    """Let a log have so many events, all legal, and views of them; return their leaf hashes."""
    positions = range(1, size + 1)
    rows = logged(*((entry_at(n), version_at(n), said(n)) for n in positions))
    with Ledger.open(store.url) as ledger:
        ledger.init(ORIGIN)
        ledger.application.log.load(rows[ledger.application.log.head().position :])
        if views:
            ledger.views.status()
    return list(map(leaf_hash, rows))


def fill_tree(store: Store, size: int) -> list[bytes]:
    """As `fill`, but with no view other than the tree."""
    leaves = fill(store, size, views=False)
    with closing(LedgerApplication(store.url)) as application:
        views = Views(application, place_of(store.url), (Tree(),))
        with closing(views):
            views.status()
    return leaves


def checkpoint(leaves: list[bytes], size: int | None = None) -> bytes:
    """Return the checkpoint of a log with these leaf hashes."""
    size = len(leaves) if size is None else size
    return Checkpoint(ORIGIN, size, root_of(leaves[:size])).body.encode()


def verify(store: Store, *checkpoints: bytes, **options: Any) -> Verification:
    with Ledger.open(store.url) as ledger:
        return ledger.audit.verify(checkpoints, **options)


def attack(store: Store, *statements: str) -> None:
    """Damage a store as somebody can who may write it."""
    with store.log() as db:
        for statement in statements:
            assert db.execute(statement).rowcount > 0, statement


def move_from(store: Store, position: int, by: int) -> None:
    """Move the event at a position, and all that follow."""
    with store.log() as db:
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
