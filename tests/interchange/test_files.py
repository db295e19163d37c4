"""The files that an import reads: which, in what order, and what text they hold."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ledger.errors import InvalidInput, PageError
from ledger.interchange.files import Failure, PageFile, decode_text, read_text, walk
from tests.unprivileged import run_unprivileged


def make(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def names(*paths: Path) -> list[str]:
    return [file.name for file in walk(paths)]


def test_the_order_is_by_name_and_a_folder_before_its_folders(tmp_path: Path) -> None:
    make(tmp_path, "z/10.md", "z/9.md", "b/c/d.md", "b/z.md", "Z.md", "桥.md", "a.md", "é.md")
    assert names(tmp_path) == [
        "Z.md",
        "a.md",
        "é.md",
        "桥.md",
        "b/z.md",
        "b/c/d.md",
        "z/10.md",
        "z/9.md",
    ]


def test_a_file_knows_where_it_is_and_its_name_in_the_folder(tmp_path: Path) -> None:
    make(tmp_path, "2014/02/13/a b.md")
    (file,) = walk([tmp_path / "2014"])
    assert file == PageFile(tmp_path / "2014/02/13/a b.md", "02/13/a b.md")


def test_only_pages_are_taken_from_a_folder(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.MD", "c.markdown", "d.txt", "e.Txt")
    make(tmp_path, "f.html", "g", "h.md.bak", "i.md~", ".md", "md")
    assert names(tmp_path) == ["a.md", "b.MD", "c.markdown", "d.txt", "e.Txt"]


def test_what_is_hidden_is_left_alone(tmp_path: Path) -> None:
    make(tmp_path, ".git/a.md", "b/.cache/deep/a.md", "b/.a.md", "b/a.md")
    assert names(tmp_path) == ["b/a.md"]


def test_what_is_named_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    make(tmp_path, "page.html", ".hidden.md", ".folder/b.md", "c.md")
    paths = ["c.md", "page.html", ".hidden.md", ".folder"]
    assert names(*(tmp_path / path for path in paths)) == [
        "c.md",
        "page.html",
        ".hidden.md",
        "b.md",
    ]


def test_an_empty_folder_has_no_files(tmp_path: Path) -> None:
    assert names(tmp_path) == []


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(InvalidInput) as caught:
        names(tmp_path, missing)
    assert str(caught.value) == f"{missing} is neither a file nor a folder"


@pytest.mark.parametrize(
    ("name", "derived"),
    [
        ("index.md", True),
        ("README.txt", True),
        ("Index.markdown", True),
        ("index-of-prices.md", False),
        ("my-readme.md", False),
    ],
)
def test_indexes_are_known_by_name(name: str, derived: bool) -> None:
    assert PageFile(Path("2014", name), name).is_index is derived


def test_a_failure_names_file_and_line() -> None:
    assert str(Failure("02/13/a.md", 7, "a headline was expected")) == (
        "02/13/a.md:7: a headline was expected"
    )
    assert str(Failure("02/13/a.md", 0, "it is full")) == "02/13/a.md: it is full"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        ("# 桥\n\n".encode(), "# 桥\n\n"),
        ("\ufeff# 桥\n".encode(), "# 桥\n"),
        (b"a\r\n\r\nb\r\n", "a\n\nb\n"),
        ("\ufeffa\r\nb".encode(), "a\nb"),
        (b"a\n\n\n", "a\n\n\n"),
        (b"a" * 8192 + b"\0", "a" * 8192 + "\0"),
    ],
)
def test_text_as_it_was_written(tmp_path: Path, data: bytes, text: str) -> None:
    file = tmp_path / "a.md"
    file.write_bytes(data)
    assert read_text(file) == decode_text(data) == text


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 1, "it is a binary file, no page"),
        ("# Bridge\n".encode("utf-16"), 1, "it is a binary file, no page"),
        (b"a" * 8191 + b"\0", 1, "it is a binary file, no page"),
        (b"\xff", 1, "it is not UTF-8 text; convert it first"),
        ("a\n\nBrücke\n".encode("latin-1"), 3, "it is not UTF-8 text; convert it first"),
        ("a\n桥\n".encode() + b"b\n\xe6\xa1", 4, "it is not UTF-8 text; convert it first"),
        (b"\xef\xbb\xbfa\nb\n\xff", 3, "it is not UTF-8 text; convert it first"),
        ("桥".encode("gb18030"), 1, "it is not UTF-8 text; convert it first"),
    ],
)
def test_what_is_no_text(data: bytes, line: int, message: str) -> None:
    with pytest.raises(PageError) as caught:
        decode_text(data)
    assert (caught.value.line, str(caught.value)) == (line, message)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "gone.md").symlink_to(tmp_path / "nothing")
    (file,) = walk([tmp_path])
    with pytest.raises(PageError) as caught:
        read_text(file.path)
    assert str(caught.value) == "it cannot be read: No such file or directory"
    with pytest.raises(PageError) as caught:
        read_text(tmp_path)
    assert str(caught.value) == "it cannot be read: Is a directory"


READ = """
import sys
from pathlib import Path
from ledger.errors import LedgerError
from ledger.interchange.files import read_text, walk
try:
    for file in walk([Path(sys.argv[1])]):
        print(file.name)
        read_text(file.path)
except LedgerError as error:
    print(error)
"""


@pytest.mark.parametrize("locked", ["b.md", "c"])
def test_what_may_not_be_read_is_not_passed_over(tmp_path: Path, locked: str) -> None:
    make(tmp_path, "a.md", "b.md", "c/d.md")
    (tmp_path / locked).chmod(0)
    try:
        ran = run_unprivileged([sys.executable, "-c", READ, str(tmp_path)])
    finally:
        (tmp_path / locked).chmod(0o700)
    assert ran.stderr == ""
    *found, complaint = ran.stdout.splitlines()
    assert found == ["a.md", "b.md"]
    assert complaint.endswith("cannot be read: Permission denied")
