"""The floor: the least that could do the job, by hand, with sqlite3 and msgspec."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import msgspec

from benchmark.contestant import Contestant, Ids, cannot, checkpointed, settings_of
from benchmark.workload import Change, Source, id_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

EVENTS = """
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    entry BLOB NOT NULL,
    version INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    payload BLOB NOT NULL,
    UNIQUE (entry, version)
)
"""
INSERT = "INSERT INTO events (entry, version, recorded_at, payload) VALUES (?, ?, ?, ?)"

VIEWS = (
    "CREATE TABLE current (entry BLOB PRIMARY KEY, body BLOB NOT NULL)",
    """
    CREATE TABLE changes (
        entry BLOB, version INTEGER, at INTEGER, actor TEXT, fields TEXT, headline TEXT, path TEXT,
        PRIMARY KEY (entry, version)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE permalinks (path TEXT PRIMARY KEY, entry BLOB NOT NULL) WITHOUT ROWID",
)

NO_SLUG = re.compile(r"[^a-z0-9]+")


class Event(msgspec.Struct, omit_defaults=True):
    """A payload: who, when, by which command, and the fields that were set."""

    actor: str
    at: datetime
    command: bytes
    day: date | None = None
    headline: str | None = None
    summary: str | None = None
    topic: str | None = None
    sources: tuple[Source, ...] | None = None
    contexts: tuple[str, ...] | None = None


class Entry(msgspec.Struct):
    """An entry in one of its versions."""

    version: int
    at: datetime
    day: date
    headline: str
    summary: str
    topic: str
    sources: tuple[Source, ...]
    contexts: tuple[str, ...]
    path: str = ""


class Line(NamedTuple):
    """A line of a Changes list."""

    version: int
    at: datetime
    actor: str
    headline: str
    path: str


encode = msgspec.msgpack.Encoder().encode
decode_event = msgspec.msgpack.Decoder(Event).decode
decode_entry = msgspec.msgpack.Decoder(Entry).decode


def fold(events: Iterable[tuple[int, Event]], state: Entry | None = None) -> Entry:
    """Return an entry after its events, given with their versions."""
    for version, event in events:
        state = evolve(state, version, event)
    assert state is not None
    return state


def evolve(state: Entry | None, version: int, event: Event) -> Entry:
    """Return an entry after an event."""
    if state is None:
        return Entry(
            version,
            event.at,
            event.day,  # type: ignore[arg-type]
            event.headline,  # type: ignore[arg-type]
            event.summary,  # type: ignore[arg-type]
            event.topic,  # type: ignore[arg-type]
            event.sources or (),
            event.contexts or (),
        )
    state.version, state.at = version, event.at
    if event.headline is not None:
        state.headline = event.headline
    if event.summary is not None:
        state.summary = event.summary
    if event.sources is not None:
        state.sources = event.sources
    if event.contexts is not None:
        state.contexts = event.contexts
    return state


def fields_of(event: Event) -> str:
    """Return the names of the fields that an event set."""
    names = ("headline", "summary", "sources", "contexts")
    return " ".join(name for name in names if getattr(event, name) is not None)


