"""The folder of a site: what is written, left and removed; whose files stay; what is refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.errors import InvalidInput
from ledger.site.folder import Folder, SiteReport
from tests.pages.newsroom import DAY
from tests.site.archive import content, export, fill
from tests.site.links import dead_links

MANIFEST = ".ledger-site.json"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[Ledger]:
    """A ledger of two entries, a day each."""
    with Ledger.open(sqlite_url) as ledger:
        ledger.create(DAY, "Ferry sails", contexts=("Quays",), actor="Ann")
        ledger.create(DAY.replace(day=9), "Tide rises", actor="Ann")
        yield ledger


def put(root: Path, files: dict[str, bytes], ledger: str = "this") -> SiteReport:
    """Export these files to a folder."""
    with Folder(root, ledger) as folder:
        for path, data in files.items():
            folder.put(path, data)
        return folder.finish("http://localhost", None, None)


def counts(report: SiteReport) -> tuple[int, int, int]:
    return report.written, report.left, report.removed


# Again


def test_the_same_again_writes_nothing(ledger: Ledger, out: Path) -> None:
    first = export(ledger, out)
    files = [file for file in content(out) if file != MANIFEST]
    assert counts(first) == (len(files), 0, 0)
    before = {file: (out / file).stat().st_ino for file in files}
    assert counts(export(ledger, out)) == (0, len(files), 0)
    assert {file: (out / file).stat().st_ino for file in files} == before


def test_only_what_an_edit_changes_is_written(ledger: Ledger, out: Path) -> None:
    files = export(ledger, out).written
    before = content(out)
    ledger.edit("/news/2021/03/9/tide-rises", summary="By a metre.", actor="Ben")
    report = export(ledger, out)
    after = content(out)
    changed = {path for path in before if before[path] != after[path]} - {MANIFEST}
    assert counts(report) == (len(changed), files - len(changed), 0)
    assert before.keys() == after.keys()
    assert "news/2021/03/9/tide-rises.html" in changed
    assert not [path for path in changed if "ferry-sails" in path or "contexts" in path]


def test_what_is_no_longer_part_of_the_site_is_removed(ledger: Ledger, out: Path) -> None:
    export(ledger, out, known_at=1)
    early = content(out)
    export(ledger, out)
    assert (out / "news/2021/03/9/index.html").exists()
    report = export(ledger, out, known_at=1)
    # Four pages and a feed of the entry, four pages of the day.
    assert report.removed == 9
    assert content(out) == early
    assert not (out / "news/2021/03/9").exists()


def test_the_manifest_says_what_was_published(ledger: Ledger, out: Path) -> None:
    export(ledger, out, known_at=2)
    manifest = json.loads((out / MANIFEST).read_bytes())
    files = manifest.pop("files")
    assert files.keys() == content(out).keys() - {MANIFEST}
    assert manifest == {
        "format": 1,
        "ledger": ledger.application.log.identity().id,
        "base_url": "http://localhost:8000",
        "as_of": None,
        "known_at": "2",
    }


def test_what_somebody_did_to_a_file_of_the_site_is_undone(ledger: Ledger, out: Path) -> None:
    files = export(ledger, out).written
    before = content(out)
    (out / "news/index.html").write_text("mine")
    (out / "news/index.md").unlink()
    assert counts(export(ledger, out)) == (2, files - 2, 0)
    assert content(out) == before


# Interrupted


def killed(sqlite_url: str, out: Path) -> None:
    """Have a process export the site that is killed when it has written some of it."""
    program = """
import os, signal, sys
from pathlib import Path
from ledger import Ledger
def tell(done, total):
    if done > total // 2:
        os.kill(os.getpid(), signal.SIGKILL)
with Ledger.open(sys.argv[1]) as ledger:
    ledger.exports.site(Path(sys.argv[2]), "http://localhost:8000", progress=tell)
