"""What a search finds: in which fields, in which versions, at which moment."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st

from ledger import Ledger, Source
from ledger.errors import InvalidInput
from ledger.projections import search
from ledger.projections.moments import NOW, Moment
from ledger.projections.search import Hit
from tests.projections.desk import clock, create, edit, public
from tests.properties import on_both
from tests.stores import Store


def hits(
    ledger: Ledger, query: str, moment: Moment = NOW, *, all_versions: bool = False
) -> list[Hit]:
    return ledger.views.read(
        lambda db: search.search(db, query, moment, all_versions=all_versions)
    )


def found(ledger: Ledger, query: str, moment: Moment = NOW) -> list[UUID]:
    return [hit.entry for hit in hits(ledger, query, moment)]


def by_id(*entries: UUID) -> list[UUID]:
    return sorted(entries, key=lambda id_: id_.bytes)


@pytest.fixture
def ferry(ledger: Ledger) -> UUID:
    """An entry with a text in each field, among others that share some of it."""
    create(ledger, "Old quay closes", summary="Gulls leave.")
    entry = create(
        ledger,
        "Old ferry resumes",
        topic="North Harbour",
        summary="It sails to the caf&eacute; quay.",
        sources=(
            Source("Harbour Post", "http://post.example/a-ferry?page=12"),
            Source("港口日报", "https://daily.example/渡轮"),
        ),
    )
    create(ledger, "Cranes", topic="South Harbour")
    return entry


# Words, phrases, beginnings


@pytest.mark.parametrize(
    "query",
    [
        "ferry",
        "FERRY",
        "resumes old",
        # All words, each in any field
        "ferry harbour sails post",
        "north cafe 12",
        "Café",
        "example",
        "post.example/a-ferry?page=12",
        "港口 渡轮",
        "日报",
        # Phrases
        '"old ferry"',
        '"OLD, Ferry"',
        '"old ferry resumes" "north harbour"',
        "north-harbour",
        '"harbour post"',
        '"post http post example"',
        '"港口日报"',
        '"old ferry',
        # Beginnings
        "fer*",
        "f* harb* ca*",
        "ferry*",
        "港*",
        "港口日*",
        "a-fer*",
    ],
)
def test_what_is_there_is_found(ledger: Ledger, ferry: UUID, query: str) -> None:
    assert found(ledger, query) == [ferry]


@pytest.mark.parametrize(
    "query",
    [
        "ferries",
        "fer",
        "erry",
        "*erry",
        "eacute",
        "resumes gulls",
        '"ferry old"',
        '"old resumes"',
        # A phrase never goes from one field into the next.
        '"resumes north"',
        '"harbour it"',
        '"quay harbour"',
        # Nor do characters that do not touch make a word.
        "口日报港",
        "报渡",
        '"港 口"',
        '"old fer*"',
        "resumesx*",
    ],
)
def test_what_is_not_there_is_not_found(ledger: Ledger, ferry: UUID, query: str) -> None:
    assert found(ledger, query) == []


@pytest.mark.parametrize(
    "query", ["", " ", "*", '"', '""', '"*"', "** -", "&amp;", "( )", "_", "、"]
)
def test_a_query_that_asks_for_nothing_finds_nothing(
    ledger: Ledger, ferry: UUID, query: str
) -> None:
    assert hits(ledger, query) == hits(ledger, query, all_versions=True) == []
    with pytest.raises(InvalidInput) as caught:
        ledger.search(query)
    assert str(caught.value) == f"{query!r} holds no word to search for"


@pytest.mark.parametrize("field", ["headline", "topic", "summary", "sources"])
def test_each_field_is_searched_and_no_other(ledger: Ledger, field: str) -> None:
    value = (Source("Tern", "http://a.example"),) if field == "sources" else "Tern"
    values: dict[str, Any] = {"headline": "Ferry", field: value}
    entry = create(ledger, **values)
    create(
        ledger,
        "Elsewhere",
        slug="tern",
        contexts=("Tern",),
        cover_image="http://tern.example",
        sources=(Source("A", "http://a.example", "http://tern.example"),),
        reason="Tern",
    )
    note = create(ledger, "A note")
    ledger.correct(note, "Tern", actor="Tern", reason="Tern")
    assert found(ledger, "tern") == [entry]


# Signs and operators are only text


@pytest.mark.parametrize("word", ["AND", "OR", "NOT", "NEAR", "and", "near"])
def test_an_operator_is_a_word(ledger: Ledger, word: str) -> None:
    one = create(ledger, f"Quay {word} ferry")
    create(ledger, "Quay ferry")
    assert found(ledger, f"quay {word} ferry") == [one]
    assert found(ledger, word) == [one]
    assert found(ledger, f'"{word}"') == [one]
    assert found(ledger, f"{word} {word}") == [one]


@pytest.mark.parametrize(
    "query",
    [
        *("quay -ferry", "quay + ferry", "+quay +ferry", "^quay ferry", "quay^ ferry"),
        *("(quay ferry)", "(quay ferry", "quay) ferry", "{quay ferry}", "[quay] ferry"),
        *("quay:ferry", ":quay ferry", "quay;ferry", "quay|ferry", "quay,ferry", "quay/ferry"),
        *("'quay' 'ferry'", "quay'ferry", 'quay" ferry', "quay\\ferry", "quay\0ferry"),
        *("quay%ferry", "quay_ferry", "quay ? ferry", "quay = ferry", "quay ~ ferry"),
        *('"quay^ ferry"', '"quay "" ferry"', '""quay ferry""', "quay & ferry", "<quay> ferry"),
        *("quay -- ferry", "quay'; -- ferry", "quay /* ferry", "@quay $ferry", "quay \ud800ferry"),
    ],
)
def test_a_sign_is_no_operator(ledger: Ledger, query: str) -> None:
    both = create(ledger, "Quay ferry")
    create(ledger, "Quay")
    create(ledger, "Ferry")
    assert found(ledger, query) == [both]


def test_a_column_s_name_is_a_word(ledger: Ledger) -> None:
    create(ledger, "Ferry", topic="Quay")
    assert found(ledger, "headline:ferry") == found(ledger, "topic : quay") == []
    entry = create(ledger, "Headline: ferry")
    assert found(ledger, "headline:ferry") == [entry]
    assert found(ledger, "headline : ferry") == [entry]


def test_near_is_no_distance(ledger: Ledger) -> None:
    create(ledger, "Quay ferry")
    assert found(ledger, "NEAR(quay ferry, 10)") == []
    entry = create(ledger, "10: Ferry near quay")
    assert found(ledger, "NEAR (quay ferry, 10)") == [entry]


def test_a_long_query_is_answered(ledger: Ledger) -> None:
    words = [f"word{number}" for number in range(1500)]
    entry = create(ledger, "Ferry", summary=" ".join(words))
    create(ledger, "Ferry", summary=" ".join(words[1:]))
    assert found(ledger, " ".join(reversed(words))) == [entry]
    assert found(ledger, f'"{" ".join(words)}"') == [entry]
    assert found(ledger, " ".join([*words, "gull"])) == []


# In which versions, and when


def test_current_versions_are_searched_unless_all_are(ledger: Ledger) -> None:
    entry = create(ledger, "Ferry resumes", topic="Harbour")
    other = create(ledger, "Ferry stops")
    edit(ledger, entry, headline="Boat resumes")
    edit(ledger, entry, contexts=("Quays",))
    ledger.correct(entry, "A note.", actor="Ben")
    edit(ledger, entry, topic=None, summary="No ferry")
    ledger.retract(entry, actor="Ben")
    assert hits(ledger, "boat") == [Hit(entry, 5)]
    assert hits(ledger, "harbour") == []
    assert hits(ledger, "ferry resumes") == [Hit(entry, 5)]
    assert hits(ledger, '"ferry resumes"') == []

    def everywhere(query: str) -> list[tuple[UUID, int]]:
        return [(hit.entry, hit.version) for hit in hits(ledger, query, all_versions=True)]

    assert everywhere("boat") == [(entry, 2), (entry, 5)]
    assert everywhere("harbour") == [(entry, 1), (entry, 2)]
    assert everywhere('"ferry resumes"') == [(entry, 1)]
    assert everywhere("boat harbour") == [(entry, 2)]
    first = {entry: [(entry, 1), (entry, 5)], other: [(other, 1)]}
    assert everywhere("ferry") == [hit for id_ in by_id(entry, other) for hit in first[id_]]
    # The text of one version is not added to that of another.
    assert everywhere("ferry boat harbour") == []


def test_a_text_that_comes_back_is_found_again(ledger: Ledger) -> None:
    entry = create(ledger, "Ferry")
    edit(ledger, entry, headline="Boat")
    ledger.revert(entry, 1, actor="Ben")
    assert hits(ledger, "ferry") == [Hit(entry, 3)]
    assert hits(ledger, "boat") == []
    assert hits(ledger, "ferry", all_versions=True) == [Hit(entry, 1), Hit(entry, 3)]


def test_an_edit_that_leaves_the_text_is_no_other_text(ledger: Ledger) -> None:
    source = Source("Ferry Post", "http://post.example")
    entry = create(ledger, "Ferry", sources=(source,))
    edit(ledger, entry, sources=(Source(source.name, source.url, "http://post.example/image"),))
    edit(ledger, entry, topic="")
    assert hits(ledger, "ferry", all_versions=True) == [Hit(entry, 1)]


def test_hits_are_by_entry_then_by_version(ledger: Ledger) -> None:
    entries = [create(ledger, f"Ferry {number}") for number in range(8)]
    for entry in reversed(entries):
        edit(ledger, entry, summary="A ferry.")
    assert entries != by_id(*entries)
    assert hits(ledger, "ferry") == [Hit(entry, 2) for entry in by_id(*entries)]
    assert hits(ledger, "ferry", all_versions=True) == [
        Hit(entry, version) for entry in by_id(*entries) for version in (1, 2)
    ]


def test_what_was_public_then_of_what_was_known_then_is_searched(ledger: Ledger) -> None:
    entry = create(ledger, "Ferry", published_at=clock(10))
    edit(ledger, entry, headline="Boat", published_at=clock(8))
    edit(ledger, entry, headline="Raft", published_at=clock(12))
    edit(ledger, entry, date=date(2021, 3, 5), published_at=clock(14))
    moments = [public(9), public(10), public(12), public(14), Moment(position=1), public(12, 2)]
    moments += [public(9, 1), Moment(position=0), public(11, 1)]

    def versions(query: str, *, all_versions: bool) -> list[list[int]]:
        return [
            [hit.version for hit in hits(ledger, query, moment, all_versions=all_versions)]
            for moment in moments
        ]

    assert versions("ferry", all_versions=False) == [[], [], [], [], [1], [], [], [], [1]]
    assert versions("boat", all_versions=False) == [[], [2], [], [], [], [2], [], [], []]
    assert versions("raft", all_versions=False) == [[], [], [3], [3], [], [], [], [], []]
    assert versions("ferry", all_versions=True) == [[], [1], [1], [1], [1], [1], [], [], [1]]
    assert versions("boat", all_versions=True) == [[], [2], [2], [2], [], [2], [], [], []]
    assert versions("raft", all_versions=True) == [[], [], [3], [3], [], [], [], [], []]


# Any texts


SIGNS = "渡轮港"
pieces = st.sampled_from(["ferry", "fer", "Quay", *SIGNS, *SIGNS, " ", " ", ", ", "&amp;"])
texts = st.lists(pieces, max_size=8).map("".join)
prose = texts.filter(str.strip)
entries = st.fixed_dictionaries(
    {"headline": prose},
    optional={
        "topic": prose,
        "summary": prose,
        "sources": st.lists(
            prose.map(lambda name: Source(name, "http://a.example")), max_size=2
        ).map(tuple),
    },
)


def parts(text: str) -> list[str]:
    """Return words and single characters, with a bar between characters that do not touch."""
    apart = re.sub(
        rf"(?<=[{SIGNS}])[^a-z{SIGNS}]+(?=[{SIGNS}])", "|", text.lower().replace("&amp;", " ")
    )
    return re.findall(rf"[a-z]+|[{SIGNS}|]", apart)


def holds(text: str, phrase: list[str], *, goes_on: bool) -> bool:
    have, length = parts(text), len(phrase)
    runs = (have[start : start + length] for start in range(len(have) - length + 1))
    return any(
        run[:-1] == phrase[:-1]
        and (run[-1] == phrase[-1] or (goes_on and run[-1].startswith(phrase[-1])))
        for run in runs
    )


def fields_of(values: dict[str, Any]) -> list[str]:
    sources = " / ".join(f"{source.name} {source.url}" for source in values.get("sources", ()))
    return [*(values.get(name, "") for name in ("headline", "topic", "summary")), sources]


@on_both(
    60, st.lists(entries, min_size=1, max_size=6), st.lists(texts, min_size=1, max_size=6), texts
)
def test_a_phrase_is_found_where_its_tokens_stand_together(
    store: Store, told: list[dict[str, Any]], phrases: list[str], start: str
) -> None:
    with closing(store.another()) as other, Ledger.open(other.url) as ledger:
        ids = [create(ledger, slug="a", **values) for values in told]

        def oracle(*wanted: str, goes_on: bool = False) -> list[UUID]:
            asked = [parts(phrase) for phrase in wanted if parts(phrase)]
            return by_id(
                *(
                    id_
                    for id_, values in zip(ids, told, strict=True)
                    if asked
                    and all(
                        any(holds(text, one, goes_on=goes_on) for text in fields_of(values))
                        for one in asked
                    )
                )
            )

        for phrase in phrases:
            assert found(ledger, f'"{phrase}"') == oracle(phrase)
            assert found(ledger, phrase) == oracle(*phrase.split())
        assert found(ledger, " ".join(f'"{phrase}"' for phrase in phrases)) == oracle(*phrases)
        word = "".join(start.split())
        assert found(ledger, f"{word}*") == oracle(word, goes_on=True)
