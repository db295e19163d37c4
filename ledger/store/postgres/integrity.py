"""What is wrong with a PostgreSQL log itself: with its tables, indexes, functions and guards.

An index decides what is read of an entry, and a rule, a policy or a trigger could decide anything;
no proof covers them. So each has to be as this program makes it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.store.log import Integrity
from ledger.store.postgres.connections import Connection
from ledger.store.postgres.functions import FUNCTIONS, SETTINGS, body
from ledger.store.postgres.schema import CONSTRAINTS, INDEXES, TABLES, TRIGGERS

Thing = tuple[str, str, str]
"""Something in the database: its kind, its name, and how it is defined."""

_TABLES = """
    WITH tables AS (
        SELECT pg_class.*, nspowner FROM pg_class
        JOIN pg_namespace AS home ON home.oid = relnamespace
        WHERE nspname = %(schema)s AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    )
"""
_THINGS = (
    """
    SELECT 'table', relname, concat(
        (
            SELECT string_agg(concat_ws(' ',
                attname, format_type(atttypid, atttypmod),
                (
                    SELECT 'COLLATE ' || collname FROM pg_collation
                    WHERE oid = attcollation AND collname <> 'default'
                ),
                CASE WHEN attnotnull THEN 'NOT NULL' END,
                CASE WHEN atthasdef THEN 'DEFAULT' END
            ), ', ' ORDER BY attnum)
            FROM pg_attribute WHERE attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
        ),
        CASE WHEN relkind <> 'r' THEN ' of kind ' || relkind::text END,
        CASE WHEN relrowsecurity THEN ' with row security' END,
        CASE WHEN relpersistence <> 'p' THEN ' that a crash empties' END,
        CASE WHEN relowner <> nspowner THEN ' of another owner' END
    ) FROM tables
    """,
    """
    SELECT 'constraint', relname || '.' || conname, pg_get_constraintdef(pg_constraint.oid)
    FROM tables JOIN pg_constraint ON conrelid = tables.oid WHERE contype <> 'n'
    """,
    """
    SELECT 'index', own.relname, concat(
        regexp_replace(pg_get_indexdef(own.oid), '^CREATE.* INDEX [^ ]+ ', ''),
        CASE WHEN NOT (indisvalid AND indisready AND indislive) THEN ' not valid' END
    )
    FROM tables JOIN pg_index ON indrelid = tables.oid JOIN pg_class AS own ON own.oid = indexrelid
    WHERE NOT (indisvalid AND indisready AND indislive)
        OR NOT EXISTS (
            SELECT FROM pg_constraint WHERE conindid = own.oid AND conrelid = tables.oid
        )
    """,
    """
    SELECT 'trigger', relname || '.' || tgname,
        regexp_replace(pg_get_triggerdef(pg_trigger.oid), '^CREATE.* TRIGGER [^ ]+ ', '')
    FROM tables JOIN pg_trigger ON tgrelid = tables.oid WHERE NOT tgisinternal
    """,
    """
    SELECT 'function', proname, concat_ws(' ',
        pg_get_function_arguments(pg_proc.oid), pg_get_function_result(pg_proc.oid),
        CASE WHEN prosecdef THEN 'SECURITY DEFINER' END,
        array_to_string(proconfig, ' '), lanname,
        CASE WHEN proowner <> nspowner THEN 'of another owner' END,
        CASE WHEN provolatile <> 'v' OR proisstrict OR proparallel <> 'u'
            THEN 'said to be simpler than it is' END,
        CASE WHEN has_function_privilege('public', pg_proc.oid, 'EXECUTE')
            THEN 'for everybody' END,
        prosrc)
    FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
        JOIN tables ON relname = 'events' AND relnamespace = pronamespace
    """,
    """
    SELECT 'rule', relname || '.' || rulename, ''
    FROM tables JOIN pg_rewrite ON ev_class = tables.oid
    """,
    """
    SELECT 'policy', relname || '.' || polname, ''
    FROM tables JOIN pg_policy ON polrelid = tables.oid
    """,
    """
    SELECT 'inheritance', relname || ' ' || inhparent::regclass || ' ' || inhrelid::regclass, ''
    FROM tables JOIN pg_inherits ON tables.oid IN (inhparent, inhrelid)
    """,
    """
    SELECT 'right to change', concat_ws(' ', relname || '.' || attname, 'for',
        coalesce(rolname, 'everybody')), ''
    FROM tables JOIN pg_attribute ON attrelid = tables.oid CROSS JOIN aclexplode(attacl)
    LEFT JOIN pg_roles ON pg_roles.oid = grantee
    WHERE grantee <> relowner AND privilege_type <> 'SELECT'
    """,
    """
    SELECT 'right to make tables in', concat_ws(' ', nspname, 'for',
        coalesce(rolname, 'everybody')), ''
    FROM pg_namespace CROSS JOIN aclexplode(nspacl) LEFT JOIN pg_roles ON pg_roles.oid = grantee
    WHERE nspname = %(schema)s AND grantee <> nspowner AND privilege_type <> 'USAGE'
    """,
    """
    SELECT 'right to change', concat_ws(' ', relname, 'for', coalesce(rolname, 'everybody')), ''
    FROM tables CROSS JOIN aclexplode(relacl) LEFT JOIN pg_roles ON pg_roles.oid = grantee
    WHERE grantee <> relowner AND privilege_type <> 'SELECT'
    """,
)
_SWITCHED_OFF = """
    SELECT relname || '.' || tgname FROM tables JOIN pg_trigger ON tgrelid = tables.oid
    WHERE NOT tgisinternal AND tgenabled <> 'A' ORDER BY 1
