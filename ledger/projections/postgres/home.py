"""The schemas of the views of one ledger: who may make them, and who may read them.

The views of the ledger in `ledger` have their home in `ledger_views`, which says which generation
serves; each generation is a schema `ledger_views_...`. All belong to the owner of the home: a role
that several users may be members of, so that each of them can go on where another stopped.

Whoever keeps the views could put code of his own into them, which would run with the rights of
those who read. So one who has more rights, the owner of the log or a superuser, does not: he has
views of his own, and what is kept by others he can only throw away.
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from ledger.errors import StoreNotWritable
from ledger.store.postgres.connections import Connection, connect
from ledger.store.urls import PostgresURL

_OWNER = """
    SELECT rolname, rolname <> current_user AND pg_has_role(views.nspowner, 'MEMBER'),
        views.nspowner <> log.nspowner
            AND (current_setting('is_superuser') = 'on' OR pg_has_role(log.nspowner, 'MEMBER'))
    FROM pg_namespace AS views JOIN pg_roles ON pg_roles.oid = views.nspowner
    CROSS JOIN pg_namespace AS log
    WHERE views.nspname = %s AND log.nspname = %s
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
        keeper: Who keeps it, where this user has more rights; None: where he has not.
    """

    def __init__(self, url: PostgresURL) -> None:
        self.url = url
        self.keeper: str | None = None
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
            owner, is_member = self.look(connection)
            if is_member and self.keeper is None:
                # A member may still be barred from this; then it only reads.
                with suppress(psycopg.errors.InsufficientPrivilege):
                    connection.execute(SQL("SET ROLE {}").format(Identifier(owner)))
        except BaseException:
            connection.close()
            raise
        return connection

    def look(self, connection: Connection) -> tuple[str, bool]:
        """See who keeps the views now; return that, and whether this user is a member."""
        row = connection.execute(_OWNER, (self.name, self.url.schema)).fetchone()
        owner, is_member, is_mightier = row or ("", False, False)
        self.keeper = owner if is_mightier else None
        return owner, is_member

    def require_trust(self) -> None:
        """Refuse to read, or to write, what somebody of fewer rights keeps.

        Raises:
            StoreNotWritable: This user has more.
        """
        if self.keeper is not None:
            raise StoreNotWritable(
                f"the views in {self.where} are kept by the role {self.keeper}, whose members "
                "could have put code of theirs into them, to run with the rights of this user: "
                "work as a member of that role"
            )

    def require_keeper(self, connection: Connection) -> None:
        """Refuse to lead where this user cannot do the work.

        Raises:
            StoreNotWritable: He may only read.
        """
        row = connection.execute(
            "SELECT has_table_privilege(%s, 'UPDATE')", (f'"{self.name}".serving',)
        ).fetchone()
        if row is None or not row[0]:
            raise StoreNotWritable(
                f"the views in {self.where} are kept by others, and this user may only read them: "
                "follow as a member of the role that keeps them"
            )

    def table(self, name: str) -> Identifier:
        """Return a table of the home, for a statement."""
        return Identifier(self.name, name)

    def generations(self, connection: Connection) -> list[str]:
        """Return the schemas of all generations that are there."""
        # Somebody else may have schemas that are called alike.
        rows = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspowner = "
            "(SELECT nspowner FROM pg_namespace WHERE nspname = %s)",
            (self.name,),
        )
        return [schema for (schema,) in rows if self.is_generation(schema)]

    def share(self, connection: Connection, schema: str) -> None:
        """Let whoever may read the home read a generation."""
        for (role,) in connection.execute(_READERS, (self.name,)).fetchall():
            for right in ("USAGE ON SCHEMA {}", "SELECT ON ALL TABLES IN SCHEMA {}"):
                grant = SQL("GRANT " + right + " TO {}")
                connection.execute(grant.format(Identifier(schema), Identifier(role)))

    def drop(self, connection: Connection, schema: str) -> None:
        """Remove a generation; where somebody still reads it, it is left for the next time."""
        with (
            suppress(psycopg.errors.LockNotAvailable),
            connection.transaction(),
        ):
            # Less than the server takes to look for a deadlock: readers go before.
            connection.execute("SET LOCAL lock_timeout = '500ms'")
            # Whoever writes has a row of this table first, then others.
            with suppress(psycopg.errors.UndefinedTable), connection.transaction():
                connection.execute(
                    SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(
                        Identifier(schema, "generation")
                    )
                )
            connection.execute(drop_schema(schema))


def create_schema(schema: str) -> Composed:
    """Return the statement that makes a schema."""
    return SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema))


def drop_schema(schema: str) -> Composed:
    """Return the statement that removes a schema with all that it holds."""
    return SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(schema))
