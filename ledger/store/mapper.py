"""Between domain events and stored bytes: msgspec MessagePack, salts, schemas and upcasters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.persistence import Mapper, StoredEvent

from ledger.domain.chance import random_bytes
from ledger.domain.events import (
    EVENT_TYPES,
    Erasure,
    Event,
    EventData,
    Meta,
    RecordedEvent,
)
from ledger.errors import UndecodableEvent
from ledger.store.log import LogEvent, NewLogEvent
from ledger.store.rows import NewRow, Row, to_datetime

SALT_BYTES = 16

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the data of one schema of an event as a mapping and returns that of the next."""

UPCASTERS: dict[tuple[str, int], Upcaster] = {}
"""The upcasters in force: (class name, old schema) to the one that leads to the next schema."""


def type_name(cls: type[EventData]) -> str:
    """Return the name that a type is stored under: class and schema, as in `EntryEdited@1`."""
    return f"{cls.__name__}@{cls.__schema__}"


# What decoding raises, and what an upcaster does that meets data it was not made for.
_UNREADABLE = (
    msgspec.MsgspecError,
    AttributeError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)


_SCHEMA = re.compile(r"[1-9][0-9]{0,8}")

# Sixteen bytes, as MessagePack has them: msgspec makes ids of them in a quarter of the time.
_AS_BYTES = b"\xc4\x10"
_decode_uuid = msgspec.msgpack.Decoder(UUID).decode


def _unreadable(row: Row, error: Exception) -> UndecodableEvent:
    return UndecodableEvent(
        f"position {row.position}: the payload of {row.type} cannot be read: {error}",
        row.position,
    )


class _UnknownType(Exception):
    """A stored type that this program has no class or no upcaster for."""


class EventMapper(Mapper[UUID]):
    """Encodes events for the log and decodes them again.

    Args:
        types: Class name to the class that the program works with.
        upcasters: How data of older schemas becomes data of the next.
        salt: Gives that many random bytes; each blob begins with some of its own, so that an
            erased text cannot be guessed back from its digest.
    """

    def __init__(
        self,
        types: Mapping[str, type[EventData]] = EVENT_TYPES,
        upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
        salt: Callable[[int], bytes] = random_bytes,
    ) -> None:
        # No transcoder, compressor or cipher: rows are hashed and proved as they are.
        self._types = dict(types)
        self._upcasters = dict(upcasters)
        self._salt = salt
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode_meta = msgspec.msgpack.Decoder(Meta).decode
        self._decoders = {
            type_name(cls): msgspec.msgpack.Decoder(cls).decode for cls in self._types.values()
        }

    def to_row(self, event: Event) -> NewRow:
        """Return an event as the row to append."""
        return NewRow(
            event.entry.bytes,
            event.version,
            type_name(type(event.data)),
            self._salt(SALT_BYTES) + self._encode(event.meta),
            self._salt(SALT_BYTES) + self._encode(event.data),
        )

    def to_event(
        self,
        row: Row,
        *,
        data: EventData | None = None,
        meta: Meta | None = None,
        erased: Erasure | None = None,
    ) -> RecordedEvent:
        """Return a row of the log as an event.

        Args:
            row: The row.
            data: Stands in the place of an erased content.
            meta: Stands in the place of an erased meta.
            erased: What was erased.

        Raises:
            UndecodableEvent: The type is unknown or the bytes are none of its; it names the
                position.
        """
        try:
            entry = _decode_uuid(_AS_BYTES + row.entry)
            recorded_at = to_datetime(row.recorded_at)
            if meta is None:
                meta = self._decode_meta(row.meta[SALT_BYTES:])
        except _UNREADABLE as error:
            raise _unreadable(row, error) from error
        if data is None:
            data = self.to_data(row)
        return RecordedEvent(entry, row.version, meta, data, row.position, recorded_at, erased)

    def to_data(self, row: Row) -> EventData:
        """Return what the event of a row says.

        Raises:
            UndecodableEvent: The type is unknown or the bytes are none of its.
        """
        try:
            decode = self._decoders.get(row.type)
            payload = row.content[SALT_BYTES:]
            return decode(payload) if decode else self._upcast(row.type, payload)
        except _UnknownType as error:
            raise UndecodableEvent(f"position {row.position}: {error}", row.position) from error
        except _UNREADABLE as error:
            raise _unreadable(row, error) from error

    def _upcast(self, name: str, payload: bytes) -> EventData:
        """Decode data of an older schema, then lead it up one schema at a time."""
        class_name, _, digits = name.partition("@")
        cls = self._types.get(class_name)
        if cls is None or not _SCHEMA.fullmatch(digits):
            raise _UnknownType(f"the event type {name} is unknown; is this program too old?")
        if int(digits) > cls.__schema__:
            raise _UnknownType(f"{name} is newer than this program, which knows {type_name(cls)}")
        data = msgspec.msgpack.decode(payload)
        for schema in range(int(digits), cls.__schema__):
            upcaster = self._upcasters.get((class_name, schema))
            if upcaster is None:
                raise _UnknownType(f"nothing leads {name} to schema {schema + 1}")
            data = upcaster(data)
        return msgspec.convert(data, cls)

    # From here on: the library's interface.

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Return an event as the library's stored event."""
        row = self.to_row(domain_event)
        return NewLogEvent(
            originator_id=domain_event.entry,
            originator_version=row.version,
            topic=row.type,
            state=row.content,
            meta=row.meta,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Return one of the library's stored events, read by our recorder, as an event."""
        if not isinstance(stored_event, LogEvent):
            raise UndecodableEvent("a stored event that no recorder of ledger has read")
        return self.to_event(
            Row(
                stored_event.id,
                UUID(str(stored_event.originator_id)).bytes,
                stored_event.originator_version,
                stored_event.topic,
                stored_event.recorded_at,
                stored_event.meta,
                stored_event.state,
            )
        )
