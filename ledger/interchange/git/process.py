"""The program git: run in a repository, with nothing of the surroundings or of the network."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from ledger.errors import InvalidInput

CHUNK = 500
"""Objects asked for at once: the questions of two chunks fit into a pipe, so that neither side
waits for the other, and what one brings is more than git keeps back before it writes."""

MOST = 1 << 22
"""How many bytes of an object are read: more than any page has."""

_PIPE = 1 << 20
"""How many bytes git may be ahead of whoever reads, where the system has such pipes."""


class TooLarge(bytes):
    """Stands for what is larger than `MOST`."""


class Git:
    """Runs git in one folder.

    Args:
        folder: A work tree or a bare repository; what encloses it does not count.
        shown: What errors call it.
    """

    def __init__(self, folder: Path, shown: Path) -> None:
        self._folder = folder
        self._shown = shown
        self._running: set[subprocess.Popen[bytes]] = set()

    def close(self) -> None:
        """End whatever still runs."""
        for process in list(self._running):
            self._end(process)

    def try_(self, *arguments: str) -> tuple[bool, str]:
        """Run git; return whether it succeeded, and what it said then: output or complaint."""
        with self._run(*arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as git:
            said, complaint = git.communicate()
        return git.returncode == 0, _text(said if git.returncode == 0 else complaint)

    def ask(self, *arguments: str) -> str:
        """Run git; return what it said.

        Raises:
            InvalidInput: It failed.
        """
        succeeded, said = self.try_(*arguments)
        if not succeeded:
            raise self._unreadable(said)
        return said

    @contextmanager
    def stream(self, *arguments: str) -> Iterator[IO[bytes]]:
        """Run git, and lend its output as it comes.

        Raises:
            InvalidInput: It failed.
        """
        with (
            tempfile.TemporaryFile() as complaints,
            self._run(*arguments, stdin=subprocess.DEVNULL, stderr=complaints) as git,
        ):
            yield cast("IO[bytes]", git.stdout)
            if git.wait():
                complaints.seek(0)
                raise self._unreadable(_text(complaints.read()))

    @contextmanager
    def objects(self, *, at_once: bool) -> Iterator[Objects]:
        """Lend what reads objects: at once, or faster, but only `CHUNK` or the last of them."""
        how = ("--batch",) if at_once else ("--batch", "--buffer")
        with self._run("cat-file", *how, stdin=subprocess.PIPE) as git:
            yield Objects(cast("IO[bytes]", git.stdin), cast("IO[bytes]", git.stdout), self)

    def broken(self, why: str) -> InvalidInput:
        """Return the error that the repository is not whole."""
        return InvalidInput(f"{self._shown} {why}: git fsck tells more")

    def _unreadable(self, complaint: str) -> InvalidInput:
        return InvalidInput(f"{self._shown} cannot be read: {complaint}")

    @contextmanager
    def _run(
        self, *arguments: str, stdin: int, stderr: IO[bytes] | int = subprocess.DEVNULL
    ) -> Iterator[subprocess.Popen[bytes]]:
        # What replaces objects would let a repository tell another history than it holds.
        command = ["git", "--no-replace-objects", "-C", str(self._folder), *arguments]
        try:
            process = subprocess.Popen(  # noqa: S603
                command,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=_PIPE,
                env=self._environment(),
            )
        except FileNotFoundError:
            raise InvalidInput("git is not installed, or not in the PATH") from None
        except OSError as error:
            raise InvalidInput(f"git cannot be run: {error.strerror}") from error
        _widen(process.stdout)
        self._running.add(process)
        try:
            yield process
        finally:
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        self._running.discard(process)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return kept | {
            "GIT_ALLOW_PROTOCOL": "file",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }


class Objects:
    """Objects that are asked for ahead, and come in that order."""

    def __init__(self, questions: IO[bytes], answers: IO[bytes], git: Git) -> None:
        self._questions = questions
        self._answers = answers
        self._git = git

    def ask(self, *names: str) -> None:
        """Ask for objects."""
        with suppress(BrokenPipeError):
            self._questions.write("".join(f"{name}\n" for name in names).encode())
            self._questions.flush()

    def no_more(self) -> None:
        """Say that nothing more is asked for: what was kept back comes."""
        with suppress(BrokenPipeError):
            self._questions.close()

    def take(self, name: str) -> bytes:
        """Return the content of the next object.

        Raises:
            InvalidInput: It is missing.
        """
        head = self._answers.readline().split()
        if len(head) != 3:
            raise self._git.broken(f"has no object {name}")
        size = int(head[2])
        if size > MOST:
            return self._passed_over(name, size)
        content = self._answers.read(size + 1)
        if len(content) != size + 1:
            raise self._git.broken(f"has not all of object {name}")
        return content[:-1]

    def _passed_over(self, name: str, size: int) -> TooLarge:
        left = size + 1
        while left:
            read = len(self._answers.read(min(left, _PIPE)))
            if not read:
                raise self._git.broken(f"has not all of object {name}")
            left -= read
        return TooLarge()


def _widen(pipe: IO[bytes] | None) -> None:
    """Let git be further ahead, where the system and its limits allow it."""
    if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


def _text(said: bytes) -> str:
    """Return what git says; of a complaint, the first line."""
    text = said.decode(errors="replace").strip()
    for kind in ("fatal: ", "error: "):
        if text.startswith(kind):
            return text.removeprefix(kind).splitlines()[0]
    return text
