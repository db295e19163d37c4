"""The whole log as JSON Lines: one event a line, to be read by eye or by `jq`, without loss.

The format, version 1. The file is UTF-8; each line is one JSON object, ends in a line feed, and
has at most 64 MiB. Hexadecimal digits are lower case, base64 is the standard one with padding.

The first line is the header:

    format       "ledger-jsonl"
    version      1
    ledger       the ledger's identity: `id` (32 hexadecimal digits), `origin` (the name that its
                 checkpoints are signed under), `created_at` (integer microseconds since
                 1970-01-01T00:00:00Z)
    after        the position that the events here follow; 0: the file begins with the log's first
    root         the root of the Merkle tree (RFC 6962) of the log's first `after` events, 64
                 hexadecimal digits
    upto         the position at which the log ended when the export began; it may end further on

Then comes a line for each event, in the log's order, without gaps:

    position     after + 1, after + 2, ...
    recorded_at  when the log took it: RFC 3339, UTC, to the microsecond, as in
                 2021-03-04T08:00:00.000001Z; never before that of the line before
    entry        the entry's id, a UUID
    version      the entry's version that the event makes; within an entry they go on by one
    type         name and schema, as in EntryEdited@1
    meta         who, why and when: see below
    content      what the event says: see below
    leaf         the hash of the event's leaf in the Merkle tree, 64 hexadecimal digits

The last line is the trailer: without it, the file was cut short.

    events       how many lines of events there are
    end          the position of the last one; `after` where there is none
    root         the root of the Merkle tree of the log's first `end` events

In the log, `meta` and `content` are bytes: a random salt of 16 bytes, then a MessagePack map. Each
of the two is written in one of three forms (shown for `content`):

    content, content_salt   the map as a JSON object, and the salt in hexadecimal digits. To have
                            the bytes again: the keys in the order of the file, each value in the
                            shortest form that MessagePack has for it, numbers with a fraction as
                            float 64; the text of a `published_at`, at any depth, as a timestamp
                            (extension type -1), that of a `digest` as bytes, from base64.
    content_bytes           the bytes in base64, wherever the rule above would not give them again
    content_erased          they were erased: the SHA-256 of what they were, in hexadecimal
                            digits; a later event, EntryErased, names it as well

The leaf hash is SHA-256 of a zero byte and of the eight lines of `store.leaf.leaf_record`.

A reader ignores keys that it does not know, but `published_at` and `digest` are what is said above
wherever they are. What changes the meaning of those it knows gets a new
version, and a reader refuses a version that is not its own.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from binascii import a2b_base64
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import IO, Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from ledger.errors import InvalidInput, UndecodableEvent
from ledger.store.identity import Identity
from ledger.store.leaf import Digest, leaf_hash
from ledger.store.rows import Row, to_datetime, to_microseconds

Made = TypeVar("Made")

FORMAT = "ledger-jsonl"
VERSION = 1
MOST = 1 << 26
"""How many bytes a line has at most."""

_SALT = 16
_REST = 1 << 10
_LAST = 2**63 - 1
_TIMES, _BYTES = "published_at", "digest"
_TYPE = re.compile(r"[!-~]{1,200}")
_HEX = re.compile(r"[0-9a-f]*")

_encode = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode

_UNFIT = (msgspec.MsgspecError, OverflowError, RecursionError, TypeError, ValueError)
"""What is raised where MessagePack cannot be said in JSON, or JSON in MessagePack."""


class Header(NamedTuple):
    """The first line; see above."""

    ledger: Identity
    after: int
    root: bytes
    upto: int


class Trailer(NamedTuple):
    """The last line; see above."""

    events: int
    end: int
    root: bytes


class Line(NamedTuple):
    """The line of an event: its number in the file, from 1; the event; how long the line is.

    What was erased of the event is a `Digest` in the row.
    """

    number: int
    row: Row
    size: int


# Writing


def header_line(header: Header) -> bytes:
    """Return the first line."""
    return _line(
        {
            "format": FORMAT,
            "version": VERSION,
            "ledger": header.ledger._asdict(),
            "after": header.after,
            "root": header.root.hex(),
            "upto": header.upto,
        }
    )


def event_line(row: Row, leaf: bytes) -> bytes:
    """Return the line of an event.

    Args:
        row: The event, with a `Digest` where something was erased.
        leaf: The hash of its leaf.

    Raises:
        UndecodableEvent: JSON cannot say its type or its time, or it is too large for a line.
    """
    if not _TYPE.fullmatch(row.type):
        raise UndecodableEvent(
            f"position {row.position}: {row.type!r} names no type of events", row.position
        )
    try:
        recorded_at = to_datetime(row.recorded_at)
    except OverflowError:
        raise UndecodableEvent(
            f"position {row.position}: it was recorded at no time of the calendar", row.position
        ) from None
    line = _line(
        {
            "position": row.position,
            "recorded_at": recorded_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "entry": UUID(bytes=row.entry),
            "version": row.version,
            "type": row.type,
            **_told("meta", row.meta),
            **_told("content", row.content),
            "leaf": leaf.hex(),
        }
    )
    if len(line) > MOST:
        raise UndecodableEvent(
            f"position {row.position}: the event is too large for a line", row.position
        )
    return line


def trailer_line(trailer: Trailer) -> bytes:
    """Return the last line."""
    return _line(trailer._asdict() | {"root": trailer.root.hex()})


def _line(found: Mapping[str, object]) -> bytes:
    return _encode(found) + b"\n"


def _told(name: str, blob: bytes) -> dict[str, object]:
    if isinstance(blob, Digest):
        return {f"{name}_erased": blob.hex()}
    packed = blob[_SALT:]
    try:
        text = _encode(_unpack(packed))
        if text.startswith(b"{") and _pack(_parse(text.decode())) == packed:
            return {name: msgspec.Raw(text), f"{name}_salt": blob[:_SALT].hex()}
    except _UNFIT:
        pass
    return {f"{name}_bytes": b64encode(blob).decode()}


# Reading


class Reader:
    """Reads the lines of a file, which are not trusted, in memory that does not grow.

    Attributes:
        header: The first line.
        trailer: The last line; there once `lines` has come to its end.
        number: The number of the line that was read last.

    Raises:
        InvalidInput: The first line is no header; so with every other line, where it is read.
    """

    trailer: Trailer

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.number = 0
        found, _ = self._next("it is empty, and no log in JSON Lines")
        if found.get("format") != FORMAT:
            raise self._wrong(f'it is no header: it does not say "format": "{FORMAT}"')
        if type(found.get("version")) is not int or found["version"] != VERSION:
            raise self._wrong(
                f"the format has version {found.get('version')!r}, this program reads {VERSION}"
            )
        self.header = self._checked(_header, found)

    def lines(self) -> Iterator[Line]:
        """Yield the events; in the end the trailer has been read, and nothing follows it."""
        position, recorded_at = self.header.after, -_LAST
        while True:
            found, size = self._next("the file was cut short: it has no trailer")
            if "position" not in found:
                break
            row = self._checked(_row, found)
            position += 1
            if row.position != position:
                raise self._wrong(f"event {row.position} stands where event {position} belongs")
            if row.recorded_at < recorded_at:
                raise self._wrong(f"event {position} was recorded before the one that it follows")
            if found.get("leaf") != leaf_hash(row).hex():
                raise self._wrong(f"event {position} is not the one that its leaf hash stands for")
            recorded_at = row.recorded_at
            yield Line(self.number, row, size)
        self.trailer = self._checked(_trailer, found)
        if (self.trailer.events, self.trailer.end) != (position - self.header.after, position):
            raise self._wrong(
                f"it counts {self.trailer.events} events up to {self.trailer.end}, but the last "
                f"of {position - self.header.after} was {position}"
            )
        if self._file.read(_REST).strip():
            self.number += 1
            raise self._wrong("there is more behind the trailer")

    def _next(self, if_none: str) -> tuple[dict[str, Any], int]:
        line = self._file.readline(MOST + 1)
        self.number += 1
        if not line:
            raise self._wrong(if_none)
        if len(line) > MOST:
            raise self._wrong(f"it has more than {MOST:,} bytes")
        try:
            found = _parse(line.decode("utf-8-sig" if self.number == 1 else "utf-8"))
        except UnicodeDecodeError:
            if self.number > 1 and not line.endswith(b"\n"):
                raise self._wrong("the file was cut short in it") from None
            hint = "; decompress what is compressed" if self.number == 1 else ""
            raise self._wrong(f"it is not UTF-8{hint}") from None
        except json.JSONDecodeError as error:
            if not line.endswith(b"\n"):
                raise self._wrong("the file was cut short in it") from None
            raise self._wrong(f"no JSON: {error.msg}, at character {error.pos + 1}") from None
        except (RecursionError, ValueError) as error:
            raise self._wrong(str(error)) from None
        if not isinstance(found, dict):
            raise self._wrong("it is no JSON object")
        return found, len(line)

    def _checked(self, make: Callable[[dict[str, Any]], Made], found: dict[str, Any]) -> Made:
        try:
            return make(found)
        except _UNFIT as error:
            raise self._wrong(str(error)) from None

    def _wrong(self, what: str) -> InvalidInput:
        return InvalidInput(f"line {self.number:,}: {what}")


def _parse(text: str) -> Any:
    """Return what a JSON text says.

    Raises:
        ValueError: It is none, or an object has a key twice, or a value that its key cannot have.
    """
    return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        key = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {key!r} is twice")
    if isinstance(time := found.get(_TIMES), str):
        found[_TIMES] = datetime.fromisoformat(time)
    if isinstance(text := found.get(_BYTES), str):
        found[_BYTES] = a2b_base64(text, strict_mode=True)
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _header(found: dict[str, Any]) -> Header:
    ledger = found.get("ledger")
    if not isinstance(ledger, dict):
        raise ValueError("it does not say of which `ledger` it is")  # noqa: TRY004
    created_at = _number(ledger, "created_at")
    to_datetime(created_at)
    identity = Identity(_hex(ledger, "id", 16).hex(), _text(ledger, "origin"), created_at)
    return Header(
        identity, _number(found, "after"), _hex(found, "root", 32), _number(found, "upto")
    )


def _trailer(found: dict[str, Any]) -> Trailer:
    return Trailer(_number(found, "events"), _number(found, "end"), _hex(found, "root", 32))


def _row(found: dict[str, Any]) -> Row:
    type_ = _text(found, "type")
    if not _TYPE.fullmatch(type_):
        raise ValueError(f"{type_!r} names no type of events")
    recorded_at = datetime.fromisoformat(_text(found, "recorded_at"))
    if recorded_at.tzinfo is None:
        raise ValueError("`recorded_at` has no time zone")
    return Row(
        _number(found, "position"),
        UUID(_text(found, "entry")).bytes,
        _number(found, "version"),
        type_,
        to_microseconds(recorded_at),
        _blob(found, "meta"),
        _blob(found, "content"),
    )


def _blob(found: dict[str, Any], name: str) -> bytes:
    forms = [form for form in (name, f"{name}_bytes", f"{name}_erased") if form in found]
    if len(forms) != 1:
        raise ValueError(f"`{name}` has to be there in one form, and is in {len(forms)}")
    if forms == [name]:
        return _hex(found, f"{name}_salt", _SALT) + _pack(found[name])
    if forms == [f"{name}_bytes"]:
        return a2b_base64(_text(found, f"{name}_bytes"), strict_mode=True)
    return Digest(_hex(found, f"{name}_erased", 32))


def _number(found: dict[str, Any], key: str) -> int:
    number = found.get(key)
    if type(number) is not int or not 0 <= number <= _LAST:
        raise ValueError(f"`{key}` is no whole number from 0 to 2^63 - 1")
    return number


def _text(found: dict[str, Any], key: str) -> str:
    text = found.get(key)
    if not isinstance(text, str):
        raise ValueError(f"`{key}` is no text")  # noqa: TRY004
    return text


def _hex(found: dict[str, Any], key: str, size: int) -> bytes:
    text = _text(found, key)
    if len(text) != 2 * size or not _HEX.fullmatch(text):
        raise ValueError(f"`{key}` is not {2 * size} lower-case hexadecimal digits")
    return bytes.fromhex(text)
