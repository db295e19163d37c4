"""Wrong input: one clear line, a stable exit status, and nothing lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
from typing import NamedTuple

import pytest

from tests.cli.runner import Shell
from tests.stores import SQLiteStore, Store

A, B = "20210304", "20210305"  # two entries, by the beginning of their ids

PAGE = """### [2021-03-06](/news/2021/03/6/index.md)

# Ferry back in service.



"""


class Case(NamedTuple):
    status: int
    message: str
    arguments: tuple[str, ...]
    stdin: bytes = b""


def case(status: int, message: str, *arguments: str, stdin: bytes = b"") -> Case:
    return Case(status, message, arguments, stdin)


ADD = ("add", "--date", "2021-03-07", "--headline")

CASES = [
    # The command line itself
    case(2, "No such command 'bogus'.", "bogus"),
    case(2, "Missing argument 'ENTRY'.", "show"),
    case(2, "No such option '--nope'", "show", A, "--nope"),
    case(2, "'x' is not a valid integer", "show", A, "--version", "x"),
    case(2, "'xml!' is not one of", "show", A, "--format", "xml!"),
    # Stores
    case(5, "the store 'news.db' is not understood", "--store", "news.db", "list"),
    case(5, "the store 'mysql://x/y' is not understood", "--store", "mysql://x/y", "list"),
    case(5, "names no file", "--store", "sqlite://news.db", "list"),
    case(5, "names no file", "--store", "sqlite:///", "list"),
    case(5, "a ledger in memory would keep nothing", "--store", "sqlite:///:memory:", "list"),
    case(5, "the option speed=high", "--store", "sqlite:///news.db?speed=high", "list"),
    case(41, "none.db: make one with `ledger init`", "--store", "sqlite:///none.db", "list"),
    case(41, "empty.db: make one with `ledger init`", "--store", "sqlite:///empty.db", "list"),
    case(
        41, "/missing does not exist: make it first", "--store", "sqlite:///missing/n.db", "init"
    ),
    case(42, "text.txt is no ledger", "--store", "sqlite:///text.txt", "init"),
    case(42, "other.db is no ledger", "--store", "sqlite:///other.db", "log"),
    case(43, "folder cannot be opened", "--store", "sqlite:///folder", "list"),
    case(44, "newer.db has log schema 99", "--store", "sqlite:///newer.db", "list"),
    case(45, "`ledger upgrade`", "--store", "sqlite:///older.db", "list"),
    case(48, "corrupt.db is damaged", "--store", "sqlite:///corrupt.db", "log"),
    case(
        49,
        "position 2: the event type EntryVanished@1 is unknown",
        "--store",
        "sqlite:///unknown.db",
        "log",
    ),
    case(
        49,
        "position 2: the payload of EntryEdited@1 cannot be read",
        "--store",
        "sqlite:///garbage.db",
        "log",
    ),
    # Entries
    case(11, "'zzz' names no entry", "show", "zzz"),
    case(11, "no entry has an id that begins with '1999'", "show", "1999"),
    case(11, "no entry is or was at /news/1999/01/1/x", "show", "/news/1999/01/1/x.html"),
    case(13, "'2021' fits several entries", "edit", "2021", "--headline", "x"),
    case(12, "has no version 9; it has 1 to 2", "show", A, "--version", "9"),
    case(12, "was not public yet at 1999-01-01 00:00:00 UTC", "show", A, "--as-of", "1999-01-01"),
    case(12, "the ledger knew nothing", "show", A, "--known-at", "1999-01-01"),
    case(3, "a version or for a time", "show", A, "--version", "1", "--as-of", "now"),
    # Values
    case(4, "'2021-02-30' is no date", "add", "--date", "2021-02-30", "--headline", "x"),
    case(4, "'soon' is no date", "edit", A, "--date", "soon"),
    case(4, "the date 2999-01-01 lies in the future", "edit", A, "--date", "2999-01-01"),
    case(4, "'noonish' is no time", "show", A, "--as-of", "noonish"),
    case(4, "'999999 weeks ago' is no time", "show", A, "--as-of", "999999 weeks ago"),
    case(4, "lies in the future", *ADD, "x", "--published-at", "2999-01-01"),
    case(3, "the headline is empty", *ADD, ""),
    case(3, "the headline is empty", "edit", A, "--headline", "   "),
    case(3, "the headline holds a line break at character 4", *ADD, "one\ntwo"),
    case(3, "the headline holds the control character U+001B", *ADD, "\x1b[31mred"),
    case(3, "the summary holds a tab", "edit", A, "--summary", "a\tb"),
    case(
        3,
        "the headline has 10,000,000 characters; 20,000 are the most",
        "add",
        "-",
        stdin=json.dumps({"date": "2021-03-07", "headline": "x" * 10_000_000}).encode(),
    ),
    case(3, "the source 'Courier' is not written as NAME=URL", *ADD, "x", "--source", "Courier"),
    case(3, "is no http or https address", *ADD, "x", "--source", "C=ftp://c.example"),
    case(3, "the cover image 'pic.jpg' is no http", "edit", A, "--cover-image", "pic.jpg"),
    case(3, "no edition is called 'xx'", *ADD, "x", "--edition", "xx"),
    case(3, "the language '!' is no tag", *ADD, "x", "--language", "!"),
    case(3, "the slug must not contain '/'", *ADD, "x", "--slug", "../../etc"),
    case(3, "an entry needs a date", "add", "--headline", "x"),
    case(3, "an entry needs a headline", "add", "-", stdin=b'{"date": "2021-03-07"}'),
    case(3, "the actor is empty", "--actor", "", *ADD, "x"),
    case(3, "there is no source 7; the entry has 0", "edit", A, "--remove-source", "7"),
    case(3, "the entry has no context 'Nobody'", "edit", A, "--remove-context", "Nobody"),
    case(3, "nothing to edit", "edit", A),
    case(3, "--step waits for a key: it needs a terminal", "replay", A, "--step"),
    # Files
    case(3, "none.json cannot be read: No such file", "add", "--from", "none.json"),
    case(3, "the JSON is no entry", "add", "-", stdin=b'{"date": "2021-03-07", "title": "x"}'),
    case(3, "the JSON is no entry", "add", "-", stdin=b"{"),
    case(6, "standard input:1: a page begins with its date", "add", "-", stdin=b"hello"),
    case(6, "binary.md:1: it is a binary file", "add", "--from", "binary.md"),
    case(6, "latin.md:3: it is not UTF-8 text", "add", "--from", "latin.md"),
    case(3, "nowhere cannot be read: No such file or directory", "import", "pages", "nowhere"),
    case(3, "no edition is called 'xx'", "import", "pages", "pages", "--edition", "xx"),
    case(7, "broken.md:3: the headline was expected", "import", "pages", "pages", "--strict"),
    # Rules
    case(
        21, "already says that: nothing was changed", "edit", A, "--headline", "Barrier rejected"
    ),
    case(22, "is retracted: it cannot be reverted before it is reinstated", "revert", B, "1"),
    case(21, "already reads as in version 2: nothing was changed", "revert", A, "2"),
    case(12, "has no version 9; it has 1 to 2", "revert", A, "9"),
    case(12, "has no version 9; it has 1 to 2", "replay", A, "--to", "9"),
    case(3, "the summary begins with ###", "edit", A, "--summary", "### Sources:"),
    case(5, "holds a stray %; write it as %25", "--store", "sqlite:///per%cent.db", "list"),
    case(11, "it is no text", "show", "/news/2021/03/4/\udcff"),
    case(22, "is retracted: it cannot be edited", "edit", B, "--headline", "x"),
    case(22, "nothing can be merged into it", "merge", A, B),
    case(3, "cannot be merged into itself", "merge", A, A),
    case(20, "is neither retracted nor merged", "reinstate", A),
    case(
        30,
        "is at version 2, not at 1 as expected; changed meanwhile: headline",
        "edit",
        A,
        "--headline",
        "x",
        "--expect-version",
        "1",
    ),
]


@pytest.fixture(scope="module")
def damaged(shared_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder with a good store and many bad things."""
    shell = Shell(
        shared_store.path.parent
        if isinstance(shared_store, SQLiteStore)
        else tmp_path_factory.mktemp("wrong"),
        shared_store,
    )
    shell.add("Barrier approved")
    shell.ok("edit", A, "--headline", "Barrier rejected")
    other = shell.add("Ferry suspended", day="2021-03-05")
    shell.ok("retract", other)
    folder = shell.folder
    (folder / "folder").mkdir()
    (folder / "pages").mkdir()
    (folder / "pages" / "broken.md").write_text(PAGE.replace("\n# ", "\n"))
    (folder / "pages" / "good.md").write_text(PAGE)
    (folder / "empty.db").touch()
    (folder / "text.txt").write_text("not a ledger, " * 500)
    (folder / "binary.md").write_bytes(bytes(range(256)))
    (folder / "latin.md").write_bytes(PAGE.replace("Ferry", "Fähre").encode("latin-1"))
    with sqlite3.connect(folder / "other.db") as other_db:
        other_db.execute("CREATE TABLE t (x)")
    other_db.close()

    if not isinstance(shared_store, SQLiteStore):
        return shell

    def copy(name: str, *statements: str, blob: bytes = b"") -> None:
        shutil.copy(shared_store.path, folder / name)
        db = sqlite3.connect(folder / name, isolation_level=None)
        for trigger in ("appended", "never_changed", "never_deleted"):
            db.execute(f"DROP TRIGGER events_are_{trigger}")
        for statement in statements:
            db.execute(statement, (blob,) if "?" in statement else ())
        db.close()

    copy("newer.db", "PRAGMA user_version = 99")
    copy("older.db", "PRAGMA user_version = 0")
    copy("unknown.db", "UPDATE events SET type = 'EntryVanished@1' WHERE position = 2")
    copy("garbage.db", "UPDATE events SET content = ? WHERE position = 2", blob=b"\xc1" * 40)
    whole = shared_store.path.read_bytes()
    (folder / "corrupt.db").write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    return shell


