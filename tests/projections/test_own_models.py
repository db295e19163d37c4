"""Read models of one's own: asked safely, and declared right or refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, ClassVar

import psycopg
import pytest

from ledger import EntryCreated, EntryEdited, Ledger, Projection, RecordedEvent, handles
from ledger.errors import InvalidInput
from ledger.projections.database import Db
from tests.projections.desk import NAMES, add, fill, one_generation
from tests.stores import Store


class Desks(Projection):
    """How many events each actor made, by entry."""

    name = "desks"
    ddl: ClassVar[tuple[str, ...]] = (
        "CREATE TABLE desks (actor TEXT, entry BLOB, events INTEGER, PRIMARY KEY (actor, entry))",
    )
    tables: ClassVar[dict[str, str]] = {"desks": "actor, entry, events"}

    @handles(EntryCreated, EntryEdited)
    def note(self, event: RecordedEvent, db: Db) -> None:
        db.execute(
            "INSERT INTO desks VALUES (?, ?, 1) "
            "ON CONFLICT (actor, entry) DO UPDATE SET events = desks.events + 1",
            (event.meta.actor, event.entry.bytes),
        )

    def of(self, db: Db, actor: str, *, least: int = 0) -> int:
        return len(
            db.execute(
                "SELECT 1 FROM desks WHERE actor = ? AND events >= ?", (actor, least)
            ).fetchall()
        )

    def ask(self, db: Db, sql: str, *values: object) -> list[Any]:
        return db.execute(sql, values).fetchall()

    def fail(self, db: Db, error: Exception) -> None:
        raise error


class Unhandled(Projection):
    """Declared, but takes nothing."""

    name = "unhandled"
    ddl: ClassVar[tuple[str, ...]] = ("CREATE TABLE unhandled (a INTEGER)",)
    tables: ClassVar[dict[str, str]] = {"unhandled": "a"}


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    fill(url)
    with Ledger.open(url) as ledger:
        ledger.views.status()
        yield ledger


def made(**declared: object) -> Projection:
    """Return a projection like `Unhandled`, but declared so."""
    model: Projection = type("Made", (Unhandled,), declared)()
    return model


def taking(*tables: str) -> Projection:
    return made(
        ddl=tuple(f"CREATE TABLE {table} (a INTEGER)" for table in tables),
        tables=dict.fromkeys(tables, "a"),
    )


# Asking


def test_a_model_registered_late_is_projected_alone_and_kept_up(
    ledger: Ledger, url: str, store: Store
) -> None:
    before = ledger.views.status()
    old = store.serving()
    model = Desks()
    ledger.register(model)
    assert ledger.query(model.of, "Ann") == 3
    assert ledger.query(model.of, "Ben", least=2) == 0
    assert store.serving() != old
    status = ledger.views.status()
    assert status[:-1] == before
    assert (status[-1].name, status[-1].schema, status[-1].position, status[-1].rows) == (
        "desks",
        1,
        7,
        5,
    )
    new = store.serving()
    # Others do not know of it: they leave it be, and it catches up here.
    add(url, "Crane falls")
    with Ledger.open(url) as other:
        assert [s.name for s in other.views.status()] == list(NAMES)
        assert [(s.name, s.lag) for s in other.views.standing()][-1] == ("desks", 1)
    assert ledger.query(model.of, "Cy") == 1
    assert store.serving() == new
    assert [proof.same for proof in ledger.rebuild(("desks",))] == [True]
    with Ledger.open(url) as other:
        assert [proof.status.name for proof in other.rebuild()] == list(NAMES)
    kept = store.serving()
    assert ledger.query(model.of, "Cy") == 1
    assert store.serving() == kept


@pytest.mark.parametrize(
    ("sql", "values", "in_sqlite", "in_postgres"),
    [
        ("SELECT nix FROM desks", (), "no such column: nix", 'column "nix" does not exist'),
        ("SELECT * FROM nowhere", (), "no such table: nowhere", '"nowhere" does not exist'),
        ("SELEKT 1", (), 'near "SELEKT": syntax error', 'error at or near "SELEKT"'),
        ("SELECT abs(-9223372036854775808)", (), "integer overflow", "out of range"),
        (
            *("SELECT * FROM desks WHERE actor = ?", ()),
            *("Incorrect number of bindings supplied", "1 placeholders but 0 parameters"),
        ),
        ("SELECT ?", (object(),), "type 'object' is not supported", "cannot adapt type 'object'"),
        ("SELECT 1; SELECT 2", (), "one statement at a time", "multiple commands"),
    ],
)
def test_a_query_with_bad_sql_raises_the_driver_s_error_and_harms_nothing(
    ledger: Ledger,
    store: Store,
    sql: str,
    values: tuple[object, ...],
    in_sqlite: str,
    in_postgres: str,
) -> None:
    model = Desks()
    ledger.register(model)
    assert ledger.query(model.of, "Ann") == 3
    serving = store.serving()
    message = {"sqlite": in_sqlite, "postgres": in_postgres}[store.kind]
    with pytest.raises((sqlite3.Error, sqlite3.Warning, psycopg.Error), match=message):
        ledger.query(model.ask, sql, *values)
    assert store.serving() == serving
    assert ledger.query(model.of, "Ann") == 3
    assert store.serving() == serving


@pytest.mark.parametrize("error", [ValueError("x"), FileNotFoundError("nowhere"), KeyError("x")])
def test_an_error_of_a_query_of_ones_own_passes_through(
    ledger: Ledger, store: Store, error: Exception
) -> None:
    model = Desks()
    ledger.register(model)
    assert ledger.query(model.of, "Ann") == 3
    serving = store.serving()
    with pytest.raises(type(error)) as caught:
        ledger.query(model.fail, error)
    assert caught.value is error
    assert store.serving() == serving


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM desks",
        "INSERT INTO desks VALUES ('Eve', NULL, 1)",
        "DROP TABLE desks",
        "CREATE TABLE more (a INTEGER)",
        "UPDATE projections SET position = 0",
        "DELETE FROM current",
    ],
)
def test_a_query_that_writes_is_refused(ledger: Ledger, store: Store, sql: str) -> None:
    model = Desks()
    ledger.register(model)
    before = ledger.views.status()
    serving = store.serving()
    with pytest.raises(InvalidInput, match="a query may not write the views"):
        ledger.query(model.ask, sql)
    assert ledger.views.status() == before
    assert store.serving() == serving


def test_what_is_no_method_of_a_registered_projection_is_not_asked(ledger: Ledger) -> None:
    known = ", ".join(NAMES)
    with pytest.raises(InvalidInput) as caught:
        ledger.query(Desks().of, "Ann")
    assert str(caught.value) == f"no projection is called 'desks'; there are: {known}"
    with pytest.raises(InvalidInput, match="ask with a method of a projection"):
        ledger.query(lambda db: 1)
    with pytest.raises(InvalidInput, match="ask with a method of a projection"):
        ledger.query(Desks.of, Desks(), "Ann")  # type: ignore[arg-type]


# Declaring


class Nameless(Projection):
    ddl: ClassVar[tuple[str, ...]] = ("CREATE TABLE a (a INTEGER)",)
    tables: ClassVar[dict[str, str]] = {"a": "a"}


class Shapeless(Projection):
    name = "shapeless"
    tables: ClassVar[dict[str, str]] = {"a": "a"}


class Tableless(Projection):
    name = "tableless"
    ddl: ClassVar[tuple[str, ...]] = ("CREATE TABLE a (a INTEGER)",)


NAMED = "names no projection: use lower-case letters, digits, underscores"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Nameless(), "the projection Nameless declares no name"),
        (Shapeless(), "the projection Shapeless declares no ddl"),
        (Tableless(), "the projection Tableless declares no tables"),
        (made(name="My Model"), f"'My Model' {NAMED}"),
        (made(name=""), f"'' {NAMED}"),
        (made(name="été"), f"'été' {NAMED}"),
        (made(name="7th"), f"'7th' {NAMED}"),
        (made(name="current"), "two projections are called current"),
        (made(name="search"), "two projections are called search"),
        (
            made(ddl="CREATE TABLE unhandled (a INTEGER)"),
            "the ddl of unhandled is one text: give a tuple of statements",
        ),
        (taking("changes"), "the projection unhandled wants changes, which is taken"),
        (taking("generation"), "the projection unhandled wants generation, which is taken"),
        (made(takes_rows=True), "the projection unhandled takes rows, but has no apply_rows"),
        (
            taking("mine", "projections"),
            "the projection unhandled wants projections, which is taken",
        ),
    ],
)
def test_a_model_that_is_declared_wrong_is_refused_at_once(
    ledger: Ledger, model: Projection, message: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        ledger.register(model)
    assert str(caught.value) == message
    assert [status.name for status in ledger.views.status()] == list(NAMES)


@pytest.mark.parametrize("tables", [("unhandled",), "unhandled", None])
def test_tables_are_told_with_their_columns(ledger: Ledger, tables: object) -> None:
    with pytest.raises(InvalidInput, match="tables"):
        ledger.register(made(tables=tables))


@pytest.mark.parametrize("schema", [0, -1, "2", 1.5, None])
def test_a_schema_is_a_number_from_one(ledger: Ledger, schema: object) -> None:
    with pytest.raises(InvalidInput, match="schema"):
        ledger.register(made(schema=schema))


def test_one_model_twice_is_one_and_two_of_one_name_are_refused(ledger: Ledger) -> None:
    ledger.register(Desks())
    ledger.register(Desks())
    ledger.register(Unhandled())
    assert [status.name for status in ledger.views.status()] == [*NAMES, "desks", "unhandled"]
    with pytest.raises(InvalidInput, match="two projections are called desks"):
        ledger.register(made(name="desks"))
    with pytest.raises(InvalidInput, match="the projection other wants desks, which is taken"):
        ledger.register(made(name="other", ddl=Desks.ddl, tables=Desks.tables))


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"ddl": ("CREATE TABEL unhandled (a)",)}, 'near "TABEL": syntax error'),
        ({"ddl": ("CREATE TABLE unhandled (a INTEGER)",) * 2}, "table unhandled already exists"),
        (
            {"ddl": ("CREATE TABLE unhandled (a INTEGER); CREATE TABLE b (a)",)},
            "You can only execute one statement at a time.",
        ),
        ({"ddl": ()}, "no such table: unhandled"),
        ({"ddl": ("CREATE TABLE other (a INTEGER)",)}, "no such table: unhandled"),
        ({"tables": {"unhandled": "b"}}, "no such column: b"),
        ({"tables": {"unhandled": "a", "gone": "a"}}, "no such table: gone"),
        ({"indexes": {"gone": "a"}}, "no such table: gone"),
    ],
)
def test_tables_that_are_declared_wrong_are_refused_at_once(
    ledger: Ledger, declared: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        ledger.register(made(**declared))
    assert str(caught.value) == (
        f"the projection unhandled does not declare its tables right: {message}"
    )
    assert [status.name for status in ledger.views.status()] == list(NAMES)


@pytest.mark.parametrize("table", ["current", "Current", "words", "projections"])
def test_tables_that_cannot_be_made_are_told_in_one_line(
    ledger: Ledger, store: Store, table: str
) -> None:
    serving = store.serving()
    ledger.register(
        made(ddl=("CREATE TABLE unhandled (a INTEGER)", f"CREATE TABLE {table} (a INTEGER)"))
    )
    for _ in range(2):
        with pytest.raises(
            InvalidInput,
            match="^the projection unhandled cannot make its tables: "
            f'(table {table}|relation "{table.lower()}") already exists$',
        ):
            ledger.views.status()
    # Those that are there go on, and nothing half-made is left.
    assert len(ledger.entries()) == 3
    assert store.serving() == serving
    assert one_generation(store)


@pytest.mark.parametrize(
    "more",
    [
        "CREATE INDEX unhandled_by_a ON unhandled (a)",
        "CREATE VIEW seen AS SELECT a FROM unhandled",
    ],
)
def test_whatever_its_ddl_makes_can_be_made_again(ledger: Ledger, more: str) -> None:
    ledger.register(made(ddl=("CREATE TABLE unhandled (a INTEGER)", more)))
    before = ledger.views.status()
    for names in (("unhandled",), ("unhandled",), ("current",), ()):
        assert {proof.same for proof in ledger.rebuild(names)} == {True}
    assert ledger.views.status() == before


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    "more",
    [
        "CREATE TRIGGER watch AFTER INSERT ON unhandled BEGIN SELECT 1; END",
        "CREATE TABLE numbered (n INTEGER PRIMARY KEY AUTOINCREMENT)",
        "CREATE VIRTUAL TABLE texts_of_mine USING fts5 (text)",
    ],
)
def test_whatever_else_sqlite_knows_can_be_made_again(ledger: Ledger, more: str) -> None:
    test_whatever_its_ddl_makes_can_be_made_again(ledger, more)


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("column", "change", "expected"),
    [
        ("a COLLATE NOCASE", "DELETE FROM mixed WHERE a = 'a'", ["missing ['a']"]),
        (
            "a COLLATE NOCASE",
            "UPDATE mixed SET a = 'b' WHERE a = 'B'",
            ["missing ['B']", "surplus ['b']"],
        ),
        ("a", "UPDATE mixed SET a = 1.0 WHERE a = 1", ["missing [1]", "surplus [1.0]"]),
        ("a", "UPDATE mixed SET a = '1' WHERE a = 1", ["missing [1]", "surplus ['1']"]),
        ("a", "UPDATE mixed SET a = NULL WHERE a = 1", ["missing [1]", "surplus [None]"]),
    ],
)
def test_a_check_knows_rows_apart_as_the_digest_does(
    ledger: Ledger, store: Store, column: str, change: str, expected: list[str]
) -> None:
    def apply(self: Projection, events: object, db: Db) -> None:
        db.executemany("INSERT INTO mixed VALUES (?)", [("a",), ("B",), ("c",), (1,), (None,)])

    ledger.register(
        made(ddl=(f"CREATE TABLE mixed ({column})",), tables={"mixed": "a"}, apply=apply)
    )
    ledger.views.status()
    with store.views() as db:
        db.execute(change)
    found = list(ledger.check(("unhandled",)))
    assert {(drift.name, drift.table) for drift in found} == {("unhandled", "mixed")}
    assert sorted(f"{drift.kind} {drift.row!r}" for drift in found) == expected
    (proof,) = ledger.rebuild(("unhandled",))
    assert proof.same is False
    assert list(ledger.check()) == []
