"""What a version changed, as HTML: word by word, the texts as they stand in the entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.domain.diffs import FieldDiff, SourceChange, Span
from ledger.pages.html_parts import anchor, words
from ledger.pages.words import WORDS

# A slug follows its headline, a layout is not seen, what became of an entry is told beside its
# versions, and on top of its page; and its notes stand there whole.
_UNSEEN = frozenset({"slug", "layout", "status", "merged_into", "corrections"})

_TAGS = {"equal": "{}", "delete": "<del>{}</del>", "insert": "<ins>{}</ins>"}


def changes_html(diffs: Sequence[FieldDiff], edition: str) -> str:
    """Return what differs, field by field, as a description list; empty where nothing is seen.

    Args:
        diffs: As a `Revision` has them.
        edition: Whose words to use.
    """
    seen = [diff for diff in diffs if diff.field not in _UNSEEN]
    if not seen:
        return ""
    return "\n".join(['<dl class="diff">', *(_field(diff, edition) for diff in seen), "</dl>"])


def _field(diff: FieldDiff, edition: str) -> str:
    name = WORDS[edition].fields[diff.field]
    said = "".join(f'<dd dir="auto">{line}</dd>' for line in _lines(diff, edition))
    return f"<div><dt>{words(name)}</dt>{said}</div>"


def _lines(diff: FieldDiff, edition: str) -> Iterator[str]:
    if diff.words:
        yield "".join(map(_span, diff.words))
    elif diff.sources:
        yield from (_source(change, edition) for change in diff.sources)
    elif diff.added or diff.removed:
        yield from (f"<del>{words(text)}</del>" for text in diff.removed)
        yield from (f"<ins>{words(text)}</ins>" for text in diff.added)
    else:
        old, new = (WORDS[edition].nothing if v is None else v for v in (diff.old, diff.new))
        yield f"<del>{words(old)}</del> <ins>{words(new)}</ins>"


def _span(span: Span) -> str:
    return _TAGS[span.operation].format(words(span.text))


def _source(change: SourceChange, edition: str) -> str:
    said = words(WORDS[edition].sources[change.change].format(change.position))
    name = anchor(change.source.url, words(change.source.name))
    match change.change, change.old:
        case "added", _:
            name = f"<ins>{name}</ins>"
        case "removed", _:
            name = f"<del>{name}</del>"
        case "address", old if old is not None:
            name += f" <del>{words(old.url)}</del> <ins>{words(change.source.url)}</ins>"
        case "image", old if old is not None:
            nothing = WORDS[edition].nothing
            images = [words(source.image or nothing) for source in (old, change.source)]
            name += f" <del>{images[0]}</del> <ins>{images[1]}</ins>"
    return f'{name} <span class="said">{said}</span>'
