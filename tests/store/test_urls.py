"""URLs to stores: what they name, and which are refused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.errors import InvalidStoreURL
from ledger.store.urls import DEFAULT_URL, PostgresURL, SQLiteURL, absolute, parse_store_url


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("sqlite:///news.db", SQLiteURL(Path("news.db"), "FULL", 30.0)),
        ("sqlite:///desk/news.db", SQLiteURL(Path("desk/news.db"), "FULL", 30.0)),
        ("sqlite:////srv/news.db", SQLiteURL(Path("/srv/news.db"), "FULL", 30.0)),
        ("SQLite:///news.db", SQLiteURL(Path("news.db"), "FULL", 30.0)),
        ("sqlite:///my%20news%3F.db", SQLiteURL(Path("my news?.db"), "FULL", 30.0)),
        ("sqlite:///a%23b.db", SQLiteURL(Path("a#b.db"), "FULL", 30.0)),
        ("sqlite:///新闻.db", SQLiteURL(Path("新闻.db"), "FULL", 30.0)),
        ("sqlite:///news.db?synchronous=normal", SQLiteURL(Path("news.db"), "NORMAL", 30.0)),
        ("sqlite:///news.db?synchronous=FULL", SQLiteURL(Path("news.db"), "FULL", 30.0)),
        ("sqlite:///news.db?timeout=0.1", SQLiteURL(Path("news.db"), "FULL", 0.1)),
        (
            "sqlite:///news.db?timeout=5&synchronous=NORMAL",
            SQLiteURL(Path("news.db"), "NORMAL", 5.0),
        ),
    ],
)
def test_names_a_file_and_its_options(url: str, named: SQLiteURL) -> None:
    assert parse_store_url(url) == named


def test_default_is_a_file_in_the_working_folder_with_full_durability() -> None:
    assert parse_store_url(DEFAULT_URL) == SQLiteURL(Path("ledger.db"), "FULL", 30.0)


NOT_UNDERSTOOD = (
    "the store {!r} is not understood; write it as sqlite:///news.db "
    "or, from the root, sqlite:////srv/news.db; or as postgresql://user@host/database"
)
NO_FILE = "the store {!r} names no file; write it as sqlite:///news.db (three slashes)"
BAD_OPTION = (
    "the store {!r} has the option %s; known are synchronous=full|normal and timeout=SECONDS"
)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("news.db", NOT_UNDERSTOOD),
        ("oracle://desk/news", NOT_UNDERSTOOD),
        ("sqlite:///", NO_FILE),
        ("sqlite:///:memory:", "a ledger in memory would keep nothing; name a file"),
        ("sqlite:///news.db?mode=ro", BAD_OPTION % "mode=ro"),
        ("sqlite:///news.db?synchronous=off", BAD_OPTION % "synchronous=off"),
        ("sqlite:///news.db?timeout=-1", BAD_OPTION % "timeout=-1"),
        ("sqlite:///news.db?timeout", "the store {!r} is no URL: bad query field: 'timeout'"),
    ],
)
def test_says_what_is_wrong(url: str, message: str) -> None:
    with pytest.raises(InvalidStoreURL) as caught:
        parse_store_url(url)
    assert str(caught.value) == message.format(url)


def test_says_how_many_slashes_there_are() -> None:
    with pytest.raises(InvalidStoreURL, match=r"write it as sqlite:///news\.db \(three slashes"):
        parse_store_url("sqlite://news.db")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite:",
        "sqlite://",
        "sqlite:///folder/",
        "sqlite:///a%00b",
        "sqlite://[news.db",
        "sqlite:///news.db?timeout=.",
        "sqlite:///news.db?timeout=1.2.3",
        "sqlite:///news.db?timeout=inf",
        "sqlite:///news.db?timeout=",
        "sqlite:///news.db?synchronous=",
    ],
)
def test_refuses_what_names_no_file_or_no_option(url: str) -> None:
    with pytest.raises(InvalidStoreURL):
        parse_store_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:news.db",  # without its slashes it must not lose its first letter
        "sqlite:/news.db",  # one slash reads as the root, so it must not be the working folder
        "sqlite:///a#b.db",  # must not name a file called "a"
    ],
)
def test_never_names_another_file_than_the_one_written(url: str) -> None:
    with pytest.raises(InvalidStoreURL):
        parse_store_url(url)


@pytest.mark.parametrize("name", ["news.db", "desk/news.db", "my%20news%3F.db", "a%23b.db"])
@pytest.mark.parametrize("options", ["", "?timeout=5&synchronous=normal"])
def test_an_absolute_one_names_the_same_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: str
) -> None:
    monkeypatch.chdir(tmp_path)
    named = parse_store_url(f"sqlite:///{name}{options}")
    assert isinstance(named, SQLiteURL)
    url = absolute(f"sqlite:///{name}{options}")
    monkeypatch.chdir("/")
    found = parse_store_url(url)
    assert found == SQLiteURL(tmp_path / named.path, named.synchronous, named.timeout)
    assert absolute(url) == url


# PostgreSQL


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("postgresql://", PostgresURL("postgresql://")),
        ("postgresql:///news", PostgresURL("postgresql:///news")),
        ("PostgreSQL://desk@host/news", PostgresURL("postgresql://desk@host/news")),
        ("postgres://desk:pw@host:5433/news", PostgresURL("postgres://desk:pw@host:5433/news")),
        ("postgresql://host/news?", PostgresURL("postgresql://host/news")),
        (
            "postgresql://one,[::1]:5433,two:/news?target_session_attrs=read-write",
            PostgresURL("postgresql://one,[::1]:5433,two:/news?target_session_attrs=read-write"),
        ),
        (
            "postgresql://%2Frun%2Fpg/news?schema=desk&sslmode=require&pool=3&options=-c%20a%3Db",
            PostgresURL(
                "postgresql://%2Frun%2Fpg/news?sslmode=require&options=-c%20a%3Db", "desk", 3
            ),
        ),
        (
            "postgresql:///news?synchronous=normal&host=/run/pg&timeout=2.5&service=a+b",
            PostgresURL(
                "postgresql:///news?host=/run/pg&service=a+b", synchronous="NORMAL", timeout=2.5
            ),
        ),
        # An @ before the first slash ends user and password, whatever is in them.
        ("postgresql://desk:p?#w@host/n", PostgresURL("postgresql://desk:p?#w@host/n")),
        ("postgresql://host/news?user=a@b", PostgresURL("postgresql://host/news?user=a@b")),
        ("postgresql://h/n?schema=_a1", PostgresURL("postgresql://h/n", "_a1")),
        ("postgresql://h/n?schema=%61", PostgresURL("postgresql://h/n", "a")),
        (f"postgresql://h/n?schema={'a' * 40}", PostgresURL("postgresql://h/n", "a" * 40)),
    ],
)
def test_names_a_database_and_its_options(url: str, named: PostgresURL) -> None:
    assert parse_store_url(url) == named
    assert absolute(url) == url


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://desk@host:5432/news", "postgresql://desk@host:5432/news"),
        ("postgresql://desk:secret@host/news?pool=1", "postgresql://desk:***@host/news"),
        ("postgresql://desk:se?cret@host/news", "postgresql://desk:***@host/news"),
        ("postgresql:///n?password=secret&user=u", "postgresql:///n?password=***&user=u"),
        ("postgresql:///n?user=u&sslpassword=secret", "postgresql:///n?user=u&sslpassword=***"),
        ("postgresql://host:5432/news?user=a@b", "postgresql://host:5432/news?user=a@b"),
    ],
)
def test_a_place_shows_no_password(url: str, place: str) -> None:
    named = parse_store_url(url)
    assert isinstance(named, PostgresURL)
    assert named.place == place


SCHEMA = "a schema is called by at most 40 small letters, digits and _"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        *(
            (f"postgresql://desk:secret@host/n?schema={name}", SCHEMA)
            for name in ("", "pg_desk", "Desk", "1a", "a-b", "a%22b", "a" * 41, "a%0A")
        ),
        *(
            (f"postgresql://desk:secret@host/n?pool={pool}", f"pool={pool}; it is a number")
            for pool in ("0", "-1", "many", "")
        ),
        ("postgresql://desk:secret@host/n?timeout=x", "has the option timeout=x"),
        ("postgresql://desk:secret@host/n?synchronous=off", "has the option synchronous=off"),
        ("postgresql://desk:se%cret@host/n", "holds a stray %; write it as %25"),
        ("postgresql://desk:secret%00@host/n", "holds a stray %; write it as %25"),
        # Whatever somebody has not written as he should may be part of his password.
        ("postgresql://desk:sec@ret@host/n", "in a name or a password as %40"),
        ("postgresql://desk:sec/ret@host/n", "in a name or a password as %40"),
        ("postgresql://desk:sec:ret/n@host/x@y", "in a name or a password as %40"),
        ("postgresql:desk:secret@host", "is not understood"),
        ("postgresql:///n?password=secret&et", "a parameter is not written name=value"),
        ("postgresql:///n?password=sec=ret", "a parameter is not written name=value"),
        ("postgresql:///n?Password=x", "a parameter is not written name=value"),
    ],
)
def test_says_what_is_wrong_and_shows_no_password(url: str, message: str) -> None:
    with pytest.raises(InvalidStoreURL) as caught:
        parse_store_url(url)
    assert message in str(caught.value)
    assert not {"sec", "ret", "cret"} & set(re.findall("[a-z]+", str(caught.value)))


def test_a_url_is_taken_apart_without_the_driver() -> None:
    program = (
        "import sys; from ledger.store.urls import parse_store_url; "
        "parse_store_url('postgresql://host/news'); assert 'psycopg' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
