"""The two readings of a verification, section by section, in this process or in several."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from typing import TypeVar

from ledger.audit.sections import ByEntry, ByPosition, by_entry, by_position
from ledger.audit.tiles import WIDTH
from ledger.projections.generation import Generation
from ledger.projections.places import place_of
from ledger.projections.tree import stored
from ledger.store.application import BATCH, LedgerApplication
from ledger.store.rows import Row

SECTION = 4 * WIDTH
"""How many events of the log are read at once."""

_FIRST = -(2**63)
_RANGES = 16

Done = TypeVar("Done")


class Reader:
    """Reads sections of one log.

    Args:
        application: The log.
        tree: The generation with the stored tree; None: there is none.
        leaves: How many leaves it has.
    """

    def __init__(
        self, application: LedgerApplication, tree: Generation | None, leaves: int = 0
    ) -> None:
        self._application = application
        self._tree = tree
        self._leaves = leaves

    def by_position(self, low: int, head: int, sizes: Collection[int]) -> ByPosition:
        """Read the section above position `low`, up to `head`; see `sections.by_position`."""
        high = min(low + SECTION, head)
        hashes = b""
        if self._tree is not None:
            hashes = self._tree.read(partial(stored, level=0, low=low, high=high))
        rows = self._application.rows(low, SECTION, high)
        expected = max(0, min(high, self._leaves) - low)
        return by_position(rows, low, hashes, sizes, expected)

    def by_entry(
        self,
        bounds: tuple[bytes, bytes | None],
        head: int,
        tell: Callable[[int], None] = lambda _: None,
    ) -> ByEntry:
        """Read the entries from one to before another, of events up to position `head`."""
        return by_entry(self._rows(*bounds, head), self._application.to_event, tell)

    def _rows(self, low: bytes, high: bytes | None, head: int) -> Iterator[Row]:
        after = (low, _FIRST)
        while rows := self._application.rows_by_entry(after, high, BATCH):
            yield from (row for row in rows if row.position <= head)
            after = rows[-1].entry, rows[-1].version


class Readings:
    """Lets sections be read, in order; close it.

    Args:
        application: The log.
        tree: The generation with the stored tree; None: there is none.
        jobs: In how many processes.
        leaves: How many leaves the tree has.
    """

    def __init__(
        self, application: LedgerApplication, tree: str | None, jobs: int, leaves: int = 0
    ) -> None:
        self._application = application
        self._generation = _generation(application.url, tree)
        self._reader = Reader(application, self._generation, leaves)
        self._jobs = jobs
        self._pool = (
            ProcessPoolExecutor(
                jobs,
                # Not forked: the process may have threads.
                multiprocessing.get_context("spawn"),
                initializer=_open,
                initargs=(application.url, tree, leaves),
            )
            if jobs > 1
            else None
        )

    def close(self) -> None:
        """End the processes and close all files."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        if self._generation is not None:
            self._generation.close()

    def by_position(self, head: int, sizes: Collection[int]) -> Iterator[ByPosition]:
        """Yield the sections of the log up to position `head`, in order."""
        if self._pool is None:
            for low in self._lows(head):
                yield self._reader.by_position(low, head, sizes)
            return
        yield from self._spread(_by_position, ((low, head, sizes) for low in self._lows(head)))

    def by_entry(self, head: int, tell: Callable[[int], None]) -> Iterator[ByEntry]:
        """Yield sections of the log by entry, with all events up to position `head`."""
        if self._pool is None:
            yield self._reader.by_entry((b"", None), head, tell)
            return
        done = 0
        for found in self._spread(_by_entry, ((bounds, head) for bounds in self._ranges(head))):
            done += found.events
            tell(done)
            yield found

    def _lows(self, head: int) -> Iterator[int]:
        """Yield where sections begin; none where there are no events, however far that goes."""
        low = 0
        while low < head and (rows := self._application.log.read(low, 1, head)):
            low = (rows[0].position - 1) // SECTION * SECTION
            yield low
            low += SECTION

    def _ranges(self, head: int) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield ranges of entries, with about as many events each."""
        step = max(1, head // (_RANGES * self._jobs))
        samples = {
            row.entry
            for position in range(step, head, step)
            for row in self._application.log.read(position, 1, head)
        }
        low = b""
        for high in sorted(samples):
            yield low, high
            low = high
        yield low, None

    def _spread(
        self, work: Callable[..., Done], tasks: Iterable[tuple[object, ...]]
    ) -> Iterator[Done]:
        """Let the processes work, a few tasks ahead, and yield what comes of each, in order."""
        assert self._pool is not None  # noqa: S101
        waiting: deque[Future[Done]] = deque()
        for task in tasks:
            waiting.append(self._pool.submit(work, *task))
            if len(waiting) > 2 * self._jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


_readers: list[Reader] = []
"""In a process of the pool, its reader."""


def _generation(url: str, tree: str | None) -> Generation | None:
    return None if tree is None else place_of(url).generation(tree, in_passing=True)


def _open(url: str, tree: str | None, leaves: int) -> None:
    # Ctrl-C is for the process that they work for.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    generation = _generation(url, tree)
    _readers.append(Reader(LedgerApplication(url), generation, leaves))


def _by_position(low: int, head: int, sizes: Collection[int]) -> ByPosition:
    return _readers[0].by_position(low, head, sizes)


def _by_entry(bounds: tuple[bytes, bytes | None], head: int) -> ByEntry:
    return _readers[0].by_entry(bounds, head)
