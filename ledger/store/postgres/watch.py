"""`ListeningWatch`: waits until PostgreSQL tells of new events."""

from __future__ import annotations

from contextlib import suppress
from threading import Event

import psycopg

from ledger.errors import StoreError
from ledger.store.log import POLL_INTERVAL, Watch
from ledger.store.postgres.connections import Connection, connect
from ledger.store.postgres.functions import channel
from ledger.store.urls import PostgresURL

_PATIENCE = 10
"""How many intervals to wait for a word: should one be lost, the log is looked at all the same."""


class ListeningWatch(Watch):
    """Listens on a connection of its own; without one, it looks a few times a second.

    Args:
        url: The store.
    """

    def __init__(self, url: PostgresURL) -> None:
        self._url = url
        self._connection: Connection | None = None

    def wait(self, stop: Event) -> None:
        """Return once there are new events, or `stop` is set, or a second has passed."""
        try:
            if self._connection is None:
                self._connection = connect(self._url)
                self._connection.execute(f'LISTEN "{channel(self._url.schema)}"'.encode())
                # What came before that, nobody has told.
                return
            for _ in range(_PATIENCE):
                if stop.is_set() or self._has_heard(self._connection):
                    return
        except (psycopg.Error, StoreError):
            self.close()
            stop.wait(POLL_INTERVAL)

    @staticmethod
    def _has_heard(connection: Connection) -> bool:
        heard = list(connection.notifies(timeout=POLL_INTERVAL, stop_after=1))
        # Many words are one: the log is read to its end.
        heard += connection.notifies(timeout=0)
        return bool(heard)

    def close(self) -> None:
        """Listen no more."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
