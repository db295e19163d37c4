"""Git repositories of a small site, made commit by commit."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Unpack

from ledger import Ledger
from ledger.domain.events import RecordedEvent
from ledger.interchange.git.history import GitOptions, GitReport
from ledger.pages.markdown import render
from ledger.pages.model import Page
from tests.conftest import NOW
from tests.interchange.site import ACTOR

FIRST = NOW - timedelta(days=100)
"""When the first commit was made; each that follows is an hour later."""

AUTHOR = "Ada Reed"


def git(folder: Path, *arguments: str, at: datetime = FIRST) -> str:
    """Run git; return what it says."""
    seconds = f"{int(at.timestamp())} +0100"
    person = {"NAME": AUTHOR, "EMAIL": "ada@gazette.example", "DATE": seconds}
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "core.ignoreCase=false", *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            **{f"GIT_AUTHOR_{name}": value for name, value in person.items()},
            **{f"GIT_COMMITTER_{name}": value for name, value in person.items()},
            "GIT_CONFIG_GLOBAL": os.devnull,
        },
    )
    return done.stdout.strip()


class Archive:
    """A repository of pages."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.commits: list[str] = []
        git(folder, "init", "--quiet", "--initial-branch=master")

    def commit(
        self,
        files: dict[str, Page | str | bytes | None],
        subject: str = "News update",
        at: datetime | None = None,
    ) -> str:
        """Commit files, of which those that are None are removed; return its hash."""
        for name, content in files.items():
            file = self.folder / name
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            text = render(content) if isinstance(content, Page) else content
            file.write_bytes(text.encode() if isinstance(text, str) else text)
        git(self.folder, "add", "--all")
        when = self.time(len(self.commits)) if at is None else at
        git(self.folder, "commit", "--quiet", "--allow-empty", "--message", subject, at=when)
        self.commits.append(git(self.folder, "rev-parse", "HEAD"))
        return self.commits[-1]

    @staticmethod
    def time(number: int) -> datetime:
        """When a commit was made, by its number from 0."""
        return FIRST + timedelta(hours=number)


def told(report: GitReport) -> dict[str, Any]:
    """What a report says: counts that are not zero, and failures as the lines they print as."""
    counts: dict[str, Any] = {
        "commits": report.commits,
        "changes": report.changes,
        **{str(kind): number for kind, number in report.stored.items()},
        **{str(fate): number for fate, number in report.fates.items()},
        "failures": [str(failure) for failure in report.failures],
    }
    return {name: count for name, count in counts.items() if count}


def take(ledger: Ledger, archive: Archive, **options: Unpack[GitOptions]) -> dict[str, Any]:
    """Import an archive; return what the report tells."""
    return told(ledger.import_git(archive.folder, actor=ACTOR, **options))


def events(ledger: Ledger) -> list[RecordedEvent]:
    """All events."""
    return list(ledger.events())
