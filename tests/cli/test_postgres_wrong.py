"""What goes wrong with PostgreSQL: one clear line, a status of its own, and nothing half done."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ledger import Ledger
from tests.cli.runner import Answer, Shell
from tests.postgres import Server
from tests.stores import PostgresStore

SECRET = "tidal-barrier"
HEADLINE = "Ferry sails"

ADD = ("add", "--date", "2021-03-04", "--headline", "Crane falls")
WRITES = (ADD, ("rebuild",), ("upgrade",), ("promote",))


class Desk:
    """A ledger with one event, its roles, and a user of each.

    Attributes:
        store: The store.
        entry: The id of its entry.
    """

    def __init__(self, store: PostgresStore, folder: Path) -> None:
        self.store = store
        self._shell = Shell(folder)
        self.run(store.url, "init", "--roles")
        self.entry = self.run(
            store.url, "add", "--date", "2021-03-04", "--headline", HEADLINE
        ).out.split()[1]
        for name in ("writer", "reader", "auditor"):
            self.user(name, f"{store.schema}_news_{name}")

    def __call__(self, url: str, *arguments: str) -> Answer:
        return self._shell("--store", url, *arguments)

    def run(self, url: str, *arguments: str) -> Answer:
        answer = self(url, *arguments)
        assert (answer.status, answer.err) == (0, ""), answer
        return answer

    def wrong(self, status: int, url: str, *arguments: str) -> str:
        """Run what must fail, without a trace; return the line that says why."""
        before = self.state()
        answer = self(url, *(arguments or ("list",)))
        assert (answer.status, answer.out) == (status, ""), answer
        (line,) = answer.err.splitlines()
        assert line.startswith("ledger: ")
        assert SECRET not in line
        assert self.state() == before
        return line.removeprefix("ledger: ")

    def state(self) -> object:
        """Return all that there is: the events, and all schemas."""
        with Ledger.open(self.store.url) as ledger:
            events = [event.position for event in ledger.application.read()]
        return events, self.store.server.execute("SELECT nspname FROM pg_namespace ORDER BY 1")

    def user(self, name: str, *roles: str, **settings: str) -> str:
        """Make a user, with a password and settings; return its name."""
        user = f"{self.store.schema}_u_{name}"
        server, login = self.store.server, sql.Identifier(user)
        server.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(login, SECRET))
        for role in roles:
            server.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), login))
        for setting, value in settings.items():
            server.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(login, sql.Identifier(setting), value)
            )
        return user

    def url(self, name: str, password: str | None = SECRET, **options: str) -> str:
        """Return the store's URL for a user, by TCP."""
        user = f"{self.store.schema}_u_{name}"
        options = {"schema": self.store.schema, "host": "127.0.0.1", **options}
        return self.store.server.url(options.pop("database", None), user, password, **options)


@pytest.fixture(scope="module")
def desk(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with closing(PostgresStore(postgres)) as store:
        yield Desk(store, tmp_path_factory.mktemp("desk"))


# The way there


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        (lambda d: d.url("reader", host="absent.invalid"), 51, "cannot be reached"),
        (lambda d: d.url("reader", port=free_port()), 51, "cannot be reached.*refused"),
        (lambda d: d.url("reader", host="/nowhere"), 51, "cannot be reached.*/nowhere"),
        (
            lambda d: d.url("reader", port=f"{free_port()},{free_port()}", host="::1,127.0.0.1"),
            51,
            "cannot be reached",
        ),
        (lambda d: d.url("reader", target_session_attrs="standby"), 51, "not in hot standby"),
        (lambda d: d.url("reader", sslmode="require"), 51, "SSL was required"),
        (lambda d: d.url("reader", "wrong"), 52, "does not let this user in: check name, passw"),
        (lambda d: d.url("reader", None), 52, "does not let this user in.*no password"),
        (lambda d: d.url("gone"), 52, "does not let this user in: check name"),
        (lambda d: d.store.server.url(user="gone"), 52, 'role "gone" does not exist'),
        (lambda d: d.url("reader", database="absent"), 41, 'database "absent" does not exist'),
        (lambda d: d.url("reader", sslmode="perhaps"), 5, 'invalid sslmode value: "perhaps"'),
        (lambda d: d.url("reader", colour="red"), 5, 'invalid URI query parameter: "colour"'),
        (lambda d: d.url("reader", schema="Bad"), 5, "has the option schema=Bad; a schema is"),
        (lambda d: d.url("reader", schema="pg_toast"), 5, "has the option schema=pg_toast;"),
        (lambda d: d.url("reader", pool="0"), 5, "has the option pool=0; it is a number"),
        (lambda d: d.url("reader", pool="many"), 5, "has the option pool=many; it is a number"),
        (lambda d: d.url("reader", timeout="soon"), 5, "has the option timeout=soon; known are"),
        (lambda d: d.url("reader", synchronous="half"), 5, "the option synchronous=half; known"),
        (lambda d: "postgresql://?service=absent", 5, 'definition of service "absent" not found'),
        (lambda d: f"postgresql://u:{SECRET}@host:http/news", 5, "is not understood; write it"),
        (lambda d: f"postgresql://u:{SECRET}/@host/news", 5, "is not understood; write it as"),
    ],
)
def test_the_way_there(desk: Desk, url: Callable[[Desk], str], status: int, said: str) -> None:
    assert re.search(said, desk.wrong(status, url(desk), *ADD))


