"""Every error of `ledger`, in one tree.

LedgerError
├── InvalidInput
│   ├── InvalidTime
│   └── InvalidStoreURL
├── PageError
├── ImportFailed
├── NotFound
│   ├── EntryNotFound
│   └── VersionNotFound
├── AmbiguousEntry
├── Refused
│   ├── NothingChanged
│   ├── EntryClosed
│   ├── EntryExists
│   └── CommandIdReused
├── Conflict
├── ProjectionStopped
├── ProjectionDrifted
├── AuditError
│   ├── DoesNotHold
│   ├── NoteError
│   ├── BadSignature
│   └── UnknownKey
├── MissingExtra
└── StoreError
    ├── StoreNotFound
    ├── NotALedger
    ├── StoreNotWritable
    ├── StoreTooNew
    ├── StoreTooOld
    ├── StoreBusy
    ├── StoreFull
    ├── StoreCorrupt
    ├── UndecodableEvent
    ├── LogReplaced
    ├── StoreUnreachable
    ├── AccessDenied
    ├── ReadOnlyCopy
    └── StoreUnhealthy

Each class has a `code` (for programs) and an `exit_status` (for shells). Both are stable: a
class may be added, its numbers are never given to another. The command line turns an error
into its status in one place (`ledger.cli.main`); the README's table is held to this file by a
test.
"""

from __future__ import annotations


class LedgerError(Exception):
    """Something went wrong that `ledger` can name."""

    code = "error"
    exit_status = 1


class InvalidInput(LedgerError):
    """A value cannot be taken: a date, a headline, an address, an option."""

    code = "invalid-input"
    exit_status = 3


class InvalidTime(InvalidInput):
    """A time is not one, or lies in the future."""

    code = "invalid-time"
    exit_status = 4


class InvalidStoreURL(InvalidInput):
    """A store's URL is not one that `ledger` knows."""

    code = "invalid-store-url"
    exit_status = 5


class PageError(LedgerError):
    """A file is not a published page.

    Attributes:
        line: The 1-based line at which the page stops making sense.
    """

    code = "page"
    exit_status = 6

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


class ImportFailed(LedgerError):
    """Part of an import was not stored; the rest was, unless it was strict."""

    code = "import-failed"
    exit_status = 7


class NotFound(LedgerError):
    """The thing asked for is not in the ledger."""

    code = "not-found"
    exit_status = 10


class EntryNotFound(NotFound):
    """No entry has this id, prefix or permalink."""

    code = "entry-not-found"
    exit_status = 11


class VersionNotFound(NotFound):
    """The entry has no such version, or had none at that time."""

    code = "version-not-found"
    exit_status = 12


class AmbiguousEntry(LedgerError):
    """The beginning of an id fits more than one entry."""

    code = "ambiguous-entry"
    exit_status = 13


class Refused(LedgerError):
    """The rules of the domain forbid this command now."""

    code = "refused"
    exit_status = 20


class NothingChanged(Refused):
    """The edit leaves the entry exactly as it is."""

    code = "nothing-changed"
    exit_status = 21


class EntryClosed(Refused):
    """The entry is retracted or merged, so it takes no edits."""

    code = "entry-closed"
    exit_status = 22


class EntryExists(Refused):
    """An entry with this id is already in the ledger."""

    code = "entry-exists"
    exit_status = 23


class CommandIdReused(Refused):
    """A command's id was already used for a different command."""

    code = "command-id-reused"
    exit_status = 24


class Conflict(LedgerError):
    """The entry has moved on from the version that was expected.

    Attributes:
        expected: The version the command was based on.
        actual: The version the entry has now.
    """

    code = "conflict"
    exit_status = 30

    def __init__(self, message: str, expected: int = 0, actual: int = 0) -> None:
        super().__init__(message)
        self.expected = expected
        self.actual = actual


class ProjectionStopped(LedgerError):
    """A read model has failed on an event, and does not know what came after it."""

    code = "projection-stopped"
    exit_status = 31


class ProjectionDrifted(LedgerError):
    """A read model holds other rows than the log gives."""

    code = "projection-drifted"
    exit_status = 32


class AuditError(LedgerError):
    """An audit could not be done."""

    code = "audit"
    exit_status = 60


class DoesNotHold(AuditError):
    """The log, or a proof, is not what it is said to be."""

    code = "does-not-hold"
    exit_status = 61


class NoteError(AuditError):
    """A note, a checkpoint or a key is none, or a damaged one."""

    code = "note"
    exit_status = 62


class BadSignature(AuditError):
    """A signature is not that of the key it names."""

    code = "bad-signature"
    exit_status = 63


class UnknownKey(AuditError):
    """None of the keys that are known has signed."""

    code = "unknown-key"
    exit_status = 64


class MissingExtra(LedgerError):
    """A package that is needed is not installed."""

    code = "missing-extra"
    exit_status = 65


class StoreError(LedgerError):
    """The store failed."""

    code = "store"
    exit_status = 40


class StoreNotFound(StoreError):
    """There is no ledger, or no folder, at this place."""

    code = "store-not-found"
    exit_status = 41


class NotALedger(StoreError):
    """The file is there, but it is no ledger."""

    code = "not-a-ledger"
    exit_status = 42


class StoreNotWritable(StoreError):
    """The file or its folder cannot be written, or not even read."""

    code = "store-not-writable"
    exit_status = 43


class StoreTooNew(StoreError):
    """The log's schema is newer than this program's."""

    code = "store-too-new"
    exit_status = 44


class StoreTooOld(StoreError):
    """The log's schema is older than this program's: `ledger upgrade` brings it up."""

    code = "store-too-old"
    exit_status = 45


class StoreBusy(StoreError):
    """Another process held the write lock for too long."""

    code = "store-busy"
    exit_status = 46


class StoreFull(StoreError):
    """The disk is full or refuses writes; nothing of the command was stored."""

    code = "store-full"
    exit_status = 47


class StoreCorrupt(StoreError):
    """The database is damaged."""

    code = "store-corrupt"
    exit_status = 48


class UndecodableEvent(StoreError):
    """An event's type is unknown, its payload unreadable, or its place in a history illegal.

    Attributes:
        position: Its position in the log; 0 where it has none yet.
    """

    code = "undecodable-event"
    exit_status = 49

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class LogReplaced(StoreError):
    """Another log has come into the place of the one that was being read."""

    code = "log-replaced"
    exit_status = 50


class StoreUnreachable(StoreError):
    """The database server cannot be reached, or the connection to it was lost."""

    code = "store-unreachable"
    exit_status = 51


class AccessDenied(StoreError):
    """The database server does not let this user in."""

    code = "access-denied"
    exit_status = 52


class ReadOnlyCopy(StoreError):
    """The ledger is a copy of another: it is only read until `ledger promote`."""

    code = "read-only-copy"
    exit_status = 53


class StoreUnhealthy(StoreError):
    """Something about the store has to be put right; `ledger doctor` says what."""

    code = "store-unhealthy"
    exit_status = 54


def walk(cls: type[LedgerError] = LedgerError) -> list[type[LedgerError]]:
    """Return `cls` and every error below it, in the order of the tree above."""
    return [cls, *(found for sub in cls.__subclasses__() for found in walk(sub))]
