"""Every attack of the workshop is found, at many places: with the right kind and position."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

import pytest

from ledger import Ledger
from ledger.audit.findings import Verification
from ledger.store.rows import Row
from tests.audit.evidence import ORIGIN
from tests.audit.workshop import ATTACKS, alter, size
from tests.stores import Store

EVENTS = 150


class Sound(NamedTuple):
    """A log, and what was kept elsewhere of it.

    Attributes:
        rows: Its events.
        checkpoints: Checkpoints, by their size: early ones, and one of all events.
    """

    rows: list[Row]
    checkpoints: dict[int, bytes]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    random = Random(7)
    entries: list[UUID] = []
    folder = tmp_path_factory.mktemp("sound")
    with Ledger.open(f"sqlite:///{folder}/news.db?synchronous=normal") as ledger:
        ledger.init(ORIGIN)
        for number in range(EVENTS):
            if number % 4 == 0:
                day = date(2026, 1, 1) + timedelta(days=number % 9)
                made = ledger.create(day, f"Ferry {number}", summary="It sails.", actor="Ann")
                entries.append(made.entry)
            else:
                said = f"It sails at {number}."
                ledger.edit(random.choice(entries), summary=said, actor="Ben")
        return Sound(
            ledger.application.log.read(0, EVENTS),
            {n: ledger.audit.checkpoint(n).body.encode() for n in (20, 100, EVENTS)},
        )


@pytest.fixture
def copy(sound: Sound, store: Store) -> Store:
    """A store of these events, and of views that know them."""
    with Ledger.open(store.url) as ledger:
        ledger.init(ORIGIN)
        ledger.application.log.load(sound.rows)
        ledger.views.status()
    return store


def mend(copy: Store, sound: Sound) -> None:
    """Have the events of the sound log again, and no others."""
    with copy.log() as db:
        db.execute("DELETE FROM events")
        db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", sound.rows)


def verified(copy: Store, *checkpoints: bytes, with_views: bool = False) -> Verification:
    with Ledger.open(copy.url) as ledger:
        return ledger.audit.verify(checkpoints, with_views=with_views)


def told(found: Verification) -> list[tuple[str, int | None, int | None]]:
    return [(one.kind, one.position, one.upto) for one in found.findings]


def places(name: str, number: int = 25) -> Iterator[int]:
    yield from (1, EVENTS)
    random = Random(name)
    yield from (random.randrange(2, EVENTS) for _ in range(number - 2))


def test_the_store_is_sound_before_it_is_attacked(sound: Sound, copy: Store) -> None:
    found = verified(copy, *sound.checkpoints.values(), with_views=True)
    assert (found.sound, found.size, found.findings, found.notes[1:]) == (True, EVENTS, (), ())
    assert [(one.size, one.holds) for one in found.checkpoints] == [
        (20, True),
        (100, True),
        (EVENTS, True),
    ]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_found_with_a_checkpoint_and_without(
    sound: Sound, copy: Store, name: str
) -> None:
    random = Random(name)
    for at in places(name, 25 if copy.kind == "sqlite" else 4):
        with copy.log() as db:
            expected = ATTACKS[name](db, at, random)
        for checkpoints in ((), (sound.checkpoints[EVENTS],)):
            found = verified(copy, *checkpoints)
            kinds = {one.kind for one in found.findings}
            positions = [one.position for one in found.findings]
            assert kinds == {expected.kind}, (at, checkpoints, found.findings)
            assert expected.position in positions, (at, checkpoints, found.findings)
            # Two events change places, all else happens to one.
            assert len(positions) == (2 if name == "swap" else 1), found.findings
            assert [one.holds for one in found.checkpoints] == [False] * len(checkpoints)
        mend(copy, sound)


@pytest.mark.parametrize("name", [name for name in ATTACKS if name not in {"truncate", "blank"}])
def test_an_altered_event_is_named_with_its_entry_and_version(copy: Store, name: str) -> None:
    with Ledger.open(copy.url) as ledger:
        (event,) = ledger.events(66, 67)
    with copy.log() as db:
        expected = ATTACKS[name](db, 67, Random(1))
    (finding, *_) = (f for f in verified(copy).findings if f.position == expected.position)
    if name not in {"insert", "swap"}:
        assert (finding.entry, finding.version) == (event.entry, event.version)
    assert finding.entry is not None


def rewritten(copy: Store, at: int) -> None:
    """Alter an event, and have every hash that tells of it made anew."""
    with copy.log() as db:
        (content,) = db.execute("SELECT content FROM events WHERE position = ?", (at,)).fetchone()
        changed = content.replace(b"sails", b"sinks")
        assert changed != content
        db.execute("UPDATE events SET content = ? WHERE position = ?", (changed, at))
    copy.drop_views()
    with Ledger.open(copy.url) as ledger:
        ledger.rebuild()


@pytest.mark.parametrize("at", sorted({*places("rewritten", 8)}))
def test_a_log_that_was_rewritten_whole_is_found_by_a_checkpoint_alone(
    sound: Sound, copy: Store, at: int
) -> None:
    rewritten(copy, at)
    without = verified(copy, with_views=True)
    assert (without.sound, told(without)) == (True, [])
    assert without.notes[0] == (
        "no checkpoint was given: whoever can write the store could have rewritten all of it, "
        "every hash too, and it would not show"
    )
    found = verified(copy, *sound.checkpoints.values())
    low = max((n + 1 for n in sound.checkpoints if n < at), default=1)
    high = min(n for n in sound.checkpoints if n >= at)
    assert told(found)[0] == ("forked", low, high)
    assert [one.holds for one in found.checkpoints] == [n < at for n in sound.checkpoints]


def test_a_tail_that_was_cut_off_with_all_hashes_is_found_by_a_checkpoint_alone(
    sound: Sound, copy: Store
) -> None:
    with copy.log() as db:
        db.execute("DELETE FROM events WHERE position > 90")
    copy.drop_views()
    assert verified(copy, with_views=True).sound
    assert told(verified(copy, sound.checkpoints[EVENTS])) == [("truncated", 91, EVENTS)]
    assert verified(copy, sound.checkpoints[20]).sound


def test_a_store_that_was_rolled_back_is_found_by_a_later_checkpoint(
    sound: Sound, copy: Store
) -> None:
    restore = copy.keep()
    with Ledger.open(copy.url) as ledger:
        for number in range(5):
            ledger.create(date(2026, 2, 1), f"Today {number}", actor="Ann")
        today = ledger.audit.checkpoint().body.encode()
    assert verified(copy, today).sound
    restore()
    assert told(verified(copy, today)) == [("truncated", 151, 155)]
    # The log alone, put back under the views of today, is found without a checkpoint.
    assert told(verified(copy)) == [("truncated", 151, 155)]


def test_a_log_that_went_on_otherwise_is_forked(sound: Sound, copy: Store) -> None:
    copy.drop_views()
    with copy.log() as db:
        db.execute("DELETE FROM events WHERE position > 120")
    with Ledger.open(copy.url) as ledger:
        for number in range(60):
            ledger.create(date(2026, 2, 1), f"Another {number}", actor="Mallory")
    found = verified(copy, sound.checkpoints[100], sound.checkpoints[EVENTS])
    assert told(found)[0] == ("forked", 101, EVENTS)


def test_an_old_row_that_was_put_back_into_a_view_is_drift(copy: Store) -> None:
    with Ledger.open(copy.url) as ledger:
        entry = next(iter(ledger.events())).entry
        ledger.edit(entry, headline="Ferry sinks", actor="Ann")
        ledger.views.status()
    with copy.views() as db:
        db.execute("UPDATE changes SET headline = 'Ferry 0' WHERE headline = 'Ferry sinks'")
    assert verified(copy).sound
    found = verified(copy, with_views=True)
    assert {one.kind for one in found.findings} == {"view drift"}
    assert [one.message.split(":")[0] for one in found.findings] == [
        "changes changes, surplus",
        "changes changes, missing",
    ]


def test_a_stored_tree_that_was_changed_is_drift_where_a_checkpoint_says_so(
    sound: Sound, copy: Store
) -> None:
    with copy.views() as db:
        db.execute(f"UPDATE edge SET hash = x'{bytes(32).hex()}' WHERE level = 0 AND number = 66")
    assert told(verified(copy, sound.checkpoints[EVENTS])) == [("view drift", 67, None)]
    # Without one, nobody can say which of the two it was.
    assert told(verified(copy)) == [("altered", 67, None)]


def test_several_attacks_are_all_found(sound: Sound, copy: Store) -> None:
    random = Random(3)
    with copy.log() as db:
        ATTACKS["insert"](db, 120, random)
        ATTACKS["delete and close"](db, 90, random)
        alter("content")(db, 30, random)
        ATTACKS["delete"](db, 10, random)
        last = size(db)
    assert last == EVENTS
    assert told(verified(copy, sound.checkpoints[EVENTS])) == [
        ("missing", 10, None),
        ("altered", 30, None),
        ("missing", 90, None),
        ("inserted", 119, None),
    ]


def test_a_block_that_is_gone_is_one_finding(copy: Store) -> None:
    with copy.log() as db:
        db.execute("DELETE FROM events WHERE position BETWEEN 40 AND 59")
    assert told(verified(copy)) == [("missing", 40, 59)]


@pytest.mark.usefixtures("log")
def test_a_type_that_is_no_text_is_found(copy: Store) -> None:
    with copy.log() as db:
        db.execute("UPDATE events SET type = CAST(x'ff4564' AS TEXT) WHERE position = 77")
    assert told(verified(copy)) == [("altered", 77, None)]


def test_content_that_came_back_after_an_erasure_is_found(copy: Store) -> None:
    with Ledger.open(copy.url) as ledger:
        entry = ledger.create(date(2026, 2, 1), "Ferry", summary="Secret.", actor="Ann").entry
        ledger.edit(entry, summary="Public.", actor="Ann")
        with copy.log() as db:
            (content,) = db.execute("SELECT content FROM events WHERE position = 151").fetchone()
        ledger.erase(entry, [1], "A court", reason="order 1", actor="Ann")
        checkpoint = ledger.audit.checkpoint().body.encode()
    found = verified(copy, checkpoint)
    assert (found.sound, found.erased) == (True, {151: 153})
    with copy.log() as db:
        db.execute("UPDATE events SET content = ? WHERE position = 151", (content,))
    assert told(verified(copy, checkpoint)) == [("altered", 151, None)]
    with copy.log() as db:
        db.execute(f"UPDATE events SET content = x'{bytes(40).hex()}' WHERE position = 151")
    assert told(verified(copy, checkpoint)) == [("altered", 151, None)]
    # An erasure that names another digest is altered itself, and so is what it names.
    with copy.log() as db:
        db.execute("UPDATE events SET content = x'' WHERE position = 151")
        (said,) = db.execute("SELECT content FROM events WHERE position = 153").fetchone()
        at = said.index(b"@151 content ") + len(b"@151 content ")
        other = said[:at] + bytes([said[at] ^ 1]) + said[at + 1 :]
        db.execute("UPDATE events SET content = ? WHERE position = 153", (other,))
    assert told(verified(copy, checkpoint)) == [("altered", 151, None), ("altered", 153, None)]
