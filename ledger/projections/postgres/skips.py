"""Skips in a table of the views' home."""

from __future__ import annotations

import psycopg
from psycopg.sql import SQL

from ledger.projections.postgres.home import Home
from ledger.projections.records import Skip
from ledger.projections.skips import Skips
from ledger.store.pool import Pool
from ledger.store.postgres.connections import Connection, translated
from ledger.store.rows import to_datetime, to_microseconds

_COLUMNS = "name, position, leaf, reason, actor, skipped_at"


class TableSkips(Skips):
    """The skips kept in a table.

    Args:
        home: Where the table is.
        pool: Connections to it.
    """

    def __init__(self, home: Home, pool: Pool[Connection]) -> None:
        self._home = home
        self._pool = pool
        self._table = home.table("skips")
        self._list = f'SELECT {_COLUMNS} FROM "{home.name}".skips ORDER BY position, name'.encode()

    def add(self, skip: Skip) -> None:
        """Note a skip; a second one for the same event changes nothing."""
        query = SQL("INSERT INTO {} VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING")
        with translated(self._home.url), self._pool.connection() as connection:
            self._home.require_trust()
            connection.execute(
                query.format(self._table),
                (
                    skip.name,
                    skip.position,
                    skip.leaf,
                    skip.reason,
                    skip.actor,
                    to_microseconds(skip.skipped_at),
                ),
            )

    def remove(self, name: str, position: int) -> bool:
        """Take a skip back; return whether there was one."""
        query = SQL("DELETE FROM {} WHERE name = %s AND position = %s").format(self._table)
        with translated(self._home.url), self._pool.connection() as connection:
            self._home.require_trust()
            return connection.execute(query, (name, position)).rowcount > 0

    def list(self) -> tuple[Skip, ...]:
        """Return all skips, by position."""
        with translated(self._home.url), self._pool.connection() as connection:
            if self._home.keeper is not None:
                return ()
            try:
                rows = connection.execute(self._list).fetchall()
            except (
                psycopg.errors.InsufficientPrivilege,
                psycopg.errors.InvalidSchemaName,
                psycopg.errors.UndefinedTable,
            ):
                # Projections then stop again, and say so.
                return ()
        return tuple(
            Skip(name, position, leaf, reason, actor, to_datetime(skipped_at))
            for name, position, leaf, reason, actor, skipped_at in rows
        )
