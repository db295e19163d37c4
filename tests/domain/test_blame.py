"""Which version each word of a text comes from."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.blame import Word, blame_words
from ledger.domain.diffs import tokens


def blamed(*texts: str) -> list[tuple[str, int]]:
    """Words (no spaces) of the last text with their versions; the texts are versions 1, 2, ..."""
    words = blame_words(enumerate(texts, start=1))
    return [(word.text, word.version) for word in words if not word.text.isspace()]


def test_no_text_has_no_words() -> None:
    assert blame_words([]) == ()
    assert blame_words([(1, "")]) == ()
    assert blame_words([(1, "Lee"), (2, "")]) == ()


def test_a_first_text_comes_from_its_version() -> None:
    assert blame_words([(3, "The Lee.")]) == (
        Word("The", 3),
        Word(" ", 3),
        Word("Lee", 3),
        Word(".", 3),
    )


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["Old bridge", "Old bridge"], [("Old", 1), ("bridge", 1)]),
        (["Old bridge", "Old iron bridge"], [("Old", 1), ("iron", 2), ("bridge", 1)]),
        (["Old bridge", "New bridge", "New pier"], [("New", 2), ("pier", 3)]),
        (["Old bridge", "bridge"], [("bridge", 1)]),
        (["", "Old", "", "Old"], [("Old", 4)]),
        (["大桥通车", "大桥今通车"], [("大", 1), ("桥", 1), ("今", 2), ("通", 1), ("车", 1)]),
        (["&quot;Yes", "&#039;Yes"], [("&#039;", 2), ("Yes", 1)]),
    ],
)
def test_a_word_comes_from_the_version_that_brought_it(
    texts: list[str], expected: list[tuple[str, int]]
) -> None:
    assert blamed(*texts) == expected


def test_a_word_that_comes_back_is_blamed_on_the_version_that_brought_it_back() -> None:
    texts = [
        "The old bridge shuts",
        "The bridge shuts",
        "The bridge opens",
        "The old bridge opens",
    ]
    assert blamed(*texts) == [("The", 1), ("old", 4), ("bridge", 1), ("opens", 3)]
    assert blamed("A B", "C D", "A B") == [("A", 3), ("B", 3)]


def test_versions_that_leave_the_text_alone_bring_nothing() -> None:
    assert blame_words([(1, "a"), (4, "a"), (7, "a b"), (9, "a b")]) == (
        Word("a", 1),
        Word(" ", 7),
        Word("b", 7),
    )


TEXTS = st.lists(
    st.lists(st.sampled_from(["The ", "old ", "Lee", " ", "大", "桥", "&quot;", ".", "é"])).map(
        "".join
    )
    | st.text(max_size=10),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=100)
@given(TEXTS)
def test_blame_gives_the_last_text_and_only_versions_that_had_the_word(texts: list[str]) -> None:
    words = blame_words(enumerate(texts, start=1))
    assert [word.text for word in words] == tokens(texts[-1])
    assert "".join(word.text for word in words) == texts[-1]
    for word in words:
        # It was there in every version from that one on.
        assert 1 <= word.version <= len(texts)
        assert all(word.text in tokens(text) for text in texts[word.version - 1 :])


@settings(deadline=None, max_examples=100)
@given(TEXTS, TEXTS)
def test_blame_goes_on_from_where_it_was(before: list[str], after: list[str]) -> None:
    texts = [*before, *after]
    words = blame_words(enumerate(texts, start=1))
    # Words that are new since `before` come from a later version; none is older than it was.
    known = set(tokens(before[-1]))
    assert all(word.version > len(before) for word in words if word.text not in known)
    again = blame_words(enumerate([*texts, "", texts[-1]], start=1))
    assert {word.version for word in again} <= {len(texts) + 2}
    assert [word.text for word in again] == [word.text for word in words]
