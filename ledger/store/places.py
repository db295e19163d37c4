"""Where a store is: named without its password, and told from another."""

from __future__ import annotations

from ledger.store.files import identity_of
from ledger.store.urls import PostgresURL, SQLiteURL, parse_store_url, without_password


def shown(url: str) -> str:
    """Return a store's URL as it may be shown to anybody."""
    # The whole of it, because of several ledgers in one database each has a schema.
    return without_password(url) if isinstance(parse_store_url(url), PostgresURL) else url


def are_same(one: str, other: str) -> bool:
    """Return whether two URLs, however they are spelt, name one store, which is there.

    Raises:
        StoreError: A server cannot be asked.
    """
    ours, theirs = parse_store_url(one), parse_store_url(other)
    if isinstance(ours, SQLiteURL) and isinstance(theirs, SQLiteURL):
        file = identity_of(ours.path)
        return file is not None and file == identity_of(theirs.path)
    if isinstance(ours, PostgresURL) and isinstance(theirs, PostgresURL):
        # Imported here: without a server, nothing of it is needed.
        from ledger.store.postgres.checks import whereabouts

        return whereabouts(ours) == whereabouts(theirs)
    return False
