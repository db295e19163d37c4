"""Permalinks: every path that an entry ever had, with the versions it showed.

Paths are decided in the log's order: an event says which slug is wanted, and the later of two
equal paths of an edition gets `-2`, `-3`, ... A path once had is never given to another entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import count, dropwhile, takewhile
from typing import NamedTuple
from uuid import UUID

from msgspec import UNSET

from ledger.domain.events import EntryCreated, EntryEdited, EventData, RecordedEvent
from ledger.domain.permalinks import RESERVED_SLUGS, path_of
from ledger.errors import VersionNotFound
from ledger.projections.database import Db, select_among
from ledger.projections.projection import Projection, known_before
from ledger.projections.records import Resolved

# A path that is longer than slug and folder, however long the day's is, has a number behind it.
# Few have one, and only those tell from which number to go on.
_IS_NUMBERED = f"length({{0}}path) > length({{0}}slug) + {len(path_of(date.max, ''))}"

FURTHEST = (
    "SELECT path FROM permalinks WHERE edition = ? AND day = ? AND slug = ? "
    f"AND {_IS_NUMBERED.format('')} ORDER BY length(path) DESC, path DESC LIMIT 1"
)
"""The last path, with a number, that a wish came to."""


class Permalinks(Projection):
    """Writes a row wherever an entry comes to another path."""

    name = "permalinks"
    schema = 2
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
        f"""
        CREATE INDEX permalinks_by_wish ON permalinks (day, slug, edition, length(path), path)
        WHERE {_IS_NUMBERED.format("")}
        """,
    )
    tables = {"permalinks": "entry, version, edition, day, slug, path"}

    def apply(self, events: Sequence[RecordedEvent], db: Db) -> None:
        """Follow each entry to the path that it comes to."""
        moving = [(event, data) for event in events if (data := _saying(event.data))]
        rows = select_among(
            db,
            "SELECT entry, edition, day, slug FROM permalinks WHERE entry IN (?) ORDER BY version",
            known_before([event for event, _ in moving]),
        )
        wishes: dict[bytes, _Wish] = {}
        lived: set[tuple[bytes, str]] = set()
        for entry, *wish in rows:
            wishes[entry] = _Wish(*wish)
            lived.add((entry, wishes[entry].edition))
        moves: list[tuple[bytes, int, _Wish]] = []
        for event, data in moving:
            entry = event.entry.bytes
            if isinstance(data, EntryCreated):
                wish = _Wish(data.edition, data.date.isoformat(), data.slug)
            else:
                edition, day, slug = wishes[entry]
                wish = _Wish(
                    edition if data.edition is UNSET else data.edition,
                    day if data.date is UNSET else data.date.isoformat(),
                    slug if data.slug is UNSET else data.slug,
                )
            wishes[entry] = wish
            moves.append((entry, event.version, wish))
        paths = _Paths(db, lived, [wish for *_, wish in moves])
        db.executemany(
            "INSERT INTO permalinks VALUES (?, ?, ?, ?, ?, ?)",
            [(entry, version, *wish, paths.give(entry, wish)) for entry, version, wish in moves],
        )


class _Wish(NamedTuple):
    """Where an entry wants to be; the day as in 2021-04-03."""

    edition: str
    day: str
    slug: str

    def candidates(self) -> Iterator[str]:
        """Yield the paths that would do, the best first."""
        best = _folder(self.day) + self.slug
        if self.slug.lower() not in RESERVED_SLUGS:
            yield best
        for number in count(2):
            yield f"{best}-{number}"


@lru_cache
def _folder(day: str) -> str:
    return path_of(date.fromisoformat(day), "")


def _saying(data: EventData) -> EntryCreated | EntryEdited | None:
    """Return the data of an event if it says anything of its entry's wish."""
    if isinstance(data, EntryEdited):
        is_silent = data.slug is UNSET and data.date is UNSET and data.edition is UNSET
        return None if is_silent else data
    return data if isinstance(data, EntryCreated) else None


