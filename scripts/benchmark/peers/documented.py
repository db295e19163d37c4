"""`eventsourcing`: aggregates with `@event`, an application that saves them, a projection.

Its SQLite recorder cannot be subscribed to (its documentation says so), so the projection gets
its events from a reader of the notification log instead of a runner. Whatever the source, the
documented `process_event` updates a view and its tracking in one transaction an event.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import InfrastructureFactory, Tracking
from eventsourcing.projection import Projection
from eventsourcing.sqlite import SQLiteTrackingRecorder
from eventsourcing.system import NotificationLogReader
from eventsourcing.utils import Environment

from benchmark.contestant import Contestant, cannot, checkpointed, settings_of
from benchmark.floor import NO_SLUG
from benchmark.workload import Change

SECTION = 500
"""How many notifications are read at once."""


class NewsEntry(Aggregate):
    """An entry, and the events that it is made of."""

    @event("Created")
    def __init__(
        self,
        actor: str,
        at: datetime,
        day: str,
        headline: str,
        summary: str,
        topic: str,
        sources: list[list[str]],
        contexts: list[str],
    ) -> None:
        self.actor = actor
        self.at = at
        self.day = day
        self.headline = headline
        self.summary = summary
        self.topic = topic
        self.sources = sources
        self.contexts = contexts

    @event("Edited")
    def edit(self, actor: str, at: datetime, changes: dict[str, Any]) -> None:
        """Set fields."""
        self.actor = actor
        self.at = at
        for name, value in changes.items():
            setattr(self, name, value)


class Newsroom(Application[UUID]):
    """The application."""

    log_section_size = SECTION

    def create(self, change: Change) -> UUID:
        """Store a new entry."""
        entry = created(change)
        self.save(entry)
        return entry.id

    def edit(self, entry_id: UUID, change: Change) -> None:
        """Store an edit."""
        entry = self.repository.get(entry_id)
        entry.edit(change.actor, change.at, change.edited)
        self.save(entry)


class Line(NamedTuple):
    """A line of a Changes list."""

    version: int
    at: datetime
    headline: str


TABLES = (
    """
    CREATE TABLE IF NOT EXISTS current (
        entry TEXT PRIMARY KEY, day TEXT, headline TEXT, summary TEXT, topic TEXT, sources TEXT,
        contexts TEXT, path TEXT
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS changes (
        entry TEXT, version INTEGER, at TEXT, actor TEXT, fields TEXT, headline TEXT, path TEXT,
        PRIMARY KEY (entry, version)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE IF NOT EXISTS permalinks (path TEXT PRIMARY KEY, entry TEXT) WITHOUT ROWID",
)


class View(SQLiteTrackingRecorder):
    """Current versions, Changes lists and permalinks."""

    def construct_create_table_statements(self) -> list[str]:
        """Return what makes the tables."""
        return [*super().construct_create_table_statements(), *TABLES]

    def create(self, found: Any, tracking: Tracking) -> None:
        """Take a new entry."""
        entry = found.originator_id.hex
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            path = self._publish(cursor, entry, found.day, found.headline)
            cursor.execute(
                "INSERT INTO current VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    entry,
                    found.day,
                    found.headline,
                    found.summary,
                    found.topic,
                    json.dumps(found.sources),
                    json.dumps(found.contexts),
                    path,
                ),
            )
            fields = "headline summary topic sources contexts"
            self._list(cursor, found, fields, found.headline, path)

    def edit(self, found: Any, tracking: Tracking) -> None:
        """Take an edit."""
        entry, changes = found.originator_id.hex, found.changes
        headline = changes.get("headline")
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute("SELECT day, path FROM current WHERE entry = ?", (entry,))
            day, path = cursor.fetchone()
            if headline is not None:
                path = self._publish(cursor, entry, day, headline)
            values = {
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in changes.items()
            }
            values["path"] = path
            cursor.execute(
                f"UPDATE current SET {', '.join(f'{name} = ?' for name in values)} "
                "WHERE entry = ?",
                (*values.values(), entry),
            )
            self._list(cursor, found, " ".join(changes), headline, path)

    def _publish(self, cursor: Any, entry: str, day: str, headline: str) -> str:
        year, month, of_month = map(int, day.split("-"))
        slug = NO_SLUG.sub("-", headline.lower()).strip("-")
        best = f"/news/{year:04}/{month:02}/{of_month}/{slug}"
        for path in _paths(best):
            cursor.execute("SELECT entry FROM permalinks WHERE path = ?", (path,))
            owner = cursor.fetchone()
            if owner is None:
                cursor.execute("INSERT INTO permalinks VALUES (?, ?)", (path, entry))
            if owner is None or owner[0] == entry:
                return path
        raise AssertionError

    def _list(self, cursor: Any, found: Any, fields: str, headline: str | None, path: str) -> None:
        cursor.execute(
            "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                found.originator_id.hex,
                found.originator_version,
                found.at.isoformat(),
                found.actor,
                fields,
                headline,
                path,
            ),
        )

    def select(self, question: str, *values: object) -> list[Any]:
        """Return the rows that answer a question."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(question, values)
            return list(cursor.fetchall())


class EntriesProjection(Projection[View]):
    """Takes each event into the view, in a transaction of its own."""

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Take one event."""

    @process_event.register
    def _created(self, domain_event: NewsEntry.Created, tracking: Tracking) -> None:
        self.view.create(domain_event, tracking)

    @process_event.register
    def _edited(self, domain_event: NewsEntry.Edited, tracking: Tracking) -> None:
        self.view.edit(domain_event, tracking)


