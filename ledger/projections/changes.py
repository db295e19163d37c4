"""The history of every entry: one row a version, from which the Changes list is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from msgspec import UNSET

from ledger.domain.events import EntryCreated, EntryEdited, RecordedEvent, fields_set
from ledger.projections import permalinks
from ledger.projections.database import Db, select_among
from ledger.projections.moments import LAST, NOW, Moment
from ledger.projections.projection import Projection, known_before
from ledger.projections.records import Change, Label
from ledger.store.rows import to_datetime, to_microseconds


class Changes(Projection):
    """Notes each event as a row.

    `headline` is there only where the event brought one; `public_at` is the running maximum of
    the publication times within the entry.
    """

    name = "changes"
    schema = 3
    ddl = (
        """
        CREATE TABLE changes (
            entry BLOB NOT NULL,
            version INTEGER NOT NULL,
            position INTEGER NOT NULL,
            type TEXT NOT NULL,
            published_at INTEGER NOT NULL,
            public_at INTEGER NOT NULL,
            basis TEXT NOT NULL,
            recorded_at INTEGER NOT NULL,
            actor TEXT NOT NULL,
            reason TEXT,
            minor INTEGER NOT NULL,
            fields TEXT NOT NULL,
            headline TEXT,
            erased INTEGER,
            PRIMARY KEY (entry, version)
        ) STRICT, WITHOUT ROWID
        """,
    )
    tables = {
        "changes": "entry, version, position, type, published_at, public_at, basis, recorded_at, "
        "actor, reason, minor, fields, headline, erased"
    }

    def apply(self, events: Sequence[RecordedEvent], db: Db) -> None:
        """Write one row an event."""
        public: dict[bytes, int] = dict(
            select_among(
                db,
                "SELECT entry, max(public_at) FROM changes WHERE entry IN (?) GROUP BY entry",
                known_before(events),
            )
        )
        rows = []
        for event in events:
            entry = event.entry.bytes
            meta = event.meta
            published_at = to_microseconds(meta.published_at)
            public[entry] = max(published_at, public.get(entry, published_at))
            rows.append(
                (
                    entry,
                    event.version,
                    event.position,
                    type(event.data).__name__,
                    published_at,
                    public[entry],
                    meta.basis,
                    to_microseconds(event.recorded_at),
                    meta.actor,
                    meta.reason,
                    meta.minor,
                    " ".join(fields_set(event)),
                    _headline(event),
                    None if event.erased is None else event.erased.position,
                )
            )
        db.executemany(
            "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )


def _headline(event: RecordedEvent) -> str | None:
    data = event.data
    if isinstance(data, EntryEdited):
        return None if data.headline is UNSET else data.headline
    return data.headline if isinstance(data, EntryCreated) else None


def _label(version: int, *, is_last: bool) -> Label:
    if is_last:
        return "Current version"
    return "Update" if version > 1 else "First version"


def version_at(db: Db, entry: UUID, moment: Moment) -> int | None:
    """Return the version that an entry had at a moment, or None where it was not there."""
    found: tuple[int | None] = db.execute(
        "SELECT max(version) FROM changes "
        "WHERE entry = :entry AND position <= :position AND public_at <= :public_at",
        {"entry": entry.bytes, **moment.parameters},
    ).fetchone()
    return found[0]


@cache
def _query(*, is_now: bool, listed: bool) -> str:
    until = "" if is_now else " AND position <= :position AND public_at <= :public_at"
    only = " AND headline IS NOT NULL" if listed else ""
    # Where nothing is cut away, that is the last of all.
    last = LAST if is_now else f"(SELECT max(version) FROM changes WHERE entry = :entry{until})"
    return (
        "SELECT version, position, type, published_at, basis, recorded_at, actor, reason, minor, "
        f"fields, headline, erased, {_path('changes.version')}, {_path(str(last))} "
        f"FROM changes WHERE entry = :entry{until}{only} ORDER BY version"
    )


def _path(version: str) -> str:
    return (
        f"(SELECT path FROM permalinks WHERE entry = :entry AND permalinks.version <= {version} "
        "ORDER BY permalinks.version DESC LIMIT 1)"
    )


def history(db: Db, entry: UUID, moment: Moment = NOW) -> tuple[Change, ...]:
    """Return an entry's history up to a moment, oldest first; empty where it was not there."""
    return told(db.execute(*asked(entry, moment)))


def asked(entry: UUID, moment: Moment, *, listed: bool = False) -> tuple[str, dict[str, object]]:
    """Return the query of an entry's history up to a moment, and its parameters; see `told`.

    Args:
        entry: Whose.
        moment: Which.
        listed: Only what a page lists: the versions that brought a headline.
    """
    query = _query(is_now=moment.is_now, listed=listed)
    return query, {"entry": entry.bytes, **moment.parameters}


def told(rows: Iterable[tuple[Any, ...]], *, closed: bool = False) -> tuple[Change, ...]:
    """Return what `asked` finds; empty where the entry was not there.

    Args:
        rows: That.
        closed: The last of them stands for the current version: it is labelled so, and links
            where that is.
    """
    found: list[Change] = []
    headline = ""
    lines = list(rows)
    for line in lines:
        (version, position, kind, published, basis, recorded, actor, reason, minor) = line[:9]
        (fields, new, erased, path, last_path) = line[9:]
        is_last = closed and line is lines[-1]
        headline = headline if new is None else new
        found.append(
            Change(
                version=version,
                label=_label(version, is_last=is_last),
                listed=new is not None,
                headline=headline,
                path=permalinks.known(last_path if is_last else path, version),
                published_at=to_datetime(published),
                basis=basis,
                recorded_at=to_datetime(recorded),
                position=position,
                type=kind,
                actor=actor,
                reason=reason,
                minor=bool(minor),
                fields=tuple(fields.split()),
                erased=erased,
            )
        )
    return tuple(found)
