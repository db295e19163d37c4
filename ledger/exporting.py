"""What a ledger gives out for other programs: its whole log, and tables for analysts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ledger.audit.merkle import Peaks
from ledger.domain.entry import NewsEntry, at_version
from ledger.domain.events import RecordedEvent, fields_set
from ledger.errors import InvalidInput
from ledger.interchange.jsonl import (
    Header,
    Trailer,
    event_line,
    header_line,
    trailer_line,
)
from ledger.interchange.tables import Record, TableName, write_csv, write_parquet
from ledger.lists import LedgerLists
from ledger.projections import changes, current
from ledger.projections.database import ViewsDb
from ledger.projections.moments import Moment
from ledger.projections.projector import Progress
from ledger.projections.records import Change, with_current
from ledger.results import When
from ledger.store.application import BATCH
from ledger.store.leaf import leaf_hash
from ledger.store.rows import Row

if TYPE_CHECKING:
    from ledger.site.folder import SiteReport


class ExportReport(msgspec.Struct, frozen=True):
    """What a log in JSON Lines holds.

    Attributes:
        events: How many events.
        end: The position of the last; an export of what comes later goes on behind it.
        root: The root of the tree of all events up to there, in hexadecimal digits.
    """

    events: int
    end: int
    root: str


class Exporter:
    """Gives a ledger out in forms that others read; it writes nothing to the log.

    Args:
        ledger: Reads it.
    """

    def __init__(self, ledger: LedgerLists) -> None:
        self._ledger = ledger
        self._application = ledger.application

    # The log

    def jsonl(
        self, file: IO[bytes], since: When | None = None, progress: Progress | None = None
    ) -> ExportReport:
        """Write the log as JSON Lines, in memory that does not grow; see `interchange.jsonl`.

        Args:
            file: Where to.
            since: Only the events behind that position, or recorded after that time.
            progress: Is told how many events were read, and how many there are.

        Raises:
            InvalidTime: The log has no such position.
            UndecodableEvent: The format cannot say what lies at a position.
        """
        log = self._application.log
        identity, head = log.identity(), log.head().position
        after = 0 if since is None else self._ledger.position(since)
        peaks = Peaks()

        def read(upto: int | None = None) -> Iterator[tuple[Row, bytes]]:
            while rows := self._application.rows(peaks.size, BATCH, upto):
                for row in rows:
                    leaf = leaf_hash(row)
                    peaks.add(leaf)
                    yield row, leaf
                if progress is not None:
                    progress(peaks.size, max(head, peaks.size))

        for _ in read(after):
            pass
        file.write(header_line(Header(identity, after, peaks.root(), head)))
        # To the very end: what was erased meanwhile is explained by an event that came meanwhile.
        for row, leaf in read():
            file.write(event_line(row, leaf))
        end = Trailer(peaks.size - after, peaks.size, peaks.root())
        file.write(trailer_line(end))
        return ExportReport(end.events, end.end, end.root.hex())

    # Tables

    def csv(
        self,
        table: TableName,
        file: IO[bytes],
        *,
        as_of: When | None = None,
        known_at: When | None = None,
    ) -> int:
        """Write a table as CSV; return how many rows it has. See `interchange.tables`.

        Args:
            table: entries (each in its current version), changes (a row a version) or events.
            file: Where to.
            as_of: What was public then; not for events.
            known_at: What the ledger knew then.

        Raises:
            InvalidInput: Events were asked for as of a time; or a time has no zone.
            InvalidTime: The log has no such position.
        """
        return write_csv(table, self._records(table, as_of, known_at), file)

    def parquet(
        self,
        table: TableName,
        file: IO[bytes],
        *,
        as_of: When | None = None,
        known_at: When | None = None,
    ) -> int:
        """Write a table as Parquet; see `csv`.

        Raises:
            MissingExtra: The package pyarrow is not installed.
        """
        return write_parquet(table, self._records(table, as_of, known_at), file)

    # The site

    def site(
        self,
        folder: Path,
        base_url: str | None = None,
        *,
        as_of: When | None = None,
        known_at: When | None = None,
        progress: Progress | None = None,
    ) -> SiteReport:
        """Write the archive into a folder as a static site; see `site.export`.

        Args:
            folder: Where; made if it is not there. What an export has left there is brought up to
                date, other files stay.
            base_url: The site's address: a scheme and a host, without a path. None: as the last
                export into the folder, or else at http://localhost:8000.
            as_of: The site as it was public then.
            known_at: The site of what the ledger knew then.
            progress: Is told how many entries were written, and how many there are.

        Raises:
            InvalidInput: The address is none, or the folder cannot be used.
            InvalidTime: The log has no such position.
        """
        from ledger.site.export import export_site

        return export_site(
            self._ledger, folder, base_url, as_of=as_of, known_at=known_at, progress=progress
        )

    def _records(
        self, table: TableName, as_of: When | None, known_at: When | None
    ) -> Iterator[Record]:
        """Return the rows of a table, all as the log is now; entries in the order of their ids."""
        moment = self._ledger.moment(as_of, known_at)
        if known_at is None:
            moment = replace(moment, position=self._application.log.head().position)
        if table == "entries":
            return (_entry(state, last) for state, last in self._entries(moment))
        if table == "changes":
            return (
                (id_, *msgspec.structs.astuple(change))
                for id_, history, _ in self._histories(moment)
                for change in with_current(history, history[-1].path)
            )
        if as_of is not None:
            raise InvalidInput(
                "events are cut by what was known at a time (--known-at), not by what was public"
            )
        return map(_event, self._ledger.events(0, moment.position))

    def _entries(self, moment: Moment) -> Iterator[tuple[NewsEntry, Change]]:
        """Yield each entry as it was at a moment, with what made that version."""
        for id_, history, state in self._histories(moment):
            last = history[-1]
            if state is not None and state.version == last.version:
                yield state, last
            else:
                yield at_version(self._application.history(id_), last.version), last

    def _histories(
        self, moment: Moment
    ) -> Iterator[tuple[UUID, tuple[Change, ...], NewsEntry | None]]:
        """Yield each entry that was there at a moment: its history until then, and what it is."""

        def ask(ids: list[UUID], db: ViewsDb) -> list[tuple[tuple[Change, ...], NewsEntry | None]]:
            return [(changes.history(db, id_, moment), current.get(db, id_)) for id_ in ids]

        low, high = bytes(16), b"\xff" * 16
        while found := self._application.log.find_entries(low, high, BATCH):
            ids = [UUID(bytes=entry) for entry in found]
            answers = self._ledger.views.read(
                partial(ask, ids), *("changes", "current", "permalinks")
            )
            for id_, (history, state) in zip(ids, answers, strict=True):
                if history:
                    yield id_, history, state
            if found[-1] == high:
                return
            low = (int.from_bytes(found[-1]) + 1).to_bytes(16)


def _entry(state: NewsEntry, last: Change) -> Record:
    return (
        state.id,
        state.version,
        state.status,
        state.edition,
        last.path,
        state.date,
        state.headline,
        state.topic,
        state.summary,
        state.sources,
        state.cover_image,
        state.contexts,
        state.language,
        state.merged_into,
        state.corrections,
        state.inferred,
        last.published_at,
        last.basis,
        last.recorded_at,
        last.position,
    )


def _event(event: RecordedEvent) -> Record:
    meta = event.meta
    return (
        event.position,
        event.recorded_at,
        event.entry,
        event.version,
        type(event.data).__name__,
        meta.published_at,
        meta.basis,
        meta.actor,
        meta.reason,
        meta.minor,
        meta.command,
        event.data.origin,
        fields_set(event),
        msgspec.json.encode(event.data).decode(),
        None if event.erased is None else event.erased.position,
    )
