"""Slugs and paths."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.editions import EDITIONS
from ledger.domain.permalinks import (
    Permalink,
    check_slug,
    day_path,
    parse_permalink,
    path_of,
    slugify,
    with_prefix,
)
from ledger.errors import InvalidInput

EN, ZH = EDITIONS["en"], EDITIONS["zh"]

# Slugs


@pytest.mark.parametrize(
    ("headline", "slug"),
    [
        ("Bridge opens", "bridge-opens"),
        ("Café Über Ångström", "cafe-uber-angstrom"),
        ("e\u0301te\u0301", "ete"),
        ("İSTANBUL ﬁne №5", "istanbul-fine-no5"),
        ("Straße", "stra-e"),
        ("U.S., 1,000 it's", "u-s-1-000-it-s"),
        ("&quot;Yes&quot;", "quot-yes-quot"),
        ("--Bridge -- opens!--", "bridge-opens"),
        ("snake_case", "snake-case"),
        ("大桥 bridge 通车", "bridge"),
        ("大桥通车", "entry"),
        ("...", "entry"),
        ("", "entry"),
        ("a" * 141, "a" * 140),
        (" " + "a" * 140, "a" * 139),
        ("a" * 139 + " b", "a" * 139),
        ("a" * 138 + "éb", "a" * 138 + "e"),
        ("a" * 139 + "éb", "a" * 139),
        ("a" * 138 + "桥b", "a" * 138),
        ("é" * 100, "e" * 70),
        ("a" * 137 + "🌉b", "a" * 137),
    ],
)
def test_an_ascii_slug(headline: str, slug: str) -> None:
    assert slugify(headline, EN) == slug


@pytest.mark.parametrize(
    ("headline", "slug"),
    [
        ("大桥 Opens 2014", "大桥-Opens-2014"),
        ("U.S.,1.000 大桥", "US1000-大桥"),
        ("“大桥”：通车了！", "大桥-通车了"),
        ("Café Ⅳ ½", "Café-Ⅳ-½"),
        (" 大桥_通车 ", "大桥-通车"),
        ("。，！", "entry"),
        (".,", "entry"),
        ("", "entry"),
        ("桥" * 61, "桥" * 60),
        (" " + "桥" * 60, "桥" * 59),
        ("." * 10 + "桥" * 60, "桥" * 50),
        ("桥" * 59 + "！桥", "桥" * 59),
    ],
)
def test_a_slug_in_another_script(headline: str, slug: str) -> None:
    assert slugify(headline, ZH) == slug


@settings(deadline=None, max_examples=100)
@given(
    st.one_of(
        st.text(max_size=200),
        st.text(st.characters(categories=["L", "N"]), max_size=80),
        st.text("aé桥🌉½ .-", min_size=130, max_size=150),
    )
)
def test_every_headline_has_a_slug_that_a_page_can_have(headline: str) -> None:
    for edition in EDITIONS.values():
        slug = slugify(headline, edition)
        assert check_slug(slug) == slug
        assert (slug[0], slug[-1]) != ("-", "-")
        assert "--" not in slug
    assert slugify(headline, EN).isascii()


@pytest.mark.parametrize("sign", ["½", "㎮", "㎯", "\ufdfa"])
def test_a_sign_that_unfolds_leaves_a_slug_that_a_page_can_have(sign: str) -> None:
    for edition in EDITIONS.values():
        slug = slugify(sign * 140, edition)
        assert check_slug(slug) == slug


@pytest.mark.parametrize(
    "slug", ["bridge", "Bridge_2", "大桥-通车", "a", "x" * 240, "桥" * 80, "a.b", "...", "it's,so"]
)
def test_a_good_slug_is_kept(slug: str) -> None:
    assert check_slug(slug) == slug


@pytest.mark.parametrize(
    ("slug", "message"),
    [
        ("", "a page cannot be called ''; give a slug of letters and digits"),
        (".", "a page cannot be called '.'; give a slug of letters and digits"),
        ("..", "a page cannot be called '..'; give a slug of letters and digits"),
        ("x" * 241, "the slug is longer than 240 bytes; give a shorter one"),
        ("桥" * 81, "the slug is longer than 240 bytes; give a shorter one"),
        *(
            (f"a{sign}b", f"the slug must not contain {sign!r}")
            for sign in "/\\?#% \t\n\x00\x7f\u00a0\u2028\u200b\ufeff\ud800"
        ),
    ],
)
def test_a_bad_slug_is_refused(slug: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_slug(slug)
    assert str(caught.value) == message


@pytest.mark.parametrize("slug", ["report.md", "report.html", "report.json", "report.xml"])
def test_a_slug_that_is_taken_is_found_again_at_its_path(slug: str) -> None:
    try:
        check_slug(slug)
    except InvalidInput:
        return
    link = parse_permalink(path_of(date(2014, 2, 13), slug))
    assert link is not None
    assert link.slug == slug


# Paths


def test_a_path_has_a_padded_year_and_month_and_a_bare_day() -> None:
    assert path_of(date(2014, 2, 3), "bridge") == "/news/2014/02/3/bridge"
    assert path_of(date(2014, 12, 13), "大桥") == "/news/2014/12/13/大桥"
    assert path_of(date(987, 1, 2), "bridge") == "/news/0987/01/2/bridge"
    assert day_path(date(2014, 2, 13)) == "/news/2014/02/13/index"


def test_a_path_is_linked_under_a_prefix() -> None:
    path = path_of(date(2014, 2, 3), "news")
    assert with_prefix(path, "/zh/news") == "/zh/news/2014/02/3/news"
    assert with_prefix(path, "/news") == path
    assert with_prefix(path, "") == "/2014/02/3/news"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/news/2014/02/13/bridge", Permalink(date(2014, 2, 13), "bridge", "/news")),
        ("/news/2014/02/13/bridge.md", Permalink(date(2014, 2, 13), "bridge", "/news")),
        ("/news/2014/02/13/bridge.html", Permalink(date(2014, 2, 13), "bridge", "/news")),
        ("/news/2014/02/13/bridge.json", Permalink(date(2014, 2, 13), "bridge", "/news")),
        ("/news/2014/02/13/bridge.xml", Permalink(date(2014, 2, 13), "bridge", "/news")),
        ("/news/2014/02/13/bridge.txt", Permalink(date(2014, 2, 13), "bridge.txt", "/news")),
        ("/news/2014/02/13/bridge.MD", Permalink(date(2014, 2, 13), "bridge.MD", "/news")),
        ("/news/2014/02/3/bridge", Permalink(date(2014, 2, 3), "bridge", "/news")),
        ("/news/2014/02/03/bridge", Permalink(date(2014, 2, 3), "bridge", "/news")),
        ("/zh/news/2014/02/3/大桥.md", Permalink(date(2014, 2, 3), "大桥", "/zh/news")),
        ("/2014/02/13/bridge", Permalink(date(2014, 2, 13), "bridge", "")),
        (
            "https://news.example/zh/news/2016/02/29/a.html",
            Permalink(date(2016, 2, 29), "a", "https://news.example/zh/news"),
        ),
        (
            "/srv/2013/01/1/news/2014/02/13/bridge.md",
            Permalink(date(2014, 2, 13), "bridge", "/srv/2013/01/1/news"),
        ),
        ("/news/2014/02/13/index.md", Permalink(date(2014, 2, 13), "index", "/news")),
        ("", None),
        ("bridge", None),
        ("/news/bridge", None),
        ("/news/2014/02/13", None),
        ("/news/2014/02/13/", None),
        ("/news/2014/02/13/.md", None),
        ("/news/2014/2/13/bridge", None),
        ("/news/14/02/13/bridge", None),
        ("/news/2014/02/13/bridge/more", None),
        ("/news/2014/02/013/bridge", None),
        ("/news/2014/02/30/bridge", None),
        ("/news/2015/02/29/bridge", None),
        ("/news/2014/13/1/bridge", None),
        ("/news/2014/00/1/bridge", None),
        ("/news/2014/02/0/bridge", None),
        ("/news/0000/02/1/bridge", None),
        ("20140213-c644-8a00", None),
    ],
)
def test_a_permalink_is_taken_apart(text: str, expected: Permalink | None) -> None:
    assert parse_permalink(text) == expected


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("/news/2014/02/13/bridge?utm=a", "bridge"),
        ("/news/2014/02/13/bridge.html?a=/b/c&d=.md", "bridge"),
        ("/news/2014/02/13/bridge.html#sources", "bridge"),
        ("/news/2014/02/13/bridge?a=b#c", "bridge"),
        ("/news/2014/02/13/bridge#c?a=b", "bridge"),
        ("/news/2014/02/13/bridge?", "bridge"),
        ("/news/2014/02/13/%E9%9B%A8.html", "雨"),
        ("/news/2014/02/13/%e9%9b%a8-2?a=%20", "雨-2"),
        ("https://news.example%2Fzh/news/2014/02/13/%E5%A4%A7%E6%A1%A5", "大桥"),
        ("/news/2014/02/13/bridge%2Ehtml", "bridge"),
    ],
)
def test_a_permalink_is_taken_as_a_browser_copies_it(text: str, slug: str) -> None:
    link = parse_permalink(text)
    assert link is not None
    assert (link.slug, link.day) == (slug, date(2014, 2, 13))


@pytest.mark.parametrize(
    "text",
    [
        "?/news/2014/02/13/bridge",
        "#/news/2014/02/13/bridge",
        "/news/2014/02/13/?bridge",
        "/news/2014/02/13/bridge%2Fmore",
        "/news/2014/02/13%3Fbridge",
    ],
)
def test_what_a_browser_leaves_out_makes_no_permalink(text: str) -> None:
    assert parse_permalink(text) is None


def test_a_permalink_has_one_path_in_every_spelling() -> None:
    link = parse_permalink("https://news.example/zh/news/2014/02/03/bridge.html")
    assert link is not None
    assert link.path == "/news/2014/02/3/bridge"


@pytest.mark.parametrize(
    ("text", "editions"),
    [
        ("/news/2014/02/13/a", ["en", "zh"]),
        ("/zh/news/2014/02/13/a", ["zh", "en"]),
        ("https://news.example/zh/news/2014/02/13/a", ["zh", "en"]),
        ("https://news.example/news/2014/02/13/a", ["en", "zh"]),
        ("/elsewhere/2014/02/13/a", ["en", "zh"]),
        ("/2014/02/13/a", ["en", "zh"]),
        ("news/2014/02/13/a.md", ["en", "zh"]),
        ("zh/news/2014/02/13/a.md", ["zh", "en"]),
    ],
)
def test_a_prefix_says_which_edition_is_likely(text: str, editions: list[str]) -> None:
    link = parse_permalink(text)
    assert link is not None
    assert link.editions == editions


@settings(deadline=None, max_examples=100)
@given(
    day=st.dates(),
    headline=st.text(max_size=80),
    code=st.sampled_from(sorted(EDITIONS)),
    extension=st.sampled_from(["", ".md", ".html", ".json", ".xml"]),
    host=st.sampled_from(["", "https://news.example"]),
)
def test_a_path_is_taken_apart_into_what_it_was_made_of(
    day: date, headline: str, code: str, extension: str, host: str
) -> None:
    edition = EDITIONS[code]
    slug = slugify(headline, edition)
    path = path_of(day, slug)
    link = parse_permalink(host + with_prefix(path, edition.prefix) + extension)
    assert link == Permalink(day, slug, host + edition.prefix)
    assert (link.path, link.editions[0]) == (path, code)
