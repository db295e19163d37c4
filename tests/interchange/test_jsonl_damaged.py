"""Files in JSON Lines that are damaged or forged: one clear line, and what was sound stays."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger, loading
from ledger.audit.merkle import root_of
from ledger.errors import DoesNotHold, InvalidInput, LedgerError, Refused
from ledger.interchange import jsonl
from ledger.store.leaf import Digest, leaf_hash
from ledger.store.places import shown
from tests.stores import Store

DAY = date(2021, 3, 4)
Lines = list[dict[str, Any]]


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    """The lines of a file of six events: what the third said was erased, as the last two say."""
    out = io.BytesIO()
    with Ledger.open(f"sqlite:///{tmp_path}/source.db") as ledger:
        ledger.init("harbour.example/news")
        entry = ledger.create(DAY, "Ferry", summary="Late.", actor="Ann").entry
        ledger.create(DAY, "Tide", actor="Ann")
        ledger.edit(entry, summary="Very late.", actor="Ben")
        ledger.edit(entry, summary="On time.", actor="Ben")
        ledger.erase(entry, [2], "Court of Lee", actor="Dee", reason="ordered")
        ledger.exports.jsonl(out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def ledger(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A ledger that is not there yet; two events go into a transaction."""
    monkeypatch.setattr(loading, "BATCH", 2)
    with Ledger.open(store.url) as opened:
        yield opened


def packed(lines: Lines) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def refused(ledger: Ledger, file: bytes, message: str, error: type[LedgerError]) -> None:
    with pytest.raises(error) as caught:
        ledger.import_jsonl(io.BytesIO(file))
    assert caught.type is error
    assert str(caught.value) == message


def wrong(ledger: Ledger, store: Store, file: bytes, message: str, stored: int = 0) -> None:
    """Hold a file to be refused with this message, and these events to be there."""
    if stored:
        message += f"; stored are the events up to {stored}: a sound file goes on behind them"
    else:
        message += "; nothing was stored"
    refused(ledger, file, message, InvalidInput)
    assert store.exists() or not stored
    if store.exists():
        assert len(ledger.application.log.read(0, 100)) == stored
    if stored:
        with pytest.raises(Refused):
            ledger.promote()


def goes_on(ledger: Ledger, lines: Lines, stored: int) -> None:
    """Hold that the sound file is taken after all."""
    report = ledger.import_jsonl(io.BytesIO(packed(lines)))
    assert (report.stored, report.end, report.root) == (6 - stored, 6, lines[-1]["root"])
    assert ledger.audit.head().root == lines[-1]["root"]
    assert ledger.audit.verify().sound
    ledger.promote()


