"""Histories in which one page could be taken for another, or for the same once more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.domain.values import Layout, StyleName
from ledger.pages.model import Page
from tests.interchange.git.archive import Archive, git, take
from tests.interchange.git.test_history import BRIDGE, FILE, FLOOD, OTHER, RENAMED
from tests.interchange.site import at, count, history, open_ledger, versions

RENAMED_BRIDGE = replace(BRIDGE, headline="Harbour bridge closed")
OPEN = replace(BRIDGE, summary="It opens in May.")


@pytest.fixture
def again(tmp_path: Path) -> Ledger:
    """Another ledger, which takes in the same in two halves."""
    return open_ledger(f"sqlite:///{tmp_path}/again.db")


def kinds(ledger: Ledger) -> list[str]:
    return [type(event.data).__name__ for event in ledger.events()]


def in_halves(archive: Archive, again: Ledger, cut: int) -> list[str]:
    with again as ledger:
        take(ledger, archive, contexts=False, until=archive.commits[cut])
        take(ledger, archive, contexts=False)
        return kinds(ledger)


def told(page: Page, slug: str, style: StyleName = "current") -> Page:
    """A page that tells its path itself."""
    return replace(page, slug=slug, layout=Layout(style=style))


def test_a_file_moves_and_one_alike_comes(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    archive.commit({FILE: None, f"site/{FILE}": BRIDGE, RENAMED: RENAMED_BRIDGE})
    found = take(ledger, archive, contexts=False)
    assert found == {"commits": 2, "changes": 4, "created": 2, "unchanged": 1}


def test_two_copies_become_one(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    archive.commit({f"b/{FILE}": BRIDGE})
    archive.commit({FILE: None, f"b/{FILE}": None, f"c/{FILE}": OPEN})
    found = take(ledger, archive, contexts=False)
    assert len(found.pop("failures")) == 1
    assert ledger.get(at("bridge-closed")).entry.status == "active"
    assert ledger.get(at("bridge-closed")).entry.summary == "It opens in May."


def test_the_original_goes_and_the_copy_stays(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    archive.commit({f"b/{FILE}": OPEN})
    archive.commit({FILE: None})
    archive.commit({f"b/{FILE}": replace(OPEN, topic="Port")})
    found = take(ledger, archive, contexts=False)
    assert (found["edited"], "retracted" in found) == (2, False)
    assert [entry.summary for entry in versions(ledger, "bridge-closed")][1:] == [
        "It opens in May.",
        "It opens in May.",
    ]


def test_two_files_of_one_permalink_in_one_commit(ledger: Ledger, archive: Archive) -> None:
    commit = archive.commit({FILE: BRIDGE, f"b/{FILE}": OPEN})
    found = take(ledger, archive, contexts=False)
    (failure,) = found.pop("failures")
    assert failure.startswith(f"{commit[:12]}:")
    assert failure.endswith(" has the same permalink: keep one of the two")
    assert found == {"commits": 1, "changes": 2, "created": 1}


def test_a_list_names_what_goes_though_it_is_unlike(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    unlike = replace(
        told(FLOOD, "flood"),
        changes=history(("Bridge closed", "bridge-closed"), ("Flood", "flood")),
    )
    archive.commit({FILE: None, OTHER: unlike})
    found = take(ledger, archive, contexts=False)
    assert (found["created"], found["retitled"], "retracted" in found) == (1, 1, False)
    assert ledger.get(at("flood")).entry.status == "active"


def test_what_mends_a_page_is_no_noise(ledger: Ledger, archive: Archive) -> None:
    broken = f"{BRIDGE_TEXT}\n### Related:\n\nnothing\n"
    for number, first in enumerate((broken, BRIDGE_TEXT.replace("\n# ", "\n#  \n# ", 1))):
        archive.commit({FILE: first})
        archive.commit({FILE: BRIDGE})
        found = take(ledger, archive, contexts=False)
        if number == 0:
            assert (found["created"], len(found["failures"])) == (1, 1)
    assert ledger.get(at("bridge-closed")).entry.headline == "Bridge closed"


BRIDGE_TEXT = """### [2014-02-13](/news/2014/02/13/index.md)

##### Harbour
# Bridge closed

