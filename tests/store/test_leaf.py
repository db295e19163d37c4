"""The leaf: the exact bytes that stand for one event."""

from __future__ import annotations

from hashlib import sha256

import pytest

from ledger.store.leaf import Digest, leaf_hash, leaf_record
from ledger.store.rows import Row

ROW = Row(
    position=7,
    entry=bytes.fromhex("20140213aabb8ccdb00112233445566f"),
    version=3,
    type="EntryEdited@1",
    recorded_at=1_714_564_800_000_001,
    meta=b"",
    content=b"abc",
)

# SHA-256 of nothing and of "abc", as FIPS 180-4's examples have them.
OF_NOTHING = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
OF_ABC = b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

RECORD = (
    b"ledger/leaf/v1\n"
    b"7\n"
    b"20140213aabb8ccdb00112233445566f\n"
    b"3\n"
    b"EntryEdited@1\n"
    b"1714564800000001\n" + OF_NOTHING + b"\n" + OF_ABC + b"\n"
)


def test_record_is_eight_lines_exactly() -> None:
    assert leaf_record(ROW) == RECORD


def test_hash_is_that_of_a_zero_byte_and_the_record() -> None:
    assert leaf_hash(ROW) == sha256(b"\x00" + RECORD).digest()


def test_the_digest_of_an_erased_blob_stands_for_it() -> None:
    meta, content = (Digest(sha256(blob).digest()) for blob in (ROW.meta, ROW.content))
    assert leaf_record(ROW._replace(meta=meta)) == RECORD
    assert leaf_record(ROW._replace(meta=meta, content=content)) == RECORD
    assert leaf_hash(ROW._replace(content=content)) == leaf_hash(ROW)


def test_times_before_1970_have_a_sign() -> None:
    assert leaf_record(ROW._replace(recorded_at=-1)) == RECORD.replace(b"1714564800000001", b"-1")


@pytest.mark.parametrize(
    "other",
    [
        ROW._replace(position=8),
        ROW._replace(entry=bytes(16)),
        ROW._replace(version=4),
        ROW._replace(type="EntryEdited@2"),
        ROW._replace(recorded_at=1_714_564_800_000_002),
        ROW._replace(meta=b"\x00"),
        ROW._replace(content=b"abd"),
        ROW._replace(meta=b"abc", content=b""),
    ],
)
def test_every_column_of_the_row_shows_in_the_hash(other: Row) -> None:
    assert leaf_hash(other) != leaf_hash(ROW)
