"""The log on PostgreSQL: a persistence module for the `eventsourcing` library.

`PERSISTENCE_MODULE=ledger.store.postgres` with `LEDGER_STORE=postgresql://host/news` gives any
application of that library this store.
"""

from __future__ import annotations

from eventsourcing.persistence import InfrastructureFactoryError

from ledger.errors import MissingExtra
from ledger.store import factory
from ledger.store.urls import PostgresURL, parse_store_url

try:
    from ledger.store.postgres.recorder import PostgresRecorder
except ImportError as error:
    raise MissingExtra(
        f"PostgreSQL needs the package psycopg: pip install 'ledger[postgres]' ({error})"
    ) from error

__all__ = ["PostgresFactory", "PostgresRecorder"]


# Of the factory, the module alone is imported: the library wants one class of its kind here.
class PostgresFactory(factory.LogFactory):
    """Makes recorder and mapper from the environment variable `LEDGER_STORE`."""

    def recorder(self, url: str) -> PostgresRecorder:
        """Return a recorder of the schema that a URL names."""
        found = parse_store_url(url)
        if not isinstance(found, PostgresURL):
            raise InfrastructureFactoryError(f"{url} is not on PostgreSQL")
        return PostgresRecorder(found)
