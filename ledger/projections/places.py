"""Where the views of a log lie: in the same kind of database as the log."""

from __future__ import annotations

from ledger.projections.place import Place
from ledger.projections.sqlite.place import FilePlace
from ledger.store.urls import PostgresURL, parse_store_url


def place_of(url: str) -> Place:
    """Return the place of the views of the log at a URL."""
    found = parse_store_url(url)
    if isinstance(found, PostgresURL):
        # Imported here: its driver is an extra.
        from ledger.projections.postgres.place import SchemaPlace

        return SchemaPlace(found)
    return FilePlace.beside(found.path.absolute())
