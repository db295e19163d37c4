"""The schema of a PostgreSQL log: its tables, the triggers that guard them, and its upgrades.

What is declared here is written as PostgreSQL itself would, so that `integrity` can hold what is
there against it.
"""

from __future__ import annotations

from ledger.errors import (
    NotALedger,
    StoreNotWritable,
    StoreTooNew,
    StoreTooOld,
    StoreUnhealthy,
)
from ledger.store.identity import Identity
from ledger.store.postgres.connections import Connection, not_found
from ledger.store.postgres.functions import FUNCTIONS, SETTINGS, body
from ledger.store.urls import PostgresURL

# Of each table, its columns.
TABLES: dict[str, tuple[str, ...]] = {
    "schema_version": ("version integer NOT NULL",),
    "ledger": ("id text NOT NULL", "origin text NOT NULL", "created_at bigint NOT NULL"),
    # A row while the ledger is a copy of another, which takes no events of its own.
    "copy": ("since bigint NOT NULL", "confirmed bigint NOT NULL"),
    # One row, which appends lock, and nobody ever changes.
    "head": ("single boolean NOT NULL",),
    "events": (
        "position bigint NOT NULL",
        "entry bytea NOT NULL",
        "version bigint NOT NULL",
        'type text COLLATE "C" NOT NULL',
        "recorded_at bigint NOT NULL",
        "meta bytea NOT NULL",
        "content bytea NOT NULL",
    ),
}

CONSTRAINTS: dict[str, str] = {
    "events.events_pkey": "PRIMARY KEY (position)",
    "events.events_entry_version_key": "UNIQUE (entry, version)",
    "events.events_position_check": "CHECK ((position > 0))",
    "events.events_entry_check": "CHECK ((length(entry) = 16))",
    "head.head_pkey": "PRIMARY KEY (single)",
    "head.head_single_check": "CHECK (single)",
}

INDEXES: dict[str, str] = {
    "erasures": "ON {schema}.events USING btree (position) WHERE (type ~~ 'EntryErased@%'::text)",
}


def _refusal(what: str) -> str:
    return f"EXECUTE FUNCTION {{schema}}.refuse('ledger: {what}')"


TRIGGERS: dict[str, str] = {
    "events.events_are_appended": "AFTER INSERT ON {schema}.events REFERENCING NEW TABLE AS added "
    "FOR EACH STATEMENT EXECUTE FUNCTION {schema}.require_appended()",
    "events.events_are_appended_in_turn": "BEFORE INSERT ON {schema}.events "
    "FOR EACH STATEMENT EXECUTE FUNCTION {schema}.lock_head()",
    "events.events_are_never_changed": "BEFORE UPDATE ON {schema}.events "
    "FOR EACH ROW EXECUTE FUNCTION {schema}.require_erasure()",
    "events.events_are_never_deleted": "BEFORE DELETE OR TRUNCATE ON {schema}.events "
    f"FOR EACH STATEMENT {_refusal('events are never deleted')}",
    # A table that inherits from another loses its rows through that one.
    "events.events_are_never_deleted_from_elsewhere": "BEFORE DELETE ON {schema}.events "
    f"FOR EACH ROW {_refusal('events are never deleted')}",
    "head.head_is_never_changed": "BEFORE INSERT OR DELETE OR UPDATE OR TRUNCATE "
    f"ON {{schema}}.head FOR EACH STATEMENT {_refusal('the lock is never changed')}",
    "ledger.identity_is_never_changed": "BEFORE UPDATE ON {schema}.ledger "
    f"FOR EACH STATEMENT {_refusal('the identity is never changed')}",
    "ledger.identity_is_never_deleted": "BEFORE DELETE OR TRUNCATE ON {schema}.ledger "
    f"FOR EACH STATEMENT {_refusal('the identity is never deleted')}",
    "ledger.identity_is_single": "BEFORE INSERT ON {schema}.ledger "
    f"FOR EACH STATEMENT {_refusal('there is one identity')}",
}

