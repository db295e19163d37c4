"""URLs to stores: what they name, and which are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.errors import InvalidStoreURL
from ledger.store.urls import DEFAULT_URL, SQLiteURL, absolute, parse_store_url


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
    "or, from the root, sqlite:////srv/news.db"
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
    url = absolute(f"sqlite:///{name}{options}")
    monkeypatch.chdir("/")
    found = parse_store_url(url)
    assert found == SQLiteURL(tmp_path / named.path, named.synchronous, named.timeout)
    assert absolute(url) == url
