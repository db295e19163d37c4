"""audit verify, as a command: what it prints, and the three ways in which it ends."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.cli.runner import Answer, Shell
from tests.cli.test_terminal import on_a_terminal

ORIGIN = "harbour.example/news"
WITNESS = "wit.example"

NO_CHECKPOINT = (
    "no checkpoint was given: whoever can write the store could have rewritten all of it, every "
    "hash too, and it would not show"
)
NO_KEY = "no key was given: the checkpoints' signatures were not checked"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A ledger of five events of two entries, its checkpoints of 2 and 5, and keys."""
    ledger = Shell(tmp_path_factory.mktemp("built"))
    ledger.ok("init", "--origin", ORIGIN)
    for name, out, *options in (
        (ORIGIN, "desk"),
        (WITNESS, "wit", "--witness"),
        ("strange.example", "strange"),
    ):
        vkey = ledger.ok("audit", "keygen", name, "--out", f"{out}.key", *options)
        (ledger.folder / f"{out}.vkey").write_text(vkey.strip())
    id_ = ledger.add("Ferry sails")
    (ledger.folder / "id").write_text(id_)
    ledger.add("Tide rises")
    ledger.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "two.note")
    for headline in ("Ferry stays", "Ferry sinks", "Ferry floats"):
        ledger.ok("edit", id_, "--headline", headline)
    ledger.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "five.note")
    ledger.ok("audit", "checkpoint", "--out", "plain")
    shutil.copy(ledger.folder / "five.note", ledger.folder / "both.note")
    ledger.ok(
        *("audit", "cosign", "both.note", "--key", said(ledger, "desk.vkey")),
        *("--sign", "wit.key", "--last", "last", "--first"),
    )
    assert ledger("audit", "checkpoint", "--sign", "strange.key", "--out", "strange.note").err == (
        "ledger: warning: the key is called strange.example, the ledger harbour.example/news: a "
        "stranger looks for the ledger's own\n"
    )
    return ledger


@pytest.fixture
def desk(built: Shell, ledger: Shell) -> Shell:
    return ledger.filled_by(built)


def said(desk: Shell, name: str) -> str:
    return (desk.folder / name).read_text()


def root(desk: Shell, at: int) -> str:
    return desk.ok("audit", "root", "--at", f"@{at}").split()[1]


def verify(desk: Shell, *notes: str, keys: tuple[str, ...] = ()) -> Answer:
    checkpoints = [word for note in notes for word in ("--checkpoint", note)]
    known = [word for key in keys for word in ("--key", said(desk, f"{key}.vkey"))]
    return desk("audit", "verify", *checkpoints, *known)


def attack(desk: Shell, *statements: str) -> None:
    with desk.store.log() as db:
        for statement in statements:
            assert db.execute(statement).rowcount > 0, statement


def first_lines(desk: Shell) -> str:
    return f"{ORIGIN}: 5 events of 2 entries, read twice\nroot {root(desk, 5)}\n"


# Sound


def test_a_sound_log(desk: Shell) -> None:
    assert verify(desk) == (
        0,
        first_lines(desk) + f"note: {NO_CHECKPOINT}\nsound: nothing was found\n",
        "",
    )


def test_two_checkpoints_and_who_signed_them(desk: Shell) -> None:
    assert verify(desk, "both.note", "two.note", keys=("wit", "desk")) == (
        0,
        first_lines(desk)
        + f"checkpoint of 2 events signed by {ORIGIN}: holds\n"
        + f"checkpoint of 5 events signed by {ORIGIN}, {WITNESS}: holds\n"
        + "sound: nothing was found\n",
        "",
    )
    assert verify(desk, "both.note", keys=("wit",)).out == (
        first_lines(desk)
        + f"checkpoint of 5 events signed by {WITNESS}: holds\n"
        + "sound: nothing was found\n"
    )


@pytest.mark.parametrize("note", ["plain", "five.note"])
def test_a_checkpoint_without_a_key(desk: Shell, note: str) -> None:
    assert verify(desk, note) == (
        0,
        first_lines(desk)
        + f"checkpoint of 5 events: holds\nnote: {NO_KEY}\nsound: nothing was found\n",
        "",
    )


def test_what_came_after_the_checkpoint(desk: Shell) -> None:
    assert verify(desk, "two.note", keys=("desk",)).out == (
        first_lines(desk)
        + f"checkpoint of 2 events signed by {ORIGIN}: holds\n"
        + "note: no checkpoint vouches for what came after event 2\n"
        + "sound: nothing was found\n"
    )


@pytest.fixture
def erased(desk: Shell) -> Shell:
    desk.ok(
        *("erase", said(desk, "id"), "--version", "2", "--authority", "a court"),
        *("--reason", "an order"),
    )
    return desk


