"""What must not be lost by a slip: files that no command writes over unless told to by name."""

from __future__ import annotations

from pathlib import Path

from ledger.audit import notes
from ledger.errors import InvalidInput, NoteError

_DATABASE = b"SQLite format 3\0"
_BESIDE = ("-wal", "-shm", "-journal", "-skips", "-views")


def kind_of(path: Path) -> str | None:
    """Return what is at a path that cannot be had again; None where it can, or nothing is.

    It is a private key, a database, a signed note; or what a database has beside it.
    """
    for end in _BESIDE:
        if path.name.endswith(end) and _begins(path.with_name(path.name.removesuffix(end))):
            return "a part of a database"
    begin = _begin(path)
    if begin.startswith(b"PRIVATE+KEY+"):
        return "a private key"
    if begin.startswith(_DATABASE):
        return "a database"
    try:
        notes.parse_note(begin)
    except NoteError:
        return None
    return "a signed note"


def require_replaceable(path: Path) -> None:
    """Refuse a path at which something is that cannot be had again.

    Raises:
        InvalidInput: It is.
    """
    if kind := kind_of(path):
        raise InvalidInput(f"{path} is {kind}, and is not overwritten: give another name")


def _begins(path: Path) -> bool:
    return _begin(path).startswith(_DATABASE)


def _begin(path: Path) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(1 << 16)
