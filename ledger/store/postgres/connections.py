"""Connections to PostgreSQL: opened, and their errors put into words."""

from __future__ import annotations

import re
import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from eventsourcing.persistence import IntegrityError
from psycopg.conninfo import conninfo_to_dict

from ledger.errors import (
    AccessDenied,
    InvalidStoreURL,
    LedgerError,
    NotALedger,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreNotFound,
    StoreNotWritable,
    StoreUnreachable,
)
from ledger.store.identity import read_only_copy
from ledger.store.urls import PostgresURL

Connection = psycopg.Connection[tuple[Any, ...]]

COPY_STATE = "LG001"
"""The SQLSTATE by which the database refuses what a copy does not take."""

_BUSY = (StoreBusy, "is held by another process: try again")
_LOST = (
    StoreUnreachable,
    "cannot be reached, or the connection was lost: check host and port, and that the server runs",
)
_FULL = (StoreFull, "could not be written, the disk is full or failing: make room")
_CORRUPT = (StoreCorrupt, "is damaged: restore it from a backup")
_GONE = (StoreNotFound, "")
_DENIED = (AccessDenied, "does not let this user in: check name, password and rights")

# By SQLSTATE, or by its class (PostgreSQL, appendix A).
_MEANING: dict[str, tuple[type[LedgerError], str]] = {
    "08": _LOST,
    "25006": (StoreNotWritable, "takes no writes: it is a standby, or set to read only"),
    "25P03": _LOST,
    "25P04": (StoreBusy, "took longer than it may: try again"),
    "28": _DENIED,
    "3D000": (StoreNotFound, "names a database that is not there: make it, with createdb"),
    "3F000": _GONE,
    "40": _BUSY,
    "42501": (StoreNotWritable, "gives this user no right to do that"),
    "42703": (NotALedger, "holds tables of another make; nothing was touched"),
    "42883": (StoreCorrupt, "lacks a function of the ledger's: `ledger doctor` tells"),
    "42P01": _GONE,
    "53100": _FULL,
    "53300": (StoreBusy, "takes no more connections: try again, or raise max_connections"),
    "55P03": _BUSY,
    "57014": (StoreBusy, "took longer than it may: try again"),
    "57P": _LOST,
    "58030": _FULL,
    "XX001": _CORRUPT,
    "XX002": _CORRUPT,
}

# Before there is a session, libpq hands on what the server said, but not its SQLSTATE.
_REFUSALS = (
    (re.compile(r"database .* does not exist"), "3D000"),
    (re.compile(r"too many (clients|connections)|connection slots"), "53300"),
    (
        re.compile(
            r"authentication failed|no password supplied|no pg_hba\.conf entry"
            r"|role .* (does not exist|is not permitted)|permission denied"
        ),
        "28000",
    ),
)
_NOT_UNDERSTOOD = re.compile(
    r"(connection is bad: )?(connection to server .* failed: )?"
    r"(invalid .*value|invalid port number|could not match|definition of service|service file)"
)

# What libpq does by itself only after hours: find out that the other end is gone.
_VIGILANCE = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

# All our statements name their schemas; so nobody's tables or functions come in between.
_SETTINGS = """
    SELECT set_config('search_path', 'pg_catalog', false),
        set_config('default_transaction_isolation', 'read committed', false),
        set_config('lock_timeout', %s, false),
        set_config('synchronous_commit', CASE WHEN %s THEN 'off'
            ELSE replace(current_setting('synchronous_commit'), 'off', 'on') END, false)
"""


def connect(url: PostgresURL) -> Connection:
    """Open a connection in autocommit, for use by any thread, one at a time.

    Raises:
        InvalidStoreURL: libpq does not understand the URL.
        psycopg.Error: It cannot be opened; see `translated`.
    """
    try:
        parameters = conninfo_to_dict(url.conninfo)
        wanted = _VIGILANCE | {
            "application_name": "ledger",
            "client_encoding": "UTF8",
            "connect_timeout": str(max(2, round(url.timeout))),
        }
        connection = psycopg.connect(autocommit=True, **(wanted | parameters))  # type: ignore[arg-type]
    except psycopg.Error as error:
        if isinstance(error, psycopg.ProgrammingError) or _NOT_UNDERSTOOD.match(str(error)):
            raise InvalidStoreURL(
                f"the store {url.place!r} is not understood: {_first_line(error)}"
            ) from error
        raise
    try:
        milliseconds = str(max(1, round(url.timeout * 1000)))
        connection.execute(_SETTINGS, (milliseconds, url.synchronous == "NORMAL"))
    except BaseException:
        connection.close()
        raise
    return connection


def is_lost(error: psycopg.Error) -> bool:
    """Return whether an error means that the connection is gone, and nothing else."""
    return _meaning(error)[0] is StoreUnreachable


def is_quiet(connection: Connection) -> bool:
    """Return whether an idle connection is sound: a server that goes away says so, or hangs up."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


@contextmanager
def translated(url: PostgresURL, so: str = "") -> Iterator[None]:
    """Turn psycopg's errors into ours, or into the library's where its contract asks for it.

    Args:
        url: The store that is used.
        so: What follows from a failure, for the message. Of a lost connection it is never known.

    Raises:
        StoreError: By its subclass, and in words, what happened to the store at `url`.
        eventsourcing.persistence.IntegrityError: A constraint or a trigger refused a row.
    """
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or ""
        if state.startswith("23"):
            raise IntegrityError(_first_line(error)) from error
        if state == COPY_STATE:
            raise read_only_copy() from error
        cls, what = _meaning(error)
        if (cls, what) == _GONE:
            raise not_found(url) from error
        if cls is StoreUnreachable:
            so = ""
        raise cls(f"{url.place} {what}{so} ({_first_line(error)})") from error


def not_found(url: PostgresURL) -> StoreNotFound:
    """Return the error of somebody who looks for a ledger where there is none."""
    return StoreNotFound(
        f"there is no ledger in schema {url.schema} of {url.place}: make one with `ledger init`, "
        "or check --store and LEDGER_STORE"
    )


def _meaning(error: psycopg.Error) -> tuple[type[LedgerError], str]:
    state = error.sqlstate
    if state is None:
        if not isinstance(error, psycopg.OperationalError):
            return StoreError, "failed"
        said = str(error)
        state = next((state for text, state in _REFUSALS if text.search(said)), "08000")
    return next(
        (_MEANING[key] for key in (state, state[:3], state[:2]) if key in _MEANING),
        (StoreError, "failed"),
    )


def _first_line(error: psycopg.Error) -> str:
    said = error.diag.message_primary or str(error)
    return said.strip().partition("\n")[0]
