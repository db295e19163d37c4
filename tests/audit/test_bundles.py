"""Evidence bundles: what is in them, what they prove, and what they leave open."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import asdict

from ledger.audit import bundles
from ledger.audit.bundles import ProvenErasure, Verdict
from ledger.audit.proofs import SignedBy
from ledger.errors import (
    DoesNotHold,
    EntryNotFound,
    NoteError,
    ProjectionDrifted,
    UnknownKey,
    VersionNotFound,
)
from ledger.pages.markdown import render
from ledger.projections.records import Change
from ledger.proving import kept
from ledger.store.leaf import leaf_record
from tests.audit.evidence import (
    KNOWN,
    LOG,
    ORIGIN,
    SEEN,
    STRANGE,
    WITNESS,
    Newsroom,
    newsroom,
    signed,
)
from tests.stores import Store


@pytest.fixture(scope="module")
def room(shared_store: Store) -> Iterator[Newsroom]:
    with newsroom(shared_store.url) as lent:
        yield lent


def checked(data: bytes) -> Verdict:
    return bundles.check(data, KNOWN)


def test_the_file_says_what_the_log_holds(room: Newsroom) -> None:
    data = room.bundle(room.edited, complete=True)
    found = json.loads(data)
    rows = room.ledger.application.rows_of(room.edited)
    assert list(found) == [
        *("format", "entry", "checkpoint", "versions", "erasures", "page", "leaves", "digest")
    ]
    assert (found["format"], found["entry"]) == ("ledger/evidence/v1", str(room.edited))
    assert [one["leaf"].encode() for one in found["versions"]] == list(map(leaf_record, rows))
    assert [b64decode(one["content"]) for one in found["versions"]] == [r.content for r in rows]
    assert [b64decode(one["meta"]) for one in found["versions"]] == [r.meta for r in rows]
    assert [one["path"].rpartition("/")[2] for one in found["versions"]] == [
        *("ferry-sails-2", "ferry-sails-2", "sails", "ferry", "ferry")
    ]
    assert len(found["leaves"]) == 14
    # Anybody can tell what the digest was taken of.
    without = data.replace(found["digest"].encode(), b"").removesuffix(b"\n")
    assert found["digest"] == sha256(without).hexdigest()
    assert json.loads(room.bundle(room.edited))["leaves"] is None


def test_it_proves_what_the_ledger_itself_says(room: Newsroom) -> None:
    for entry in (room.edited, room.erased, room.archived):
        verdict = checked(room.bundle(entry))
        shown = room.ledger.get(entry)
        assert verdict.entry == shown.entry
        history = room.ledger.changes(entry, all_versions=True)
        told = [
            {
                name: value
                for name, value in asdict(one).items()
                if name not in {"inferred", "gone"}
            }
            for one in verdict.versions
        ]
        expected: list[dict[str, object]] = [asdict(one) for one in history]
        # A history ends with what is current now; a bundle does not know what came after it.
        expected[-1]["label"] = "Update" if len(expected) > 1 else "First version"
        assert told == expected
        assert all(isinstance(one, Change) for one in verdict.versions)
        assert verdict.page == render(room.ledger.page(shown))
        assert verdict.tree.root == room.ledger.audit.head().root


def test_who_signed_and_when(room: Newsroom) -> None:
    tree = checked(room.bundle(room.edited, LOG, WITNESS)).tree
    assert (tree.origin, tree.size) == (ORIGIN, 14)
    assert tree.signers == (SignedBy(ORIGIN, None), SignedBy("wit.example", SEEN))


def test_fields_that_an_import_inferred_are_told(room: Newsroom) -> None:
    versions = checked(room.bundle(room.edited)).versions
    assert [one.inferred for one in versions] == [(), *[("summary",)] * 4]


def test_only_all_leaf_records_prove_that_there_are_no_others(room: Newsroom) -> None:
    for complete in (False, True):
        verdict = checked(room.bundle(room.edited, complete=complete))
        assert (verdict.complete, verdict.unseen) == (complete, ())


def test_versions_up_to_one(room: Newsroom) -> None:
    note = room.note()
    for last in range(1, 6):
        data = room.ledger.prover.bundle(room.edited, note, last, complete=True)
        verdict = checked(data)
        assert [one.version for one in verdict.versions] == list(range(1, last + 1))
        assert verdict.unseen == tuple(range(last + 1, 6))
        assert verdict.entry == room.ledger.get(room.edited, version=last).entry
        partial = checked(room.ledger.prover.bundle(room.edited, note, last))
        assert (partial.complete, partial.unseen) == (False, ())
    page = checked(room.ledger.prover.bundle(room.edited, note, 3)).page
    lines = [line for line in page.splitlines() if "version" in line]
    assert lines == [
        "1. [Ferry sails](/news/2021/03/4/ferry-sails-2.md) _2021-03-04 09:00:00 (First version)_",
        "1. [渡轮 “sails”](/news/2021/03/4/sails.md) _(Current version)_",
    ]


def test_a_later_checkpoint_proves_what_an_earlier_one_did_not_cover(room: Newsroom) -> None:
    early = signed(room.ledger.audit.checkpoint(7).body, LOG)
    verdict = checked(room.ledger.prover.bundle(room.edited, early, complete=True))
    assert [one.version for one in verdict.versions] == [1, 2, 3]
    assert (verdict.tree.size, verdict.unseen) == (7, ())


# Erasure


def test_what_was_erased_is_told_with_the_event_that_says_so(room: Newsroom) -> None:
    data = room.bundle(room.erased, complete=True)
    verdict = checked(data)
    assert [(one.version, one.erased, one.gone) for one in verdict.versions[:3]] == [
        (1, 11, ("headline", "slug", "summary")),
        (2, 13, ("headline", "slug", "names")),
        (3, None, ()),
    ]
    assert verdict.erasures == (
        ProvenErasure(11, 4, "Ida Moll", "a request"),
        ProvenErasure(13, 6, "a court", "an order"),
    )
    assert [one["content"] is None for one in json.loads(data)["versions"]] == [
        *(True, True, False, False, True, False, False)
    ]
    assert [one["meta"] is None for one in json.loads(data)["versions"]] == [
        *(False, True, False, False, False, False, False)
    ]


def test_an_early_version_brings_the_events_that_erased_it(room: Newsroom) -> None:
    note = room.note()
    for last in (1, 2, 3):
        data = room.ledger.prover.bundle(room.erased, note, last, complete=True)
        verdict = checked(data)
        assert [one.version for one in verdict.versions] == list(range(1, last + 1))
        leaves = [one["leaf"].split("\n") for one in json.loads(data)["erasures"]]
        assert [(leaf[3], leaf[4]) for leaf in leaves] == [
            *(("4", "EntryErased@1"), ("5", "EntryRestated@1")),
            *(("6", "EntryErased@1"), ("7", "EntryRestated@1")),
        ]
        # What is in the file to say what was erased is not unseen.
        assert verdict.unseen == tuple(range(last + 1, 4))
    assert "[erased, as event 13 says]" in verdict.page
    assert "Ida sails" not in data.decode()


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (10, "version 1 was erased, as event 11 says, and the checkpoint tells of 10 events: "),
        (12, "version 2 was erased, as event 13 says, and the checkpoint tells of 12 events: "),
        (
            13,
            "the events cannot be read: position 4: it was erased, as event 11 says, and nothing",
        ),
    ],
)
def test_a_checkpoint_from_before_an_erasure_cannot_tell_of_it(
    room: Newsroom, size: int, message: str
) -> None:
    note = signed(room.ledger.audit.checkpoint(size).body, LOG)
    with pytest.raises(DoesNotHold) as caught:
        room.ledger.prover.bundle(room.erased, note)
    assert str(caught.value).startswith(message)


def test_a_restatement_that_was_replaced_later_needs_the_later_checkpoint(room: Newsroom) -> None:
    note = signed(room.ledger.audit.checkpoint(12).body, LOG)
    with pytest.raises(DoesNotHold, match="version 5 was erased, as event 13 says"):
        room.ledger.prover.bundle(room.erased, note, 1)


# What cannot be proved


def test_checkpoints_that_are_not_of_this_log(room: Newsroom) -> None:
    body = room.ledger.audit.checkpoint().body
    root = body.splitlines()[2]
    early = room.ledger.audit.checkpoint(5).body.splitlines()[2]
    for wrong, message in (
        (body.replace(ORIGIN, "else.example"), "the checkpoint is of else.example, not of this"),
        (body.replace("\n14\n", "\n15\n"), "the checkpoint tells of 15 events, the log has 14"),
        (body.replace(root, early), "the first 14 events of the log are not those"),
    ):
        for make in (room.ledger.prover.bundle, room.ledger.prover.leaf_proofs):
            with pytest.raises(DoesNotHold, match=message):
                make(room.edited, signed(wrong, LOG))
    with pytest.raises(NoteError, match="the note tells no checkpoint"):
        room.ledger.prover.bundle(room.edited, signed("a text\n", LOG))


def test_entries_and_versions_that_the_checkpoint_does_not_cover(room: Newsroom) -> None:
    prover, note = room.ledger.prover, room.note()
    with pytest.raises(EntryNotFound, match=f"there is no entry {UUID(int=7)}"):
        prover.bundle(UUID(int=7), note)
    for version in (0, 6):
        with pytest.raises(VersionNotFound) as caught:
            prover.bundle(room.edited, note, version)
        assert str(caught.value) == (
            f"entry {room.edited} has no version {version} among the 14 events of the checkpoint; "
            "it has 1 to 5"
        )
    early = signed(room.ledger.audit.checkpoint(1).body, LOG)
    with pytest.raises(VersionNotFound) as caught:
        prover.bundle(room.edited, early)
    assert str(caught.value) == (
        f"the checkpoint tells of 1 events, and entry {room.edited} begins at position 2: take a "
        "later checkpoint"
    )


def test_a_log_that_was_altered_gives_no_bundle(store: Store) -> None:
    with newsroom(store.url) as room:
        note = room.note()
        with store.log() as db:
            (old,) = db.execute("SELECT content FROM events WHERE position = 7").fetchone()
            salted = bytes([old[0] ^ 1]) + old[1:]
            db.execute("UPDATE events SET content = ? WHERE position = 7", (salted,))
        message = f"it is not proved that version 3 of entry {room.edited} is at position 7"
        for make in (room.ledger.prover.bundle, room.ledger.prover.leaf_proofs):
            with pytest.raises(DoesNotHold, match=message):
                make(room.edited, note)
        checked(room.ledger.prover.bundle(room.edited, note, 2))


def test_a_tree_that_is_not_the_log_s_is_named(store: Store) -> None:
    with newsroom(store.url) as room:
        note = room.note()
        with store.views() as db:
            db.execute(f"UPDATE edge SET hash = x'{bytes(32).hex()}' WHERE number = 13")
        with pytest.raises(ProjectionDrifted) as caught:
            room.ledger.prover.bundle(room.edited, note)
        assert str(caught.value) == (
            "the tree is not the log's: `ledger rebuild tree` puts it right"
        )
        room.ledger.rebuild(["tree"])
        checked(room.ledger.prover.bundle(room.edited, note))


# Who signed


def test_a_key_that_is_not_given_is_named(room: Newsroom) -> None:
    with pytest.raises(UnknownKey) as caught:
        checked(room.bundle(room.edited, STRANGE))
    assert str(caught.value) == "none of the keys given has signed: signed by strange.example"
    with pytest.raises(UnknownKey) as caught:
        checked(room.bundle(room.edited, LOG, STRANGE))
    assert str(caught.value) == (
        "strange.example has signed, too, with the key "
        f"{STRANGE.verifier.key_id.hex()}, which is not among the keys given: give that one as "
        "well, or have it proved without"
    )
    with pytest.raises(UnknownKey, match=r"signed by harbour\.example/news$"):
        bundles.check(room.bundle(room.edited), [WITNESS.verifier])


def test_signatures_of_other_keys_can_be_left_out(room: Newsroom) -> None:
    note = room.note(LOG, STRANGE, WITNESS)
    data = room.ledger.prover.bundle(room.edited, kept(note, KNOWN))
    assert [one.name for one in checked(data).tree.signers] == [ORIGIN, "wit.example"]
    with pytest.raises(UnknownKey):
        kept(room.note(STRANGE), KNOWN)


# The file itself


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Input data was truncated"),
        (b"{}", "Object missing required field `entry`"),
        (b"[1]", "Expected `object`, got `array`"),
        (b'{"format":"ledger/evidence/v2"}', "Invalid enum value 'ledger/evidence/v2'"),
        (b'{"format":"\xff"}', "'utf-8' codec can't decode byte 0xff"),
        (b"# A page\n", "JSON is malformed"),
    ],
)
def test_what_is_no_bundle(data: bytes, reason: str) -> None:
    with pytest.raises(NoteError) as caught:
        checked(data)
    assert str(caught.value).startswith(
        f"this is no evidence bundle (ledger/evidence/v1): {reason}"
    )


def test_a_bundle_is_written_in_one_way_only(room: Newsroom) -> None:
    data = room.bundle(room.edited)
    checked(data)
    entry = str(room.edited).encode()
    backwards = json.dumps(dict(reversed(json.loads(data).items())), separators=(",", ":"))
    for other in (
        data.removesuffix(b"\n"),
        data + b"\n",
        b" " + data,
        msgspec.json.format(data, indent=2),
        data.replace(entry, entry.upper()),
        data.replace(entry, entry.replace(b"-", b"")),
        data.replace(b'"format":"ledger/evidence/v1",', b""),
        data.replace(b'{"format"', b'{"erasures":[],"format"'),
        data.replace("渡轮".encode(), b"\\u6e21\\u8f6e"),
        backwards.encode() + b"\n",
    ):
        assert other != data
        with pytest.raises(DoesNotHold, match=r"^the bundle is damaged"):
            checked(other)
    with pytest.raises(NoteError, match="unknown field `more`"):
        checked(data.replace(b'{"format"', b'{"more":1,"format"'))