class Floor(Contestant):
    """A table of events, and a file of read models beside it."""

    name = "floor"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._ids = Ids()
        self._lock = Lock()
        self._log = sqlite3.connect(folder / "events.db", check_same_thread=False)
        self._log.execute("PRAGMA journal_mode = WAL")
        self._log.execute("PRAGMA synchronous = FULL")
        self._log.execute(EVENTS)
        self._views: sqlite3.Connection | None = None

    def about(self) -> str:
        """Return versions and settings."""
        return f"msgspec {msgspec.__version__}, {settings_of(self._log)}"

    def close(self) -> None:
        """Close both files."""
        self._log.close()
        if self._views is not None:
            self._views.close()

    # Writing

    def load(self, prepared: list[Change]) -> None:
        """Insert all in one transaction."""
        now = time.time_ns() // 1000
        self._log.executemany(INSERT, [self._row(change, now) for change in prepared])
        self._log.commit()

    def append(self, change: Change) -> None:
        """Insert one, and commit."""
        self._log.execute(INSERT, self._row(change, time.time_ns() // 1000))
        self._log.commit()

    def append_beside(self, change: Change) -> None:
        """Insert one and commit, one thread after the other."""
        with self._lock:
            self.append(change)

    def settle(self) -> None:
        """Make the full-text index, which `search` asks."""
        views = self._open_views()
        views.execute("CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(text, content='')")
        rows = views.execute("SELECT rowid, body FROM current").fetchall()
        entries = ((rowid, decode_entry(body)) for rowid, body in rows)
        views.executemany(
            "INSERT INTO words (rowid, text) VALUES (?, ?)",
            ((rowid, text_of(entry)) for rowid, entry in entries),
        )
        views.commit()

    def _row(self, change: Change, now: int) -> tuple[bytes, int, int, bytes]:
        if change.new is not None:
            self._ids[change.entry] = id_of(change.entry, change.new.day).bytes
            payload = Event(change.actor, change.at, os.urandom(16), *change.new)
        else:
            payload = Event(change.actor, change.at, os.urandom(16), **change.edited)  # type: ignore[arg-type]
        return self._ids[change.entry], change.version, now, encode(payload)

    # Reading

    def current(self, entry: int) -> Entry:
        """Select and decode."""
        row = self._open_views().execute(
            "SELECT body FROM current WHERE entry = ?", (self._ids[entry],)
        )
        return decode_entry(row.fetchone()[0])

    def by_path(self, path: str) -> Entry:
        """Select and decode."""
        row = self._open_views().execute(
            "SELECT body FROM permalinks JOIN current USING (entry) WHERE path = ?", (path,)
        )
        return decode_entry(row.fetchone()[0])

    def changes(self, entry: int) -> list[Line]:
        """Select, and make times of numbers."""
        rows = self._open_views().execute(
            "SELECT version, at, actor, headline, path FROM changes "
            "WHERE entry = ? AND headline IS NOT NULL ORDER BY version",
            (self._ids[entry],),
        )
        return [
            Line(version, EPOCH + timedelta(microseconds=at), *rest) for version, at, *rest in rows
        ]

    def as_of(self, entry: int, at: datetime) -> Entry:
        """Select an entry's events, decode and fold those that were public."""
        rows = self._log.execute(
            "SELECT version, payload FROM events WHERE entry = ? ORDER BY version",
            (self._ids[entry],),
        )
        return fold(
            (version, event)
            for version, payload in rows
            if (event := decode_event(payload)).at <= at
        )

    def search(self, words: str) -> list[Entry]:
        """Ask SQLite's own full-text index."""
        rows = self._open_views().execute(
            "SELECT body FROM words JOIN current ON current.rowid = words.rowid "
            "WHERE words MATCH ? ORDER BY words.rowid",
            (words,),
        )
        return [decode_entry(body) for (body,) in rows]

    current_in_view = changes_in_view = cannot

    def path(self, entry: int) -> str:
        """Return what `current` says."""
        return self.current(entry).path

    def _open_views(self) -> sqlite3.Connection:
        if self._views is None:
            self._views = sqlite3.connect(self.folder / "views.db")
        return self._views

    # Upkeep

    def rebuild(self) -> None:
        """Scan, decode, fold, executemany; the new file takes the place of the old one."""
        fresh = self.folder / "views.new"
        fresh.unlink(missing_ok=True)
        with closing(sqlite3.connect(fresh)) as views:
            self._fill(views)
            views.execute("PRAGMA journal_mode = WAL")
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        if self._views is not None:
            self._views.close()
            self._views = None
        fresh.replace(self.folder / "views.db")

    def _fill(self, views: sqlite3.Connection) -> None:
        views.execute("PRAGMA journal_mode = MEMORY")
        views.execute("PRAGMA synchronous = OFF")
        for statement in VIEWS:
            views.execute(statement)
        states: dict[bytes, Entry] = {}
        owners: dict[str, bytes] = {}
        cursor = self._log.execute("SELECT entry, version, payload FROM events ORDER BY position")
        while rows := cursor.fetchmany(1000):
            lines = []
            for entry, version, payload in rows:
                event = decode_event(payload)
                state = states[entry] = evolve(states.get(entry), version, event)
                if event.headline is not None:
                    state.path = next(
                        path for path in paths(state) if owners.get(path, entry) == entry
                    )
                    owners[state.path] = entry
                lines.append(
                    (
                        entry,
                        version,
                        (event.at - EPOCH) // MICROSECOND,
                        event.actor,
                        fields_of(event),
                        event.headline,
                        state.path,
                    )
                )
            views.executemany("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?)", lines)
        views.executemany(
            "INSERT INTO current VALUES (?, ?)",
            ((entry, encode(state)) for entry, state in sorted(states.items())),
        )
        views.executemany("INSERT INTO permalinks VALUES (?, ?)", sorted(owners.items()))
        views.commit()

    rebuild_all = verify = cannot

    def size(self) -> int:
        """Return the bytes of the log, once all of it is in the file."""
        return checkpointed(self.folder / "events.db")

    def digest(self) -> str:
        """Read all, with SHA-256 of each row: the least that a verification can do."""
        root = sha256()
        for row in self._log.execute("SELECT * FROM events ORDER BY position"):
            root.update(sha256(b"%d%b%d%d%b" % row).digest())
        return root.hexdigest()

    # What answers say

    def said(self, version: Entry) -> tuple[object, ...]:
        """Return it as it is."""
        return version.headline, version.summary, version.sources, version.contexts

    def listed(self, changes: list[Line]) -> list[tuple[int, datetime, str]]:
        """Return it as it is."""
        return [(line.version, line.at, line.headline) for line in changes]


def text_of(entry: Entry) -> str:
    """Return what is searched."""
    sources = (word for source in entry.sources for word in source)
    return " ".join((entry.headline, entry.topic, entry.summary, *sources))


def paths(entry: Entry) -> Iterator[str]:
    """Yield the paths that an entry could have, the best first."""
    slug = NO_SLUG.sub("-", entry.headline.lower()).strip("-")
    best = f"/news/{entry.day.year:04}/{entry.day.month:02}/{entry.day.day}/{slug}"
    yield best
    for number in count(2):
        yield f"{best}-{number}"