class Documented(Contestant):
    """`eventsourcing` with its own SQLite recorders."""

    name = "eventsourcing"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._app = Newsroom(self._env("events.db"))
        self._ids: dict[int, UUID] = {}
        self._view: View | None = None

    def _env(self, file: str) -> dict[str, str]:
        return {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": str(self.folder / file),
        }

    def about(self) -> str:
        """Return its version, and what its connections have by default."""
        with self._app.recorder.datastore.get_connection(commit=True) as connection:
            settings = settings_of(connection._sqlite_conn)
        return f"eventsourcing {version('eventsourcing')}, {settings} (its defaults)"

    def close(self) -> None:
        """Close the application and its view."""
        self._app.close()
        if self._view is not None:
            self._view.datastore.close()

    # Writing

    def load(self, prepared: list[Change]) -> None:
        """Save the aggregates of a batch together."""
        entries: dict[int, NewsEntry] = {}
        for change in prepared:
            number = change.entry
            if change.new is not None:
                entry = entries[number] = created(change)
                self._ids[number] = entry.id
            else:
                if number not in entries:
                    entries[number] = self._app.repository.get(self._ids[number])
                entries[number].edit(change.actor, change.at, change.edited)
        self._app.save(*entries.values())

    def append(self, change: Change) -> None:
        """Create, or edit."""
        if change.new is not None:
            self._ids[change.entry] = self._app.create(change)
        else:
            self._app.edit(self._ids[change.entry], change)

    append_beside = cannot

    def settle(self) -> None:
        """Nothing is behind."""

    # Reading

    def current(self, entry: int) -> NewsEntry:
        """Get the aggregate."""
        return self._app.repository.get(self._ids[entry])

    def changes(self, entry: int) -> list[Line]:
        """Go through the aggregate's events."""
        return [
            Line(found.originator_version, found.at, headline)
            for found in self._app.events.get(self._ids[entry])
            if (headline := headline_of(found)) is not None
        ]

    def as_of(self, entry: int, at: datetime) -> NewsEntry:
        """Let the events that were public then make the aggregate."""
        state: Any = None
        for found in self._app.events.get(self._ids[entry]):
            if found.at <= at:
                state = found.mutate(state)
        return state

    def by_path(self, path: str) -> Any:
        """Ask the view."""
        return self._asked(
            "SELECT current.* FROM permalinks JOIN current USING (entry) "
            "WHERE permalinks.path = ?",
            path,
        )

    def current_in_view(self, entry: int) -> Any:
        """Ask the view."""
        return self._asked("SELECT * FROM current WHERE entry = ?", self._ids[entry].hex)

    def changes_in_view(self, entry: int) -> list[Line]:
        """Ask the view."""
        assert self._view is not None
        rows = self._view.select(
            "SELECT version, at, headline FROM changes "
            "WHERE entry = ? AND headline IS NOT NULL ORDER BY version",
            self._ids[entry].hex,
        )
        return [Line(row[0], datetime.fromisoformat(row[1]), row[2]) for row in rows]

    search = cannot

    def path(self, entry: int) -> str:
        """Return what the view says."""
        return str(self.current_in_view(entry)["path"])

    def _asked(self, question: str, value: str) -> dict[str, Any]:
        assert self._view is not None
        (row,) = self._view.select(question, value)
        found = dict(row)
        found["sources"] = json.loads(found["sources"])
        found["contexts"] = json.loads(found["contexts"])
        return found

    # Upkeep

    def rebuild(self) -> None:
        """Give all events to a projection into an empty view."""
        if self._view is not None:
            self._view.datastore.close()
        for path in self.folder.glob("views.db*"):
            path.unlink()
        factory = InfrastructureFactory.construct(
            Environment(EntriesProjection.name, self._env("views.db"))
        )
        self._view = factory.tracking_recorder(View)
        projection = EntriesProjection(self._view)
        reader = NotificationLogReader(self._app.notification_log, SECTION)
        start = (self._view.max_tracking_id(self._app.name) or 0) + 1
        for notifications in reader.select(start=start):
            for notification in notifications:
                projection.process_event(
                    self._app.mapper.to_domain_event(notification),
                    Tracking(self._app.name, notification.id),
                )

    rebuild_all = verify = cannot

    def size(self) -> int:
        """Return the bytes of the log."""
        return checkpointed(self.folder / "events.db")

    # What answers say

    def said(self, version: Any) -> tuple[object, ...]:
        """Return the fields of an aggregate, or of a row of the view."""
        fields = version if isinstance(version, dict) else vars(version)
        sources = tuple(map(tuple, fields["sources"]))
        return fields["headline"], fields["summary"], sources, tuple(fields["contexts"])

    def listed(self, changes: list[Line]) -> list[tuple[int, datetime, str]]:
        """Return the lines."""
        return [(line.version, line.at.astimezone(UTC), line.headline) for line in changes]


def created(change: Change) -> NewsEntry:
    """Return a new entry."""
    assert change.new is not None
    day, headline, summary, topic, sources, contexts = change.new
    return NewsEntry(
        change.actor,
        change.at,
        day.isoformat(),
        headline,
        summary,
        topic,
        [list(source) for source in sources],
        list(contexts),
    )


def headline_of(found: Any) -> str | None:
    """Return the headline that an event set."""
    if isinstance(found, NewsEntry.Edited):
        return found.changes.get("headline")
    return str(found.headline)


def _paths(best: str) -> Iterator[str]:
    yield best
    for number in count(2):
        yield f"{best}-{number}"
