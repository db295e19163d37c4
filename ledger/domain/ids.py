"""Ids that sort, can be read, and come out the same when the same thing is met again."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from uuid import UUID


def imported_entry_id(day: date, edition: str, first_path: str) -> UUID:
    """Return the id of an entry first seen at `first_path`: the same from whatever import."""
    return _dated(day, f"path\n{edition}\n{first_path}".encode())


def new_entry_id(day: date, command: UUID) -> UUID:
    """Return the id of an entry made by `command`: the same when the command is given again."""
    return _dated(day, b"command\n" + command.bytes)


def import_command_id(entry: UUID, version: int, origin: str | None) -> UUID:
    """Return the id of the command by which an import makes a version: the same in every run."""
    name = f"import\n{entry}\n{version}\n{origin or ''}".encode()
    return _uuid8(int.from_bytes(sha256(name).digest()[:16]))


def _dated(day: date, name: bytes) -> UUID:
    """Return a UUID whose first eight digits are YYYYMMDD and whose rest is a hash."""
    digits = int(f"{day.year:04}{day.month:02}{day.day:02}", 16)
    return _uuid8(digits << 96 | int.from_bytes(sha256(name).digest()[:12]))


def _uuid8(value: int) -> UUID:
    """Return `value` as a UUID of version 8 (RFC 9562, section 5.8)."""
    value = value & ~(0xF << 76) | 0x8 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
