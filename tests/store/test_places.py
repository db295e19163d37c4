"""What a store is called in a message, and whether two URLs name one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger import Ledger
from ledger.store.places import are_same, shown
from tests.stores import PostgresStore


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:///news.db?timeout=3", "sqlite:///news.db?timeout=3"),
        ("postgresql://ann@db/news?schema=harbour", "postgresql://ann@db/news?schema=harbour"),
        ("postgresql://ann:s3cret@db/news?pool=3", "postgresql://ann:***@db/news?pool=3"),
        ("postgresql://db/news?password=s3cret", "postgresql://db/news?password=***"),
    ],
)
def test_a_store_is_shown_without_its_password(url: str, name: str) -> None:
    assert shown(url) == name


def test_files_are_the_same_by_whatever_name(tmp_path: Path) -> None:
    for name in ("news.db", "other.db"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "link.db").symlink_to("news.db")
    news = f"sqlite:///{tmp_path}/news.db"
    assert are_same(news, f"sqlite:///{tmp_path}/./news.db?timeout=3")
    assert are_same(news, f"sqlite:///{tmp_path}/link.db")
    assert not are_same(news, f"sqlite:///{tmp_path}/other.db")
    assert not are_same(f"sqlite:///{tmp_path}/no.db", f"sqlite:///{tmp_path}/no.db")
    assert not are_same(news, "postgresql:///news")


def test_schemas_are_the_same_by_whatever_url(postgres_store: PostgresStore) -> None:
    server, schema = postgres_store.server, postgres_store.schema
    with Ledger.open(postgres_store.url) as ledger:
        ledger.init()
    other = server.url(user="postgres", schema=schema, application_name="other")
    assert are_same(postgres_store.url, other)
    assert not are_same(postgres_store.url, postgres_store.another().url)
    assert not are_same(postgres_store.url, server.url(database="postgres", schema=schema))
