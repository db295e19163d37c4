"""The tokenizer of the search: what a text's tokens are, and what a query asks for."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.projections.search import Search
from ledger.projections.tokens import BREAK, terms, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t ", []),
        ("... *** -- & / ' \" ( ) ^ : + _ __", []),
        ("Ferry", ["ferry"]),
        ("The FERRY, again: the Ferry!", ["the", "ferry", "again", "the", "ferry"]),
        ("don't stop-gap A/B", ["don", "t", "stop", "gap", "a", "b"]),
        # Digits
        ("4 boats, 1,250 seats, 3.5 m", ["4", "boats", "1", "250", "seats", "3", "5", "m"]),
        ("MV2 b2b 007", ["mv2", "b2b", "007"]),
        ("٣ १२", ["٣", "१२"]),
        # Underscores part words
        ("_Gull_ snake_case __x__", ["gull", "snake", "case", "x"]),
        ("_Möwe_ möwe_nest", ["mowe", "mowe", "nest"]),
        ("_渡轮_", ["渡", "轮"]),
        # Case
        ("STRASSE Straße straße", ["strasse", "strasse", "strasse"]),
        ("İstanbul ISTANBUL istanbul", ["istanbul", "istanbul", "istanbul"]),
        ("ΛΌΓΟΣ λόγος", ["λογοσ", "λογοσ"]),
        ("ПРИЧАЛ Причал", ["причал", "причал"]),
        # Accents, in one character or in two
        ("Café cafe CAFÉ cafe\u0301", ["cafe", "cafe", "cafe", "cafe"]),
        ("Việt Čapek Señor", ["viet", "capek", "senor"]),
        # Width and other compatibility forms
        ("ＦＥＲＲＹ １２", ["ferry", "12"]),
        ("ﬁsh x² №", ["fish", "x2", "no"]),
        ("Ǆep džep", ["dzep", "dzep"]),
        ("ﾊﾟﾝ", ["パ", "ン"]),
        # Character references
        ("A&amp;B &quot;Gull&quot;", ["a", "b", "gull"]),
        ("Ferry&#039;s&nbsp;end&hellip;", ["ferry", "s", "end"]),
        ("caf&eacute; &#28193;&#x8F6E;", ["cafe", "渡", "轮"]),
        ("AT&T & R&D", ["at", "t", "r", "d"]),
        ("&amp;eacute;", ["eacute"]),
        # Links
        (
            "[Quay](https://Quay.example/a-b?c=1&d=%20)",
            ["quay", "https", "quay", "example", "a", "b", "c", "1", "d", "20"],
        ),
    ],
)
def test_words_are_folded_and_parted(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("渡轮停航", ["渡", "轮", "停", "航"]),
        ("ひらがなカタカナ", list("ひらがなカタカナ")),
        ("コーヒー", list("コーヒー")),
        ("ภาษาไทย", list("ภาษาไทย")),
        ("한국어", ["한", "국", "어"]),
        (unicodedata.normalize("NFD", "한국어"), ["한", "국", "어"]),
        ("ភាសា", list("ភាសា")),
        ("မြန်မာ", list("မြန်မာ")),
        ("\U00020bb7\U0002a6d6", ["\U00020bb7", "\U0002a6d6"]),
        # Beside words of other scripts and numbers
        ("渡轮MV2停航", ["渡", "轮", "mv2", "停", "航"]),
        ("2008年8月", ["2008", "年", "8", "月"]),
        ("Ferry渡", ["ferry", "渡"]),
    ],
)
def test_scripts_that_do_not_part_words_are_taken_by_character(
    text: str, expected: list[str]
) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize("text", ["二〇〇八年", "人々", "〆切", "渡々〇Ｘ"])
def test_signs_that_stand_for_ideographs_are_taken_as_those(text: str) -> None:
    assert tokens(text) == [sign.lower() for sign in unicodedata.normalize("NFKC", text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("渡 轮", ["渡", BREAK, "轮"]),
        ("渡、轮。", ["渡", BREAK, "轮"]),
        ("渡_轮", ["渡", BREAK, "轮"]),
        ("渡 ， 轮 — 停", ["渡", BREAK, "轮", BREAK, "停"]),
        ("渡&nbsp;轮", ["渡", BREAK, "轮"]),
        ("渡&#36718;", ["渡", "轮"]),
        ("渡 a 轮", ["渡", "a", "轮"]),
        ("한국 말", ["한", "국", BREAK, "말"]),
        ("渡ย", ["渡", "ย"]),
        # Words are not told apart so, and nothing stands at either end.
        ("ferry quay", ["ferry", "quay"]),
        (" 渡轮 ", ["渡", "轮"]),
        (f"渡{BREAK}轮", ["渡", BREAK, "轮"]),
        (f"a{BREAK}b", ["a", "b"]),
    ],
)
def test_characters_that_do_not_touch_are_kept_apart(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    "word",
    ["हिन्दी", "किताबें", "தமிழ்", "বাংলা", "ગુજરાતી", "తెలుగు", "العَرَبِيَّة", "עִבְרִית"],
)
def test_vowel_signs_stay_in_their_word(word: str) -> None:
    assert tokens(f"{word}, {word}") == [unicodedata.normalize("NFKC", word)] * 2


@pytest.mark.parametrize(
    "text", ["http://a.example/?id=1&sectionid=6", "?a=1&copy=2&region=3&notes=4&order=5"]
)
def test_an_ampersand_alone_begins_no_character_reference(text: str) -> None:
    assert tokens(text) == tokens(text.replace("&", " "))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Har&shy;bour Har\u00adbour", ["harbour", "harbour"]),
        ("渡\U000e0100轮", ["渡", "轮"]),
        ("sunny \u2600\ufe0f day", ["sunny", "day"]),
    ],
)
def test_what_only_tells_how_to_draw_a_text_is_not_seen(text: str, expected: list[str]) -> None:
    """A hyphen for the end of a line; a variant of a character; an emoji's color."""
    assert tokens(text) == expected


