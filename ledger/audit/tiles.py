"""Tiles (C2SP tlog-tiles): a log's tree and its leaf records as plain files. Pure layout.

A full tile has 256 hashes, or, under `entries`, 256 leaf records; those at the edge have fewer,
and their width in their name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ledger.audit.merkle import Subtree

HEIGHT = 8
WIDTH = 1 << HEIGHT


class Tile(NamedTuple):
    """A tile.

    Attributes:
        level: 0 for the leaves' hashes; None for the leaf records themselves.
        number: Its place in its level, from 0 on.
        width: How many hashes or records it has.
    """

    level: int | None
    number: int
    width: int = WIDTH

    @property
    def is_full(self) -> bool:
        """Whether it will never change."""
        return self.width == WIDTH

    @property
    def path(self) -> str:
        """Its name below the log's address."""
        *folders, last = (group.zfill(3) for group in f"{self.number:,}".split(","))
        where = "entries" if self.level is None else str(self.level)
        edge = "" if self.is_full else f".p/{self.width}"
        return "/".join(("tile", where, *(f"x{group}" for group in folders), last)) + edge


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield the tiles of a tree of `size` leaves, those of its leaf records last."""
    for level in (*range((size.bit_length() + HEIGHT - 1) // HEIGHT), None):
        hashes = size >> HEIGHT * (level or 0)
        yield from (Tile(level, number) for number in range(hashes >> HEIGHT))
        if edge := hashes % WIDTH:
            yield Tile(level, hashes >> HEIGHT, edge)


def hashes_of(subtree: Subtree, tile: Tile) -> bytes:
    """Return a tile of hashes."""
    height, first = HEIGHT * (tile.level or 0), tile.number * WIDTH
    return b"".join(subtree(height, index) for index in range(first, first + tile.width))


def entries_of(records: Iterable[bytes]) -> bytes:
    """Return a tile of leaf records: each after its length, 16 bits, big-endian."""
    return b"".join(len(record).to_bytes(2) + record for record in records)


def records_of(data: bytes) -> Iterator[bytes]:
    """Yield the leaf records of a tile, the last one cut off where the tile is."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 2])
        yield data[at + 2 : at + 2 + size]
        at += 2 + size
