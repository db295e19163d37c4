"""Loading: a log that was exported as JSON Lines, put into a store as it lies in the file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import IO
from uuid import UUID

import msgspec
from eventsourcing.persistence import IntegrityError

from ledger.audit.merkle import Peaks
from ledger.audit.notes import check_key_name
from ledger.copying import BATCH, as_erased
from ledger.errors import DoesNotHold, InvalidInput, LedgerError, StoreBusy, StoreNotFound
from ledger.interchange.jsonl import Header, Line, Reader, Trailer
from ledger.projections.projector import Progress
from ledger.reading import LedgerReader
from ledger.store.erasures import blanks_of
from ledger.store.identity import Identity
from ledger.store.leaf import Digest, leaf_hash
from ledger.store.places import shown
from ledger.store.rows import Blank, BlobName, Row

_MOST = 1 << 24
"""How many bytes of lines a transaction has, if the events are large."""


class LoadReport(msgspec.Struct, frozen=True):
    """What came of a log in JSON Lines.

    Attributes:
        stored: How many events were stored now.
        end: The position of the file's last event, up to which the store holds the same.
        root: The root of the tree up to there, reckoned from the store's own events, in
            hexadecimal digits.
    """

    stored: int
    end: int
    root: str


def load(lines: IO[bytes], target: LedgerReader, progress: Progress | None = None) -> LoadReport:
    """Put the events of a file into a store, and hold them against the file's root.

    The store then is a copy of the ledger that the file was made from, as `copying.copy` makes
    one. Stopped anywhere, it goes on where it was: what the store has already is compared.

    Args:
        lines: The file, in the format of `interchange.jsonl`; nothing in it is trusted.
        target: The store; it is made where there is nothing.
        progress: Is told how many events were stored and reckoned, and how many there will be.

    Raises:
        InvalidInput: The file is damaged, or its events do not follow those of the store; it
            names the line, and what is stored: whole batches of events before it.
        DoesNotHold: What was stored is not what the file's last line says of it.
        UndecodableEvent: An event says what was erased, and this program cannot read it.
        StoreBusy: Somebody else writes to the store, or reads what was erased there: try again
            once he is done.
    """
    reader = Reader(lines)
    header = reader.header
    loading = _Loading(header, target)

    def tell(done: int, size: int) -> None:
        if progress is not None:
            progress(done, size)

    try:
        for batch in _batches(reader.lines()):
            loading.take(batch)
            done, upto = batch[-1].row.position, header.upto
            tell(done - header.after, 2 * max(upto, done) - header.after)
    except InvalidInput as error:
        raise InvalidInput(f"{error}; {loading.standing}") from error
    read = reader.trailer.events
    return loading.finish(
        reader.trailer, reader.number, lambda done, size: tell(read + done, read + size)
    )


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    batch, size = list[Line](), 0
    for line in lines:
        batch.append(line)
        size += line.size
        if len(batch) == BATCH or size > _MOST:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Loading:
    """One file on its way into a store.

    Args:
        header: The file's first line.
        target: The store.
    """

    def __init__(self, header: Header, target: LedgerReader) -> None:
        self._header = header
        self._target = target
        self._application = target.application
        self._log = target.application.log
        self._place = shown(target.application.url)
        self._stored = 0
        self._was_erased = False
        try:
            check_key_name(header.ledger.origin)
        except InvalidInput as error:
            raise InvalidInput(f"line 1: {error}") from error
        self._head = self._fitting_head()
        if self._head and self._log.last_erasure() > max(self._head - BATCH, 0):
            # One that was stopped may have come to an erasure, and no further.
            self._purge()

    @property
    def standing(self) -> str:
        """What became of the events until now, for who is told that something is wrong."""
        if not self._stored:
            return "nothing was stored"
        return f"stored are the events up to {self._head:,}: a sound file goes on behind them"

    def _fitting_head(self) -> int:
        """Return the store's last position; 0 where there is no store.

        Raises:
            InvalidInput: The file's events do not belong there.
        """
        after, head = self._header.after, 0
        with suppress(StoreNotFound):
            self._require_ours(self._log.identity())
            head = self._log.head().position
        if after > head:
            raise InvalidInput(
                f"the file goes on behind event {after:,}, and the store {self._place} ends at "
                f"{head:,}: import first what comes before"
            )
        if self._root(after, lambda *_: None) != self._header.root:
            raise InvalidInput(
                f"line 1: the store {self._place} holds other events up to {after:,} than the "
                "log that the file goes on with"
            )
        return head

    def _require_ours(self, found: Identity) -> None:
        if found != self._header.ledger:
            raise InvalidInput(
                f"the store {self._place} holds another ledger, {found.origin} (id {found.id}): "
                "import into a store that `ledger init` has not made"
            )
        if not self._log.is_copy():
            raise InvalidInput(
                f"the store {self._place} is no copy, or was promoted: it takes events of its own"
            )

    def take(self, batch: Sequence[Line]) -> None:
        """Store a batch of events; compare those that the store has already."""
        count = sum(line.row.position <= self._head for line in batch)
        self._compare(batch[:count])
        if fresh := batch[count:]:
            self._store(fresh)
            self._head = fresh[-1].row.position
            self._stored += len(fresh)

    def _compare(self, lines: Sequence[Line]) -> None:
        if not lines:
            return
        first, last = lines[0].row.position, lines[-1].row.position
        ours = self._application.rows(first - 1, len(lines), last)
        for line, our in zip(lines, ours, strict=False):
            if leaf_hash(as_erased(our, line.row)) != leaf_hash(line.row):
                raise InvalidInput(
                    f"line {line.number:,}: the store {self._place} holds another event at "
                    f"position {our.position:,}: import into a new one"
                )

    def _store(self, lines: Sequence[Line]) -> None:
        # Where there is nothing yet, nothing is made for a file that is none.
        self._require_ours(self._log.create(copy_of=self._header.ledger))
        rows = [line.row for line in lines]
        blanks = list(blanks_of(rows, self._application.event_mapper))
        had = any(self._has(blank) for blank in blanks)
        erased = frozenset(blanks)
        try:
            self._log.load([_as_stored(row, erased) for row in rows], blanks, into_copy=True)
        except IntegrityError as error:
            raise self._refused(lines, error) from error
        if had:
            self._purge()

    def _has(self, blank: Blank) -> bool:
        rows = self._log.read(blank.position - 1, 1, blank.position)
        return any(getattr(row, blank.blob) for row in rows)

    def _purge(self) -> None:
        self._log.purge()
        self._was_erased = True

    def _refused(self, lines: Sequence[Line], error: IntegrityError) -> LedgerError:
        """Return the error of a batch that the store does not take."""
        self._require_ours(self._log.identity())
        if self._log.head().position != self._head:
            return StoreBusy(
                f"somebody else writes to the store {self._place}: run it again once he is done "
                f"({error})"
            )
        versions: dict[bytes, int] = {}
        for line in lines:
            entry, version = line.row.entry, line.row.version
            if entry not in versions:
                versions[entry] = max(
                    (row.version for row in self._log.read_entry(entry)), default=0
                )
            if version != versions[entry] + 1:
                return InvalidInput(
                    f"line {line.number:,}: version {version} of entry {UUID(bytes=entry)} stands "
                    f"behind version {versions[entry]}"
                )
            versions[entry] = version
        first, last = lines[0].number, lines[-1].number
        return InvalidInput(f"lines {first:,} to {last:,}: the store refuses them: {error}")

    def finish(self, trailer: Trailer, number: int, tell: Progress) -> LoadReport:
        """Hold what the store has against the last line, which has this number.

        Raises:
            DoesNotHold: It has another root.
        """
        self._require_ours(self._log.create(copy_of=self._header.ledger))
        root = self._root(trailer.end, tell)
        if root != trailer.root:
            raise DoesNotHold(
                f"line {number:,}: the tree up to event {trailer.end:,} has the root "
                f"{trailer.root.hex()} there, and {root.hex()} in the store {self._place}: the "
                "file is not what was exported; do not promote what it has made"
            )
        if self._was_erased:
            self._target.views.purge()
        if self._log.confirmed() < trailer.end:
            self._log.confirm(trailer.end)
        return LoadReport(self._stored, trailer.end, root.hex())

    def _root(self, size: int, tell: Progress) -> bytes:
        """Return the root of the tree of the store's first events, reckoned from each of them."""
        peaks = Peaks()
        while peaks.size < size:
            rows = self._application.rows(peaks.size, BATCH, size)
            if not rows:
                # Somebody put another log into its place.
                break
            for row in rows:
                peaks.add(leaf_hash(row))
            tell(peaks.size, size)
        return peaks.root()


def _as_stored(row: Row, erased: Collection[Blank]) -> Row:
    """Return a row without what was erased, also where the file still has it."""

    def kept(name: BlobName, blob: bytes) -> bytes:
        return b"" if isinstance(blob, Digest) or Blank(row.position, name) in erased else blob

    return row._replace(meta=kept("meta", row.meta), content=kept("content", row.content))
