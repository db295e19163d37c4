"""What of a page is its own; and how alike two pages are."""

from __future__ import annotations

from msgspec.structs import replace

from ledger.domain.values import Layout, Source
from ledger.interchange.git.essence import essence, shortened
from ledger.interchange.git.likeness import likeness, pairs
from ledger.pages.markdown import parse, render
from ledger.pages.model import Page
from tests.interchange.site import history, page, related

BRIDGE = page(
    "Bridge closed",
    "bridge-closed",
    topic="Harbour",
    summary="The old bridge is closed.",
    sources=(Source("Gazette", "https://gazette.example/bridge"),),
    cover_image="https://gazette.example/bridge.png",
)


def digest(shown: Page) -> bytes:
    return essence(render(shown).encode())


def test_what_is_derived_does_not_count() -> None:
    changes = history(("Bridge shut", "bridge-shut"), ("Bridge closed", "bridge-closed"))
    for other in (
        replace(BRIDGE, changes=changes),
        replace(BRIDGE, related=related("flood", "Rain")),
        replace(BRIDGE, changes=changes, related=related("flood", "Rain")),
        replace(BRIDGE, layout=Layout(prefix="/old/news", day_prefix="/older/news")),
        replace(BRIDGE, slug=None),
    ):
        assert digest(other) == digest(BRIDGE)
        assert essence(render(other).replace("\n", "\r\n").encode()) == digest(BRIDGE)


def test_everything_else_does() -> None:
    others = [
        replace(BRIDGE, **{name: value})
        for name, value in {
            "headline": "Bridge open",
            "topic": None,
            "summary": "The old bridge is closed. ### Related:",
            "sources": (),
            "cover_image": None,
            "day": BRIDGE.day.replace(day=14),
        }.items()
    ]
    # Under Changes or Related, a section that comes after is not theirs.
    sourced = render(replace(BRIDGE, related=related("flood", "Rain")))
    others_digests = {digest(other) for other in others}
    others_digests.add(essence(f"{sourced}\n### Corrections:\n\n1. None\n".encode()))
    others_digests.add(digest(BRIDGE))
    assert len(others_digests) == len(others) + 2


def test_a_page_is_shortened_to_what_tells_of_its_entry() -> None:
    lines = (*related("flood", "Rain"), *related("storm", "Wind"))
    whole = replace(BRIDGE, layout=Layout(prefix="/old/news"), related=lines)
    assert parse(shortened(render(whole).encode()).decode()) == replace(whole, related=lines[:1])
    bare = render(BRIDGE).encode()
    assert shortened(bare) == bare


def test_likeness_is_the_share_of_common_words() -> None:
    one = page("a b", None, summary="c d")
    assert likeness(one, one) == 1.0
    assert likeness(one, page("x", None)) == 0.0
    # Two of four words, and two of two.
    assert likeness(one, page("a B", None)) == 2 * 2 / 6
    # Words count as often as they stand there.
    assert likeness(page("a a", None), page("a", None)) == 2 * 1 / 3
    sourced = replace(one, sources=(Source("Gazette", "https://gazette.example/a b"),))
    assert likeness(sourced, one) == 2 * 4 / 9
    assert likeness(page("**", None), page("**", None)) in {0.0, 1.0}


def test_pairs_are_the_most_alike_of_one_day_and_edition() -> None:
    a, b = page("one two three four", None), page("one two three five", None)
    assert pairs({"a": a, "b": b}, {"x": b}, 0.5) == [("b", "x")]
    assert pairs({"a": a, "b": b}, {"x": b, "y": b}, 0.5) == [("b", "x"), ("a", "y")]
    assert pairs({"a": a}, {"x": b}, 0.76) == []
    assert pairs({"a": a}, {"x": replace(a, edition="zh")}, 0.5) == []
    assert pairs({"a": a}, {"x": replace(a, day=a.day.replace(day=14))}, 0.5) == []
