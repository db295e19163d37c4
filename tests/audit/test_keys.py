"""Keys in files: what they may be called, and which are taken."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from ledger.audit import keys
from ledger.audit.notes import COSIGNATURE, ED25519
from ledger.errors import InvalidInput, NoteError


@pytest.mark.parametrize(("witness", "kind"), [(False, ED25519), (True, COSIGNATURE)])
def test_a_key_is_read_as_it_was_made(tmp_path: Path, witness: bool, kind: int) -> None:
    made = keys.make(tmp_path / "desk.key", "渡轮.example/news", witness=witness)
    assert keys.load(tmp_path / "desk.key") == made
    assert (made.verifier.name, made.verifier.kind) == ("渡轮.example/news", kind)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", "''"),
        ("two words", "'two words'"),
        ("a+b", "'a+b'"),
        ("a\nb", r"'a\nb'"),
        ("a\u3000b", r"'a\u3000b'"),
        ("a\x1b[2Jb", r"'a\x1b[2Jb'"),
        ("a\u202eb", r"'a\u202eb'"),
        ("a\udcffb", r"'a\udcffb'"),
    ],
)
def test_a_name_that_nobody_could_read_is_refused(tmp_path: Path, name: str, shown: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        keys.make(tmp_path / "desk.key", name)
    assert str(caught.value) == f"{shown} cannot be a key's name: no spaces, no plus sign"
    assert list(tmp_path.iterdir()) == []


def test_a_key_of_an_unknown_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "desk.key"
    keys.make(path, "desk.example")
    *head, key = path.read_text().strip().split("+", 4)
    path.write_text("+".join([*head, b64encode(b"\2" + b64decode(key)[1:]).decode()]))
    with pytest.raises(NoteError) as caught:
        keys.load(path)
    assert str(caught.value) == f"the key in {path} is of type 2, which is not known here"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("PRIVATE+", ""), "holds no private key"),
        (("+", "+0"), "holds no private key"),
        (("desk", "task"), "is damaged"),
    ],
)
def test_a_damaged_key_is_refused(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = tmp_path / "desk.key"
    keys.make(path, "desk.example")
    path.write_text(path.read_text().replace(*change, 1))
    with pytest.raises(NoteError, match=re.escape(message)):
        keys.load(path)


def test_a_key_that_others_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "desk.key"
    made = keys.make(path, "desk.example")
    keys.load(path)
    assert caplog.messages == []
    path.chmod(0o640)
    assert keys.load(path) == made
    assert caplog.messages == [f"the key in {path} can be read by others: chmod 600 {path}"]
