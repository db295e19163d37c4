"""Pages that list entries, as HTML: what stands in their main part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ledger.pages.html_parts import (
    anchor,
    day,
    language_attribute,
    mark,
    phrase,
    text_attributes,
    words,
)
from ledger.pages.inline import to_html
from ledger.pages.labels import LABELS
from ledger.pages.links import Links
from ledger.pages.model import ContextPage, ContextsPage, DayPage, FrontPage, Teaser
from ledger.pages.words import WORDS

ListPage = DayPage | FrontPage | ContextPage | ContextsPage


def main_part(page: ListPage, links: Links) -> Iterator[str]:
    """Yield the list, line by line."""
    said = WORDS[page.edition]
    match page:
        case DayPage():
            yield f"<h1>{day(page.day, page.edition)}</h1>"
            yield from _entries(page.entries, page.edition, links, 2)
            yield from _days(page, links)
        case FrontPage():
            if not page.days:
                yield f"<p>{words(said.no_entries)}</p>"
            names = (said.news, said.yesterday, said.day_before)
            for name, one in zip(names, page.days, strict=False):
                yield "<section>"
                date = anchor(links.day(one.day), day(one.day, page.edition))
                yield f'<h2 class="day">{words(name)} <span class="said">{date}</span></h2>'
                yield from _entries(one.entries, page.edition, links, 3)
                yield "</section>"
            if page.previous is not None:
                link = anchor(links.day(page.previous), words(said.previous_day))
                yield f'<p class="days">{link}</p>'
        case ContextPage():
            yield f'<h1 dir="auto">{to_html(page.context, links=False)}</h1>'
            for of, entries in groupby(page.entries, lambda entry: entry.day):
                yield "<section>"
                yield f'<h2 class="day">{anchor(links.day(of), day(of, page.edition))}</h2>'
                yield from _entries(tuple(entries), page.edition, links, 3)
                yield "</section>"
        case ContextsPage():
            yield f"<h1>{words(said.contexts)}</h1>"
            yield '<ul class="contexts index">'
            for line in page.contexts:
                link = anchor(links.to(line.path), to_html(line.context, links=False))
                yield f'<li dir="auto">{link} <span class="said">{line.entries}</span></li>'
            yield "</ul>"


def _entries(entries: Sequence[Teaser], edition: str, links: Links, level: int) -> Iterator[str]:
    if not entries:
        yield f"<p>{words(WORDS[edition].no_entries)}</p>"
    for entry in entries:
        text = text_attributes(entry.language, edition)
        yield '<article class="teaser">'
        if entry.topic:
            yield f'<p class="topic"{text}>{to_html(entry.topic, links=False)}</p>'
        link = anchor(links.to(entry.path), to_html(entry.headline, links=False))
        yield f"<h{level}{text}>{link}{mark(entry, edition)}</h{level}>"
        if entry.summary is not None:
            yield f"<p{text}>{to_html(entry.summary)}</p>"
        elif entry.contexts:
            language = language_attribute(entry.language, edition)
            names = ", ".join(phrase(name, language) for name in sorted(entry.contexts))
            yield f'<p class="said">{words(LABELS[edition].context)}: {names}</p>'
        yield "</article>"


def _days(page: DayPage, links: Links) -> Iterator[str]:
    said = WORDS[page.edition]
    around = [
        anchor(links.day(of), words(name), f' rel="{relation}"')
        for of, name, relation in (
            (page.previous, said.previous_day, "prev"),
            (page.next, said.next_day, "next"),
        )
        if of is not None
    ]
    if around:
        yield f'<nav class="days" aria-label="{words(said.days)}">{" ".join(around)}</nav>'
