"""A report as CommonMark. It has no tables, so a row is an item of a list."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ledger.report import bars
from ledger.report.document import (
    Block,
    Chart,
    Code,
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

_MARKUP = re.compile(r"([\\`*_\[\]<>&#!|~])")
_BEGINNING = re.compile(r"^(\d*)([-+=.)])")
_TICKS = re.compile("`+")
_TAGS = {"equal": "{}", "delete": "<del>{}</del>", "insert": "<ins>{}</ins>"}


def render(document: Document) -> str:
    """Return a report as CommonMark; what was deleted and inserted is HTML within it."""
    return "".join(f"{line}\n" for line in _lines(document))


def _lines(document: Document) -> Iterator[str]:
    yield f"# {_escaped(document.title.text)}"
    yield ""
    yield _escaped(document.kind)
    yield ""
    yield from _block(Facts(document.lead), "-")
    for section in document.sections:
        yield from _section(section, "##")


def _section(section: Section, level: str) -> Iterator[str]:
    yield ""
    yield f"{level} {_escaped(section.title)}"
    for number, block in enumerate(section.blocks):
        yield ""
        # Another sign begins another list, where one follows the other.
        yield from _block(block, "-*"[number % 2])
    for part in section.parts:
        yield from _section(part, f"{level}#")


def _block(block: Block, item: str) -> Iterator[str]:
    match block:
        case Paragraph(line, alarm):
            yield f"**{_line(line)}**" if alarm else _line(line)
        case Facts(facts):
            yield from (f"{item} **{_escaped(label)}:** {_line(said)}" for label, said in facts)
        case Items(items):
            yield from (f"{item} {_line(said)}" for said in items)
        case Table():
            yield _escaped(block.caption)
            yield ""
            for row in block.rows:
                cells = zip(block.columns, map(_line, row), strict=True)
                yield f"{item} " + " · ".join(f"*{name}* {cell}" for name, cell in cells if cell)
        case Chart(caption, activity):
            yield _escaped(caption)
            yield ""
            yield "```text"
            yield from bars.lines(activity)
            yield "```"


def _line(line: Line) -> str:
    return "".join(map(_inline, line))


def _inline(inline: Inline) -> str:
    match inline:
        case Words(spans):
            return "".join(_TAGS[span.operation].format(_escaped(span.text)) for span in spans)
        case Time(at):
            return show_time(at)
        case Mark(text):
            return f"*({_escaped(text)})*"
        case Code(text):
            # Longer than any run of ticks within; the spaces keep it apart from one at an end.
            ticks = "`" * (1 + max(map(len, _TICKS.findall(text)), default=0))
            return f"{ticks} {text} {ticks}" if len(ticks) > 1 else f"{ticks}{text}{ticks}"
        case Link(text, target) if not target.startswith("#"):
            url = target.replace("\\", "%5C").replace("<", "%3C").replace(">", "%3E")
            return f"[{_escaped(text)}](<{url}>)"
        case _:
            return _escaped(inline.text)


def _escaped(text: str) -> str:
    return _BEGINNING.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", text))
