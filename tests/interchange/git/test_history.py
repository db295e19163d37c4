"""What each change of a page in git comes to: given commits, when imported, then events."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.domain import ids
from ledger.domain.events import EntryCreated, EntryEdited, EntryReinstated, EntryRetracted
from ledger.domain.values import Layout, Source
from ledger.errors import InvalidInput
from ledger.pages.markdown import render
from ledger.pages.model import Page, RelatedLine
from tests.conftest import NOW
from tests.interchange.git.archive import AUTHOR, Archive, events, take
from tests.interchange.site import DAY, at, history, page, related, time, versions

BRIDGE = page(
    "Bridge closed",
    None,
    style="archive",
    topic="Harbour",
    summary="The old bridge over the harbour is closed until spring.",
    sources=(Source("Gazette", "https://gazette.example/bridge"),),
)
FILE = f"{at('bridge-closed')[1:]}.md"
RENAMED = f"{at('harbour-bridge-closed')[1:]}.md"
OTHER = f"{at('flood')[1:]}.md"
FLOOD = page("Flood", None, style="archive", summary="Water stands in the lower town.")


def test_a_page_that_comes_creates_an_entry(ledger: Ledger, archive: Archive) -> None:
    commit = archive.commit({FILE: BRIDGE}, "First news")
    assert take(ledger, archive) == {"commits": 1, "changes": 1, "created": 1, "learned": 1}
    created, learned = events(ledger)
    assert created.entry == ids.imported_entry_id(DAY, "en", at("bridge-closed"))
    assert isinstance(created.data, EntryCreated)
    assert created.data.origin == f"git:{commit}:{FILE}"
    meta = created.meta
    assert (meta.actor, meta.reason) == (AUTHOR, "First news")
    assert (meta.published_at, meta.basis) == (archive.time(0), "commit")
    assert isinstance(learned.data, EntryEdited)
    assert (learned.data.contexts, learned.data.origin) == (("Harbour",), f"git:{commit}")


def test_a_page_that_changes_edits_what_differs(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    archive.commit({FILE: replace(BRIDGE, summary="It opens in May.")}, "Date known")
    assert take(ledger, archive, contexts=False) == {
        "commits": 2,
        "changes": 2,
        "created": 1,
        "edited": 1,
    }
    _, edited = events(ledger)
    assert isinstance(edited.data, EntryEdited)
    assert edited.data.summary == "It opens in May."
    assert edited.meta.published_at == archive.time(1)
    assert [entry.headline for entry in versions(ledger, "bridge-closed")] == ["Bridge closed"] * 2
    assert ledger.get(at("bridge-closed"), as_of=archive.time(0)).entry.version == 1
    assert ledger.get(at("bridge-closed"), as_of=archive.time(1)).entry.version == 2


def test_what_goes_there_and_back_is_kept(ledger: Ledger, archive: Archive) -> None:
    for topic in ("Harbour", "Port", "Harbour", "Port"):
        archive.commit({FILE: replace(BRIDGE, topic=topic)})
    assert take(ledger, archive, contexts=False)["edited"] == 3
    topics = [entry.topic for entry in versions(ledger, "bridge-closed")]
    assert topics == ["Harbour", "Port", "Harbour", "Port"]


def test_derived_parts_are_noise(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    first = replace(BRIDGE, related=related("flood", "Harbour"))
    archive.commit({FILE: first})
    archive.commit({FILE: replace(first, related=related("flood", "Harbour", "Rain"))})
    elsewhere = Layout(style="archive", day_prefix="/old/news")
    archive.commit({FILE: replace(first, layout=elsewhere)})
    archive.commit({FILE: render(first).replace("\n", "\r\n")})
    found = take(ledger, archive, contexts=False)
    assert found == {"commits": 5, "changes": 5, "created": 1, "noise": 4}


def test_a_page_that_goes_is_retracted_and_comes_back(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    gone = archive.commit({FILE: None}, "Was wrong")
    archive.commit({OTHER: FLOOD})
    archive.commit({FILE: replace(BRIDGE, summary="Closed after all.")}, "Was right")
    assert take(ledger, archive, contexts=False) == {
        "commits": 4,
        "changes": 4,
        "created": 2,
        "retracted": 1,
        "reinstated": 1,
        "edited": 1,
    }
    of_bridge = ledger.history(at("bridge-closed"))
    kinds = [type(event.data) for event in of_bridge]
    assert kinds == [EntryCreated, EntryRetracted, EntryReinstated, EntryEdited]
    assert of_bridge[1].meta.reason == "Was wrong"
    assert of_bridge[1].data.origin == f"git:{gone}:{FILE}"
    assert ledger.get(at("bridge-closed"), as_of=archive.time(2)).entry.status == "retracted"
    assert ledger.get(at("bridge-closed")).entry.summary == "Closed after all."


def test_a_page_that_goes_as_one_alike_comes_is_retitled(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE, OTHER: FLOOD})
    renamed = replace(BRIDGE, headline="Harbour bridge closed")
    archive.commit({FILE: None, RENAMED: renamed}, "Which bridge")
    archive.commit({RENAMED: replace(renamed, summary="It opens in May.")})
    assert take(ledger, archive, contexts=False) == {
        "commits": 3,
        "changes": 5,
        "created": 2,
        "retitled": 1,
        "edited": 1,
    }
    entry = ledger.at(at("harbour-bridge-closed")).entry
    assert entry.id == ids.imported_entry_id(DAY, "en", at("bridge-closed"))
    assert entry.summary == "It opens in May."
    assert ledger.at(at("bridge-closed")).entry.headline == "Bridge closed"
    listed = [(change.headline, change.path) for change in ledger.changes(entry.id)]
    assert listed == [
        ("Bridge closed", at("bridge-closed")),
        ("Harbour bridge closed", at("harbour-bridge-closed")),
    ]


@pytest.mark.parametrize(("alike", "kind"), [(0.5, "retracted"), (0.05, "retitled")])
def test_how_alike_is_for_the_user_to_say(
    ledger: Ledger, archive: Archive, alike: float, kind: str
) -> None:
    archive.commit({FILE: BRIDGE})
    archive.commit({FILE: None, OTHER: FLOOD})
    assert take(ledger, archive, contexts=False, alike=alike)[kind] == 1


@pytest.mark.parametrize("alike", [0.0, -1.0, 1.5])
def test_what_is_no_likeness(ledger: Ledger, archive: Archive, alike: float) -> None:
    archive.commit({FILE: BRIDGE})
    with pytest.raises(InvalidInput, match="likeness goes from above 0 to 1"):
        take(ledger, archive, alike=alike)


def test_the_most_alike_are_paired(ledger: Ledger, archive: Archive) -> None:
    ferry = replace(BRIDGE, headline="Ferry stops", summary="The ferry to the island stops.")
    archive.commit({FILE: BRIDGE, f"{at('ferry-stops')[1:]}.md": ferry})
    archive.commit(
        {
            FILE: None,
            f"{at('ferry-stops')[1:]}.md": None,
            f"{at('a')[1:]}.md": replace(ferry, headline="Ferry stops again"),
            f"{at('b')[1:]}.md": replace(BRIDGE, headline="Bridge closed again"),
        }
    )
    assert take(ledger, archive, contexts=False)["retitled"] == 2
    assert [e.headline for e in versions(ledger, "a")] == ["Ferry stops", "Ferry stops again"]
    assert [e.headline for e in versions(ledger, "b")] == ["Bridge closed", "Bridge closed again"]


def test_pages_of_two_days_are_never_paired(ledger: Ledger, archive: Archive) -> None:
    later = replace(BRIDGE, day=DAY + timedelta(days=1))
    archive.commit({FILE: BRIDGE})
    archive.commit({FILE: None, "news/2014/02/14/bridge-closed.md": later})
    found = take(ledger, archive, contexts=False)
    assert (found["created"], found["retracted"]) == (2, 1)


def test_a_file_that_moves_stays_the_same_page(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    archive.commit({FILE: None, f"site/{FILE}": BRIDGE}, "Moved")
    archive.commit({f"site/{FILE}": replace(BRIDGE, summary="It opens in May.")})
    archive.commit({f"site/{FILE}": None})
    assert take(ledger, archive, contexts=False) == {
        "commits": 4,
        "changes": 5,
        "created": 1,
        "unchanged": 1,
        "edited": 1,
        "retracted": 1,
    }


def test_a_page_that_lists_its_versions_brings_them(ledger: Ledger, archive: Archive) -> None:
    listed = page(
        "Bridge closed",
        "bridge-closed",
        summary=BRIDGE.summary,
        changes=history(("Bridge shut", "bridge-shut"), ("Bridge closed", "bridge-closed")),
    )
    archive.commit({FILE: listed})
    assert take(ledger, archive, contexts=False)["created"] == 1
    first, second = ledger.history(at("bridge-closed"))
    assert first.entry == ids.imported_entry_id(DAY, "en", at("bridge-shut"))
    assert (first.meta.basis, second.meta.basis) == ("listed", "commit")
    assert second.meta.published_at == archive.time(0)


def test_a_history_that_git_never_saw_comes_from_the_list(
    ledger: Ledger, archive: Archive
) -> None:
    """The first commit holds a page, and those of two older versions of it."""
    steps = (("Bridge shut", "bridge-shut"), ("Bridge barred", "bridge-barred"))
    first = replace(BRIDGE, headline="Bridge shut", summary="Ice.")
    listed = replace(
        BRIDGE,
        layout=Layout(style="current"),
        slug="bridge-closed",
        changes=history(*steps, ("Bridge closed", "bridge-closed")),
    )
    shut = f"{at('bridge-shut')[1:]}.md"
    archive.commit({shut: first, FILE: listed})
    archive.commit({shut: replace(first, topic=None)})
    found = take(ledger, archive, contexts=False)
    assert found == {"commits": 2, "changes": 3, "created": 1, "edited": 2, "older": 2}
    told = [
        (event.meta.published_at, event.meta.basis)
        for event in ledger.history(at("bridge-closed"))
    ]
    assert told == [(time(0), "listed"), (time(1), "listed"), (archive.time(0), "commit")]
    one, two, three = versions(ledger, "bridge-closed")
    assert (one.summary, one.inferred) == ("Ice.", ())
    # Nobody knows what the second said.
    assert "summary" in two.inferred
    assert (three.headline, three.inferred) == ("Bridge closed", ())


def test_steps_between_two_commits_come_from_the_list(ledger: Ledger, archive: Archive) -> None:
    first, second, third = (
        ("Bridge closed", "bridge-closed"),
        ("Bridge shut", "bridge-shut"),
        ("Bridge barred", "bridge-barred"),
    )
    archive.commit({FILE: BRIDGE})
    last = replace(
        BRIDGE,
        headline="Bridge barred",
        layout=Layout(style="current"),
        slug="bridge-barred",
        changes=history(first, second, third),
    )
    archive.commit({FILE: None, f"{at('bridge-barred')[1:]}.md": last})
    found = take(ledger, archive, contexts=False)
    assert found == {"commits": 2, "changes": 3, "created": 1, "retitled": 2, "older": 1}
    listed = [(change.headline, change.basis) for change in ledger.changes(at("bridge-closed"))]
    assert listed == [
        ("Bridge closed", "commit"),
        ("Bridge shut", "listed"),
        ("Bridge barred", "commit"),
    ]


def test_a_page_that_lists_another_is_the_same_entry(ledger: Ledger, archive: Archive) -> None:
    """A site that keeps the pages of older versions where they were."""
    archive.commit({FILE: BRIDGE})
    renamed = page(
        "All is well again",
        "all-is-well-again",
        summary="Open.",
        changes=history(
            ("Bridge closed", "bridge-closed"), ("All is well again", "all-is-well-again")
        ),
    )
    archive.commit({f"{at('all-is-well-again')[1:]}.md": renamed})
    archive.commit({FILE: replace(BRIDGE, topic="Port")})
    archive.commit({FILE: None})
    found = take(ledger, archive, contexts=False)
    assert found == {"commits": 4, "changes": 4, "created": 1, "retitled": 1, "older": 2}
    assert ledger.at(at("all-is-well-again")).entry.version == 2


def test_a_path_that_an_entry_has_left_can_be_anothers(ledger: Ledger, archive: Archive) -> None:
    renamed = replace(BRIDGE, headline="Harbour bridge closed")
    archive.commit({FILE: BRIDGE})
    archive.commit({FILE: None, RENAMED: renamed})
    archive.commit({FILE: BRIDGE}, "The older copy")
    archive.commit({FILE: replace(FLOOD, headline="Another bridge closed")}, "Another entry")
    archive.commit({FILE: replace(FLOOD, headline="Another bridge closed", summary="Two now.")})
    found = take(ledger, archive, contexts=False)
    assert {name: found[name] for name in ("created", "retitled", "older", "edited")} == {
        "created": 2,
        "retitled": 1,
        "older": 1,
        "edited": 1,
    }
    assert ledger.get(at("bridge-closed-2")).entry.summary == "Two now."
    assert take(ledger, archive, contexts=False)["unchanged"] == 1


def test_a_commit_of_the_future_counts_as_now(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE}, at=NOW + timedelta(days=2))
    take(ledger, archive, contexts=False)
    (created,) = events(ledger)
    assert (created.meta.published_at, created.meta.basis) == (NOW, "inferred")


def test_a_clock_that_was_beyond_all_calendars(ledger: Ledger, archive: Archive) -> None:
    stream = f"""commit refs/heads/master
