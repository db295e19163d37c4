"""Whether an event could have come of a command: what an audit asks of every stored event."""

from __future__ import annotations

from msgspec import UNSET

from ledger.domain import rules
from ledger.domain.entry import NewsEntry
from ledger.domain.events import (
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    EntryMerged,
    EntryReinstated,
    EntryRetracted,
    RecordedEvent,
)
from ledger.domain.values import FIELDS
from ledger.errors import InvalidInput


def why_illegal(state: NewsEntry | None, event: RecordedEvent) -> str | None:
    """Return which rule of `decide` an event breaks; None: it is legal.

    Args:
        state: The entry before it.
        event: An event that `evolve` takes.
    """
    try:
        rules.check_text("actor", event.meta.actor)
        if event.erased is None:
            _check_values(event)
    except InvalidInput as error:
        return str(error)
    return None if state is None else _why_not_now(state, event)


def _check_values(event: RecordedEvent) -> None:
    data = event.data
    if isinstance(data, EntryCreated | EntryEdited):
        # A day is in the future only for whoever recorded it.
        now = max(event.recorded_at, event.meta.published_at)
        for name in FIELDS:
            value = getattr(data, name)
            if value is not UNSET:
                rules.check_field(name, value, now)
        if data.inferred is not UNSET:
            rules.check_inferred(data.inferred)
    elif isinstance(data, CorrectionPublished):
        rules.check_text("text of the correction", data.text)


def _why_not_now(state: NewsEntry, event: RecordedEvent) -> str | None:
    data = event.data
    match data:
        case EntryEdited() | EntryRetracted() | EntryMerged() if state.status != "active":
            return f"the entry was {state.status}"
        case CorrectionPublished() if state.status == "merged":
            return "the entry was merged"
        case EntryReinstated() if state.status == "active":
            return "the entry was neither retracted nor merged"
        case EntryMerged() if data.into == state.id:
            return "the entry is merged into itself"
        case EntryEdited() if event.erased is None:
            return _why_no_edit(state, data)
    return None


def _why_no_edit(state: NewsEntry, data: EntryEdited) -> str | None:
    if data.reverts_to is not None and not 1 <= data.reverts_to <= state.version:
        return f"there is no version {data.reverts_to} before it to restore"
    changed = (name for name in FIELDS if getattr(data, name) not in (UNSET, getattr(state, name)))
    if next(changed, None) is None and data.inferred in (UNSET, state.inferred):
        return "it changes nothing"
    return None
