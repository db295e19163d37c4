"""How the fields of an entry are shown, and how they differ."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable
from itertools import zip_longest
from typing import TYPE_CHECKING

import click

from ledger.cli.output import is_terminal, plain, show_time

if TYPE_CHECKING:
    from ledger.domain.diffs import FieldDiff, SourceChange, Span
    from ledger.domain.events import RecordedEvent
    from ledger.results import EntryVersion


def entry_lines(shown: EntryVersion) -> Iterable[str]:
    """Yield an entry's version as text for people: character references are what they mean."""
    entry, meta = shown.entry, shown.event.meta
    yield click.style(plain(html.unescape(entry.headline.strip())), bold=True)
    yield f"{entry.date}" + (f"  {plain(html.unescape(entry.topic))}" if entry.topic else "")
    yield shown.path
    if entry.summary:
        yield ""
        yield plain(html.unescape(entry.summary))
    if entry.sources or entry.cover_image:
        yield ""
        yield "Sources:"
        for number, source in enumerate(entry.sources, 1):
            yield plain(f"  {number}. {source.name} <{source.url}>")
        if entry.cover_image:
            yield plain(f"  Cover image <{entry.cover_image}>")
    if entry.contexts:
        yield ""
        yield plain("Contexts: " + ", ".join(entry.contexts))
    for note in entry.corrections:
        yield ""
        yield click.style(f"{note.kind.capitalize()} (version {note.version}):", bold=True)
        yield plain(f"  {note.text}")
    yield ""
    if entry.status != "active":
        into = f" into {entry.merged_into}" if entry.merged_into else ""
        yield click.style(f"This entry is {entry.status}{into}.", fg="red")
    version = f"Version {entry.version} of {shown.current_version}"
    yield version + (
        ", the current one."
        if shown.is_current
        else f"; the current one is at {shown.current_path}"
    )
    if (erased := shown.event.erased) is not None:
        what = ", ".join((*erased.fields, *(["names"] if erased.names else [])))
        yield click.style(f"Erased, as event {erased.position} says: {what}.", fg="red")
    who = plain(meta.actor) + (f": {plain(meta.reason)}" if meta.reason else "")
    yield f"Published {show_time(meta.published_at)} UTC ({meta.basis}) by {who}"
    yield f"Recorded  {show_time(shown.event.recorded_at)} UTC at position {shown.event.position}"
    if entry.inferred:
        yield "Inferred by an import: " + ", ".join(entry.inferred)
    yield f"Id        {entry.id}"


def event_line(event: RecordedEvent) -> str:
    """Return who did what, when and why, in a line."""
    meta = event.meta
    parts = [
        click.style(f"version {event.version}", bold=True),
        type(event.data).__name__,
        f"{show_time(meta.published_at)} ({meta.basis})",
        f"by {plain(meta.actor)}",
    ]
    if meta.minor:
        parts.append("minor")
    if event.erased is not None:
        parts.append(f"erased, as event {event.erased.position} says")
    if meta.reason:
        parts.append(plain(meta.reason))
    return "  ".join(parts)


def diff_lines(diffs: Iterable[FieldDiff]) -> Iterable[str]:
    """Yield field diffs: deletions in red, insertions in green; [-so-] and {+so+} where plain."""
    for diff in diffs:
        if diff.words:
            yield f"{diff.field}: " + "".join(map(_span, diff.words))
        elif diff.sources:
            yield f"{diff.field}:"
            yield from (f"  {_source(change)}" for change in diff.sources)
        elif diff.added or diff.removed:
            marks = [_deleted(text) for text in diff.removed] + [_new(text) for text in diff.added]
            yield f"{diff.field}: " + " ".join(marks)
        else:
            marks = [mark(text) for mark, text in ((_deleted, diff.old), (_new, diff.new)) if text]
            yield f"{diff.field}: " + " ".join(marks)


def page_lines(old: str, new: str) -> Iterable[str]:
    """Yield a page with what has become of the page before it, as in `diff_lines`."""
    from ledger.domain.diffs import diff_words, opcodes

    a, b = old.splitlines(), new.splitlines()
    for tag, a1, a2, b1, b2 in opcodes(a, b):
        if tag == "equal":
            yield from map(plain, b[b1:b2])
            continue
        for before, after in zip_longest(a[a1:a2], b[b1:b2]):
            if before is None:
                yield _new(after) if after else ""
            elif after is None:
                yield _deleted(before) if before else ""
            else:
                yield "".join(map(_span, diff_words(before, after)))


def marked(old: str, new: str) -> str:
    """Return two texts as one: [-so-] what was deleted, {+so+} what was inserted."""
    from ledger.domain.diffs import diff_words

    marks = {"equal": "{}", "delete": "[-{}-]", "insert": "{{+{}+}}"}
    return "".join(marks[span.operation].format(span.text) for span in diff_words(old, new))


def _span(span: Span) -> str:
    if span.operation == "equal":
        return plain(span.text)
    return _deleted(span.text) if span.operation == "delete" else _new(span.text)


def _deleted(text: str) -> str:
    text = plain(text)
    return click.style(text, fg="red", strikethrough=True) if _colored() else f"[-{text}-]"


def _new(text: str) -> str:
    text = plain(text)
    return click.style(text, fg="green") if _colored() else f"{{+{text}+}}"


def _colored() -> bool:
    return is_terminal() and "NO_COLOR" not in os.environ


def _source(change: SourceChange) -> str:
    source = change.source
    match change.change:
        case "added":
            return _new(f"{change.position}. {source.name} <{source.url}>")
        case "removed":
            return _deleted(f"{change.position}. {source.name} <{source.url}>")
        case "moved":
            return f"{plain(source.name)} moved to {change.position}"
        case "address":
            old = change.old.url if change.old else ""
            return f"{plain(source.name)} {_deleted(old)} {_new(source.url)}"
        case _:
            old = change.old.image or "" if change.old else ""
            return f"{plain(source.name)} image {_deleted(old)} {_new(source.image or '')}"
