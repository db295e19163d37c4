"""Signed notes (C2SP signed-note) and the cosignatures of witnesses (C2SP tlog-cosignature).

A note is a text and the signatures under it, line by line. Nothing here reads or writes a file.
The arithmetic of Ed25519 is that of `cryptography`, the extra `sign`.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from types import ModuleType
from typing import TYPE_CHECKING

import msgspec

from ledger.errors import BadSignature, InvalidInput, MissingExtra, NoteError, UnknownKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = 1
"""The type of a key that signs notes."""

COSIGNATURE = 4
"""The type of a witness's key, which signs a checkpoint and a time."""

_NAME = re.compile(r"[^\s+]+")
_LINE = re.compile("\u2014 ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})")
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KEY_ID_BYTES = 4
_PUBLIC_BYTES = 32
_SIGNATURE_BYTES = 64
_TIME_BYTES = 8


class Signature(msgspec.Struct, frozen=True):
    """A signature line of a note.

    Attributes:
        name: Who signed, as the line says.
        key_id: 4 bytes that tell the signer's keys apart.
        value: The bytes after it: the signature, for a witness the time and the signature.
    """

    name: str
    key_id: bytes
    value: bytes


class Note(msgspec.Struct, frozen=True):
    """A text, which ends in a line feed, and the signatures under it."""

    text: str
    signatures: tuple[Signature, ...] = ()


