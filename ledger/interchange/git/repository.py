"""A git repository, read as a stream by git's own plumbing.

`git log --raw` tells which files each commit changed, `git cat-file --batch` what was in them.
Neither is read ahead by more than a chunk, so a history of any length takes the same memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

import msgspec

from ledger.errors import InvalidInput
from ledger.interchange.git.process import CHUNK, Git, Objects

Item = TypeVar("Item")

# Symbolic links, submodules and trees are no pages.
_FILES = frozenset({"100644", "100755", "100664"})
# Nothing that the repository's own settings could change.
_LOG = (
    *("--raw", "-z", "--no-renames", "--no-abbrev", "--reverse", "-O/dev/null"),
    *("--first-parent", "--diff-merges=first-parent"),
    *("--encoding=UTF-8", "--format=%H%n%ct%n%an%n%ae%n%s"),
)
_SETTINGS = ("-c", "log.showRoot=true", "-c", "log.showSignature=false")


class Change(msgspec.Struct, frozen=True):
    """A file that a commit changed.

    Attributes:
        path: Its path in the repository.
        old: The object that it was; None where there was no such file.
        new: The object that it is; None where there is none any more.
    """

    path: str
    old: str | None
    new: str | None


class Commit(msgspec.Struct, frozen=True):
    """A commit, and what it changed against its first parent.

    Attributes:
        id: Its hash.
        at: When it was committed; aware, UTC.
        author: Who wrote it, by name, or else by address.
        subject: The first line of its message.
        changes: The files that it changed, by path.
    """

    id: str
    at: datetime
    author: str
    subject: str
    changes: list[Change]

    @property
    def removes(self) -> bool:
        """Whether it removes a file."""
        return any(change.new is None for change in self.changes)


class Repository:
    """A repository: a work tree, a bare one, or a bundle; use it as a context manager.

    Args:
        path: Where it is.

    Raises:
        InvalidInput: There is none, it cannot be read, or git is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closing = ExitStack()
        self._single: Objects | None = None
        try:
            is_folder, is_there = path.is_dir(), path.exists()
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror}") from None
        if is_folder:
            self._git = Git(path, path)
            found, said = self._git.try_("rev-parse", "--show-prefix")
            if not found:
                raise InvalidInput(f"{path} is no git repository: {said}")
            if said:
                raise InvalidInput(f"{path} is no git repository, but a folder of one: name that")
        elif is_there:
            self._git = self._unbundled()
        else:
            raise InvalidInput(f"{path} is not there: name a git repository, or a bundle")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what is being read, and remove what a bundle was unpacked to."""
        self._git.close()
        self._closing.close()

    # Commits

    def tip(self, branch: str | None) -> str:
        """Return the hash of the last commit of a branch; None: of HEAD.

        Raises:
            InvalidInput: There is no such branch, or nothing on it.
        """
        if branch is None:
            return self.commit(None)
        named = (self._commit(f"refs/{kind}/{branch}") for kind in ("heads", "remotes"))
        return next(filter(None, named), None) or self.commit(branch)

    def commit(self, name: str | None) -> str:
        """Return the hash of the commit that a branch, tag or hash names; None: of HEAD.

        Raises:
            InvalidInput: There is no such commit.
        """
        found = self._commit(name or "HEAD")
        if found is not None:
            return found
        if name is not None:
            raise InvalidInput(f"{self._path} has no branch, tag or commit called {name!r}")
        branches = self._git.ask(
            "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes"
        )
        hint = f"name another branch: {', '.join(branches.split())}" if branches else "it is empty"
        raise InvalidInput(f"{self._path} has no commit on its branch: {hint}")

    def parent(self, commit: str) -> str | None:
        """Return the first parent of a commit; None where it has none."""
        return self._commit(f"{commit}^1")

    def is_shallow(self) -> bool:
        """Return whether its history begins in the middle."""
        return self._git.ask("rev-parse", "--is-shallow-repository") == "true"

    def history(self, until: str) -> Iterator[str]:
        """Yield the hashes of a commit and of its first parents, newest first."""
        with self._git.stream("rev-list", "--first-parent", until, "--") as output:
            for line in output:
                yield line.decode().strip()

    def order(self, tip: str) -> Order:
        """Return the order of the commits that lead to one."""
        return Order(self._git, tip, self.history(tip))

    def count(self, since: str | None, until: str) -> int:
        """Return how many commits `commits` yields."""
        return int(self._git.ask("rev-list", "--count", "--first-parent", *_range(since, until)))

    def commits(self, since: str | None, until: str) -> Iterator[Commit]:
        """Yield commits, oldest first, along the first parents: what the branch itself showed.

        Args:
            since: The hash of the commit before the first; None: from the beginning.
            until: The hash of the last.

        Raises:
            InvalidInput: The history cannot be read.
        """
        with self._git.stream(
            *_SETTINGS,
            "log",
            *_LOG,
            *_range(since, until),
        ) as output:
            yield from _commits(_fields(output))

    # Contents

    def contents(self, items: Iterable[tuple[Item, str]]) -> Iterator[tuple[Item, bytes]]:
        """Yield each item with the content of its object, in their order.

        Raises:
            InvalidInput: An object is missing.
        """
        coming = iter(items)
        with self._git.objects(at_once=False) as objects:
            chunk = _ask(objects, coming)
            while chunk:
                # Git works at the next ones while these are used.
                ahead = _ask(objects, coming) if len(chunk) == CHUNK else []
                for item, name in chunk:
                    yield item, objects.take(name)
                chunk = ahead

    def content(self, name: str) -> bytes:
        """Return the content of one object.

        Raises:
            InvalidInput: It is missing.
        """
        if self._single is None:
            self._single = self._closing.enter_context(self._git.objects(at_once=True))
        self._single.ask(name)
        return self._single.take(name)

    def files(self, commit: str) -> Iterator[tuple[str, str]]:
        """Yield path and object of each file of a commit."""
        with self._git.stream("ls-tree", "-r", "-z", "--full-tree", commit) as output:
            for field in _fields(output):
                about, _, path = field.partition(b"\t")
                mode, _, name = about.decode().split()
                if mode in _FILES:
                    yield path.decode(errors="replace"), name

    def _commit(self, name: str) -> str | None:
        if name.startswith("-"):
            return None
        found, said = self._git.try_("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return said if found else None

    def _unbundled(self) -> Git:
        folder = Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="ledger-")))
        bundle = str(self._path.absolute())
        cloned, said = Git(folder, self._path).try_("clone", "--quiet", "--bare", bundle, "bundle")
        if not cloned:
            self._closing.close()
            raise InvalidInput(f"{self._path} is no git repository, and no bundle: {said}")
        return Git(folder / "bundle", self._path)


class Order:
    """The commits of a history, along its first parents, each with its number from 0.

    Args:
        git: Runs in the repository.
        tip: The last of them.
        newest_first: All of them.
    """

    def __init__(self, git: Git, tip: str, newest_first: Iterable[str]) -> None:
        self._git = git
        self._tip = tip
        oldest_first = reversed(list(newest_first))
        self._numbers = {commit: number for number, commit in enumerate(oldest_first)}
        self._others: dict[str, int] = {}

    def __contains__(self, commit: str) -> bool:
        return commit in self._numbers

    def __getitem__(self, commit: str) -> int:
        return self._numbers[commit]

    def get(self, commit: str, otherwise: int) -> int:
        """Return the number of a commit, or what is to stand for one that is not of them."""
        return self._numbers.get(commit, otherwise)

    def reached(self, commit: str) -> int:
        """Return how far into this history another one comes that ends at a commit; -1: not."""
        if commit in self._numbers:
            return self._numbers[commit]
        if commit not in self._others:
            _, base = self._git.try_("merge-base", self._tip, commit)
            self._others[commit] = self._numbers.get(base, -1)
        return self._others[commit]


def _ask(objects: Objects, items: Iterator[tuple[Item, str]]) -> list[tuple[Item, str]]:
    chunk = list(islice(items, CHUNK))
    objects.ask(*(name for _, name in chunk))
    if len(chunk) < CHUNK:
        objects.no_more()
    return chunk


def _range(since: str | None, until: str) -> tuple[str, ...]:
    return (until, "--") if since is None else (until, f"^{since}", "--")


def _fields(output: IO[bytes]) -> Iterator[bytes]:
    """Yield what a stream holds, each ended by a NUL: what is not was cut short."""
    rest = b""
    while more := output.read(1 << 16):
        *whole, rest = (rest + more).split(b"\0")
        yield from whole


def _commits(fields: Iterator[bytes]) -> Iterator[Commit]:
    commit: Commit | None = None
    for field in fields:
        about = field.lstrip(b"\n")
        if commit is not None and about.startswith(b":"):
            path = next(fields, None)
            change = None if path is None else _change(about.decode(), path)
            if change is not None:
                commit.changes.append(change)
        elif about:
            if commit is not None:
                yield commit
            commit = _commit(about.decode(errors="replace"))
    if commit is not None:
        yield commit


def _commit(about: str) -> Commit:
    name, seconds, author, address, subject = about.split("\n", 4)
    try:
        at = datetime.fromtimestamp(int(seconds), UTC)
    except (OSError, OverflowError, ValueError):
        # No calendar goes as far as git lets a clock be wrong.
        at = datetime.max.replace(tzinfo=UTC)
    return Commit(name, at, author or address, subject.strip(), [])


def _change(about: str, path: bytes) -> Change | None:
    """Read `:old-mode new-mode old-object new-object status`; None where neither is a file."""
    old_mode, new_mode, old, new, _ = about[1:].split()
    before = old if old_mode in _FILES else None
    after = new if new_mode in _FILES else None
    if before is after is None:
        return None
    return Change(path.decode(errors="replace"), before, after)
