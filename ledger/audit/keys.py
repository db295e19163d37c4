"""Key files: a private key that only its owner can read, and the verifier key that is handed out.

A key file is one line, as signers elsewhere keep it: `PRIVATE+KEY+name+hex8(key id)+base64(type ||
private key)`.
"""

from __future__ import annotations

import logging
import os
import secrets
import stat
from pathlib import Path

import msgspec

from ledger.audit.notes import (
    COSIGNATURE,
    ED25519,
    Verifier,
    check_key_name,
    decoded,
    encoded,
    public_of,
)
from ledger.errors import InvalidInput, NoteError

_log = logging.getLogger("ledger")

_PREFIX = "PRIVATE+KEY+"
_PRIVATE_BYTES = 32


class Signer(msgspec.Struct, frozen=True):
    """Both halves of a key.

    Attributes:
        verifier: The public half.
        private: The private half, 32 bytes.
    """

    verifier: Verifier
    private: bytes

    def __repr__(self) -> str:
        """Return the public half: a private key is not shown."""
        return f"Signer({self.verifier})"


def make(path: Path, name: str, *, witness: bool = False) -> Signer:
    """Make a key, and keep it in a new file that only its owner can read.

    Args:
        path: The file; a file that is there is not overwritten.
        name: Whose key it is; for the key of a ledger, its origin.
        witness: A key for cosignatures, instead of one for checkpoints.

    Raises:
        InvalidInput: The name cannot be that of a key, or the file is there or cannot be made.
    """
    check_key_name(name)
    private = secrets.token_bytes(_PRIVATE_BYTES)
    verifier = Verifier(name, COSIGNATURE if witness else ED25519, public_of(private))
    line = f"{_PREFIX}{name}+{verifier.key_id.hex()}+{encoded(bytes([verifier.kind]) + private)}\n"
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InvalidInput(f"{path} is there already: a key is not overwritten") from None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be made: {error.strerror}") from error
    with os.fdopen(file, "w") as opened:
        opened.write(line)
        opened.flush()
        os.fsync(file)
    return Signer(verifier, private)


def load(path: Path) -> Signer:
    """Return the key in a file.

    Raises:
        InvalidInput: The file cannot be read.
        NoteError: It holds no key, or a damaged one.
    """
    try:
        line = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the key {path} cannot be read: {error}") from error
    name, _, rest = line.removeprefix(_PREFIX).partition("+")
    key_id, _, key = rest.partition("+")
    found = decoded(key)
    if not line.startswith(_PREFIX) or found is None or len(found) != 1 + _PRIVATE_BYTES:
        raise NoteError(f"{path} holds no private key")
    if found[0] not in {ED25519, COSIGNATURE}:
        raise NoteError(f"the key in {path} is of type {found[0]}, which is not known here")
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        _log.warning("the key in %s can be read by others: chmod 600 %s", path, path)
    signer = Signer(Verifier(name, found[0], public_of(found[1:])), found[1:])
    if signer.verifier.key_id.hex() != key_id:
        raise NoteError(f"the key in {path} is damaged")
    return signer
