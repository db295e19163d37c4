"""git: a file an entry, a commit an edit.

Edits are committed by `git add` and `git commit`, as by who keeps news in a repository; a bulk
load goes through `git fast-import`, its quickest way in.
"""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from benchmark.contestant import Contestant, bytes_in, cannot
from benchmark.workload import Change

BRANCH = "refs/heads/main"


class Git(Contestant):
    """A git repository with its working tree."""

    name = "git"
    fewer: ClassVar[dict[str, int]] = {"append": 10, "current": 250, "changes": 5, "as_of": 5}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._entries: dict[int, dict[str, Any]] = {}
        self._blobs: subprocess.Popen[bytes] | None = None
        self._git("init", "--quiet", "--initial-branch=main")
        for name, value in (
            ("user.name", "bench"),
            ("user.email", "bench@bench.example"),
            # Housekeeping goes on in the background, into the time of others.
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
        ):
            self._git("config", name, value)

    def about(self) -> str:
        """Return its version, and what it syncs."""
        asked = ("config", "--default", "unset", "--get")
        fsync, method = (self._git(*asked, f"core.{name}") for name in ("fsync", "fsyncMethod"))
        return (
            f"{self._git('version')}, core.fsync={fsync}, core.fsyncMethod={method} (its defaults "
            "do not sync loose objects); git fast-import for bulk load, git add and git commit "
            "for an edit"
        )

    def close(self) -> None:
        """End the process that reads."""
        if self._blobs is not None:
            self._blobs.communicate()

    # Writing

    def load(self, prepared: list[Change]) -> None:
        """Import a stream of commits."""
        has_some = bool(self._entries)
        stream = bytearray()
        for number, change in enumerate(prepared):
            page = self._page(change)
            stream += (
                f"commit {BRANCH}\n"
                f"committer {change.actor} <{change.actor}@bench.example> "
                f"{int(change.at.timestamp())} +0000\ndata 4\nEdit\n"
            ).encode()
            if has_some and number == 0:
                stream += f"from {BRANCH}^0\n".encode()
            stream += f"M 100644 inline {self._place(change.entry)}\ndata {len(page)}\n".encode()
            stream += page + b"\n"
        self._git("fast-import", "--quiet", "--date-format=raw", given=bytes(stream))

    def append(self, change: Change) -> None:
        """Write a file, add it, commit."""
        page = self._page(change)
        place = self._place(change.entry)
        file = self.folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(page)
        at = f"{int(change.at.timestamp())} +0000"
        self._git("add", place)
        self._git("commit", "--quiet", "--message=Edit", "--date", at, at=at)

    append_beside = cannot

    def settle(self) -> None:
        """Have a working tree."""
        self._git("reset", "--quiet", "--hard")

    def _page(self, change: Change) -> bytes:
        if change.new is not None:
            day = change.new.day.isoformat()
            self._entries[change.entry] = change.new._asdict() | {"day": day}
        else:
            self._entries[change.entry].update(change.edited)
        return json.dumps(self._entries[change.entry], indent=1).encode()

    def _place(self, entry: int) -> str:
        return f"{self._entries[entry]['day'].replace('-', '/')}/{entry}.json"

    # Reading

    def current(self, entry: int) -> Any:
        """Read what the branch has."""
        return self._read(f"{BRANCH}:{self._place(entry)}")

    def changes(self, entry: int) -> list[tuple[int, int, str]]:
        """Read each version of the file, and leave out those that kept their headline."""
        place = self._place(entry)
        log = self._git("log", "--reverse", "--format=%H %ct", BRANCH, "--", place).splitlines()
        lines: list[tuple[int, int, str]] = []
        for number, line in enumerate(log, 1):
            commit, at = line.split()
            headline = self._read(f"{commit}:{place}")["headline"]
            if not lines or headline != lines[-1][2]:
                lines.append((number, int(at), headline))
        return lines

    def as_of(self, entry: int, at: datetime) -> Any:
        """Find the last commit until then, and read what it has."""
        commit = self._git("rev-list", "-1", f"--before={at.isoformat()}", BRANCH)
        return self._read(f"{commit}:{self._place(entry)}")

    by_path = search = current_in_view = changes_in_view = path = cannot

    # Upkeep

    rebuild = rebuild_all = verify = cannot

    def size(self) -> int:
        """Return the bytes of the repository, the working tree left out."""
        return bytes_in(self.folder / ".git")

    # What answers say

    def said(self, version: Any) -> tuple[object, ...]:
        """Return the fields."""
        sources = tuple(map(tuple, version["sources"]))
        return version["headline"], version["summary"], sources, tuple(version["contexts"])

    def listed(self, changes: list[tuple[int, int, str]]) -> list[tuple[int, datetime, str]]:
        """Return the lines."""
        return [
            (number, datetime.fromtimestamp(at, UTC), headline) for number, at, headline in changes
        ]

    # Processes

    def _git(self, *arguments: str, given: bytes | None = None, at: str | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            input=given,
            capture_output=True,
            check=True,
            env={**os.environ, "GIT_COMMITTER_DATE": at} if at else None,
        )
        return done.stdout.decode().strip()

    def _read(self, name: str) -> Any:
        if self._blobs is None:
            self._blobs = subprocess.Popen(
                ["git", "cat-file", "--batch"],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        given, answered = self._blobs.stdin, self._blobs.stdout
        assert given is not None
        assert answered is not None
        given.write(f"{name}\n".encode())
        given.flush()
        length = int(answered.readline().split()[2])
        content = answered.read(length + 1)
        return json.loads(content)
