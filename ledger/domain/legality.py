"""Whether an event could have come of a command: what an audit asks of every stored event."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import UNSET

from ledger.domain import rules
from ledger.domain.entry import NewsEntry
from ledger.domain.events import (
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    EntryErased,
    EntryMerged,
    EntryReinstated,
    EntryRestated,
    EntryRetracted,
    RecordedEvent,
    edited,
)
from ledger.domain.values import FIELDS
from ledger.errors import InvalidInput

CLOCKS_APART = timedelta(days=1)
"""How far the clock of who decides and that of the store may be apart."""


def why_illegal(
    state: NewsEntry | None, event: RecordedEvent, *, is_partial: bool = False
) -> str | None:
    """Return which rule of `decide` an event breaks; None: it is legal.

    Args:
        state: The entry before it.
        event: An event that `evolve` takes.
        is_partial: Whether something of the state was erased, so that nobody can say any more
            what an edit changed.
    """
    try:
        rules.check_text("actor", event.meta.actor)
        if event.meta.reason is not None:
            rules.check_text("reason", event.meta.reason)
        if event.erased is None or not event.erased.text:
            _check_values(event)
    except InvalidInput as error:
        return str(error)
    if event.meta.published_at > event.recorded_at + CLOCKS_APART:
        return "it was published after it was recorded"
    return None if state is None else _why_not_now(state, event, is_partial)


def _check_values(event: RecordedEvent) -> None:
    data = event.data
    # A day is in the future only for whoever recorded it.
    now = max(event.recorded_at, event.meta.published_at)
    if isinstance(data, EntryCreated | EntryEdited):
        _check_fields(data, now)
    elif isinstance(data, CorrectionPublished):
        rules.check_text("text of the correction", data.text)
    elif isinstance(data, EntryErased):
        rules.check_text("authority", data.authority)
    elif isinstance(data, EntryRestated):
        for remains in data.versions:
            _check_fields(remains.stays, now)


def _check_fields(data: EntryCreated | EntryEdited, now: datetime) -> None:
    values = (
        edited(data)
        if isinstance(data, EntryEdited)
        else {name: getattr(data, name) for name in FIELDS}
    )
    for name, value in values.items():
        rules.check_field(name, value, now)
    if data.inferred is not UNSET:
        rules.check_inferred(data.inferred)


def _why_not_now(state: NewsEntry, event: RecordedEvent, is_partial: bool) -> str | None:
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
        case EntryEdited() if event.erased is None or not event.erased.text:
            return _why_no_edit(state, data, is_partial)
    return None


def _why_no_edit(state: NewsEntry, data: EntryEdited, is_partial: bool) -> str | None:
    if data.reverts_to is not None and not 1 <= data.reverts_to <= state.version:
        return f"there is no version {data.reverts_to} before it to restore"
    changes = any(value != getattr(state, name) for name, value in edited(data).items())
    if not is_partial and not changes and data.inferred in (UNSET, state.inferred):
        return "it changes nothing"
    return None
