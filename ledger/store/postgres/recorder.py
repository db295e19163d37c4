"""`PostgresRecorder`: the log in one schema of a PostgreSQL database."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from threading import Lock
from typing import Any

import psycopg
from eventsourcing.persistence import IntegrityError

from ledger.errors import StoreBusy, StoreNotFound, StoreNotWritable
from ledger.store.identity import Clock, Identity, new_identity, system_clock, was_promoted
from ledger.store.log import NOTHING, Basis, Integrity, LogRecorder, OthersWrote, Watch
from ledger.store.patience import Patience
from ledger.store.pool import Pool
from ledger.store.postgres import queries, schema
from ledger.store.postgres.connections import Connection, connect, is_lost, is_quiet, translated
from ledger.store.postgres.integrity import integrity
from ledger.store.postgres.queries import BEHIND_ALL, LAST_POSITION, Queries
from ledger.store.postgres.roles import role_statements
from ledger.store.postgres.watch import ListeningWatch
from ledger.store.rows import Appended, Blank, Head, NewRow, Row
from ledger.store.urls import PostgresURL

_ATTEMPTS = 10
# Only an index finds one event among millions, whatever the planner knows of the table by now.
_INDEXES_ONLY = b"""
    SELECT set_config('enable_seqscan', 'off', false),
        set_config('enable_bitmapscan', 'off', false), set_config('jit', 'off', false)
