"""The Merkle tree of the log, kept as tiles, so that a proof reads a handful of rows.

A tile holds 256 hashes (C2SP tlog-tiles): at level 0 those of the leaves, at each level above
those of the full tiles below. The hashes that do not fill a tile yet are its edge.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.audit.merkle import Subtree, complete
from ledger.audit.tiles import HEIGHT, WIDTH
from ledger.projections.database import Db
from ledger.projections.projection import Projection
from ledger.store.leaf import leaf_hashes
from ledger.store.rows import Row

HASH_BYTES = 32


class Tree(Projection):
    """Adds each event's leaf hash; whether anybody can decode the event does not matter."""

    name = "tree"
    schema = 1
    takes_rows = True
    ddl = (
        """
        CREATE TABLE tiles (
            level INTEGER NOT NULL,
            number INTEGER NOT NULL,
            hashes BLOB NOT NULL,
            PRIMARY KEY (level, number)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE edge (
            level INTEGER NOT NULL,
            number INTEGER NOT NULL,
            hash BLOB NOT NULL,
            PRIMARY KEY (level, number)
        ) STRICT, WITHOUT ROWID
        """,
    )
    tables = {"tiles": "level, number, hashes", "edge": "level, number, hash"}

    def apply_rows(self, rows: Sequence[Row], db: Db) -> None:
        """Add the leaf hashes of `rows`, and fill tiles with what is complete."""
        numbers = (row.position - 1 for row in rows)
        new = list(zip(numbers, leaf_hashes(rows), strict=True))
        level = 0
        while new:
            (begun,) = db.execute(
                "SELECT coalesce(max(number) + 1, 0) FROM tiles WHERE level = ?", (level,)
            ).fetchone()
            edge = db.execute(
                "SELECT number, hash FROM edge WHERE level = ? ORDER BY number", (level,)
            ).fetchall()
            hashes = edge + new
            first = begun << HEIGHT
            if [number for number, _ in hashes] != list(range(first, first + len(hashes))):
                raise ValueError(f"level {level} of the tree does not reach leaf {new[0][0]}")
            full = len(hashes) & -WIDTH
            tiles = [hashes[at : at + WIDTH] for at in range(0, full, WIDTH)]
            db.executemany(
                "INSERT INTO tiles VALUES (?, ?, ?)",
                [
                    (level, tile[0][0] >> HEIGHT, b"".join(hash_ for _, hash_ in tile))
                    for tile in tiles
                ],
            )
            if tiles:
                db.execute("DELETE FROM edge WHERE level = ?", (level,))
                new = hashes[full:]
            db.executemany(
                "INSERT INTO edge VALUES (?, ?, ?)",
                [(level, number, hash_) for number, hash_ in new],
            )
            new = [
                (tile[0][0] >> HEIGHT, complete([hash_ for _, hash_ in tile])) for tile in tiles
            ]
            level += 1


def stored(db: Db, level: int, low: int, high: int) -> bytes:
    """Return the hashes from number `low` to before `high` of a level, as they are stored.

    Args:
        db: The views.
        level: 0: those of the leaves; n: those of complete subtrees of 256^n leaves.
        low: The first.
        high: Behind the last. Only those before the first that is not there are returned.
    """
    found: list[bytes] = []
    number = low >> HEIGHT
    for at, hashes in db.execute(
        "SELECT number, hashes FROM tiles WHERE level = ? AND number BETWEEN ? AND ? "
        "ORDER BY number",
        (level, number, high - 1 >> HEIGHT),
    ):
        if at != number or len(hashes) != WIDTH * HASH_BYTES:
            break
        found.append(hashes)
        number += 1
    else:
        first = number << HEIGHT
        for at, hash_ in db.execute(
            "SELECT number, hash FROM edge WHERE level = ? AND number BETWEEN ? AND ? "
            "ORDER BY number",
            (level, first, high - 1),
        ):
            if at != first or len(hash_) != HASH_BYTES:
                break
            found.append(hash_)
            first += 1
    begin = low & WIDTH - 1
    return b"".join(found)[begin * HASH_BYTES : (begin + high - low) * HASH_BYTES]


def subtrees(db: Db) -> Subtree:
    """Return what gives the hashes of complete subtrees; see `audit.merkle.Subtree`."""
    tiles: dict[tuple[int, int], bytes] = {}

    def hashes_of(level: int, first: int, count: int) -> bytes:
        key = (level, first >> HEIGHT)
        if key not in tiles:
            row = db.execute(
                "SELECT hashes FROM tiles WHERE level = ? AND number = ?", key
            ).fetchone()
            edge = (
                ()
                if row
                else db.execute(
                    "SELECT hash FROM edge WHERE level = ? AND number >> 8 = ? ORDER BY number",
                    key,
                )
            )
            tiles[key] = row[0] if row else b"".join(hash_ for (hash_,) in edge)
        at = (first & WIDTH - 1) * HASH_BYTES
        return tiles[key][at : at + count * HASH_BYTES]

    def subtree(height: int, index: int) -> bytes:
        level, rest = divmod(height, HEIGHT)
        found = hashes_of(level, index << rest, 1 << rest)
        if len(found) != HASH_BYTES << rest:
            raise ValueError(f"the tree has no subtree {index} of height {height}")
        return complete([found[at : at + HASH_BYTES] for at in range(0, len(found), HASH_BYTES)])

    return subtree
