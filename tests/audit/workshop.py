"""The attacker's workshop: every way to damage a store that a person with write access has.

Each attack takes the triggers away first. It is given a position, and returns what a verification
has to name: the kind, and the position.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

COLUMNS = ("position", "entry", "version", "type", "recorded_at", "meta", "content")


class Expected(NamedTuple):
    """What a verification has to find."""

    kind: str
    position: int


class Attacker(sqlite3.Connection):
    """Takes the triggers away, and, so that nobody notices, puts them back in the end."""

    guards: Sequence[str] = ()

    def close(self) -> None:
        """Put the triggers back."""
        for guard in self.guards:
            self.execute(guard)
        self.guards = ()
        super().close()


def opened(path: Path) -> Attacker:
    """Open a store as its attacker does; close it, so that the triggers are back."""
    db = sqlite3.connect(path, isolation_level=None, factory=Attacker)
    triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    db.guards = [guard for _, guard in triggers]
    return db


def size(db: sqlite3.Connection) -> int:
    """Return how many events there are."""
    return int(db.execute("SELECT max(position) FROM events").fetchone()[0])


def shift(db: sqlite3.Connection, after: int, by: int) -> None:
    """Move all events above a position."""
    db.execute("UPDATE events SET position = -position WHERE position > ?", (after,))
    db.execute("UPDATE events SET position = -position + ? WHERE position < 0", (by,))


def flip(blob: bytes, random: Random) -> bytes:
    """Return bytes with one bit changed."""
    at = random.randrange(len(blob))
    return blob[:at] + bytes([blob[at] ^ 1 << random.randrange(8)]) + blob[at + 1 :]


def alter(column: str) -> Callable[[sqlite3.Connection, int, Random], Expected]:
    """Return the attack that changes one value of an event by one byte."""

    def attack(db: sqlite3.Connection, at: int, random: Random) -> Expected:
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


def move(db: sqlite3.Connection, at: int, random: Random) -> Expected:
    """Put an event at a position that is free."""
    to = random.choice((0, -at, size(db) + 1 + random.randrange(1000)))
    if to == at + 1:
        to += 1
    db.execute("UPDATE events SET position = ? WHERE position = ?", (to, at))
    return Expected("reordered", to)


def delete(db: sqlite3.Connection, at: int, random: Random) -> Expected:
    """Delete an event, and leave a hole."""
    last = size(db)
    db.execute("DELETE FROM events WHERE position = ?", (at,))
    return Expected("truncated" if at == last else "missing", at)


def delete_and_close(db: sqlite3.Connection, at: int, random: Random) -> Expected:
    """Delete an event, and close the hole."""
    expected = delete(db, at, random)
    shift(db, at, -1)
    return expected


def insert(db: sqlite3.Connection, at: int, random: Random) -> Expected:
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


def swap(db: sqlite3.Connection, at: int, random: Random) -> Expected:
    """Let two events change places."""
    other = random.choice([n for n in range(1, size(db) + 1) if n != at])
    for before, after in ((at, 0), (other, at), (0, other)):
        db.execute("UPDATE events SET position = ? WHERE position = ?", (after, before))
    return Expected("reordered", at)


def truncate(db: sqlite3.Connection, at: int, random: Random) -> Expected:
    """Delete an event and all that follow."""
    db.execute("DELETE FROM events WHERE position >= ?", (at,))
    return Expected("truncated", at)


def blank(db: sqlite3.Connection, at: int, random: Random) -> Expected:
    """Take an event's content away as an erasure does, and say so nowhere."""
    db.execute("UPDATE events SET content = x'' WHERE position = ?", (at,))
    return Expected("altered", at)


ATTACKS: dict[str, Callable[[sqlite3.Connection, int, Random], Expected]] = {
    **{f"alter {column}": alter(column) for column in COLUMNS if column != "position"},
    "move": move,
    "delete": delete,
    "delete and close": delete_and_close,
    "insert": insert,
    "swap": swap,
    "truncate": truncate,
    "blank": blank,
}
