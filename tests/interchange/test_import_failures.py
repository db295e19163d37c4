"""Importing what is not as it should be: failures, strict runs, notes, and other writers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.domain.commands import Command
from ledger.domain.entry import NewsEntry
from ledger.domain.events import RecordedEvent
from ledger.domain.values import Layout, Source
from ledger.errors import EntryClosed, ImportFailed, InvalidInput
from ledger.interchange.pages import import_pages
from ledger.pages.markdown import render
from ledger.pages.model import Page
from tests.conftest import NOW
from tests.interchange.conftest import Importer
from tests.interchange.site import (
    ACTOR,
    at,
    count,
    history,
    open_ledger,
    page,
    related,
    said,
    write,
)

GOOD = page("Bridge", "bridge", topic="Harbour")
TEXT = render(GOOD)
SOURCED = render(replace(GOOD, sources=(Source("Gazette", "https://gazette.example"),)))
RENAMED = render(replace(GOOD, changes=history(("A", "a"), ("B", "bridge"))))

BROKEN: dict[str, tuple[str | bytes, str]] = {
    "no page": ("Hello\n", ":1: a page begins with its date, as in ### [2014-02-13](/news/...)"),
    "no headline": (
        TEXT.replace("# Bridge", "Bridge"),
        ":7: the headline was expected, as in # Headline",
    ),
    "binary": (b"\x89PNG\0", ":1: it is a binary file, no page"),
    "encoding": (
        TEXT.encode().replace(b"Bridge", b"Br\xfccke"),
        ":7: it is not UTF-8 text; convert it first",
    ),
    "two headlines": (
        RENAMED,
        ":12: the current version in the Changes list has another headline",
    ),
    "url": (
        SOURCED.replace("https://gazette", "ftp://gazette"),
        (
            ": the address of a source 'ftp://gazette.example' is no http or https address "
            "without spaces"
        ),
    ),
    "unnamed source": (SOURCED.replace("Gazette", ""), ": the name of a source is empty"),
    "unnamed source with a picture": (
        SOURCED.replace("[Gazette](https://gazette.example)", "[](https://a.example) [IMG](b)"),
        ": the name of a source is empty",
    ),
    "future": (
        TEXT.replace("2014-02-13", "2044-02-13"),
        ": the date 2044-02-13 lies in the future",
    ),
    "prefix": (
        render(replace(GOOD, layout=Layout(prefix="https://site.example/news"))),
        ": the path prefix 'https://site.example/news' is not one such as /news or /zh/news",
    ),
    "control character": (
        TEXT.replace("Bridge", "Bri\vdge"),
        (
            ": the headline holds the control character U+000B at character 4; "
            "it must be one plain line"
        ),
    ),
    "future change": (
        render(replace(GOOD, changes=history(("A", "a"), ("Bridge", "bridge")))).replace(
            "2018-02-06", "2044-02-06"
        ),
        ": the publication time 2044-02-06 13:49:00 lies in the future",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_failure_is_named_and_the_rest_goes_on(
    take: Importer, ledger: Ledger, case: str
) -> None:
    content, complaint = BROKEN[case]
    report = take({"a.md": page("A1", "a1"), "bad.md": content, "z.md": page("Z", "z")})
    assert said(replace(report, notes=[])) == {
        "files": 3,
        "created": 2,
        "events": 2,
        "failures": [f"bad.md{complaint}"],
    }
    assert {item.entry.headline for item in ledger.entries()} == {"A1", "Z"}


@pytest.mark.parametrize("case", BROKEN)
def test_strict_stores_nothing(take: Importer, tmp_path: Path, case: str) -> None:
    content, complaint = BROKEN[case]
    with pytest.raises(ImportFailed) as caught:
        take({"a.md": page("A1", "a1"), "bad.md": content}, strict=True)
    assert str(caught.value) == f"bad.md{complaint}; nothing was stored"
    assert [path.name for path in tmp_path.iterdir()] == ["site-0"]


def test_strict_leaves_what_was_there(take: Importer, ledger: Ledger) -> None:
    take({"a.md": GOOD})
    with pytest.raises(ImportFailed):
        take({"a.md": replace(GOOD, summary="Now"), "b.md": "Hello"}, strict=True)
    assert count(ledger) == 1
    report = take({"a.md": replace(GOOD, summary="Now"), "b.md": page("B", "b")}, strict=True)
    assert said(report) == {"files": 2, "created": 1, "edited": 1, "events": 2}


def test_a_path_that_is_not_there_stores_nothing(ledger: Ledger, tmp_path: Path) -> None:
    folder = write(tmp_path / "site", {"a.md": GOOD})
    with pytest.raises(InvalidInput, match="missing is neither a file nor a folder"):
        ledger.import_pages([folder, tmp_path / "missing"], actor=ACTOR)
    assert not (tmp_path / "news.db").exists()


def test_indexes_are_skipped(take: Importer, ledger: Ledger) -> None:
    index = "## [2014-02-13](/news/2014/02/13/index.md)\n\n### [Bridge](/news/x.md)\n"
    report = take(
        {
            "index.md": "anything",
            "2014/README.md": b"\xff\0",
            "day.md": index,
            "front.txt": "\n## [News](/news/index.md)\n",
            "a.md": GOOD,
        },
        strict=True,
    )
    assert said(report) == {"files": 5, "indexes": 4, "created": 1, "events": 1}


def test_nothing_to_import(take: Importer, tmp_path: Path) -> None:
    tell: list[tuple[int, int]] = []
    assert said(take({"index.md": ""}, progress=lambda *step: tell.append(step))) == {
        "files": 1,
        "indexes": 1,
    }
    assert tell == []
    assert not (tmp_path / "news.db").exists()


# Notes

NOTED: dict[str, tuple[str, int]] = {
    "two spaces in formats": (TEXT.replace(")  [XML]", ") [XML]"), 2),
    "another day's path": (TEXT.replace("/2014/02/13/bridge.", "/2014/02/12/bridge."), 2),
    "no formats, but changes": (
        render(replace(GOOD, changes=history(("A", "a"), ("Bridge", "bridge")))).split("\n", 3)[3],
        9,
    ),
    "unpadded day": (TEXT.replace("2014-02-13", "2014-02-3").replace("/13/", "/3/"), 4),
    "one line too few": (SOURCED.replace("\n\n\n\n### S", "\n\n### S"), 10),
    "numbers": (SOURCED.replace("1. [G", "2. [G"), 14),
}


@pytest.mark.parametrize("case", NOTED)
def test_what_would_be_rendered_differently_is_noted(take: Importer, case: str) -> None:
    text, line = NOTED[case]
    report = take({"good.md": page("A1", "a1"), "noted.md": text})
    assert (report.created, report.failures) == (2, [])
    assert [str(note) for note in report.notes] == [
        f"noted.md:{line}: this line would be rendered differently"
    ]


def test_the_related_list_is_derived_and_not_noted(take: Importer) -> None:
    text = render(replace(GOOD, related=related("z", "Sea"))).replace("1. [About", "7. [About")
    assert said(take({"a.md": text})) == {"files": 1, "created": 1, "events": 1}


# How it goes


@pytest.mark.parametrize(
    ("strict", "steps"), [(False, [(2, 5), (4, 5), (5, 5)]), (True, [(5, 5)])]
)
def test_progress_is_told(
    take: Importer, monkeypatch: pytest.MonkeyPatch, strict: bool, steps: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr("ledger.interchange.pages.PAGES_A_TRANSACTION", 2)
    told: list[tuple[int, int]] = []
    pages = {f"{n}.md": page(f"Bridge {n}", f"bridge-{n}") for n in range(5)}
    take({**pages, "index.md": ""}, strict=strict, progress=lambda *step: told.append(step))
    assert told == steps


def test_a_file_that_goes_away_meanwhile(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.interchange.pages.PAGES_A_TRANSACTION", 1)
    folder = write(tmp_path / "site", {f"{s}.md": page(s.upper(), s) for s in "abc"})
    report = ledger.import_pages(
        [folder],
        actor=ACTOR,
        progress=lambda *_: (folder / "b.md").unlink(missing_ok=True),
    )
    assert said(report) == {
        "files": 3,
        "created": 2,
        "events": 2,
        "failures": ["b.md:1: it cannot be read: No such file or directory"],
    }


@pytest.mark.parametrize("strict", [False, True])
def test_one_page_under_two_names(take: Importer, ledger: Ledger, strict: bool) -> None:
    report = take({"a.md": GOOD, "copy/a.md": GOOD, "z.md": page("Z", "z")}, strict=strict)
    assert said(report) == {"files": 3, "created": 2, "unchanged": 1, "events": 2}


def test_one_folder_given_twice(ledger: Ledger, tmp_path: Path) -> None:
    folder = write(tmp_path / "site", {"a.md": GOOD})
    report = ledger.import_pages([folder, folder], actor=ACTOR)
    assert (report.created, report.events, count(ledger)) == (1, 1, 1)


# Other writers


class Meanwhile:
    """The ledger, in which something else happens just before the first pages are stored."""

    def __init__(self, ledger: Ledger, action: Callable[[], object]) -> None:
        self._ledger = ledger
        self._actions = [action]

    def execute(self, commands: Sequence[Command]) -> list[RecordedEvent]:
        if self._actions:
            self._actions.pop()()
        return self._ledger.execute(commands)

    def known(self, entry: UUID) -> NewsEntry | None:
        return self._ledger.known(entry)

    def headlines(self, entry: UUID) -> list[tuple[str, str]]:
        return self._ledger.headlines(entry)

    def owner(self, path: str, edition: str) -> UUID | None:
        return self._ledger.owner(path, edition)


PAGES: dict[str, Page | str | bytes] = {
    "a.md": replace(GOOD, changes=history(("A", "a"), ("Bridge", "bridge"))),
    "b.md": page("B", "b"),
}


def test_another_import_of_the_same_pages(url: str, ledger: Ledger, tmp_path: Path) -> None:
    folder = write(tmp_path / "site", PAGES)
    other = write(tmp_path / "other", {f"x/{name}": text for name, text in PAGES.items()})
    with open_ledger(url) as second:
        target = Meanwhile(ledger, lambda: second.import_pages([other], actor="other"))
        report = import_pages(target, [folder], actor=ACTOR, now=NOW)
        assert said(report) == {"files": 2, "unchanged": 2}
        assert {event.meta.actor for event in second.events()} == {"other"}
        assert count(second) == 3


@pytest.mark.parametrize("strict", [False, True])
def test_an_entry_that_is_retracted_meanwhile(
    url: str, ledger: Ledger, tmp_path: Path, strict: bool
) -> None:
    write(tmp_path / "site", {"b.md": page("B", "b")})
    ledger.import_pages([tmp_path / "site"], actor=ACTOR)
    folder = write(tmp_path / "site", {"a.md": GOOD, "b.md": page("B", "b", summary="Now")})
    with open_ledger(url) as second:
        target = Meanwhile(ledger, lambda: second.retract(at("b"), actor="ada"))
        if strict:
            with pytest.raises(EntryClosed):
                import_pages(target, [folder], actor=ACTOR, now=NOW, strict=True)
            assert count(second) == 2
            return
        report = import_pages(target, [folder], actor=ACTOR, now=NOW)
        entry = second.get(at("b")).entry
    assert said(report) == {
        "files": 2,
        "created": 1,
        "events": 1,
        "failures": [
            f"b.md: entry {entry.id} is retracted: it cannot be edited before it is reinstated"
        ],
    }
    assert (entry.version, entry.summary) == (2, None)
