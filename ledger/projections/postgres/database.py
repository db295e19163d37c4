"""A PostgreSQL schema of views, opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, cast

import psycopg
from psycopg import generators
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.types.numeric import IntDumper

from ledger.projections.database import STANDINGS, Rows
from ledger.projections.postgres import bulk
from ledger.projections.postgres.dialect import ends_transaction, translated
from ledger.store.postgres.connections import Connection

_CHUNK = 2000

# SQLSTATEs, or classes of them, that tell of the server, the disk or the line (PostgreSQL,
# appendix A): not of a statement.
_CIRCUMSTANCES = ("08", "25006", "25P03", "25P04", "40", "42501", "53", "55", "57", "58", "XX")


# One round trip, of statements that are begun one after the other: where the first divides by
# zero, nothing of the schema was touched.
_BEGIN = b"BEGIN; EXECUTE is_same; EXECUTE one_writes; SAVEPOINT attempt; EXECUTE standing"


class Forbidden(psycopg.Error):
    """A handler tried to end the transaction that it writes in."""


class Replaced(psycopg.Error):
    """The schema was dropped, or given to others; if it is there, their code may be in it."""


class _BoolDumper(IntDumper):
    """Truth is 1 or 0, as in SQLite."""

    def dump(self, obj: Any) -> Any:
        return super().dump(int(obj))


class PostgresDb:
    """A connection to a schema of views; see `ViewsDb`.

    Args:
        connection: In autocommit, with the schema as its search path.
        schema: The schema.
    """

    is_postgres: ClassVar[bool] = True

    def __init__(self, connection: Connection, schema: str) -> None:
        connection.adapters.register_dumper(bool, _BoolDumper)
        self._beginning = b""
        self.connection = connection
        self.schema = schema
        self._is_guarded = False
        self._is_saved = False
        self._is_clean = False

    @property
    def Error(self) -> type[Exception]:  # noqa: N802 - as drivers call it (PEP 249)
        """What psycopg raises."""
        return psycopg.Error

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction has begun."""
        return self.connection.info.transaction_status in {
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        }

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def execute(self, sql: str, parameters: Any = (), /) -> Rows:
        """Run one statement."""
        self._prepare(sql)
        cursor = self.connection.cursor(binary=True)
        return cast("Rows", cursor.execute(translated(sql), parameters))

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Rows:
        """Run one statement for each of many sets of parameters, all in one round trip."""
        rows = list(parameters)
        cursor = self.connection.cursor(binary=True)
        if not rows:
            return cast("Rows", cursor)
        self._prepare(sql)
        if len(rows) == 1:
            return cast("Rows", cursor.execute(translated(sql), rows[0]))
        if inserted := bulk.insert(self.connection, sql, rows):
            return cast("Rows", inserted)
        cursor.executemany(translated(sql), rows)
        return cast("Rows", cursor)

    def _prepare(self, sql: str) -> None:
        """Keep a handler's statement apart, and from ending the transaction."""
        if not self._is_guarded:
            return
        if ends_transaction(sql):
            raise Forbidden("not authorized")
        if not self._is_saved and not self._is_clean:
            # That of an attempt that succeeded is still there: to release it is a round trip.
            self.connection.execute("RELEASE attempt; SAVEPOINT attempt")
        self._is_saved, self._is_clean = True, False

    def begin(
        self,
        done: Callable[[], bool] = lambda: False,  # noqa: ARG002
        meanwhile: Callable[[], object] = lambda: None,
    ) -> list[Any] | None:
        """Begin to write, alone: others wait for their turn, as the server has it."""
        self.pin()
        if not self._beginning:
            raise Replaced(f"the schema {self.schema} is not there")
        try:
            try:
                rows = self._begun(meanwhile)
            except psycopg.errors.InvalidSqlStatementName:
                # The first time; and psycopg deallocates all, behind each DROP and ROLLBACK.
                self._roll_back()
                self.connection.execute(self._beginning)
                rows = self._begun(lambda: None)
        except psycopg.errors.DivisionByZero as error:
            self._roll_back()
            raise Replaced(f"the schema {self.schema} is another one's") from error
        except BaseException:
            self._roll_back()
            raise
        self._is_clean = True
        return rows

    def _begun(self, meanwhile: Callable[[], object]) -> list[Any]:
        """Send what a transaction begins with, and return what it answers last.

        It is what `execute` does, in two halves.
        """
        connection = self.connection
        connection.pgconn.send_query(_BEGIN)
        connection.wait(generators.send(connection.pgconn))
        try:
            meanwhile()
        finally:
            answers = connection.wait(generators.fetch_many(connection.pgconn))
        if answers[-1].status == ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(answers[-1])
        loading = Transformer(connection)
        loading.set_pgresult(answers[-1])
        return loading.load_rows(0, answers[-1].ntuples, tuple)

    def pin(self) -> None:
        """Write from now on to this very schema alone, as long as its owner's it is."""
        if self._beginning:
            return
        table = f'"{self.schema}".generation'
        row = self.connection.execute(
            "SELECT oid, nspowner FROM pg_namespace "
            "WHERE nspname = %s AND to_regclass(%s) IS NOT NULL",
            (self.schema, table),
        ).fetchone()
        if row is not None:
            self._beginning = (
                "PREPARE is_same AS SELECT 1 / count(*) FROM pg_namespace "
                f"WHERE (oid, nspowner) = ({row[0]}, {row[1]}); "
                f"PREPARE one_writes AS SELECT FROM {table} FOR UPDATE; "
                f"PREPARE standing AS {STANDINGS}"
            ).encode()

    @contextmanager
    def committed(self) -> Iterator[None]:
        """Commit at the end what was begun, or roll everything back."""
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        with suppress(psycopg.Error):
            self.connection.execute("ROLLBACK")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin, and commit at the end."""
        self.begin()
        with self.committed():
            yield

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Undo what handlers did where they fail; they cannot end the transaction themselves.

        A transaction begins with a savepoint. The next one waits for the first statement behind
        an attempt that succeeded: many a handler has none for a batch, and each is a round trip.
        """
        self._is_guarded, self._is_saved = True, False
        try:
            yield
        except BaseException:
            if self._is_saved:
                with suppress(psycopg.Error):
                    self.connection.execute("ROLLBACK TO attempt")
                    self._is_clean = True
            raise
        finally:
            self._is_guarded = False

    def was_guarded(self, error: BaseException) -> bool:
        """Return whether an error says that a handler tried to."""
        return isinstance(error, Forbidden)

    def is_circumstance(self, error: BaseException) -> bool:
        """Return whether an error tells of the server, the disk or the line."""
        return is_circumstance(error)

    def stream(self, table: str, columns: str, *, in_order: bool) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a table; `in_order`: by their columns, from left to right."""
        order = ""
        if in_order:
            count = len(columns.split(","))
            # As SQLite has it: what is nothing comes first.
            order = " ORDER BY " + ", ".join(f"{n} NULLS FIRST" for n in range(1, count + 1))
        with self.connection.cursor(f"stream_{table}", binary=True) as cursor:
            cursor.itersize = _CHUNK
            yield from cursor.execute(f"SELECT {columns} FROM {table}{order}")

    def tables(self) -> list[str]:
        """Return the names of the tables."""
        rows = self.connection.execute(
            "SELECT relname FROM pg_catalog.pg_class WHERE relkind IN ('r', 'v') "
            "AND relnamespace = to_regnamespace(%s)",
            (f'"{self.schema}"',),
        )
        return [name for (name,) in rows]

    def drop(self, table: str) -> None:
        """Drop a table, if it is there."""
        self.connection.execute(f'DROP TABLE IF EXISTS "{self.schema}"."{table}" CASCADE')


def is_circumstance(error: BaseException) -> bool:
    """Return whether an error tells of the server, the disk or the line."""
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError)
    return error.sqlstate.startswith(_CIRCUMSTANCES)