"""
    arguments = [sys.executable, "-c", program, sqlite_url, str(out)]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    assert not json.loads((out / MANIFEST).read_text())["files"]


def test_one_that_was_killed_is_gone_on_with(sqlite_url: str, out: Path, tmp_path: Path) -> None:
    with Ledger.open(sqlite_url) as ledger:
        fill(ledger)
        killed(sqlite_url, out)
        # Beside manifest and journal.
        there = len(content(out)) - 2
        assert there > 20
        (out / ".ledger-site.new").write_text("half")
        report = export(ledger, out)
        assert report.left == there
        export(ledger, tmp_path / "at once")
    assert content(out) == content(tmp_path / "at once")
    assert dead_links(out) == []


def test_what_a_killed_one_wrote_is_known_to_be_the_sites(
    sqlite_url: str, out: Path, tmp_path: Path
) -> None:
    with Ledger.open(sqlite_url) as ledger:
        fill(ledger)
        killed(sqlite_url, out)
        # By now some of it reads otherwise, and some is no longer there.
        export(ledger, out, known_at=6)
        export(ledger, tmp_path / "at once", known_at=6)
    assert content(out) == content(tmp_path / "at once")


def test_a_second_one_at_the_same_time_is_refused(ledger: Ledger, out: Path) -> None:
    with (
        Folder(out, ledger.application.log.identity().id),
        pytest.raises(InvalidInput, match=r"another export is at work in .*: try again when"),
    ):
        export(ledger, out)
    assert export(ledger, out).written > 0


def test_one_that_failed_leaves_nothing_half_and_no_lock(out: Path) -> None:
    with pytest.raises(InvalidInput):
        put(out, {"a.txt": b"a", "../b.txt": b"b"})
    assert content(out).keys() == {".ledger-site.journal", ".ledger-site.json", "a.txt"}
    assert counts(put(out, {"a.txt": b"b"})) == (1, 0, 0)


# Somebody else's files


def test_other_files_stay(ledger: Ledger, out: Path) -> None:
    (out / "news/2021/03/9").mkdir(parents=True)
    (out / "CNAME").write_text("news.example")
    (out / "news/2021/03/9/mine.txt").write_text("mine")
    export(ledger, out)
    export(ledger, out, known_at=1)
    assert (out / "CNAME").read_text() == "news.example"
    assert [file.name for file in (out / "news/2021/03/9").iterdir()] == ["mine.txt"]


def test_another_file_where_one_is_needed_is_not_overwritten(ledger: Ledger, out: Path) -> None:
    page = out / "news/2021/03/9/index.html"
    page.parent.mkdir(parents=True)
    page.write_text("mine")
    for _ in range(2):
        with pytest.raises(InvalidInput) as caught:
            export(ledger, out)
        assert str(caught.value) == (
            f"{page} is there, and no export made it: move it away, or export to another folder"
        )
    assert page.read_text() == "mine"
    page.unlink()
    export(ledger, out)
    assert dead_links(out) == []


def test_a_file_that_was_changed_stays_where_the_site_needs_it_no_more(out: Path) -> None:
    put(out, {"a/b.txt": b"1", "c.txt": b"1"})
    (out / "a/b.txt").write_text("mine")
    report = put(out, {"c.txt": b"1"})
    assert counts(report) == (0, 1, 0)
    (told,) = report.stay
    assert told == (
        f"{out / 'a/b.txt'} is no longer part of the site, but was changed since: it stays, with "
        "all that it says, until somebody removes it"
    )
    assert (out / "a/b.txt").read_text() == "mine"
    # It is not forgotten until it is gone, or as the site had it.
    assert put(out, {"c.txt": b"1"}).stay == report.stay
    (out / "a/b.txt").unlink()
    assert put(out, {"c.txt": b"1"}).stay == ()


def test_a_file_that_is_as_the_site_had_it_again_is_removed(out: Path) -> None:
    put(out, {"b.txt": b"1", "c.txt": b"1"})
    for text, still in (("mine", 1), ("yours", 1), ("1", 0)):
        (out / "b.txt").write_text(text)
        assert len(put(out, {"c.txt": b"1"}).stay) == still
    assert content(out).keys() == {"c.txt", MANIFEST}


def test_text_that_was_erased_is_not_forgotten(ledger: Ledger, out: Path) -> None:
    export(ledger, out)
    page = out / "news/2021/03/4/ferry-sails.html"
    with page.open("a") as file:
        file.write("\n")
    ledger.edit("/news/2021/03/4/ferry-sails", headline="Quay closed", actor="Ann")
    ledger.erase("/news/2021/03/4/ferry-sails", [1], "Court", actor="Ann", reason="asked for")
    for _ in range(3):
        (told,) = export(ledger, out).stay
        assert told.startswith(f"{page} is no longer part of the site, but was changed since")
    assert {path for path, data in content(out).items() if b"Ferry sails" in data} == {
        str(page.relative_to(out))
    }


def test_a_file_that_is_gone_already_need_not_be_removed(out: Path) -> None:
    put(out, {"a/b.txt": b"1"})
    (out / "a/b.txt").unlink()
    assert put(out, {"c.txt": b"1"}) == SiteReport("http://localhost", 1, 0, 0, (), ())


@pytest.mark.parametrize("what", ["news", "news/2021", "news/index.html", ".ledger-site.journal"])
def test_a_link_is_not_followed(ledger: Ledger, out: Path, tmp_path: Path, what: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("theirs")
    is_file = what.endswith((".html", "journal"))
    (out / what).parent.mkdir(parents=True, exist_ok=True)
    (out / what).symlink_to(outside / "file" if is_file else outside)
    with pytest.raises(
        InvalidInput, match=f"{what} is not a f.*, and is not followed or replaced"
    ):
        export(ledger, out)
    assert content(outside) == {"file": b"theirs"}


def test_nothing_is_removed_through_a_link(out: Path, tmp_path: Path) -> None:
    put(out, {"a/b.txt": b"1", "c.txt": b"1", "d.txt": b"1"})
    (out / "a").rename(tmp_path / "outside")
    (out / "a").symlink_to(tmp_path / "outside")
    (out / "c.txt").rename(tmp_path / "c.txt")
    (out / "c.txt").symlink_to(tmp_path / "c.txt")
    report = put(out, {"d.txt": b"1"})
    assert counts(report) == (0, 1, 0)
    assert [line.partition(" is no longer")[0] for line in report.stay] == [
        str(out / "a/b.txt"),
        str(out / "c.txt"),
    ]
    assert (tmp_path / "outside/b.txt").exists()
    assert (tmp_path / "c.txt").exists()


def test_a_folder_where_a_file_is_needed_and_a_file_where_a_folder(out: Path) -> None:
    (out / "a.txt").mkdir(parents=True)
    (out / "b").write_text("mine")
    with pytest.raises(InvalidInput, match=r"a\.txt is not a file, and is not followed"):
        put(out, {"a.txt": b"1"})
    with pytest.raises(InvalidInput, match="b is not a folder, and is not followed"):
        put(out, {"b/c.txt": b"1"})


# Whose folder


def test_the_site_of_another_ledger_is_left_alone(ledger: Ledger, out: Path) -> None:
    put(out, {"a.txt": b"1"}, "another")
    before = content(out)
    with pytest.raises(InvalidInput) as caught:
        export(ledger, out)
    assert str(caught.value) == (
        f"{out} holds the site of another ledger: export to another folder"
    )
    assert content(out) == before


def test_what_was_begun_for_another_ledger_is_left_alone(ledger: Ledger, out: Path) -> None:
    def stopped() -> None:
        with Folder(out, "0" * 32) as folder:
            folder.put("news/index.html", b"theirs")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stopped()
    before = content(out)
    with pytest.raises(InvalidInput, match="holds the site of another ledger"):
        export(ledger, out)
    assert content(out) == before


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("", "cannot be read, so it is not known which files are the site's"),
        ('{"format": 1}', "cannot be read, so it is not known which files are the site's"),
        ("newer", "holds a site of a newer program: export to another folder"),
        ("../../x", "'../../x' is no path below a folder"),
    ],
)
def test_a_manifest_that_is_none_or_newer_or_forged_is_refused(
    out: Path, manifest: str, message: str
) -> None:
    put(out, {"a.txt": b"1"})
    found = json.loads((out / MANIFEST).read_bytes())
    if manifest == "newer":
        manifest = json.dumps(found | {"format": 2})
    elif manifest == "../../x":
        manifest = json.dumps(found | {"files": {manifest: "0" * 64}})
    (out / MANIFEST).write_text(manifest)
    with pytest.raises(InvalidInput) as caught:
        put(out, {"b.txt": b"1"})
    assert message in str(caught.value)
    assert (out / "a.txt").exists()
    assert not (out / "b.txt").exists()


# Paths


@pytest.mark.parametrize(
    "path", ["../a", "a/../../b", "/etc/a", "a//b", "a/./b", "", "a\\b", "a\0b", MANIFEST]
)
def test_nothing_leaves_the_folder(out: Path, path: str) -> None:
    with pytest.raises(InvalidInput, match=r"is no path below|is kept for the export itself"):
        put(out, {path: b"1"})
    assert [file for file in content(out.parent) if not file.startswith("site/.")] == []


def test_the_longest_names_fit(sqlite_url: str, out: Path) -> None:
    slug = "字" * 80
    with Ledger.open(sqlite_url) as ledger:
        for number in range(10):
            ledger.create(DAY, f"渡輪 {number}", edition="zh", slug=slug, actor="Ann")
        report = export(ledger, out)
    names = {file.name for file in (out / "zh/news/2021/03/4").iterdir()}
    assert max(len(name.encode()) for name in names) == 255
    assert f"{slug}-9.changes.atom" in names
    # With one digit more, there is no room for the name of the feed: the pages are there.
    assert {name for name in names if "-10" in name} == {
        f"{slug}-10.{extension}" for extension in ("html", "json", "xml", "md")
    }
    assert report.notes == (
        f"/news/2021/03/4/{slug}-10 has no feed of its changes: the name is too long",
    )
    assert dead_links(out) == []


def test_a_name_that_is_too_long_is_refused(out: Path) -> None:
    with pytest.raises(InvalidInput, match="is longer than 255 bytes"):
        put(out, {"x" * 256: b"1"})


def test_paths_that_some_file_systems_take_for_one_are_told(sqlite_url: str, out: Path) -> None:
    with Ledger.open(sqlite_url) as ledger:
        for slug in ("Café-渡輪", "café-渡輪"):
            ledger.create(DAY, slug, edition="zh", slug=slug, actor="Ann")
        report = export(ledger, out)
    (note,) = report.notes
    assert note.startswith("5 times, paths differ only in capitals, as zh/news/2021/03/4/")
    assert note.endswith("a file system that does not tell them apart cannot hold both")


def test_a_file_in_place_of_the_folder_is_told(ledger: Ledger, out: Path) -> None:
    out.write_text("mine")
    with pytest.raises(InvalidInput, match="site cannot be written: File exists"):
        export(ledger, out)
    assert out.read_text() == "mine"
