"""Bundles to check: of a small newsroom, and of a ledger that signs what it likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import replace

from ledger import Ledger, Source
from ledger.audit import notes
from ledger.audit.bundles import Bundle, Evidence, VersionEvidence, encode, page_of, tell
from ledger.audit.checkpoints import Checkpoint
from ledger.audit.keys import Signer
from ledger.audit.merkle import Subtree, complete, inclusion_proof, root_of
from ledger.audit.notes import COSIGNATURE, ED25519, Note, Verifier, public_of
from ledger.domain.events import EntryCreated, Event, EventData, Meta
from ledger.domain.values import Layout
from ledger.store.leaf import leaf_hash, leaf_record
from ledger.store.mapper import EventMapper
from ledger.store.rows import Row, to_microseconds

ORIGIN = "harbour.example/news"
DAY = date(2021, 3, 4)
SEEN = datetime(2024, 5, 1, 12, 0, 7, tzinfo=UTC)


def signer(name: str, kind: int, seed: int) -> Signer:
    private = bytes(range(seed, seed + 32))
    return Signer(Verifier(name, kind, public_of(private)), private)


LOG = signer(ORIGIN, ED25519, 0)
WITNESS = signer("wit.example", COSIGNATURE, 100)
STRANGE = signer("strange.example", ED25519, 200)
KNOWN = (LOG.verifier, WITNESS.verifier)


def signed(text: str, *signers: Signer) -> Note:
    return Note(text, tuple(notes.sign(text, one.verifier, one.private, SEEN) for one in signers))


class Newsroom(NamedTuple):
    """A ledger, and entries in it that were edited, erased in part, and kept as an archive's."""

    ledger: Ledger
    edited: UUID
    erased: UUID
    archived: UUID

    def note(self, *signers: Signer) -> Note:
        return signed(self.ledger.audit.checkpoint().body, *(signers or (LOG,)))

    def bundle(self, entry: UUID, *signers: Signer, complete: bool = False) -> bytes:
        return self.ledger.prover.bundle(entry, self.note(*signers), complete=complete)


@contextmanager
def newsroom(url: str) -> Iterator[Newsroom]:
    """Lend a newsroom of 14 events: 2, 3, 7, 8, 9 of one entry; 4, 5, 10 to 14 of the erased."""
    with Ledger.open(url) as ledger:
        ledger.init(ORIGIN)
        public = datetime(2021, 3, 4, 9, tzinfo=UTC)
        ledger.create(DAY, "Ferry sails", actor="Ann")
        edited = ledger.create(
            *(DAY, "Ferry sails"), actor="Ann", published_at=public, basis="listed"
        ).entry
        ledger.edit(edited, actor="Ben", summary="From Sunday on.", inferred=("summary",))
        erased = ledger.create(
            *(DAY, "Ida Moll sails"), actor="Ann", summary="Ida Moll was aboard.", topic="Quay"
        ).entry
        ledger.edit(erased, actor="Ida Moll", headline="Ida sails", reason="I am Ida")
        archived = ledger.create(
            *(DAY, "Ferry sails"), actor="Ann", layout=Layout("archive"), summary="It sails."
        ).entry
        courier = Source("Courier", "https://courier.example/ferry?a=1&b=2")
        ledger.edit(edited, actor="Ben", headline="渡轮 “sails”", sources=(courier,))
        ledger.edit(edited, actor="Ben", slug="ferry", reason="shorter", minor=True)
        ledger.correct(edited, "It sailed on Monday.", actor="Cy")
        ledger.edit(erased, actor="Ben", headline="Ferry sails", summary="Somebody was aboard.")
        ledger.erase(erased, [1], "Ida Moll", actor="Cy", reason="a request")
        ledger.erase(erased, [2], "a court", actor="Cy", reason="an order", names=True)
        yield Newsroom(ledger, edited, erased, archived)


# What a ledger could sign that does not keep its own rules.

MAPPER = EventMapper(salt=bytes)
X, Y = UUID(int=1 << 120), UUID(int=2 << 120)
CREATED = EntryCreated(date=DAY, headline="Ferry", slug="ferry", edition="en", language="en")


def logged(*said: tuple[UUID, int, EventData]) -> list[Row]:
    """Return a log of these events, a second apart."""
    first = to_microseconds(SEEN)
    rows: list[Row] = []
    for position, (entry, version, data) in enumerate(said, 1):
        meta = Meta(actor="Ann", published_at=SEEN, command=UUID(int=position))
        new = MAPPER.to_row(Event(entry, version, meta, data))
        at = first + position * 1_000_000
        rows.append(Row(position, *new[:3], at, new.meta, new.content))
    return rows


def subtrees(hashes: Sequence[bytes]) -> Subtree:
    return lambda height, index: complete(hashes[index << height : (index + 1) << height])


def forged(
    rows: Sequence[Row],
    shown: Sequence[int],
    erasures: Sequence[int] = (),
    *,
    without: Sequence[int] = (),
    whole: bool = False,
    change: Callable[[Bundle], Bundle] = lambda bundle: bundle,
) -> bytes:
    """Return a bundle of entry X that a log's owner could sign.

    Args:
        rows: The log.
        shown: The positions of the versions.
        erasures: Those of the erasures.
        without: Those whose content is left out.
        whole: Whether all leaf records come along.
        change: What is done to it in the end; the digest is put right after it.
    """
    hashes = list(map(leaf_hash, rows))
    body = Checkpoint(ORIGIN, len(rows), root_of(hashes)).body
    evidence = [
        Evidence(
            leaf=leaf_record(row).decode(),
            meta=row.meta,
            content=None if row.position in without else row.content,
            proof=tuple(inclusion_proof(subtrees(hashes), row.position - 1, len(rows))),
        )
        for row in (rows[position - 1] for position in (*shown, *erasures))
    ]
    bundle = Bundle(
        entry=X,
        checkpoint=notes.encode_note(signed(body, LOG)).decode(),
        versions=tuple(
            VersionEvidence(
                leaf=one.leaf,
                meta=one.meta,
                content=one.content,
                proof=one.proof,
                path="/news/2021/03/4/ferry",
            )
            for one in evidence[: len(shown)]
        ),
        erasures=tuple(evidence[len(shown) :]),
        page="",
        leaves=tuple(leaf_record(row).decode() for row in rows) if whole else None,
    )
    return encode(change(bundle))


def with_page(bundle: Bundle) -> Bundle:
    return replace(bundle, page=page_of(tell(bundle)))
