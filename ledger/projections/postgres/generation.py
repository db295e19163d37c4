"""One generation of the views in a PostgreSQL schema."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from ledger.errors import InvalidInput, LedgerError
from ledger.projections.database import Parameters, ViewsDb
from ledger.projections.generation import Generation, whole
from ledger.projections.postgres.database import PostgresDb, Replaced, is_circumstance
from ledger.projections.postgres.home import Home, create_schema, drop_schema
from ledger.projections.projector import Damaged
from ledger.store.pool import Pool
from ledger.store.postgres.connections import is_quiet, translated

# What says that something that should be there is not, or is not what it should be.
_MISSING = ("3F000", "42P01", "42703", "42704", "42804", "42883")
_CORRUPT = ("XX001", "XX002")


class SchemaGeneration(Generation):
    """One schema of views.

    Args:
        home: Where the generations of the ledger lie.
        name: The schema.
    """

    def __init__(self, home: Home, name: str) -> None:
        super().__init__(name, home.where)
        self._home = home
        self._pool = Pool(self._open, _is_idle, home.url.pool, home.url.timeout)

    @contextmanager
    def snapshot(self) -> Iterator[PostgresDb]:
        """Lend a connection that sees the tables as they are now, and cannot write them."""
        with self._lent() as db:
            db.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield db
            except psycopg.errors.ReadOnlySqlTransaction as error:
                raise InvalidInput("a query may not write the views") from error
            finally:
                with suppress(psycopg.Error):
                    db.connection.execute("COMMIT")

    def rows(self, query: str, parameters: Parameters = ()) -> list[Any]:
        """Return the rows that one query finds."""
        with self._lent() as db:
            return db.execute(query, parameters).fetchall()

    @contextmanager
    def writing(self) -> Iterator[PostgresDb]:
        """Lend a connection that can write."""
        with self._lent() as db:
            yield db

    @contextmanager
    def filling(self) -> Iterator[PostgresDb]:
        """Lend a connection that can write; what is half-made is thrown away, schema and all."""
        with translated(self._home.url), self._pool.connection() as db:
            yield db

    def create(self) -> None:
        """Make the schema."""
        with self.filling() as db:
            db.connection.execute(create_schema(self.name))

    def copy(self, of: Generation, leaving: Collection[str]) -> None:
        """Begin with the tables that another generation has."""
        self.create()
        with of.writing() as old, old.transaction():
            left = set(old.tables()) - set(leaving)
            with self.filling() as new:
                views = _views(new, of.name)
                for table in sorted(left - views.keys()):
                    new.execute(f"CREATE TABLE {table} (LIKE {of.name}.{table} INCLUDING ALL)")
                    columns = ", ".join(_written(new, table))
                    new.execute(
                        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {of.name}.{table}"
                    )
                for view in sorted(left & views.keys()):
                    # It names the tables that it reads with the schema where they were.
                    query = views[view].replace(f"{of.name}.", "")
                    new.connection.execute(f"CREATE VIEW {view} AS {query}".encode())

    def remove(self) -> None:
        """Remove the schema."""
        with self.filling() as db:
            db.connection.execute(drop_schema(self.name))

    def finish(self) -> None:
        """Let the server know what is in the tables, so that it asks them well."""
        with self.filling() as db:
            for table in db.tables():
                db.execute(f"ANALYZE {table}")

    def close(self) -> None:
        """Close all connections, once whoever reads is done."""
        self._pool.close()

    @contextmanager
    def _lent(self) -> Iterator[PostgresDb]:
        """Lend a connection; tell what is wrong with the tables from what is with a query."""
        with self._blamed(), self._pool.connection() as db:
            yield db

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """Tell what is wrong with the tables, or the server, from what is wrong with a query."""
        try:
            yield
        except psycopg.Error as error:
            state = error.sqlstate or ""
            if (
                isinstance(error, Replaced)
                or state in _CORRUPT
                or (state in _MISSING and not self._is_whole())
            ):
                raise Damaged from error
            if not is_circumstance(error):
                raise
            with translated(self._home.url):
                raise

    def _open(self) -> PostgresDb:
        connection = self._home.connect()
        try:
            self._home.require_trust()
            # Views can be made again, so a power cut may cost them.
            connection.execute(
                "SELECT set_config('search_path', %s, false), "
                "set_config('synchronous_commit', 'off', false)",
                (f'"{self.name}"',),
            )
            db = PostgresDb(connection, self.name)
            db.pin()
        except BaseException:
            # The schema may have been replaced just now.
            connection.close()
            raise
        return db

    def _is_whole(self) -> bool:
        """Return whether the schema has all its tables."""
        try:
            with self._pool.connection() as db:
                return whole(db, db.tables())
        except (psycopg.Error, LedgerError):
            return False


def _is_idle(db: PostgresDb) -> bool:
    return is_quiet(db.connection) and not db.in_transaction


def _views(db: PostgresDb, schema: str) -> dict[str, str]:
    """Return the views of a schema, with their queries."""
    rows = db.execute(
        "SELECT relname, pg_get_viewdef(oid) FROM pg_class "
        "WHERE relkind = 'v' AND relnamespace = to_regnamespace(?)",
        (schema,),
    )
    return dict(rows.fetchall())


def _written(db: ViewsDb, table: str) -> list[str]:
    """Return the columns of a table that are written, not generated."""
    rows = db.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = ?::regclass AND attnum > 0 "
        "AND attgenerated = '' AND NOT attisdropped ORDER BY attnum",
        (table,),
    )
    return [f'"{name}"' for (name,) in rows]
