"""Proof files of single events: written to the letter, and every bit of them counts."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from random import Random
from uuid import UUID

import pytest

from ledger.audit import notes, proofs
from ledger.audit.checkpoints import Checkpoint
from ledger.audit.proofs import ProvenLeaf, SignedBy
from ledger.errors import (
    AuditError,
    BadSignature,
    DoesNotHold,
    LedgerError,
    NoteError,
    UnknownKey,
)
from ledger.store.leaf import digest_of, leaf_record
from ledger.store.rows import to_datetime
from tests.audit import stranger
from tests.audit.evidence import KNOWN, LOG, ORIGIN, SEEN, STRANGE, WITNESS, Newsroom, newsroom
from tests.audit.evidence import signed as signed_note
from tests.stores import Store


@pytest.fixture(scope="module")
def room(shared_store: Store) -> Iterator[Newsroom]:
    with newsroom(shared_store.url) as lent:
        yield lent


def files(room: Newsroom, entry: UUID) -> dict[str, bytes]:
    return room.ledger.prover.leaf_proofs(entry, room.note(LOG, WITNESS))


def third(room: Newsroom) -> bytes:
    """Return the proof of position 7."""
    return files(room, room.edited)[f"{room.edited}.3.tlog-proof"]


def test_a_file_a_version(room: Newsroom) -> None:
    names = [f"{room.edited}.{version}.tlog-proof" for version in (1, 2, 3, 4, 5)]
    assert list(files(room, room.edited)) == names
    some = room.ledger.prover.leaf_proofs(room.edited, room.note(), 2)
    assert list(some) == names[:2]


def test_the_file_is_as_the_format_has_it(room: Newsroom) -> None:
    rows = room.ledger.application.rows(0, 14)
    hashes = [sha256(b"\x00" + leaf_record(row)).digest() for row in rows]

    def over(low: int, high: int) -> bytes:
        if high - low == 1:
            return hashes[low]
        half = 1 << (high - low - 1).bit_length() - 1
        return sha256(b"\x01" + over(low, low + half) + over(low + half, high)).digest()

    way = [hashes[7], over(4, 6), over(0, 4), over(8, 14)]
    lines = [
        "c2sp.org/tlog-proof@v1",
        f"extra {b64encode(leaf_record(rows[6])).decode()}",
        "index 6",
        *(b64encode(step).decode() for step in way),
        "",
        ORIGIN,
        "14",
        b64encode(over(0, 14)).decode(),
        "",
    ]
    header, note = third(room).split(b"\n\n", 1)
    text = "".join(f"{line}\n" for line in lines).encode()
    assert header + b"\n\n" + note[: len(text) - len(header) - 2] == text
    assert stranger.opened(note, str(LOG.verifier))[1] is None
    assert stranger.opened(note, str(WITNESS.verifier))[1] == int(SEEN.timestamp())


def test_what_it_proves(room: Newsroom) -> None:
    found = proofs.check(third(room), KNOWN)
    row = room.ledger.application.rows(6, 1)[0]
    assert found == ProvenLeaf(
        tree=found.tree,
        position=7,
        entry=room.edited,
        version=3,
        type="EntryEdited@1",
        recorded_at=to_datetime(row.recorded_at),
        meta=digest_of(row.meta),
        content=digest_of(row.content),
    )
    assert (found.tree.origin, found.tree.size) == (ORIGIN, 14)
    assert found.tree.signers == (SignedBy(ORIGIN, None), SignedBy("wit.example", SEEN))


def test_an_erased_event_is_proved_like_any_other(room: Newsroom) -> None:
    for version, data in enumerate(files(room, room.erased).values(), 1):
        assert proofs.check(data, KNOWN).version == version


def test_every_single_bit_counts(room: Newsroom) -> None:
    data = third(room)
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(AuditError):
            proofs.check(bytes(changed), KNOWN)


NO_PROOF = "this is no tlog-proof with a leaf record: extra, index, hashes, a note"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data.replace(b"@v1", b"@v2"),
        lambda data: data.replace(b"extra ", b"extra"),
        lambda data: data.replace(b"extra ", b"extra  "),
        lambda data: b"\n".join(data.split(b"\n")[:1] + data.split(b"\n")[2:]),
        lambda data: data.replace(b"index 6", b"index 06"),
        lambda data: data.replace(b"index 6", b"index -6"),
        lambda data: data.replace(b"index 6", b"index " + b"6" * 5000),
        lambda data: data.replace(b"=\n\n", b"=\n*\n\n"),
        lambda data: data.replace(b"=\n\n", b"=\n\xc3\xa9\n\n"),
        lambda data: data.replace(b"=\n\n", b"\n\n"),
        # The hashes of a proof are lines; no other end of a line is one.
        lambda data: re.sub(rb"(index 6\n[^\n]*)\n", rb"\1\r", data),
        lambda data: re.sub(rb"(index 6\n[^\n]*)\n", rb"\1\r\n", data),
    ],
)
def test_what_is_no_proof_file(room: Newsroom, change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(NoteError) as caught:
        proofs.check(change(third(room)), KNOWN)
    assert str(caught.value) == NO_PROOF


def test_the_note_is_verified(room: Newsroom) -> None:
    data = third(room)
    with pytest.raises(NoteError, match="this is no signed note"):
        proofs.check(data[:-1], KNOWN)
    with pytest.raises(BadSignature, match=f"the signature of {ORIGIN} does not hold"):
        proofs.check(data.replace(b"\n14\n", b"\n15\n"), KNOWN)
    with pytest.raises(UnknownKey, match=r"^wit\.example has signed, too, with the key "):
        proofs.check(data, [LOG.verifier])
    with pytest.raises(UnknownKey, match="none of the keys given has signed"):
        proofs.check(data, [STRANGE.verifier])


def test_no_key_signs_twice(room: Newsroom) -> None:
    data, body, key = third(room), room.ledger.audit.checkpoint().body, WITNESS.verifier
    for at in (SEEN, SEEN + timedelta(minutes=1)):
        seconds = int(at.timestamp())
        twice = stranger.signature_line(body, key.name, key.kind, WITNESS.private, seconds)
        with pytest.raises(NoteError) as caught:
            proofs.check(data + twice, KNOWN)
        assert str(caught.value) == "a key has signed the checkpoint twice"


def test_a_time_that_is_none(room: Newsroom) -> None:
    body = room.ledger.audit.checkpoint().body
    key = WITNESS.verifier
    line = stranger.signature_line(body, key.name, key.kind, WITNESS.private, 2**64 - 1)
    data = proofs.encode(b"", 0, [], signed_note(body, LOG)) + line
    with pytest.raises(DoesNotHold, match="microseconds since 1970 is no time"):
        proofs.check(data, KNOWN)


def test_the_index_is_that_of_the_record(room: Newsroom) -> None:
    with pytest.raises(DoesNotHold) as caught:
        proofs.check(third(room).replace(b"index 6", b"index 7"), KNOWN)
    assert str(caught.value) == "the proof is of index 7, its leaf record of position 7"


def test_a_proof_of_another_size_or_log_is_refused(room: Newsroom) -> None:
    """The checkpoint is signed, but it is not the one that the hashes lead to."""
    data = third(room)
    header = data[: data.index(b"\n\n") + 2]
    now = room.ledger.audit.checkpoint()
    for other in (
        room.ledger.audit.checkpoint(13),
        room.ledger.audit.checkpoint(7),
        room.ledger.audit.checkpoint(6),
        room.ledger.audit.checkpoint(0),
        Checkpoint(now.origin, 2 * now.size, now.root),
        Checkpoint(now.origin, now.size, bytes(32)),
    ):
        forged = header + notes.encode_note(signed_note(other.body, LOG))
        with pytest.raises(DoesNotHold, match=r"it is not proved that version 3 .* position 7"):
            proofs.check(forged, KNOWN)


def test_any_bytes_are_refused() -> None:
    random = Random(7)
    for length in (0, 1, 30, 300):
        data = proofs.HEADER + random.randbytes(length)
        with pytest.raises(LedgerError):
            proofs.check(data, KNOWN)
