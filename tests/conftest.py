"""What all tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.postgres import OwnServer, Server, served
from tests.stores import PostgresStore, SQLiteStore, Store

# A shell's background job is deaf to Ctrl-C, and so would be the processes that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).resolve().parents[2] / "shared"

NOW = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)

KINDS = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server."""
    with served() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that a store's file lies in."""
    return tmp_path


@pytest.fixture
def postgres_store(postgres: Server) -> Iterator[PostgresStore]:
    with closing(PostgresStore(postgres)) as store:
        yield store


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    """A module's own server, to be stopped, killed and started."""
    with closing(OwnServer()) as server:
        yield server


@pytest.fixture
def place(server: OwnServer) -> Iterator[PostgresStore]:
    """A store on the server that is killed."""
    with closing(PostgresStore(server)) as place:
        yield place


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a store on both kinds; for `log`, which is its file, on SQLite alone."""
    kinds = ("sqlite",) if "log" in metafunc.fixturenames else KINDS
    for name in {"store", "shared_store"}.intersection(metafunc.fixturenames):
        metafunc.parametrize(name, kinds, indirect=True)


@pytest.fixture
def store(request: pytest.FixtureRequest, folder: Path) -> Store:
    """A store that does not exist yet."""
    if request.param == "sqlite":
        return SQLiteStore(folder / "news.db")
    found: PostgresStore = request.getfixturevalue("postgres_store")
    return found


@pytest.fixture(scope="module")
def shared_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store that does not exist yet, for all tests of a module, which leave it as it is."""
    if request.param == "sqlite":
        yield SQLiteStore(tmp_path_factory.mktemp("shared") / "news.db")
        return
    with closing(PostgresStore(request.getfixturevalue("postgres"))) as store:
        yield store


@pytest.fixture
def url(store: Store) -> str:
    """The URL of a store that does not exist yet."""
    return store.url


@pytest.fixture
def log(store: Store) -> Path:
    """The file of a store that does not exist yet."""
    assert isinstance(store, SQLiteStore)
    return store.path


@pytest.fixture
def sqlite_url(folder: Path) -> str:
    return SQLiteStore(folder / "news.db").url


@pytest.fixture
def postgres_url(postgres_store: PostgresStore) -> str:
    return postgres_store.url
