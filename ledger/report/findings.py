"""What somebody should look at in the history of one entry, told from its events alone.

Text that was erased is compared with nothing: nobody knows what it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappush, heappushpop
from typing import Any, Generic, NamedTuple

from msgspec import UNSET

from ledger.domain.diffs import Span, diff_sources, diff_words
from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import (
    CorrectionPublished,
    EntryEdited,
    EntryErased,
    EntryRestated,
    RecordedEvent,
)
from ledger.domain.values import FIELDS
from ledger.report.facts import changed_facts
from ledger.report.model import (
    ErasureNotice,
    Finding,
    Findings,
    Flip,
    Item,
    Listing,
    SilentEdit,
    SourceEdit,
)

# A slug follows its headline, and a layout is not seen: what flips back is what readers see.
_FLIPPING = tuple(field for field in FIELDS if field not in {"slug", "layout"})


class Step(NamedTuple):
    """An event, and the entry before and after it.

    Attributes:
        erased_before: Names of the fields whose value before was erased.
        erased_after: Names of those that the event set and whose value was erased.
    """

    event: RecordedEvent
    before: NewsEntry | None
    after: NewsEntry
    erased_before: frozenset[str]
    erased_after: frozenset[str]

    @property
    def erased(self) -> frozenset[str]:
        """The fields that cannot be compared."""
        return self.erased_before | self.erased_after

    @property
    def edited(self) -> tuple[str, ...]:
        """The fields that the event changed, where it is an edit."""
        data = self.event.data
        is_edit = isinstance(data, EntryEdited)
        return tuple(f for f in FIELDS if getattr(data, f) is not UNSET) if is_edit else ()


def steps(history: Sequence[RecordedEvent]) -> Iterator[Step]:
    """Fold the events of an entry, from its first on."""
    state: NewsEntry | None = None
    gone: frozenset[str] = frozenset()
    for event in history:
        before, state = state, evolve(state, event)
        lost = frozenset(event.erased.fields if event.erased else ())
        step = Step(event, before, state, gone, lost)
        yield step
        gone = (gone - set(step.edited)) | lost


def find(history: Sequence[RecordedEvent]) -> Iterator[Finding | ErasureNotice]:
    """Yield what somebody should look at, oldest first.

    Args:
        history: The events of one entry, from its first on.
    """
    corrected = max(
        (e.version for e in history if isinstance(e.data, CorrectionPublished)), default=0
    )
    previous: dict[str, object] = {}
    for step in steps(history):
        event = step.event
        if isinstance(event.data, EntryErased):
            yield _notice(event, event.data, history)
        for field in step.edited:
            before, after = getattr(step.before, field), getattr(step.after, field)
            if field in _FLIPPING:
                is_back = field in previous and previous[field] == after
                if is_back and field not in step.erased_after:
                    yield Flip(**_common(step, field), field=field)
                # What was erased is like nothing else.
                previous[field] = object() if field in step.erased_before else before
            if field == "headline" and before != after and event.version > corrected:
                yield _silent(step, before, after)
            elif field == "sources" and field not in step.erased:
                changes = tuple(
                    change
                    for change in diff_sources(before, after)
                    if change.change in {"added", "removed", "address"}
                )
                if changes:
                    yield SourceEdit(**_common(step, field), changes=changes)


def _silent(step: Step, old: str, new: str) -> SilentEdit:
    contexts = (*(step.before.contexts if step.before else ()), *step.after.contexts)
    is_erased = "headline" in step.erased
    return SilentEdit(
        **_common(step, "headline"),
        words=replaced_whole(old, new) if is_erased else diff_words(old, new),
        facts=None if is_erased else changed_facts(old, new, contexts),
    )


def replaced_whole(old: str, new: str) -> tuple[Span, ...]:
    """Return the diff of two texts of which one is a notice, so that no word is compared."""
    return tuple(Span(*span) for span in (("delete", old), ("insert", new)) if span[1])


def _common(step: Step, field: str) -> dict[str, Any]:
    event, after, before = step.event, step.after, step.before
    return {
        "entry": event.entry,
        "version": event.version,
        "position": event.position,
        "actor": event.meta.actor,
        "published_at": event.meta.published_at,
        "basis": event.meta.basis,
        "minor": event.meta.minor,
        "headline": after.headline,
        "language": after.language,
        "imported": event.data.origin is not None,
        "assumed": field in after.inferred or (before is not None and field in before.inferred),
    }


def _notice(
    event: RecordedEvent, data: EntryErased, history: Sequence[RecordedEvent]
) -> ErasureNotice:
    return ErasureNotice(
        entry=event.entry,
        version=event.version,
        position=event.position,
        recorded_at=event.recorded_at,
        actor=event.meta.actor,
        authority=data.authority,
        reason=event.meta.reason,
        versions=tuple(
            other.version
            for other in history
            if other.erased is not None
            and other.erased.position == event.position
            and not isinstance(other.data, EntryRestated)
        ),
    )


class Best(Generic[Item]):
    """Keeps of all that it is given the items with the highest keys, and counts the rest.

    Args:
        most: How many to keep; None: all.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._total = 0
        self._heap: list[tuple[tuple[Any, ...], Item]] = []

    def add(self, item: Item, *key: object) -> None:
        """Take an item; no two have the same key."""
        self._total += 1
        if self._most is None or len(self._heap) < self._most:
            heappush(self._heap, (key, item))
        else:
            heappushpop(self._heap, (key, item))

    def listing(self) -> Listing[Item]:
        """Return what was kept, the highest key first."""
        ordered = sorted(self._heap, key=lambda pair: pair[0], reverse=True)
        return Listing(self._total, tuple(item for _, item in ordered))


class Collected:
    """Findings of many entries, each kind a list of its own, newest first.

    Args:
        most: How many of each kind to keep; None: all.
    """

    def __init__(self, most: int | None) -> None:
        self._facts: Best[SilentEdit] = Best(most)
        self._silent: Best[SilentEdit] = Best(most)
        self._flips: Best[Flip] = Best(most)
        self._sources: Best[SourceEdit] = Best(most)
        self._erasures: Best[ErasureNotice] = Best(most)

    def add(self, found: Finding | ErasureNotice) -> None:
        """Take a finding."""
        match found:
            case SilentEdit():
                self._silent.add(found, found.position)
                if found.facts is not None:
                    self._facts.add(found, found.position)
            case Flip():
                self._flips.add(found, found.position, found.field)
            case SourceEdit():
                self._sources.add(found, found.position)
            case ErasureNotice():
                self._erasures.add(found, found.position)

    def findings(self) -> Findings:
        """Return what was kept."""
        return Findings(
            facts=self._facts.listing(),
            silent_edits=self._silent.listing(),
            flips=self._flips.listing(),
            sources=self._sources.listing(),
            erasures=self._erasures.listing(),
        )
