"""Importing git history, beside the least that reads it: git's own plumbing, and a hash a page."""

from __future__ import annotations

import multiprocessing
import platform
import random
import re
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import IO, NamedTuple

from measure import WORDS, peak_memory, text
from msgspec.structs import replace

from ledger import Ledger, Source
from ledger.domain.values import Layout
from ledger.pages.markdown import render
from ledger.pages.model import Page, RelatedLine

ENTRIES, COMMITS, CHANGES = 900, 340, 86
"""A made archive has as many entries, commits, and changes of pages a commit, as a real one."""

REAL = 8
"""Of so many changes of pages one is an edit; the others change the Related list alone."""

FIRST = datetime(2019, 1, 4, tzinfo=UTC)
SEED = 20190104

NAMED = re.compile(rb"^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) [AM]", re.MULTILINE)
RELATED = re.compile("\n### (?:Related|有关):".encode())

LOG = ("log", "--raw", "--no-abbrev", "--no-renames", "--first-parent", "-m", "--reverse")


class Run(NamedTuple):
    """What one run took: seconds, peak memory in MB, and how much it came to."""

    seconds: float
    peak: float
    count: int


# The floor


def floor(repository: str, _: str) -> int:
    """Read all objects that `git log --raw` names, cut each at Related, and hash the rest."""
    git = ("git", "-C", repository)
    log = subprocess.Popen((*git, *LOG, "--format="), stdout=subprocess.PIPE)
    objects = subprocess.Popen(
        (*git, "cat-file", "--batch", "--buffer"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    named = NAMED.findall(pipe(log.stdout).read())
    log.wait()
    asking = Thread(target=ask, args=(pipe(objects.stdin), named))
    asking.start()
    answers = pipe(objects.stdout)
    for _name in named:
        size = int(answers.readline().rsplit(b" ", 1)[1])
        page = answers.read(size + 1)
        cut = RELATED.search(page)
        sha256(page if cut is None else page[: cut.start()]).digest()
    asking.join()
    objects.wait()
    return len(named)


def pipe(found: IO[bytes] | None) -> IO[bytes]:
    """Return a pipe that was asked for."""
    if found is None:
        raise ValueError("no pipe")
    return found


def ask(questions: IO[bytes], named: list[bytes]) -> None:
    """Ask for all objects."""
    questions.write(b"\n".join(named) + b"\n")
    questions.close()


def import_git(repository: str, url: str) -> int:
    """Import a repository; return how many events that comes to."""
    with Ledger.open(url) as ledger:
        return ledger.import_git(Path(repository), actor="bench").events


def measured(
    out: multiprocessing.Queue, do: Callable[[str, str], int], repository: str, url: str
) -> None:
    """Put out what doing something took."""
    began = time.perf_counter()
    count = do(repository, url)
    out.put(Run(time.perf_counter() - began, peak_memory(), count))


# A made archive


def made(folder: Path) -> Path:
    """Make an archive, the same one every time."""
    repository = folder / "archive.git"
    subprocess.run(("git", "init", "--quiet", "--bare", str(repository)), check=True)
    with subprocess.Popen(
        ("git", "-C", str(repository), "fast-import", "--quiet"), stdin=subprocess.PIPE
    ) as process:
        stream = pipe(process.stdin)
        for command in commands(random.Random(SEED)):
            stream.write(command)
        stream.close()
        if process.wait():
            raise SystemExit("git fast-import failed")
    head = ("git", "-C", str(repository), "symbolic-ref", "HEAD", "refs/heads/archive")
    subprocess.run(head, check=True)
    return repository


def commands(chance: random.Random) -> Iterator[bytes]:
    """Yield what `git fast-import` is to do."""
    pages = [page(chance, number) for number in range(ENTRIES)]
    for commit in range(COMMITS):
        seconds = int((FIRST + timedelta(hours=25 * commit)).timestamp())
        yield b"commit refs/heads/archive\n"
        yield f"committer Bench <bench@courier.example> {seconds} +0000\n".encode()
        yield data("News update")
        changed = chance.sample(range(ENTRIES), CHANGES) if commit else range(ENTRIES)
        for number in changed:
            if commit and chance.randrange(REAL) == 0:
                pages[number] = replace(pages[number], summary=text(chance, 22))
            elif commit:
                pages[number] = replace(pages[number], related=related(chance, pages))
            yield f"M 100644 inline {(pages[number].path or '')[1:]}.md\n".encode()
            yield data(render(pages[number]))


def data(content: str) -> bytes:
    """Return what comes along with a command."""
    encoded = content.encode()
    return b"data %d\n%b\n" % (len(encoded), encoded)


def page(chance: random.Random, number: int) -> Page:
    """Return the first page of an entry."""
    return Page(
        edition="en",
        layout=Layout(style="archive"),
        day=date(2003, 1, 1) + timedelta(days=number // 3),
        slug=f"entry-{number}",
        headline=text(chance, 12),
        topic=chance.choice(WORDS).capitalize(),
        summary=text(chance, 30),
        sources=(Source("Courier", f"https://courier.example/{number}"),),
    )


def related(chance: random.Random, pages: list[Page]) -> tuple[RelatedLine, ...]:
    """Return the Related list of a page."""
    return tuple(
        RelatedLine(other.headline, other.path or "", tuple(sorted(chance.sample(WORDS, 2))))
        for other in chance.sample(pages, 10)
    )


def bench(repository: Path | None, rounds: int) -> None:
    """Print what an import takes beside the floor, in turns."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        archive = repository or made(Path(folder))
        runs: dict[Callable[[str, str], int], list[Run]] = {floor: [], import_git: []}
        for number in range(rounds):
            for do, taken in runs.items():
                out = context.Queue()
                url = f"sqlite:///{folder}/{number}.db"
                process = context.Process(target=measured, args=(out, do, str(archive), url))
                process.start()
                taken.append(out.get(timeout=3600))
                process.join()
    bare, own = runs.values()
    git = subprocess.run(("git", "--version"), check=True, capture_output=True, text=True).stdout
    print(
        f"{archive.name if repository else 'a made archive'}; {git.strip()}, Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}; {rounds} rounds in turns, "
        "medians; the log as it is by default: WAL, synchronous=FULL"
    )
    print("| | seconds | peak MB | |")
    print("| --- | --- | --- | --- |")
    for name, taken, what in (
        ("floor: git log, git cat-file, a hash a page", bare, "objects"),
        ("ledger import git", own, "events"),
    ):
        seconds = statistics.median(run.seconds for run in taken)
        peak = max(run.peak for run in taken)
        print(f"| {name} | {seconds:.2f} | {peak:.0f} | {taken[0].count:,} {what} |")
    ratio = statistics.median(a.seconds / b.seconds for a, b in zip(own, bare, strict=True))
    print(f"{ratio:.2f} times the floor (2 at most), {max(run.peak for run in own):.0f} MB (200)")
