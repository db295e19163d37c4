"""A proxy before a server, which loses on purpose what passes through it."""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Literal

Loss = Literal["question", "answer"]

_INTERVAL = 0.05


class Proxy:
    """Passes everything on, both ways, but for what it is told to lose.

    Args:
        port: Where the server listens, on this host.

    Attributes:
        port: Where the proxy does.
        losses: What it has lost.
    """

    def __init__(self, port: int) -> None:
        self.port = 0
        self.losses: list[Loss] = []
        self._server = ("127.0.0.1", port)
        self._lock = Lock()
        self._word = b""
        self._plan: list[Loss] = []
        self._stays_away = False
        self._threads: list[Thread] = []
        self.come_back()

    def lose(self, word: str, *plan: Loss, stays_away: bool = False) -> None:
        """Lose what a client says with that word, or the server's answer, with the connection.

        Args:
            word: What only that client says.
            plan: What to lose the first time that the word is said, the second time, ...
            stays_away: Whether to go away with the last loss.
        """
        with self._lock:
            self._word, self._plan, self._stays_away = word.encode(), list(plan), stays_away

    def go_away(self) -> None:
        """Break all connections, and let nobody in."""
        self._away.set()

    def come_back(self) -> None:
        """Let clients in, where they were let in before."""
        self._away = Event()
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self._begin(Thread(target=self._listen, args=(listener, self._away)))

    def close(self) -> None:
        self.go_away()
        while self._threads:
            self._threads.pop().join()

    def _begin(self, thread: Thread) -> None:
        self._threads.append(thread)
        thread.start()

    def _listen(self, listener: socket.socket, away: Event) -> None:
        with listener:
            while not away.is_set():
                if select.select([listener], [], [], _INTERVAL)[0]:
                    client, _ = listener.accept()
                    self._begin(Thread(target=self._serve, args=(client, away)))

    def _serve(self, client: socket.socket, away: Event) -> None:
        with suppress(OSError), client, socket.create_connection(self._server) as server:
            loss: Loss | None = None
            while not away.is_set():
                for end in select.select([client, server], [], [], _INTERVAL)[0]:
                    data = end.recv(1 << 16)
                    if end is client:
                        loss = loss or self._next_loss(data)
                    # What the server says now, it says after it has done what it was asked.
                    if not data or loss == ("question" if end is client else "answer"):
                        if loss is not None:
                            self._lost(loss)
                        return
                    (server if end is client else client).sendall(data)

    def _next_loss(self, data: bytes) -> Loss | None:
        with self._lock:
            return self._plan.pop(0) if self._plan and self._word in data else None

    def _lost(self, loss: Loss) -> None:
        with self._lock:
            self.losses.append(loss)
            if self._stays_away and not self._plan:
                self.go_away()