def test_erased_events(erased: Shell) -> None:
    answer = verify(erased, "five.note", keys=("desk",))
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines()[2:] == [
        f"checkpoint of 5 events signed by {ORIGIN}: holds",
        "event 3: erased, as event 6 says",
        "note: no checkpoint vouches for what came after event 5",
        (
            "note: what remains of erased versions is as whoever erased the rest restated it: no "
            "proof covers that"
        ),
        "sound: nothing was found",
    ]


def test_for_programs(desk: Shell) -> None:
    answer = desk("audit", "verify", "--checkpoint", "two.note", "--format", "json")
    assert (answer.status, answer.err) == (0, "")
    assert answer.json == {
        "sound": True,
        "origin": ORIGIN,
        "size": 5,
        "root": root(desk, 5),
        "entries": 2,
        "checkpoints": [{"size": 2, "signed_by": [], "holds": True}],
        "findings": [],
        "more": 0,
        "erased": {},
        "notes": ["no checkpoint vouches for what came after event 2", NO_KEY],
    }


@pytest.mark.parametrize("options", [("--jobs", "2"), ("--jobs", "1"), ("--views",)])
def test_options_that_find_the_same(desk: Shell, options: tuple[str, ...]) -> None:
    assert desk("audit", "verify", *options) == verify(desk)


def test_a_ledger_without_events(ledger: Shell) -> None:
    ledger.ok("init", "--origin", ORIGIN)
    assert ledger.ok("audit", "verify") == (
        f"{ORIGIN}: 0 events of 0 entries, read twice\n"
        "root e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
        f"note: {NO_CHECKPOINT}\n"
        "sound: nothing was found\n"
    )


# It does not hold


def test_a_log_that_does_not_hold(desk: Shell) -> None:
    attack(desk, "UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 3")
    answer = verify(desk, "five.note", "two.note", keys=("desk",))
    assert (answer.status, answer.err) == (61, "ledger: the log does not hold: 1 finding\n")
    assert answer.out.splitlines()[2:] == [
        f"checkpoint of 2 events signed by {ORIGIN}: holds",
        f"checkpoint of 5 events signed by {ORIGIN}: does not hold",
        f"altered: position 3, entry {said(desk, 'id')} version 2: the event is not what it was",
    ]


def test_a_log_that_does_not_hold_for_programs(desk: Shell) -> None:
    attack(
        desk,
        "UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 3",
        "DELETE FROM events WHERE position = 5",
    )
    answer = desk("audit", "verify", "--format", "json", "--checkpoint", "five.note")
    assert (answer.status, answer.err) == (61, "ledger: the log does not hold: 2 findings\n")
    assert answer.json["sound"] is False
    assert answer.json["findings"] == [
        {
            "kind": "altered",
            "position": 3,
            "upto": None,
            "entry": said(desk, "id"),
            "version": 2,
            "message": "the event is not what it was",
        },
        {
            "kind": "truncated",
            "position": 5,
            "upto": None,
            "entry": None,
            "version": None,
            "message": "the log ends before; it had event 5",
        },
    ]


def test_ranges_and_what_has_no_position(desk: Shell) -> None:
    attack(desk, "DELETE FROM events WHERE position IN (1, 3, 4)")
    desk.store.drop_views()
    answer = verify(desk)
    assert (answer.status, answer.err) == (61, "ledger: the log does not hold: 3 findings\n")
    assert answer.out.splitlines()[2:] == [
        "missing: position 1: no event is there",
        "missing: position 3 to 4: no event is there",
        (
            f"missing: entry {said(desk, 'id')} version 1: version 1 to 3 is not there, version 4 "
            "is"
        ),
        f"note: {NO_CHECKPOINT}",
        "note: there is no stored tree to hold the log against",
    ]


def test_a_future_size(desk: Shell) -> None:
    desk.add("Gull lands")
    desk.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "six.note")
    attack(desk, "DELETE FROM events WHERE position = 6")
    desk.store.drop_views()
    answer = verify(desk, "six.note", keys=("desk",))
    assert (answer.status, answer.err) == (61, "ledger: the log does not hold: 1 finding\n")
    assert answer.out.splitlines()[2:4] == [
        f"checkpoint of 6 events signed by {ORIGIN}: does not hold",
        "truncated: position 6: the log ends before; it had event 6",
    ]


def test_content_that_came_back(erased: Shell) -> None:
    attack(
        erased,
        "UPDATE events SET content = (SELECT content FROM events WHERE position = 4) "
        "WHERE position = 3",
    )
    erased.store.drop_views()
    answer = verify(erased, "two.note", keys=("desk",))
    assert answer.status == 61
    assert (
        f"altered: position 3, entry {said(erased, 'id')}: it was erased, as another event says, "
        "and yet there is content\n"
    ) in answer.out


def test_views_are_compared_where_that_is_asked(desk: Shell) -> None:
    with desk.store.views() as db:
        db.execute("INSERT INTO contexts VALUES ('Smuggling', x'00ff', 1, NULL)")
    assert verify(desk).status == 0
    answer = desk("audit", "verify", "--views", "--checkpoint", "plain")
    assert (answer.status, answer.err) == (61, "ledger: the log does not hold: 1 finding\n")
    assert "view drift: contexts contexts, surplus: Smuggling | 00ff | 1 | None\n" in answer.out


