"""A process that tails the log from its first event on, and prints what it sees.

Run as `python -m tests.chaos.reader URL HOW`; it ends with the event whose actor is `END`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from threading import Event

from ledger import Ledger
from ledger.domain.events import RecordedEvent
from ledger.store.leaf import leaf_hash
from ledger.store.rows import Row

END = "end"


def of_event(event: RecordedEvent) -> str:
    """Return what a subscriber prints of an event."""
    return f"{event.position} {sha256(repr(event).encode()).hexdigest()}"


def of_row(row: Row) -> str:
    """Return what a reader of the log prints of an event."""
    return f"{row.position} {leaf_hash(row).hex()}"


def subscribe(ledger: Ledger) -> Iterator[str]:
    with ledger.subscribe() as subscription:
        for event in subscription:
            yield of_event(event)
            if event.meta.actor == END:
                return


def read(ledger: Ledger) -> Iterator[str]:
    application, after, watch = ledger.application, 0, ledger.application.log.watch()
    try:
        while True:
            for row in application.log.read(after, 100):
                yield of_row(row)
                after = row.position
                if application.to_event(row).meta.actor == END:
                    return
            watch.wait(Event())
    finally:
        watch.close()


WAYS: dict[str, Callable[[Ledger], Iterator[str]]] = {"subscribe": subscribe, "read": read}


if __name__ == "__main__":
    url, how = sys.argv[1:]
    with Ledger.open(url) as opened:
        for line in WAYS[how](opened):
            print(line, flush=True)  # noqa: T201
