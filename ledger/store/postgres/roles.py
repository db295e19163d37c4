"""The roles that may use a ledger on PostgreSQL: who writes, who reads, who audits.

The ledger's owner made it, and alone could alter it. Nobody needs to be the owner to work with a
ledger: a writer appends through a function, which takes nothing but what comes next.
"""

from __future__ import annotations

import re
from hashlib import sha256

from ledger.store.postgres.schema import TABLES, views_home

ROLES = ("writer", "reader", "auditor")

# No more than PostgreSQL keeps of a name, behind the longest schema.
_PLAIN = re.compile(r"[a-z0-9]{1,14}")


def role_names(schema: str, database: str) -> list[str]:
    """Return the names of the roles of a ledger: for who writes, who reads, who audits.

    Roles are of the whole server; so the database is in their names, or its digest where that is
    long or could be mistaken for a part of the schema's name.
    """
    place = database
    if not _PLAIN.fullmatch(database):
        place = sha256(database.encode()).hexdigest()[:12]
    return [f"{schema}_{place}_{role}" for role in ROLES]


def role_statements(schema: str, database: str) -> list[str]:
    """Return the statements that make the roles and give them their rights, to be run in order.

    The writer may append, read, and keep the views; the reader may read log and views; the
    auditor may read as well, and look at the server's settings. They are roles for groups: nobody
    logs in as one, users are made members. What is there already stays.

    Args:
        schema: Where the ledger is.
        database: Which of the server's.
    """
    writer, reader, auditor = roles = [_quoted(name) for name in role_names(schema, database)]
    log, home = f'"{schema}"', f'"{views_home(schema)}"'
    readers = f"{reader}, {auditor}"
    tables = ", ".join(f"{log}.{table}" for table in TABLES)
    return [
        *(_unless("duplicate_object", f"CREATE ROLE {role} NOLOGIN") for role in roles),
        # Who gives the views away has to be able to become whom they are given to.
        f"GRANT {writer} TO CURRENT_USER",
        f"REVOKE ALL ON SCHEMA {log}, {home} FROM PUBLIC",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {log}, {home} FROM PUBLIC",
        f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {log} FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA {log} TO {writer}, {readers}",
        f"GRANT SELECT ON {tables} TO {writer}, {readers}",
        f"GRANT EXECUTE ON FUNCTION {log}.append TO {writer}",
        f"GRANT CREATE ON DATABASE {_quoted(database)} TO {writer}",
        # Views that others made are nobody's to go on with: the first to read makes new ones.
        _without_views(schema),
        f"ALTER SCHEMA {home} OWNER TO {writer}",
        f"ALTER TABLE {home}.serving OWNER TO {writer}",
        f"ALTER TABLE {home}.skips OWNER TO {writer}",
        f"GRANT USAGE ON SCHEMA {home} TO {readers}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {home} TO {readers}",
        # `ledger doctor` sees less without.
        _unless("insufficient_privilege", f"GRANT pg_read_all_settings TO {auditor}"),
        _unless("insufficient_privilege", f"GRANT pg_read_all_stats TO {auditor}"),
    ]


def _without_views(schema: str) -> str:
    """Return the statement that drops the generations that the log's owner has made."""
    return (
        "DO $$ DECLARE name text; BEGIN FOR name IN SELECT nspname FROM pg_namespace "
        f"WHERE nspname ~ '^{views_home(schema)}_[0-9a-f]{{8}}$' "
        f"AND nspowner = (SELECT nspowner FROM pg_namespace WHERE nspname = '{schema}') "
        "LOOP EXECUTE format('DROP SCHEMA %I CASCADE', name); END LOOP; END $$"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _unless(condition: str, statement: str) -> str:
    return f"DO $$ BEGIN {statement}; EXCEPTION WHEN {condition} THEN NULL; END $$"