def cases(*, of_stores: bool) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "wrong",
        [case for case in CASES if ("--store" in case.arguments) == of_stores],
        ids=lambda wrong: " ".join(wrong.arguments)[:60],
    )


@cases(of_stores=True)
@pytest.mark.usefixtures("log")
def test_what_is_wrong_with_a_store_is_told(damaged: Shell, wrong: Case) -> None:
    test_one_clear_line_and_a_stable_status(damaged, wrong)


@cases(of_stores=False)
def test_one_clear_line_and_a_stable_status(damaged: Shell, wrong: Case) -> None:
    before = {path: path.read_bytes() for path in damaged.folder.glob("*.*") if path.is_file()}
    answer = damaged(*wrong.arguments, stdin=wrong.stdin)
    assert answer.err.count("\n") == 1, answer.err
    assert answer.err.startswith("ledger: ")
    assert wrong.message in answer.err
    assert answer.status == wrong.status
    assert "Traceback" not in answer.err
    after = {path: path.read_bytes() for path in damaged.folder.glob("*.*") if path.is_file()}
    assert after == before


def test_there_are_forty_cases_and_more() -> None:
    assert len(CASES) >= 40
    assert len({case.status for case in CASES}) >= 15


def test_debug_adds_where_it_came_from(damaged: Shell) -> None:
    answer = damaged("--debug", "show", "zzz")
    assert answer.err.startswith("Traceback")
    assert answer.err.splitlines()[-1].startswith("ledger: 'zzz' names no entry")
    assert answer.status == 11


def test_some_pages_fail_and_the_rest_is_stored(damaged: Shell) -> None:
    answer = damaged("--store", "sqlite:///fresh.db", "import", "pages", "pages")
    assert answer.status == 7
    assert answer.err.splitlines() == [
        "ledger: pages/broken.md:3: the headline was expected, as in # Headline",
        "ledger: not stored: 1 of 2 files",
    ]
    assert "entries created: 1\n" in answer.out
