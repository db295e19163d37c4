"""Repositories of every kind, and what is none: read, or refused in a line that helps."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.errors import InvalidInput
from ledger.interchange.git.repository import Repository
from tests.interchange.git.archive import AUTHOR, FIRST, Archive, events, git, take, told
from tests.interchange.git.test_history import BRIDGE, FILE, FLOOD, OTHER
from tests.interchange.site import ACTOR, at


@pytest.fixture
def filled(archive: Archive) -> Archive:
    """Three commits: a page, another one, an edit of the first."""
    archive.commit({FILE: BRIDGE}, "one")
    archive.commit({OTHER: FLOOD}, "two")
    archive.commit({FILE: replace(BRIDGE, summary="It opens in May.")}, "three")
    return archive


def reasons(ledger: Ledger) -> list[str | None]:
    return [event.meta.reason for event in events(ledger)]


def test_bare_ones_and_bundles(url: str, ledger: Ledger, filled: Archive, tmp_path: Path) -> None:
    bare, bundle = tmp_path / "bare.git", tmp_path / "site.bundle"
    git(tmp_path, "clone", "--quiet", "--bare", str(filled.folder), str(bare))
    git(filled.folder, "bundle", "create", "--quiet", str(bundle), "master", "HEAD")
    assert told(ledger.import_git(bare, actor=ACTOR))["created"] == 2
    again = told(ledger.import_git(bundle, actor=ACTOR))
    assert again == {"commits": 1, "changes": 1, "unchanged": 1}


def test_a_work_tree_of_its_own(ledger: Ledger, filled: Archive, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git(filled.folder, "worktree", "add", "--quiet", str(tree), "-b", "side", filled.commits[1])
    assert told(ledger.import_git(tree, actor=ACTOR))["commits"] == 2


def test_only_what_is_asked_for(ledger: Ledger, filled: Archive) -> None:
    first, second, _ = filled.commits
    assert take(ledger, filled, until=second)["commits"] == 2
    assert take(ledger, filled, until=first)["unchanged"] == 1
    assert take(ledger, filled, since=first)["edited"] == 1
    assert reasons(ledger)[:2] == ["one", "two"]
    assert reasons(ledger)[-1] == "three"


def test_a_page_that_was_there_before_the_first_commit(ledger: Ledger, filled: Archive) -> None:
    found = take(ledger, filled, since=filled.commits[1], contexts=False)
    assert found == {"commits": 1, "changes": 1, "created": 1}
    assert ledger.at(at("bridge-closed")).entry.summary == "It opens in May."


def test_branches(ledger: Ledger, filled: Archive) -> None:
    git(filled.folder, "checkout", "--quiet", "-b", "draft", filled.commits[0])
    filled.commit({FILE: replace(BRIDGE, summary="Draft.")}, "draft")
    assert take(ledger, filled, branch="master")["commits"] == 3
    assert "draft" not in reasons(ledger)
    with pytest.raises(InvalidInput, match="is not in the history of"):
        take(ledger, filled, branch="master", until="draft")
    with pytest.raises(InvalidInput, match="is not in the history of"):
        take(ledger, filled, branch="draft", since=filled.commits[2])
    with pytest.raises(InvalidInput, match="has no branch, tag or commit called 'fog'"):
        take(ledger, filled, branch="fog")
    with pytest.raises(InvalidInput, match="has no branch, tag or commit called '--all'"):
        take(ledger, filled, branch="--all")


def test_merges_count_as_the_branch_saw_them(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE}, "one")
    git(archive.folder, "checkout", "--quiet", "-b", "side")
    archive.commit({OTHER: FLOOD}, "side one")
    archive.commit({OTHER: replace(FLOOD, summary="It sinks.")}, "side two")
    git(archive.folder, "checkout", "--quiet", "master")
    archive.commit({FILE: replace(BRIDGE, summary="It opens in May.")}, "two")
    when = FIRST + timedelta(days=1)
    git(archive.folder, "merge", "--quiet", "--no-ff", "-m", "the merge", "side", at=when)
    found = take(ledger, archive, contexts=False)
    assert found == {"commits": 3, "changes": 3, "created": 2, "edited": 1}
    merged = events(ledger)[-1]
    assert (merged.meta.reason, merged.meta.published_at) == ("the merge", when)
    assert ledger.at(at("flood")).entry.summary == "It sinks."


def test_an_empty_one(ledger: Ledger, archive: Archive) -> None:
    with pytest.raises(InvalidInput, match="has no commit on its branch: it is empty"):
        take(ledger, archive)
    archive.commit({FILE: BRIDGE})
    git(archive.folder, "checkout", "--quiet", "--orphan", "void")
    with pytest.raises(InvalidInput, match="on its branch: name another branch: master"):
        take(ledger, archive)
    archive.commit({FILE: None, "README.md": "Nothing here."})
    assert take(ledger, archive) == {"commits": 1}


def test_what_is_no_repository(ledger: Ledger, filled: Archive, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("news")
    for path, message in (
        (tmp_path / "none", "is not there: name a git repository, or a bundle"),
        (text, "is no git repository, and no bundle: "),
        (tmp_path, "is no git repository: not a git repository"),
        (filled.folder / "news", "is no git repository, but a folder of one: name that"),
    ):
        with pytest.raises(InvalidInput, match=re.escape(f"{path} {message}")):
            ledger.import_git(path, actor=ACTOR)


def test_without_git(
    ledger: Ledger, filled: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidInput, match="git is not installed, or not in the PATH"):
        take(ledger, filled)


def test_what_the_surroundings_say_is_not_heard(
    ledger: Ledger, filled: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(filled.folder, "config", "log.showSignature", "true")
    git(filled.folder, "config", "diff.renames", "copies")
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "no"))
    assert take(ledger, filled)["commits"] == 3


def test_a_shallow_one(ledger: Ledger, filled: Archive, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    source = f"file://{filled.folder}"
    git(tmp_path, "clone", "--quiet", "--depth", "2", source, str(shallow))
    with pytest.raises(InvalidInput, match="is a shallow clone, whose history begins in the"):
        ledger.import_git(shallow, actor=ACTOR)
    found = told(ledger.import_git(shallow, actor=ACTOR, since=filled.commits[1]))
    assert (found["commits"], found["created"]) == (1, 1)
    filled.commit({OTHER: replace(FLOOD, summary="It sinks.")}, "four")
    git(shallow, "pull", "--quiet", "--ff-only")
    assert told(ledger.import_git(shallow, actor=ACTOR))["commits"] == 2


def test_one_that_is_not_whole(ledger: Ledger, filled: Archive) -> None:
    lost = git(filled.folder, "rev-parse", f"HEAD:{FILE}")
    (filled.folder / ".git/objects" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(InvalidInput, match=f"has no object {lost}: git fsck"):
        take(ledger, filled)
    shutil.rmtree(filled.folder / ".git/objects" / filled.commits[0][:2])
    with pytest.raises(InvalidInput, match="cannot be read"):
        take(ledger, filled)


def test_files_that_are_no_pages(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    broken: dict[str, bytes] = {
        "news/2014/02/13/binary.md": b"\0\1\2" * 50,
        "news/2014/02/13/latin.md": "### café".encode("latin-1"),
        "news/2014/02/13/half.md": b"### [2014-02-13](/news/2014/02/13/index.md)\n\nno headline\n",
        "news/2014/02/13/empty.md": b"",
    }
    commit = archive.commit({**broken, "logo.png": b"\0", "news/2014/02/13/index.md": "## ["})
    (archive.folder / "news/2014/02/13/link.md").symlink_to("bridge-closed.md")
    archive.commit({})
    found = take(ledger, archive, contexts=False)
    assert (found["commits"], found["changes"], found["created"]) == (3, 5, 1)
    where = f"{commit[:12]}:news/2014/02/13"
    assert found["failures"] == [
        f"{where}/binary.md:1: it is a binary file, no page",
        f"{where}/empty.md:1: a page begins with its date, as in ### [2014-02-13](/news/...)",
        f"{where}/half.md:3: the headline was expected, as in # Headline",
        f"{where}/latin.md:1: it is not UTF-8 text; convert it first",
    ]


def test_a_page_that_breaks_and_is_mended(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    archive.commit({FILE: b"\0"})
    archive.commit({FILE: replace(BRIDGE, summary="It opens in May.")})
    archive.commit({FILE: b"\0"})
    archive.commit({FILE: None})
    found = take(ledger, archive, contexts=False)
    assert len(found.pop("failures")) == 2
    assert found == {"commits": 5, "changes": 5, "created": 1, "edited": 1, "retracted": 1}


def test_paths_that_differ_in_case_are_two_entries(ledger: Ledger, archive: Archive) -> None:
    upper = replace(FLOOD, headline="Another bridge")
    archive.commit({FILE: BRIDGE, FILE.replace("bridge-c", "Bridge-C"): upper})
    archive.commit({FILE: None})
    take(ledger, archive, contexts=False)
    assert ledger.at(at("Bridge-Closed")).entry.headline == "Another bridge"
    assert ledger.at(at("Bridge-Closed")).entry.status == "active"
    assert ledger.at(at("bridge-closed")).entry.status == "retracted"


def test_one_page_in_two_places(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    copied = archive.commit({f"copy/{FILE}": replace(BRIDGE, summary="A copy.")})
    archive.commit({f"copy/{FILE}": None})
    found = take(ledger, archive, contexts=False)
    assert found.pop("failures") == [
        f"{copied[:12]}:copy/{FILE}: {FILE} has the same permalink: keep one of the two"
    ]
    assert found == {"commits": 3, "changes": 3, "created": 1, "older": 1}


def test_names_of_every_kind(ledger: Ledger, archive: Archive) -> None:
    names = ['quo"ted', "com,ma", "bell\N{BELL}s", "中文，标点", "two\nlines", "-dash", ":(glob)"]
    archive.commit(
        {f"pages/{name}.md": replace(FLOOD, headline=name.strip()) for name in names[:2]}
    )
    archive.commit(
        {f"pages/{name}.md": replace(FLOOD, headline=f"H{n}") for n, name in enumerate(names[2:])}
    )
    archive.commit({f"pages/{name}.md": None for name in names})
    found = take(ledger, archive, contexts=False)
    assert found == {"commits": 3, "changes": 14, "created": 7, "retracted": 7}


def test_commits_that_say_little_or_too_much(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    with Repository(archive.folder) as repository:
        (commit,) = repository.commits(None, archive.commits[0])
    assert (commit.author, commit.at, commit.subject) == (AUTHOR, FIRST, "News update")
    tree = git(archive.folder, "write-tree")
    silent = git(archive.folder, "commit-tree", tree, "-p", archive.commits[0], "-m", "")
    git(archive.folder, "reset", "--quiet", "--hard", silent)
    archive.commit({OTHER: FLOOD}, "tab\there\nsecond line")
    take(ledger, archive, contexts=False)
    assert reasons(ledger) == ["News update", "tab here second line"]