def test_a_database_without_a_ledger(desk: Desk) -> None:
    said = desk.wrong(41, desk.url("writer", schema="absent"), "list")
    assert said.startswith("there is no ledger in schema absent of postgresql://")
    assert said.endswith(": make one with `ledger init`, or check --store and LEDGER_STORE")


def test_a_server_that_is_full(desk: Desk) -> None:
    user, server = desk.user("one", "owner"), desk.store.server
    server.execute(
        sql.SQL("ALTER ROLE {} CONNECTION LIMIT 1").format(sql.Identifier(user)),
    )
    with closing(server.connect(user)):
        for command in (("list",), ADD):
            said = desk.wrong(46, desk.url("one"), *command)
            assert "takes no more connections: try again, or raise max_connections" in said


# Rights


def test_a_user_without_rights(desk: Desk) -> None:
    desk.user("nobody")
    for command in (("list",), ADD, ("rebuild",)):
        said = desk.wrong(43, desk.url("nobody"), *command)
        assert "gives this user no right to do that" in said


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        ("reader", (("list",), ("init",)), WRITES),
        ("auditor", (("audit", "verify"),), (ADD,)),
    ],
)
def test_who_may_only_read(
    desk: Desk, role: str, reads: tuple[tuple[str, ...], ...], writes: tuple[tuple[str, ...], ...]
) -> None:
    for command in reads:
        desk.run(desk.url(role), *command)
    for command in writes:
        said = desk.wrong(43, desk.url(role), *command)
        assert "gives this user no right to do that" in said
        assert ("; nothing was stored" in said) == (command == ADD)
    assert "what was erased may still lie in" in desk.wrong(43, desk.url(role), "purge")


def test_who_may_only_append(desk: Desk) -> None:
    url, edit = desk.url("writer"), ("edit", desk.entry, "--headline")
    desk.run(url, *edit, "Ferry stays")
    desk.run(url, "rebuild")
    for command in (("upgrade",), ("promote",)):
        assert "no right to do that" in desk.wrong(43, url, *command)
    said = desk.wrong(43, url, "purge")
    assert said.endswith("let the ledger's owner run `ledger purge`")
    answer = desk(url, "init", "--roles")
    assert answer.status == 43
    assert "gives this user no right to do that; no roles were made" in answer.err
    why = ("--version", "1", "--authority", "Court", "--reason", "order")
    said = desk.wrong(43, url, "erase", desk.entry, *why)
    assert "gives this user no right to do that; nothing was erased" in said


# What the server or the user is set to


@pytest.mark.parametrize(
    "settings",
    [
        {"default_transaction_isolation": "serializable", "search_path": "nowhere"},
        {"client_encoding": "LATIN1", "TimeZone": "Asia/Tokyo", "bytea_output": "escape"},
    ],
)
def test_settings_that_change_nothing(desk: Desk, settings: dict[str, str]) -> None:
    name = "_".join(settings).lower()[:30]
    desk.user(name, f"{desk.store.schema}_news_writer", **settings)
    url = desk.url(name)
    desk.run(url, "edit", desk.entry, "--headline", f"Fähre: {name}")
    desk.run(url, "rebuild")
    assert f"Fähre: {name}" in desk.run(url, "list").out
    assert "sound: nothing was found" in desk.run(url, "audit", "verify", "--views").out


