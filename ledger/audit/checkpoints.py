"""Checkpoints (C2SP tlog-checkpoint): the size and the root of a log's tree, as a note."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode

import msgspec

from ledger.errors import NoteError

_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_ROOT = re.compile(r"[A-Za-z0-9+/]{43}=")


class Checkpoint(msgspec.Struct, frozen=True):
    """What a log says of itself.

    Attributes:
        origin: The log's name, for life.
        size: How many events it had: the position of the last.
        root: The root of their tree, 32 bytes.
        extensions: Further lines, not understood here, but signed.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def body(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(body: str) -> Checkpoint:
    """Return the checkpoint that a note's text tells.

    Raises:
        NoteError: It tells none.
    """
    lines = body.removesuffix("\n").split("\n")
    if not body.endswith("\n") or len(lines) < 3 or not all(lines):
        raise NoteError("the note tells no checkpoint: an origin, a size, a root")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size):
        raise NoteError(f"the checkpoint's size is {size!r}, which is no number")
    if not _ROOT.fullmatch(root) or b64encode(b64decode(root)).decode() != root:
        raise NoteError(f"the checkpoint's root is {root!r}, which is no hash")
    return Checkpoint(origin, int(size), b64decode(root), tuple(extensions))
