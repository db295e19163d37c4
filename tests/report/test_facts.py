"""Which numbers and names a headline states, and which of them an edit changed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.report.facts import ChangedFacts, changed_facts, numbers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7 votes to 5", ["7", "5"]),
        ("1,250 or 1250", ["1250", "1250"]),
        ("2'500'000 and 1\u202f000", ["2500000", "1000"]),
        ("1,25 and 12,3456", ["1,25", "12,3456"]),
        ("4.2 metres at 10:30 on 3/4.", ["4.2", "10:30", "3/4"]),
        ("up 5%, 7-6", ["5", "7", "6"]),
        ("２００８年，٣", ["2008", "3"]),
        ("30万人，1.5亿元", ["30万", "1.5亿"]),
        ("三人，两千，十人，二〇〇八", ["三", "两千", "十", "二〇〇八"]),
        ("一个，统一，一百", ["一百"]),
        ("百度，千岛，万亿", []),
        ("seven", []),
        ("", []),
    ],
)
def test_numbers(text: str, found: list[str]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("old", "new", "contexts", "facts"),
    [
        ("By 7 votes to 5", "By 8 votes to 5", (), ChangedFacts(("7",), ("8",))),
        ("7 and 7", "7", (), ChangedFacts(("7",))),
        ("1,000 dead", "1000 dead", (), None),
        ("三人死", "四人死", (), ChangedFacts(("三",), ("四",))),
        # A character reference is no number.
        ("It&#39;s calm", "It's calm", (), None),
        # Names: contexts, in any script, as whole words.
        (
            "Ines Okafor resigns",
            "She resigns",
            ("Ines Okafor", "Calm"),
            ChangedFacts(names_gone=("Ines Okafor",)),
        ),
        ("Eric resigns", "Erica resigns", ("Eric",), ChangedFacts(names_gone=("Eric",))),
        ("他在北京举行", "他在上海举行", ("北京",), ChangedFacts(names_gone=("北京",))),
        ("A&amp;B sail", "They sail", ("A&amp;B",), ChangedFacts(names_gone=("A&B",))),
        # Names: capitalised words, but not the first of a headline, nor one that is still there.
        ("The mayor resigns", "The mayor Okafor resigns", (), ChangedFacts(names_new=("Okafor",))),
        ("Okafor resigns", "Ramos resigns", (), None),
        ("Then Okafor resigns", "Okafor resigns then", (), None),
        ("The Court rules", "The court rules", (), None),
        (
            "Then Okafor left",
            "Then Ramos and Ramos left",
            (),
            ChangedFacts(names_gone=("Okafor",), names_new=("Ramos",)),
        ),
        # The words of a context are told once.
        (
            "It is Ines Okafor",
            "It is she",
            ("Ines Okafor",),
            ChangedFacts((), (), ("Ines Okafor",)),
        ),
        # Title case: capitals tell nothing.
        ("Storm Hits Quay Street Twice", "Storm Hits Mill Street Twice", (), None),
        (
            "Storm Hits Quay Street Late at 7",
            "Storm Hits Mill Street Late at 8",
            ("Quay Street",),
            ChangedFacts(("7",), ("8",), ("Quay Street",)),
        ),
        ("Storm hits Quay", "Storm hits Mill", (), ChangedFacts((), (), ("Quay",), ("Mill",))),
        (
            "Storm in Quay, Mill, Bank and Port floods streets",
            "Storm in Quay, Mill, Bank and Ferry floods streets",
            (),
            ChangedFacts((), (), ("Port",), ("Ferry",)),
        ),
    ],
)
def test_what_an_edit_changed(
    old: str, new: str, contexts: tuple[str, ...], facts: ChangedFacts | None
) -> None:
    assert changed_facts(old, new, contexts) == facts


texts = st.text("Ab 17,.一三千&#;", max_size=12)


@settings(deadline=None, max_examples=100)
@given(texts, texts, st.lists(texts, max_size=2))
def test_the_other_way_round_the_same_facts_come_and_go(
    old: str, new: str, contexts: list[str]
) -> None:
    there, back = changed_facts(old, new, contexts), changed_facts(new, old, contexts)
    assert changed_facts(old, old, contexts) is None
    if there is None:
        assert back is None
        return
    assert back == ChangedFacts(
        there.numbers_new, there.numbers_gone, there.names_new, there.names_gone
    )
