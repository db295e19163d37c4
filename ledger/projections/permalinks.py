"""Permalinks: every path that an entry ever had, with the versions it showed.

Paths are decided in the log's order: an event says which slug is wanted, and the later of two
equal paths of an edition gets `-2`, `-3`, ... A path once had is never given to another entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import count, dropwhile, takewhile
from uuid import UUID

from msgspec import UNSET

from ledger.domain.events import EntryCreated, EntryEdited, RecordedEvent
from ledger.domain.permalinks import RESERVED_SLUGS, path_of
from ledger.errors import VersionNotFound
from ledger.projections.database import Db
from ledger.projections.projection import Projection
from ledger.projections.records import Resolved


class Permalinks(Projection):
    """Writes a row wherever an entry comes to another path."""

    name = "permalinks"
    schema = 1
    ddl = (
        """
        CREATE TABLE permalinks (
            entry BLOB NOT NULL,
            version INTEGER NOT NULL,
            edition TEXT NOT NULL,
            day TEXT NOT NULL,
            slug TEXT NOT NULL,
            path TEXT NOT NULL,
            PRIMARY KEY (entry, version)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX permalinks_by_path ON permalinks (path, edition)",
        "CREATE INDEX permalinks_by_wish ON permalinks (day, slug, edition, length(path), path)",
    )
    tables = {"permalinks": "entry, version, edition, day, slug, path"}

    def apply(self, events: Sequence[RecordedEvent], db: Db) -> None:
        """Follow each entry to the path that it comes to."""
        for event in events:
            data = event.data
            if isinstance(data, EntryCreated):
                _move(db, event, data.edition, data.date, data.slug)
            elif isinstance(data, EntryEdited) and not (
                data.slug is UNSET and data.date is UNSET and data.edition is UNSET
            ):
                edition, day, slug = db.execute(
                    "SELECT edition, day, slug FROM permalinks WHERE entry = ? "
                    "ORDER BY version DESC LIMIT 1",
                    (event.entry.bytes,),
                ).fetchone()
                _move(
                    db,
                    event,
                    edition if data.edition is UNSET else data.edition,
                    date.fromisoformat(day) if data.date is UNSET else data.date,
                    slug if data.slug is UNSET else data.slug,
                )


def _move(db: Db, event: RecordedEvent, edition: str, day: date, slug: str) -> None:
    entry = event.entry.bytes
    path = _path_for(db, entry, edition, day, slug)
    db.execute(
        "INSERT INTO permalinks VALUES (?, ?, ?, ?, ?, ?)",
        (entry, event.version, edition, day.isoformat(), slug, path),
    )


def _path_for(db: Db, entry: bytes, edition: str, day: date, slug: str) -> str:
    """Return the first candidate that is free, or that the entry had before."""
    had = db.execute(
        "SELECT path FROM permalinks WHERE entry = ? AND edition = ?", (entry, edition)
    ).fetchall()
    own = {path for (path,) in had}
    candidates = _candidates(day, slug)
    if not own:
        # Whoever wanted this slug before has tried all candidates up to the one it got.
        row = db.execute(
            "SELECT path FROM permalinks WHERE day = ? AND slug = ? AND edition = ? "
            "ORDER BY length(path) DESC, path DESC LIMIT 1",
            (day.isoformat(), slug, edition),
        ).fetchone()
        if row is not None:
            candidates = dropwhile(lambda path: path != row[0], candidates)
    return next(path for path in candidates if path in own or _is_free(db, path, edition))


def _is_free(db: Db, path: str, edition: str) -> bool:
    row = db.execute(
        "SELECT 1 FROM permalinks WHERE path = ? AND edition = ? LIMIT 1", (path, edition)
    ).fetchone()
    return row is None


def _candidates(day: date, slug: str) -> Iterator[str]:
    if slug.lower() not in RESERVED_SLUGS:
        yield path_of(day, slug)
    for number in count(2):
        yield path_of(day, f"{slug}-{number}")


def numbering(db: Db, entry: UUID) -> set[int]:
    """Return the versions of an entry at which it came to a path that another was numbered after.

    The other got `-2` or the like, because the path it wanted was taken.
    """
    rows = db.execute(
        "SELECT mine.version, mine.path, theirs.day, theirs.slug, theirs.path "
        "FROM permalinks mine JOIN permalinks theirs ON theirs.day = mine.day "
        "AND theirs.edition = mine.edition AND theirs.entry <> mine.entry WHERE mine.entry = ?",
        (entry.bytes,),
    )
    return {
        version
        for version, path, day, slug, theirs in rows
        if path
        in takewhile(
            lambda candidate, end=theirs: candidate != end,  # type: ignore[misc]
            _candidates(date.fromisoformat(day), slug),
        )
    }


def moves(db: Db, entry: UUID) -> list[tuple[int, str]]:
    """Return the versions at which an entry came to a path, with the path, oldest first."""
    return db.execute(
        "SELECT version, path FROM permalinks WHERE entry = ? ORDER BY version", (entry.bytes,)
    ).fetchall()


def path_at(moves: Sequence[tuple[int, str]], version: int) -> str:
    """Return the path that a version was published at, given the entry's moves."""
    for since, path in reversed(moves):
        if since <= version:
            return path
    raise VersionNotFound(f"no path is known of version {version}: was the log replaced?")


def path_of_version(db: Db, entry: UUID, version: int) -> str:
    """Return the path that a version of an entry was published at.

    Raises:
        VersionNotFound: There is no such entry.
    """
    row = db.execute(
        "SELECT path FROM permalinks WHERE entry = ? AND version <= ? "
        "ORDER BY version DESC LIMIT 1",
        (entry.bytes, version),
    ).fetchone()
    if row is None:
        raise VersionNotFound(f"no path is known of version {version}: was the log replaced?")
    return str(row[0])


def current_path(db: Db, entry: UUID) -> str | None:
    """Return the path that an entry has now, or None where there is no such entry."""
    found = present(db, entry)
    return None if found is None else found[1]


def resolve(db: Db, path: str, edition: str) -> Resolved | None:
    """Return what a path of an edition leads to, or None where it never led anywhere."""
    entry = owner(db, path, edition)
    if entry is None:
        return None
    steps = db.execute(
        "SELECT version, path, edition FROM permalinks WHERE entry = ? ORDER BY version",
        (entry.bytes,),
    ).fetchall()
    last_stay = max(n for n, step in enumerate(steps) if step[1:] == (path, edition))
    if last_stay == len(steps) - 1:
        return Resolved(entry, None)
    return Resolved(entry, steps[last_stay + 1][0] - 1)


def present(db: Db, entry: UUID) -> tuple[str, str] | None:
    """Return the edition and path that an entry has now, or None where there is no such entry."""
    row = db.execute(
        "SELECT edition, path FROM permalinks WHERE entry = ? ORDER BY version DESC LIMIT 1",
        (entry.bytes,),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def owner(db: Db, path: str, edition: str) -> UUID | None:
    """Return the entry that has or had a path in an edition, or None."""
    row = db.execute(
        "SELECT entry FROM permalinks WHERE path = ? AND edition = ? LIMIT 1", (path, edition)
    ).fetchone()
    return UUID(bytes=row[0]) if row else None
