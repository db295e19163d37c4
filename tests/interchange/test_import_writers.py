"""Importing while others write to the same ledger, or while the store fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.domain.commands import Command
from ledger.domain.decide import Decided
from ledger.domain.events import EntryEdited, RecordedEvent
from ledger.errors import ImportFailed, StoreFull
from ledger.importing import ImportTarget
from ledger.interchange.pages import import_pages
from ledger.pages.model import Page
from ledger.service import CommandHandler
from tests.conftest import NOW
from tests.interchange.conftest import Importer
from tests.interchange.site import (
    ACTOR,
    at,
    count,
    history,
    open_ledger,
    page,
    plain,
    related,
    said,
    write,
)
from tests.stores import Store

Pages = dict[str, Page | str | bytes]


class Meanwhile(ImportTarget):
    """The ledger, in which something else happens just before some pages are stored.

    Args:
        ledger: The ledger.
        action: What happens.
        after: How many transactions it waits for.
    """

    def __init__(self, ledger: Ledger, action: Callable[[], object], after: int = 0) -> None:
        handler = CommandHandler(ledger.application, lambda: NOW)
        super().__init__(handler, ledger.application, ledger.views)
        self.actions = [*(lambda: None for _ in range(after)), action]

    def execute(
        self, commands: Sequence[Command], decided: Mapping[UUID, Decided]
    ) -> list[tuple[RecordedEvent, bool]]:
        if self.actions:
            self.actions.pop(0)()
        return super().execute(commands, decided)


@pytest.fixture
def second(url: str, ledger: Ledger) -> Iterator[Ledger]:
    """The same ledger, opened by another writer."""
    with open_ledger(url) as opened:
        yield opened


GOOD = page("Bridge", "bridge", topic="Harbour")
PAGES: Pages = {
    "a.md": replace(GOOD, changes=history(("A", "a"), ("Bridge", "bridge"))),
    "b.md": page("B", "b"),
}


@pytest.mark.parametrize(
    ("actor", "prefix"),
    [
        pytest.param("other", "x/", id="from other files"),
        pytest.param("other", "", id="by somebody else"),
        pytest.param(ACTOR, "", id="to the letter"),
    ],
)
def test_another_import_of_the_same_pages(
    ledger: Ledger, second: Ledger, tmp_path: Path, actor: str, prefix: str
) -> None:
    folder = write(tmp_path / "site", PAGES)
    other = write(tmp_path / "other", {f"{prefix}{name}": text for name, text in PAGES.items()})
    target = Meanwhile(ledger, lambda: second.import_pages([other], actor=actor))
    report = import_pages(target, [folder], actor=ACTOR, now=NOW)
    # What the other one stored was not stored here.
    assert said(report) == {"files": 2, "unchanged": 2}
    assert {event.meta.actor for event in second.events()} == {actor}
    assert count(second) == 3


def test_another_import_of_one_of_the_pages(
    ledger: Ledger, second: Ledger, tmp_path: Path
) -> None:
    folder = write(tmp_path / "site", PAGES)
    target = Meanwhile(
        ledger, lambda: second.import_pages([folder / "a.md"], actor=ACTOR, strict=True)
    )
    report = import_pages(target, [folder], actor=ACTOR, now=NOW)
    assert said(report) == {"files": 2, "created": 1, "unchanged": 1, "events": 1}
    assert count(second) == 3


@pytest.mark.parametrize("strict", [False, True])
def test_an_entry_that_is_retracted_meanwhile(
    take: Importer, ledger: Ledger, second: Ledger, tmp_path: Path, strict: bool
) -> None:
    take({"b.md": page("B", "b")})
    id_ = ledger.get(at("b")).entry.id
    folder = write(tmp_path / "site", {"a.md": GOOD, "b.md": page("B", "b", summary="Now")})
    target = Meanwhile(ledger, lambda: second.retract(at("b"), actor="ada"))
    if strict:
        with pytest.raises(ImportFailed) as caught:
            import_pages(target, [folder], actor=ACTOR, now=NOW, strict=True)
        assert str(caught.value) == (
            f"entry {id_} is at version 2, not at 1 as expected; changed meanwhile: "
            "status: active -> retracted; nothing was stored"
        )
        assert count(second) == 2
        return
    report = import_pages(target, [folder], actor=ACTOR, now=NOW)
    assert said(report) == {
        "files": 2,
        "created": 1,
        "events": 1,
        "failures": [
            (
                f"{folder / 'b.md'}: entry {id_} is retracted: "
                "it cannot be edited before it is reinstated"
            )
        ],
    }
    entry = second.get(id_).entry
    assert (entry.version, entry.summary) == (2, None)


# Contexts that are learned while somebody else adds some

OWN: Pages = {"a.md": page("A", "a", topic="Town")}


@pytest.mark.parametrize("with_page", [False, True])
def test_contexts_that_another_writer_adds_meanwhile_stay(
    take: Importer, ledger: Ledger, second: Ledger, tmp_path: Path, with_page: bool
) -> None:
    take(OWN)
    linking: Pages = {"b.md": page("B", "b", related=related("a", "Sea"))}
    folder = write(tmp_path / "site", linking | OWN if with_page else linking)
    target = Meanwhile(ledger, lambda: second.edit(at("a"), add_contexts=("Moon",), actor="ada"))
    report = import_pages(target, [folder], actor=ACTOR, now=NOW)
    assert said(report) == {
        "files": 1 + with_page,
        "created": 1,
        "edited": 1,
        "events": 2,
    }
    _, theirs, learned = second.history(at("a"))
    assert plain(theirs) == EntryEdited(contexts=("Town", "Moon"))
    assert plain(learned) == EntryEdited(
        origin="a.md" if with_page else None, contexts=("Town", "Moon", "Sea")
    )
    assert learned.meta.minor


def test_what_another_writer_edits_meanwhile_stays(
    take: Importer, ledger: Ledger, second: Ledger, tmp_path: Path
) -> None:
    take(OWN)
    folder = write(tmp_path / "site", {"a.md": page("A", "a", topic="Town", summary="Soon")})
    target = Meanwhile(ledger, lambda: second.edit(at("a"), topic="City", actor="ada"))
    report = import_pages(target, [folder], actor=ACTOR, now=NOW)
    assert said(report) == {"files": 1, "edited": 1, "events": 1}
    assert plain(second.history(at("a"))[2]) == EntryEdited(origin="a.md", summary="Soon")
    assert second.get(at("a")).entry.topic == "City"


@pytest.mark.parametrize("strict", [False, True])
def test_an_entry_that_is_to_learn_is_retracted_meanwhile(
    take: Importer, ledger: Ledger, second: Ledger, tmp_path: Path, strict: bool
) -> None:
    take({**OWN, "z.md": page("Z", "z")})
    folder = write(
        tmp_path / "site",
        {"b.md": page("B", "b", related=(*related("a", "Sea"), *related("z", "Moon")))},
    )
    target = Meanwhile(ledger, lambda: second.retract(at("a"), actor="ada"))
    if strict:
        with pytest.raises(ImportFailed, match=r"; nothing was stored$"):
            import_pages(target, [folder], actor=ACTOR, now=NOW, strict=True)
        assert count(second) == 3
        return
    report = import_pages(target, [folder], actor=ACTOR, now=NOW)
    assert said(report) == {"files": 1, "created": 1, "edited": 1, "events": 2}
    assert second.get(at("a")).entry.contexts == ("Town",)
    assert second.get(at("z")).entry.contexts == ("Moon",)


def test_pages_and_lessons_are_one_transaction(
    take: Importer, ledger: Ledger, second: Ledger, tmp_path: Path
) -> None:
    """Of a strict run, another writer sees nothing before it sees all."""
    take(OWN)
    seen: list[int] = []
    folder = write(tmp_path / "site", {"b.md": page("B", "b", related=related("a", "Sea"))})
    target = Meanwhile(ledger, lambda: seen.append(count(second)))
    # Would look on before a second transaction, too.
    target.actions *= 2
    report = import_pages(target, [folder], actor=ACTOR, now=NOW, strict=True)
    assert said(report) == {"files": 1, "created": 1, "edited": 1, "events": 2}
    assert (seen, count(second)) == ([1], 3)


# A store that fails


def fail() -> None:
    raise StoreFull("the disk is full")


@pytest.mark.parametrize(
    ("after", "stored", "message"),
    [
        (0, 0, "the disk is full"),
        (1, 2, "the disk is full; 2 events of this run are stored: run it again to go on"),
        (2, 4, "the disk is full; 4 events of this run are stored: run it again to go on"),
    ],
)
def test_a_store_that_fails_in_the_middle(
    ledger: Ledger,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
    stored: int,
    message: str,
) -> None:
    monkeypatch.setattr("ledger.interchange.pages.PAGES_A_TRANSACTION", 2)
    folder = write(tmp_path / "site", {f"{s}.md": page(s.upper(), s) for s in "abcde"})
    with pytest.raises(StoreFull) as caught:
        import_pages(Meanwhile(ledger, fail, after), [folder], actor=ACTOR, now=NOW)
    assert str(caught.value) == message
    assert store.exists() == bool(stored)
    report = ledger.import_pages([folder], actor=ACTOR)
    unchanged = {"unchanged": stored} if stored else {}
    assert said(report) == {"files": 5, "created": 5 - stored, "events": 5 - stored, **unchanged}