def test_what_a_user_has_off_is_on_for_appends(desk: Desk) -> None:
    desk.user("fast", f"{desk.store.schema}_news_writer", synchronous_commit="off")
    kept = {"off": "&synchronous=normal", "on": ""}
    for value, option in kept.items():
        with Ledger.open(desk.url("fast") + option) as ledger:
            recorder = ledger.application.log
            recorder.head()
            with recorder._lent() as connection:  # type: ignore[attr-defined]
                assert connection.execute("SHOW synchronous_commit").fetchone() == (value,)


def test_a_user_set_to_read_only(desk: Desk) -> None:
    desk.user("still", f"{desk.store.schema}_news_writer", default_transaction_read_only="on")
    assert desk.entry[:13] in desk.run(desk.url("still"), "list").out
    said = desk.wrong(43, desk.url("still"), *ADD)
    assert "takes no writes: it is a standby, or set to read only; nothing was stored" in said
    assert "takes no writes" in desk.wrong(43, desk.url("still"), "rebuild")


@pytest.mark.parametrize(
    "setting", ["statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout"]
)
def test_a_user_who_has_no_time(desk: Desk, setting: str) -> None:
    desk.user(setting, f"{desk.store.schema}_news_writer", **{setting: "1ms"})
    # Whether it is enough for an event to be stored is the machine's affair: it is told apart.
    answer = desk(desk.url(setting), "rebuild")
    assert answer.status in {46, 51}, answer
    (line,) = answer.err.splitlines()
    assert line.startswith("ledger: postgresql://")


# What lies there


@pytest.fixture
def place(desk: Desk) -> Iterator[PostgresStore]:
    with closing(PostgresStore(desk.store.server)) as place:
        yield place


@pytest.mark.parametrize(
    ("version", "status", "said"),
    [
        (99, 44, "has log schema 99, this program knows 2: use a newer program"),
        (1, 45, "has log schema 1, this program works with 2: bring it up with `ledger upgrade`"),
    ],
)
def test_a_log_of_another_schema(
    desk: Desk, place: PostgresStore, version: int, status: int, said: str
) -> None:
    desk.run(place.url, "init")
    with place.log() as db:
        db.execute("UPDATE schema_version SET version = ?", (version,))
    for command in (("list",), ADD, ("init",)):
        line = desk.wrong(status, place.url, *command)
        assert line.startswith(f"the ledger {place.at.partition('?')[0]}")
        assert line.endswith(said)


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE {}.tides (height integer)"],
        ["CREATE VIEW {}.events AS SELECT 1 AS position"],
        [f"CREATE TABLE {{}}.{name} (id integer)" for name in ("events", "ledger")]
        + ["CREATE TABLE {}.schema_version (version integer)"],
        [
            "CREATE SCHEMA {}_views AUTHORIZATION owner",
            "CREATE TABLE {}_views.serving (tray integer)",
            "DROP SCHEMA {}",
        ],
    ],
    ids=["tables", "view", "alike", "views"],
)
def test_a_schema_of_somebody_else(
    desk: Desk, place: PostgresStore, statements: list[str]
) -> None:
    with closing(place.server.connect(place.server.owner)) as db:
        db.execute(f"CREATE SCHEMA {place.schema}".encode())
        for statement in statements:
            db.execute(statement.format(place.schema).encode())
    for command in (("init",), ADD):
        said = desk.wrong(42, place.url, *command)
        assert "nothing was touched: name another with ?schema=" in said


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_does_not_take_every_character(desk: Desk, encoding: str) -> None:
    server, name = desk.store.server, f"{desk.store.schema}_{encoding.lower()}"
    database = sql.Identifier(name)
    server.execute(
        sql.SQL("CREATE DATABASE {} ENCODING {} LOCALE 'C' TEMPLATE template0 OWNER {}").format(
            database, encoding, sql.Identifier(server.owner or "postgres")
        )
    )
    try:
        url = server.url(name, server.owner)
        for command in (("init",), ADD):
            assert desk.wrong(54, url, *command) == (
                f"the database {name} has the encoding {encoding}: make one with UTF8 for a ledger"
            )
        with closing(psycopg.connect(server.url(name))) as db:
            found = db.execute("SELECT FROM pg_namespace WHERE nspname LIKE 'ledger%'")
            assert found.fetchall() == []
    finally:
        server.execute(sql.SQL("DROP DATABASE {}").format(database))
