"""A report as one HTML file, to be read and printed anywhere: no script, no network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape

from ledger.report.bars import name_of
from ledger.report.chart import svg
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
    line,
    show_time,
)
from ledger.report.style import STYLE

_LANGUAGE = "en"
_POLICY = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
_TAGS = {"equal": "{}", "delete": "<del>{}</del>", "insert": "<ins>{}</ins>"}


def render(document: Document) -> str:
    """Return a report as an HTML document."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    title = escape(f"{document.kind}: {document.title.text}")
    hash_ = b64encode(sha256(STYLE.encode()).digest()).decode()
    yield "<!DOCTYPE html>"
    yield f'<html lang="{_LANGUAGE}">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(hash_)}">'
    yield '<meta name="referrer" content="no-referrer">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f"<title>{title}</title>"
    yield f"<style>{STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield "<header>"
    yield f'<p class="kind">{escape(document.kind)}</p>'
    yield f"<h1{_lang(document.title.language)}>{escape(document.title.text)}</h1>"
    yield from _facts(Facts(document.lead), "lead")
    yield "</header>"
    yield '<nav aria-label="Contents">'
    yield "<ol>"
    for section in document.sections:
        yield f'<li><a href="#{section.id}">{escape(section.title)}</a></li>'
    yield "</ol>"
    yield "</nav>"
    yield "<main>"
    for section in document.sections:
        yield from _section(section, 2)
    yield "</main>"
    yield "</body>"
    yield "</html>"


def _section(section: Section, level: int) -> Iterator[str]:
    yield f'<section id="{section.id}" aria-labelledby="{section.id}-title">'
    yield f'<h{level} id="{section.id}-title">{escape(section.title)}</h{level}>'
    for block in section.blocks:
        yield from _block(block)
    for part in section.parts:
        yield from _section(part, level + 1)
    yield "</section>"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(said, alarm):
            kind = ' class="alarm"' if alarm else ""
            yield f"<p{kind}>{_line(said)}</p>"
        case Facts():
            yield from _facts(block, "counts" if block.counts else "facts")
        case Items(items):
            yield "<ul>"
            yield from (f"<li>{_line(item)}</li>" for item in items)
            yield "</ul>"
        case Table():
            yield from _table(block)
        case Chart():
            yield from _chart(block)


def _facts(facts: Facts, kind: str) -> Iterator[str]:
    yield f'<dl class="{kind}">'
    for name, said in facts.items:
        yield f"<div><dt>{escape(name)}</dt><dd>{_line(said)}</dd></div>"
    yield "</dl>"


def _table(table: Table) -> Iterator[str]:
    kinds = [' class="number"' if name in table.numbers else "" for name in table.columns]
    yield f'<div class="{"wide" if len(table.columns) > 3 else "narrow"}">'
    yield "<table>"
    yield f"<caption>{escape(table.caption)}</caption>"
    yield "<thead><tr>"
    for kind, name in zip(kinds, table.columns, strict=True):
        yield f'<th scope="col"{kind}>{escape(name)}</th>'
    yield "</tr></thead>"
    yield "<tbody>"
    for row in table.rows:
        cells = zip(kinds, map(_line, row), strict=True)
        yield f"<tr>{''.join(f'<td{kind}>{cell}</td>' for kind, cell in cells)}</tr>"
    yield "</tbody>"
    yield "</table>"
    yield "</div>"


def _chart(chart: Chart) -> Iterator[str]:
    activity = chart.activity
    yield "<figure>"
    yield f"<figcaption>{escape(chart.caption)}"
    yield '<span class="key created">created</span> <span class="key edits">edits</span>'
    yield "</figcaption>"
    yield svg(activity, chart.caption)
    yield "<details>"
    yield "<summary>The numbers</summary>"
    rows = tuple(
        (line(name_of(bar.start, activity.period)), line(bar.created), line(bar.edits))
        for bar in activity.bars
    )
    numbers = frozenset({"created", "edits"})
    yield from _table(Table(chart.caption, (activity.period, "created", "edits"), rows, numbers))
    yield "</details>"
    yield "</figure>"


def _line(said: Line) -> str:
    return "".join(map(_inline, said))


def _inline(inline: Inline) -> str:
    match inline:
        case Words(spans, language):
            text = "".join(_TAGS[span.operation].format(escape(span.text)) for span in spans)
            return f'<span class="words"{_lang(language)}>{text}</span>'
        case Time(at):
            return f'<time datetime="{at.isoformat()}">{show_time(at)}</time>'
        case Mark(text):
            return f'<span class="mark">{escape(text)}</span>'
        case Code(text):
            return f"<code>{escape(text)}</code>"
        case Link(text, target, language):
            if not target.lower().startswith(("#", "http://", "https://")):
                return escape(f"{text} <{target}>")
            return f'<a href="{escape(target)}"{_lang(language)}>{escape(text)}</a>'
        case _:
            text = escape(inline.text)
            return f"<span{_lang(inline.language)}>{text}</span>" if inline.language else text


def _lang(language: str | None) -> str:
    is_other = language is not None and language != _LANGUAGE
    return f' lang="{escape(language or "")}"' if is_other else ""
