"""The folder of a site: which of its files are the site's own, and how they get there.

A manifest, `.ledger-site.json`, names the files of the last export with the SHA-256 of each. Files
that it does not name are somebody else's: they are never written, and never removed. One that it
names, and that was changed since, is not removed either when the site needs it no more: it stays
named, and every export says so, since it may hold text that was erased. Until an export is done,
a journal beside the manifest names what it writes; so what one that was killed has written is
known to the next.
"""

from __future__ import annotations

import fcntl
import os
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from ledger.errors import InvalidInput
from ledger.site.files import MOST_NAME_BYTES, is_short_enough

FORMAT = 1
"""The version of the manifest."""

MANIFEST = ".ledger-site.json"
_JOURNAL = ".ledger-site.journal"
_FRESH = ".ledger-site.new"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an export has made.

    Attributes:
        format: The version of this file's format.
        ledger: The id of the ledger.
        base_url: The address that feeds and sitemaps give; None until an export is done.
        as_of: The moment that was published, as it was asked for; None for the present.
        known_at: What was known, likewise.
        files: Each file's path below the folder, with the SHA-256 of its content; where it is no
            longer part of the site, of what it was.
    """

    format: int
    ledger: str
    base_url: str | None
    as_of: str | None
    known_at: str | None
    files: dict[str, str]


class SiteReport(msgspec.Struct, frozen=True):
    """What an export came to.

    Attributes:
        base_url: The address that feeds and sitemaps give.
        written: How many files were new or had another content.
        left: How many were there already, as they are to be.
        removed: How many were no longer part of the site.
        stay: Of each file that is no longer part of the site, but was changed since and so is
            still there, a line that says so.
        notes: What somebody may want to know, a line each.
    """

    base_url: str
    written: int
    left: int
    removed: int
    stay: tuple[str, ...]
    notes: tuple[str, ...]


class Folder:
    """A folder that a site is exported to. Use it as a context manager: it is locked so long.

    Args:
        root: Where; made if it is not there.
        ledger: The id of the ledger.

    Attributes:
        base_url: The address that the last export gave; None where there was none.

    Raises:
        InvalidInput: It cannot be written, another export is at work in it, or it holds the site
            of another ledger.
    """

    def __init__(self, root: Path, ledger: str) -> None:
        self.base_url: str | None = None
        self._root = root
        self._ledger = ledger
        self._owned: defaultdict[str, set[str]] = defaultdict(set)
        self._files: dict[str, str] = {}
        self._stay: dict[str, str] = {}
        self._folders = {root}
        self._notes: list[str] = []
        self._written = self._left = 0
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        with _told(self._root), self._closing:
            self._root.mkdir(parents=True, exist_ok=True)
            self._lock()
            fresh = self._root / _FRESH
            _require_file(fresh)
            self._closing.callback(fresh.unlink, missing_ok=True)
            self._read_manifest()
            whole = self._read_journal()
            if not (self._root / MANIFEST).exists():
                # Whose folder it is, whatever happens.
                self._write_manifest(None, None, None)
            journal = (self._root / _JOURNAL).open("ab", buffering=0)
            self._journal = self._closing.enter_context(journal)
            self._journal.truncate(whole)
            self._closing = self._closing.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with _told(self._root):
            self._closing.close()

    def put(self, path: str, data: bytes) -> None:
        """Have a file hold `data`; it is written whole or not at all, and left if it does already.

        Args:
            path: Where, below the folder, its parts joined by `/`.
            data: What.

        Raises:
            InvalidInput: The path leads out of the folder, somebody else's file is there, or it
                cannot be written.
        """
        target = self._root.joinpath(*_parts(path))
        digest = sha256(data).hexdigest()
        self._files[path] = digest
        with _told(target):
            self._make_folder(target.parent)
            found = _content(target)
            if path not in self._owned and found not in {None, data}:
                raise InvalidInput(
                    f"{target} is there, and no export made it: move it away, or export to "
                    "another folder"
                )
            if digest not in self._owned[path]:
                # Before it is written, so that it is known to be ours whatever happens.
                self._record(f"{digest} {path}\n".encode())
                self._owned[path].add(digest)
            if found == data:
                self._left += 1
                return
            self._replace(target, data)
            self._written += 1

    def note(self, text: str) -> None:
        """Have something told when the export is done."""
        self._notes.append(text)

    def finish(self, base_url: str, as_of: str | None, known_at: str | None) -> SiteReport:
        """Remove what is no longer part of the site, write the manifest, say what was done."""
        with _told(self._root):
            removed = sum(map(self._remove, sorted(self._owned.keys() - self._files.keys())))
            self._write_manifest(base_url, as_of, known_at)
            (self._root / _JOURNAL).unlink()
        stay = (
            f"{self._root / path} is no longer part of the site, but was changed since: it stays, "
            "with all that it says, until somebody removes it"
            for path in self._stay
        )
        notes = (*self._notes, *_alike(self._files))
        return SiteReport(base_url, self._written, self._left, removed, tuple(stay), notes)

    def _record(self, line: bytes) -> None:
        """Append to the journal; a full disk takes a part of a line first, and then fails."""
        while line:
            line = line[self._journal.write(line) :]

    def _write_manifest(
        self, base_url: str | None, as_of: str | None, known_at: str | None
    ) -> None:
        manifest = Manifest(
            format=FORMAT,
            ledger=self._ledger,
            base_url=base_url,
            as_of=as_of,
            known_at=known_at,
            files=dict(sorted({**self._stay, **self._files}.items())),
        )
        data = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
        self._replace(self._root / MANIFEST, data)

    def _replace(self, target: Path, data: bytes) -> None:
        """Write a file whole or not at all.

        The disk is not waited for: what a power cut takes, the next export writes again.
        """
        fresh = self._root / _FRESH
        fresh.unlink(missing_ok=True)
        with fresh.open("xb") as file:
            file.write(data)
        fresh.replace(target)

    def _lock(self) -> None:
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        self._closing.callback(os.close, handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidInput(
                f"another export is at work in {self._root}: try again when it is done"
            ) from None

    def _read_manifest(self) -> None:
        data = _content(self._root / MANIFEST)
        if data is None:
            return
        try:
            found = msgspec.json.decode(data, type=Manifest)
        except msgspec.DecodeError:
            raise InvalidInput(
                f"{self._root / MANIFEST} cannot be read, so it is not known which files are the "
                "site's: export to another folder"
            ) from None
        if found.format > FORMAT:
            raise InvalidInput(
                f"{self._root} holds a site of a newer program: export to another folder"
            )
        if found.ledger != self._ledger:
            raise InvalidInput(
                f"{self._root} holds the site of another ledger: export to another folder"
            )
        self.base_url = found.base_url
        for path, digest in found.files.items():
            self._own(path, digest)

    def _read_journal(self) -> int:
        """Return how many bytes its whole lines have.

        The last line may be cut short: what it names was not written.
        """
        data = _content(self._root / _JOURNAL) or b""
        whole = data.rfind(b"\n") + 1
        for line in data[:whole].decode(errors="replace").split("\n")[:-1]:
            digest, _, path = line.partition(" ")
            self._own(path, digest)
        return whole

    def _own(self, path: str, digest: str) -> None:
        _parts(path)
        self._owned[path].add(digest)

    def _make_folder(self, folder: Path) -> None:
        if folder in self._folders:
            return
        self._make_folder(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir()
        _require(folder, stat.S_ISDIR(folder.lstat().st_mode), "a folder")
        self._folders.add(folder)

    def _remove(self, path: str) -> bool:
        """Return whether a file was removed, with the folders that are empty without it.

        What somebody put in its place, or in that of a folder, stays, and is not forgotten.
        """
        target = self._root.joinpath(*_parts(path))
        folders = [folder for folder in target.parents if folder.is_relative_to(self._root)]
        if not target.exists():
            return False
        is_linked = any(way.is_symlink() for way in (target, *folders[:-1]))
        if is_linked or not target.is_file() or _digest(target) not in self._owned[path]:
            self._stay[path] = min(self._owned[path])
            return False
        target.unlink()
        with suppress(OSError):
            for folder in folders[:-1]:
                folder.rmdir()
        return True


def _parts(path: str) -> list[str]:
    """Return the names that a path is made of, all of them safe on disk.

    Raises:
        InvalidInput: One leads out of the folder, is too long, or is kept for ourselves.
    """
    parts = path.split("/")
    for name in parts:
        if name in {"", ".", ".."} or "\\" in name or "\0" in name:
            raise InvalidInput(f"{path!r} is no path below a folder")
        if not is_short_enough(name):
            raise InvalidInput(f"{name!r} is longer than {MOST_NAME_BYTES} bytes")
    if parts[0] in {MANIFEST, _JOURNAL, _FRESH}:
        raise InvalidInput(f"{path!r} is kept for the export itself")
    return parts


def _content(path: Path) -> bytes | None:
    """Return what a file holds; None where there is none. See `_require_file`."""
    return path.read_bytes() if _require_file(path) else None


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _require_file(path: Path) -> bool:
    """Return whether there is a file.

    Raises:
        InvalidInput: Something else is there, as a link that may lead anywhere.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    _require(path, stat.S_ISREG(mode), "a file")
    return True


def _require(path: Path, is_so: bool, kind: str) -> None:
    if not is_so:
        raise InvalidInput(
            f"{path} is not {kind}, and is not followed or replaced: move it away, or export to "
            "another folder"
        )


def _alike(files: dict[str, str]) -> Iterator[str]:
    """Yield a note where files differ only in what some file systems take for the same."""
    same: defaultdict[str, list[str]] = defaultdict(list)
    for path in files:
        same[unicodedata.normalize("NFC", path).casefold()].append(path)
    clashes = [" and ".join(paths) for paths in same.values() if len(paths) > 1]
    if clashes:
        yield (
            f"{len(clashes)} times, paths differ only in capitals, as {clashes[0]} do: a file "
            "system that does not tell them apart cannot hold both"
        )


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say of a failure of the file system where it was."""
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}") from error
