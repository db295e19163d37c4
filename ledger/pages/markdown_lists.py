"""Pages that list entries, in Markdown: of a day, the front page, of a context, of all contexts.

Days and the front page are in the format of the published archive. It has no pages of contexts,
and no entries that were taken back: those are marked behind the headline, as in `_(Retracted)_`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

from ledger.domain.editions import EDITIONS
from ledger.domain.permalinks import day_path, with_prefix
from ledger.pages.addresses import CONTEXTS
from ledger.pages.labels import LABELS
from ledger.pages.model import (
    ContextPage,
    ContextsPage,
    DayPage,
    FrontPage,
    Teaser,
    day_text,
)
from ledger.pages.words import WORDS

ListPage = DayPage | FrontPage | ContextPage | ContextsPage


def render(page: ListPage) -> str:
    """Return the page in Markdown."""
    return "".join(line + "\n" for line in _lines(page))


def _lines(page: ListPage) -> Iterator[str]:
    words = WORDS[page.edition]
    match page:
        case DayPage():
            yield from _day(day_text(page.day, page.edition), page)
            yield from _previous(page.previous, page.edition)
        case FrontPage():
            names = (words.news, words.yesterday, words.day_before)
            for name, day in zip(names, page.days, strict=False):
                yield from _day(name, day)
            yield from _previous(page.previous, page.edition)
        case ContextPage():
            yield f"## [{page.context}]({_link(page.path, page.edition)})"
            yield ""
            for day, entries in groupby(page.entries, lambda entry: entry.day):
                yield f"#### [{day_text(day, page.edition)}]({_day_link(day, page.edition)})"
                yield from _entries(tuple(entries), page.edition)
        case ContextsPage():
            yield f"## [{words.contexts}]({_link(CONTEXTS, page.edition)})"
            yield ""
            for line in page.contexts:
                yield f"- [{line.context}]({_link(line.path, page.edition)}) _({line.entries})_"


def _day(name: str, page: DayPage) -> Iterator[str]:
    yield f"## [{name}]({_day_link(page.day, page.edition)})"
    yield ""
    yield from _entries(page.entries, page.edition)


def _entries(entries: Sequence[Teaser], edition: str) -> Iterator[str]:
    labels, words = LABELS[edition], WORDS[edition]
    for entry in entries:
        if entry.topic is not None:
            yield f"##### {entry.topic}"
        mark = words.marks[entry.status]
        said = f" _({mark})_" if mark else ""
        yield f"### [{entry.headline}]({_link(entry.path, edition)}){said}"
        if entry.summary is not None:
            yield entry.summary
        elif entry.contexts:
            yield f"_{labels.context}: {', '.join(sorted(entry.contexts))}_"


def _previous(day: date | None, edition: str) -> Iterator[str]:
    if day is not None:
        yield f"## [{WORDS[edition].previous_day}]({_day_link(day, edition)})"
        yield ""


def _link(path: str, edition: str) -> str:
    return f"{with_prefix(path, EDITIONS[edition].prefix)}.md"


def _day_link(day: date, edition: str) -> str:
    return _link(day_path(day), edition)