committer Ada Reed <ada@gazette.example> 999999999999999 +0000
data 4
News
M 100644 inline {FILE}
data {len(render(BRIDGE).encode())}
{render(BRIDGE)}
"""
    command = ["git", "-C", str(archive.folder), "fast-import", "--quiet"]
    subprocess.run(command, input=stream.encode(), check=True)
    take(ledger, archive, contexts=False)
    (created,) = events(ledger)
    assert (created.meta.published_at, created.meta.basis) == (NOW, "inferred")


def test_contexts_are_learned_from_the_last_pages(ledger: Ledger, archive: Archive) -> None:
    about = RelatedLine("Flood", at("flood"), ("Harbour", "Rain"))
    archive.commit({FILE: replace(BRIDGE, related=related("flood", "Wind")), OTHER: FLOOD})
    archive.commit({FILE: replace(BRIDGE, related=(about,))})
    assert take(ledger, archive)["learned"] == 2
    assert ledger.get(at("bridge-closed")).entry.contexts == ("Harbour", "Rain")
    assert ledger.get(at("flood")).entry.contexts == ("Harbour", "Rain")
    assert "learned" not in take(ledger, archive)


def test_pages_without_a_path_of_their_own(ledger: Ledger, archive: Archive) -> None:
    """Files anywhere: the headline gives the path, and moves the page when it changes."""
    archive.commit({"bridge.md": BRIDGE, "flood.md": FLOOD})
    archive.commit({"bridge.md": replace(BRIDGE, headline="Harbour bridge closed")})
    archive.commit({"flood.md": replace(FLOOD, headline="Harbour bridge closed")})
    found = take(ledger, archive, contexts=False)
    assert (found["created"], found["edited"]) == (2, 2)
    assert [e.headline for e in versions(ledger, "flood")] == ["Flood", "Harbour bridge closed"]
    assert len(versions(ledger, "harbour-bridge-closed")) == 2


def test_an_edition_is_told_by_its_pages(ledger: Ledger, archive: Archive) -> None:
    chinese = Page(
        edition="zh",
        layout=Layout(style="archive"),
        day=DAY,
        slug=None,
        headline="老桥",
        summary="关闭。",
    )
    archive.commit({"zh/news/2014/02/13/老桥.md": chinese})
    take(ledger, archive)
    assert ledger.at("/zh/news/2014/02/13/老桥").entry.edition == "zh"
