"""The doctor: what is well with a store, what should be otherwise, what has to be put right."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ledger.errors import StoreError
from ledger.projections.generation import whole
from ledger.projections.projector import Damaged
from ledger.projections.views import Views
from ledger.reading import LedgerReader
from ledger.store.application import LedgerApplication
from ledger.store.checks import Check, fail_if, ok, warn_if
from ledger.store.identity import Clock, system_clock
from ledger.store.places import shown
from ledger.store.rows import Head, to_datetime
from ledger.store.sqlite_checks import checks as sqlite_checks
from ledger.store.urls import SQLiteURL, parse_store_url


def examine(ledger: LedgerReader, clock: Clock = system_clock) -> Iterator[Check]:
    """Yield what is found of a store; nothing is changed, not even brought up to date.

    Args:
        ledger: Whose store.
        clock: Gives the present time.

    Raises:
        StoreError: It cannot be opened at all; the first check says so, too.
    """
    application = ledger.application
    try:
        head = application.log.head()
        began = time.perf_counter()
        application.log.head()
        took = time.perf_counter() - began
    except StoreError as error:
        yield Check("store", "fail", " ".join(str(error).split()))
        raise
    yield ok("store", f"{shown(application.url)} answers in {took * 1000:.2f} ms")
    yield from _identity(application, head)
    yield from _specific(application, head, clock)
    yield from _integrity(application)
    yield from _views(ledger.views, application, head)


def _identity(application: LedgerApplication, head: Head) -> Iterator[Check]:
    identity = application.log.identity()
    made = f"{to_datetime(identity.created_at):%Y-%m-%d}"
    yield ok("ledger", f"{identity.origin} (id {identity.id}), made on {made}")
    role = "takes events"
    if application.log.is_copy():
        role = "is a copy, which is only read until `ledger promote`"
        if application.log.confirmed() < head.position:
            role = (
                "is a copy not compared with its source to its end: finish it with `ledger copy`"
            )
    yield ok("role", f"{role}; the log ends at position {head.position:,}")


def _specific(application: LedgerApplication, head: Head, clock: Clock) -> Iterator[Check]:
    url = parse_store_url(application.url)
    if isinstance(url, SQLiteURL):
        yield from sqlite_checks(url, head, clock())
        return
    # Imported here: without a server, nothing of it is needed.
    from ledger.store.postgres.checks import checks as postgres_checks

    yield from postgres_checks(url, head, clock)


def _integrity(application: LedgerApplication) -> Iterator[Check]:
    wrong, missing = application.log.integrity()
    yield fail_if(
        bool(wrong or missing),
        "tables",
        "; ".join([*wrong, *missing]) or "tables, indexes and guards are as they should be",
        "find out who did that; `ledger audit verify` tells whether events were altered; "
        "`ledger copy` into a new store makes the guards anew",
    )


def _views(views: Views, application: LedgerApplication, head: Head) -> Iterator[Check]:
    """Yield how the views lie; the next reader mends all but those that have stopped."""
    generation = views.as_it_lies()
    if views.kept_by_others:
        yield ok("views", "kept by those who write, and not to be read by this user")
        return
    if generation is None:
        yield ok("views", "none yet: the first reader makes them")
        return
    anew = "the next reader makes them anew, which takes as long as a rebuild"
    try:
        if not generation.belongs_to(application):
            yield warn_if(True, "views", "of another log, or from before an erasure", anew)
            return
        standings = generation.standings
        is_whole = generation.read(lambda db: whole(db, db.tables()))
    except Damaged:
        is_whole = False
    finally:
        generation.close()
    if not is_whole:
        yield warn_if(True, "views", "damaged", anew)
        return
    lags: dict[int, list[str]] = {}
    for name, one in standings.items():
        if one.failed_at is None:
            lags.setdefault(max(head.position - one.position, 0), []).append(name)
    told = [
        f"{f'behind the log by {lag:,}' if lag else 'up to date'}: {', '.join(names)}"
        for lag, names in sorted(lags.items())
    ]
    yield ok("views", "; ".join(told) or "none runs")
    known = views.names()
    for name, one in standings.items():
        if one.failed_at is not None:
            how = f"`ledger projections retry {name}`"
            if name not in known:
                how = f"`ledger.views.retry([{name!r}])` in the program that registers it"
            yield Check(
                "views",
                "fail",
                f"{name} has stopped at event {one.failed_at}: {one.error}",
                f"once that is mended, {how}",
            )
