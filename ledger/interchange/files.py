"""The files that an import reads, and the reports it makes of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ledger.errors import InvalidInput, PageError

SUFFIXES = frozenset({".md", ".markdown", ".txt"})
INDEX_NAMES = frozenset({"index", "readme"})


class PageFile(msgspec.Struct, frozen=True):
    """A file to import: where it is, and what it is called from the folder that was named."""

    path: Path
    name: str

    @property
    def is_index(self) -> bool:
        """Whether its name says that it is derived, as a day's index is."""
        return self.path.stem.lower() in INDEX_NAMES


class Failure(msgspec.Struct, frozen=True):
    """What is to be said of a file.

    Attributes:
        file: Its name.
        line: The line that it is about, from 1; 0 where it is about the file as a whole.
        message: What it is.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.message}"


def walk(paths: Sequence[Path]) -> Iterator[PageFile]:
    """Yield the files in `paths`, in an order that does not depend on the file system.

    Raises:
        InvalidInput: A path is neither a file nor a folder, or a folder cannot be read.
    """
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path, onerror=_refuse):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                for name in sorted(names):
                    file = Path(folder, name)
                    if file.suffix.lower() in SUFFIXES and not name.startswith("."):
                        yield PageFile(file, file.relative_to(path).as_posix())
        elif path.is_file():
            yield PageFile(path, path.name)
        else:
            raise InvalidInput(f"{path} is neither a file nor a folder")


def _refuse(error: OSError) -> None:
    raise InvalidInput(f"the folder {error.filename} cannot be read: {error.strerror}")


def read_text(path: Path) -> str:
    """Return a file's text, with LF at the end of each line.

    Raises:
        PageError: It cannot be read, or is no UTF-8 text.
    """
    try:
        return decode_text(path.read_bytes())
    except OSError as error:
        raise PageError(f"it cannot be read: {error.strerror}") from None


def decode_text(data: bytes) -> str:
    """Return UTF-8 text, with LF at the end of each line and without a byte order mark.

    Raises:
        PageError: It is none.
    """
    if b"\0" in data[:8192]:
        raise PageError("it is a binary file, no page")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise PageError("it is not UTF-8 text; convert it first", line) from None
    return text.replace("\r\n", "\n")
