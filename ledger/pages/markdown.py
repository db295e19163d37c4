"""Markdown pages, in the exact format that the site publishes: rendered and parsed.

Both directions stand side by side, because what one writes the other must read. Text is taken and
given as published: spaces at either end of a headline and character references stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from ledger.domain import editions
from ledger.domain.permalinks import day_path, parse_permalink, with_prefix
from ledger.domain.values import Layout, Source, StyleName
from ledger.errors import PageError
from ledger.pages.labels import LABELS, STYLES, Labels
from ledger.pages.model import FORMATS, ChangeLine, Page, RelatedLine

TIME = "%Y-%m-%d %H:%M:%S"

# Rendering


def render(page: Page) -> str:
    """Return the page in Markdown."""
    return "".join(line + "\n" for line in _lines(page))


def _lines(page: Page) -> Iterator[str]:
    labels, style = LABELS[page.edition], STYLES[page.layout.style]
    if style.formats and page.path is not None:
        path = page.path
        links = (f"[{name.upper()}]({page.link(path, name)})  " for name in FORMATS)
        yield ""
        yield f"{labels.formats}: {''.join(links)}"
        yield ""
    yield f"### [{page.day_text()}]({with_prefix(day_path(page.day), page.day_prefix)}.md)"
    yield ""
    if style.topic and page.topic is not None:
        yield f"##### {page.topic}"
    yield f"# {page.headline}"
    yield ""
    yield page.summary or ""
    yield ""
    if page.sources or page.cover_image:
        heading = labels.sources if style.plural else labels.source
        yield from _section(heading, _source_lines(page, labels))
    if style.changes and page.changes:
        yield from _section(labels.changes, _change_lines(page, labels))
    if page.related:
        yield from _section(labels.related, _related_lines(page, labels))


def _section(heading: str, items: Iterator[str]) -> Iterator[str]:
    yield ""
    yield f"### {heading}:"
    yield ""
    yield from items


def _source_lines(page: Page, labels: Labels) -> Iterator[str]:
    for number, source in enumerate(page.sources, 1):
        image = "" if source.image is None else f" [IMG]({source.image})"
        yield f"{number}. [{source.name}]({source.url}){image}"
    if page.cover_image is not None:
        yield f"{max(1, len(page.sources))}. [{labels.cover_image}]({page.cover_image})"


def _change_lines(page: Page, labels: Labels) -> Iterator[str]:
    last = len(page.changes) - 1
    for index, change in enumerate(page.changes):
        # The last line repeats the number of the one before it.
        number = min(index + 1, max(1, last))
        label = f"({getattr(labels, change.label)})"
        if change.published_at is not None:
            label = f"{change.published_at:{TIME}} {label}"
        link = page.link(change.path, edition=change.edition)
        yield f"{number}. [{change.headline}]({link}) _{label}_"


def _related_lines(page: Page, labels: Labels) -> Iterator[str]:
    for number, line in enumerate(page.related, 1):
        names = ", ".join(line.contexts)
        yield f"{number}. [{line.headline}]({page.link(line.path)}) _{labels.context}: {names}_"


# Parsing

_DATE = re.compile(r"### \[(\d{4})-(\d{2})-(\d{1,2})\]\((\S*)/\d{4}/\d{2}/\d{1,2}/index\.\w+\)")
_FORMATS = re.compile(r"\w+: (?:\[\w+\]\((\S+)\) *)+")
_SECTION = re.compile(r"### (.+):")
_SOURCE = re.compile(r"(\d+)\. \[(.*)\]\((\S+)\)")
_PICTURE = re.compile(r"(.*\)) \[IMG\]\((\S*)\)")
_CHANGE = re.compile(r"\d+\. \[(.*)\]\((\S+)\) _(?:(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) )?\((.+)\)_")
_RELATED = re.compile(r"\d+\. \[(.*)\]\((\S+)\) _([^:_]+): (.*)_")
_DAY_INDEX = re.compile(r"\s*## \[")


def is_index(text: str) -> bool:
    """Return whether this is a day's index or a front page: derived, not an entry."""
    return _DAY_INDEX.match(text) is not None


