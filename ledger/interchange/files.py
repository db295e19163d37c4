"""The files that an import reads, and the reports it makes of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ledger.errors import InvalidInput, PageError

SUFFIXES = frozenset({".md", ".markdown", ".txt"})
INDEX_NAMES = frozenset({"index", "readme"})


class PageFile(msgspec.Struct, frozen=True):
    """A file to import.

    Attributes:
        path: Where it is, as it was named.
        name: What it is called from the folder that was named: the same on every machine.
    """

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


def walk(paths: Sequence[Path]) -> Iterator[PageFile | Failure]:
    """Yield the files in `paths`, in an order that does not depend on the file system.

    A folder that cannot be read is yielded as a failure.

    Raises:
        InvalidInput: A path is neither a file nor a folder.
    """
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror}") from None
        if stat.S_ISDIR(mode):
            yield from _walk_folder(path)
        elif stat.S_ISREG(mode):
            yield PageFile(path, _portable(path.name))
        else:
            raise InvalidInput(f"{path} is neither a file nor a folder")


def _walk_folder(root: Path) -> Iterator[PageFile | Failure]:
    errors: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=errors.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            is_page = file.suffix.lower() in SUFFIXES and not name.startswith(".")
            # Not a pipe or a device: reading one might never end.
            if is_page and _is_regular(file):
                yield PageFile(file, _portable(file.relative_to(root).as_posix()))
    for error in errors:
        yield Failure(str(error.filename), 0, f"it cannot be read: {error.strerror}")


def _is_regular(file: Path) -> bool:
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except PermissionError:
        # Reading it will say what is wrong.
        return True
    except OSError:
        return False


def _portable(name: str) -> str:
    """Return a file's name as text that can be stored, whatever bytes it is made of."""
    return os.fsencode(name).decode(errors="replace")


def read_text(path: Path) -> tuple[str, bool]:
    """Return a file's text; see `decode_text`.

    Raises:
        PageError: It cannot be read, or is no UTF-8 text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PageError(f"it cannot be read: {error.strerror}", 0) from None
    return decode_text(data)


def decode_text(data: bytes) -> tuple[str, bool]:
    """Return UTF-8 text, with LF at the end of each line and without a byte order mark.

    Returns:
        The text, and whether it gives the very same bytes again.

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
    text = text.replace("\r\n", "\n")
    return text, text.encode() == data
