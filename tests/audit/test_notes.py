"""Signed notes: what a stranger's tool reads and writes, what is refused, and how."""

from __future__ import annotations

from base64 import b64decode, b64encode
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.audit.notes import (
    COSIGNATURE,
    ED25519,
    Note,
    Signature,
    Verifier,
    encode_note,
    parse_note,
    parse_verifier,
    public_of,
    sign,
    signed_at,
    verify,
)
from ledger.errors import BadSignature, NoteError, UnknownKey
from tests.audit import stranger

TEXT = "harbour.example/news\n3\nV2hhdCBhIHJvb3QgbG9va3MgbGlrZSwgMzIgYnl0ZXM=\n"
SECRET, WITNESS_SECRET = bytes(range(32)), bytes(range(100, 132))
LOG = Verifier("harbour.example/news", ED25519, stranger.public_of(SECRET))
WITNESS = Verifier("witness.example", COSIGNATURE, stranger.public_of(WITNESS_SECRET))
SOME = datetime(2024, 5, 1, 12, 0, 7, 900_000, tzinfo=UTC)
SECONDS = 1_714_564_807

# The note that the documentation of Go's package `note` verifies.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
).encode()


def signed(text: str = TEXT) -> Note:
    return Note(text, (sign(text, LOG, SECRET),))


def both() -> Note:
    return Note(TEXT, (sign(TEXT, LOG, SECRET), sign(TEXT, WITNESS, WITNESS_SECRET, SOME)))


def refusal(data: bytes) -> str:
    with pytest.raises(NoteError) as caught:
        parse_note(data)
    return str(caught.value)


NO_NOTE = "this is no signed note: a text, an empty line, and signatures"


def test_the_note_of_go_verifies() -> None:
    neumann = parse_verifier(NEUMANN)
    note = parse_note(NEUMANN_NOTE)
    assert note.text.splitlines()[1] == "then you don't know what your problem is."
    assert verify(note, [neumann]) == (neumann,)
    assert (neumann.name, neumann.kind, neumann.key_id.hex()) == ("PeterNeumann", 1, "c74f20a3")
    assert str(neumann) == NEUMANN
    assert encode_note(note) == NEUMANN_NOTE
    assert stranger.opened(NEUMANN_NOTE, NEUMANN) == (note.text.encode(), None)


def test_a_stranger_accepts_what_is_signed_here() -> None:
    assert stranger.opened(encode_note(signed()), str(LOG)) == (TEXT.encode(), None)
    assert stranger.opened(encode_note(both()), str(LOG)) == (TEXT.encode(), None)
    assert stranger.opened(encode_note(both()), str(WITNESS)) == (TEXT.encode(), SECONDS)


def test_the_bytes_are_those_that_a_stranger_writes() -> None:
    assert encode_note(both()) == b"".join(
        (
            TEXT.encode() + b"\n",
            stranger.signature_line(TEXT, LOG.name, 1, SECRET),
            stranger.signature_line(TEXT, WITNESS.name, 4, WITNESS_SECRET, SECONDS),
        )
    )
    assert str(LOG) == stranger.verifier_key(LOG.name, 1, LOG.public)
    assert str(WITNESS) == stranger.verifier_key(WITNESS.name, 4, WITNESS.public)
    assert public_of(SECRET) == LOG.public


def test_what_a_stranger_signs_is_accepted() -> None:
    data = (TEXT + "\n").encode() + stranger.signature_line(TEXT, "a", 1, WITNESS_SECRET)
    data += stranger.signature_line(TEXT, "b", 4, SECRET, 2**63)
    first = parse_verifier(stranger.verifier_key("a", 1, stranger.public_of(WITNESS_SECRET)))
    second = parse_verifier(stranger.verifier_key("b", 4, stranger.public_of(SECRET)))
    note = parse_note(data)
    assert verify(note, [second, first]) == (first, second)
    assert signed_at(note.signatures[1]) == 2**63
    assert encode_note(note) == data


