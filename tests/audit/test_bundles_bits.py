"""One bit of a bundle that is wrong: it is refused, wherever it lies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

import msgspec
import pytest

from ledger.audit import bundles
from ledger.audit.bundles import Bundle
from ledger.errors import AuditError
from tests.audit.evidence import KNOWN, LOG, WITNESS, Newsroom, newsroom
from tests.stores import Store

KINDS = ("edited", "erased", "archived", "first of erased")


@pytest.fixture(scope="module")
def room(shared_store: Store) -> Iterator[Newsroom]:
    with newsroom(shared_store.url) as lent:
        yield lent


def bundle(room: Newsroom, kind: str, complete: bool) -> bytes:
    version = 1 if kind.startswith("first of") else None
    entry = getattr(room, kind.removeprefix("first of "))
    note = room.note(LOG, WITNESS)
    return room.ledger.prover.bundle(entry, note, version, complete=complete)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def texts(value: object) -> Iterator[str]:
    """Yield every text of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_any_bit(room: Newsroom, kind: str, complete: bool) -> None:
    data = bundle(room, kind, complete)
    bundles.check(data, KNOWN)
    random = Random(f"{kind} {complete}")
    for bit in random.sample(range(len(data) * 8), 200):
        with pytest.raises(AuditError):
            bundles.check(flipped(data, bit), KNOWN)


@pytest.mark.parametrize("kind", KINDS)
def test_any_bit_of_every_field_even_where_the_digest_is_put_right(
    room: Newsroom, kind: str
) -> None:
    data = bundle(room, kind, complete=True)
    paths = [one.path for one in bundles.parse(data).versions]
    resealed = 0
    for text in set(texts(json.loads(data))):
        written = msgspec.json.encode(text)
        at = data.index(written) * 8 + 8
        bits = range(at, at + (len(written) - 2) * 8)
        for bit in Random(text).sample(bits, min(8, len(bits))):
            changed = flipped(data, bit)
            with pytest.raises(AuditError):
                bundles.check(changed, KNOWN)
            try:
                forged = msgspec.json.decode(changed, type=Bundle)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            # The number behind a path is all that nothing else in the bundle vouches for, and a
            # digest is made anew.
            if [one.path for one in forged.versions] != paths or bundles.encode(forged) == data:
                continue
            resealed += 1
            with pytest.raises(AuditError):
                bundles.check(bundles.encode(forged), KNOWN)
    assert resealed > 50
