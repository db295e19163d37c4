"""Root, keys, checkpoints and cosignatures, as commands."""

from __future__ import annotations

import json
import shutil
import stat
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.audit.merkle import root_of
from ledger.store.leaf import leaf_hash
from tests.cli.runner import Shell

ORIGIN = "harbour.example/news"


@pytest.fixture
def desk(ledger: Shell) -> Shell:
    """A ledger of three events, its key, and a witness's."""
    ledger.ok("init", "--origin", ORIGIN)
    for headline in ("Ferry sails", "Tide rises", "Gull lands"):
        ledger.add(headline)
    for name, out, *options in ((ORIGIN, "desk"), ("wit.example", "wit", "--witness")):
        vkey = ledger.ok("audit", "keygen", name, "--out", f"{out}.key", *options)
        (ledger.folder / f"{out}.vkey").write_text(vkey)
    return ledger


def vkey(desk: Shell, name: str = "desk") -> str:
    return (desk.folder / f"{name}.vkey").read_text()


def root_at(desk: Shell, size: int) -> bytes:
    """Return the root over the log's first events, reckoned from its rows."""
    with Ledger.open(desk.store.url) as ledger:
        return root_of(map(leaf_hash, ledger.application.log.read(0, size)))


def cosign(desk: Shell, note: str, last: str = "last", key: str = "desk") -> tuple[int, str]:
    first = [] if (desk.folder / last).exists() else ["--first"]
    answer = desk(
        *("audit", "cosign", note, "--key", vkey(desk, key), "--sign", "wit.key", "--last", last),
        *first,
    )
    assert answer.out == "" or answer.out.startswith("cosigned: ")
    return answer.status, answer.err


def test_a_witness_is_told_that_the_last_checkpoint_is_not_there(desk: Shell) -> None:
    desk.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "one.note")
    asked = ("audit", "cosign", "one.note", "--key", vkey(desk), "--sign", "wit.key", "--last")
    answer = desk(*asked, "lst")
    assert (answer.status, answer.err) == (
        3,
        "ledger: there is no lst: is it misspelt? If it is the first: --first\n",
    )
    assert not (desk.folder / "lst").exists()
    # Nor is one taken that somebody else has signed.
    answer = desk(*asked, "one.note")
    assert (answer.status, "signed by harbour.example/news" in answer.err) == (64, True)
    assert desk(*asked, "last", "--first").out == "cosigned: 3 events of harbour.example/news\n"
    assert desk(*asked, "last", "--first").status == 3
    asked = ("audit", "cosign", "one.note", "--key", vkey(desk), "--sign", "desk.key", "--last")
    answer = desk(*asked, "new", "--first")
    assert (answer.status, "is none of a witness" in answer.err) == (3, True)


@pytest.mark.usefixtures("log")
def test_what_cannot_be_had_again_is_not_overwritten(desk: Shell) -> None:
    desk.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "one.note")
    for name, kind in (
        ("desk.key", "a private key"),
        ("news.db", "a database"),
        ("one.note", "a signed note"),
    ):
        before = (desk.folder / name).read_bytes()
        for command in (("audit", "checkpoint"), ("audit", "report")):
            answer = desk(*command, "--out", name)
            assert (answer.status, answer.err) == (
                3,
                f"ledger: {name} is {kind}, and is not overwritten: give another name\n",
            )
        assert (desk.folder / name).read_bytes() == before
    plain = desk.ok("audit", "checkpoint")
    assert desk.ok("audit", "checkpoint", "--out", "-") == plain
    desk.ok("audit", "checkpoint", "--out", "plain")
    desk.ok("audit", "checkpoint", "--out", "plain")
    assert (desk.folder / "plain").read_text() == plain
    assert desk("audit", "checkpoint", "--out", "/dev/full").status == 3


def test_the_root_is_that_of_the_rows(desk: Shell) -> None:
    assert desk.ok("audit", "root") == f"3 {root_at(desk, 3).hex()}\n"
    assert json.loads(desk.ok("audit", "root", "--at", "@2", "--format", "json")) == {
        "size": 2,
        "root": root_at(desk, 2).hex(),
    }
    assert desk("audit", "root", "--at", "@4").status == 4


def test_a_key_is_its_owner_s_and_is_not_overwritten(desk: Shell) -> None:
    key = desk.folder / "desk.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    again = desk("audit", "keygen", ORIGIN, "--out", "desk.key")
    assert (again.status, again.err) == (
        3,
        "ledger: desk.key is there already: a key is not overwritten\n",
    )
    assert key.read_bytes() == before
    assert desk("audit", "keygen", "two words", "--out", "new.key").status == 3
    assert desk("audit", "keygen", "ok", "--out", "nowhere/new.key").status == 3
    assert not (desk.folder / "new.key").exists()


