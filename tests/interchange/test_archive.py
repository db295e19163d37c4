"""Real pages: two that were published, and an archive of 924, come back byte for byte."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.domain.editions import EDITIONS
from ledger.domain.permalinks import parse_permalink, slugify
from ledger.interchange.pages import ImportReport
from ledger.pages.markdown import parse, render
from ledger.pages.model import Page
from tests.conftest import SHARED
from tests.interchange.site import ACTOR, count, said

SEEDS = SHARED / "seeds"
BUNDLE = SHARED / "corpus" / "context-zh-2003-2009.bundle"
ENTRIES = 924

needs_seeds = pytest.mark.skipif(
    not SEEDS.is_dir(), reason="the two published pages are not here (../shared/seeds)"
)


# The seeds


@pytest.fixture
def texts() -> dict[str, str]:
    """The published pages: the one with a Changes list, and the older one."""
    found = [file.read_text() for file in sorted(SEEDS.iterdir())]
    listed = [text for text in found if parse(text).changes]
    bare = [text for text in found if not parse(text).changes]
    assert (len(listed), len(bare)) == (1, 1)
    return {"listed": listed[0], "older": bare[0]}


@pytest.fixture
def seeds(url: str, texts: dict[str, str]) -> Iterator[Ledger]:
    """A ledger that has imported them."""
    with Ledger.open(url) as ledger:
        report = ledger.import_pages([SEEDS], actor=ACTOR, strict=True)
        assert said(report) == {"files": 2, "created": 2, "events": 4}
        yield ledger


def older_path(texts: dict[str, str]) -> str:
    """Where the first page's Related list says that the older one is."""
    headline = parse(texts["older"]).headline
    (line,) = (line for line in parse(texts["listed"]).related if line.headline == headline)
    return line.path


def own_path(page: Page) -> str:
    assert page.path is not None
    return page.path


@needs_seeds
def test_one_seed_has_three_versions_and_one_has_one(seeds: Ledger, texts: dict[str, str]) -> None:
    listed = seeds.get(own_path(parse(texts["listed"])))
    older = seeds.get(older_path(texts))
    assert (listed.entry.version, older.entry.version) == (3, 1)
    assert [item.entry for item in seeds.entries()] == [older.entry, listed.entry]
    assert older.path == older_path(texts)


@needs_seeds
def test_the_same_seeds_again_are_nothing_new(seeds: Ledger) -> None:
    report = seeds.import_pages([SEEDS], actor=ACTOR)
    assert said(report) == {"files": 2, "unchanged": 2}
    assert count(seeds) == 4


@needs_seeds
@pytest.mark.parametrize("which", ["listed", "older"])
def test_a_seed_comes_back(seeds: Ledger, texts: dict[str, str], which: str) -> None:
    seed = texts[which]
    path = own_path(parse(seed)) if which == "listed" else older_path(texts)
    rendered = render(seeds.page(seeds.at(path)))
    head, heading, _ = seed.partition("### Related:\n")
    assert heading
    assert rendered.partition("### Related:\n")[:2] == (head, heading)


LINE = re.compile(r"\d\. \[(.*)\]\((\S+)\.md\) _(?:(\S+ \S+) )?\((.*)\)_")


def listed(texts: dict[str, str]) -> list[tuple[str, str, str, str]]:
    """The Changes list as it was published: headline, path, time and label."""
    _, _, rest = texts["listed"].partition("### Changes:\n")
    lines = LINE.findall(rest.partition("### Related:\n")[0])
    assert len(lines) == 3
    return lines


@needs_seeds
def test_each_permalink_of_the_list_leads_to_its_version(
    seeds: Ledger, texts: dict[str, str]
) -> None:
    lines = listed(texts)
    shown = [seeds.at(f"{path}.md") for _, path, _, _ in lines]
    assert [version.entry.version for version in shown] == [1, 2, 3]
    assert [(version.entry.headline, version.path) for version in shown] == [
        (headline, path) for headline, path, _, _ in lines
    ]
    assert [version.is_current for version in shown] == [False, False, True]


