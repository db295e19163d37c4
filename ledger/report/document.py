"""A report as a document: sections of paragraphs, lists, tables and a chart, in no markup yet.

Texts are told here as a reader is to see them; each renderer escapes what its format needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from html import unescape
from typing import TypeAlias

import msgspec

from ledger.domain.diffs import Span
from ledger.report.model import Activity

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Text(msgspec.Struct, frozen=True):
    """Words; `language` is a BCP 47 tag where they are not the report's own."""

    text: str
    language: str | None = None


class Code(msgspec.Struct, frozen=True):
    """What is written for machines: an id, a path, a hash."""

    text: str


class Mark(msgspec.Struct, frozen=True):
    """A word that something is marked with: minor, inferred."""

    text: str


class Time(msgspec.Struct, frozen=True):
    """A moment, aware, UTC."""

    at: datetime


class Words(msgspec.Struct, frozen=True):
    """A text with what was deleted and inserted in it."""

    spans: tuple[Span, ...]
    language: str | None = None


class Link(msgspec.Struct, frozen=True):
    """Words that lead to an http address, or to `#id` in the report."""

    text: str
    target: str
    language: str | None = None


Inline: TypeAlias = Text | Code | Mark | Time | Words | Link
Line = tuple[Inline, ...]


class Paragraph(msgspec.Struct, frozen=True):
    """A line of text; `alarm` where it must not be overlooked."""

    line: Line
    alarm: bool = False


class Facts(msgspec.Struct, frozen=True):
    """Names of things, and what they are; `counts` where they are only numbers."""

    items: tuple[tuple[str, Line], ...]
    counts: bool = False


class Items(msgspec.Struct, frozen=True):
    """A list without order."""

    items: tuple[Line, ...]


class Table(msgspec.Struct, frozen=True):
    """A table: as many cells in a row as there are columns; `numbers` says which are numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]
    numbers: frozenset[str] = frozenset()


class Chart(msgspec.Struct, frozen=True):
    """Activity over time, as bars."""

    caption: str
    activity: Activity


Block: TypeAlias = Paragraph | Facts | Items | Table | Chart


class Section(msgspec.Struct, frozen=True):
    """A part of the document.

    Attributes:
        id: Letters, digits and dashes; unique in the document.
        title: Its heading.
        blocks: What it says.
        parts: Sections within it.
    """

    id: str
    title: str
    blocks: tuple[Block, ...]
    parts: tuple[Section, ...] = ()


class Document(msgspec.Struct, frozen=True):
    """A whole report.

    Attributes:
        kind: What it is a report on, in a few words.
        title: Its heading.
        lead: What stands under the heading.
        sections: In order.
    """

    kind: str
    title: Text
    lead: tuple[tuple[str, Line], ...]
    sections: tuple[Section, ...]


def readable(text: str) -> str:
    """Return a published text as a reader sees it: character references are what they mean."""
    return plain(unescape(text)).strip()


def plain(text: str) -> str:
    """Return a text that drives no terminal and breaks no line."""
    return _CONTROLS.sub("\ufffd", text)


def published(text: str, language: str | None = None) -> Text:
    """Return a published text to be shown."""
    return Text(readable(text), language)


def words(spans: Iterable[Span], language: str | None = None) -> Words:
    """Return a published word diff to be shown."""
    shown = (Span(span.operation, plain(unescape(span.text))) for span in spans)
    return Words(tuple(shown), language)


def line(*parts: str | int | Inline) -> Line:
    """Return a line; a text or a number is said as it is."""
    return tuple(
        Text(plain(part))
        if isinstance(part, str)
        else Text(f"{part:,}")
        if isinstance(part, int)
        else part
        for part in parts
    )


def show_time(at: datetime) -> str:
    """Return a UTC time to the second, as people read it."""
    return at.replace(microsecond=0, tzinfo=None).isoformat(" ")