def test_a_witness_signs_the_time_in_whole_seconds() -> None:
    signature = sign(TEXT, WITNESS, WITNESS_SECRET, SOME)
    assert signed_at(signature) == SECONDS
    assert signature.value[:8] == SECONDS.to_bytes(8, "big")
    assert len(signature.value) == 72
    later = Signature(signature.name, signature.key_id, b"\0" * 7 + b"\1" + signature.value[8:])
    with pytest.raises(BadSignature, match=r"^the signature of witness\.example does not hold$"):
        verify(Note(TEXT, (later,)), [WITNESS])


def test_a_signature_of_one_kind_is_none_of_the_other() -> None:
    plain = Verifier(WITNESS.name, ED25519, WITNESS.public)
    assert plain.key_id != WITNESS.key_id
    by_plain, by_witness = sign(TEXT, plain, WITNESS_SECRET), both().signatures[1]
    for key, value in ((WITNESS, by_plain.value), (plain, by_witness.value)):
        with pytest.raises(BadSignature):
            verify(Note(TEXT, (Signature(key.name, key.key_id, value),)), [key])
        with pytest.raises(BadSignature):
            verify(Note(TEXT, (Signature(key.name, key.key_id, value[-64:]),)), [key])


@pytest.mark.parametrize("key", [LOG, WITNESS], ids=lambda key: key.name)
def test_every_bit_that_is_changed_is_found(key: Verifier) -> None:
    secret = SECRET if key is LOG else WITNESS_SECRET
    data = encode_note(Note(TEXT, (sign(TEXT, key, secret, SOME),)))
    for at in range(len(data) * 8):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        with pytest.raises((NoteError, BadSignature, UnknownKey)):
            verify(parse_note(bytes(changed)), [key])