"""

# Read once from the table as it lies, once along each index.
_DIGEST = """
    SELECT count(*), sum(hashtextextended(line, 0)::numeric) FROM (
        SELECT concat_ws(' ', encode(entry, 'hex'), version, position) AS line
        FROM {events} WHERE {where} {order}
    ) AS lines
"""
_BY_TABLE = (
    "enable_bitmapscan = off",
    "enable_indexscan = off",
    "enable_indexonlyscan = off",
    "enable_seqscan = on",
)
_BY_INDEX = (
    "enable_indexscan = on",
    "enable_indexonlyscan = on",
    "enable_seqscan = off",
    "enable_sort = off",
)
_WAYS = {
    "events_pkey": ("true", "position"),
    "events_entry_version_key": ("true", "entry, version"),
    "erasures": ("type LIKE 'EntryErased@%'", "position"),
}


def integrity(connection: Connection, schema: str) -> Integrity:
    """Return what is wrong with a log's tables, indexes, functions and triggers."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        given = {"schema": schema}
        query = _TABLES + " UNION ALL ".join(_THINGS)
        have: list[Thing] = connection.execute(query.encode(), given).fetchall()
        off = connection.execute((_TABLES + _SWITCHED_OFF).encode(), given).fetchall()
        should = set(_plain(_own(schema)))
        have = list(_plain(have))
        wrong = [
            f"the {kind} {name} of the database is not the ledger's own"
            for kind, name, definition in have
            if (kind, name, definition) not in should
        ]
        there = {(kind, name) for kind, name, _ in have}
        missing = [
            f"the {kind} {name} of the ledger's own is missing from the database"
            for kind, name, _ in should
            if (kind, name) not in there
        ]
        missing += [
            f"the trigger {name} of the database is switched off"
            for (name,) in off
            if name in TRIGGERS
        ]
        if not wrong and ("table", "events") in there:
            wrong += _disagreements(connection, f'"{schema}".events')
    return Integrity(sorted(wrong), sorted(missing))


def _own(schema: str) -> Iterator[Thing]:
    """Yield what belongs to the ledger in a schema."""
    for table, columns in TABLES.items():
        yield "table", table, ", ".join(columns)
    for name, definition in CONSTRAINTS.items():
        yield "constraint", name, definition
    for name, definition in INDEXES.items():
        yield "index", name, definition.format(schema=schema)
    for name, definition in TRIGGERS.items():
        yield "trigger", name, definition.format(schema=schema)
    for name, function in FUNCTIONS.items():
        definer = ["SECURITY DEFINER"] if function.as_owner else []
        source = body(function, schema)
        parts = [function.arguments, function.returns, *definer, *SETTINGS, "plpgsql", source]
        yield "function", name, " ".join(parts)


def _plain(things: Iterator[Thing] | list[Thing]) -> Iterator[Thing]:
    # Which names stand in quotation marks depends on the server's version.
    for kind, name, definition in things:
        yield kind, name, definition.replace('"', "")


def _disagreements(connection: Connection, events: str) -> Iterator[str]:
    for index, (where, order) in _WAYS.items():
        digests = []
        for by, settings in (("", _BY_TABLE), (f"ORDER BY {order}", _BY_INDEX)):
            for setting in settings:
                connection.execute(f"SET LOCAL {setting}".encode())
            query = _DIGEST.format(events=events, where=where, order=by)
            digests.append(connection.execute(query.encode()).fetchone())
        if digests[0] != digests[1]:
            yield f"the index {index} of the database does not agree with its table"