The old bridge over the harbour is closed until spring.
"""


def test_a_retitle_that_is_undone(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    archive.commit({FILE: None, RENAMED: RENAMED_BRIDGE})
    archive.commit({FILE: BRIDGE, RENAMED: None}, "Revert")
    archive.commit({FILE: None, RENAMED: RENAMED_BRIDGE})
    archive.commit({RENAMED: None})
    archive.commit({FILE: BRIDGE})
    found = take(ledger, archive, contexts=False)
    assert (found["retitled"], found["retracted"], found["reinstated"]) == (4, 1, 1)
    entry = ledger.get(at("bridge-closed")).entry
    assert (entry.status, entry.headline) == ("active", "Bridge closed")
    assert len(ledger.entries()) == 1


def test_files_that_change_places(ledger: Ledger, archive: Archive) -> None:
    bridge, flood = told(BRIDGE, "bridge-closed"), told(FLOOD, "flood")
    archive.commit({"pages/1.md": bridge, "pages/2.md": flood})
    archive.commit({"pages/1.md": flood, "pages/2.md": bridge})
    archive.commit({"pages/1.md": replace(flood, summary="It sinks.")})
    found = take(ledger, archive, contexts=False)
    assert found == {"commits": 3, "changes": 5, "created": 2, "unchanged": 2, "edited": 1}
    assert ledger.get(at("flood")).entry.summary == "It sinks."


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("news/2014/02/13/bridge-closed.md", "news/2014/2/13/bridge-closed.md"),
        ("news/2014/02/13/bridge-closed.md", "pages/bridge.md"),
    ],
)
def test_a_page_that_moves_out_of_its_folder(
    ledger: Ledger, archive: Archive, old: str, new: str
) -> None:
    archive.commit({old: told(BRIDGE, "bridge-closed")})
    archive.commit({old: None, new: told(OPEN, "bridge-closed")})
    found = take(ledger, archive, contexts=False)
    assert found == {"commits": 2, "changes": 3, "created": 1, "edited": 1}


def test_halves_agree_where_a_file_has_moved_unnoticed(
    ledger: Ledger, again: Ledger, archive: Archive
) -> None:
    """A move stores nothing, so the log still names the old file."""
    archive.commit({FILE: BRIDGE})
    archive.commit({FILE: None, f"b/{FILE}": BRIDGE})
    archive.commit({OTHER: FLOOD})
    archive.commit({f"c/{FILE}": OPEN})
    archive.commit({f"b/{FILE}": None, f"c/{FILE}": None})
    take(ledger, archive, contexts=False)
    assert kinds(ledger)[-1] == "EntryRetracted"
    assert in_halves(archive, again, 2) == kinds(ledger)


def test_what_an_older_end_shows_is_known(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    archive.commit({FILE: None, f"b/{FILE}": BRIDGE})
    git(archive.folder, "branch", "behind")
    archive.commit({f"b/{FILE}": OPEN})
    take(ledger, archive, contexts=False)
    before = count(ledger)
    take(ledger, archive, contexts=False, until=archive.commits[1])
    take(ledger, archive, contexts=False, branch="behind")
    assert count(ledger) == before


def test_a_branch_that_left_brings_its_own_alone(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE, OTHER: FLOOD})
    archive.commit({FILE: OPEN})
    git(archive.folder, "checkout", "--quiet", "-b", "side")
    archive.commit({OTHER: replace(FLOOD, summary="It sinks.")})
    git(archive.folder, "checkout", "--quiet", "master")
    archive.commit({FILE: replace(OPEN, topic="Port")})
    take(ledger, archive, contexts=False)
    found = take(ledger, archive, contexts=False, branch="side")
    assert found["edited"] == 1
    entry = ledger.get(at("bridge-closed")).entry
    assert (entry.topic, entry.summary) == ("Port", "It opens in May.")


def test_a_tag_is_no_branch(ledger: Ledger, archive: Archive) -> None:
    first = archive.commit({FILE: BRIDGE})
    archive.commit({FILE: OPEN})
    git(archive.folder, "tag", "release", first)
    git(archive.folder, "branch", "release")
    assert take(ledger, archive, contexts=False, branch="release")["edited"] == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("log.diffMerges", "off"),
        ("log.diffMerges", "combined"),
        ("diff.orderFile", "order"),
        ("log.follow", "true"),
        ("diff.noprefix", "true"),
    ],
)
def test_the_repositorys_own_settings_change_nothing(
    ledger: Ledger, again: Ledger, archive: Archive, name: str, value: str
) -> None:
    archive.commit({FILE: BRIDGE, OTHER: FLOOD})
    git(archive.folder, "checkout", "--quiet", "-b", "side")
    archive.commit({OTHER: replace(FLOOD, summary="It sinks.")})
    git(archive.folder, "checkout", "--quiet", "master")
    archive.commit({FILE: OPEN})
    git(archive.folder, "merge", "--quiet", "-m", "merge", "side", at=archive.time(9))
    (archive.folder / "order").write_text("*flood*\n")
    take(ledger, archive, contexts=False)
    git(archive.folder, "config", name, value)
    with again as other:
        take(other, archive, contexts=False)
        assert [(e.entry, e.data) for e in other.events()] == [
            (e.entry, e.data) for e in ledger.events()
        ]


def test_what_is_too_large_for_a_page(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: b"### x\n" * 1_000_000, OTHER: FLOOD})
    archive.commit({FILE: BRIDGE})
    found = take(ledger, archive, contexts=False)
    (failure,) = found.pop("failures")
    assert failure.endswith(f"{FILE}: it is larger than a page can be")
    assert found == {"commits": 2, "changes": 3, "created": 2}


def test_a_page_filed_anew_under_a_later_day(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    moved = replace(
        told(BRIDGE, "bridge-closed"),
        headline="Bridge closed for good",
        day=BRIDGE.day + timedelta(days=1),
        slug="bridge-closed-for-good",
        changes=history(
            ("Bridge closed", "bridge-closed"),
            ("Bridge closed for good", "bridge-closed-for-good"),
        ),
    )
    archive.commit({FILE: None, "news/2014/02/14/bridge-closed-for-good.md": moved})
    found = take(ledger, archive, contexts=False)
    assert (found["created"], found["retitled"], "retracted" in found) == (1, 1, False)
