"""The files that an import reads: which, in what order, and what text they hold."""

from __future__ import annotations

import os
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


def found(*paths: Path) -> list[PageFile]:
    files = list(walk(paths))
    assert all(isinstance(file, PageFile) for file in files)
    return [file for file in files if isinstance(file, PageFile)]


def names(*paths: Path) -> list[str]:
    return [file.name for file in found(*paths)]


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
    (file,) = found(tmp_path / "2014")
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
    assert str(caught.value) == f"{missing} cannot be read: No such file or directory"


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
    ("data", "text", "is_exact"),
    [
        (b"", "", True),
        ("# 桥\n\n".encode(), "# 桥\n\n", True),
        ("\ufeff# 桥\n".encode(), "# 桥\n", False),
        (b"a\r\n\r\nb\r\n", "a\n\nb\n", False),
        (b"a\nb\r\n", "a\nb\n", False),
        (b"a\rb\n", "a\rb\n", True),
        ("\ufeffa\r\nb".encode(), "a\nb", False),
        ("a\ufeff\n".encode(), "a\ufeff\n", True),
        (b"a\n\n\n", "a\n\n\n", True),
        (b"a" * 8192 + b"\0", "a" * 8192 + "\0", True),
    ],
)
def test_text_as_it_was_written(tmp_path: Path, data: bytes, text: str, is_exact: bool) -> None:
    file = tmp_path / "a.md"
    file.write_bytes(data)
    assert read_text(file) == decode_text(data) == (text, is_exact)


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


@pytest.mark.parametrize("name", ["gone.md", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    reason = "No such file or directory" if name == "gone.md" else "Is a directory"
    with pytest.raises(PageError) as caught:
        read_text(tmp_path / name)
    assert str(caught.value) == f"it cannot be read: {reason}"


def test_what_is_no_regular_file_is_passed_over(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "folder.md/b.md")
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "dangling.md").symlink_to(tmp_path / "nothing")
    (tmp_path / "link.md").symlink_to(tmp_path / "a.md")
    assert names(tmp_path) == ["a.md", "link.md", "folder.md/b.md"]
    with pytest.raises(InvalidInput) as caught:
        names(tmp_path / "pipe.md")
    assert str(caught.value) == f"{tmp_path / 'pipe.md'} is neither a file nor a folder"


def test_a_name_that_is_no_utf_8_can_be_stored(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/br\xfccke.md"))
    path.touch()
    assert found(tmp_path) == found(path) == [PageFile(path, "br\ufffdcke.md")]


READ = """
import sys
from pathlib import Path
from ledger.errors import PageError
from ledger.interchange.files import Failure, read_text, walk
for file in walk([Path(sys.argv[1])]):
    if isinstance(file, Failure):
        print(file)
        continue
    print(file.name)
    try:
        read_text(file.path)
    except PageError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("locked", "lines"),
    [
        ("b.md", ["a.md", "b.md", "it cannot be read: Permission denied", "c/d.md", "e/f.md"]),
        ("c", ["a.md", "b.md", "e/f.md", "{}: it cannot be read: Permission denied"]),
        (".", ["{}: it cannot be read: Permission denied"]),
    ],
)
def test_what_may_not_be_read_is_named_and_the_rest_goes_on(
    tmp_path: Path, locked: str, lines: list[str]
) -> None:
    root = tmp_path / "site"
    make(root, "a.md", "b.md", "c/d.md", "e/f.md")
    (root / locked).chmod(0)
    try:
        ran = run_unprivileged([sys.executable, "-c", READ, str(root)])
    finally:
        (root / locked).chmod(0o700)
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [line.format(root / locked) for line in lines]
