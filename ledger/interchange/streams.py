"""Files read and written as streams: `-` for pipes, Zstandard where the name ends in .zst."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from types import ModuleType
from typing import IO

from ledger.errors import InvalidInput, MissingExtra

_BUFFER = 1 << 20


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes]]:
    """Lend what a file holds; `-` is the standard input.

    Raises:
        InvalidInput: It cannot be read, or is damaged; also while it is read.
        MissingExtra: It ends in .zst, and zstandard is not installed.
    """
    if str(path) == "-":
        yield sys.stdin.buffer
        return
    zstd = _zstandard() if path.suffix == ".zst" else None
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    with file:
        yield io.BufferedReader(_Source(path, file, zstd), _BUFFER)


class _Source(io.RawIOBase):
    """A file that tells what is wrong with it in a line."""

    def __init__(self, path: Path, file: IO[bytes], zstd: ModuleType | None) -> None:
        self._path = path
        self._errors: tuple[type[Exception], ...] = (OSError,)
        self._file = file
        if zstd is not None:
            self._errors = (OSError, zstd.ZstdError)
            self._file = zstd.ZstdDecompressor().stream_reader(file, read_across_frames=True)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            found = self._file.read(len(buffer))
        except self._errors as error:
            why = error.strerror if isinstance(error, OSError) else "its compression is damaged"
            raise InvalidInput(f"{self._path} cannot be read: {why}") from error
        buffer[: len(found)] = found
        return len(found)


@contextmanager
def writing(path: Path, *, over: bool = False) -> Iterator[IO[bytes]]:
    """Lend a file to write, which comes to be whole or not at all; `-` is the standard output.

    Args:
        path: Which. A device or a pipe is written to, not replaced.
        over: Whether it may take the place of a file that is there.

    Raises:
        InvalidInput: It cannot be written, or is there already.
        MissingExtra: It ends in .zst, and zstandard is not installed.
    """
    if str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    if not path.name:
        raise InvalidInput("name a file to write to")
    zstd = _zstandard() if path.suffix == ".zst" else None
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as special, _packed(special, zstd) as file:
                yield file
            return
        target = path.resolve()
        _require_new(path, over)
        fresh = target.with_name(f".{target.name}.{token_hex(4)}")
        try:
            with fresh.open("xb") as raw:
                with _packed(raw, zstd) as file:
                    yield file
                raw.flush()
                os.fsync(raw.fileno())
            _require_new(path, over)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}") from error


def _require_new(path: Path, over: bool) -> None:
    if not over and os.path.lexists(path):
        raise InvalidInput(f"{path} is there already: give another name, or --force to replace it")


@contextmanager
def _packed(file: IO[bytes], zstd: ModuleType | None) -> Iterator[IO[bytes]]:
    if zstd is None:
        yield file
        return
    packer = zstd.ZstdCompressor(write_checksum=True)
    with packer.stream_writer(file, closefd=False) as packed:
        yield packed


def _zstandard() -> ModuleType:
    try:
        import zstandard
    except ImportError:
        raise MissingExtra(
            "files that end in .zst need the package zstandard: pip install 'ledger[zstd]'"
        ) from None
    return zstandard
