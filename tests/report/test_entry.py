"""The report on an entry: its complete life, and how far it can be proved."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.audit import keys
from ledger.audit.checkpoints import Checkpoint
from ledger.audit.keys import Signer
from ledger.audit.notes import Note
from ledger.domain.diffs import diff_entries
from ledger.domain.entry import at_version
from ledger.errors import BadSignature, EntryNotFound, NoteError, UnknownKey
from ledger.report.facts import ChangedFacts
from tests.report.newsroom import fill


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return keys.make(tmp_path / "desk.key", "harbour.example/news")


def test_every_version_with_all_that_is_known_of_it(ledger: Ledger) -> None:
    entries = fill(ledger)
    report = ledger.reports.entry(entries.vote)
    history = ledger.history(entries.vote)
    assert (report.entry, report.headline) == (
        entries.vote,
        "Port Ellery votes by 8 to 5; Ines Okafor goes.",
    )
    assert report.path == "/news/2021/03/1/port-ellery-votes-by-8-to-5-ines-okafor-goes"
    assert (report.status, report.merged_into, report.language) == ("active", None, "en")
    assert [note.text for note in report.corrections] == ["It was eight."]
    assert [
        (one.version, one.position, one.actor, one.reason, one.minor, one.published_at)
        for one in report.versions
    ] == [
        (e.version, e.position, e.meta.actor, e.meta.reason, e.meta.minor, e.meta.published_at)
        for e in history
    ]
    assert [one.recorded_at for one in report.versions] == [e.recorded_at for e in history]
    before = None
    for one in report.versions:
        now = at_version(history, one.version)
        assert one.differences == diff_entries(before, now)
        before = now
    assert [one.version for one in report.versions if one.silent] == [6]
    assert report.versions[5].facts == ChangedFacts(names_new=("Ines Okafor",))
    assert [one.flips for one in report.versions] == [(), (), (), (), ("topic",), (), (), ()]
    assert [one.version for one in report.versions if one.sources] == [6]
    assert (report.versions[2].type, report.versions[2].correction) == (
        "CorrectionPublished",
        "correction",
    )
    assert report.versions[0].path == "/news/2021/03/1/port-ellery-votes-by-7-to-5"
    assert [one.covered for one in report.versions] == [False] * 8
    assert report.findings.silent_edits.total == 1


def test_the_edition_s_own_path_and_language(ledger: Ledger) -> None:
    report = ledger.reports.entry(fill(ledger).storm)
    assert (report.language, report.path) == ("zh", "/zh/news/2021/03/2/渡轮将停航四天")
    assert report.versions[0].path == "/zh/news/2021/03/2/渡轮停航三天"


def test_what_was_reverted_inferred_and_erased(ledger: Ledger) -> None:
    entry = ledger.create(date(2021, 3, 1), "Tide", inferred=("headline",), actor="ana").entry
    ledger.edit(entry, summary="Mara", actor="ana")
    ledger.revert(entry, 1, actor="ana")
    ledger.erase(entry, [2], "the court", actor="counsel", reason="her name", names=True)
    report = ledger.reports.entry(entry)
    assert [one.reverts_to for one in report.versions] == [None, None, 1, None, None]
    assert [one.inferred for one in report.versions[:3]] == [("headline",)] * 3
    assert report.inferred == ("headline",)
    erased = report.versions[1].erased
    assert erased is not None
    assert (erased.position, erased.text, erased.names, erased.fields) == (
        4,
        True,
        True,
        ("summary",),
    )
    assert (report.versions[1].actor, report.versions[1].reason) == ("[erased]", None)
    assert [one.authority for one in report.findings.erasures.items] == ["the court"]
    assert [d.words[0].text for d in report.versions[1].differences] == [
        "[erased, as event 4 says]"
    ]


def test_a_checkpoint_that_holds_covers_what_was_there(ledger: Ledger, signer: Signer) -> None:
    entries = fill(ledger)
    early, late = (ledger.audit.sign(ledger.audit.checkpoint(n), [signer]) for n in (5, 8))
    report = ledger.reports.entry(
        entries.vote, [("early", early), ("late", late)], [signer.verifier]
    )
    proof = report.heading.proof
    assert (proof.size, proof.root, proof.covered) == (13, ledger.audit.head().root, 8)
    assert [(one.file, one.size, one.signers, one.problem) for one in proof.checkpoints] == [
        ("early", 5, ("harbour.example/news",), None),
        ("late", 8, ("harbour.example/news",), None),
    ]
    assert proof.checkpoints[0].root == ledger.audit.head(5).root
    assert [one.covered for one in report.versions] == [True] * 6 + [False] * 2


def test_a_checkpoint_that_does_not_hold_is_reported(ledger: Ledger, signer: Signer) -> None:
    entries = fill(ledger)
    good = ledger.audit.sign(ledger.audit.checkpoint(4), [signer])
    other = ledger.audit.sign(Checkpoint("harbour.example/news", 8, bytes(32)), [signer])
    ahead = ledger.audit.sign(Checkpoint("harbour.example/news", 14, bytes(32)), [signer])
    kept = [("good", good), ("other", other), ("ahead", ahead)]
    proof = ledger.reports.entry(entries.vote, kept, [signer.verifier]).heading.proof
    assert proof.covered == 4
    holds, altered, missing = (one.problem for one in proof.checkpoints)
    assert holds is None
    assert altered == (
        "the first 8 events of the log are not those that the checkpoint tells of: at least one "
        "was altered, dropped, inserted or moved"
    )
    assert missing == (
        "the checkpoint tells of 14 events, the log has 13: events are missing at its end, or "
        "the checkpoint is of another copy"
    )


def test_a_note_that_says_nothing_is_refused(
    ledger: Ledger, signer: Signer, tmp_path: Path
) -> None:
    entries = fill(ledger)
    note = ledger.audit.sign(ledger.audit.checkpoint(), [signer])
    stranger = keys.make(tmp_path / "other.key", "other.example")
    with pytest.raises(UnknownKey):
        ledger.reports.entry(entries.vote, [("it", note)], [stranger.verifier])
    forged = Note(note.text.replace("13", "12"), note.signatures)
    with pytest.raises(BadSignature):
        ledger.reports.archive(checkpoints=[("it", forged)], known=[signer.verifier])
    letter = Note("hello\n")
    with pytest.raises((NoteError, UnknownKey)):
        ledger.reports.archive(checkpoints=[("it", letter)], known=[signer.verifier])


def test_there_is_no_such_entry(ledger: Ledger) -> None:
    fill(ledger)
    with pytest.raises(EntryNotFound, match="no entry has an id that begins with '1999'"):
        ledger.reports.entry("1999")