# One script a step: script n leads from schema n to n + 1. A released script is never changed;
# a new ledger is made as declared above.
UPGRADES: tuple[tuple[str, ...], ...] = (
    (
        "ALTER TABLE {schema}.copy ADD COLUMN confirmed bigint NOT NULL DEFAULT 0",
        "ALTER TABLE {schema}.copy ALTER COLUMN confirmed DROP DEFAULT",
        *(
            f"ALTER FUNCTION {{schema}}.{name} SET plan_cache_mode = force_generic_plan"
            for name in (
                *("append", "append_at", "lock_head"),
                *("refuse", "require_appended", "require_erasure"),
            )
        ),
    ),
)


def schema_version() -> int:
    """Return the log schema that this program works with."""
    return len(UPGRADES) + 1


def views_home(schema: str) -> str:
    """Return the schema where the views of a ledger say which of them serve."""
    return f"{schema}_views"


def make(connection: Connection, schema: str, identity: Identity, copied_at: int | None) -> None:
    """Make the log's tables, functions, triggers and identity, in a transaction that has begun.

    Args:
        connection: Its user becomes their owner.
        schema: Where; it is made, or is there and empty.
        identity: What the ledger is called.
        copied_at: When it was made as a copy; None where it is none.
    """
    home = f'"{schema}"'
    run = connection.execute
    run(f"CREATE SCHEMA IF NOT EXISTS {home}".encode())
    for table, columns in TABLES.items():
        run(f"CREATE TABLE {home}.{table} ({', '.join(columns)})".encode())
    for name, definition in CONSTRAINTS.items():
        table, _, constraint = name.partition(".")
        run(f"ALTER TABLE {home}.{table} ADD CONSTRAINT {constraint} {definition}".encode())
    for index, definition in INDEXES.items():
        run(f"CREATE INDEX {index} {definition.format(schema=home)}".encode())
    for name, function in FUNCTIONS.items():
        run(
            f"CREATE FUNCTION {home}.{name}({function.arguments}) RETURNS {function.returns} "
            f"LANGUAGE plpgsql {'SECURITY DEFINER' if function.as_owner else ''} "
            f"SET {' SET '.join(SETTINGS)} AS $ledger${body(function, schema)}$ledger$".encode()
        )
        run(f"REVOKE ALL ON FUNCTION {home}.{name} FROM PUBLIC".encode())
    run(f"INSERT INTO {home}.schema_version VALUES (%s)".encode(), (schema_version(),))
    run(f"INSERT INTO {home}.ledger VALUES (%s, %s, %s)".encode(), identity)
    run(f"INSERT INTO {home}.head VALUES (true)".encode())
    if copied_at is not None:
        run(f"INSERT INTO {home}.copy VALUES (%s, 0)".encode(), (copied_at,))
    for name, definition in TRIGGERS.items():
        table, _, trigger = name.partition(".")
        run(f"CREATE TRIGGER {trigger} {definition.format(schema=home)}".encode())
        run(f"ALTER TABLE {home}.{table} ENABLE ALWAYS TRIGGER {trigger}".encode())


def make_views_home(connection: Connection, schema: str) -> None:
    """Make the home of a ledger's views where it is missing.

    Raises:
        NotALedger: There is something else in its place.
    """
    run = connection.execute
    if run("SELECT 1 FROM pg_namespace WHERE nspname = %s", (views_home(schema),)).fetchone():
        columns = run(
            "SELECT concat(relname, '.', attname) FROM pg_class "
            "JOIN pg_namespace AS n ON n.oid = relnamespace "
            "JOIN pg_attribute ON attrelid = pg_class.oid WHERE nspname = %s AND attnum > 0",
            (views_home(schema),),
        ).fetchall()
        if not {"serving.generation", "skips.leaf"} <= {name for (name,) in columns}:
            raise NotALedger(
                f"the schema {views_home(schema)} is there, and not for the views of a ledger; "
                "nothing was touched: name another with ?schema="
            )
        return
    home = f'"{views_home(schema)}"'
    run(f"CREATE SCHEMA {home}".encode())
    run(f"CREATE TABLE {home}.serving (generation text)".encode())
    run(f"INSERT INTO {home}.serving VALUES (NULL)".encode())
    run(
        f"CREATE TABLE {home}.skips (name text, position bigint, leaf bytea, "
        "reason text, actor text, skipped_at bigint, PRIMARY KEY (name, position, leaf))".encode()
    )