def test_a_checkpoint_tells_origin_size_and_root(desk: Shell) -> None:
    body = f"{ORIGIN}\n3\n{b64encode(root_at(desk, 3)).decode()}\n"
    assert desk.ok("audit", "checkpoint") == body
    desk.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "now.note")
    note = (desk.folder / "now.note").read_text()
    text, _, line = note.rpartition("\n\n")
    assert text + "\n" == body
    dash, name, signature = line.split(" ")
    assert (dash, name, len(b64decode(signature))) == ("\u2014", ORIGIN, 4 + 64)
    assert desk.ok("audit", "checkpoint", "--sign", "desk.key") == note
    assert desk.ok("audit", "checkpoint", "--at", "@2").splitlines()[1] == "2"


def test_a_witness_signs_what_goes_on_from_what_it_saw(desk: Shell) -> None:
    desk.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "one.note")
    assert cosign(desk, "one.note") == (0, "")
    first = (desk.folder / "one.note").read_text()
    assert [line.split(" ")[1] for line in first.splitlines()[4:]] == [ORIGIN, "wit.example"]
    assert (desk.folder / "last").read_text() == first
    desk.add("Crane falls")
    desk.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "two.note")
    assert cosign(desk, "two.note") == (0, "")
    assert cosign(desk, "two.note") == (0, "")
    assert len((desk.folder / "two.note").read_text().splitlines()) == 6
    assert cosign(desk, "one.note") == (
        61,
        "ledger: the earlier checkpoint tells of 4 events, this one of 3\n",
    )


def test_a_log_that_was_rewritten_is_not_cosigned(desk: Shell) -> None:
    desk.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "one.note")
    assert cosign(desk, "one.note") == (0, "")
    with desk.store.log() as db:
        db.execute("UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 1")
    # The tree that the views keep knows nothing of it; who reads the log does.
    assert cosign(desk, "one.note")[0] == 61
    desk.store.drop_views()
    desk.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "two.note")
    assert cosign(desk, "two.note") == (
        61,
        (
            "ledger: the log was rewritten: its first 3 events are not those that the earlier "
            "checkpoint tells of\n"
        ),
    )


def altered(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        (altered("\n3\n", "\n2\n"), 63, f"the signature of {ORIGIN} does not hold"),
        (altered(ORIGIN, "other.example"), 63, f"the signature of {ORIGIN} does not hold"),
        (altered("\u2014", "-"), 62, "is no signature"),
        (altered("\n\n", "\n"), 62, "this is no signed note"),
        (lambda text: text[:-2], 62, "this is no signed note"),
        (lambda text: "", 62, "this is no signed note"),
    ],
)
def test_a_note_that_was_changed_is_not_cosigned(
    desk: Shell, change: Callable[[str], str], status: int, message: str
) -> None:
    desk.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "one.note")
    path = desk.folder / "one.note"
    path.write_text(change(path.read_text()))
    before = path.read_bytes()
    got, err = cosign(desk, "one.note")
    assert (got, message in err, err.count("\n")) == (status, True, 1)
    assert path.read_bytes() == before
    assert not (desk.folder / "last").exists()


def test_what_is_not_of_this_log_is_not_cosigned(desk: Shell, tmp_path: Path) -> None:
    desk.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "one.note")
    assert cosign(desk, "one.note", key="wit") == (
        64,
        f"ledger: none of the keys given has signed: signed by {ORIGIN}\n",
    )
    other = Shell(tmp_path / "other")
    other.folder.mkdir()
    for name in ("one.note", "desk.vkey", "wit.key"):
        shutil.copy(desk.folder / name, other.folder / name)
    other.ok("init", "--origin", "other.example")
    other.add("Ferry sails")
    assert cosign(other, "one.note") == (
        61,
        f"ledger: the checkpoint is of {ORIGIN}, not of this ledger, other.example\n",
    )
    again = Shell(tmp_path / "again")
    again.folder.mkdir()
    for name in ("one.note", "desk.vkey", "wit.key"):
        shutil.copy(desk.folder / name, again.folder / name)
    again.ok("init", "--origin", ORIGIN)
    again.add("Ferry sails")
    status, err = cosign(again, "one.note")
    assert (status, "the checkpoint tells of 3 events, the log has 1" in err) == (61, True)
    again.add("Tide rises")
    again.add("Gull lands")
    status, err = cosign(again, "one.note")
    assert (status, "the first 3 events of the log are not those" in err) == (61, True)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("audit", "cosign", "none", "--key", "K", "--sign", "wit.key", "--last", "last"), 3),
        (("audit", "checkpoint", "--sign", "none"), 3),
        (("audit", "checkpoint", "--sign", "desk.vkey"), 62),
        (("audit", "checkpoint", "--out", "nowhere/now.note"), 3),
        (("audit", "root", "--at", "sometime"), 4),
        (("--store", "sqlite:///none.db", "audit", "root"), 41),
    ],
)
def test_wrong_input(desk: Shell, arguments: tuple[str, ...], status: int) -> None:
    key = vkey(desk).strip()
    answer = desk(*(key if word == "K" else word for word in arguments))
    assert (answer.status, answer.out, answer.err.count("\n")) == (status, "", 1)
