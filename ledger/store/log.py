"""The log as every back end offers it, and its face towards the `eventsourcing` library.

A recorder of ours speaks in plain rows, because a row is what is stored, hashed and proved. The
library's own interface (stored events, notifications, subscriptions) is written once, here, on
top of that.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    StoredEvent,
)

from ledger.store.identity import Identity
from ledger.store.rows import Appended, Blank, Head, NewRow, Row

POLL_INTERVAL = 0.1
"""How many seconds pass between two looks at a log that tells nobody of new events."""

NOTHING: Mapping[bytes, int] = MappingProxyType({})


class OthersWrote(IntegrityError):
    """Somebody else has written meanwhile: what this process knew of the log may be untrue."""


class Basis(NamedTuple):
    """The last event of an entry that something was decided on, and where it lay."""

    entry: bytes
    version: int
    position: int
    recorded_at: int


class Integrity(NamedTuple):
    """What is wrong with a store itself, whatever its events say.

    Attributes:
        wrong: What is other than it should be: nothing that is read can be relied on.
        missing: What should be there and is not, but changes no answer: guards, say.
    """

    wrong: list[str]
    missing: list[str]


@dataclass(frozen=True)
class LogEvent(Notification):
    """A library notification that also carries what our rows have beside `state`.

    `state` is the content; a stored event of the library's own has empty `meta`.
    """

    meta: bytes = b""
    recorded_at: int = 0


@dataclass(frozen=True)
class NewLogEvent(StoredEvent):
    """A library stored event with its `meta` apart; `state` is the content."""

    meta: bytes = b""


class Watch:
    """Waits for new events.

    SQLite tells nobody that another process has written, so this is only patience; a store that
    tells is listened to.
    """

    def wait(self, stop: Event) -> int:
        """Return once there may be new events, or `stop` is set, or a while has passed.

        Returns:
            The last position that there was word of, which need not be true; 0: no word.
        """
        stop.wait(POLL_INTERVAL)
        return 0

    def close(self) -> None:
        """Listen no more."""


class LogRecorder(ApplicationRecorder):
    """Records events in one gapless global order. Each back end is one subclass."""

    @abstractmethod
    def identity(self) -> Identity:
        """Return what this ledger is called."""

    @abstractmethod
    def create(self, origin: str | None = None, copy_of: Identity | None = None) -> Identity:
        """Make the ledger if there is none, and return its identity.

        Args:
            origin: The name it is to be known by; None: one made from its id.
            copy_of: The ledger that it is to be a copy of: it bears the same identity, and
                takes no events but by `load` until it is promoted.

        Raises:
            StoreError: It cannot be made, or there is something else in its place.
        """

    @abstractmethod
    def is_copy(self) -> bool:
        """Return whether this is a copy that nobody has promoted."""

    @abstractmethod
    def confirm(self, position: int) -> None:
        """Note that a copy was held against its source up to a position."""

    @abstractmethod
    def confirmed(self) -> int:
        """Return up to which position a copy was last held against its source; 0: never."""

    @abstractmethod
    def promote(self) -> bool:
        """Let a copy take over: it takes events from now on. Return whether it was one."""

    @abstractmethod
    def upgrade(self) -> tuple[int, int]:
        """Bring an older log schema up to the program's; return the versions before and after.

        Raises:
            StoreError: There is no ledger, or it is newer than the program.
        """

    @abstractmethod
    def epoch(self) -> int:
        """Look whether others have written, and return a number that grows whenever they have.

        As long as it stays, what this recorder appended is the last that there is of the entries
        that it appended to: nothing needs to be read again.
        """

    @abstractmethod
    def append(
        self,
        rows: Sequence[NewRow],
        unless_moved: Mapping[bytes, int] = NOTHING,
        epoch: int | None = None,
        upon: Collection[Basis] = (),
    ) -> Appended:
        """Append events in one transaction: all of them, or none.

        Args:
            rows: The events, in order.
            unless_moved: Entries that were looked at to decide them, with the version seen.
            epoch: The epoch in which what they were decided on was so; None: it was read.
            upon: What was read of their own entries: where it is not there, another log has come
                into the place of the one that was read.

        Raises:
            OthersWrote: The epoch is another one, or the log.
            eventsourcing.persistence.IntegrityError: An entry already has one of the versions, or
                one that was looked at has moved on.
            ReadOnlyCopy: This is a copy that nobody has promoted.
            StoreUnreachable: The connection was lost; whether it was stored, reading tells.
            StoreError: The store failed; nothing was stored.
        """

    @abstractmethod
    def load(
        self, rows: Sequence[Row], blanks: Sequence[Blank] = (), *, into_copy: bool = False
    ) -> None:
        """Append events as they lie in another log: their bytes, positions and times.

        This is for copies and replays, and for nothing else.

        Args:
            rows: The events that follow this log's end, in order.
            blanks: What they say was erased there, and is to be blanked here as well.
            into_copy: Only as long as this is a copy that nobody has promoted.

        Raises:
            eventsourcing.persistence.IntegrityError: They do not follow it; or it was promoted.
            StoreError: The store failed; nothing was stored.
        """

    @abstractmethod
    def erase(self, rows: Sequence[NewRow], blanks: Sequence[Blank], head: int) -> Appended:
        """Append events that say what is erased, and blank it, in one transaction.

        What was blanked may still lie in freed parts of the store's files; see `purge`.

        Args:
            rows: The events, in order.
            blanks: What they name.
            head: The last position that was looked at to decide them.

        Raises:
            eventsourcing.persistence.IntegrityError: The log has moved on, or the events do not
                name what is to be blanked.
            ReadOnlyCopy: This is a copy that nobody has promoted.
            StoreUnreachable: The connection was lost; whether it was done, reading tells.
            StoreError: The store failed; nothing was stored, nothing blanked.
        """

    @abstractmethod
    def purge(self) -> None:
        """Take what was blanked out of the freed parts of the store's files.

        Raises:
            StoreBusy: Somebody is reading what was; nothing is lost by trying again.
        """

    @abstractmethod
    def integrity(self) -> Integrity:
        """Return what is wrong with the store itself: its tables, their indexes, their guards."""

    @abstractmethod
    def last_erasure(self) -> int:
        """Return the position of the last event that says what was erased; 0 where none does."""

    @abstractmethod
    def head(self) -> Head:
        """Return the end of the log."""

    @abstractmethod
    def read(self, after: int, limit: int, upto: int | None = None) -> list[Row]:
        """Return at most `limit` events above position `after`, in order, up to `upto`."""

    @abstractmethod
    def read_by_entry(
        self, after: tuple[bytes, int], before: bytes | None, limit: int
    ) -> list[Row]:
        """Return at most `limit` events by entry and version.

        Args:
            after: The entry and the version to go on behind.
            before: The entry to stop before; None: at the end.
            limit: How many at most.
        """

    @abstractmethod
    def read_entry(self, entry: bytes, after: int = 0) -> list[Row]:
        """Return the events of one entry above version `after`, in order."""

    @abstractmethod
    def find_entries(self, low: bytes, high: bytes, limit: int) -> list[bytes]:
        """Return at most `limit` ids of entries from `low` to `high`, both included."""

    def watch(self) -> Watch:
        """Return what waits for new events; close it when done."""
        return Watch()

    @abstractmethod
    def close(self) -> None:
        """Close all connections. The recorder opens new ones if it is used again."""

    # From here on: the library's interface.

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **_kwargs: Any
    ) -> Sequence[int] | None:
        """Append the library's stored events; return their positions."""
        if not stored_events:
            return []
        first = self.append(
            [
                NewRow(
                    _entry_bytes(event.originator_id),
                    event.originator_version,
                    event.topic,
                    getattr(event, "meta", b""),
                    event.state,
                )
                for event in stored_events
            ]
        ).first
        return list(range(first, first + len(stored_events)))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return the events of one entry between two versions, as the library's."""
        rows = self.read_entry(_entry_bytes(originator_id), -1 if gt is None else gt)
        if lte is not None:
            rows = [row for row in rows if row.version <= lte]
        if desc:
            rows.reverse()
        return [to_log_event(row) for row in rows[:limit]]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return a section of the log, as the library's notifications."""
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        found: list[Notification] = []
        while len(found) < limit and (rows := self.read(after, limit, stop)):
            after = rows[-1].position
            found += [to_log_event(row) for row in rows if not topics or row.type in topics]
        return found[:limit]

    def max_notification_id(self) -> int | None:
        """Return the log's last position; None where it is empty."""
        return self.head().position or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> PollingSubscription:
        """Return the events above position `gt`, those to come too."""
        return PollingSubscription(self, gt=gt, topics=topics)


class PollingSubscription(ListenNotifySubscription[LogRecorder]):
    """A subscription that looks for new events a few times a second.

    SQLite tells nobody that another process has written, so there is nothing to listen to.
    """

    def _loop_on_pull(self) -> None:
        try:
            while not self._has_been_stopped:
                self._pull()
                self._has_been_notified.wait(POLL_INTERVAL)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that iterates
            self._thread_error = error
            self.stop()


def to_log_event(row: Row) -> LogEvent:
    """Return a row as the library's notification."""
    return LogEvent(
        originator_id=UUID(bytes=row.entry),
        originator_version=row.version,
        topic=row.type,
        state=row.content,
        id=row.position,
        meta=row.meta,
        recorded_at=row.recorded_at,
    )


def _entry_bytes(originator_id: UUID | str) -> bytes:
    return (originator_id if isinstance(originator_id, UUID) else UUID(originator_id)).bytes
