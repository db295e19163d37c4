"""Where the pages of contexts are."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.editions import EDITIONS, Edition
from ledger.domain.permalinks import check_slug
from ledger.pages.addresses import context_paths

EN, ZH = EDITIONS["en"], EDITIONS["zh"]
NAMES = st.sets(
    st.sampled_from(
        ["Rain", "rain", "Rain!", "!", "?", "index", "README", "雨", "../..", "a" * 999]
    )
    | st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=9),
    max_size=8,
)


def digits(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:6]


def test_a_page_is_called_by_the_slug_of_the_name() -> None:
    assert context_paths(["Old *Town*", "São Paulo"], EN) == {
        "Old *Town*": "/news/contexts/old-town",
        "São Paulo": "/news/contexts/sao-paulo",
    }
    assert context_paths(["香港 Island"], ZH) == {"香港 Island": "/news/contexts/香港-Island"}


def test_names_of_one_slug_each_get_digits_of_their_own() -> None:
    assert context_paths(["D.C.", "d c", "Rain"], EN) == {
        "D.C.": f"/news/contexts/d-c-{digits('D.C.')}",
        "d c": f"/news/contexts/d-c-{digits('d c')}",
        "Rain": "/news/contexts/rain",
    }
    # A file system may take capitals for small letters.
    assert len({path.lower() for path in context_paths(["Rain", "rain"], ZH).values()}) == 2


def test_nothing_takes_the_place_of_the_list() -> None:
    assert context_paths(["Index"], EN) == {"Index": f"/news/contexts/index-{digits('Index')}"}


def test_digits_are_more_where_they_are_not_enough() -> None:
    taken = f"d c {digits('d c')}"
    found = context_paths(["D.C.", "d c", taken], EN)
    assert len(set(found.values())) == 3
    assert found["D.C."] == f"/news/contexts/d-c-{digits('D.C.')}"


def test_a_slug_leaves_room_for_its_digits() -> None:
    # Four bytes each: 240 in all, as long as a slug may be.
    names = [f"{'𠀀' * 60}{number}" for number in range(2)]
    found = context_paths(names, ZH)
    for name in names:
        slug = found[name].removeprefix("/news/contexts/")
        assert slug == f"{'𠀀' * 58}-{digits(name)}"
        assert check_slug(slug) == slug


@settings(max_examples=200, deadline=None)
@given(NAMES, st.sampled_from([EN, ZH]))
def test_any_names_have_a_safe_page_each(names: set[str], edition: Edition) -> None:
    found = context_paths(names, edition)
    assert set(found) == names
    assert len({path.casefold() for path in found.values()}) == len(names)
    for path in found.values():
        slug = path.removeprefix("/news/contexts/")
        assert check_slug(slug) == slug
        assert len(f"{slug}.html".encode()) <= 255
