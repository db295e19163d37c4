"""The facade: what an embedding service sees."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from ledger import CreateEntry, EditEntry, Ledger, MergeEntry, RevertEntry, Source
from ledger.domain.events import EntryEdited
from ledger.errors import (
    AmbiguousEntry,
    CommandIdReused,
    Conflict,
    EntryClosed,
    EntryExists,
    EntryNotFound,
    InvalidInput,
    InvalidTime,
    NothingChanged,
    StoreNotFound,
    VersionNotFound,
)

DAY = date(2021, 3, 4)
NOON = datetime(2021, 3, 6, 12, tzinfo=UTC)
COURIER = Source("Ellery Courier", "https://courier.example/1")


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        yield opened


def at(hours: int) -> datetime:
    return NOON + timedelta(hours=hours)


def test_an_entry_is_created_edited_and_read(ledger: Ledger) -> None:
    created = ledger.create(DAY, "Barrier approved", actor="ana", sources=(COURIER,))
    edited = ledger.edit(created.entry, actor="ben", headline="Barrier rejected", reason="recount")

    shown = ledger.get(created.entry)
    assert (created.position, edited.position) == (1, 2)
    assert (shown.entry.headline, shown.entry.version) == ("Barrier rejected", 2)
    assert shown.entry.sources == (COURIER,)
    assert shown.path == "/news/2021/03/4/barrier-rejected"
    assert (shown.event.meta.actor, shown.event.meta.reason) == ("ben", "recount")
    assert shown.is_current
    assert shown.event == edited


def test_an_old_permalink_shows_its_version_and_names_the_current_one(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "Barrier approved", actor="ana").entry
    ledger.edit(entry, actor="ana", summary="By a vote.")
    ledger.edit(entry, actor="ana", headline="Barrier rejected")
    ledger.edit(entry, actor="ana", summary="By two votes.")

    old = ledger.at("/news/2021/03/4/barrier-approved.html")
    assert (old.entry.version, old.entry.summary) == (2, "By a vote.")
    assert not old.is_current
    assert (old.current_version, old.current_path) == (4, "/news/2021/03/4/barrier-rejected")
    assert ledger.at("/news/2021/03/04/barrier-rejected").entry.version == 4
    assert ledger.get("/news/2021/03/4/barrier-approved").entry.version == 4


def test_an_entry_is_found_by_prefix(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    other = ledger.create(date(2021, 3, 5), "Two", actor="ana").entry
    assert ledger.id_of(str(entry)) == ledger.id_of(entry.hex[:8]) == entry
    assert ledger.id_of("20210305-" + other.hex[8:10].upper()) == other
    with pytest.raises(AmbiguousEntry, match=str(other)):
        ledger.id_of("2021")
    for nothing in ("1999", "", "not hex", "f" * 33):
        with pytest.raises(EntryNotFound):
            ledger.id_of(nothing)
    with pytest.raises(EntryNotFound, match="no entry is or was at /news/2021/03/4/three"):
        ledger.at("/news/2021/03/4/three")
    with pytest.raises(EntryNotFound):
        ledger.get(uuid4())


def test_as_of_a_time_gives_the_highest_version_public_then(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana", published_at=at(0)).entry
    ledger.edit(entry, actor="ana", headline="Two", published_at=at(10))
    # Published earlier than the version before it: public no sooner than that one.
    ledger.edit(entry, actor="ana", headline="Three", published_at=at(5))
    ledger.edit(entry, actor="ana", headline="Four", published_at=at(20))

    def public(hours: float) -> int:
        return ledger.get(entry, as_of=NOON + timedelta(hours=hours)).entry.version

    assert [public(0), public(9.9), public(10), public(19.9), public(20)] == [1, 1, 3, 3, 4]
    with pytest.raises(VersionNotFound, match="was not public yet at 2021-03-06 11:59:00 UTC"):
        ledger.get(entry, as_of=NOON - timedelta(minutes=1))


def test_known_at_a_time_cuts_the_log_first(ledger: Ledger) -> None:
    first = ledger.create(DAY, "One", actor="ana", published_at=at(0))
    second = ledger.edit(first.entry, actor="ana", headline="Two", published_at=at(1))
    entry, a_moment = first.entry, timedelta(microseconds=1)

    assert ledger.get(entry, known_at=first.recorded_at).entry.headline == "One"
    assert ledger.get(entry, known_at=second.recorded_at).entry.headline == "Two"
    known = second.recorded_at - a_moment
    assert ledger.get(entry, as_of=at(2)).entry.headline == "Two"
    assert ledger.get(entry, as_of=at(2), known_at=known).entry.headline == "One"
    with pytest.raises(VersionNotFound, match="the ledger knew nothing"):
        ledger.get(entry, known_at=first.recorded_at - a_moment)
    with pytest.raises(InvalidInput, match="a version or for a time"):
        ledger.get(entry, version=1, as_of=at(2))
    with pytest.raises(InvalidInput, match="no time zone"):
        ledger.get(entry, as_of=datetime(2021, 3, 6, 12))  # noqa: DTZ001


def test_versions_are_read_whole(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana", topic="Harbour").entry
    ledger.edit(entry, actor="ana", topic=None)
    assert ledger.get(entry, version=1).entry.topic == "Harbour"
    assert ledger.get(entry, version=2).entry.topic is None
    for version in (0, -1, 3):
        with pytest.raises(VersionNotFound, match="it has 1 to 2"):
            ledger.get(entry, version=version)


def test_a_conflict_says_what_changed_meanwhile(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "Five dead", actor="ana").entry
    ledger.edit(entry, actor="ben", headline="Six dead", topic="Harbour")
    with pytest.raises(Conflict) as caught:
        ledger.edit(entry, actor="ana", headline="Four dead", expected_version=1)
    assert (caught.value.expected, caught.value.actual) == (1, 2)
    assert "headline: [-Five-]{+Six+} dead" in str(caught.value)
    assert "topic: {+Harbour+}" in str(caught.value)
    assert ledger.get(entry).entry.version == 2
    with pytest.raises(Conflict, match="at version 2, not at 7"):
        ledger.edit(entry, actor="ana", headline="Four dead", expected_version=7)
    assert ledger.edit(entry, actor="a", headline="Four dead", expected_version=2).version == 3


def test_the_same_command_twice_is_stored_once(ledger: Ledger) -> None:
    create = CreateEntry(actor="ana", date=DAY, headline="One")
    first = ledger.execute([create])
    edit = EditEntry(actor="ana", entry=first[0].entry, headline="Two")
    second = ledger.execute([edit])
    ledger.edit(first[0].entry, actor="ben", headline="Three")

    assert ledger.execute([create]) == first
    assert ledger.execute([edit, create]) == second + first
    assert ledger.application.log.head().position == 3
    reused = EditEntry(actor="ana", entry=first[0].entry, headline="Four", id=edit.id)
    with pytest.raises(CommandIdReused, match=str(edit.id)):
        ledger.execute([reused])
    assert ledger.get(first[0].entry).entry.headline == "Three"


def test_the_same_command_twice_in_one_transaction_is_stored_once(ledger: Ledger) -> None:
    create = CreateEntry(actor="ana", date=DAY, headline="One")
    entry = ledger.execute([create, create])[0].entry
    edit = EditEntry(actor="ana", entry=entry, headline="Two")
    assert [event.version for event in ledger.execute([edit, create, edit])] == [2, 1, 2]
    assert ledger.application.log.head().position == 2


def test_execute_is_all_or_nothing(ledger: Ledger) -> None:
    one = CreateEntry(actor="ana", date=DAY, headline="One")
    entry = ledger.execute([one])[0].entry
    with pytest.raises(NothingChanged):
        ledger.execute(
            [
                CreateEntry(actor="ana", date=DAY, headline="Two"),
                EditEntry(actor="ana", entry=entry, headline="Uno"),
                EditEntry(actor="ana", entry=entry, headline="Uno"),
            ]
        )
    assert ledger.application.log.head().position == 1
    assert ledger.execute([]) == []


def test_commands_of_one_transaction_see_each_other(ledger: Ledger) -> None:
    create = CreateEntry(actor="ana", date=DAY, headline="One")
    other = CreateEntry(actor="ana", date=DAY, headline="Other")
    entry = ledger.execute([create])[0].entry
    events = ledger.execute(
        [
            EditEntry(actor="ana", entry=entry, headline="Two"),
            EditEntry(actor="ana", entry=entry, headline="Three"),
            RevertEntry(actor="ana", entry=entry, to_version=2),
            other,
        ]
    )
    assert [(event.version, event.position) for event in events] == [
        (2, 2),
        (3, 3),
        (4, 4),
        (1, 5),
    ]
    assert ledger.get(entry).entry.headline == "Two"
    merge = MergeEntry(actor="ana", entry=entry, into=events[3].entry)
    last = EditEntry(actor="ana", entry=entry, headline="Late")
    with pytest.raises(EntryClosed, match="merged into"):
        ledger.execute([merge, last])
    assert ledger.get(entry).entry.status == "active"


def test_the_life_of_an_entry(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "One", actor="ana").entry
    other = ledger.create(DAY, "Other", actor="ana").entry
    ledger.edit(entry, actor="ben", headline="Two")
    ledger.revert(entry, 1, actor="ana", reason="was right")
    ledger.correct(entry, "The count was nine.", "clarification", actor="ana")
    ledger.retract(entry, actor="eve", reason="court")
    with pytest.raises(EntryClosed, match="is retracted: it cannot be edited"):
        ledger.edit(entry, actor="ben", headline="Three")
    ledger.reinstate(entry, actor="eve")
    ledger.merge(entry, other, actor="ana")

    shown = ledger.get(entry).entry
    assert (shown.status, shown.merged_into, shown.headline) == ("merged", other, "One")
    assert [(c.kind, c.text, c.version) for c in shown.corrections] == [
        ("clarification", "The count was nine.", 4)
    ]
    assert [type(event.data).__name__ for event in ledger.history(entry)] == [
        "EntryCreated",
        "EntryEdited",
        "EntryEdited",
        "CorrectionPublished",
        "EntryRetracted",
        "EntryReinstated",
        "EntryMerged",
    ]
    reverted = ledger.history(entry)[2].data
    assert isinstance(reverted, EntryEdited)
    assert reverted.reverts_to == 1
    assert [c.label for c in ledger.changes(entry)] == [
        "First version",
        "Update",
        "Current version",
    ]
    assert len(ledger.changes(entry, all_versions=True)) == 7
    assert [e.entry.id for e in ledger.entries(status="merged")] == [entry]


def test_diff_and_blame(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "Five dead in fire", actor="ana", summary="At the pier.").entry
    ledger.edit(entry, actor="ben", headline="Six dead in fire")
    ledger.edit(entry, actor="eve", summary="At the old pier.")

    assert [d.field for d in ledger.diff(entry)] == ["summary"]
    assert [d.field for d in ledger.diff(entry, 1)] == ["headline", "slug", "summary"]
    assert [d.field for d in ledger.diff(entry, 2, 1)] == ["headline", "slug"]
    assert "date" in [d.field for d in ledger.diff(entry, b=1)]
    with pytest.raises(VersionNotFound):
        ledger.diff(entry, 0, 2)

    blame = ledger.blame(entry)
    words = {w.text: (w.version, w.actor) for w in (*blame.headline, *blame.summary)}
    assert words["Six"] == (2, "ben")
    assert words["dead"] == (1, "ana")
    assert words["old"] == (3, "eve")
    assert "".join(w.text for w in blame.summary) == "At the old pier."


def test_entries_are_listed_by_what_they_are(ledger: Ledger) -> None:
    one = ledger.create(DAY, "One", actor="a", topic="Harbour", contexts=("Ines",)).entry
    two = ledger.create(date(2021, 3, 5), "Two", actor="a", contexts=("Ines", "Ferry")).entry
    ledger.retract(two, actor="a")

    def ids(**wanted: object) -> list[UUID]:
        return [item.entry.id for item in ledger.entries(**wanted)]  # type: ignore[arg-type]

    assert ids() == [one, two]
    assert ids(day=DAY) == ids(topic="Harbour") == ids(status="active") == [one]
    assert ids(context="Ferry") == ids(status="retracted", context="Ines") == [two]
    assert ids(context="Nobody") == []


def test_events_between_two_times(ledger: Ledger) -> None:
    events = [ledger.create(DAY, f"Number {n}", actor="a") for n in range(5)]
    second, fourth = events[1].recorded_at, events[3].recorded_at
    assert [e.position for e in ledger.events_between(second, fourth)] == [2, 3, 4]
    assert [e.position for e in ledger.events_between(second, None, reverse=True)] == [5, 4, 3, 2]
    assert list(ledger.events_between(None, None)) == events
    assert list(ledger.events(after=3, upto=4)) == events[3:4]


def test_what_is_refused_leaves_nothing(ledger: Ledger, url: str) -> None:
    with pytest.raises(InvalidInput):
        ledger.create(DAY, " ", actor="ana")
    with pytest.raises(InvalidTime):
        ledger.create(date(2999, 1, 1), "Later", actor="ana")
    with pytest.raises(StoreNotFound):
        ledger.entries()
    with pytest.raises(EntryNotFound):
        ledger.execute([EditEntry(actor="a", entry=uuid4(), headline="x")])
    ledger.create(DAY, "One", actor="ana", entry=UUID(int=1))
    with pytest.raises(EntryExists):
        ledger.create(DAY, "Two", actor="ana", entry=UUID(int=1))


def test_init_keeps_the_identity(ledger: Ledger) -> None:
    identity = ledger.init("harbour.example/ledger")
    assert ledger.init("another") == identity
    assert identity.origin == "harbour.example/ledger"
    assert len(identity.id) == 32


def test_threads_share_one_ledger(ledger: Ledger) -> None:
    entry = ledger.create(DAY, "Start", actor="a").entry
    errors: list[Exception] = []

    def work(name: str) -> None:
        try:
            for n in range(25):
                ledger.edit(entry, actor=name, headline=f"{name} {n}")
                assert ledger.get(entry).entry.version >= n + 2
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    history = ledger.history(entry)
    assert [event.version for event in history] == list(range(1, 202))
    for n in range(8):
        mine = [e.data for e in history if e.meta.actor == f"t{n}"]
        headlines = [d.headline for d in mine if isinstance(d, EntryEdited)]
        assert headlines == [f"t{n} {k}" for k in range(25)]
