"""Texts that mean harm, and any text at all: every page comes out harmless and whole."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger import Ledger, Source
from ledger.domain.diffs import FieldDiff, diff_words
from ledger.domain.values import Layout
from ledger.pages.characters import exchangeable
from ledger.pages.inline import to_plain
from ledger.pages.markdown import parse
from ledger.pages.model import (
    ContextLink,
    ContextPage,
    DayPage,
    EntryPage,
    Page,
    PublicNote,
    RelatedLine,
    Revision,
    Teaser,
)
from ledger.pages.rendering import render
from tests.pages.formats import NAMESPACE, read_json, read_xml
from tests.pages.markup import one, read_html, text_of
from tests.pages.test_inline import TEXTS as ANYTHING

DAY = date(2021, 3, 4)
MOMENT = datetime(2021, 3, 4, 9, 30, tzinfo=UTC)
PATH = "/news/2021/03/4/bridge"

ATTACK = (
    " <script>alert(1)</script> </script><script>alert(2)</script> <!-- --> ]]> --> <![CDATA[ "
    "<img src=x onerror=alert(3)> <svg/onload=alert(4)> </title></style></h1></article> "
    "[a](javascript:alert(5)) [b]( JaVaScRiPt:alert(6)) [c](java&#115;cript&colon;alert(7)) "
    "<javascript:alert(8)> ![d](javascript:alert(9)) [e](data:text/html,f) [g][h] "
    "[h]: javascript:i [j](https://k.example/\"onmouseover='alert(1)') &lt;script&gt; "
    "&amp;lt;script&amp;gt; &#0;&#12; "
    "[[[[ ]] ](( ![[ **`` \u202eright to left שלום العالم \u2067 a\u0301\u0323\u035c "
    "{{7*7}} ${7*7} ' \" \\ \ufffe \ufdd0 \U0010ffff "
)
LONG = ATTACK + "long " * 2_000 + "end"
TEXTS = (ANYTHING | st.just(ATTACK)).filter(lambda text: text.strip() != "")


def entry_page(headline: str, summary: str, topic: str, name: str, before: str) -> EntryPage:
    """Return a page that shows these texts wherever it shows any."""
    first = Revision(
        version=1,
        headline=before,
        path=PATH,
        edition="en",
        published_at=MOMENT,
        updated_at=MOMENT,
        basis="stated",
        label="first_version",
        listed=True,
        type="EntryCreated",
    )
    diff = FieldDiff("headline", before, headline, words=diff_words(before, headline))
    current = replace(
        first,
        version=2,
        headline=headline,
        label="current_version",
        type="EntryEdited",
        diffs=(diff,),
    )
    return EntryPage(
        page=Page(
            edition="en",
            layout=Layout(),
            day=DAY,
            slug="bridge",
            headline=headline,
            topic=topic,
            summary=summary,
            sources=(Source(name, 'https://a.example/"onclick="x\ufffe'),),
            related=(RelatedLine(before, PATH, (name,)),),
        ),
        entry=UUID(int=1),
        version=2,
        language="en",
        status="active",
        status_since=None,
        merged_into=None,
        contexts=(name,),
        context_links=(ContextLink(name, "/news/contexts/a"),),
        first_published_at=MOMENT,
        published_at=MOMENT,
        notes=(PublicNote("correction", before, 2, MOMENT),),
        history=(first, current),
        current=None,
        predecessor=None,
        successor=None,
    )


def shown(text: str) -> str:
    """Return how a text reads on a page."""
    return to_plain(text)


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS.filter(lambda t: not t.startswith("### ")), TEXTS, TEXTS, TEXTS)
def test_any_entry_in_all_formats(
    headline: str, summary: str, topic: str, name: str, before: str
) -> None:
    page = entry_page(headline, summary, topic, name, before)
    root = read_html(render(page, "html"))
    assert text_of(one(root, ".//h1")) == shown(headline)
    assert text_of(one(root, ".//p[@class='summary']")) == shown(summary)
    assert text_of(one(root, ".//p[@class='topic']")) == shown(topic)
    assert text_of(one(root, ".//section[@id='sources']/ol/li")).strip() == shown(name).strip()
    assert text_of(one(root, ".//div[@class='note']/p")) == shown(before)
    (related,) = root.findall(".//section[@id='related']/ol/li/a")
    assert text_of(related) == shown(before)
    changed = one(root, ".//section[@id='changes']/ol/li/details/div/dl/div/dd")
    assert "".join(e for e in changed.itertext()) == exchangeable(
        "".join(span.text for span in diff_words(before, headline))
    )
    data = json.loads(one(root, "head/script").text or "")
    assert data["headline"] == shown(headline).strip()
    assert data["keywords"] == [shown(name).strip()]

    said = read_json(render(page, "json"))
    assert (said["headline"], said["summary"], said["topic"]) == (headline, summary, topic)
    assert said["sources"][0]["name"] == said["contexts"][0]["name"] == name
    assert said["notes"][0]["text"] == said["changes"][0]["headline"] == before

    xml = read_xml(render(page, "xml"))
    for field, text in (("headline", headline), ("summary", summary), ("topic", topic)):
        assert xml.findtext(f"{NAMESPACE}{field}") == exchangeable(text)
    spans = [span.text or "" for span in xml.iter(f"{NAMESPACE}text")]
    assert exchangeable(before) in spans


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS.filter(lambda t: not t.startswith("### ")), TEXTS)
def test_any_entry_in_markdown(headline: str, summary: str, topic: str) -> None:
    page = entry_page(headline, summary, topic, "Gazette", "A bridge")
    again = parse(render(page, "md"))
    assert (again.headline, again.summary, again.topic) == (headline, summary, topic)


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_any_list_in_all_formats(headline: str, summary: str, topic: str, name: str) -> None:
    teaser = Teaser(
        entry=UUID(int=1),
        day=DAY,
        headline=headline,
        path=PATH,
        language="he",
        status="active",
        topic=topic,
        summary=summary,
        contexts=(name,),
    )
    day = DayPage(edition="en", day=DAY, entries=(teaser,), previous=None, next=None)
    context = ContextPage(edition="en", context=name, path=PATH, entries=(teaser,))
    for page, tag in ((day, "h2"), (context, "h3")):
        root = read_html(render(page, "html"))
        heading = one(root, f".//{tag}[@lang='he']")
        assert text_of(heading) == shown(headline)
        assert len(list(heading.iter("a"))) == 1
        assert one(heading, "a").attrib["href"] == f"{PATH}.html"
        said = read_json(render(page, "json"))["entries"][0]
        assert (said["headline"], said["summary"], said["topic"]) == (headline, summary, topic)
        xml = read_xml(render(page, "xml"))
        (found,) = xml.iter(f"{NAMESPACE}headline")
        assert found.text == exchangeable(headline)
        assert f"### [{headline}]({PATH}.md)\n{summary}\n" in render(page, "md")
    assert text_of(one(root, ".//h1")) == shown(name)


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_an_attack_that_was_published(tmp_path: Path, edition: str) -> None:
    """The whole way: stored, edited, on the page of its day, and in every format."""
    assert len(LONG) > 10_000
    with Ledger.open(f"sqlite:///{tmp_path / 'news.db'}") as ledger:
        attack = ledger.create(
            DAY, "Before", actor="mallory", edition=edition, summary=ATTACK, contexts=(ATTACK,)
        ).entry
        ledger.edit(attack, headline=LONG, topic=ATTACK, summary=LONG, actor="mallory")
        entry = ledger.pages.entry(ledger.get(attack))
        day = ledger.pages.day(DAY, edition=edition)
        contexts = ledger.pages.contexts(edition)
        front = ledger.pages.front(edition)
    root = read_html(render(entry, "html"))
    assert text_of(one(root, ".//h1")) == shown(LONG)
    assert text_of(one(root, ".//p[@class='summary']")) == shown(LONG)
    assert [script.attrib["type"] for script in root.iter("script")] == ["application/ld+json"]
    assert "long long long" in text_of(one(root, "head/title"))
    assert parse(render(entry, "md")).headline == LONG
    assert parse(render(entry, "md")).summary == LONG
    assert read_json(render(entry, "json"))["summary"] == LONG
    assert read_xml(render(entry, "xml")).findtext(f"{NAMESPACE}summary") == exchangeable(LONG)
    for page in (day, front, contexts):
        read_html(render(page, "html"))
        read_json(render(page, "json"))
        read_xml(render(page, "xml"))
