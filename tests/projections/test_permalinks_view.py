"""What the permalinks view says: where each entry is and was, and what every path leads to."""

from __future__ import annotations

from uuid import UUID

import pytest

from ledger import Ledger
from ledger.projections import changes, permalinks
from ledger.projections.records import Resolved
from tests.projections.desk import NEXT, create, edit

ROOT = "/news/2021/03/4"


def path(ledger: Ledger, entry: UUID) -> str | None:
    found = ledger.views.read(lambda db: permalinks.present(db, entry))
    return None if found is None else found[1]


def resolve(ledger: Ledger, at: str, edition: str = "en") -> Resolved | None:
    return ledger.views.read(lambda db: permalinks.resolve(db, at, edition))


def owner(ledger: Ledger, at: str, edition: str = "en") -> UUID | None:
    return ledger.views.read(lambda db: permalinks.owner(db, at, edition))


def test_the_later_of_two_equal_paths_gets_a_number_in_the_log_s_order(ledger: Ledger) -> None:
    entries = [create(ledger, "Ferry resumes") for _ in range(3)]
    other_day = create(ledger, "Ferry resumes", NEXT)
    assert [path(ledger, entry) for entry in entries] == [
        f"{ROOT}/ferry-resumes",
        f"{ROOT}/ferry-resumes-2",
        f"{ROOT}/ferry-resumes-3",
    ]
    assert path(ledger, other_day) == "/news/2021/03/5/ferry-resumes"


def test_a_number_that_is_taken_is_passed_over(ledger: Ledger) -> None:
    create(ledger, "Ferry resumes 2")
    create(ledger, "Ferry resumes")
    third = create(ledger, "Ferry resumes")
    assert path(ledger, third) == f"{ROOT}/ferry-resumes-3"
    assert path(ledger, create(ledger, "Ferry resumes 2")) == f"{ROOT}/ferry-resumes-2-2"


def test_a_flip_back_comes_to_the_old_path_again(ledger: Ledger) -> None:
    create(ledger, "Ferry resumes")
    entry = create(ledger, "Ferry resumes")
    edit(ledger, entry, headline="Ferry stops")
    edit(ledger, entry, headline="Ferry resumes")
    assert ledger.views.read(lambda db: permalinks.moves(db, entry)) == [
        (1, f"{ROOT}/ferry-resumes-2"),
        (2, f"{ROOT}/ferry-stops"),
        (3, f"{ROOT}/ferry-resumes-2"),
    ]
    assert resolve(ledger, f"{ROOT}/ferry-resumes-2") == Resolved(entry, None)
    assert resolve(ledger, f"{ROOT}/ferry-stops") == Resolved(entry, 2)


def test_a_path_left_is_never_given_away(ledger: Ledger) -> None:
    entry = create(ledger, "Ferry resumes")
    edit(ledger, entry, summary="It sails.")
    edit(ledger, entry, headline="Ferry stops")
    other = create(ledger, "Ferry resumes")
    assert path(ledger, other) == f"{ROOT}/ferry-resumes-2"
    assert resolve(ledger, f"{ROOT}/ferry-resumes") == Resolved(entry, 2)
    assert owner(ledger, f"{ROOT}/ferry-resumes") == entry
    # Not even when its entry is gone.
    ledger.merge(entry, other, actor="Ann")
    assert path(ledger, create(ledger, "Ferry resumes")) == f"{ROOT}/ferry-resumes-3"
    assert resolve(ledger, f"{ROOT}/nowhere") is None
    assert owner(ledger, f"{ROOT}/nowhere") is None


@pytest.mark.parametrize("slug", ["index", "readme", "Index", "README"])
def test_pages_that_are_always_there_are_not_shadowed(ledger: Ledger, slug: str) -> None:
    assert path(ledger, create(ledger, "A", slug=slug)) == f"{ROOT}/{slug}-2"
    assert path(ledger, create(ledger, "B", slug=slug)) == f"{ROOT}/{slug}-3"
    assert owner(ledger, f"{ROOT}/{slug}") is None


