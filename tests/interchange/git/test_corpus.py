"""A real archive of 346 commits: every page comes back as git has it, at every moment."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.domain.entry import NewsEntry
from ledger.interchange.git.repository import Commit, Repository
from ledger.pages.build import build_page
from ledger.pages.markdown import render
from tests.conftest import SHARED
from tests.interchange.git.archive import told
from tests.interchange.git.test_going_on import root, still
from tests.interchange.site import ACTOR, count

BUNDLE = SHARED / "corpus" / "context-zh-2003-2009.bundle"
COMMITS = 346
MOMENTS = 200
ENTRIES = 924

FACTS = {
    "commits": COMMITS,
    "changes": 29_926,
    "created": 926,
    "edited": 3285,
    "retracted": 2,
    "noise": 25_713,
}

_RELATED = re.compile(r"\n### 有关:\n.*", re.DOTALL)
_DATE = re.compile(r"^(### \[[^\]]*\])\(\S*\)")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not BUNDLE.is_file():
        pytest.skip("the archive is not here (../shared/corpus)")
    folder = tmp_path_factory.mktemp("corpus") / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", "--branch", "master", str(BUNDLE), str(folder)], check=True
    )
    return folder


@pytest.fixture(scope="module")
def whole(clone: Path) -> Iterator[Ledger]:
    """A ledger that has imported it in one go, and learned nothing beside."""
    with still(clone.parent, "whole") as ledger:
        report = ledger.import_git(clone, actor=ACTOR, contexts=False)
        assert told(report) == FACTS
        yield ledger


def own(text: str) -> str:
    """A page up to Related, and apart from the date's link."""
    return _DATE.sub(r"\1", _RELATED.sub("", text).rstrip())


def pages(repository: Repository, commit: str) -> dict[str, str]:
    """The paths of a commit's pages, with their objects."""
    return {
        f"/{file}".removesuffix(".md"): name
        for file, name in repository.files(commit)
        if Path(file).stem not in {"index", "README"}
    }


def different(
    ledger: Ledger, repository: Repository, commit: Commit, known: set[tuple[object, ...]]
) -> Iterator[str]:
    """Yield the paths at which the ledger has another page, then, than a commit has."""
    shown: dict[str, NewsEntry] = {
        listed.path: listed.entry for listed in ledger.entries(as_of=commit.at, status="active")
    }
    files = pages(repository, commit.id)
    yield from shown.keys() ^ files.keys()
    for path in shown.keys() & files.keys():
        entry = shown[path]
        pair = (entry.id, entry.version, files[path])
        # The same version and the same file need not be compared at every moment.
        if pair not in known:
            known.add(pair)
            text = repository.content(files[path]).decode()
            if own(render(build_page(entry, path, (), ()))) != own(text):
                yield path


def test_every_page_is_as_git_has_it_at_every_moment(whole: Ledger, clone: Path) -> None:
    with Repository(clone) as repository:
        commits = list(repository.commits(None, repository.commit("master")))
        assert len(pages(repository, commits[-1].id)) == ENTRIES
        known: set[tuple[object, ...]] = set()
        for commit in [*random.Random(6).sample(commits, MOMENTS), commits[-1]]:
            assert list(different(whole, repository, commit, known)) == []


def test_again_is_nothing(whole: Ledger, clone: Path) -> None:
    before = count(whole)
    again = told(whole.import_git(clone, actor=ACTOR, contexts=False))
    assert again["commits"] == 1
    assert again.keys() <= {"commits", "changes", "noise", "unchanged"}
    assert count(whole) == before


def test_halves_and_what_is_learned(whole: Ledger, clone: Path) -> None:
    middle = subprocess.run(
        ["git", "-C", str(clone), "rev-parse", f"HEAD~{COMMITS // 2}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    with still(clone.parent, "halves") as ledger:
        first = told(ledger.import_git(clone, actor=ACTOR, contexts=False, until=middle))
        assert first["commits"] == COMMITS - COMMITS // 2
    with still(clone.parent, "halves") as ledger:
        ledger.import_git(clone, actor=ACTOR, contexts=False)
        assert (count(ledger), root(ledger)) == (count(whole), root(whole))
        learned = told(ledger.import_git(clone, actor=ACTOR))["learned"]
        assert count(ledger) == count(whole) + learned
        assert "learned" not in told(ledger.import_git(clone, actor=ACTOR))


def test_what_was_imported_as_pages_is_recognised(clone: Path) -> None:
    with still(clone.parent, "pages") as ledger:
        ledger.import_pages([clone], actor=ACTOR)
        found = told(ledger.import_git(clone, actor=ACTOR, contexts=False))
        # Two pages are not there any more.
        assert found["created"] == 2
        assert len(ledger.entries()) == ENTRIES + 2
