"""Differences between two versions: by field, and by word within a text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Literal, cast

import msgspec

from ledger.domain.entry import NewsEntry
from ledger.domain.values import FIELDS, Correction, Layout, Source

Operation = Literal["equal", "delete", "insert"]

# A word, a run of white space, or a single sign. Scripts that do not part their words (Chinese,
# Japanese) are taken character by character.
_TOKEN = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|&#?\w+;"
    r"|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+|\s+|."
)

Sources = tuple[Source, ...]

MOST_COMPARISONS = 1_000_000

TEXT_FIELDS = ("headline", "topic", "summary")


class Span(msgspec.Struct, frozen=True):
    """A run of text that both versions have, or only the old one, or only the new one."""

    operation: Operation
    text: str


class SourceChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one source.

    Attributes:
        change: added, removed, moved (its place among those kept), address (the same name with
            another URL) or image (another picture beside it).
        source: The source as the new version has it; where removed, as the old one had it.
        old: The source as the old version had it, where it is in both.
        position: Its 1-based place in the list that holds `source`.
    """

    change: Literal["added", "removed", "moved", "address", "image"]
    source: Source
    position: int
    old: Source | None = None


class FieldDiff(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one field differs.

    Attributes:
        field: Its name, one of `values.FIELDS`, or status, merged_into or corrections.
        old: The old value, as text; None where there was none.
        new: The new value, as text; None where there is none.
        words: For texts, the word diff.
        sources: For sources, what became of each.
        added: For contexts and corrections, those that are new.
        removed: For contexts and corrections, those that are gone.
    """

    field: str
    old: str | None
    new: str | None
    words: tuple[Span, ...] = ()
    sources: tuple[SourceChange, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def tokens(text: str) -> list[str]:
    """Part a text into words, spaces and signs; joined again they give the text."""
    return _TOKEN.findall(text)


def opcodes(a: Sequence[str], b: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    """Return how tokens `a` become tokens `b`, as `difflib` says it: tag, a1, a2, b1, b2."""
    # What both begin and end with is the same; only what lies between has to be searched.
    least = min(len(a), len(b))
    head = next((n for n in range(least) if a[n] != b[n]), least)
    tail = next((n for n in range(least - head) if a[-1 - n] != b[-1 - n]), least - head)
    x, y = a[head : len(a) - tail], b[head : len(b) - tail]
    found: list[tuple[str, int, int, int, int]] = []
    if head:
        found.append(("equal", 0, head, 0, head))
    if len(x) * len(y) <= MOST_COMPARISONS:
        found += [
            (tag, a1 + head, a2 + head, b1 + head, b2 + head)
            for tag, a1, a2, b1, b2 in SequenceMatcher(None, x, y, autojunk=False).get_opcodes()
        ]
    else:
        # The search takes the square of what it searches: so much is replaced as a whole.
        found.append(("replace", head, len(a) - tail, head, len(b) - tail))
    if tail:
        found.append(("equal", len(a) - tail, len(a), len(b) - tail, len(b)))
    return found


def diff_words(old: str, new: str) -> tuple[Span, ...]:
    """Return the spans that lead from `old` to `new`, deletions before insertions."""
    a, b = tokens(old), tokens(new)
    spans: list[Span] = []
    for tag, a1, a2, b1, b2 in opcodes(a, b):
        if tag == "equal":
            spans.append(Span("equal", "".join(a[a1:a2])))
            continue
        if a2 > a1:
            spans.append(Span("delete", "".join(a[a1:a2])))
        if b2 > b1:
            spans.append(Span("insert", "".join(b[b1:b2])))
    return tuple(spans)


def diff_sources(old: Sequence[Source], new: Sequence[Source]) -> tuple[SourceChange, ...]:
    """Return what became of each source: the new list's in its order, then those removed.

    A source is the same where name and address are; failing that, where the name is.
    """
    partner = _pair_sources(old, new)
    changes: list[SourceChange] = []
    kept_in_order = _longest_rising([partner[i] for i in range(len(new)) if i in partner])
    for index, source in enumerate(new):
        was = partner.get(index)
        place = index + 1
        if was is None:
            changes.append(SourceChange("added", source, place))
            continue
        if source.url != old[was].url:
            changes.append(SourceChange("address", source, place, old[was]))
        elif source.image != old[was].image:
            changes.append(SourceChange("image", source, place, old[was]))
        if was not in kept_in_order:
            changes.append(SourceChange("moved", source, place, old[was]))
    gone = set(range(len(old))) - set(partner.values())
    changes += [SourceChange("removed", old[index], index + 1) for index in sorted(gone)]
    return tuple(changes)


def _pair_sources(old: Sequence[Source], new: Sequence[Source]) -> dict[int, int]:
    """Return new index to old index, each used once."""
    pairs: dict[int, int] = {}
    free = list(range(len(old)))
    for same in (
        lambda a, b: a == b,
        lambda a, b: (a.name, a.url) == (b.name, b.url),
        lambda a, b: a.name == b.name,
    ):
        for index, source in enumerate(new):
            if index in pairs:
                continue
            for was in free:
                if same(old[was], source):
                    pairs[index] = was
                    free.remove(was)
                    break
    return pairs


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """Return one longest rising subsequence: what kept its order. The rest has moved."""
    chains: list[tuple[int, ...]] = [()]
    for number in numbers:
        before = [chain for chain in chains if not chain or chain[-1] < number]
        chains.append((*_longest(before), number))
    return set(_longest(chains))


def _longest(chains: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return max(chains, key=tuple.__len__)


def brief(diff: FieldDiff) -> str:
    """Return a field's difference in a few words, as plain text."""
    if not diff.words:
        old, new = ("nothing" if t is None else _cut(t) or "''" for t in (diff.old, diff.new))
        return f"{diff.field}: {old} -> {new}"
    marks = {"equal": "{}", "delete": "[-{}-]", "insert": "{{+{}+}}"}
    words = "".join(marks[span.operation].format(_cut(span.text)) for span in diff.words)
    return f"{diff.field}: {_cut(words, 300)}"


def _cut(text: str, most: int = 60) -> str:
    half = most // 2
    return text if len(text) <= most else f"{text[:half]}...{text[-half:]}"


def diff_entries(old: NewsEntry | None, new: NewsEntry) -> tuple[FieldDiff, ...]:
    """Return the fields that differ between two versions of an entry, in their usual order.

    Args:
        old: The earlier one; None compares with nothing, so every field set is new.
        new: The later one.
    """
    found = []
    for field in (*FIELDS, "status", "merged_into", "corrections"):
        before = getattr(old, field) if old is not None else None
        after = getattr(new, field)
        if before == after or (old is None and (not after or field == "status")):
            continue
        found.append(_diff_field(field, before, after))
    return tuple(found)


def _diff_field(field: str, before: object, after: object) -> FieldDiff:
    old, new = _as_text(before), _as_text(after)
    if field in TEXT_FIELDS:
        return FieldDiff(field, old, new, words=diff_words(old or "", new or ""))
    if field == "sources":
        changes = diff_sources(cast("Sources", before or ()), cast("Sources", after))
        return FieldDiff(field, old, new, sources=changes)
    if field in {"contexts", "corrections"}:
        a, b = _texts(before), _texts(after)
        return FieldDiff(
            field,
            old,
            new,
            added=tuple((Counter(b) - Counter(a)).elements()),
            removed=tuple((Counter(a) - Counter(b)).elements()),
        )
    return FieldDiff(field, old, new)


def _as_text(value: object) -> str | None:
    if value is None or value == ():
        return None
    if isinstance(value, tuple):
        return "; ".join(_texts(value))
    return _one_text(value)


def _texts(value: object) -> list[str]:
    return [_one_text(item) for item in value] if isinstance(value, Iterable) else []


def _one_text(value: object) -> str:
    match value:
        case Source(name=name, url=url, image=image):
            return f"{name}={url}" + (f" ({image})" if image else "")
        case Correction(kind=kind, text=text):
            return f"{kind}: {text}"
        case Layout(style=style, prefix=prefix, day_prefix=day_prefix):
            return " ".join(part for part in (style, prefix, day_prefix) if part)
        case _:
            return str(value)
