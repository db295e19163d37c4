"""What the values of an entry may be."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from ledger.domain import rules
from ledger.domain.editions import edition, edition_of_text
from ledger.domain.values import FIELDS, Layout, Source
from ledger.errors import InvalidInput, InvalidTime
from tests.conftest import NOW

# One line of text


@pytest.mark.parametrize(
    "text",
    [
        " Bridge opens ",
        "\u00a0Bridge\u3000opens\u2009",
        "&quot;Bridge&quot; &#039;opens&#039; &hellip;",
        "克里米亚大桥通车",
        "\u202bجسر\u202c",
        "woman\u200d\u2695, soft\u00adhyphen, zero\u200bwidth, \ufeff",
        "🌉 \U000f0000",
    ],
)
@pytest.mark.parametrize("field", ["headline", "summary", "topic"])
def test_text_is_kept_as_published(field: str, text: str) -> None:
    assert rules.check_field(field, text, NOW) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the headline is empty"),
        (" \u3000\u00a0", "the headline is empty"),
        ("Bridge\topens", "the headline holds a tab at character 7; "),
        ("Bridge\nopens", "the headline holds a line break at character 7; "),
        ("Bridge opens\n", "the headline holds a line break at character 13; "),
        ("\x00Bridge", "the headline holds the control character U+0000 at character 1; "),
        ("a\r\nb", "the headline holds the control character U+000D at character 2; "),
        ("\u00e9\x1bb", "the headline holds the control character U+001B at character 2; "),
        ("ab\x7f", "the headline holds the control character U+007F at character 3; "),
        ("ab\x85", "the headline holds the control character U+0085 at character 3; "),
        ("a\u200db\u2028", "the headline holds the control character U+2028 at character 4; "),
        ("🌉\u2029", "the headline holds the control character U+2029 at character 2; "),
        ("a\ud800", "the headline holds the control character U+D800 at character 2; "),
        ("a\udcffb\t", "the headline holds the control character U+DCFF at character 2; "),
    ],
)
def test_text_must_be_one_plain_line(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rules.check_field("headline", text, NOW)
    plain = "it must be one plain line" if message.endswith("; ") else ""
    assert str(caught.value) == message + plain


@pytest.mark.parametrize(("field", "empty"), [("headline", " "), ("summary", "")])
def test_headline_and_summary_must_say_something(field: str, empty: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^the {field} is empty$"):
        rules.check_field(field, empty, NOW)


def test_a_summary_is_no_heading() -> None:
    message = r"^the summary begins with ###: a page would make it a heading$"
    for text in ("### Sources", "### ", "###  The bridge"):
        with pytest.raises(InvalidInput, match=message):
            rules.check_field("summary", text, NOW)
    for text in ("###", "###Sources", " ### Sources", "## Sources", "#### Sources"):
        assert rules.check_field("summary", text, NOW) == text
    assert rules.check_field("headline", "### Sources", NOW) == "### Sources"


@pytest.mark.parametrize("value", [None, 7, b"Bridge", ["Bridge"]])
@pytest.mark.parametrize("what", ["headline", "actor", "text of the correction"])
def test_text_must_be_text(what: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        rules.check_text(what, value)
    assert str(caught.value) == f"the {what} is no text but {value!r}"


@pytest.mark.parametrize("topic", ["", "  "])
def test_a_topic_may_be_empty(topic: str) -> None:
    assert rules.check_field("topic", topic, NOW) == topic


@pytest.mark.parametrize(
    ("what", "limit", "shown"),
    [
        ("headline", 20_000, "20,000"),
        ("topic", 2_000, "2,000"),
        ("summary", 200_000, "200,000"),
        ("actor", 200_000, "200,000"),
    ],
)
def test_text_has_a_length_limit(what: str, limit: int, shown: str) -> None:
    assert len(rules.check_text(what, "é" * limit)) == limit
    with pytest.raises(InvalidInput) as caught:
        rules.check_text(what, "é" * (limit + 1))
    more = shown[:-1] + "1"
    assert str(caught.value) == f"the {what} has {more} characters; {shown} are the most"


# Addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "https://example.org:8080/a/b?c=d&e=%20#f",
        "HTTPS://EXAMPLE.ORG/A",
        "http://192.0.2.7/",
        "http://[2001:db8::1]/x",
        "http://例え.example/記事(1)",
        "https://web.archive.example/2014/http://example.org/a",
    ],
)
def test_an_address_is_kept_as_given(url: str) -> None:
    assert rules.check_url("cover image", url) == url


@pytest.mark.parametrize(
    "url",
    [
        "example.org/a",
        "/news/2014/02/13/bridge",
        "//example.org/a",
        "ftp://example.org/a",
        "javascript:alert(1)",
        "mailto:ann@example.org",
        "file:///etc/hosts",
        "http:",
        "http://",
        "http:///a",
        "http://:80/a",
        "http://?a",
        "http:example.org",
        "http://[2001:db8::1",
        "http://exa mple.org/",
        "http://example.org/a b",
        "http://example.org/\u00a0",
        " http://example.org/",
        "http://example.org/ ",
        "http://example.org/<b>",
        "http://example.org/>",
    ],
)
def test_an_address_must_be_one(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rules.check_url("cover image", url)
    assert str(caught.value) == (
        f"the cover image {url!r} is no http or https address without spaces"
    )


def test_a_long_address_is_shown_in_short() -> None:
    with pytest.raises(InvalidInput) as caught:
        rules.check_url("cover image", "x" * 81)
    assert str(caught.value) == (
        f"the cover image '{'x' * 77}...' is no http or https address without spaces"
    )
    with pytest.raises(InvalidInput, match=rf"^the cover image '{'x' * 80}' is no"):
        rules.check_url("cover image", "x" * 80)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "the cover image is empty"),
        (
            "http://a.example/\n",
            "the cover image holds a line break at character 18; it must be one",
        ),
        (
            "http://a\t.example/",
            "the cover image holds a tab at character 9; it must be one plain line",
        ),
        (
            "http://a.example/\udc80",
            "the cover image holds the control character U+DC80 at character 18",
        ),
        (
            "http://a.example/".ljust(8001, "x"),
            "the cover image has 8,001 characters; 8,000 are the most",
        ),
    ],
)
def test_an_address_is_plain_text(url: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rules.check_url("cover image", url)
    assert str(caught.value).startswith(message)


def test_an_address_may_be_as_long_as_the_limit() -> None:
    url = "http://a.example/".ljust(8000, "x")
    assert rules.check_url("cover image", url) == url


# Sources and contexts


def test_sources_are_checked_in_every_part() -> None:
    good = (Source("Herald", "http://a.example/1"), Source("Post", "http://b.example", "http://c"))
    assert rules.check_field("sources", good, NOW) == good


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source(" ", "http://a.example"), "the name of a source is empty"),
        (Source("a\nb", "http://a.example"), "the name of a source holds a line break at cha"),
        (Source("a", "a.example"), "the address of a source 'a.example' is no http or https add"),
        (Source("a", "http://b", "c.jpg"), "the image of a source 'c.jpg' is no http or https "),
    ],
)
def test_a_source_needs_a_name_and_an_address(source: Source, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rules.check_field("sources", (Source("Herald", "http://a.example/1"), source), NOW)
    assert str(caught.value).startswith(message)


def test_contexts_are_said_once_in_their_first_order() -> None:
    names = ("River", "Lee", "River", "lee", "Harbour", "Lee")
    assert rules.check_field("contexts", names, NOW) == ("River", "Lee", "lee", "Harbour")


def test_contexts_are_plain_text() -> None:
    with pytest.raises(InvalidInput, match=r"^the name of a context holds a tab at character 2; "):
        rules.check_contexts(("River", "L\tee"))
    number: Any = 7
    with pytest.raises(InvalidInput, match=r"^the name of a context is no text but 7$"):
        rules.check_contexts(("River", number))


@pytest.mark.parametrize(
    ("field", "item"), [("sources", Source("Herald", "http://a.example")), ("contexts", "River")]
)
def test_a_list_has_a_limit(field: str, item: object) -> None:
    assert rules.check_field(field, (item,) * 1000, NOW)
    with pytest.raises(InvalidInput) as caught:
        rules.check_field(field, (item,) * 1001, NOW)
    assert str(caught.value) == f"1,001 {field} are too many; 1,000 are the most"


# Dates and times


def test_a_date_may_be_tomorrow() -> None:
    assert rules.check_date(date(2024, 5, 2), NOW) == date(2024, 5, 2)
    assert rules.check_date(date(1, 1, 1), NOW) == date(1, 1, 1)
    with pytest.raises(InvalidTime, match=r"^the date 2024-05-03 lies in the future$"):
        rules.check_date(date(2024, 5, 3), NOW)


def test_tomorrow_is_counted_in_utc() -> None:
    already_tomorrow = datetime(2024, 5, 2, 1, 0, tzinfo=timezone(timedelta(hours=14)))
    assert rules.check_date(date(2024, 5, 2), already_tomorrow) == date(2024, 5, 2)
    with pytest.raises(InvalidTime):
        rules.check_date(date(2024, 5, 3), already_tomorrow)


def test_a_date_is_no_moment() -> None:
    with pytest.raises(InvalidInput, match=r"^the date cannot be "):
        rules.check_field("date", datetime(2014, 2, 13, tzinfo=UTC), NOW)


def test_a_publication_time_comes_back_in_utc() -> None:
    moment = datetime(2014, 2, 13, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    checked = rules.check_published_at(moment, NOW)
    assert (checked, checked.tzinfo) == (datetime(2014, 2, 13, tzinfo=UTC), UTC)


def test_a_publication_time_has_passed() -> None:
    assert rules.check_published_at(NOW, NOW) == NOW
    message = r"^the publication time 2024-05-01 12:00:00 lies in the future$"
    with pytest.raises(InvalidTime, match=message):
        rules.check_published_at(NOW + timedelta(microseconds=1), NOW)


@pytest.mark.parametrize("moment", ["2014-02-13", None, 7, date(2014, 2, 13)])
def test_a_publication_time_is_a_time(moment: Any) -> None:
    with pytest.raises(InvalidTime) as caught:
        rules.check_published_at(moment, NOW)
    assert str(caught.value) == f"the publication time is no time but {moment!r}"


@pytest.mark.parametrize(
    "moment",
    [
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
    ],
)
def test_a_time_beyond_the_calendar_in_utc_is_refused(moment: datetime) -> None:
    with pytest.raises(InvalidTime):
        rules.check_published_at(moment, NOW)


# Language, edition, layout, names of fields


@pytest.mark.parametrize("tag", ["en", "zh-Hant", "de-CH-1996", "sr-Latn-RS", "abcdefgh"])
def test_a_language_is_a_tag(tag: str) -> None:
    assert rules.check_field("language", tag, NOW) == tag


@pytest.mark.parametrize(
    "tag", ["", "e", "en_US", "en-", "-en", "1a", "en--x", "en-123456789", "abcdefghi", "en\n"]
)
def test_a_language_must_look_like_a_tag(tag: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rules.check_field("language", tag, NOW)
    assert str(caught.value) == f"the language {tag!r} is no tag such as en or zh-Hant"


def test_an_edition_must_be_known() -> None:
    assert rules.check_field("edition", "zh", NOW) == "zh"
    with pytest.raises(InvalidInput, match=r"^no edition is called 'EN'; known are: en, zh$"):
        rules.check_field("edition", "EN", NOW)
    assert (edition("zh").prefix, edition("zh").padded_day) == ("/zh/news", False)
    assert (edition("en").prefix, edition("en").padded_day) == ("/news", True)


@pytest.mark.parametrize(
    ("text", "code"),
    [("Bridge opens", "en"), ("", "en"), ("Bridge 大桥", "zh"), ("\uf900", "zh"), ("かな", "en")],
)
def test_a_text_tells_its_edition(text: str, code: str) -> None:
    assert edition_of_text(text).code == code


@pytest.mark.parametrize("prefix", [None, "/news", "/zh/news", "/A-b_9/c"])
def test_a_layout_may_have_prefixes(prefix: str | None) -> None:
    for layout in (Layout("older", prefix), Layout("archive", "/news", prefix)):
        assert rules.check_field("layout", layout, NOW) == layout


@pytest.mark.parametrize("prefix", ["", "/", "news", "/news/", "//news", "/a b", "/né", "/news\n"])
def test_a_prefix_must_be_a_path(prefix: str) -> None:
    for layout in (Layout(prefix=prefix), Layout(prefix="/news", day_prefix=prefix)):
        with pytest.raises(InvalidInput) as caught:
            rules.check_field("layout", layout, NOW)
        assert str(caught.value) == (
            f"the path prefix {prefix!r} is not one such as /news or /zh/news"
        )


def test_inferred_names_are_fields() -> None:
    assert rules.check_inferred(FIELDS) == FIELDS
    with pytest.raises(InvalidInput) as caught:
        rules.check_inferred(("summary", "version"))
    assert str(caught.value) == (
        "no field is called 'version'; known are: date, headline, slug, topic, summary, sources, "
        "cover_image, contexts, language, edition, layout"
    )


# Fields by name


@pytest.mark.parametrize("field", ["topic", "summary", "cover_image"])
def test_some_fields_may_be_absent(field: str) -> None:
    assert rules.check_field(field, None, NOW) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, None) for field in FIELDS if field not in {"topic", "summary", "cover_image"}),
        *((field, 5) for field in FIELDS),
        ("date", "2014-02-13"),
        ("headline", b"Bridge"),
        ("sources", [Source("Herald", "http://a.example")]),
        ("contexts", ["River"]),
        ("contexts", "River"),
        ("layout", "older"),
        ("version", 5),
        ("colour", "red"),
    ],
)
def test_a_field_takes_its_own_kind_of_value(field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        rules.check_field(field, value, NOW)
    assert str(caught.value) == f"the {field} cannot be {value!r}"


def test_a_field_is_checked_by_its_own_rule() -> None:
    with pytest.raises(InvalidInput, match=r"^the cover image 'x' is no http or https address"):
        rules.check_field("cover_image", "x", NOW)
    with pytest.raises(InvalidInput, match=r"^the slug must not contain ' '$"):
        rules.check_field("slug", "a b", NOW)
