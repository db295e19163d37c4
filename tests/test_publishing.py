"""The models of pages: what is published of an archive, now and at moments in the past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.domain.values import Layout
from ledger.errors import InvalidInput
from ledger.pages.build import build_page
from ledger.pages.model import ContextCountLine, ContextLink, EntryLink, PublicNote
from ledger.pages.rendering import render
from tests.pages.newsroom import DAY, fill, hour
from tests.stores import Store

FERRY = "/news/2021/03/4/ferry"
SAILS, BACK, SAFE = f"{FERRY}-sails", f"{FERRY}-turns-back", f"{FERRY}-safe"


@pytest.fixture
def news(store: Store) -> Iterator[Ledger]:
    """A new ledger, on each kind of store."""
    with Ledger.open(store.url) as ledger:
        ledger.init()
        yield ledger


@pytest.fixture(scope="module")
def filled(shared_store: Store) -> Iterator[Ledger]:
    with Ledger.open(shared_store.url) as ledger:
        ledger.init()
        fill(ledger)
        yield ledger


def add(news: Ledger, headline: str, hours: float = 0, **options: object) -> UUID:
    """Create an entry that became public so many hours after the first."""
    options = {"actor": "ann", "published_at": hour(hours)} | options
    day = options.pop("day", DAY)
    return news.create(day, headline, **options).entry  # type: ignore[arg-type]


# An entry


def test_every_permalink_shows_its_version(filled: Ledger) -> None:
    found = [filled.pages.entry(filled.at(path)) for path in (SAILS, BACK, SAFE)]
    assert [page.version for page in found] == [1, 4, 5]
    assert [page.current for page in found] == [SAFE, SAFE, None]
    assert [page.predecessor for page in found] == [None, SAILS, BACK]
    assert [page.successor for page in found] == [BACK, SAFE, None]
    for page, path in zip(found, (SAILS, BACK, SAFE), strict=True):
        assert page.page == filled.page(filled.at(path))
        assert [revision.version for revision in page.history] == [1, 2, 3, 4, 5]
        assert page.first_published_at == hour(0)
    assert [len(page.notes) for page in found] == [0, 1, 1]
    assert found[1].notes == (
        PublicNote("correction", "It carried **118**, not 120.", 4, hour(4)),
    )


def test_a_version_that_is_at_no_path_of_its_own(filled: Ledger) -> None:
    page = filled.pages.entry(filled.get(SAFE, version=2))
    assert (page.version, page.page.path, page.current) == (2, BACK, SAFE)
    assert (page.predecessor, page.successor) == (SAILS, SAFE)
    assert page.published_at == hour(2)


def test_a_path_that_was_come_back_to(news: Ledger) -> None:
    """Given A, B, A, C: A shows the third version, and so is not before B."""
    entry = add(news, "A")
    for number, headline in enumerate(("B", "A", "C"), 1):
        news.edit(entry, headline=headline, actor="ann", published_at=hour(number))
    a, b, c = (f"/news/2021/03/4/{slug}" for slug in "abc")

    def around(path: str) -> tuple[int, str | None, str | None]:
        page = news.pages.entry(news.at(path))
        return page.version, page.predecessor, page.successor

    assert [around(path) for path in (b, a, c)] == [(2, None, a), (3, b, c), (4, a, None)]


def test_another_edition_is_another_place(news: Ledger) -> None:
    entry = add(news, "A")
    news.edit(entry, headline="B", actor="ann", published_at=hour(1))
    news.edit(entry, edition="zh", language="zh", headline="桥", actor="ann", published_at=hour(2))
    older = news.pages.entry(news.at("/news/2021/03/4/b"))
    assert (older.current, older.history[-1].edition) == ("/news/2021/03/4/桥", "zh")
    assert (older.predecessor, older.successor) == ("/news/2021/03/4/a", None)


def test_lists_lead_to_the_edition_that_each_line_is_of(news: Ledger) -> None:
    add(news, "Tides", contexts=("Harbour",))
    add(news, "潮水", contexts=("Harbour",), edition="zh", language="zh")
    entry = add(news, "A", contexts=("Harbour",))
    news.edit(entry, headline="B", actor="ann", published_at=hour(1))
    news.edit(entry, edition="zh", language="zh", headline="桥", actor="ann", published_at=hour(2))
    older, now = (
        news.pages.entry(news.at(path)) for path in ("/news/2021/03/4/a", "/zh/news/2021/03/4/桥")
    )
    assert [line.edition for line in older.page.changes] == [None, None, "zh"]
    assert [line.edition for line in now.page.changes] == ["en", "en", None]
    for page in (older, now):
        text = render(page, "md")
        for path in ("/news/2021/03/4/a", "/news/2021/03/4/b", "/zh/news/2021/03/4/桥"):
            assert f"]({path}.md) _" in text
    # What is related now is of the edition that the entry is in now.
    assert [line.headline for line in now.page.related] == ["潮水"]
    assert older.page.related == ()


def test_what_an_import_learned_is_no_news(news: Ledger) -> None:
    entry = add(news, "A")
    news.edit(entry, summary="So.", actor="ann", published_at=hour(1), basis="listed")
    learn(news, entry)
    page = news.pages.entry(news.get(entry))
    assert [one.is_told for one in page.history] == [True, True, False]
    assert page.published_at > hour(1)
    assert (page.last_told.version, page.updated_at) == (2, hour(1))
    # A minor edit of a time that is known is news, as is one of an assumed time that is not minor.
    news.edit(entry, topic="Sea", minor=True, actor="ann", published_at=hour(2))
    news.edit(entry, topic="Land", basis="inferred", actor="ann", published_at=hour(3))
    page = news.pages.entry(news.get(entry))
    assert [one.is_told for one in page.history] == [True, True, False, True, True]
    assert page.updated_at == hour(3)
    assert news.pages.entry(news.get(entry, version=4)).updated_at == hour(2)


def learn(news: Ledger, entry: UUID) -> None:
    """Give an entry a context as an import does that learned it from another page."""
    news.edit(entry, add_contexts=("Rain",), minor=True, basis="inferred", actor="import")


def test_updates_never_run_backwards(news: Ledger) -> None:
    entry = add(news, "A")
    for summary, hours in (("One.", 5), ("Two.", 3), ("Three.", 6)):
        news.edit(entry, summary=summary, actor="ann", published_at=hour(hours))
    history = news.pages.entry(news.get(entry)).history
    assert [one.published_at for one in history] == [hour(0), hour(5), hour(3), hour(6)]
    assert [one.updated_at for one in history] == [hour(0), hour(5), hour(5), hour(6)]


def test_as_it_was(filled: Ledger) -> None:
    then = filled.get(SAFE, as_of=hour(3.5))
    page = filled.pages.entry(then)
    assert (page.version, page.current, page.notes) == (3, None, ())
    assert [revision.label for revision in page.history] == [
        "first_version",
        "update",
        "current_version",
    ]
    assert [line.label for line in page.page.changes] == ["first_version", "current_version"]
    # An old permalink at that moment: its Changes list ends where the entry was then.
    older = replace(filled.at(SAILS), as_of=hour(3.5))
    page = filled.pages.entry(older)
    assert (page.version, page.current, page.successor) == (1, BACK, BACK)


def test_what_it_says_of_its_state(filled: Ledger) -> None:
    keeper, nothing, note = (
        filled.pages.entry(filled.at(f"/news/2021/03/4/{slug}"))
        for slug in ("keeper-saw-it", "keeper-saw-nothing", "back-in-harbour")
    )
    assert (keeper.status, keeper.status_since, keeper.merged_into) == (
        "retracted",
        hour(6),
        None,
    )
    assert (nothing.status, nothing.current_status, nothing.status_since) == (
        "active",
        "retracted",
        None,
    )
    assert (note.status, note.status_since) == ("merged", hour(7))
    assert note.merged_into == EntryLink("Ferry safe", SAFE, "en")


def test_merged_into_what_was_not_public_yet(news: Ledger) -> None:
    old, new = add(news, "Old"), add(news, "New", 5)
    news.merge(old, new, actor="ann", published_at=hour(1))
    then = news.pages.entry(news.get(old, as_of=hour(2)))
    assert (then.status, then.merged_into) == ("merged", None)
    now = news.pages.entry(news.get(old))
    assert now.merged_into == EntryLink("New", "/news/2021/03/4/new", "en")


def test_retracted_twice_counts_from_the_second_time(news: Ledger) -> None:
    entry = add(news, "A")
    news.retract(entry, actor="ann", published_at=hour(1))
    news.reinstate(entry, actor="ann", published_at=hour(2))
    news.retract(entry, actor="ann", published_at=hour(3))
    assert news.pages.entry(news.get(entry)).status_since == hour(3)
    assert news.pages.entry(news.get(entry, version=2)).status_since == hour(1)
    assert news.pages.entry(news.get(entry, version=3)).status_since is None


def test_text_that_was_erased_is_compared_with_nothing(filled: Ledger) -> None:
    page = filled.pages.entry(filled.get("/news/2021/03/5/captain-named"))
    first, second, *rest = page.history
    assert (first.erased, second.erased) == (True, False)
    words = second.diffs[0].words
    assert [span.operation for span in words] == ["delete", "insert"]
    assert (words[0].text, words[1].text) == (first.headline, "Captain named")
    assert [(revision.type, revision.diffs) for revision in rest] == [
        ("EntryErased", ()),
        ("EntryRestated", ()),
    ]
    assert not page.erased


def test_a_style_and_prefixes_of_ones_own(filled: Ledger) -> None:
    shown = filled.at(SAFE)
    assert filled.pages.entry(shown, "older").page.layout.style == "older"
    moved = replace(shown, entry=replace(shown.entry, layout=Layout(prefix="/en/news")))
    page = filled.pages.entry(moved).page
    assert page.prefix == "/en/news"
    assert page == build_page(moved.entry, SAFE, filled.changes(SAFE), filled.related(SAFE))


# Lists


def test_days_have_what_was_taken_back_and_the_front_page_has_not(filled: Ledger) -> None:
    day = filled.pages.day(DAY, edition="en")
    assert [(teaser.headline, teaser.status) for teaser in day.entries] == [
        ("Ferry safe", "active"),
        ("Keeper saw it", "retracted"),
        ("Back in harbour", "merged"),
    ]
    assert (day.previous, day.next) == (date(2021, 3, 2), date(2021, 3, 5))
    front = filled.pages.front("en")
    assert [[teaser.headline for teaser in one.entries] for one in front.days] == [
        ["Captain named"],
        ["Ferry safe"],
        ["Spring tide rises"],
    ]
    assert front.previous is None
    assert filled.pages.editions() == ["en", "zh"]


def test_the_front_page_has_three_days_and_names_the_one_before(news: Ledger) -> None:
    for number in (1, 2, 3, 5, 8):
        add(news, f"Day {number}", day=date(2021, 3, number))
    taken_back = add(news, "Taken back", day=date(2021, 3, 9))
    news.retract(taken_back, actor="ann")
    front = news.pages.front("en")
    assert [day.day.day for day in front.days] == [8, 5, 3]
    assert front.previous == date(2021, 3, 2)
    assert news.pages.front("zh").days == ()


def test_lists_as_they_were(filled: Ledger) -> None:
    pages = filled.pages
    then = hour(1.5)
    assert [t.headline for t in pages.day(DAY, edition="en", as_of=then).entries] == [
        "Ferry sails",
        "Keeper saw nothing",
    ]
    assert [day.day.day for day in pages.front("en", as_of=then).days] == [4, 2]
    assert pages.editions(as_of=hour(0.5)) == ["en"]
    assert pages.editions(known_at=0) == []
    assert [t.path for t in pages.context("Quays", "en", as_of=hour(-1)).entries] == [
        "/news/2021/03/2/spring-tide-rises"
    ]
    assert pages.contexts("en", as_of=hour(-1)).contexts == (
        ContextCountLine("Ferries", "/news/contexts/ferries", 1),
        ContextCountLine("Quays", "/news/contexts/quays", 1),
    )
    assert [line.entries for line in pages.contexts("en").contexts] == [2, 1, 3]


def test_contexts_of_each_edition(filled: Ledger) -> None:
    pages = filled.pages
    assert pages.contexts("zh").contexts == (ContextCountLine("渡輪", "/news/contexts/渡輪", 1),)
    # In the order of the pages of their days.
    quays = pages.context("Quays", "en")
    assert quays.path == "/news/contexts/quays"
    assert [(t.headline, t.status) for t in quays.entries] == [
        ("Ferry safe", "active"),
        ("Keeper saw it", "retracted"),
        ("Spring tide rises", "active"),
    ]
    assert pages.context("Quays", "zh").entries == ()
    assert pages.context("None such", "en").path == "/news/contexts/none-such"


def test_a_context_has_its_entries_as_their_days_have_them(news: Ledger) -> None:
    names = [f"Headline {number}" for number in (5, 2, 7, 1, 6)]
    for name in names:
        add(news, name, contexts=("Rain",))
    add(news, "Later", day=date(2021, 3, 6), contexts=("Rain",))
    found = [teaser.headline for teaser in news.pages.context("Rain", "en").entries]
    assert found == ["Later", *names]


def test_a_context_that_no_entry_has_any_more_has_no_page(news: Ledger) -> None:
    pages = news.pages
    entry = add(news, "A", contexts=("Rain",))
    assert pages.entry(news.get(entry)).context_links == (
        ContextLink("Rain", "/news/contexts/rain"),
    )
    news.edit(entry, contexts=("Snow",), headline="B", actor="ann", published_at=hour(1))
    # The same publisher, which had read the contexts before.
    assert pages.entry(news.at("/news/2021/03/4/a")).context_links == (ContextLink("Rain", None),)
    then = replace(news.at("/news/2021/03/4/a"), as_of=hour(0.5))
    assert pages.entry(then).context_links == (ContextLink("Rain", "/news/contexts/rain"),)
    assert [line.context for line in pages.contexts("en").contexts] == ["Snow"]


def test_names_of_one_slug_have_a_page_each(news: Ledger) -> None:
    add(news, "A", contexts=("D.C.", "d c"))
    paths = {line.context: line.path for line in news.pages.contexts("en").contexts}
    assert len(set(paths.values())) == 2
    for name, path in paths.items():
        assert news.pages.context(name, "en").path == path
    (link, _) = news.pages.entry(news.at("/news/2021/03/4/a")).context_links
    assert link.path == paths[link.context]


def test_no_such_edition(news: Ledger) -> None:
    for ask in (
        lambda: news.pages.front("fr"),
        lambda: news.pages.day(DAY, edition="fr"),
        lambda: news.pages.context("Rain", "fr"),
        lambda: news.pages.contexts("fr"),
    ):
        with pytest.raises(InvalidInput, match="no edition is called 'fr'"):
            ask()
