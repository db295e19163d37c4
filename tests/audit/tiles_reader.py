"""Reads an exported log as a stranger does: from the format's text, nothing of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path


class Wrong(Exception):
    """The files are not those of such a log."""


def parent(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def location(kind: str, index: int, width: int) -> str:
    parts: list[str] = []
    while True:
        parts.insert(0, format(index % 1000, "03d"))
        index //= 1000
        if not index:
            break
    name = "/".join(["x" + part for part in parts[:-1]] + parts[-1:])
    return f"tile/{kind}/{name}" + (f".p/{width}" if width < 256 else "")


def layout(kind: str, count: int) -> Iterator[tuple[int, int]]:
    """Yield the index and width of each tile of a level of `count` hashes or entries."""
    for index in range(count // 256):
        yield index, 256
    if count % 256:
        yield count // 256, count % 256


def hashes(folder: Path, level: int, size: int) -> list[bytes]:
    """Return all hashes of a level of the tree of `size` leaves."""
    found = []
    for index, width in layout(str(level), size // 256**level):
        data = (folder / location(str(level), index, width)).read_bytes()
        if len(data) != 32 * width:
            raise Wrong(f"tile {level}/{index} has {len(data)} bytes")
        found += [data[at : at + 32] for at in range(0, len(data), 32)]
    return found


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, over leaf hashes."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return parent(mth(leaves[:k]), mth(leaves[k:]))


def root(folder: Path, size: int) -> bytes:
    """Return the root of the tree, each level held against the one below it."""
    level, below = 0, hashes(folder, 0, size)
    top = mth(below)
    while len(below) >= 256:
        level += 1
        above = hashes(folder, level, size)
        if above != [mth(below[at : at + 256]) for at in range(0, len(below) // 256 * 256, 256)]:
            raise Wrong(f"level {level} is not made of level {level - 1}")
        below = above
    if size and (folder / "tile" / str(level + 1)).exists():
        raise Wrong(f"level {level + 1} is one too many")
    return top


def entries(folder: Path, size: int) -> list[bytes]:
    """Return all entries."""
    found = []
    for index, width in layout("entries", size):
        data = (folder / location("entries", index, width)).read_bytes()
        count = 0
        while data:
            length = data[0] << 8 | data[1]
            entry, data = data[2 : 2 + length], data[2 + length :]
            if len(entry) != length:
                raise Wrong(f"entry bundle {index} ends within an entry")
            found.append(entry)
            count += 1
        if count != width:
            raise Wrong(f"entry bundle {index} has {count} entries")
    return found


def leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def names(folder: Path) -> list[str]:
    """Return the names of all files."""
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def expected(size: int) -> list[str]:
    """Return the names of the files of a log of `size`, but for its checkpoint."""
    found = [location("entries", index, width) for index, width in layout("entries", size)]
    level = 0
    while size // 256**level:
        found += [location(str(level), *tile) for tile in layout(str(level), size // 256**level)]
        level += 1
    return sorted(found)
