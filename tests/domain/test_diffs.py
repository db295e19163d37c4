"""Differences between two versions: words, sources, fields."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import combinations, pairwise

import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st

from ledger.domain.diffs import (
    FieldDiff,
    SourceChange,
    Span,
    brief,
    diff_entries,
    diff_sources,
    diff_words,
    tokens,
)
from ledger.domain.values import Layout, Source
from tests.domain.scenario import OTHER, correct, create, edit, given, merge, reinstate, retract

# Words

PIECES = st.lists(
    st.one_of(
        st.sampled_from(["The", "river", "Lee", " ", "  ", "&quot;", "&#039;", "&", ";", "\n"]),
        st.sampled_from(["克里米亚", "大桥", "，", "かな", "é", "e\u0301", "2014", "_", "🌉"]),
        st.text(max_size=3),
    ),
    max_size=15,
).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("The Lee, 2014.", ["The", " ", "Lee", ",", " ", "2014", "."]),
        ("a  b\t\n", ["a", "  ", "b", "\t\n"]),
        ("snake_case it's", ["snake_case", " ", "it", "'", "s"]),
        ("&quot;Yes&#039;&hellip;", ["&quot;", "Yes", "&#039;", "&hellip;"]),
        ("R&D; a&b", ["R", "&D;", " ", "a", "&", "b"]),
        ("大桥，2014年open", ["大", "桥", "，", "2014", "年", "open"]),
        ("カナかな", ["カ", "ナ", "か", "な"]),
        ("Москва été", ["Москва", " ", "été"]),
    ],
)
def test_a_text_has_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("old", "new", "spans"),
    [
        ("", "", []),
        ("The bridge", "The bridge", [("equal", "The bridge")]),
        ("", "The bridge", [("insert", "The bridge")]),
        ("The bridge", "", [("delete", "The bridge")]),
        (
            "The mayor said yes.",
            "The mayor said no.",
            [("equal", "The mayor said "), ("delete", "yes"), ("insert", "no"), ("equal", ".")],
        ),
        ("bridges", "bridge", [("delete", "bridges"), ("insert", "bridge")]),
        ("大桥通车", "大桥今日通车", [("equal", "大桥"), ("insert", "今日"), ("equal", "通车")]),
        ("大桥今日通车", "大桥通车", [("equal", "大桥"), ("delete", "今日"), ("equal", "通车")]),
        (
            "&quot;Yes",
            "&#039;Yes",
            [("delete", "&quot;"), ("insert", "&#039;"), ("equal", "Yes")],
        ),
        (" Lee", "Lee", [("delete", " "), ("equal", "Lee")]),
    ],
)
def test_words_differ(old: str, new: str, spans: list[tuple[str, str]]) -> None:
    assert [(span.operation, span.text) for span in diff_words(old, new)] == spans


@settings(deadline=None, max_examples=100)
@forall(PIECES, PIECES)
def test_spans_give_both_texts(old: str, new: str) -> None:
    assert "".join(tokens(new)) == new
    spans = diff_words(old, new)
    assert "".join(span.text for span in spans if span.operation != "delete") == new
    assert "".join(span.text for span in spans if span.operation != "insert") == old
    assert all(span.text for span in spans)
    # Runs are whole, and a deletion stands before the insertion that takes its place.
    turns = {(a.operation, b.operation) for a, b in pairwise(spans)}
    assert turns <= {
        ("equal", "delete"),
        ("equal", "insert"),
        ("delete", "insert"),
        ("delete", "equal"),
        ("insert", "equal"),
    }


# Sources

A = Source("Herald", "https://herald.example/1")
B = Source("Post", "https://post.example/1")
C = Source("Times", "https://times.example/1")
A2 = Source("Herald", "https://herald.example/2")
A3 = Source("Herald", "https://herald.example/3")
PICTURED = Source("Herald", "https://herald.example/1", "https://herald.example/1.jpg")
RENAMED = Source("Harbour Herald", "https://herald.example/1")


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ((), (), []),
        ((A, B), (A, B), []),
        ((A,), (A, B), [SourceChange("added", B, 2)]),
        ((A, B, C), (A, C), [SourceChange("removed", B, 2)]),
        ((), (A, B), [SourceChange("added", A, 1), SourceChange("added", B, 2)]),
        ((A, B), (), [SourceChange("removed", A, 1), SourceChange("removed", B, 2)]),
        (
            (A, B),
            (C,),
            [
                SourceChange("added", C, 1),
                SourceChange("removed", A, 1),
                SourceChange("removed", B, 2),
            ],
        ),
        ((A, B, C), (C, A, B), [SourceChange("moved", C, 1, C)]),
        ((A, B, C), (B, C, A), [SourceChange("moved", A, 3, A)]),
        # Those that others make room for have not moved.
        ((A, B), (C, A, B), [SourceChange("added", C, 1)]),
        ((A, B), (A2, B), [SourceChange("address", A2, 1, A)]),
        (
            (A, B, C),
            (B, C, A2),
            [SourceChange("address", A2, 3, A), SourceChange("moved", A2, 3, A)],
        ),
        ((B, A), (B, PICTURED), [SourceChange("image", PICTURED, 2, A)]),
        ((PICTURED,), (A,), [SourceChange("image", A, 1, PICTURED)]),
        ((A,), (RENAMED,), [SourceChange("added", RENAMED, 1), SourceChange("removed", A, 1)]),
        # The same name twice: the one that is still there is not the one that changed.
        ((A, A2), (A, A3), [SourceChange("address", A3, 2, A2)]),
        ((A, A2), (A2,), [SourceChange("removed", A, 1)]),
        ((A,), (A2, A), [SourceChange("added", A2, 1)]),
        (
            (A2, PICTURED),
            (A,),
            [SourceChange("image", A, 1, PICTURED), SourceChange("removed", A2, 1)],
        ),
        ((A, A), (A,), [SourceChange("removed", A, 2)]),
    ],
)
def test_sources_differ(
    old: tuple[Source, ...], new: tuple[Source, ...], changes: list[SourceChange]
) -> None:
    assert list(diff_sources(old, new)) == changes


LISTS = st.lists(
    st.sampled_from(
        [A, B, C, A2, A3, PICTURED, RENAMED, Source("Post", "https://post.example/2")]
    ),
    max_size=6,
)


@settings(deadline=None, max_examples=100)
@forall(LISTS, LISTS)
def test_changes_lead_from_one_list_to_the_other(old: list[Source], new: list[Source]) -> None:
    changes = diff_sources(old, new)
    by_kind: dict[str, list[SourceChange]] = {}
    for change in changes:
        by_kind.setdefault(change.change, []).append(change)
        listed = old if change.change == "removed" else new
        assert listed[change.position - 1] == change.source
    replaced = by_kind.get("address", []) + by_kind.get("image", [])
    assert Counter(new) == (
        Counter(old)
        - Counter(change.source for change in by_kind.get("removed", []))
        - Counter(change.old for change in replaced if change.old)
        + Counter(change.source for change in replaced)
        + Counter(change.source for change in by_kind.get("added", []))
    )
    # Nothing is called added and removed that could be called changed.
    gone = {change.source.name for change in by_kind.get("removed", [])}
    assert gone.isdisjoint(change.source.name for change in by_kind.get("added", []))
    for change in replaced:
        assert change.old is not None
        assert change.old.name == change.source.name
        assert (change.change == "address") == (change.old.url != change.source.url)
    assert not (old == new and changes)


@settings(deadline=None, max_examples=100)
@forall(st.permutations(range(6)))
def test_as_few_as_possible_have_moved(order: list[int]) -> None:
    old = [Source(str(number), "https://a.example") for number in range(6)]
    moved = diff_sources(old, [old[number] for number in order])
    assert {change.change for change in moved} <= {"moved"}
    stayed = max(
        size
        for size in range(1, 7)
        if any(list(kept) == sorted(kept) for kept in combinations(order, size))
    )
    assert len(moved) == 6 - stayed
    left = [number for number in order if str(number) not in {c.source.name for c in moved}]
    assert left == sorted(left)


# Entries


def test_the_first_version_differs_from_nothing() -> None:
    entry = given(
        create("大桥 opens", topic="", sources=(A, PICTURED), contexts=("Lee", "Cork"))
    ).current()
    assert diff_entries(None, entry) == (
        FieldDiff("date", None, "2014-02-13"),
        FieldDiff("headline", None, "大桥 opens", words=(Span("insert", "大桥 opens"),)),
        FieldDiff("slug", None, "opens"),
        FieldDiff(
            "sources",
            None,
            "Herald=https://herald.example/1; "
            "Herald=https://herald.example/1 (https://herald.example/1.jpg)",
            sources=(SourceChange("added", A, 1), SourceChange("added", PICTURED, 2)),
        ),
        FieldDiff("contexts", None, "Lee; Cork", added=("Lee", "Cork")),
        FieldDiff("language", None, "en"),
        FieldDiff("edition", None, "en"),
        FieldDiff("layout", None, "current"),
    )


def test_every_field_that_differs_is_named_in_order() -> None:
    world = given(
        create("Bridge opens", summary="It is open.", sources=(A,), contexts=("Lee", "Cork")),
        edit(
            date=date(2014, 2, 14),
            headline="Bridge shuts",
            topic="Cork",
            summary=None,
            sources=(A2,),
            cover_image="https://herald.example/cover.png",
            contexts=("Cork", "Flood"),
            language="fr",
            edition="zh",
            layout=Layout("older", "/archive", "/news"),
        ),
    )
    old, new = world.version(world.current().id, 1), world.current()
    headline = (Span("equal", "Bridge "), Span("delete", "opens"), Span("insert", "shuts"))
    assert diff_entries(old, new) == (
        FieldDiff("date", "2014-02-13", "2014-02-14"),
        FieldDiff("headline", "Bridge opens", "Bridge shuts", words=headline),
        FieldDiff("slug", "bridge-opens", "Bridge-shuts"),
        FieldDiff("topic", None, "Cork", words=(Span("insert", "Cork"),)),
        FieldDiff("summary", "It is open.", None, words=(Span("delete", "It is open."),)),
        FieldDiff(
            "sources",
            "Herald=https://herald.example/1",
            "Herald=https://herald.example/2",
            sources=(SourceChange("address", A2, 1, A),),
        ),
        FieldDiff("cover_image", None, "https://herald.example/cover.png"),
        FieldDiff("contexts", "Lee; Cork", "Cork; Flood", added=("Flood",), removed=("Lee",)),
        FieldDiff("language", "en", "fr"),
        FieldDiff("edition", "en", "zh"),
        FieldDiff("layout", "current", "older /archive /news"),
    )


def test_what_is_the_same_has_no_differences() -> None:
    world = given(create(inferred=("topic",)), edit(inferred=()))
    assert diff_entries(world.version(world.current().id, 1), world.current()) == ()


def test_an_empty_topic_is_told_from_none() -> None:
    world = given(create(), edit(topic=""))
    found = diff_entries(world.version(world.current().id, 1), world.current())
    assert found == (FieldDiff("topic", None, ""),)


def test_contexts_in_another_order_are_neither_added_nor_removed() -> None:
    world = given(create(contexts=("Lee", "Cork")), edit(contexts=("Cork", "Lee")))
    found = diff_entries(world.version(world.current().id, 1), world.current())
    assert found == (FieldDiff("contexts", "Lee; Cork", "Cork; Lee"),)


def test_status_and_corrections_are_differences_too() -> None:
    world = given(
        create(entry=OTHER),
        create(),
        correct("It is the Lee."),
        correct("We were wrong.", kind="editors-note"),
        retract(),
        reinstate(),
        merge(),
        reinstate(),
    )
    states = [world.version(world.current().id, version) for version in range(1, 8)]
    found = [diff_entries(old, new) for old, new in pairwise(states)]
    first, second = "correction: It is the Lee.", "editors-note: We were wrong."
    assert found == [
        (FieldDiff("corrections", None, first, added=(first,)),),
        (FieldDiff("corrections", first, f"{first}; {second}", added=(second,)),),
        (FieldDiff("status", "active", "retracted"),),
        (FieldDiff("status", "retracted", "active"),),
        (
            FieldDiff("status", "active", "merged"),
            FieldDiff("merged_into", None, str(OTHER)),
        ),
        (
            FieldDiff("status", "merged", "active"),
            FieldDiff("merged_into", str(OTHER), None),
        ),
    ]


def test_the_same_correction_again_is_a_new_one() -> None:
    world = given(create(), correct("It is the Lee."), correct("It is the Lee."))
    (found,) = diff_entries(world.version(world.current().id, 2), world.current())
    assert found.added == ("correction: It is the Lee.",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "Bridge opens",
            "Iron bridge opens today",
            "headline: [-Bridge-]{+Iron bridge+} opens{+ today+}",
        ),
        ("{} opens", "{} shuts", "headline: {} [-opens-]{+shuts+}"),
        (
            f"{'a' * 30}-{'b' * 30} opens",
            f"{'a' * 30}-{'b' * 30} shuts",
            f"headline: {'a' * 30}...{'b' * 29} [-opens-]{{+shuts+}}",
        ),
        ("c" * 60, "d" * 61, f"headline: [-{'c' * 60}-]{{+{'d' * 30}...{'d' * 30}+}}"),
    ],
)
def test_words_are_said_in_brief(old: str, new: str, said: str) -> None:
    assert brief(FieldDiff("headline", old, new, words=diff_words(old, new))) == said


@pytest.mark.parametrize(
    ("diff", "said"),
    [
        (FieldDiff("date", "2014-02-13", "2014-02-14"), "date: 2014-02-13 -> 2014-02-14"),
        (FieldDiff("cover_image", None, "http://a"), "cover_image: nothing -> http://a"),
        (FieldDiff("contexts", "Lee; Cork", None), "contexts: Lee; Cork -> nothing"),
        (
            FieldDiff("slug", "x" * 60, "y" * 30 + "-" + "z" * 30),
            f"slug: {'x' * 60} -> {'y' * 30}...{'z' * 30}",
        ),
    ],
)
def test_values_are_said_in_brief(diff: FieldDiff, said: str) -> None:
    assert brief(diff) == said


def test_very_long_texts_are_compared_from_both_ends() -> None:
    old = "Begin. " + " ".join(f"a{n}" for n in range(6_000)) + " The end."
    new = "Begin. " + " ".join(f"b{n}" for n in range(6_000)) + " The end."
    first, gone, came, last = diff_words(old, new)
    assert (first.operation, first.text) == ("equal", "Begin. ")
    assert (gone.operation, gone.text) == ("delete", old[7:-9])
    assert (came.operation, came.text) == ("insert", new[7:-9])
    assert (last.operation, last.text) == ("equal", " The end.")
    changed = old.replace("a3000 ", "a3000 and ")
    assert [span.operation for span in diff_words(old, changed)] == ["equal", "insert", "equal"]