class Verifier(msgspec.Struct, frozen=True):
    """The public half of a key.

    Attributes:
        name: Whose it is; no spaces, no plus sign.
        kind: ED25519 or COSIGNATURE.
        public: The public key, 32 bytes.
    """

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """What tells this key from others of the same name."""
        kind = bytes([self.kind])
        return sha256(self.name.encode() + b"\n" + kind + self.public).digest()[:_KEY_ID_BYTES]

    def __str__(self) -> str:
        """Return the verifier key, as it is handed out."""
        key = encoded(bytes([self.kind]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{key}"


def check_key_name(name: str) -> None:
    """Refuse a name that no key can have; so no log that is signed for by its own name.

    Raises:
        InvalidInput: It is empty, or has a space, a plus sign, or what is not printed.
    """
    if not name or "+" in name or not name.isprintable() or any(map(str.isspace, name)):
        raise InvalidInput(f"{name!a} cannot be a key's name: no spaces, no plus sign")


def parse_verifier(text: str) -> Verifier:
    """Return the key that a verifier key tells: `name+hex8(key id)+base64(type || public key)`.

    Raises:
        NoteError: It is none.
    """
    if text.strip().startswith("PRIVATE+KEY+"):
        # Not repeated: a message may end in a log.
        raise NoteError("this is a private key: give the verifier key, which `keygen` printed")
    name, _, rest = text.strip().partition("+")
    key_id, _, last = rest.partition("+")
    key = decoded(last)
    if not _NAME.fullmatch(name) or key is None or len(key) != 1 + _PUBLIC_BYTES:
        raise NoteError(f"{text.strip()!r} is no verifier key: name+hash+key")
    verifier = Verifier(name, key[0], key[1:])
    if verifier.kind not in {ED25519, COSIGNATURE}:
        raise NoteError(f"the key of {name} is of type {key[0]}, which is not known here")
    if verifier.key_id.hex() != key_id:
        raise NoteError(f"the verifier key of {name} is damaged: its hash is not {key_id}")
    return verifier


def parse_note(data: bytes) -> Note:
    """Return the note that these bytes are.

    Raises:
        NoteError: They are none, or a damaged one.
    """
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise NoteError(f"the note is damaged: {error}") from error
    text, parted, lines = whole.rpartition("\n\n")
    if not parted or not text or not lines.endswith("\n") or _CONTROLS.search(whole):
        raise NoteError("this is no signed note: a text, an empty line, and signatures")
    signatures: list[Signature] = []
    for line in lines.removesuffix("\n").split("\n"):
        match = _LINE.fullmatch(line)
        value = None if match is None else decoded(match[2])
        if match is None or value is None or len(value) <= _KEY_ID_BYTES:
            raise NoteError(f"the note is damaged: {line!r} is no signature")
        signatures.append(Signature(match[1], value[:_KEY_ID_BYTES], value[_KEY_ID_BYTES:]))
    return Note(text + "\n", tuple(signatures))


def encode_note(note: Note) -> bytes:
    """Return a note as bytes."""
    lines = (f"\u2014 {one.name} {encoded(one.key_id + one.value)}\n" for one in note.signatures)
    return (note.text + "\n" + "".join(lines)).encode()


def sign(text: str, verifier: Verifier, private: bytes, at: datetime | None = None) -> Signature:
    """Return the signature of a text.

    Args:
        text: It ends in a line feed.
        verifier: The public half of the key.
        private: The private half, 32 bytes.
        at: When, for a witness; in whole seconds.

    Raises:
        ValueError: The text is no note's, or a witness has no time.
    """
    if not text.endswith("\n"):
        raise ValueError("a note's text ends in a line feed")
    key = _private(private)
    if verifier.kind == ED25519:
        return Signature(verifier.name, verifier.key_id, key.sign(text.encode()))
    if at is None:
        raise ValueError("a witness signs at a time")
    seconds = int(at.timestamp())
    value = seconds.to_bytes(_TIME_BYTES) + key.sign(_cosigned(text, seconds))
    return Signature(verifier.name, verifier.key_id, value)


def verify(note: Note, verifiers: Iterable[Verifier]) -> tuple[Verifier, ...]:
    """Return which of the known keys signed a note; signatures of others are passed over.

    Raises:
        BadSignature: A signature under the name and id of a known key is not that key's.
        UnknownKey: None of the known keys signed.
    """
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    found: dict[Verifier, None] = {}
    for signature in note.signatures:
        verifier = known.get((signature.name, signature.key_id))
        if verifier is None:
            continue
        if not _holds(note.text, signature, verifier):
            raise BadSignature(f"the signature of {signature.name} does not hold")
        found[verifier] = None
    if not found:
        signers = ", ".join(sorted({signature.name for signature in note.signatures}))
        raise UnknownKey(f"none of the keys given has signed: signed by {signers}")
    return tuple(found)


def _holds(text: str, signature: Signature, verifier: Verifier) -> bool:
    message, value = text.encode(), signature.value
    if verifier.kind == COSIGNATURE:
        seconds, value = int.from_bytes(value[:_TIME_BYTES]), value[_TIME_BYTES:]
        message = _cosigned(text, seconds)
    if len(value) != _SIGNATURE_BYTES:
        return False
    ed25519 = _ed25519()
    from cryptography.exceptions import InvalidSignature

    try:
        ed25519.Ed25519PublicKey.from_public_bytes(verifier.public).verify(value, message)
    except InvalidSignature:
        return False
    return True


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def signed_at(signature: Signature) -> int:
    """Return when a witness signed, in seconds since 1970-01-01T00:00:00Z."""
    return int.from_bytes(signature.value[:_TIME_BYTES])


def public_of(private: bytes) -> bytes:
    """Return the public half of a private key."""
    return _private(private).public_key().public_bytes_raw()


def _private(private: bytes) -> Ed25519PrivateKey:
    key: Ed25519PrivateKey = _ed25519().Ed25519PrivateKey.from_private_bytes(private)
    return key


def _ed25519() -> ModuleType:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise MissingExtra(
            "signatures need the package cryptography: pip install 'ledger[sign]'"
        ) from None
    return ed25519


def decoded(text: str) -> bytes | None:
    """Return what standard base64 says; None where it is none, or not said in the one way."""
    try:
        found = b64decode(text, validate=True)
    except ValueError:
        return None
    return found if encoded(found) == text else None


def encoded(data: bytes) -> str:
    """Return bytes in standard base64."""
    return b64encode(data).decode()
