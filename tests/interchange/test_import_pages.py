"""Importing pages for the first time: entries, histories, paths, contexts and editions."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.domain import ids
from ledger.domain.events import EntryCreated, EntryEdited, Meta
from ledger.domain.values import Layout, Source
from ledger.errors import InvalidInput, PageError
from ledger.interchange.edits import ASSUMED
from ledger.interchange.versions import path_of, versions_of
from ledger.pages.model import Page
from tests.conftest import NOW
from tests.interchange.conftest import Importer
from tests.interchange.site import (
    ACTOR,
    DAY,
    MIDNIGHT,
    at,
    history,
    open_ledger,
    page,
    plain,
    related,
    said,
    time,
    versions,
    write,
)

SOURCES = (
    Source("Gazette", "https://gazette.example/1"),
    Source("Herald", "https://herald.example", "https://img.example/1.png"),
)
COVER = "https://img.example/cover.jpg"
FULL = page(
    " A [bridge](https://b.example) opens ",
    "bridge-opens",
    topic="Harbour",
    summary="After &quot;years&quot;",
    sources=SOURCES,
    cover_image=COVER,
)
HISTORY = history(("A bridge", "p1"), ("The bridge", "p2"), (FULL.headline, "bridge-opens"))
MOVED = replace(FULL, changes=HISTORY)


def test_a_page_becomes_an_entry(take: Importer, ledger: Ledger) -> None:
    assert said(take({"x/a.md": FULL})) == {"files": 1, "created": 1, "events": 1}
    entry = ids.imported_entry_id(DAY, "en", at("bridge-opens"))
    assert str(entry).startswith("20140213-")
    (event,) = ledger.events()
    assert (event.entry, event.version, event.position) == (entry, 1, 1)
    assert event.meta == Meta(
        actor=ACTOR,
        published_at=MIDNIGHT,
        basis="inferred",
        command=ids.import_command_id(entry, 1, "x/a.md"),
    )
    assert plain(event) == EntryCreated(
        origin="x/a.md",
        date=DAY,
        headline=" A [bridge](https://b.example) opens ",
        slug="bridge-opens",
        edition="en",
        language="en",
        topic="Harbour",
        summary="After &quot;years&quot;",
        sources=SOURCES,
        cover_image=COVER,
        contexts=("Harbour",),
    )
    assert ledger.get(at("bridge-opens")).path == at("bridge-opens")


def test_a_changes_list_becomes_a_history(take: Importer, ledger: Ledger) -> None:
    assert said(take({"a.md": MOVED})) == {"files": 1, "created": 1, "events": 3}
    entry = ids.imported_entry_id(DAY, "en", at("p1"))
    first, second, third = map(plain, ledger.history(entry))
    assert isinstance(first, EntryCreated)
    assert (first.headline, first.slug, first.inferred) == ("A bridge", "p1", ASSUMED)
    assert (first.topic, first.summary) == ("Harbour", "After &quot;years&quot;")
    assert (first.sources, first.cover_image) == (SOURCES, COVER)
    assert second == EntryEdited(origin="a.md", headline="The bridge", slug="p2")
    assert third == EntryEdited(
        origin="a.md", headline=FULL.headline, slug="bridge-opens", inferred=()
    )
    metas = [event.meta for event in ledger.history(entry)]
    assert [(meta.published_at, meta.basis) for meta in metas] == [
        (time(0), "listed"),
        (time(1), "listed"),
        (time(1), "inferred"),
    ]
    assert [meta.command for meta in metas] == [
        ids.import_command_id(entry, version, "a.md") for version in (1, 2, 3)
    ]
    assert not any(meta.minor for meta in metas)
    assert [state.inferred for state in versions(ledger, "p1")] == [ASSUMED, ASSUMED, ()]
    for version, slug in enumerate(("p1", "p2", "bridge-opens"), 1):
        assert ledger.at(at(slug)).entry.version == version


def test_every_ledger_gives_the_same_ids(tmp_path: Path) -> None:
    folder = write(tmp_path / "site", {"a.md": MOVED, "b.md": page("B", "b")})
    found = []
    for name in ("one", "two"):
        with open_ledger(f"sqlite:///{tmp_path / name}") as ledger:
            ledger.import_pages([folder], actor=ACTOR)
            found.append([(e.entry, e.version, e.meta, e.data) for e in ledger.events()])
    assert len(found[0]) == 4
    assert found[0] == found[1]


def test_a_headline_may_change_where_it_is(take: Importer, ledger: Ledger) -> None:
    lines = history(("A", "same"), ("B", "same"), ("C", "same"))
    assert said(take({"a.md": page("C", "same", changes=lines)})) == {
        "files": 1,
        "created": 1,
        "events": 3,
    }
    assert [(v.headline, v.slug) for v in versions(ledger, "same")] == [
        ("A", "same"),
        ("B", "same"),
        ("C", "same"),
    ]


# Pages of older versions

OLD = page(
    "A bridge",
    None,
    style="older",
    summary="Soon",
    sources=(Source("Post", "https://post.example"),),
)


def test_an_older_version_has_the_content_of_its_own_page(take: Importer, ledger: Ledger) -> None:
    report = take({"new.md": MOVED, "2014/02/13/p1.md": OLD})
    assert said(report) == {"files": 2, "created": 1, "older": 1, "events": 3}
    first, second, third = versions(ledger, "p1")
    assert (first.topic, first.summary) == (None, "Soon")
    assert (first.sources, first.cover_image) == (OLD.sources, None)
    assert first.inferred == ()
    # Nothing is known of the second, so it is assumed to say what the first said.
    assert (second.headline, second.topic, second.summary) == ("The bridge", None, "Soon")
    assert (second.sources, second.inferred) == (OLD.sources, ASSUMED)
    assert (third.topic, third.summary, third.inferred) == ("Harbour", FULL.summary, ())


def test_an_older_version_keeps_the_style_of_its_own_page(take: Importer, ledger: Ledger) -> None:
    take({"new.md": MOVED, "2014/02/13/p1.md": OLD})
    styles = [state.layout.style for state in versions(ledger, "p1")]
    assert styles == ["older", "older", "current"]


def test_every_version_has_its_page(take: Importer, ledger: Ledger) -> None:
    second = page(
        "The bridge", "p2", summary="Now", changes=HISTORY[:1] + history(("The bridge", "p2"))
    )
    report = take({"2014/02/13/p1.md": OLD, "p2.md": second, "p3.md": MOVED})
    assert said(report) == {"files": 3, "created": 1, "older": 2, "events": 3}
    summaries = [state.summary for state in versions(ledger, "p1")]
    assert summaries == ["Soon", "Now", FULL.summary]
    assert [state.inferred for state in versions(ledger, "p1")] == [(), (), ()]


def test_a_page_with_another_headline_is_not_that_version(take: Importer, ledger: Ledger) -> None:
    take({"new.md": MOVED, "2014/02/13/p1.md": replace(OLD, headline="A tunnel")})
    assert [state.inferred for state in versions(ledger, "p2")] == [ASSUMED, ASSUMED, ()]
    assert versions(ledger, "p2")[0].summary == FULL.summary


def test_a_headline_that_came_back_among_pages_of_both(take: Importer, ledger: Ledger) -> None:
    """Each of the two pages lists the path of the other one as an older version."""
    now = page("A", "p1", summary="Now", changes=history(("A", "p1"), ("B", "p2"), ("A", "p1")))
    old = page("B", "p2", summary="Then", changes=history(("A", "p1"), ("B", "p2")))
    assert said(take({"now.md": now, "old.md": old})) == {
        "files": 2,
        "created": 1,
        "older": 1,
        "events": 3,
    }
    assert [(v.headline, v.slug) for v in versions(ledger, "p1")] == [
        ("A", "p1"),
        ("B", "p2"),
        ("A", "p1"),
    ]


# Paths

BARE = "### [2014-02-13](/news/2014/02/13/index.md)\n\n# {}\n\n\n\n"


CHANGED = (
    BARE.format("Two") + "\n### Changes:\n\n"
    "1. [One](/news/2014/02/13/one.md) _2018-02-06 13:49:25 (First version)_\n"
    "1. [Two](/news/2014/02/13/changes.md) _(Current version)_\n"
)
BY_RULE = BARE.format(" By the «rule», 2nd ")

SLUGS: dict[str, tuple[str, Page | str, str]] = {
    "formats": ("2014/02/13/file.md", page("By the rule", "formats"), "formats"),
    "changes": ("2014/02/13/file.md", CHANGED, "changes"),
    "file": ("2014/02/13/As-Published.md", BY_RULE, "As-Published"),
    "text file": ("2014/02/13/file.txt", BY_RULE, "file"),
    "other suffix": ("2014/02/13/file.markdown", BY_RULE, "file"),
    "upper case": ("2014/02/13/file.MD", BY_RULE, "file"),
    "another day's file": ("2014/02/14/file.md", BY_RULE, "by-the-rule-2nd"),
    "rule": ("file.md", BY_RULE, "by-the-rule-2nd"),
    "rule without letters": ("file.md", BARE.format("?!"), "entry"),
}


@pytest.mark.parametrize("case", SLUGS)
def test_where_the_slug_comes_from(take: Importer, ledger: Ledger, case: str) -> None:
    name, content, slug = SLUGS[case]
    assert take({name: content}).failures == []
    (entry,) = ledger.entries()
    assert (entry.entry.slug, entry.path) == (slug, at(slug))


def test_two_entries_that_came_to_one_path(take: Importer, ledger: Ledger) -> None:
    pages = {
        "a.md": page("B", "same", changes=history(("A", "a"), ("B", "same"))),
        "c.md": page("D", "same", changes=history(("C", "c"), ("D", "same"))),
    }
    assert said(take(pages)) == {"files": 2, "created": 2, "events": 4}
    assert ledger.get(at("a")).path == at("same")
    assert ledger.get(at("c")).path == at("same-2")
    assert ledger.get(at("c")).entry.slug == "same"
    assert said(take(pages)) == {"files": 2, "unchanged": 2}


def test_two_entries_that_the_rule_gives_one_slug(take: Importer, ledger: Ledger) -> None:
    pages = {"a.md": BARE.format("Bridge!"), "b.md": BARE.format("Bridge?")}
    assert said(take(pages)) == {"files": 2, "created": 2, "events": 2}
    assert ledger.get(at("bridge")).entry.headline == "Bridge!"
    assert ledger.get(at("bridge-2")).entry.headline == "Bridge?"
    assert said(take(pages)) == {"files": 2, "unchanged": 2}


# Contexts


def test_contexts_come_from_topics_and_related_lines_of_all_pages(
    take: Importer, ledger: Ledger
) -> None:
    report = take(
        {
            "a.md": page("A", "a", topic="Harbour", related=related("z", "Sea", "Old Town")),
            "m.md": page("M", "m", topic="", related=related("a", "Bridges")),
            "z.md": page("Z", "z", topic="Town"),
        }
    )
    assert said(report) == {"files": 3, "created": 3, "events": 3}
    contexts = {item.entry.slug: item.entry.contexts for item in ledger.entries()}
    assert contexts == {
        "a": ("Bridges", "Harbour", "Old Town", "Sea"),
        "m": ("Bridges",),
        "z": ("Old Town", "Sea", "Town"),
    }


def test_every_version_of_a_new_entry_has_its_contexts(take: Importer, ledger: Ledger) -> None:
    report = take({"a.md": MOVED, "b.md": page("B", "b", related=related("bridge-opens", "Sea"))})
    assert said(report) == {"files": 2, "created": 2, "events": 4}
    assert {state.contexts for state in versions(ledger, "p1")} == {("Harbour", "Sea")}


@pytest.mark.parametrize("older", [{}, {"2014/02/13/p1.md": OLD}])
def test_contexts_are_learned_under_an_old_path_too(
    take: Importer, ledger: Ledger, older: dict[str, Page | str | bytes]
) -> None:
    report = take({"a.md": MOVED, "b.md": page("B", "b", related=related("p1", "Sea")), **older})
    assert (report.created, report.edited, report.events) == (2, 0, 4)
    assert ledger.get(at("bridge-opens")).entry.contexts == ("Harbour", "Sea")


def test_contexts_stay_within_an_edition(take: Importer, ledger: Ledger) -> None:
    chinese = page("桥", "b", edition="zh", related=related("a", "海"))
    take({"a.md": page("A", "a", topic="Sea"), "b.md": chinese})
    assert {item.entry.edition: item.entry.contexts for item in ledger.entries()} == {
        "en": ("Sea",),
        "zh": ("海",),
    }


# Editions


def test_both_editions_in_one_run(take: Importer, ledger: Ledger) -> None:
    english = page("Bridge", "a", sources=SOURCES)
    chinese = page("桥", "a", edition="zh", style="archive", topic="港", sources=SOURCES)
    assert said(take({"2014/02/13/a.md": chinese, "a.md": english})) == {
        "files": 2,
        "created": 2,
        "events": 2,
    }
    assert ledger.at("/news/2014/02/13/a.md").entry.headline == "Bridge"
    entry = ledger.at("/zh/news/2014/02/13/a.md").entry
    assert (entry.headline, entry.edition, entry.language) == ("桥", "zh", "zh")
    assert entry.layout == Layout("archive")
    assert entry.id == ids.imported_entry_id(DAY, "zh", at("a"))


@pytest.mark.parametrize(
    ("headline", "given", "edition", "slug"),
    [
        ("大桥 Open", None, "zh", "大桥-Open"),
        ("Bridge Open", None, "en", "bridge-open"),
        ("Bridge Open", "zh", "zh", "Bridge-Open"),
        ("大桥 Open", "en", "en", "open"),
    ],
)
def test_a_page_without_labels(
    take: Importer, ledger: Ledger, headline: str, given: str | None, edition: str, slug: str
) -> None:
    take({"a.md": BARE.format(headline)}, edition=given)
    (found,) = ledger.entries()
    assert (found.entry.edition, found.entry.slug) == (edition, slug)


def test_an_edition_that_is_given_does_not_overrule_the_labels(
    take: Importer, ledger: Ledger
) -> None:
    take({"a.md": FULL}, edition="zh")
    assert ledger.get(at("bridge-opens")).entry.edition == "en"


def test_an_unknown_edition(take: Importer, ledger: Ledger) -> None:
    with pytest.raises(InvalidInput, match="no edition is called 'xx'; known are: en, zh"):
        take({"a.md": FULL}, edition="xx")


# What a page cannot tell


def test_a_page_without_a_path() -> None:
    with pytest.raises(PageError, match="it has no path"):
        path_of(page("A", None))


def test_a_change_without_a_time() -> None:
    lines = tuple(replace(line, published_at=None) for line in HISTORY)
    with pytest.raises(PageError, match=f"the change at {at('p1')} has no permalink or no time"):
        versions_of(replace(FULL, changes=lines), NOW, lambda path, headline: None)


def test_an_entry_of_tomorrow_is_not_published_later_than_now() -> None:
    (version,) = versions_of(
        replace(FULL, day=NOW.date().replace(day=2)), NOW, lambda path, headline: None
    )
    assert (version.published_at, version.basis) == (NOW, "inferred")