def resealed(line: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return an event's line with other fields, and the leaf hash of what they say."""
    changed = line | fields
    row = jsonl._row(json.loads(json.dumps(changed), object_pairs_hook=jsonl._object))
    return changed | {"leaf": leaf_hash(row).hex()}


Damage = Callable[[Lines], bytes]


def replaced(number: int, **fields: Any) -> Damage:
    return lambda lines: packed(
        [line | fields if n == number else line for n, line in enumerate(lines, 1)]
    )


def without(number: int, *keys: str) -> Damage:
    return lambda lines: packed(
        [
            {key: line[key] for key in line if n != number or key not in keys}
            for n, line in enumerate(lines, 1)
        ]
    )


def raw(number: int, line: bytes) -> Damage:
    return lambda lines: packed(lines[: number - 1]) + line + packed(lines[number:])


# (what was done, the message, how many events are stored then)
DAMAGES: dict[str, tuple[Damage, str, int]] = {
    "empty": (
        lambda _: b"",
        "line 1: it is empty, and no log in JSON Lines",
        -1,
    ),
    "another format": (
        lambda _: b'{"feed": []}\n',
        'line 1: it is no header: it does not say "format": "ledger-jsonl"',
        -1,
    ),
    "no object": (lambda _: b"[1]\n", "line 1: it is no JSON object", -1),
    "compressed": (
        lambda lines: gzip.compress(packed(lines)),
        "line 1: it is not UTF-8; decompress what is compressed",
        -1,
    ),
    "another version": (
        replaced(1, version=2),
        "line 1: the format has version 2, this program reads 1",
        -1,
    ),
    "no ledger": (without(1, "ledger"), "line 1: it does not say of which `ledger` it is", -1),
    "an id that is none": (
        replaced(1, ledger={"id": "0F" * 16, "origin": "a", "created_at": 1}),
        "line 1: `id` is not 32 lower-case hexadecimal digits",
        -1,
    ),
    "an origin that nobody can sign under": (
        replaced(1, ledger={"id": "0f" * 16, "origin": "a b", "created_at": 1}),
        "line 1: 'a b' cannot be a key's name: no spaces, no plus sign",
        -1,
    ),
    "a negative time": (
        replaced(1, ledger={"id": "0f" * 16, "origin": "a", "created_at": -1}),
        "line 1: `created_at` is no whole number from 0 to 2^63 - 1",
        -1,
    ),
    "a position that is true": (
        replaced(1, after=True),
        "line 1: `after` is no whole number from 0 to 2^63 - 1",
        -1,
    ),
    "a short root": (
        replaced(1, root="00"),
        "line 1: `root` is not 64 lower-case hexadecimal digits",
        -1,
    ),
    "another root before": (
        replaced(1, root="00" * 32),
        (
            "line 1: the store {store} holds other events up to 0 than the log that the file goes "
            "on with"
        ),
        -1,
    ),
    "begins too late": (
        replaced(1, after=1),
        (
            "the file goes on behind event 1, and the store {store} ends at 0: import first what "
            "comes before"
        ),
        -1,
    ),
    "no UTF-8": (raw(3, b'{"position": "\xff"}\n'), "line 3: it is not UTF-8", 0),
    "no JSON": (
        raw(5, b'{"position": }\n'),
        "line 5: no JSON: Expecting value, at character 14",
        2,
    ),
    "a key twice": (
        raw(5, b'{"position": 3, "meta": {"a": 1, "a": 2}}\n'),
        "line 5: the key 'a' is twice",
        2,
    ),
    "no number": (
        raw(5, b'{"position": 3, "meta": {"a": NaN}}\n'),
        "line 5: NaN is no number",
        2,
    ),
    "cut short in a line": (
        lambda lines: packed(lines[:4])[:-9],
        "line 4: the file was cut short in it",
        2,
    ),
    "cut short between two lines": (
        lambda lines: packed(lines[:6]),
        "line 7: the file was cut short: it has no trailer",
        4,
    ),
    "a line is missing": (
        lambda lines: packed(lines[:3] + lines[4:]),
        "line 4: event 4 stands where event 3 belongs",
        2,
    ),
    "a line is there twice": (
        lambda lines: packed([*lines[:4], lines[3], *lines[4:]]),
        "line 5: event 3 stands where event 4 belongs",
        2,
    ),
    "another text": (
        lambda lines: packed([*lines[:2], lines[2] | {"content": {}}, *lines[3:]]),
        "line 3: event 2 is not the one that its leaf hash stands for",
        0,
    ),
    "another time": (
        replaced(4, recorded_at="2031-03-04T08:00:00Z"),
        "line 4: event 3 is not the one that its leaf hash stands for",
        2,
    ),
    "no leaf hash": (
        without(4, "leaf"),
        "line 4: event 3 is not the one that its leaf hash stands for",
        2,
    ),
    "a time before": (
        lambda lines: packed(
            [*lines[:3], resealed(lines[3], recorded_at="1999-03-04T08:00:00Z"), *lines[4:]]
        ),
        "line 4: event 3 was recorded before the one that it follows",
        2,
    ),
    "a time of no zone": (
        replaced(3, recorded_at="2021-03-04"),
        "line 3: `recorded_at` has no time zone",
        0,
    ),
    "no time": (replaced(3, recorded_at=7), "line 3: `recorded_at` is no text", 0),
    "no id": (
        replaced(3, entry="ferry"),
        "line 3: badly formed hexadecimal UUID string",
        0,
    ),
    "a type of two lines": (
        replaced(3, type="A\nB"),
        "line 3: 'A\\nB' names no type of events",
        0,
    ),
    "a huge number": (
        replaced(3, version=2**63),
        "line 3: `version` is no whole number from 0 to 2^63 - 1",
        0,
    ),
    "no content": (
        without(3, "content"),
        "line 3: `content` has to be there in one form, and is in 0",
        0,
    ),
    "two contents": (
        replaced(3, content_bytes=""),
        "line 3: `content` has to be there in one form, and is in 2",
        0,
    ),
    "no base64": (
        lambda lines: packed(
            [*lines[:2], {**_less(lines[2], "meta"), "meta_bytes": "*"}, *lines[3:]]
        ),
        "line 3: Only base64 data is allowed",
        0,
    ),
    "a version that jumps": (
        lambda lines: packed([*lines[:3], resealed(lines[3], version=4), *lines[4:]]),
        "line 4: version 4 of entry {entry} stands behind version 1",
        2,
    ),
    "an entry that begins late": (
        lambda lines: packed([*lines[:2], resealed(lines[2], version=2), *lines[3:]]),
        "line 3: version 2 of entry {other} stands behind version 0",
        0,
    ),
    "an erasure of what comes later": (
        lambda lines: packed(
            [
                *lines[:5],
                resealed(
                    lines[5], content={"authority": "me", "blanked": [f"@9 meta {'0' * 64}"]}
                ),
                *lines[6:],
            ]
        ),
        "lines 6 to 7: the store refuses them: ledger: there is no event 9 to blank",
        4,
    ),
    "a wrong count": (
        replaced(8, events=7),
        "line 8: it counts 7 events up to 6, but the last of 6 was 6",
        6,
    ),
    "more behind the end": (
        lambda lines: packed([*lines, lines[-1]]),
        "line 9: there is more behind the trailer",
        6,
    ),
}


def _less(line: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: line[key] for key in line if key not in {name, f"{name}_salt"}}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_told_of_in_a_line(
    ledger: Ledger, store: Store, lines: Lines, name: str
) -> None:
    damage, message, stored = DAMAGES[name]
    message = message.format(
        store=shown(ledger.application.url), entry=lines[1]["entry"], other=lines[2]["entry"]
    )
    if stored < 0:
        refused(ledger, damage(lines), message, InvalidInput)
        assert not store.exists()
    else:
        wrong(ledger, store, damage(lines), message, stored)
    goes_on(ledger, lines, max(stored, 0))


def test_a_gigantic_line_is_not_read_to_its_end(
    ledger: Ledger, store: Store, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = max(len(line) for line in packed(lines).splitlines(keepends=True))
    monkeypatch.setattr(jsonl, "MOST", longest)
    file = packed(lines[:4]) + b"[" * 100 * longest
    wrong(ledger, store, file, f"line 5: it has more than {longest:,} bytes", 2)
    goes_on(ledger, lines, 2)


def test_nesting_without_end(ledger: Ledger, store: Store, lines: Lines) -> None:
    file = packed(lines[:4]) + b"[" * 100_000 + b"\n"
    with pytest.raises(InvalidInput, match=r"^line 5: .*recursion.*; stored are the events up to"):
        ledger.import_jsonl(io.BytesIO(file))
    goes_on(ledger, lines, 2)


def test_a_root_that_is_not_that_of_the_events(ledger: Ledger, store: Store, lines: Lines) -> None:
    root, place = lines[-1]["root"], shown(ledger.application.url)
    refused(
        ledger,
        packed([*lines[:-1], lines[-1] | {"root": "00" * 32}]),
        f"line 8: the tree up to event 6 has the root {'00' * 32} there, and {root} in the store "
        f"{place}: the file is not what was exported; do not promote what it has made",
        DoesNotHold,
    )
    with pytest.raises(Refused):
        ledger.promote()
    goes_on(ledger, lines, 6)


def test_a_digest_that_the_erasure_does_not_name(
    ledger: Ledger, store: Store, lines: Lines
) -> None:
    """The file is sound by itself, and says that something else was erased."""
    forged = lines[:]
    forged[3] = resealed(lines[3], content_erased="ab" * 32)
    root = root_of(bytes.fromhex(line["leaf"]) for line in forged[1:-1])
    forged[-1] = lines[-1] | {"root": root.hex()}
    with pytest.raises(DoesNotHold, match=r"^line 8: the tree up to event 6 has the root"):
        ledger.import_jsonl(io.BytesIO(packed(forged)))
    assert not any(isinstance(row.content, Digest) for row in ledger.application.log.read(0, 9))
