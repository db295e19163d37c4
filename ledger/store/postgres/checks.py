"""What `ledger doctor` looks at on PostgreSQL alone: the server, its settings, and our rights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from ledger.store.checks import Check, fail_if, ok, warn_if
from ledger.store.identity import Clock
from ledger.store.postgres.connections import Connection, connect, translated
from ledger.store.postgres.roles import role_names
from ledger.store.postgres.schema import schema_version
from ledger.store.rows import Head
from ledger.store.urls import PostgresURL

OLDEST = 130000
"""The first version of PostgreSQL that is supported, as `server_version_num` has it."""

MUCH = 1.0
"""By how many seconds two clocks may differ before somebody is told."""

_SETTINGS = """
SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN (
    'server_version', 'server_version_num', 'fsync', 'full_page_writes', 'synchronous_commit',
    'data_checksums', 'wal_level', 'archive_mode', 'max_connections',
    'superuser_reserved_connections', 'reserved_connections'
)
"""

_RESERVED = ("superuser_reserved_connections", "reserved_connections")

_RIGHTS = """
SELECT current_user, role.rolsuper, pg_catalog.pg_has_role(events.relowner, 'MEMBER')
FROM pg_catalog.pg_class AS events, pg_catalog.pg_roles AS role
WHERE events.oid = pg_catalog.to_regclass(%s) AND role.rolname = current_user
"""

_WHERE = "SELECT system_identifier::text, current_database()::text FROM pg_control_system()"

# What a session is for is hidden from users without rights; that it has a user and a database,
# as all of clients have, is not.
_IN_USE = """
SELECT count(*) FROM pg_catalog.pg_stat_activity
WHERE datid IS NOT NULL AND usesysid IS NOT NULL
"""


def whereabouts(url: PostgresURL) -> tuple[str, ...]:
    """Return what tells a ledger from all others: its server, database and schema.

    Raises:
        StoreError: The server cannot be asked.
    """
    with _connected(url) as db:
        found = db.execute(_WHERE).fetchone()
    return (*(found or ()), url.schema)


def checks(url: PostgresURL, head: Head, clock: Clock) -> Iterator[Check]:
    """Yield what is found of a log's server.

    Args:
        url: The log, which is there.
        head: Its end.
        clock: Gives this host's time, in microseconds since 1970-01-01T00:00:00Z.

    Raises:
        StoreError: The server cannot be asked.
    """
    with _connected(url) as db:
        settings: dict[str, str] = dict(db.execute(_SETTINGS).fetchall())
        yield fail_if(
            int(settings["server_version_num"]) < OLDEST,
            "version",
            f"PostgreSQL {settings['server_version']}; supported is 13 and newer",
            "use a newer server",
        )
        yield ok("schema", f"log schema {schema_version()}")
        yield from _durability(settings)
        yield _clock(db, head, clock)
        yield _connections(db, settings, url.pool)
        yield _rights(db, url)


@contextmanager
def _connected(url: PostgresURL) -> Iterator[Connection]:
    with translated(url), closing(connect(url)) as db:
        yield db


def _durability(settings: dict[str, str]) -> Iterator[Check]:
    fsync, pages = settings["fsync"], settings["full_page_writes"]
    yield fail_if(
        "off" in (fsync, pages),
        "fsync",
        f"fsync={fsync}, full_page_writes={pages}",
        "a power cut may ruin the database: set both to on",
    )
    commit = settings["synchronous_commit"]
    yield warn_if(
        commit == "off",
        "durability",
        f"synchronous_commit={commit}",
        "a crash may take the last events that were acknowledged: use the URL without "
        "synchronous=normal",
    )
    sums = settings["data_checksums"]
    yield warn_if(
        sums == "off",
        "checksums",
        f"data_checksums={sums}",
        "damage on the disk shows only in an audit: stop the server and run `pg_checksums "
        "--enable`",
    )
    yield ok(
        "archiving",
        f"wal_level={settings['wal_level']}, archive_mode={settings['archive_mode']}",
    )


def _clock(db: Connection, head: Head, clock: Clock) -> Check:
    before = clock()
    row = db.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").fetchone()
    after = clock()
    # The server's answer was true at about the middle of the way there and back.
    theirs = int(row[0]) if row else 0
    ahead = (theirs - (before + after) / 2) / 1e6
    behind = (head.recorded_at - theirs) / 1e6
    found = f"the server's is {abs(ahead):.3f} s {'ahead of' if ahead > 0 else 'behind'} ours"
    if behind > MUCH:
        found += f", and {behind:.3f} s behind the last event"
    return warn_if(
        abs(ahead) > MUCH or behind > MUCH,
        "clock",
        found,
        "set both hosts' clocks by the same source: events are recorded at the server's time",
    )


def _connections(db: Connection, settings: dict[str, str], pool: int) -> Check:
    row = db.execute(_IN_USE).fetchone()
    used = int(row[0]) if row else 0
    reserved = sum(int(settings.get(name, 0)) for name in _RESERVED)
    most = int(settings["max_connections"]) - reserved
    return warn_if(
        used + pool > most,
        "connections",
        f"{used} of {most} are in use; a process takes up to {pool}",
        "allow fewer with ?pool= in the URL, or more with max_connections",
    )


def _rights(db: Connection, url: PostgresURL) -> Check:
    row = db.execute(_RIGHTS, (f"{url.schema}.events",)).fetchone()
    user, is_super, is_owner = row or ("", False, False)
    may = "is a superuser" if is_super else "owns the log" if is_owner else "cannot alter history"
    return warn_if(
        is_super or is_owner,
        "rights",
        f"{user} {may}",
        "it could take the guards away: `ledger init --roles`, and work as a user with the role "
        f"{role_names(url.schema, db.info.dbname)[0]}",
    )