def test_a_headline_alone_does_not_move_and_a_slug_alone_does(ledger: Ledger) -> None:
    entry = create(ledger, "Ferry resumes")
    edit(ledger, entry, headline="Ferry stops", slug="ferry-resumes")
    assert path(ledger, entry) == f"{ROOT}/ferry-resumes"
    edit(ledger, entry, slug="no-ferry")
    assert path(ledger, entry) == f"{ROOT}/no-ferry"
    assert [c.path for c in ledger.views.read(lambda db: changes.history(db, entry))] == [
        f"{ROOT}/ferry-resumes",
        f"{ROOT}/ferry-resumes",
        f"{ROOT}/no-ferry",
    ]


def test_another_date_moves(ledger: Ledger) -> None:
    taken = create(ledger, "Ferry resumes", NEXT)
    entry = create(ledger, "Ferry resumes")
    edit(ledger, entry, date=NEXT)
    assert path(ledger, entry) == "/news/2021/03/5/ferry-resumes-2"
    assert path(ledger, taken) == "/news/2021/03/5/ferry-resumes"
    assert resolve(ledger, f"{ROOT}/ferry-resumes") == Resolved(entry, 1)


def test_editions_have_their_own_paths(ledger: Ledger) -> None:
    at = f"{ROOT}/ferry"
    english = create(ledger, "A", slug="ferry")
    chinese = create(ledger, "B", slug="ferry", edition="zh")
    assert (path(ledger, english), path(ledger, chinese)) == (at, at)
    assert (owner(ledger, at, "en"), owner(ledger, at, "zh")) == (english, chinese)
    edit(ledger, english, edition="zh", language="zh")
    assert path(ledger, english) == f"{at}-2"
    assert resolve(ledger, at, "en") == Resolved(english, 1)
    assert resolve(ledger, at, "zh") == Resolved(chinese, None)
    assert resolve(ledger, f"{at}-2", "zh") == Resolved(english, None)
    assert resolve(ledger, f"{at}-2", "en") is None


def test_a_path_of_an_edition_that_was_left_shows_what_it_showed(ledger: Ledger) -> None:
    entry = create(ledger, "A", slug="ferry")
    edit(ledger, entry, edition="zh")
    assert path(ledger, entry) == f"{ROOT}/ferry"
    assert resolve(ledger, f"{ROOT}/ferry", "zh") == Resolved(entry, None)
    assert resolve(ledger, f"{ROOT}/ferry", "en") == Resolved(entry, 1)


def test_many_that_want_one_path_are_numbered_in_turn(ledger: Ledger) -> None:
    entries = [create(ledger, "Ferry") for _ in range(13)]
    assert [path(ledger, entry) for entry in entries] == [
        f"{ROOT}/ferry",
        *(f"{ROOT}/ferry-{number}" for number in range(2, 14)),
    ]
    edit(ledger, entries[4], headline="Gull")
    assert path(ledger, create(ledger, "Ferry")) == f"{ROOT}/ferry-14"
    edit(ledger, entries[4], headline="Ferry")
    assert path(ledger, entries[4]) == f"{ROOT}/ferry-5"
    # A path that somebody asked for by name is passed over by those who are numbered.
    create(ledger, "Other", slug="ferry-15")
    assert path(ledger, create(ledger, "Ferry")) == f"{ROOT}/ferry-16"


def test_the_versions_that_others_were_numbered_after_are_known(ledger: Ledger) -> None:
    def numbering(entry: UUID) -> set[int]:
        return ledger.views.read(lambda db: permalinks.numbering(db, entry))

    first, second, third = (create(ledger, "Ferry resumes") for _ in range(3))
    other_day = create(ledger, "Ferry resumes", NEXT)
    elsewhere = create(ledger, "渡轮", slug="ferry-resumes", edition="zh")
    explicit = create(ledger, "Tide rises", slug="gull-2")
    create(ledger, "Gull")
    assert [numbering(entry) for entry in (first, second, third)] == [{1}, {1}, set()]
    assert [numbering(entry) for entry in (other_day, elsewhere, explicit)] == [set()] * 3
    create(ledger, "Gull")
    assert numbering(explicit) == {1}
    edit(ledger, first, headline="Ferry stops")
    edit(ledger, first, topic="Harbour")
    edit(ledger, first, headline="Ferry resumes")
    # It came to the same path twice.
    assert numbering(first) == {1, 4}
