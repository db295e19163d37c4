"""The schemas of the views of one ledger: who may make them, and who may read them.

The views of the ledger in `ledger` have their home in `ledger_views`, which says which generation
serves; each generation is a schema `ledger_views_...`. All belong to the owner of the home: a role
that several users may be members of, so that each of them can go on where another stopped.
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from ledger.store.postgres.connections import Connection, connect
from ledger.store.urls import PostgresURL

_OWNER = """
    SELECT rolname FROM pg_namespace JOIN pg_roles ON pg_roles.oid = nspowner
    WHERE nspname = %s AND rolname <> current_user AND pg_has_role(nspowner, 'MEMBER')
"""
_READERS = """
    SELECT DISTINCT rolname
    FROM pg_namespace CROSS JOIN aclexplode(nspacl) JOIN pg_roles ON pg_roles.oid = grantee
    WHERE nspname = %s AND privilege_type = 'USAGE' AND grantee <> nspowner
"""


class Home:
    """The schemas of the views of one ledger.

    Args:
        url: The store.

    Attributes:
        url: That.
        name: The schema that says which generation serves.
        where: What it is called in messages.
    """

    def __init__(self, url: PostgresURL) -> None:
        self.url = url
        self.name = f"{url.schema}_views"
        self.where = f"{self.name} at {url.place}"
        self._generation = re.compile(rf"{re.escape(self.name)}_[0-9a-f]{{8}}")

    def new_name(self) -> str:
        """Return the name of a schema that is not there."""
        return f"{self.name}_{secrets.token_hex(4)}"

    def is_generation(self, schema: str | None) -> bool:
        """Return whether a schema is called as a generation of these views is."""
        return schema is not None and self._generation.fullmatch(schema) is not None

    def connect(self) -> Connection:
        """Open a connection that has the rights of the home's owner, where this user may."""
        connection = connect(self.url)
        try:
            owner = connection.execute(_OWNER, (self.name,)).fetchone()
            if owner is not None:
                # A member may still be barred from this; then it only reads.
                with suppress(psycopg.errors.InsufficientPrivilege):
                    connection.execute(SQL("SET ROLE {}").format(Identifier(owner[0])))
        except BaseException:
            connection.close()
            raise
        return connection

    def table(self, name: str) -> Identifier:
        """Return a table of the home, for a statement."""
        return Identifier(self.name, name)

    def generations(self, connection: Connection) -> list[str]:
        """Return the schemas of all generations that are there."""
        rows = connection.execute("SELECT nspname FROM pg_namespace")
        return [schema for (schema,) in rows if self.is_generation(schema)]

    def share(self, connection: Connection, schema: str) -> None:
        """Let whoever may read the home read a generation."""
        for (role,) in connection.execute(_READERS, (self.name,)).fetchall():
            for right in ("USAGE ON SCHEMA {}", "SELECT ON ALL TABLES IN SCHEMA {}"):
                grant = SQL("GRANT " + right + " TO {}")
                connection.execute(grant.format(Identifier(schema), Identifier(role)))

    def drop(self, connection: Connection, schema: str) -> None:
        """Remove a generation; where somebody still reads it, it is left for the next time."""
        with suppress(psycopg.errors.LockNotAvailable), connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '1s'")
            connection.execute(drop_schema(schema))


def create_schema(schema: str) -> Composed:
    """Return the statement that makes a schema."""
    return SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema))


def drop_schema(schema: str) -> Composed:
    """Return the statement that removes a schema with all that it holds."""
    return SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema))