def test_what_an_attacker_wrote_does_not_drive_the_terminal(desk: Shell) -> None:
    attack(desk, "UPDATE events SET type = 'Entry\x1bc' WHERE position = 3")
    desk.store.drop_views()
    answer = verify(desk)
    assert answer.status == 61
    assert "\x1b" not in answer.out + answer.err
    assert "the event type Entry\ufffdc is unknown" in answer.out
    attack(desk, "UPDATE ledger SET origin = 'harbour\x1bc'")
    answer = verify(desk)
    assert "\x1b" not in answer.out + answer.err
    assert answer.out.startswith("harbour\ufffdc: 5 events")


# It could not be checked


def refused(answer: Answer, message: str, status: int = 60) -> None:
    assert answer == (status, "", f"ledger: {message}\n")


def test_keys_that_have_not_signed(desk: Shell) -> None:
    cannot = "{}: the checkpoint cannot be used: "
    refused(
        verify(desk, "two.note", "strange.note", keys=("desk",)),
        cannot.format("strange.note")
        + "none of the keys given has signed: signed by strange.example",
    )
    refused(
        verify(desk, "plain", keys=("desk",)),
        f"{cannot.format('plain')}this is no signed note: a text, an empty line, and signatures",
    )


def test_a_note_that_was_changed(desk: Shell) -> None:
    note = desk.folder / "five.note"
    text = note.read_text()
    cannot = "five.note: the checkpoint cannot be used: "
    note.write_text(text.replace("\n5\n", "\n4\n"))
    refused(
        verify(desk, "five.note", keys=("desk",)),
        f"{cannot}the signature of {ORIGIN} does not hold",
    )
    note.write_text(text[:-3] + "\n")
    answer = verify(desk, "five.note")
    assert (answer.status, answer.out) == (60, "")
    assert re.fullmatch(
        rf"ledger: {cannot}the note is damaged: '\u2014 {ORIGIN} .*' is no signature\n", answer.err
    )
    note.write_bytes(b"\xff\n1\n")
    refused(
        verify(desk, "five.note"),
        "five.note: the checkpoint is damaged: 'utf-8' codec can't decode byte 0xff in position "
        "0: invalid start byte",
    )
    note.write_text("")
    refused(
        verify(desk, "five.note"),
        f"{cannot}the note tells no checkpoint: an origin, a size, a root",
    )


def test_keys_that_are_damaged(desk: Shell) -> None:
    none = "'no key' is no verifier key: name+hash+key"
    refused(desk("audit", "verify", "--key", "no key"), none)
    rest = said(desk, "desk.vkey").removeprefix(ORIGIN)
    refused(
        desk("audit", "verify", "--key", f"{ORIGIN}+{'0' * 8}{rest[9:]}"),
        f"the verifier key of {ORIGIN} is damaged: its hash is not 00000000",
    )


def test_a_checkpoint_of_another_ledger(desk: Shell) -> None:
    desk.ok("--store", "sqlite:///other.db", "init", "--origin", "other.example")
    refused(
        desk("--store", "sqlite:///other.db", "audit", "verify", "--checkpoint", "five.note"),
        f"the checkpoint is of {ORIGIN}, not of this ledger, other.example",
    )


@pytest.mark.usefixtures("log")
def test_what_cannot_be_read(desk: Shell) -> None:
    refused(
        desk("audit", "verify", "--checkpoint", "none.note"),
        "none.note cannot be read: No such file or directory",
    )
    refused(
        desk("--store", "sqlite:///none.db", "audit", "verify"),
        f"there is no ledger at {desk.folder / 'none.db'}: make one with `ledger init`, or check "
        "--store and LEDGER_STORE",
        41,
    )
    assert not (desk.folder / "none.db").exists()
    store = desk.folder / "news.db"
    store.write_bytes(store.read_bytes()[:4096] + b"\xa5" * 40_000)
    answer = desk("audit", "verify")
    assert (answer.status, answer.out, answer.err.count("\n")) == (48, "", 1)
    assert answer.err.startswith(f"ledger: {store} is damaged")


def test_wrong_options(desk: Shell) -> None:
    for option in (("--jobs", "0"), ("--format", "xml"), ("--checkpoint", ".")):
        assert desk("audit", "verify", *option).status == 2


# On a terminal


def test_a_bar_on_a_terminal_only(desk: Shell) -> None:
    shown = on_a_terminal(desk, "audit", "verify", width=120)
    bar = re.search(r"verifying  \[#{36}\]  10/10  [\d,]+ events/s", shown)
    assert bar is not None
    assert bar.end() < shown.index("5 events of 2 entries")
    assert "\x1b[32msound\x1b[0m: nothing was found" in shown
    assert "verifying" not in "".join(map(str, verify(desk)))
