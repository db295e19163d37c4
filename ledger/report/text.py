"""A report as plain text, for terminals and pipes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from ledger.report import bars
from ledger.report.document import (
    Block,
    Chart,
    Document,
    Facts,
    Inline,
    Items,
    Line,
    Link,
    Mark,
    Paragraph,
    Section,
    Table,
    Time,
    Words,
    show_time,
)

_SPANS = {"equal": "{}", "delete": "[-{}-]", "insert": "{{+{}+}}"}


def render(document: Document) -> str:
    """Return a report as plain text; [-so-] what was deleted, {+so+} what was inserted."""
    return "".join(f"{line}\n" for line in _lines(document))


def _lines(document: Document) -> Iterator[str]:
    yield document.kind
    yield document.title.text
    yield "=" * max(_width(document.kind), _width(document.title.text))
    yield ""
    yield from _facts(Facts(document.lead))
    for section in document.sections:
        yield from _section(section, "-")


def _section(section: Section, rule: str) -> Iterator[str]:
    yield ""
    yield section.title
    yield rule * _width(section.title)
    for number, block in enumerate(section.blocks):
        if number:
            yield ""
        yield from _block(block)
    for part in section.parts:
        yield from _section(part, ".")


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(line, alarm):
            yield ("! " if alarm else "") + _line(line)
        case Facts():
            yield from _facts(block)
        case Items(items):
            yield from (f"- {_line(item)}" for item in items)
        case Table():
            yield from _table(block)
        case Chart(caption, activity):
            yield caption
            yield from bars.lines(activity)


def _facts(facts: Facts) -> Iterator[str]:
    rows = [(label, _line(said)) for label, said in facts.items]
    yield from _aligned(rows, [False, False])


def _table(table: Table) -> Iterator[str]:
    yield table.caption
    rows = [table.columns, *(tuple(map(_line, row)) for row in table.rows)]
    yield from _aligned(rows, [column in table.numbers for column in table.columns])


def _aligned(rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> Iterator[str]:
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = []
        for cell, width, is_number in zip(row, widths, numbers, strict=True):
            space = " " * (width - _width(cell))
            cells.append(space + cell if is_number else cell + space)
        yield "  ".join(cells).rstrip()


def _line(line: Line) -> str:
    return "".join(map(_inline, line))


def _inline(inline: Inline) -> str:
    match inline:
        case Words(spans):
            return "".join(_SPANS[span.operation].format(span.text) for span in spans)
        case Time(at):
            return show_time(at)
        case Mark(text):
            return f"({text})"
        case Link(text, target) if not target.startswith("#"):
            return f"{text} <{target}>"
        case _:
            return inline.text


def _width(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