def parse(text: str, edition: str | None = None) -> Page:
    """Read a page.

    Args:
        text: The whole page; LF ends a line.
        edition: The edition to assume where the page itself does not tell; None: by its script.

    Raises:
        PageError: It is no page; the error says in which line and what was expected.
    """
    return _Parser(text, edition).page()


class _Parser:
    """Reads line by line, and knows the number of the line it is at."""

    def __init__(self, text: str, edition: str | None) -> None:
        self._lines = text.removesuffix("\n").split("\n")
        self._at = 0
        self._text = text
        self._edition_given = edition

    def page(self) -> Page:
        self._skip_empty()
        own_link = self._formats()
        day, day_prefix = self._date()
        self._expect_empty("after the date")
        topic = self._line()[6:] if self._line().startswith("##### ") else None
        if topic is not None:
            self._at += 1
        headline = self._headline()
        summary = self._summary()
        sections = dict(self._sections())
        return self._assemble(day, day_prefix, own_link, topic, headline, summary, sections)

    def _assemble(
        self,
        day: date,
        day_prefix: str,
        own_link: str | None,
        topic: str | None,
        headline: str,
        summary: str | None,
        sections: dict[str, tuple[int, list[str]]],
    ) -> Page:
        code, labels = self._edition(list(sections), headline)
        sources: tuple[Source, ...] = ()
        cover: str | None = None
        changes: tuple[ChangeLine, ...] = ()
        related: tuple[RelatedLine, ...] = ()
        plural = True
        for heading, (line, items) in sections.items():
            self._at = line
            if heading in {labels.source, labels.sources}:
                plural = heading == labels.sources
                sources, cover = self._sources(items, labels)
            elif heading == labels.changes:
                changes = self._changes(items, labels)
            elif heading == labels.related:
                related = self._related(items, labels)
            else:
                self._at = self._lines.index(f"### {heading}:")
                raise self._error(f"a section called {heading!r} is unknown")
        links = [own_link, *self._links(sections, labels)]
        prefix = next((p.prefix for link in links if link and (p := parse_permalink(link))), None)
        own = parse_permalink(own_link) if own_link else None
        style: StyleName = "archive"
        if own_link is not None:
            style = "current"
        elif not plural or (not (sources or cover) and topic is None):
            style = "older"
        default = editions.EDITIONS[code].prefix
        layout = Layout(
            style=style,
            prefix=None if prefix in {None, default} else prefix,
            day_prefix=None if day_prefix == (prefix or default) else day_prefix,
        )
        return Page(
            edition=code,
            layout=layout,
            day=day,
            slug=own.slug if own else self._slug_of_current(changes),
            headline=headline,
            topic=topic,
            summary=summary,
            sources=sources,
            cover_image=cover,
            changes=changes,
            related=related,
        )

    # Lines

    def _line(self) -> str:
        return self._lines[self._at] if self._at < len(self._lines) else ""

    def _skip_empty(self) -> None:
        while self._at < len(self._lines) and not self._line():
            self._at += 1

    def _expect_empty(self, where: str) -> None:
        if self._line():
            raise self._error(f"an empty line was expected {where}")
        self._skip_empty()

    def _error(self, message: str) -> PageError:
        return PageError(message, min(self._at + 1, len(self._lines)))

    # Parts of a page

    def _formats(self) -> str | None:
        match = _FORMATS.fullmatch(self._line())
        if match is None:
            return None
        self._at += 1
        self._expect_empty("after the formats")
        return match[1]

    def _date(self) -> tuple[date, str]:
        match = _DATE.fullmatch(self._line())
        if match is None:
            raise self._error("a page begins with its date, as in ### [2014-02-13](/news/...)")
        try:
            day = date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            raise self._error(f"{match[1]}-{match[2]}-{match[3]} is no date") from None
        self._at += 1
        return day, match[4]

    def _headline(self) -> str:
        line = self._line()
        if not line.startswith("# ") or not line[2:].strip():
            raise self._error("the headline was expected, as in # Headline")
        self._at += 1
        return line[2:]

    def _summary(self) -> str | None:
        if self._line():
            raise self._error("an empty line was expected after the headline")
        self._at += 1
        summary = self._line()
        if summary.startswith("### "):
            return None
        self._at += 1
        if summary and self._line():
            raise self._error("an empty line was expected after the summary, which is one line")
        return summary or None

    def _sections(self) -> Iterator[tuple[str, tuple[int, list[str]]]]:
        """Yield each heading with the index of its first item and its items."""
        self._skip_empty()
        seen: set[str] = set()
        while self._at < len(self._lines):
            match = _SECTION.fullmatch(self._line())
            if match is None:
                raise self._error("a section was expected, as in ### Sources:")
            if match[1] in seen:
                raise self._error(f"a second section {match[1]!r}")
            seen.add(match[1])
            self._at += 1
            self._expect_empty("after the heading")
            first = self._at
            items: list[str] = []
            while self._line() and not _SECTION.fullmatch(self._line()):
                items.append(self._line())
                self._at += 1
            self._skip_empty()
            yield match[1], (first, items)

    def _edition(self, headings: Sequence[str], headline: str) -> tuple[str, Labels]:
        for code, labels in LABELS.items():
            known = {labels.source, labels.sources, labels.changes, labels.related}
            if any(heading in known for heading in headings):
                return code, labels
        code = self._edition_given or editions.edition_of_text(headline).code
        return code, LABELS[code]

    def _sources(self, items: list[str], labels: Labels) -> tuple[tuple[Source, ...], str | None]:
        sources: list[Source] = []
        for item in items:
            pictured = _PICTURE.fullmatch(item)
            match = _SOURCE.fullmatch(pictured[1] if pictured else item)
            if match is None:
                raise self._error("a source was expected, as in 1. [Name](https://...)")
            number, name, url = match.groups()
            self._at += 1
            if name == labels.cover_image and int(number) == max(1, len(sources)):
                if item is not items[-1]:
                    raise self._error("nothing was expected after the cover image")
                return tuple(sources), url
            sources.append(Source(name, url, pictured[2] if pictured else None))
        return tuple(sources), None

    def _changes(self, items: list[str], labels: Labels) -> tuple[ChangeLine, ...]:
        names = {
            labels.first_version: "first_version",
            labels.update: "update",
            labels.current_version: "current_version",
        }
        found: list[ChangeLine] = []
        for index, item in enumerate(items):
            match = _CHANGE.fullmatch(item)
            link = parse_permalink(match[2]) if match else None
            if match is None or link is None or match[4] not in names:
                raise self._error("a change was expected, as in 1. [Headline](/news/...) _(...)_")
            label = names[match[4]]
            expected = "first_version" if index == 0 else "update"
            if index == len(items) - 1:
                expected = "current_version"
            if label != expected or (match[3] is None) != (label == "current_version"):
                raise self._error(
                    "changes go from the first version over updates to the current version, "
                    "which alone has no time"
                )
            found.append(
                ChangeLine(match[1], link.path, self._time(match[3]), label)  # type: ignore[arg-type]
            )
            self._at += 1
        return tuple(found)

    def _time(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        try:
            return datetime.strptime(text, TIME).replace(tzinfo=UTC)
        except ValueError:
            raise self._error(f"{text} is no time") from None

    def _related(self, items: list[str], labels: Labels) -> tuple[RelatedLine, ...]:
        found: list[RelatedLine] = []
        for item in items:
            match = _RELATED.fullmatch(item)
            link = parse_permalink(match[2]) if match else None
            if (
                match is None
                or link is None
                or match[3] not in {labels.context, *labels.context_aliases}
            ):
                raise self._error("a related entry was expected, as in 1. [Headline](/news/...)")
            found.append(RelatedLine(match[1], link.path, tuple(match[4].split(", "))))
            self._at += 1
        return tuple(found)

    # What the links tell

    def _links(self, sections: dict[str, tuple[int, list[str]]], labels: Labels) -> Iterator[str]:
        for heading, line in ((labels.changes, _CHANGE), (labels.related, _RELATED)):
            _, items = sections.get(heading, (0, []))
            for item in items:
                if match := line.fullmatch(item):
                    yield match[2]

    def _slug_of_current(self, changes: Sequence[ChangeLine]) -> str | None:
        if not changes:
            return None
        link = parse_permalink(changes[-1].path)
        return link.slug if link else None