def test_every_bit_that_is_changed_under_two_signatures_costs_one_at_least() -> None:
    data = encode_note(both())
    ends = [data.index(b"\n", data.index(dash)) for dash in (b"\xe2\x80\x94 h", b"\xe2\x80\x94 w")]
    kept = []
    for at in range(len(data) * 8):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        try:
            found = verify(parse_note(bytes(changed)), [LOG, WITNESS])
        except (NoteError, BadSignature, UnknownKey):
            continue
        # It hit a name or a key's id, so the line is now that of somebody unknown.
        assert found == ((WITNESS,) if at // 8 < ends[0] else (LOG,))
        assert at // 8 > len(TEXT)
        kept.append(at // 8)
    assert {at > ends[0] for at in kept} == {True, False}


def test_signatures_of_others_are_passed_over() -> None:
    assert verify(both(), [LOG, WITNESS]) == (LOG, WITNESS)
    assert verify(both(), [WITNESS, LOG]) == (LOG, WITNESS)
    assert verify(both(), [LOG]) == (LOG,)
    assert verify(both(), [WITNESS]) == (WITNESS,)
    rubbish = Signature("nobody", b"1234", b"!")
    note = Note(TEXT, (rubbish, *both().signatures, rubbish))
    assert verify(parse_note(encode_note(note)), [WITNESS]) == (WITNESS,)


def test_who_signs_twice_has_signed() -> None:
    twice = Note(TEXT, signed().signatures * 2)
    assert verify(twice, [LOG]) == (LOG,)


def test_a_known_keys_bad_signature_is_refused_beside_good_ones() -> None:
    good = both().signatures
    for at in (0, 1):
        bad = Signature(good[at].name, good[at].key_id, good[at].value[:-1] + b"\0")
        for signatures in ((bad, good[1 - at]), (good[1 - at], bad), (*good, bad)):
            with pytest.raises(
                BadSignature, match=rf"^the signature of {bad.name} does not hold$"
            ):
                verify(Note(TEXT, signatures), [LOG, WITNESS])


@pytest.mark.parametrize("value", [b"\0", b"\0" * 8, b"\0" * 63, b"\0" * 65, b"\0" * 73])
@pytest.mark.parametrize("key", [LOG, WITNESS], ids=lambda key: key.name)
def test_a_signature_of_the_wrong_length_does_not_hold(key: Verifier, value: bytes) -> None:
    with pytest.raises(BadSignature):
        verify(Note(TEXT, (Signature(key.name, key.key_id, value),)), [key])


def test_a_signature_with_more_behind_it_does_not_hold() -> None:
    for key, signature in zip((LOG, WITNESS), both().signatures, strict=True):
        longer = Signature(signature.name, signature.key_id, signature.value + b"\0")
        with pytest.raises(BadSignature):
            verify(Note(TEXT, (longer,)), [key])


def test_a_note_that_no_known_key_signed_names_those_who_did() -> None:
    who = "signed by harbour.example/news, witness.example"
    twin = Verifier(LOG.name, ED25519, WITNESS.public)
    for keys in ([], [twin], [Verifier("other", ED25519, LOG.public)]):
        with pytest.raises(UnknownKey, match=rf"^none of the keys given has signed: {who}$"):
            verify(both(), keys)
    assert verify(both(), [twin, LOG]) == (LOG,)


def test_the_last_empty_line_parts_text_and_signatures() -> None:
    text = "one\n\ntwo\n\n\u2014 harbour.example/news AAAAAAAA\n\n"
    note = signed(text)
    assert encode_note(note).startswith(text.encode() + b"\n\xe2\x80\x94 ")
    assert parse_note(encode_note(note)) == note
    assert verify(parse_note(encode_note(note)), [LOG]) == (LOG,)
    assert stranger.opened(encode_note(note), str(LOG)) == (text.encode(), None)


def test_a_line_that_is_put_between_is_not_what_was_signed() -> None:
    data = encode_note(signed())
    with pytest.raises(BadSignature):
        verify(parse_note(data.replace(b"\n\n", b"\n\n\n")), [LOG])
    with pytest.raises(BadSignature):
        verify(parse_note(data.replace(b"3\n", b"3\n\n")), [LOG])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        b"a text\n",
        b"a text\n\n",
        TEXT.encode(),
        b"\n\n\xe2\x80\x94 a AAAAAAA=\n",
        b"\n\xe2\x80\x94 a AAAAAAA=\n",
        b"no line feed\xe2\x80\x94 a AAAAAAA=\n",
        encode_note(signed())[:-1],
        encode_note(signed()) + b"\n",
        *(encode_note(signed(f"a{chr(code)}b\n")) for code in range(32) if code != 10),
        encode_note(signed()).replace(b"\n", b"\r\n"),
        encode_note(signed()).replace(b"\xe2\x80\x94 h", b"\xe2\x80\x94\th"),
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    assert refusal(data) == NO_NOTE


@pytest.mark.parametrize(
    "line",
    [
        "a",
        "a ",
        " AAAAAAA=",
        "a AAAAAAA= ",
        "a  AAAAAAA=",
        " a AAAAAAA=",
        "a b AAAAAAA=",
        "a+b AAAAAAA=",
        "a\u00a0b AAAAAAA=",
        "a\u2028b AAAAAAA=",
        "a AAAAAAAA=",  # too much padding
        "a AAAAAAA",  # too little
        "a AAAAAAB=",  # bits that nothing says
        "a AAAA=AAA",
        "a AAAAAA==",  # nothing but a key's id
        "a AAA=",
        "a AAAA_AA=",
        "a \u0661AAAAAA=",
        "a AAAAAAA=\u2028",
    ],
)
def test_what_is_no_signature_is_refused(line: str) -> None:
    whole = f"\u2014 {line}"
    good = "\u2014 b " + b64encode(b"1234567").decode()
    for lines in ((whole,), (good, whole), (whole, good)):
        message = refusal("\n".join((TEXT, *lines, "")).encode())
        assert message == f"the note is damaged: {whole!r} is no signature"


@pytest.mark.parametrize("dash", ["-", "\u2013", "\u2014\u2014", "", "\u2014\u00a0"])
def test_a_signature_begins_with_a_dash_of_its_own(dash: str) -> None:
    line = f"{dash} a AAAAAAA="
    message = refusal(f"{TEXT}\n{line}\n".encode())
    assert message == f"the note is damaged: {line!r} is no signature"


def test_a_note_that_is_no_text_is_refused() -> None:
    message = refusal(b"\xff" + encode_note(signed()))
    assert message.startswith("the note is damaged: 'utf-8' codec can't decode byte 0xff")
    assert "\n" not in message


@pytest.mark.parametrize("text", [str(LOG), f" {LOG}\n", str(WITNESS)])
def test_a_verifier_key_is_read_with_space_around_it(text: str) -> None:
    assert str(parse_verifier(text)) == text.strip()


KEY = b64encode(b"\x01" + LOG.public).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "++",
        "a",
        "a+00000000",
        "a+00000000+",
        f"+00000000+{KEY}",
        f"a b+00000000+{KEY}",
        f"a\nb+00000000+{KEY}",
        f"a+b+00000000+{KEY}",
        f"a+00000000+{KEY}=",
        f"a+00000000+{KEY[:-4]}",
        f"a+00000000+{KEY}AAAA",
        f"a+00000000+{KEY[:-1]}_",
        f"a+00000000+{KEY[:4]} {KEY[4:]}",
        f"a+00000000+{KEY[:-1]}\u00e9",
        f"a+00000000+\u2014{KEY}",
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError) as caught:
        parse_verifier(text)
    assert str(caught.value) == f"{text!r} is no verifier key: name+hash+key"


def test_a_verifier_key_with_another_id_is_refused() -> None:
    right = LOG.key_id.hex()
    for wrong in ("00000000", right.upper(), right[:-1], right + "0", f"0x{right}", ""):
        with pytest.raises(NoteError) as caught:
            parse_verifier(f"{LOG.name}+{wrong}+{KEY}")
        assert str(caught.value) == (
            f"the verifier key of {LOG.name} is damaged: its hash is not {wrong}"
        )


@pytest.mark.parametrize("kind", [0, 2, 3, 5, 255])
def test_a_key_of_another_type_is_refused(kind: int) -> None:
    with pytest.raises(NoteError) as caught:
        parse_verifier(stranger.verifier_key("a", kind, LOG.public))
    assert str(caught.value) == f"the key of a is of type {kind}, which is not known here"


def test_every_bit_of_a_verifier_key_counts() -> None:
    for key in (LOG, WITNESS):
        data = str(key).encode()
        for at in range(len(data) * 8):
            changed = bytearray(data)
            changed[at // 8] ^= 1 << at % 8
            if changed.isascii():
                with pytest.raises(NoteError):
                    parse_verifier(changed.decode())


NAMES = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Zs", "Zl", "Zp"), blacklist_characters="+"),
    min_size=1,
)
SIGNATURES = st.builds(
    Signature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80)
)
TEXTS = st.lists(st.text(st.characters(blacklist_categories=("Cc", "Cs"))), min_size=1).map(
    lambda found: "".join(f"{line}\n" for line in found)
)
SECRETS = st.binary(min_size=32, max_size=32)