class _Paths:
    """Whose the paths are: those that a batch may come to are asked for at once.

    Args:
        db: The views.
        lived: The entries that have been in an edition.
        wishes: What the batch asks for.
    """

    def __init__(self, db: Db, lived: set[tuple[bytes, str]], wishes: Iterable[_Wish]) -> None:
        self._db = db
        self._lived = lived
        self._furthest: dict[_Wish, str | None] = {}
        self._best = {wish: next(wish.candidates()) for wish in wishes}
        self._owners: dict[tuple[str, str], bytes | None] = {
            (path, wish.edition): None for wish, path in self._best.items()
        }
        for path, edition, entry in select_among(
            db,
            "SELECT path, edition, entry FROM permalinks WHERE path IN (?)",
            {*self._best.values()},
        ):
            self._owners[path, edition] = entry

    def give(self, entry: bytes, wish: _Wish) -> str:
        """Give an entry the first candidate that is free, or that it had before; return it."""
        is_new = (entry, wish.edition) not in self._lived
        path = self._best[wish]
        if self._owners[path, wish.edition] not in {None, entry}:
            path = next(
                path
                for path in self._untried(wish, is_new)
                if self._owner(path, wish.edition) in {None, entry}
            )
        if is_new:
            self._lived.add((entry, wish.edition))
            self._furthest[wish] = path
        self._owners[path, wish.edition] = entry
        return path

    def _untried(self, wish: _Wish, is_new: bool) -> Iterator[str]:
        """Yield the candidates; to an entry that is new here, without those known to be taken."""
        furthest: str | None = None
        if is_new:
            # Whoever wanted this slug before has tried all candidates up to the one it got.
            if wish not in self._furthest:
                row = self._db.execute(FURTHEST, wish).fetchone()
                self._furthest[wish] = row[0] if row else None
            furthest = self._furthest[wish]
        yield from dropwhile(lambda path: furthest not in {None, path}, wish.candidates())

    def _owner(self, path: str, edition: str) -> bytes | None:
        if (path, edition) not in self._owners:
            found = owner(self._db, path, edition)
            self._owners[path, edition] = found.bytes if found else None
        return self._owners[path, edition]


def numbering(db: Db, entry: UUID) -> set[int]:
    """Return the versions of an entry at which it came to a path that another was numbered after.

    The other got `-2` or the like, because the path it wanted was taken.
    """
    rows = db.execute(
        "SELECT mine.version, mine.path, theirs.edition, theirs.day, theirs.slug, theirs.path "
        "FROM permalinks mine JOIN permalinks theirs ON theirs.day = mine.day "
        "AND theirs.edition = mine.edition AND theirs.entry <> mine.entry "
        f"WHERE mine.entry = ? AND {_IS_NUMBERED.format('theirs.')}",
        (entry.bytes,),
    )
    return {
        version
        for version, path, edition, day, slug, theirs in rows
        if path
        in takewhile(
            lambda candidate, end=theirs: candidate != end,  # type: ignore[misc]
            _Wish(edition, day, slug).candidates(),
        )
    }


def moves(db: Db, entry: UUID) -> list[tuple[int, str]]:
    """Return the versions at which an entry came to a path, with the path, oldest first."""
    return db.execute(*moving(entry)).fetchall()


def moving(entry: UUID) -> tuple[str, tuple[bytes]]:
    """Return the query of an entry's moves, and its parameters; see `moves`."""
    return "SELECT version, path FROM permalinks WHERE entry = ? ORDER BY version", (entry.bytes,)


def path_at(moves: Sequence[tuple[int, str]], version: int) -> str:
    """Return the path that a version was published at, given the entry's moves."""
    return known(
        next((path for since, path in reversed(moves) if since <= version), None), version
    )


def known(path: str | None, version: int) -> str:
    """Return the path that was found of a version.

    Raises:
        VersionNotFound: None was found.
    """
    if path is None:
        raise VersionNotFound(f"no path is known of version {version}: was the log replaced?")
    return path


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
    return known(row and row[0], version)


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
