"""`ListeningWatch`: waits until PostgreSQL tells of new events."""

from __future__ import annotations

import re
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

    def wait(self, stop: Event) -> int:
        """Return once there are new events, or `stop` is set, or a second has passed."""
        try:
            if self._connection is None:
                self._connection = connect(self._url)
                self._connection.execute(f'LISTEN "{channel(self._url.schema)}"'.encode())
                # What came before that, nobody has told.
                return 0
            for _ in range(_PATIENCE):
                if stop.is_set():
                    break
                # As many as have come, but at least one.
                heard = list(self._connection.notifies(timeout=POLL_INTERVAL, stop_after=1))
                if heard:
                    return _position(heard[-1].payload)
        except (psycopg.Error, StoreError):
            self.close()
            stop.wait(POLL_INTERVAL)
        return 0

    def close(self) -> None:
        """Listen no more."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None


def _position(word: str) -> int:
    # Anybody who may connect can say anything.
    return int(word) if re.fullmatch("[0-9]{1,18}", word) else 0
