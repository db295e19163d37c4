"""The attacker's workshop: every way to damage a store that a person with write access has.

An attack is given the log without its guards (`Store.log`), and a position; it returns what a
verification has to name: the kind, and the position.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from ledger.projections.database import Db

FAR = 10**12
"""A position that no event has."""

COLUMNS = ("position", "entry", "version", "type", "recorded_at", "meta", "content")


class Expected(NamedTuple):
    """What a verification has to find."""

    kind: str
    position: int


def size(db: Db) -> int:
    """Return how many events there are."""
    return int(db.execute("SELECT max(position) FROM events").fetchone()[0])


def shift(db: Db, after: int, by: int) -> None:
    """Move all events above a position."""
    # Not in one step: meanwhile, no two may be at one place.
    db.execute("UPDATE events SET position = position + ? WHERE position > ?", (FAR, after))
    db.execute("UPDATE events SET position = position - ? WHERE position > ?", (FAR - by, FAR))


def flip(blob: bytes, random: Random) -> bytes:
    """Return bytes with one bit changed."""
    at = random.randrange(len(blob))
    return blob[:at] + bytes([blob[at] ^ 1 << random.randrange(8)]) + blob[at + 1 :]


def alter(column: str) -> Callable[[Db, int, Random], Expected]:
    """Return the attack that changes one value of an event by one byte."""

    def attack(db: Db, at: int, random: Random) -> Expected:
        (value,) = db.execute(f"SELECT {column} FROM events WHERE position = ?", (at,)).fetchone()
        if column == "version":
            value += random.randrange(100, 200)
        elif isinstance(value, int):
            value ^= 1 << random.randrange(40)
        elif isinstance(value, str):
            index = random.randrange(len(value))
            value = value[:index] + chr(ord(value[index]) ^ 1) + value[index + 1 :]
        else:
            value = flip(value, random)
        db.execute(f"UPDATE events SET {column} = ? WHERE position = ?", (value, at))
        return Expected("altered", at)

    return attack


def move(db: Db, at: int, random: Random) -> Expected:
    """Put an event at a position that is free."""
    to = random.choice((0, -at, size(db) + 1 + random.randrange(1000)))
    if to == at + 1:
        to += 1
    db.execute("UPDATE events SET position = ? WHERE position = ?", (to, at))
    return Expected("reordered", to)


def delete(db: Db, at: int, random: Random) -> Expected:
    """Delete an event, and leave a hole."""
    last = size(db)
    db.execute("DELETE FROM events WHERE position = ?", (at,))
    return Expected("truncated" if at == last else "missing", at)


def delete_and_close(db: Db, at: int, random: Random) -> Expected:
    """Delete an event, and close the hole."""
    expected = delete(db, at, random)
    shift(db, at, -1)
    return expected


def insert(db: Db, at: int, random: Random) -> Expected:
    """Slip an event in, and move what follows."""
    shift(db, at - 1, 1)
    before = max(at - 1, at + 1 if at == 1 else 1)
    entry, type_, recorded_at, meta, content = db.execute(
        "SELECT entry, type, recorded_at, meta, content FROM events WHERE position = ?", (before,)
    ).fetchone()
    (version,) = db.execute(
        "SELECT max(version) + 1 FROM events WHERE entry = ?", (entry,)
    ).fetchone()
    db.execute(
        "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
        (at, entry, version, type_, recorded_at, meta, flip(content, random)),
    )
    return Expected("inserted", at)


def swap(db: Db, at: int, random: Random) -> Expected:
    """Let two events change places."""
    other = random.choice([n for n in range(1, size(db) + 1) if n != at])
    for before, after in ((at, FAR), (other, at), (FAR, other)):
        db.execute("UPDATE events SET position = ? WHERE position = ?", (after, before))
    return Expected("reordered", at)


def truncate(db: Db, at: int, random: Random) -> Expected:
    """Delete an event and all that follow."""
    db.execute("DELETE FROM events WHERE position >= ?", (at,))
    return Expected("truncated", at)


def blank(db: Db, at: int, random: Random) -> Expected:
    """Take an event's content away as an erasure does, and say so nowhere."""
    db.execute("UPDATE events SET content = x'' WHERE position = ?", (at,))
    return Expected("altered", at)


ATTACKS: dict[str, Callable[[Db, int, Random], Expected]] = {
    **{f"alter {column}": alter(column) for column in COLUMNS if column != "position"},
    "move": move,
    "delete": delete,
    "delete and close": delete_and_close,
    "insert": insert,
    "swap": swap,
    "truncate": truncate,
    "blank": blank,
}
