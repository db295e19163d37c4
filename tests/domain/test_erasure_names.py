"""Which names an erasure takes, and what older programs wrote that would tell of the text."""

from __future__ import annotations

import pytest

from ledger.domain.erasure import NAME, notice
from ledger.domain.events import EntryEdited, Erasure, Meta, Remains
from ledger.errors import NothingChanged
from tests.conftest import NOW
from tests.domain.blanking import NOTHING, Log, erase, refused
from tests.domain.scenario import COMMAND, ENTRY, HEADLINE, create, edit


def test_names_go_alone() -> None:
    log = Log(create(id=COMMAND, reason="Ann saw it", minor=True, basis="listed"))
    done = log.erase(1, text=False, names=True)
    nameless = Meta(actor=NAME, published_at=NOW, command=COMMAND, basis="listed", minor=True)
    assert (done.gone, done.kept, done.contents, done.metas) == ({}, (), (), (1,))
    assert done.remains == (Remains(version=1, stays=EntryEdited(inferred=()), meta=nameless),)
    event = log.events()[0]
    assert event.meta == nameless
    assert event.erased == Erasure(2, text=False, names=True, restated=True)
    assert log.version(ENTRY, 1).headline == HEADLINE
    refused(log, erase(1, text=False, names=True), NothingChanged, f"version 1 {NOTHING}")


@pytest.mark.parametrize("first", [{"names": True}, {"text": False, "names": True}, {}])
def test_text_and_names_go_together_or_one_after_the_other(first: dict[str, bool]) -> None:
    log = Log(create(), edit(topic="Lee"), edit(topic="Sea"))
    log.erase(2, **first)
    if first != {"names": True}:
        log.erase(2, text="text" in first, names=not first)
    event = log.events()[1]
    assert event.data == EntryEdited(topic=notice(event.erased.position if event.erased else 0))
    assert event.meta.actor == NAME
    position = 4 if first == {"names": True} else 6
    assert event.erased == Erasure(position, True, True, fields=("topic",), restated=True)


def test_a_digest_in_the_meta_goes_with_the_text_and_the_names_stay() -> None:
    log = Log(create())
    older = log.when(edit(topic="Lee", reason="Ann saw it", id=COMMAND), older=True)
    assert older.meta.digest
    log.when(edit(topic="Sea"))
    done = log.erase(2)
    meta = Meta(actor="ann", reason="Ann saw it", published_at=NOW, command=COMMAND)
    assert (done.gone, done.contents, done.metas) == ({2: ("topic",)}, (2,), (2,))
    assert done.remains == (Remains(version=2, gone=("topic",), meta=meta),)
    event = log.events()[1]
    assert event.meta == meta
    assert event.erased == Erasure(4, True, False, fields=("topic",), restated=True)
    # An erasure of another version still tells who it was; one of the names does not.
    log.when(edit(topic="Pier"))
    log.erase(3)
    assert log.events()[1].meta == meta
    assert log.erase(2, text=False, names=True).metas == (2,)
    assert log.events()[1].meta == Meta(actor=NAME, published_at=NOW, command=COMMAND)
    assert log.events()[1].erased == Erasure(9, True, True, fields=("topic",), restated=True)


def test_a_digest_in_the_meta_stays_where_the_text_does() -> None:
    log = Log(create())
    older = log.when(edit(topic="Lee"), older=True)
    log.when(edit(topic="Sea"))
    done = log.erase(3, text=False, names=True)
    assert done.metas == (3,)
    assert log.events()[1].meta == older.meta
