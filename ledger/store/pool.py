"""Connections that wait for their next use, shared by threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Concatenate, Generic, ParamSpec, Protocol, TypeVar

from ledger.errors import StoreBusy


class Closable(Protocol):
    """What a pool lends."""

    def close(self) -> None:
        """Close it."""


Lent = TypeVar("Lent", bound=Closable)
Asked = ParamSpec("Asked")
Done = TypeVar("Done")


class Pool(Generic[Lent]):
    """Idle connections: as many as were ever used at once.

    Args:
        connect: Opens one more.
        is_usable: Whether one that comes back can be used again; and one that was idle, where
            there is a limit, as servers have it.
        limit: How many may be used at once; None: any number.
        patience: How many seconds to wait for one where there may be no more.
    """

    def __init__(
        self,
        connect: Callable[[], Lent],
        is_usable: Callable[[Lent], bool] = lambda _: True,
        limit: int | None = None,
        patience: float = 30.0,
    ) -> None:
        self._connect = connect
        self._is_usable = is_usable
        self._limit = limit
        self._patience = patience
        self._inherited: list[deque[Lent]] = []
        self._idle: deque[Lent] = deque()
        self._closed = False
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._places = None if self._limit is None else BoundedSemaphore(self._limit)

    def _follow_process(self) -> None:
        """Leave to the parent what is the parent's, after a fork: not even to be closed."""
        self._inherited.append(self._idle)
        self._idle = deque()
        self._start()

    @contextmanager
    def connection(self) -> Iterator[Lent]:
        """Lend a connection; one that saw an error is not used again.

        Raises:
            StoreBusy: All that there may be were in use all the time.
        """
        connection = self._take()
        try:
            yield connection
            lasts = self._is_usable(connection)
        except BaseException:
            self._drop(connection)
            raise
        self._put_back(connection, lasts=lasts)

    def use(
        self,
        work: Callable[Concatenate[Lent, Asked], Done],
        *asked: Asked.args,
        **named: Asked.kwargs,
    ) -> Done:
        """Return what is done with a connection, lent as by `connection`, but in less time."""
        connection = self._take()
        try:
            done = work(connection, *asked, **named)
            lasts = self._is_usable(connection)
        except BaseException:
            self._drop(connection)
            raise
        self._put_back(connection, lasts=lasts)
        return done

    def _take(self) -> Lent:
        if self._pid != os.getpid():
            self._follow_process()
        if self._places is not None:
            return self._take_one_of_few(self._places)
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _take_one_of_few(self, places: BoundedSemaphore) -> Lent:
        """Wait for a place, then take a connection; a server may have let it go meanwhile."""
        if not places.acquire(timeout=self._patience):
            raise StoreBusy(
                f"all {self._limit} connections of this process were in use for "
                f"{self._patience:g} s: try again, or allow more with ?pool="
            )
        try:
            while True:
                try:
                    connection = self._idle.pop()
                except IndexError:
                    return self._connect()
                if self._is_usable(connection):
                    return connection
                connection.close()
        except BaseException:
            places.release()
            raise

    def _put_back(self, connection: Lent, *, lasts: bool) -> None:
        try:
            if lasts:
                self._idle.append(connection)
            else:
                connection.close()
            if self._closed:
                # Perhaps only since this one was found to be usable.
                self.close()
        finally:
            if self._places is not None:
                self._places.release()

    def _drop(self, connection: Lent) -> None:
        try:
            connection.close()
        finally:
            if self._places is not None:
                self._places.release()

    def close(self) -> None:
        """Close the idle connections; the ones still lent are closed when they come back."""
        if self._pid != os.getpid():
            self._follow_process()
        self._closed = True
        while self._idle:
            self._idle.pop().close()
