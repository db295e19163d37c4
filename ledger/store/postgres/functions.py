"""The functions in the database that append events, and those that guard the log.

`{schema}` stands for the ledger's schema, quoted. Whoever appends, they run as the ledger's
owner; so their search path is fixed, and every relation is named with its schema.
"""

from __future__ import annotations

import msgspec

from ledger.store.postgres.connections import COPY_STATE


class Function(msgspec.Struct, frozen=True):
    """A function in the database.

    Attributes:
        arguments: Names and types.
        returns: The type.
        body: In PL/pgSQL.
        as_owner: Whether it runs as the ledger's owner, whoever calls it.
    """

    arguments: str
    returns: str
    body: str
    as_owner: bool = False


# Only an index finds one event among millions, whatever the planner knows of the table by now.
SETTINGS = (
    "search_path=pg_catalog, pg_temp",
    "enable_seqscan=off",
    "enable_bitmapscan=off",
    "jit=off",
    # The plan is the same whatever the numbers are; to make it again takes as long as to use it.
    "plan_cache_mode=force_generic_plan",
)

_ARGUMENTS = (
    "group_count integer, groups integer[], entries bytea[], versions bigint[], types text[], "
    "metas bytea[], contents bytea[], "
    "seen_groups integer[], seen_entries bytea[], seen_versions bigint[]"
)
_ANSWER = "TABLE(first_position bigint, stored_at bigint, clock_behind bigint, refused text)"

# Events come in groups, each with what was looked at to decide it; a group that is refused takes
# no other with it. The log's end is read in a statement after the one that locks, so that it
# sees what was committed during the wait; the clock is read after it as well.
_APPEND_AT = """
DECLARE
    head_position bigint;
    head_time bigint;
    stored bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'ledger: events are appended in transactions that are read committed'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM FROM {schema}.head WHERE single FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger: the row that appends lock is gone'
            USING ERRCODE = 'data_corrupted';
    END IF;
    IF EXISTS (SELECT FROM {schema}.copy) THEN
        RAISE EXCEPTION 'ledger: this is a copy' USING ERRCODE = '{copy_state}';
    END IF;
    SELECT position, recorded_at INTO head_position, head_time
        FROM {schema}.events ORDER BY position DESC LIMIT 1;
    now_at := coalesce(now_at, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    head_position := coalesce(head_position, 0);
    stored_at := greatest(head_time, now_at);
    clock_behind := stored_at - now_at;
    FOR this IN 1 .. group_count LOOP
        first_position := head_position + 1;
        refused := NULL;
        BEGIN
            IF EXISTS (
                SELECT FROM unnest(seen_groups, seen_entries, seen_versions)
                    AS seen (turn, entry, version)
                WHERE seen.turn = this AND seen.version IS DISTINCT FROM coalesce(
                    (SELECT max(version) FROM {schema}.events WHERE entry = seen.entry), 0)
            ) THEN
                RAISE EXCEPTION 'ledger: an entry that was looked at has moved on'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            INSERT INTO {schema}.events
                (position, entry, version, type, recorded_at, meta, content)
            SELECT head_position + row_number() OVER (ORDER BY number),
                entry, version, type, stored_at, meta, content
            FROM unnest(groups, entries, versions, types, metas, contents)
                WITH ORDINALITY AS new (turn, entry, version, type, meta, content, number)
            WHERE turn = this ORDER BY number;
            GET DIAGNOSTICS stored = ROW_COUNT;
            head_position := head_position + stored;
        EXCEPTION WHEN integrity_constraint_violation THEN
            refused := SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
    PERFORM pg_notify('{channel}', head_position::text);
END
"""

# By the database's clock alone: a time of one's own choice would be forged. And nothing that says
# what was erased: copies would blank it, too.
_APPEND = """
BEGIN
    IF EXISTS (
        SELECT FROM unnest(types) AS new (type)
        WHERE type LIKE 'EntryErased@%' OR type LIKE 'EntryRestated@%'
    ) THEN
        RAISE EXCEPTION 'ledger: only the owner of the ledger erases'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY SELECT * FROM {schema}.append_at(
        NULL, group_count, groups, entries, versions, types, metas, contents,
        seen_groups, seen_entries, seen_versions);
END
"""

