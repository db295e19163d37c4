"""Checkpoints: the bytes that are signed, and which bodies are none."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.audit.checkpoints import Checkpoint, parse_checkpoint
from ledger.errors import NoteError

ROOT = bytes(range(224, 256))
IN_BASE64 = "4OHi4+Tl5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9/v8="
BODY = f"harbour.example/news\n70007\n{IN_BASE64}\n"
CHECKPOINT = Checkpoint("harbour.example/news", 70_007, ROOT)

NO_CHECKPOINT = "the note tells no checkpoint: an origin, a size, a root"


def refusal(body: str) -> str:
    with pytest.raises(NoteError) as caught:
        parse_checkpoint(body)
    return str(caught.value)


def test_the_body_is_three_lines_exactly() -> None:
    assert b64encode(ROOT).decode() == IN_BASE64
    assert CHECKPOINT.body == BODY
    assert parse_checkpoint(BODY) == CHECKPOINT


def test_a_log_without_events_has_a_checkpoint() -> None:
    empty = Checkpoint("a", 0, ROOT)
    assert empty.body == f"a\n0\n{IN_BASE64}\n"
    assert parse_checkpoint(empty.body) == empty


def test_further_lines_are_kept_in_order() -> None:
    body = BODY + "z a word \n\u2014 a AAAAAAA=\n7\n"
    found = parse_checkpoint(body)
    assert found.extensions == ("z a word ", "\u2014 a AAAAAAA=", "7")
    assert (found.origin, found.size, found.root) == ("harbour.example/news", 70_007, ROOT)
    assert found.body == body


@pytest.mark.parametrize("origin", ["Port Ellery's news", "a+b", "ä.example/\u2028x", " "])
def test_the_origin_is_any_line(origin: str) -> None:
    found = parse_checkpoint(BODY.replace("harbour.example/news", origin))
    assert found == Checkpoint(origin, 70_007, ROOT)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\n",
        "a",
        "a\n",
        "a\n1\n",
        f"1\n{IN_BASE64}\n",
        f"\n1\n{IN_BASE64}\n",
        f"a\n\n{IN_BASE64}\n",
        "a\n1\n\n",
        f"a\n\n1\n{IN_BASE64}\n",
        f"{BODY}\n",
        f"{BODY}\nmore\n",
        f"{BODY}more\n\n",
    ],
)
def test_a_body_of_too_few_lines_or_with_an_empty_one_is_refused(body: str) -> None:
    assert refusal(body) == NO_CHECKPOINT


def test_a_body_that_does_not_end_its_last_line_is_refused() -> None:
    assert refusal(BODY.removesuffix("\n")) == NO_CHECKPOINT
    assert refusal(f"{BODY}more") == NO_CHECKPOINT


@pytest.mark.parametrize(
    "size",
    [
        "-1",
        "+1",
        "00",
        "01",
        "0x1",
        "1.0",
        "1e3",
        "1_000",
        " 1",
        "1 ",
        "1\r",
        "one",
        "\u0661",
        "\u00b2",
        "1" + "0" * 18,
        "9" * 5000,
    ],
)
def test_a_size_that_is_no_number_is_refused(size: str) -> None:
    message = refusal(f"a\n{size}\n{IN_BASE64}\n")
    assert message == f"the checkpoint's size is {size!r}, which is no number"


@pytest.mark.parametrize("size", [1, 9, 10, 2**31, 2**53 + 1, 10**18 - 1])
def test_sizes_are_exact(size: int) -> None:
    found = parse_checkpoint(f"a\n{size}\n{IN_BASE64}\n")
    assert found.size == size
    assert found.body == f"a\n{size}\n{IN_BASE64}\n"


@pytest.mark.parametrize(
    "root",
    [
        "x",
        ROOT.hex(),
        IN_BASE64[:-1],
        IN_BASE64 + "=",
        IN_BASE64[4:],
        IN_BASE64[:-2] + "9=",  # bits that nothing says
        IN_BASE64.replace("/", "_"),
        IN_BASE64.replace("+", "-"),
        " " + IN_BASE64,
        IN_BASE64 + " ",
        IN_BASE64 + "\r",
        b64encode(ROOT[:31]).decode(),
        b64encode(ROOT + b"\0").decode(),
    ],
)
def test_a_root_that_is_no_hash_is_refused(root: str) -> None:
    message = refusal(f"a\n1\n{root}\n")
    assert message == f"the checkpoint's root is {root!r}, which is no hash"


LINES = st.text(st.characters(blacklist_categories=("Cc", "Cs")), min_size=1)


@settings(max_examples=100, deadline=None)
@given(
    st.builds(
        Checkpoint,
        LINES,
        st.integers(0, 10**18 - 1),
        st.binary(min_size=32, max_size=32),
        st.lists(LINES).map(tuple),
    )
)
def test_any_checkpoint_comes_back(checkpoint: Checkpoint) -> None:
    assert parse_checkpoint(checkpoint.body) == checkpoint


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["a", "0", "12", "01", IN_BASE64, "", "\r"])), st.booleans())
def test_any_body_tells_one_checkpoint_in_one_way(parts: list[str], ended: bool) -> None:
    body = "\n".join(parts) + "\n" * ended
    try:
        found = parse_checkpoint(body)
    except NoteError:
        return
    assert found.body == body
