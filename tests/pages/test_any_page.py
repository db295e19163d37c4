"""Any page at all, in each style: what is rendered is read back, and rendered the same again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.domain import editions
from ledger.domain.values import Layout, Source, StyleName
from ledger.pages.labels import LABELS
from ledger.pages.markdown import parse, render
from ledger.pages.model import ChangeLine, Page, RelatedLine

MARKUP = ["[", "]", "](", "[a](b)", "_", "(Update)", "# ", "### ", "1. ", " ", "桥", "é", "&#039;"]
CHARACTERS = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
TEXTS = (
    st.lists(st.sampled_from(MARKUP) | st.text(CHARACTERS, max_size=8), min_size=1, max_size=6)
    .map("".join)
    .filter(str.strip)
)
URLS = st.text("aZ9é桥-._~:/?#@!$&'()*+,;=%", min_size=1, max_size=12).map(
    lambda rest: f"https://a.example/{rest}"
)
SLUGS = st.text("aZ9é桥“”’'，（）。-_.!", min_size=1, max_size=12).filter(lambda s: s.strip("."))
PATHS = st.builds(
    lambda day, slug: f"/news/{day.year:04}/{day.month:02}/{day.day}/{slug}", st.dates(), SLUGS
)
# A name such as "D.C., Washington" cannot be told from two, nor a link from the line's own end.
CONTEXTS = TEXTS.filter(lambda name: ", " not in name and "](" not in name)
TIMES = st.datetimes(min_value=datetime(1900, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
PREFIXES = st.none() | st.sampled_from(["/en/news", "/archive", "/2014/02/13"])
HEADINGS = st.none() | TEXTS


@st.composite
def pages(draw: st.DrawFn, style: StyleName) -> Page:
    """Any page, in this style or with more than the style shows."""
    edition = draw(st.sampled_from(sorted(LABELS)))
    labels = LABELS[edition]
    names = TEXTS.filter(lambda name: name != labels.cover_image)
    sources = draw(st.lists(st.builds(Source, names, URLS, st.none() | URLS), max_size=3))
    day, slug, headline = draw(st.dates()), draw(SLUGS), draw(TEXTS)
    earlier = draw(st.lists(st.tuples(TEXTS, PATHS, TIMES), max_size=3))
    page = Page(
        edition=edition,
        layout=Layout(style, draw(PREFIXES), draw(PREFIXES)),
        day=day,
        slug=slug,
        headline=headline,
        topic=draw(HEADINGS | st.just("")),
        # "### " begins a section.
        summary=draw(HEADINGS.filter(lambda text: not (text or "").startswith("### "))),
        sources=tuple(sources),
        cover_image=draw(st.none() | URLS),
        related=tuple(
            RelatedLine(line, path, tuple(contexts))
            for line, path, contexts in draw(
                st.lists(
                    st.tuples(TEXTS, PATHS, st.lists(CONTEXTS, min_size=1, max_size=3)),
                    max_size=3,
                )
            )
        ),
    )
    if not earlier:
        return page
    lines = [
        ChangeLine(line, path, moment, "update" if index else "first_version")
        for index, (line, path, moment) in enumerate(earlier)
    ]
    own = ChangeLine(headline, page.path or "", None, "current_version")
    return replace(page, changes=(*lines, own))


def told(page: Page) -> Page:
    """What a page can tell of itself: its style leaves things out, and a default is no choice."""
    layout = page.layout
    style = layout.style
    if style != "current":
        page = replace(page, slug=None, changes=())
    if style == "older":
        page = replace(page, topic=None)
        # Only English has another heading for it.
        if page.edition == "zh" and (page.sources or page.cover_image):
            style = "archive"
    elif style == "archive" and page.topic is None and not (page.sources or page.cover_image):
        style = "older"
    default = editions.edition(page.edition).prefix
    linked = bool(page.slug or page.related)
    prefix = layout.prefix if linked else None
    day_prefix = layout.day_prefix or layout.prefix
    if day_prefix == (prefix or default):
        day_prefix = None
    return replace(page, layout=Layout(style, prefix, day_prefix))


@pytest.mark.parametrize("style", ["current", "older", "archive"])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_page_comes_back(style: StyleName, data: st.DataObject) -> None:
    page = data.draw(pages(style))
    published = render(page)
    again = parse(published, page.edition)
    assert again == told(page)
    assert render(again) == published
