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
from ledger.irreplaceable import require_replaceable

_BUFFER = 1 << 20
_PACKED = 1 << 12
"""How many bytes are unpacked at once: they may come to some thousand times as many."""

_OTHERS = frozenset({".gz", ".bz2", ".xz", ".zip", ".7z", ".lz4", ".br"})


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes]]:
    """Lend what a file holds; `-` is the standard input.

    Raises:
        InvalidInput: It cannot be read, or is damaged; also while it is read.
        MissingExtra: It ends in .zst, and zstandard is not installed.
    """
    if str(path) == "-":
        if sys.stdin is None:
            raise InvalidInput("there is no input: name a file")
        yield sys.stdin.buffer
        return
    zstd = _packing(path)
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
        size = _BUFFER if zstd is None else _PACKED
        self._read: Iterator[bytes] = iter(lambda: file.read(size), b"")
        if zstd is not None:
            self._errors = (OSError, zstd.ZstdError)
            self._read = self._unpacked(zstd, self._read)
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            while not self._left and (more := next(self._read, None)) is not None:
                self._left = more
        except self._errors as error:
            why = error.strerror if isinstance(error, OSError) else "its compression is damaged"
            raise InvalidInput(f"{self._path} cannot be read: {why}") from error
        found, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(found)] = found
        return len(found)

    def _unpacked(self, zstd: ModuleType, packed: Iterator[bytes]) -> Iterator[bytes]:
        """Yield what frames hold, one behind the other.

        Raises:
            InvalidInput: The last one was cut short.
        """
        frame = zstd.ZstdDecompressor().decompressobj()
        is_cut = True
        for chunk in packed:
            left = chunk
            while left:
                yield frame.decompress(left)
                is_cut, left = not frame.eof, frame.unused_data
                if frame.eof:
                    frame = zstd.ZstdDecompressor().decompressobj()
        if is_cut:
            raise InvalidInput(f"{self._path} was cut short: it does not end as Zstandard does")


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
        if sys.stdout is None:
            raise InvalidInput("there is no output: name a file")
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    if not path.name:
        raise InvalidInput("name a file to write to")
    zstd = _packing(path)
    require_replaceable(path)
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as special, _packed(special, zstd) as file:
                yield file
            return
        target = path.resolve()
        _require_new(path, over)
        # Not by its name, which may be as long as a name can be.
        fresh = target.with_name(f".ledger-{token_hex(8)}")
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


def _packing(path: Path) -> ModuleType | None:
    """Return what packs a file of this name; None: nothing does.

    Raises:
        InvalidInput: It would be packed in a way that is not known here.
        MissingExtra: It ends in .zst, and zstandard is not installed.
    """
    if path.suffix.lower() in _OTHERS:
        raise InvalidInput(
            f"{path} is named like a file that is packed otherwise than by Zstandard: let it end "
            "in .zst, or use - and a pipe"
        )
    return _zstandard() if path.suffix == ".zst" else None


def _zstandard() -> ModuleType:
    try:
        import zstandard
    except ImportError:
        raise MissingExtra(
            "files that end in .zst need the package zstandard: pip install 'ledger[zstd]'"
        ) from None
    return zstandard
