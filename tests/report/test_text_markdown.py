"""The report as plain text and as CommonMark: whole, aligned, and never markup by accident."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ledger import Ledger
from ledger.domain.diffs import Span
from ledger.report import markdown, text
from ledger.report.compose import compose
from ledger.report.document import (
    Code,
    Document,
    Items,
    Link,
    Paragraph,
    Section,
    Text,
    Words,
    line,
)
from tests.report.newsroom import fill


def section_of(rendered: str, title: str) -> list[str]:
    """Return the lines of a section of plain text, without its heading."""
    _, _, rest = rendered.partition(f"\n{title}\n")
    _rule, *lines = rest.split("\n")
    end = next((n for n, one in enumerate(lines) if one and set(one) <= set("-.")), len(lines))
    return lines[: end - 2]


def test_the_archive_as_text(ledger: Ledger) -> None:
    entries = fill(ledger)
    rendered = text.render(compose(ledger.reports.archive()))
    assert rendered.startswith(
        "Audit report on the archive\nharbour.example/news\n===========================\n\n"
        "Ledger       harbour.example/news\n"
        "Reported on  events 1 to 13\n"
        "Log          13 events\n"
    )
    storm, vote = (str(entry)[:13] for entry in (entries.storm, entries.vote))
    title = "Numbers and names changed in silence"
    caption, columns, first, second = section_of(rendered, title)
    assert caption == "Numbers and names changed in silence: 2, newest first"
    assert columns == (
        "entry          version  published            actor  number or name          headline"
    )
    assert first == (
        f"{storm}  2        2021-03-08 08:00:00  王     numbers: [-三-] {{+四+}}  "
        "渡轮停航[-三-]{+四+}天"
    )
    assert second == (
        f"{vote}  6        2021-03-07 08:00:00  ben    names: {{+Ines Okafor+}}  "
        "Port Ellery votes by 8 to 5{+; Ines Okafor goes+}."
    )
    assert section_of(rendered, "Who edited what")[:3] == [
        "Actors: 5, most edits first",
        "actor  created  edits  minor  entries  fields edited",
        "ben          0      4      1        1  headline 2, slug 2, topic 1, summary 1, sources 1",
    ]
    assert section_of(rendered, "Erasures") == ["None."]
    assert "\n! No checkpoint was given, so this report is only as trustworthy as" in rendered
    shaded = "\u2591" * 40
    assert f"2021-03-02  {shaded}   2 created, 0 edits\n" in rendered


def test_a_cut_list_says_so(ledger: Ledger) -> None:
    fill(ledger)
    rendered = text.render(compose(ledger.reports.archive(top=2)))
    assert section_of(rendered, "Silent headline changes")[0] == (
        "Silent headline changes: 2 of 3, newest first"
    )


def test_an_entry_as_text(ledger: Ledger) -> None:
    rendered = text.render(compose(ledger.reports.entry(fill(ledger).vote)))
    version = section_of(rendered, "Version 6: edited")
    assert [one for one in version if not one.startswith("Recorded")] == [
        "Published  2021-03-07 08:00:00 (stated)",
        "Actor      ben",
        "Reason     none given",
        "Permalink  /news/2021/03/1/port-ellery-votes-by-8-to-5-ines-okafor-goes",
        "Remarks    number or name changed in silence; sources changed",
        "Changed    names: {+Ines Okafor+}",
        "",
        "headline  Port Ellery votes by 8 to 5{+; Ines Okafor goes+}.",
        (
            "slug      [-port-ellery-votes-by-8-to-5-] "
            "{+port-ellery-votes-by-8-to-5-ines-okafor-goes+}"
        ),
        (
            "sources   address of Courier <https://courier.example/2>: "
            "[-https://courier.example/1-] {+https://courier.example/2+}; "
            "added: Coast & Radio <https://radio.example/?a=1&b=2>"
        ),
    ]


def test_nothing_drives_a_terminal(ledger: Ledger) -> None:
    entry = ledger.create(date(2021, 3, 1), "Tide &#x8d; &#10; falls", actor="ana").entry
    rendered = text.render(compose(ledger.reports.entry(entry)))
    assert "Tide \ufffd \ufffd falls" in rendered
    assert not any(c < " " or "\x7f" <= c < "\xa0" for c in rendered.replace("\n", ""))


# CommonMark


def parsed(rendered: str) -> list[Any]:
    return MarkdownIt("commonmark").parse(rendered)


def words_of(tokens: list[Any]) -> str:
    """Return the text that a reader sees of parsed CommonMark."""
    found = ""
    for token in tokens:
        if token.type == "inline":
            found += words_of(token.children or []) + "\n"
        elif token.type in {"text", "code_inline", "fence", "text_special"}:
            found += token.content
    return found


nasty = st.text("*_`[]()<>#!|~\\&+-=.1 a\u5929:/", min_size=1).map(str.strip).filter(bool)


@settings(deadline=None, max_examples=100)
@given(nasty, nasty)
def test_any_text_comes_back_from_commonmark(title: str, said: str) -> None:
    blocks = (
        Paragraph(line(said)),
        Items(((Text(said),),)),
        Paragraph((Text("x"), Code(said), Link(said, "https://a.example/?a=1&b=2"))),
        Paragraph((Text("x"), Words((Span("delete", said), Span("insert", said))))),
    )
    tokens = parsed(
        markdown.render(Document("k", Text(title), (), (Section("s", title, blocks),)))
    )
    assert words_of(tokens).split("\n")[:-1] == [
        title,
        "k",
        title,
        said,
        said,
        f"x{said}{said}",
        f"x{said}{said}",
    ]
    inline = [child for token in tokens for child in token.children or []]
    html = [child.content for child in inline if child.type == "html_inline"]
    assert html == ["<del>", "</del>", "<ins>", "</ins>"]
    links = [child.attrs["href"] for child in inline if child.type == "link_open"]
    assert links == ["https://a.example/?a=1&b=2"]
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1", "h2"]


@pytest.mark.parametrize("of_entry", [True, False])
def test_a_report_as_commonmark(ledger: Ledger, of_entry: bool) -> None:
    entries = fill(ledger)
    reports = ledger.reports
    report = reports.entry(entries.vote) if of_entry else reports.archive()
    document = compose(report)
    tokens = parsed(markdown.render(document))
    headings = [tokens[n + 1].content for n, t in enumerate(tokens) if t.type == "heading_open"]
    assert len(headings) == 1 + len(document.sections) + sum(
        len(s.parts) for s in document.sections
    )
    assert not [token for token in tokens if token.type in {"html_block", "code_block"}]
    seen = words_of(tokens)
    assert "Ines Okafor" in seen
    assert ("numbers: 三 四" in seen) != of_entry
