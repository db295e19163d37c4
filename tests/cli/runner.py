"""Runs the command line as a process, as a user does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from ledger import Ledger
from tests.cli.nursery import nursery
from tests.stores import SQLiteStore, Store


class Answer(NamedTuple):
    """What a process said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    """A folder to work in, with a store (`news.db` where none is given) and the actor `desk`."""

    def __init__(self, folder: Path, store: Store | None = None) -> None:
        self.folder = folder
        self.store = store or SQLiteStore(folder / "news.db")
        is_here = self.store.at == f"at {folder / 'news.db'}"
        self.environment = {
            "LEDGER_STORE": "sqlite:///news.db" if is_here else self.store.url,
            "LEDGER_ACTOR": "desk",
            "PYTHONUTF8": "1",
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **{name: v for name, v in os.environ.items() if name.startswith("COVERAGE_")},
        }

    def __call__(
        self, *arguments: str, stdin: str | bytes = b"", env: dict[str, str] | None = None
    ) -> Answer:
        """Run `ledger` with these arguments; what is about its start, from its very start."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        if env is None and "PYTHONPATH" not in self.environment:
            status, out, err = nursery().run(arguments, self.folder, self.environment, given)
            return Answer(status, out.decode(), err.decode())
        done = subprocess.run(
            [sys.executable, "-m", "ledger", *arguments],
            cwd=self.folder,
            env=self.environment | (env or {}),
            input=given,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *arguments: str, stdin: str | bytes = b"") -> str:
        """Run `ledger`, which must succeed without a word of complaint; return its output."""
        answer = self(*arguments, stdin=stdin)
        assert (answer.status, answer.err) == (0, ""), answer
        return answer.out

    def filled_by(self, built: Shell) -> Shell:
        """Have what another shell's folder and store have; return itself."""
        ours = shutil.ignore_patterns("news.db*")
        shutil.copytree(built.folder, self.folder, dirs_exist_ok=True, ignore=ours)
        with Ledger.open(built.store.url) as source, Ledger.open(self.store.url) as copy:
            log = copy.application.log
            log.create(copy_of=source.application.log.identity())
            log.load(source.application.log.read(0, 1000))
            log.promote()
            copy.views.status()
        return self

    def add(self, headline: str, *options: str, day: str = "2021-03-04") -> str:
        """Add an entry and return its id."""
        out = self.ok("add", "--date", day, "--headline", headline, *options)
        return out.split()[1]
