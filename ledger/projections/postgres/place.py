"""Where the generations of one ledger's views lie on PostgreSQL, and who serves, builds, leads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg
from psycopg.sql import SQL

from ledger.errors import StoreError
from ledger.projections.generation import Generation
from ledger.projections.place import Place
from ledger.projections.postgres.generation import SchemaGeneration
from ledger.projections.postgres.home import Home
from ledger.projections.postgres.skips import TableSkips
from ledger.store.pool import Pool
from ledger.store.postgres.connections import Connection, is_quiet, translated
from ledger.store.postgres.schema import make_views_home
from ledger.store.urls import PostgresURL

# The home can be thrown away as well; then it is made anew.
_GONE = (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedTable)
_TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"


class SchemaPlace(Place):
    """The schemas of the views of one ledger.

    Args:
        url: The store of the log.
    """

    patience = 2.0

    def __init__(self, url: PostgresURL) -> None:
        self._home = Home(url)
        self._pool = Pool(self._home.connect, is_quiet, url.pool, url.timeout)
        self._skips = TableSkips(self._home, self._pool)
        self.where = self._home.where
        self.disposal = f"drop the schemas {self._home.name}_..."

    @property
    def kept_by_others(self) -> bool:
        """Whether somebody of fewer rights keeps the views."""
        return self._home.keeper is not None

    @property
    def skips(self) -> TableSkips:
        """What projections pass over, in a table of the home."""
        return self._skips

    def serving(self) -> str | None:
        """Return the schema that serves; None where there is none, or none for this user."""
        query = SQL(
            "SELECT generation FROM {} JOIN pg_namespace AS own ON own.nspname = generation "
            "JOIN pg_namespace AS home ON home.nspname = {} AND home.nspowner = own.nspowner"
        ).format(self._home.table("serving"), self._home.name)
        with translated(self._home.url), self._pool.connection() as connection:
            # Asked each time: rights may have been given since, and code put into the tables.
            self._home.look(connection)
            if self.kept_by_others:
                return None
            try:
                row = connection.execute(query).fetchone()
            except (*_GONE, psycopg.errors.InsufficientPrivilege):
                return None
        return row[0] if row is not None and self._home.is_generation(row[0]) else None

    def generation(self, name: str, *, in_passing: bool = False) -> SchemaGeneration:  # noqa: ARG002
        """Return the generation in a schema."""
        return SchemaGeneration(self._home, name)

    def new_name(self) -> str:
        """Return the name of a schema that is not there."""
        return self._home.new_name()

    def discard(self, generation: Generation) -> bool:
        """Let a generation that is damaged serve no more; who builds next clears it away."""
        query = SQL("UPDATE {} SET generation = NULL WHERE generation = %s")
        with (
            suppress(StoreError),
            translated(self._home.url),
            self._pool.connection() as connection,
        ):
            self._home.look(connection)
            self._home.require_trust()
            statement = query.format(self._home.table("serving"))
            return connection.execute(statement, (generation.name,)).rowcount > 0
        return False

    def clear(self) -> bool:
        """Remove all generations but the one that serves; one that is read is left."""
        serving = self.serving()
        with translated(self._home.url), self._pool.connection() as connection:
            for schema in self._home.generations(connection):
                if schema != serving:
                    self._home.drop(connection, schema)
            return set(self._home.generations(connection)) <= {serving}

    def point_to(self, generation: Generation) -> None:
        """Let a schema serve, in one transaction, and remove the one before it."""
        before = self.serving()
        serving = self._home.table("serving")
        with translated(self._home.url), self._pool.connection() as connection:
            with connection.transaction():
                self._home.share(connection, generation.name)
                connection.execute(SQL("DELETE FROM {}").format(serving))
                connection.execute(
                    SQL("INSERT INTO {} VALUES (%s)").format(serving), (generation.name,)
                )
            if before is not None:
                self._home.drop(connection, before)

    @contextmanager
    def making(self) -> Iterator[Generation]:
        """Lend a new generation; what is left half-made is cleared away."""
        self._home.require_trust()
        with super().making() as generation:
            yield generation

    @contextmanager
    def building_alone(self) -> Iterator[None]:
        """Keep other processes from building."""
        with translated(self._home.url):
            connection = self._home.connect()
        with closing(connection):
            with translated(self._home.url):
                if not self.kept_by_others:
                    make_views_home(connection, self._home.url.schema)
                connection.execute("SET idle_in_transaction_session_timeout = 0")
                self.wait_for(lambda: self._is_alone(connection))
            yield

    def _is_alone(self, connection: Connection) -> bool:
        """Take the lock of those who build, which only they may take."""
        lock = SQL("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT")
        connection.execute("BEGIN")
        try:
            connection.execute(lock.format(self._home.table("serving")))
        except psycopg.errors.LockNotAvailable:
            connection.execute("ROLLBACK")
            return False
        return True

    def lead(self) -> SchemaLead | None:
        """Return what makes this process the leader while it is open; None: another process is."""
        with translated(self._home.url):
            connection = self._home.connect()
            try:
                self._home.require_trust()
                self._home.require_keeper(connection)
                if self._leads(connection):
                    return SchemaLead(connection)
            except BaseException:
                connection.close()
                raise
            connection.close()
            return None

    def _leads(self, connection: Connection) -> bool:
        """Take a lock that lasts as long as the connection; return False where another has it."""
        row = connection.execute(_TRY_LOCK, (f"ledger: lead {self._home.name}",)).fetchone()
        return row is not None and bool(row[0])

    def was_taken_away(self) -> bool:
        """Return False: the home is made with the log, and is never made anew."""
        return False

    def close(self) -> None:
        """Close all connections; the next use opens others."""
        self._pool.close()
        self._pool = Pool(
            self._home.connect, is_quiet, self._home.url.pool, self._home.url.timeout
        )
        self._skips = TableSkips(self._home, self._pool)


class SchemaLead:
    """What makes a process the leader: the server lets go of the lock when the line ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def holds(self) -> bool:
        """Return whether the server still has the lock for us."""
        return is_quiet(self._connection)

    def close(self) -> None:
        """Lead no more."""
        self._connection.close()