def is_made(connection: Connection, url: PostgresURL) -> bool:
    """Return whether there is a ledger in a schema, not an empty schema or none.

    Raises:
        NotALedger: There is something else in it.
    """
    found = connection.execute(
        "SELECT relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')",
        (url.schema,),
    ).fetchall()
    names = {name for (name,) in found}
    if names and not {"events", "ledger", "schema_version"} <= names:
        raise _not_ours(url)
    return bool(names)


def _not_ours(url: PostgresURL) -> NotALedger:
    return NotALedger(
        f"the schema {url.schema} of {url.place} is no ledger but holds other tables; "
        "nothing was touched: name another with ?schema="
    )


def require_ours(connection: Connection, url: PostgresURL) -> None:
    """Refuse a place that holds no ledger, or one of another schema than the program's.

    Raises:
        StoreError: By its subclass, what is there.
    """
    if not is_made(connection, url):
        raise not_found(url)
    version = version_of(connection, url)
    if version < schema_version():
        raise StoreTooOld(
            f"the ledger in schema {url.schema} of {url.place} has log schema {version}, this "
            f"program works with {schema_version()}: bring it up with `ledger upgrade`"
        )


def version_of(connection: Connection, url: PostgresURL) -> int:
    """Return the log schema of a ledger.

    Raises:
        StoreTooNew: It is newer than the program's.
    """
    (version,) = connection.execute(
        f'SELECT max(version) FROM "{url.schema}".schema_version'.encode()
    ).fetchone() or (None,)
    if version is None:
        raise _not_ours(url)
    if version > schema_version():
        raise StoreTooNew(
            f"the ledger in schema {url.schema} of {url.place} has log schema {version}, this "
            f"program knows {schema_version()}: use a newer program"
        )
    return int(version)


def lock(connection: Connection, url: PostgresURL) -> None:
    """Let one at a time make or upgrade a ledger, in a transaction that has begun."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('ledger ' || %s, 0))", (url.schema,)
    )


def require_fit(connection: Connection) -> None:
    """Refuse a database that no ledger can be made in.

    Raises:
        StoreUnhealthy: It does not take every character.
        StoreNotWritable: The user has no right to make one.
    """
    encoding, may, user, database = connection.execute(
        "SELECT current_setting('server_encoding'), "
        "has_database_privilege(current_database(), 'CREATE'), current_user, current_database()"
    ).fetchone() or ("", False, "", "")
    if encoding != "UTF8":
        raise StoreUnhealthy(
            f"the database {database} has the encoding {encoding}: make one with UTF8 for a ledger"
        )
    if not may:
        raise StoreNotWritable(
            f"the user {user} may not make a ledger in the database {database}: let its owner "
            f"GRANT CREATE ON DATABASE {database} TO {user}"
        )


def upgrade(connection: Connection, url: PostgresURL) -> tuple[int, int]:
    """Bring a log up to the program's schema, in a transaction that has begun.

    Returns:
        The schemas before and after.
    """
    if not is_made(connection, url):
        raise not_found(url)
    before = version_of(connection, url)
    for script in UPGRADES[max(before - 1, 0) :]:
        for statement in script:
            connection.execute(statement.format(schema=f'"{url.schema}"').encode())
    connection.execute(
        f'UPDATE "{url.schema}".schema_version SET version = %s'.encode(), (schema_version(),)
    )
    make_views_home(connection, url.schema)
    return before, schema_version()
