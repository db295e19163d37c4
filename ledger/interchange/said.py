"""What imports have said of an entry: the same again is no news, whatever was edited since."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from ledger.domain.events import EntryCreated, EntryEdited, RecordedEvent
from ledger.domain.values import FIELDS


class _Anything:
    """Equals whatever it is compared with."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


ANYTHING = _Anything()


def said_of(events: Iterable[RecordedEvent]) -> dict[str, object]:
    """Return what imports have said of an entry last, field by field.

    A field that somebody edited here since is as the import had it; one that no import said
    anything of is not there.

    Args:
        events: The entry's events, oldest first.
    """
    said: dict[str, object] = {}
    for event in events:
        data = event.data
        if data.origin is None or not isinstance(data, EntryCreated | EntryEdited):
            continue
        values = {name: getattr(data, name) for name in FIELDS}
        said |= {name: value for name, value in values.items() if value is not UNSET}
        if event.erased is not None:
            # Nobody knows what it was: whatever a page says there is no news.
            said |= dict.fromkeys(event.erased.fields, ANYTHING)
    return said
