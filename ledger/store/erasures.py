"""Erased events: what stands in the place of content that was taken away.

An erased blob is empty in the log. Its digest is in the entry's `EntryErased` event that took it
away, what remains of it in the entry's last `EntryRestated`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ledger.domain.erasure import NAME, substitute
from ledger.domain.events import (
    EVENT_TYPES,
    EntryErased,
    EntryRestated,
    Erasure,
    RecordedEvent,
    Remains,
)
from ledger.errors import UndecodableEvent
from ledger.store.leaf import Digest
from ledger.store.mapper import EventMapper
from ledger.store.rows import Blank, BlobName, Row

_BLANKED = re.compile(r"@([1-9][0-9]*) (content|meta) ([0-9a-f]{64})")


def blanked(position: int, what: str, digest: str) -> str:
    """Return the line by which an `EntryErased` names a blob; see there."""
    return f"@{position} {what} {digest}"


class NamedBlob(NamedTuple):
    """A blob that an `EntryErased` names: of the event at a position its content, or its meta."""

    position: int
    name: BlobName
    digest: bytes


def named_blob(line: str) -> NamedBlob | None:
    """Return what a line of an `EntryErased` names; None where it names nothing."""
    match = _BLANKED.fullmatch(line)
    if match is None:
        return None
    name: BlobName = "meta" if match[2] == "meta" else "content"
    return NamedBlob(int(match[1]), name, bytes.fromhex(match[3]))


def blanks_of(rows: Sequence[Row], mapper: EventMapper) -> Iterator[Blank]:
    """Yield what the `EntryErased` events among these rows name."""
    for row in rows:
        if row.type.partition("@")[0] == EntryErased.__name__:
            data = mapper.to_data(row)
            if isinstance(data, EntryErased):
                for blob in filter(None, map(named_blob, data.blanked)):
                    yield Blank(blob.position, blob.name)


def is_blank(row: Row) -> bool:
    """Return whether something of a row was taken away."""
    return not row.content or not row.meta


class Erasures(NamedTuple):
    """What was erased of an entry.

    Attributes:
        digests: Position and blob (content or meta) to digest.
        by: Position to that of the event that last took something away of it.
        remains: Version to what remains of it.
    """

    digests: dict[tuple[int, str], bytes]
    by: dict[int, int]
    remains: dict[int, Remains]

    def resolved(self, row: Row) -> Row:
        """Return a row with digests where blobs were erased; one that nobody erased as it is."""
        if not is_blank(row):
            return row
        content = self.digests.get((row.position, "content"))
        meta = self.digests.get((row.position, "meta"))
        return row._replace(
            content=Digest(content) if not row.content and content else row.content,
            meta=Digest(meta) if not row.meta and meta else row.meta,
        )

    def event(self, row: Row, mapper: EventMapper) -> RecordedEvent:
        """Return a row that `resolved` gave as an event, with notices where something was.

        Raises:
            UndecodableEvent: No erasure says why something is missing, or what remains of it.
        """
        erased_content = isinstance(row.content, Digest)
        erased_meta = isinstance(row.meta, Digest)
        if not erased_content and not erased_meta:
            if is_blank(row):
                raise UndecodableEvent(
                    f"position {row.position}: its content is gone, and no erasure says why",
                    row.position,
                )
            return mapper.to_event(row)
        remains, by = self.remains.get(row.version), self.by[row.position]
        cls = EVENT_TYPES.get(row.type.partition("@")[0])
        if cls is EntryRestated:
            # Another has come in its place.
            remains = Remains(version=row.version)
        if remains is None or cls is None or (erased_meta and remains.meta is None):
            raise _nothing_remains(row, by)
        try:
            data = substitute(cls, row.position, by, remains) if erased_content else None
        except TypeError as error:
            raise _nothing_remains(row, by) from error
        gone = remains.gone if erased_content else ()
        is_nameless = erased_meta and remains.meta is not None and remains.meta.actor == NAME
        return mapper.to_event(
            row,
            data=data,
            meta=remains.meta if erased_meta else None,
            erased=Erasure(by, erased_content, is_nameless, gone, erased_meta),
        )


def _nothing_remains(row: Row, by: int) -> UndecodableEvent:
    return UndecodableEvent(
        f"position {row.position}: it was erased, as event {by} says, and nothing says what "
        "remains of it",
        row.position,
    )


def erasures_of(rows: Sequence[Row], mapper: EventMapper) -> Erasures:
    """Return what was erased of an entry, given all its rows."""
    found = Erasures({}, {}, {})
    before = ""
    for row in rows:
        name, last = row.type.partition("@")[0], before
        before = name
        if name not in _KINDS or not row.content:
            continue
        try:
            data = mapper.to_data(row)
        except UndecodableEvent:
            # Whoever reads that event itself will tell; what it named is gone without a reason.
            continue
        if isinstance(data, EntryErased):
            for blob in filter(None, map(named_blob, data.blanked)):
                found.digests[blob.position, blob.name] = blob.digest
                found.by[blob.position] = row.position
        elif isinstance(data, EntryRestated) and last == EntryErased.__name__:
            found.remains.clear()
            found.remains.update((remains.version, remains) for remains in data.versions)
    return found


_KINDS = frozenset({EntryErased.__name__, EntryRestated.__name__})