"""
_NUMBER = re.compile(r"[0-9]+")
_STORED_NOTHING = "; nothing was stored"


class PostgresRecorder(LogRecorder):
    """The log in one schema. Threads, processes and hosts may share it.

    Connections are opened at the first use; the ledger is made then if `create` allows. A process
    that was forked opens its own.

    Args:
        url: The database, the schema and the options.
        create: Make the ledger at the first write if there is none.
        clock: The source of `recorded_at`, which only the ledger's owner may choose; None: the
            database's clock.
    """

    def __init__(
        self, url: PostgresURL, *, create: bool = True, clock: Clock | None = None
    ) -> None:
        self.url = url
        self._create = create
        self._clock = clock
        self._queries = Queries(url.schema)
        self._is_known = False
        # The end of the log, as this process left it in an epoch; None: it has not yet.
        self._last: Row | None = None
        self._epoch = 0
        self._noting = Lock()
        self._pool = Pool(self._connect, is_quiet, url.pool, url.timeout)

    def close(self) -> None:
        """Close all connections. The recorder opens new ones if it is used again.

        It keeps none of them then: a thread that still reads leaves nothing behind.
        """
        self._pool.close()

    def create(self, origin: str | None = None, copy_of: Identity | None = None) -> Identity:
        """Make the ledger if there is none, and return its identity."""
        with self._making() as connection:
            if not schema.is_made(connection, self.url):
                schema.require_fit(connection)
                now = (self._clock or system_clock)()
                identity = copy_of or new_identity(origin, now)
                schema.make(connection, self.url.schema, identity, now if copy_of else None)
            schema.require_ours(connection, self.url)
            schema.make_views_home(connection, self.url.schema)
            identity = queries.identity(self._fetch(connection, self._queries.identity))
        self._is_known = True
        return identity

    def is_copy(self) -> bool:
        """Return whether this is a copy that nobody has promoted."""
        return bool(self._ask(self._queries.is_copy)[0][0])

    def confirm(self, position: int) -> None:
        """Note that a copy was held against its source up to a position."""
        with self._transaction("") as connection:
            connection.execute(self._queries.confirm, (position,))

    def confirmed(self) -> int:
        """Return up to which position a copy was last held against its source; 0: never."""
        return int(self._ask(self._queries.confirmed)[0][0])

    def promote(self) -> bool:
        """Let a copy take over; return whether it was one."""
        with self._transaction("; nothing was promoted") as connection:
            connection.execute(self._queries.lock_head)
            return connection.execute(self._queries.promote).rowcount > 0

    def upgrade(self) -> tuple[int, int]:
        """Bring an older log schema up to the program's; return the versions before and after."""
        with self._making() as connection:
            return schema.upgrade(connection, self.url)

    def identity(self) -> Identity:
        """Return what this ledger is called."""
        return queries.identity(self._ask(self._queries.identity))

    def epoch(self) -> int:
        """Look whether others have written, and return a number that grows whenever they have."""
        last = self._last
        if last is not None and self.read(last.position - 1, 2) != [last]:
            with self._noting:
                self._epoch += 1
                self._last = None
        return self._epoch

    def append(
        self,
        rows: Sequence[NewRow],
        unless_moved: Mapping[bytes, int] = NOTHING,
        epoch: int | None = None,
        upon: Collection[Basis] = (),
    ) -> Appended:
        """Append events in one transaction: all of them, or none."""
        if epoch is not None and self.epoch() != epoch:
            raise OthersWrote("ledger: others have written to the log")
        if upon and self._ask(self._queries.count, queries.bases(upon)) != [(len(upon),)]:
            raise OthersWrote("ledger: another log has come into its place")
        appended = self._append(rows, unless_moved)
        if rows:
            position = appended.first + len(rows) - 1
            entry, version, type_, meta, content = rows[-1]
            last = Row(position, entry, version, type_, appended.recorded_at, meta, content)
            self._note(appended, last)
        return appended

    def _note(self, appended: Appended, last: Row) -> None:
        """Note that the log ends so, for all that this process knows."""
        with self._noting:
            # Others may have written before them, or only another thread that is yet to note it.
            if self._last is not None and appended.first != self._last.position + 1:
                self._epoch += 1
            if self._last is None or self._last.position < last.position:
                self._last = last

    def _append(self, rows: Sequence[NewRow], unless_moved: Mapping[bytes, int]) -> Appended:
        with translated(self.url, _STORED_NOTHING):
            try:
                return self._commit(rows, unless_moved)
            except StoreNotFound:
                # A ledger that was here a moment ago is missed, not made anew.
                if self._is_known or not self._create:
                    raise
            self.create()
            return self._commit(rows, unless_moved)

    def erase(self, rows: Sequence[NewRow], blanks: Sequence[Blank], head: int) -> Appended:
        """Append events that say what is erased, and blank it, in one transaction."""
        with self._transaction("; nothing was erased") as connection:
            connection.execute(self._queries.lock_head)
            if queries.head(self._fetch(connection, self._queries.head)).position != head:
                raise IntegrityError("ledger: the log has moved on")
            appended = self._stored(connection, rows, NOTHING, as_owner=True)
            self._queries.blank(connection, blanks)
        return appended

    def load(
        self, rows: Sequence[Row], blanks: Sequence[Blank] = (), *, into_copy: bool = False
    ) -> None:
        """Append events as they lie in another log: their bytes, positions and times."""
        with self._transaction(_STORED_NOTHING) as connection:
            connection.execute(self._queries.lock_head)
            if into_copy and not self._fetch(connection, self._queries.is_copy)[0][0]:
                raise was_promoted()
            with connection.cursor().copy(self._queries.load) as copy:
                copy.set_types(queries.TYPES)
                for row in rows:
                    copy.write_row(row)
            self._queries.blank(connection, blanks)

    def purge(self) -> None:
        """Take what was blanked out of the freed parts of the table.

        It lies in the write-ahead log until that is overwritten, in archives of it, in backups and
        on standbys that lag: those are for whoever keeps them.

        Whoever reads in passing, as the server's own statistics do, is waited for.

        Raises:
            StoreBusy: Somebody is reading what was; nothing is lost by trying again.
        """
        patience = Patience(self.url.timeout)
        with translated(self.url, ": what was erased may still lie in it"):
            while kept := self._vacuum():
                if not patience.wait():
                    break
            with self._lent() as connection, suppress(psycopg.errors.InsufficientPrivilege):
                connection.execute("CHECKPOINT")
        if kept:
            raise StoreBusy(
                f"what was erased still lies in {self.url.place}, because somebody is reading "
                "what was: run `ledger purge` once he is done"
            )

    def _vacuum(self) -> int:
        """Write the table anew; return how many old rows it keeps, for who can still see them."""
        kept, refused = list[int](), list[str]()

        def note(notice: psycopg.errors.Diagnostic) -> None:
            if notice.severity_nonlocalized == "WARNING":
                refused.append(notice.message_primary or "")
            # The first number tells how many old rows somebody can still see, whatever the
            # language of the server.
            kept.extend(map(int, _NUMBER.findall(notice.message_detail or "")[:1]))

        with self._lent() as connection:
            connection.add_notice_handler(note)
            try:
                connection.execute(self._queries.vacuum)
            finally:
                connection.remove_notice_handler(note)
        if refused:
            raise StoreNotWritable(
                f"what was erased still lies in {self.url.place}: {refused[0]}; let the ledger's "
                "owner run `ledger purge`"
            )
        return sum(kept)

    def integrity(self) -> Integrity:
        """Return what is wrong with the store itself: its tables, indexes, functions, guards."""
        with translated(self.url), self._lent() as connection:
            return integrity(connection, self.url.schema)

    def watch(self) -> Watch:
        """Return what listens for new events; close it when done."""
        return ListeningWatch(self.url)

    def make_roles(self) -> list[str]:
        """Make the roles of the ledger, or give those that are there their rights again.

        Returns:
            The statements that were run; see `roles.role_statements`.

        Raises:
            StoreNotWritable: The user may not make roles, or is not the ledger's owner.
        """
        with self._transaction("; no roles were made") as connection:
            statements = role_statements(self.url.schema, connection.info.dbname)
            for statement in statements:
                connection.execute(statement.encode())
        return statements

    def last_erasure(self) -> int:
        """Return the position of the last event that says what was erased; 0 where none does."""
        return int(self._ask(self._queries.last_erasure)[0][0])

    def head(self) -> Head:
        """Return the end of the log."""
        return queries.head(self._ask(self._queries.head))

    def read(self, after: int, limit: int, upto: int | None = None) -> list[Row]:
        """Return at most `limit` events above position `after`, in order, up to `upto`."""
        last = LAST_POSITION if upto is None else upto
        return queries.rows(self._ask(self._queries.read, (after, last, limit)))

    def read_by_entry(
        self, after: tuple[bytes, int], before: bytes | None, limit: int
    ) -> list[Row]:
        """Return at most `limit` events by entry and version, behind `after`."""
        end = BEHIND_ALL if before is None else before
        return queries.rows(self._ask(self._queries.read_by_entry, (*after, end, limit)))

    def read_entry(self, entry: bytes, after: int = 0) -> list[Row]:
        """Return the events of one entry above version `after`, in order."""
        return queries.rows(self._ask(self._queries.read_entry, (entry, after)))

    def find_entries(self, low: bytes, high: bytes, limit: int) -> list[bytes]:
        """Return at most `limit` ids of entries from `low` to `high`, both included."""
        return [entry for (entry,) in self._ask(self._queries.find, (low, high, limit))]

    def _ask(
        self, query: bytes, parameters: Sequence[object] | None = None
    ) -> list[tuple[Any, ...]]:
        """Read; where a server that was there went away, again once it is back."""
        patience = Patience(self.url.timeout if self._is_known else 0)
        with translated(self.url):
            while True:
                try:
                    with self._lent() as connection:
                        return self._fetch(connection, query, parameters)
                except psycopg.Error as error:
                    if not is_lost(error) or not patience.wait():
                        raise

    @staticmethod
    def _fetch(
        connection: Connection, query: bytes, parameters: Sequence[object] | None = None
    ) -> list[tuple[Any, ...]]:
        return connection.cursor(binary=True).execute(query, parameters).fetchall()

    def _commit(self, rows: Sequence[NewRow], unless_moved: Mapping[bytes, int]) -> Appended:
        """Append events in one round trip, commit included."""
        attempt = 1
        while True:
            with self._lent() as connection:
                try:
                    return self._stored(connection, rows, unless_moved)
                except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                    # Known not to have been stored.
                    if attempt == _ATTEMPTS:
                        raise
                    attempt += 1

    def _stored(
        self,
        connection: Connection,
        rows: Sequence[NewRow],
        unless_moved: Mapping[bytes, int],
        *,
        as_owner: bool = False,
    ) -> Appended:
        query, given = self._queries.append, queries.parameters(rows, unless_moved)
        if as_owner or self._clock is not None:
            now = None if self._clock is None else self._clock()
            query, given = self._queries.append_at, [now, *given]
        return queries.appended(self._fetch(connection, query, given))

    def _lent(self) -> AbstractContextManager[Connection]:
        return self._pool.connection()

    @contextmanager
    def _making(self) -> Iterator[Connection]:
        """Lend a connection, in a transaction, to who makes or changes tables: one at a time."""
        with (
            translated(self.url),
            closing(connect(self.url)) as connection,
            connection.transaction(),
        ):
            schema.lock(connection, self.url)
            yield connection

    @contextmanager
    def _transaction(self, so: str) -> Iterator[Connection]:
        with translated(self.url, so), self._lent() as connection, connection.transaction():
            yield connection

    def _connect(self) -> Connection:
        connection = connect(self.url)
        try:
            schema.require_ours(connection, self.url)
            connection.execute(_INDEXES_ONLY)
        except BaseException:
            connection.close()
            raise
        self._is_known = True
        return connection