@settings(max_examples=100, deadline=None)
@given(TEXTS.filter(lambda text: text != "\n"), st.lists(SIGNATURES, min_size=1).map(tuple))
def test_any_note_comes_back(text: str, signatures: tuple[Signature, ...]) -> None:
    note = Note(text, signatures)
    assert parse_note(encode_note(note)) == note


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60) | st.text().map(str.encode))
def test_any_bytes_are_a_note_in_one_way_or_refused(data: bytes) -> None:
    for whole in (data, b"a\n\n" + data, encode_note(signed()) + data):
        with suppress(NoteError):
            assert encode_note(parse_note(whole)) == whole


@settings(max_examples=30, deadline=None)
@given(TEXTS.filter(lambda text: text != "\n"), NAMES, SECRETS, st.integers(0, 2**33))
def test_any_text_is_signed_and_verified_as_by_a_stranger(
    text: str, name: str, secret: bytes, seconds: int
) -> None:
    for kind in (ED25519, COSIGNATURE):
        key = Verifier(name, kind, public_of(secret))
        assert parse_verifier(str(key)) == key
        at = datetime.fromtimestamp(seconds, UTC)
        data = encode_note(Note(text, (sign(text, key, secret, at),)))
        when = seconds if kind == COSIGNATURE else None
        assert stranger.opened(data, str(key)) == (text.encode(), when)
        line = stranger.signature_line(text, name, kind, secret, when)
        assert data == text.encode() + b"\n" + line
        assert verify(parse_note(data), [key]) == (key,)
        assert b64decode(line.split(b" ")[2])[:4] == key.key_id
