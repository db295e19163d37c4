"""Signed notes as a stranger reads and writes them: from the formats' text, nothing of ours."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class Refused(Exception):
    """The note is none, or is not signed as it should be."""


def public_of(private: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\x0a" + bytes((kind,)) + public).digest()[0:4]


def verifier_key(name: str, kind: int, public: bytes) -> str:
    key = base64.standard_b64encode(bytes((kind,)) + public).decode("ascii")
    return "+".join((name, key_id(name, kind, public).hex(), key))


def cosigned(text: bytes, seconds: int) -> bytes:
    return b"cosignature/v1\ntime " + str(seconds).encode("ascii") + b"\n" + text


def signature_line(
    text: str, name: str, kind: int, private: bytes, seconds: int | None = None
) -> bytes:
    """Return the line under `text`; with `seconds`, that of a witness."""
    key, body = Ed25519PrivateKey.from_private_bytes(private), text.encode()
    payload = key_id(name, kind, public_of(private))
    if seconds is None:
        payload += key.sign(body)
    else:
        payload += seconds.to_bytes(8, "big") + key.sign(cosigned(body, seconds))
    return b"\xe2\x80\x94 " + name.encode() + b" " + base64.standard_b64encode(payload) + b"\n"


def opened(data: bytes, key: str) -> tuple[bytes, int | None]:
    """Return the text of a note that `key` signed, and when, where it is a witness's."""
    name, _, rest = key.partition("+")
    hash_, _, encoded = rest.partition("+")
    kind, public = base64.standard_b64decode(encoded)[0], base64.standard_b64decode(encoded)[1:]
    if key_id(name, kind, public).hex() != hash_:
        raise Refused("the verifier key is damaged")
    at = data.rfind(b"\n\n")
    if at < 0 or not data.endswith(b"\n"):
        raise Refused("no note")
    text = data[: at + 1]
    for line in data[at + 2 : -1].split(b"\n"):
        dash, signer, said = line.split(b" ")
        payload = base64.b64decode(said, validate=True)
        if dash != b"\xe2\x80\x94" or len(payload) < 5:
            raise Refused("no signature line")
        if signer.decode() != name or payload[:4].hex() != hash_:
            continue
        seconds, signature, message = None, payload[4:], text
        if kind == 4:
            seconds = int.from_bytes(signature[:8], "big")
            signature, message = signature[8:], cosigned(text, seconds)
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        except InvalidSignature:
            raise Refused("the signature is wrong") from None
        return text, seconds
    raise Refused("not signed by this key")