@needs_seeds
def test_the_changes_are_those_of_the_list(seeds: Ledger, texts: dict[str, str]) -> None:
    lines = listed(texts)
    changes = seeds.changes(own_path(parse(texts["listed"])))
    assert [(change.headline, change.path, change.label) for change in changes] == [
        (headline, path, label) for headline, path, _, label in lines
    ]
    assert lines[-1][2] == ""
    # The current version has no time of its own: it is no earlier than the last one listed.
    times = [time for _, _, time, _ in lines[:-1]]
    assert [f"{change.published_at:%Y-%m-%d %H:%M:%S}" for change in changes] == [
        *times,
        times[-1],
    ]
    assert [change.basis for change in changes] == ["listed", "listed", "inferred"]


# The archive


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive's files."""
    if not BUNDLE.is_file():
        pytest.skip("the archive is not here (../shared/corpus)")
    folder = tmp_path_factory.mktemp("archive") / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", "--branch", "master", str(BUNDLE), str(folder)], check=True
    )
    return folder


@pytest.fixture(scope="session")
def imported(
    archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ledger, ImportReport]]:
    """A ledger that has imported all of it, and what the import said."""
    file = tmp_path_factory.mktemp("archive-store") / "news.db"
    with Ledger.open(f"sqlite:///{file}") as ledger:
        yield ledger, ledger.import_pages([archive], actor=ACTOR)


@pytest.fixture(scope="session")
def published(archive: Path) -> dict[str, str]:
    """The archive's entry pages by path."""
    files = [
        file
        for file in archive.glob("news/**/*.md")
        if file.name.lower() not in {"index.md", "readme.md"}
    ]
    found = {}
    for file in files:
        link = parse_permalink(f"/{file.relative_to(archive).as_posix()}")
        assert link is not None
        found[link.path] = file.read_bytes().decode()
    assert len(found) == len(files) == ENTRIES
    return found


def test_all_of_the_archive_is_imported(
    imported: tuple[Ledger, ImportReport], published: dict[str, str]
) -> None:
    ledger, report = imported
    told = said(report)
    assert told == {
        "files": report.files,
        "indexes": report.files - ENTRIES,
        "created": ENTRIES,
        "events": ENTRIES,
    }
    assert {item.path for item in ledger.entries()} == set(published)
    assert {item.entry.edition for item in ledger.entries()} == {"zh"}


def test_every_page_of_the_archive_comes_back(
    imported: tuple[Ledger, ImportReport], published: dict[str, str]
) -> None:
    ledger, _ = imported
    different = []
    for path, text in published.items():
        rendered = render(ledger.page(ledger.at(f"/zh{path}.md")))
        # The empty line before the heading belongs to the section.
        want, have = (page.partition("\n### 有关:\n")[0] for page in (text, rendered))
        if want != have:
            lines = enumerate(zip(want.split("\n"), have.split("\n"), strict=False), 1)
            first = next((f"line {n}: {a!r}, not {b!r}" for n, (a, b) in lines if a != b), "end")
            different.append(f"{path}: {first}")
    assert different == []


def test_every_slug_of_the_archive_follows_from_the_rule(
    imported: tuple[Ledger, ImportReport],
) -> None:
    ledger, _ = imported
    assert [
        (item.path, slug)
        for item in ledger.entries()
        if (slug := slugify(item.entry.headline, EDITIONS["zh"])) != item.entry.slug
    ] == []


def test_the_archive_again_is_nothing_new(
    archive: Path, imported: tuple[Ledger, ImportReport]
) -> None:
    ledger, report = imported
    again = ledger.import_pages([archive], actor=ACTOR)
    assert said(again) == {
        "files": report.files,
        "indexes": report.indexes,
        "unchanged": ENTRIES,
    }
    assert count(ledger) == ENTRIES