# What is indexed


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for statement in Search.ddl:
            db.execute(statement)
        db.execute("CREATE VIRTUAL TABLE parts USING fts5vocab(words, instance)")
        yield db


def indexed(db: sqlite3.Connection, found: list[str]) -> list[str]:
    """Return what SQLite parts tokens into when they are indexed, in order."""
    db.execute("BEGIN")
    db.execute("INSERT INTO words (rowid, headline) VALUES (1, ?)", (" ".join(found),))
    rows = db.execute("SELECT term FROM parts ORDER BY offset").fetchall()
    db.execute("ROLLBACK")
    return [term for (term,) in rows]


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=40) | st.text("aZé_9 渡轮ー、ยาि한&;#x", max_size=40))
def test_sqlite_parts_tokens_where_they_are_parted(index: sqlite3.Connection, text: str) -> None:
    found = tokens(text)
    assert all(token and " " not in token for token in found)
    assert indexed(index, found) == found


@settings(deadline=None, max_examples=100)
@given(st.text("aZéß_9 渡轮ー、ยา한\u0301", max_size=30))
def test_a_text_in_another_form_has_the_same_tokens(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert tokens(unicodedata.normalize(form, text)) == tokens(text)
    assert tokens(text.upper()) == tokens(text)


# What a query asks for


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", []),
        ("  ", []),
        ("ferry", [(("ferry",), False)]),
        (" Ferry\tQUAY ", [(("ferry",), False), (("quay",), False)]),
        # One word may be several tokens; they stand together.
        ("stop-gap", [(("stop", "gap"), False)]),
        ("渡轮", [(("渡", "轮"), False)]),
        ("渡轮 停航", [(("渡", "轮"), False), (("停", "航"), False)]),
        # Phrases
        ('"old ferry" quay', [(("old", "ferry"), False), (("quay",), False)]),
        ('quay "old ferry"', [(("quay",), False), (("old", "ferry"), False)]),
        ('a"b c"d', [(("a",), False), (("b", "c"), False), (("d",), False)]),
        ('"a""b"', [(("a",), False), (("b",), False)]),
        ('"渡 轮"', [(("渡", BREAK, "轮"), False)]),
        ("&quot;old ferry&quot;", [(("old",), False), (("ferry",), False)]),
        # A quote that is never closed goes on to the end.
        ('"old ferry', [(("old", "ferry"), False)]),
        ('quay "old  ferry', [(("quay",), False), (("old", "ferry"), False)]),
        ('quay"', [(("quay",), False)]),
        ('"', []),
        ('""', []),
        ('" ', []),
        # Beginnings
        ("fer*", [(("fer",), True)]),
        ("FÉR*", [(("fer",), True)]),
        ("stop-ga*", [(("stop", "ga"), True)]),
        ("渡轮*", [(("渡", "轮"), True)]),
        ("fer* qu*", [(("fer",), True), (("qu",), True)]),
        ("fer**", [(("fer",), True)]),
        ("*fer", [(("fer",), False)]),
        ("fe*ry", [(("fe", "ry"), False)]),
        ('"old fer*"', [(("old", "fer"), False)]),
        ('"old fer"*', [(("old", "fer"), False)]),
        ("*", []),
        ("** * ***", []),
        # What is a sign elsewhere
        ("a AND b OR NOT", [((word,), False) for word in ("a", "and", "b", "or", "not")]),
        ("NEAR(a b, 2)", [(("near", "a"), False), (("b",), False), (("2",), False)]),
        ("headline:a ^b -c +d", [(("headline", "a"), False), *(((w,), False) for w in "bcd")]),
        ("( ) : ^ - + , . ; & _ '", []),
    ],
)
def test_a_query_is_words_phrases_and_beginnings(
    query: str, expected: list[tuple[tuple[str, ...], bool]]
) -> None:
    assert terms(query) == expected
