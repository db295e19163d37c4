"""Importing what is not as it should be: failures, strict runs, and notes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger import Ledger
from ledger.domain.values import Layout, Source
from ledger.errors import ImportFailed, InvalidInput
from ledger.pages.markdown import render
from tests.interchange.conftest import Importer
from tests.interchange.site import (
    ACTOR,
    at,
    count,
    history,
    page,
    related,
    said,
    write,
)
from tests.stores import Store

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


def short(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:57] + "...")


@pytest.mark.parametrize("case", BROKEN)
def test_a_failure_is_named_and_the_rest_goes_on(
    take: Importer, ledger: Ledger, tmp_path: Path, case: str
) -> None:
    content, complaint = BROKEN[case]
    report = take({"a.md": page("A1", "a1"), "bad.md": content, "z.md": page("Z", "z")})
    assert said(replace(report, notes=[])) == {
        "files": 3,
        "created": 2,
        "events": 2,
        "failures": [f"{tmp_path / 'site-0' / 'bad.md'}{complaint}"],
    }
    assert {item.entry.headline for item in ledger.entries()} == {"A1", "Z"}


@pytest.mark.parametrize("case", BROKEN)
def test_strict_stores_nothing(take: Importer, store: Store, tmp_path: Path, case: str) -> None:
    content, complaint = BROKEN[case]
    with pytest.raises(ImportFailed) as caught:
        take({"a.md": page("A1", "a1"), "bad.md": content}, strict=True)
    assert str(caught.value) == (
        f"{tmp_path / 'site-0' / 'bad.md'}{complaint}; nothing was stored"
    )
    assert not store.exists()


def test_strict_leaves_what_was_there(take: Importer, ledger: Ledger) -> None:
    take({"a.md": GOOD})
    with pytest.raises(ImportFailed):
        take({"a.md": replace(GOOD, summary="Now"), "b.md": "Hello"}, strict=True)
    assert count(ledger) == 1
    report = take({"a.md": replace(GOOD, summary="Now"), "b.md": page("B", "b")}, strict=True)
    assert said(report) == {"files": 2, "created": 1, "edited": 1, "events": 2}


def test_a_path_that_is_not_there_stores_nothing(
    ledger: Ledger, store: Store, tmp_path: Path
) -> None:
    folder = write(tmp_path / "site", {"a.md": GOOD})
    with pytest.raises(InvalidInput, match="missing cannot be read: No such file or directory"):
        ledger.import_pages([folder, tmp_path / "missing"], actor=ACTOR)
    assert not store.exists()


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


def test_nothing_to_import(take: Importer, store: Store) -> None:
    tell: list[tuple[int, int]] = []
    assert said(take({"index.md": ""}, progress=lambda *step: tell.append(step))) == {
        "files": 1,
        "indexes": 1,
    }
    assert tell == [(1, 2), (2, 2)]
    assert not store.exists()


# Notes

FORMATS = (
    "Formats: [HTML](/news/2014/02/{0}/bridge.html)  [JSON](/news/2014/02/{0}/bridge.json){1}"
    "[XML](/news/2014/02/{0}/bridge.xml)  "
)
NOTED: dict[str, tuple[str, int, str, str]] = {
    "two spaces in formats": (
        *(TEXT.replace(")  [XML]", ") [XML]"), 2),
        *(FORMATS.format(13, " "), FORMATS.format(13, "  ")),
    ),
    "another day's path": (
        *(TEXT.replace("/2014/02/13/bridge.", "/2014/02/12/bridge."), 2),
        *(FORMATS.format(12, "  "), FORMATS.format(13, "  ")),
    ),
    "no formats, but changes": (
        render(replace(GOOD, changes=history(("A", "a"), ("Bridge", "bridge")))).split("\n", 3)[3],
        *(9, "### Changes:", ""),
    ),
    "unpadded day": (
        TEXT.replace("2014-02-13", "2014-02-3").replace("/13/", "/3/"),
        4,
        "### [2014-02-3](/news/2014/02/3/index.md)",
        "### [2014-02-03](/news/2014/02/3/index.md)",
    ),
    "one line too few": (
        SOURCED.replace("\n\n\n\n### S", "\n\n### S"),
        *(10, "### Sources:", ""),
    ),
    "numbers": (
        *(SOURCED.replace("1. [G", "2. [G"), 14),
        *("2. [Gazette](https://gazette.example)", "1. [Gazette](https://gazette.example)"),
    ),
    "no line at the end": (f"{SOURCED}\n", 16, "", ""),
}


@pytest.mark.parametrize("case", NOTED)
def test_what_would_be_rendered_differently_is_noted(
    take: Importer, tmp_path: Path, case: str
) -> None:
    text, line, was, would_be = NOTED[case]
    report = take({"good.md": page("A1", "a1"), "noted.md": text})
    assert (report.created, report.failures) == (2, [])
    assert [str(note) for note in report.notes] == [
        (
            f"{tmp_path / 'site-0' / 'noted.md'}:{line}: "
            f"{short(was)} would be rendered as {short(would_be)}"
        )
    ]


@pytest.mark.parametrize(
    "data", [TEXT.replace("\n", "\r\n").encode(), f"\ufeff{TEXT}".encode()], ids=["CRLF", "BOM"]
)
def test_bytes_that_are_not_kept_are_noted(
    take: Importer, ledger: Ledger, tmp_path: Path, data: bytes
) -> None:
    assert said(take({"a.md": data})) == {
        "files": 1,
        "created": 1,
        "events": 1,
        "notes": [
            f"{tmp_path / 'site-0' / 'a.md'}: its line ends or byte order mark are not kept"
        ],
    }
    assert render(ledger.page(ledger.get(at("bridge")))) == TEXT


def test_a_name_that_is_no_utf_8(ledger: Ledger, tmp_path: Path) -> None:
    folder = write(tmp_path / "site", {})
    folder.mkdir()
    file = Path(os.fsdecode(os.fsencode(folder) + b"/br\xfccke.md"))
    file.write_bytes(TEXT.encode())
    assert said(ledger.import_pages([folder], actor=ACTOR)) == {
        "files": 1,
        "created": 1,
        "events": 1,
    }
    (event,) = ledger.events()
    assert event.data.origin == "br\ufffdcke.md"


def test_the_related_list_is_derived_and_not_noted(take: Importer) -> None:
    text = render(replace(GOOD, related=related("z", "Sea"))).replace("1. [About", "7. [About")
    assert said(take({"a.md": text})) == {"files": 1, "created": 1, "events": 1}


# How it goes


@pytest.mark.parametrize(
    ("strict", "steps"), [(False, [(8, 12), (10, 12), (12, 12)]), (True, [(12, 12)])]
)
def test_progress_is_told(
    take: Importer, monkeypatch: pytest.MonkeyPatch, strict: bool, steps: list[tuple[int, int]]
) -> None:
    monkeypatch.setattr("ledger.interchange.pages.PAGES_A_TRANSACTION", 2)
    told: list[tuple[int, int]] = []
    pages = {f"{n}.md": page(f"Bridge {n}", f"bridge-{n}") for n in range(5)}
    take({**pages, "index.md": ""}, strict=strict, progress=lambda *step: told.append(step))
    assert told == [*((done, 12) for done in range(1, 7)), *steps]


def test_a_file_that_goes_away_meanwhile(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.interchange.pages.PAGES_A_TRANSACTION", 1)
    folder = write(tmp_path / "site", {f"{s}.md": page(s.upper(), s) for s in "abc"})
    report = ledger.import_pages(
        [folder],
        actor=ACTOR,
        progress=lambda done, _: (folder / "b.md").unlink(missing_ok=True) if done > 3 else None,
    )
    assert said(report) == {
        "files": 3,
        "created": 2,
        "events": 2,
        "failures": [f"{folder / 'b.md'}: it cannot be read: No such file or directory"],
    }


@pytest.mark.parametrize("strict", [False, True])
def test_one_page_under_two_names(take: Importer, ledger: Ledger, strict: bool) -> None:
    report = take({"a.md": GOOD, "copy/a.md": GOOD, "z.md": page("Z", "z")}, strict=strict)
    assert said(report) == {"files": 3, "created": 2, "unchanged": 1, "events": 2}


def test_one_folder_given_twice(ledger: Ledger, tmp_path: Path) -> None:
    folder = write(tmp_path / "site", {"a.md": GOOD})
    report = ledger.import_pages([folder, folder], actor=ACTOR)
    assert (report.created, report.events, count(ledger)) == (1, 1, 1)