_REFUSE = """
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END
"""

# Also an INSERT of the owner's own waits for its turn.
_LOCK_HEAD = """
BEGIN
    PERFORM FROM {schema}.head WHERE single FOR UPDATE;
    RETURN NULL;
END
"""

# Held against the whole of a statement's rows at once. A version goes on from its entry's last,
# or begins at 1 (or at 0, as some users of the library have it).
_REQUIRE_APPENDED = """
DECLARE
    low bigint;
    high bigint;
    many bigint;
BEGIN
    SELECT min(position), max(position), count(*) INTO low, high, many FROM added;
    IF high - low + 1 <> many
        OR low > 1 AND NOT EXISTS (SELECT FROM {schema}.events WHERE position = low - 1)
        OR EXISTS (SELECT FROM {schema}.events WHERE position > high)
        OR EXISTS (
            SELECT FROM (
                SELECT recorded_at < lag(recorded_at) OVER (ORDER BY position) AS is_back
                FROM (
                    SELECT position, recorded_at FROM added
                    UNION ALL
                    SELECT position, recorded_at FROM {schema}.events WHERE position = low - 1
                ) AS times
            ) AS steps WHERE is_back
        )
        OR EXISTS (
            SELECT FROM (
                SELECT entry,
                    version - row_number() OVER (PARTITION BY entry ORDER BY position) AS base
                FROM added
            ) AS steps
            GROUP BY entry
            HAVING min(base) <> max(base) OR min(base) IS DISTINCT FROM coalesce(
                (
                    SELECT max(version) FROM {schema}.events AS event
                    WHERE event.entry = steps.entry AND event.position < low
                ),
                CASE WHEN min(base) IN (-1, 0) THEN min(base) END
            )
        )
    THEN
        RAISE EXCEPTION 'ledger: events are only appended, each once and in turn'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
"""

# The one exception: a blob may go where an `EntryErased` of the same entry names it.
_REQUIRE_ERASURE = """
BEGIN
    IF (NEW.position, NEW.entry, NEW.version, NEW.type, NEW.recorded_at)
            IS DISTINCT FROM (OLD.position, OLD.entry, OLD.version, OLD.type, OLD.recorded_at)
        OR NEW.meta <> OLD.meta AND NOT (NEW.meta = '' AND EXISTS (
            SELECT FROM {schema}.events
            WHERE entry = OLD.entry AND version > OLD.version AND type LIKE 'EntryErased@%'
                AND position(convert_to('@' || OLD.position || ' meta ', 'UTF8') IN content) > 0
        ))
        OR NEW.content <> OLD.content AND NOT (NEW.content = '' AND EXISTS (
            SELECT FROM {schema}.events
            WHERE entry = OLD.entry AND version > OLD.version AND type LIKE 'EntryErased@%'
                AND position(convert_to('@' || OLD.position || ' content ', 'UTF8') IN content) > 0
        ))
    THEN
        RAISE EXCEPTION 'ledger: events are never changed'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
"""

FUNCTIONS = {
    "append": Function(_ARGUMENTS, _ANSWER, _APPEND, as_owner=True),
    "append_at": Function(f"now_at bigint, {_ARGUMENTS}", _ANSWER, _APPEND_AT),
    "lock_head": Function("", "trigger", _LOCK_HEAD),
    "refuse": Function("", "trigger", _REFUSE),
    "require_appended": Function("", "trigger", _REQUIRE_APPENDED),
    "require_erasure": Function("", "trigger", _REQUIRE_ERASURE),
}


def channel(schema: str) -> str:
    """Return the name of the channel on which the database tells of new events."""
    return f"{schema}_events"


def body(function: Function, schema: str) -> str:
    """Return the source of a function of the ledger in a schema."""
    return function.body.format(
        schema=f'"{schema}"', channel=channel(schema), copy_state=COPY_STATE
    )
