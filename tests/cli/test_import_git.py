"""`import git` as a process: what it prints, and how it ends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.cli.runner import Shell
from tests.interchange.git.archive import Archive, git
from tests.interchange.git.test_history import BRIDGE, FILE, FLOOD, OTHER, RENAMED
from tests.interchange.site import related

INVALID, NOT_ALL, USAGE = 3, 7, 2


@pytest.fixture
def archive(folder: Path) -> Archive:
    """Commits that create, edit, retitle, take away and bring back, and one that is noise."""
    made = Archive(folder / "archive")
    made.commit({FILE: BRIDGE, OTHER: FLOOD}, "First news")
    made.commit({FILE: replace(BRIDGE, related=related("flood", "Rain"))}, "Related anew")
    renamed = replace(BRIDGE, headline="Harbour bridge closed")
    made.commit({FILE: None, RENAMED: renamed}, "Which bridge")
    made.commit({OTHER: None}, "Was not so")
    made.commit({OTHER: FLOOD, RENAMED: replace(renamed, summary="It opens in May.")}, "Was so")
    return made


def test_the_summary_says_what_each_change_came_to(ledger: Shell, archive: Archive) -> None:
    assert ledger.ok("import", "git", "archive").splitlines() == [
        f"commits read: 5, the last one {archive.commits[-1][:12]}",
        "page changes: 8",
        "created: 2 (a page came where no entry was)",
        "edited: 1 (a page changed)",
        "retitled: 1 (a page went, and one alike came under another permalink)",
        "retracted: 1 (a page went)",
        "reinstated: 1 (a page came back)",
        "learned: 1 (a topic or a Related list told a context)",
        "noise: 1 (only derived parts changed)",
        "events stored: 7",
    ]
    again = ledger.ok("import", "git", "archive").splitlines()
    assert again[0] == f"commits read: 1, the last one {archive.commits[-1][:12]}"
    assert again[-1] == "nothing new"
    changes = ledger.ok("changes", "/news/2014/02/13/harbour-bridge-closed", "--all")
    assert "Ada Reed" in changes
    assert "Which bridge" in changes
    origins = [event["data"]["origin"] for event in events(ledger)]
    assert all(origin.startswith("git:") for origin in origins)


def events(ledger: Shell) -> list[dict[str, dict[str, str]]]:
    return ledger("log", "--format", "json").json  # type: ignore[no-any-return]


def test_pages_that_are_not_understood_are_told_by_commit(ledger: Shell, archive: Archive) -> None:
    odd = "news/2014/02/13/odd.md"
    commit = archive.commit({odd: "no page", OTHER: replace(FLOOD, topic="A")})
    answer = ledger("import", "git", "archive")
    assert answer.status == NOT_ALL
    expected = "a page begins with its date, as in ### [2014-02-13](/news/...)"
    assert answer.err.splitlines() == [
        f"ledger: {commit[:12]}:{odd}:1: {expected}",
        "ledger: not stored: 1 of 10 page changes",
    ]
    assert "not stored: 1 (not understood, or refused)" in answer.out
    assert "edited: 2 (a page changed)" in answer.out


def test_options(ledger: Shell, archive: Archive) -> None:
    first, second, *_ = archive.commits
    out = ledger.ok("import", "git", "archive", "--until", second, "--no-contexts")
    assert out.splitlines()[0] == f"commits read: 2, the last one {second[:12]}"
    assert "learned" not in out
    out = ledger.ok("import", "git", "archive", "--alike", "1", "--branch", "master")
    assert "retitled" not in out
    assert ledger.ok("import", "git", "archive", "--since", first).endswith("nothing new\n")


def test_another_archive_has_to_be_called_so(ledger: Shell, archive: Archive) -> None:
    ledger.ok("import", "git", "archive")
    other = Archive(ledger.folder / "other")
    other.commit({"news/2014/02/14/ferry.md": replace(FLOOD, headline="Ferry")})
    answer = ledger("import", "git", "other")
    assert (answer.status, answer.out) == (INVALID, "")
    assert f"last its commit {archive.commits[-1][:12]}: where" in answer.err
    assert "created: 1" in ledger.ok("import", "git", "other", "--another")
    # By now it knows both.
    assert ledger.ok("import", "git", "archive").endswith("nothing new\n")
    assert ledger.ok("import", "git", "other").endswith("nothing new\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("void",), r"void is not there: name a git repository, or a bundle"),
        (("news.txt",), r"news\.txt is no git repository, and no bundle: .*"),
        (("empty",), r"empty has no commit on its branch: it is empty"),
        (("shallow",), r"the repository is a shallow clone, .* with --since"),
        (("archive", "--until", "fog"), r"archive has no branch, tag or commit called 'fog'"),
        (("archive", "--alike", "0"), r"likeness goes from above 0 to 1: 0\.0 does not"),
        (("archive", "--edition", "fr"), r"no edition is called 'fr'; known are: en, zh"),
    ],
)
def test_what_cannot_be_imported(
    ledger: Shell, archive: Archive, arguments: tuple[str, ...], message: str
) -> None:
    (ledger.folder / "news.txt").write_text("news")
    Archive(ledger.folder / "empty")
    source = f"file://{archive.folder}"
    git(ledger.folder, "clone", "--quiet", "--depth", "1", source, "shallow")
    answer = ledger("import", "git", *arguments)
    assert (answer.status, answer.out) == (INVALID, "")
    assert re.fullmatch(f"ledger: {message}\n", answer.err)
    assert not ledger.store.exists()


def test_a_repository_has_to_be_named(ledger: Shell) -> None:
    assert ledger("import", "git").status == USAGE
