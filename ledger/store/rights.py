"""Who may do what with a store: roles on PostgreSQL; on SQLite a file's permissions say."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ledger.errors import InvalidInput
from ledger.store.log import LogRecorder
from ledger.store.urls import PostgresURL, parse_store_url

if TYPE_CHECKING:
    from ledger.store.postgres import PostgresRecorder


def make_roles(url: str, log: LogRecorder) -> list[str]:
    """Make the roles of a ledger, or give those that are there their rights again.

    Args:
        url: Where the ledger is.
        log: Its log.

    Returns:
        The names of the roles.

    Raises:
        InvalidInput: There are no roles on SQLite.
        StoreNotWritable: The user may not make roles, or is not the ledger's owner.
    """
    found = require_roles(url)
    from ledger.store.postgres.checks import whereabouts
    from ledger.store.postgres.roles import role_names

    cast("PostgresRecorder", log).make_roles()
    _, database, schema = whereabouts(found)
    return role_names(schema, database)


def roles_as_sql(url: str) -> str:
    """Return the SQL that makes the roles of a ledger, for somebody else to run.

    Raises:
        InvalidInput: There are no roles on SQLite.
        StoreError: The server cannot be asked what its database is called.
    """
    found = require_roles(url)
    from ledger.store.postgres.checks import whereabouts
    from ledger.store.postgres.roles import role_statements

    _, database, schema = whereabouts(found)
    return "".join(f"{statement};\n" for statement in role_statements(schema, database))


def require_roles(url: str) -> PostgresURL:
    """Refuse a store that knows no roles.

    Raises:
        InvalidInput: It is on SQLite.
    """
    found = parse_store_url(url)
    if not isinstance(found, PostgresURL):
        raise InvalidInput(
            "a ledger on SQLite has no roles: the permissions of its file say who may write it"
        )
    return found
