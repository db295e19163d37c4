"""Inline text as HTML and as plain text: what it says stays, what could do harm does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.pages.inline import is_safe, to_html, to_plain
from tests.pages.markup import one, read_html, text_of

MARKUP = [
    *(
        "[",
        "]",
        "](",
        ")",
        "[a](b)",
        "<",
        ">",
        "*",
        "**",
        "_",
        "`",
        "\\",
        "![",
        "&",
        "&lt;",
        "&#x3c;",
    ),
    *("<script>", "</script>", "<!--", "]]>", "<b onclick=x>", "<http://a.example>", '"', "'"),
    *("javascript:", "JaVa&#115;cript&colon;", "data:text/html,", "(/news/", "https://a.example/"),
    *(" ", "\u202e", "שלום", "a\u0301\u0323", "桥", "\ufffe", "\U0001ffff", "&#12;", "&#0;"),
]
TEXTS = st.lists(
    st.sampled_from(MARKUP)
    | st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=6),
    max_size=25,
).map("".join)


def page(inline: str) -> str:
    """Return a document with it in its only paragraph."""
    return f"<!DOCTYPE html><html><head><title>t</title></head><body><p>{inline}</p></body></html>"


@pytest.mark.parametrize(
    ("text", "html", "plain"),
    [
        ("A bridge", "A bridge", "A bridge"),
        (
            "a *b* **c** `<d>`",
            "a <em>b</em> <strong>c</strong> <code>&lt;d&gt;</code>",
            "a b c <d>",
        ),
        ("&#039;six&hellip; &lt;b&gt;", "&#x27;six… &lt;b&gt;", "'six… <b>"),
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;", "<b>x</b>"),
        ("[a](https://b.example/)", '<a href="https://b.example/">a</a>', "a"),
        ('[a](HTTP://b.example "c")', '<a href="HTTP://b.example" title="c">a</a>', "a"),
        ("<a@b.example>", '<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
        ("![a *b*](https://c.example/)", '<a href="https://c.example/">a b</a>', "a b"),
        ("[![a](/b)](/c)", '<a href="/c">a</a>', "a"),
        ("[a [b](/c) d](/e)", '[a <a href="/c">b</a> d](/e)', "[a b d](/e)"),
        (r"\*a\*", "*a*", "*a*"),
        ("[a](/news/2014/02/3/b.md)", '<a href="/news/2014/02/3/b.html">a</a>', "a"),
        ("[a](/news/2014/02/3/b.md#c)", '<a href="/news/2014/02/3/b.html#c">a</a>', "a"),
        ("[a](http://b.x/2014/02/3/b.md)", '<a href="http://b.x/2014/02/3/b.md">a</a>', "a"),
        ("[a](/readme.md)", '<a href="/readme.md">a</a>', "a"),
        ("a&#10;b&#12;c&#13;d", "a b c d", "a b c d"),
        ("a\ufffeb\U0001ffffc", "a\ufffdb\ufffdc", "a\ufffdb\ufffdc"),
    ],
)
def test_what_a_text_becomes(text: str, html: str, plain: str) -> None:
    assert (to_html(text), to_plain(text)) == (html, plain)


@pytest.mark.parametrize(
    "text",
    [
        "[a](javascript:alert(1))",
        "[a]( JaVaScRiPt:alert(1))",
        "[a](java&#115;cript:alert(1))",
        "[a](javascript&colon;alert(1))",
        "[a](&#x6A;avascript:alert(1))",
        "[a](&#1;javascript:alert(1))",
        "[a](<java script:alert(1)>)",
        "![a](javascript:alert(1))",
        "<javascript:alert(1)>",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](data:image/png;base64,iVBO)",
        "[a](vbscript:msgbox(1))",
        "[a](file:///etc/passwd)",
        "[a](//evil.example/)",
        "[a](\\\\evil.example)",
        "[a](ftp://a.example/)",
        "[a](page.html)",
        "[a][b]",
        "[a]: javascript:alert(1)",
    ],
)
def test_what_is_no_link(text: str) -> None:
    assert "<a" not in to_html(text)
    assert to_html(text, links=False) == to_html(text)
    assert "a" in to_plain(text)


@pytest.mark.parametrize("text", ["[a](/\\evil.example)", "[a](/%5Cevil.example)"])
def test_a_backslash_is_no_slash(text: str) -> None:
    assert to_html(text) == '<a href="/%5Cevil.example">a</a>'
    assert not is_safe("/\\evil.example")


def test_an_address_cannot_leave_its_attribute() -> None:
    html = to_html('[a](https://b.example/"onclick=\'x\'<>) [c](/d "e&quot; onclick=f")')
    first, second = one(read_html(page(html)), "body/p").findall("a")
    assert set(first.attrib) == {"href"}
    assert second.attrib["title"] == 'e" onclick=f'


def test_without_links_their_text_is_there_alone() -> None:
    text = "*a* [b **c**](https://d.example/) ![e](/f) <https://g.example/>"
    assert to_html(text, links=False) == "<em>a</em> b <strong>c</strong> e https://g.example/"


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_any_text_is_whole_and_does_no_harm(text: str) -> None:
    for links in (True, False):
        paragraph = one(read_html(page(to_html(text, links=links))), "body/p")
        assert text_of(paragraph) == to_plain(text)
        assert links or not list(paragraph.iter("a"))


WORDS = st.lists(
    st.sampled_from(
        ["[", "](", ")", "*", "_", "`", "<", ">", "!", "&", "(", "\\", "~", "http://"]
    ),
    min_size=1,
    max_size=8,
).map("".join)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=8))
def test_no_word_goes_whatever_brackets_are_around_it(brackets: list[str]) -> None:
    said = [f"word{number}" for number in range(len(brackets))]
    text = "".join(map("".join, zip(brackets, said, strict=True)))
    plain = to_plain(text)
    # Only an address is not text, and that of a link is in its attribute.
    assert all(word in plain or word in to_html(text) for word in said)


@pytest.mark.parametrize("piece", ["[", "![", "*a", "_a*", "`", "[a](", "<a ", "](", "&#"])
def test_a_long_text_of_markup_stays_whole(piece: str) -> None:
    text = piece * (10_000 // len(piece))
    paragraph = one(read_html(page(to_html(text))), "body/p")
    assert text_of(paragraph) == to_plain(text)
    letters = sum(character == "a" for character in text)
    assert to_plain(text).count("a") == letters
