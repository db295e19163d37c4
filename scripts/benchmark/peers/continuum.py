"""SQLAlchemy-Continuum: a versioned model.

It keeps one version of an object a transaction. So that none is lost, a bulk load gives the
first change of each entry in one transaction, the second ones in the next, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, configure_mappers, mapped_column
from sqlalchemy_continuum import make_versioned, version_class

from benchmark.contestant import Contestant, cannot, checkpointed, settings_of
from benchmark.peers.layers import layers
from benchmark.workload import Change

make_versioned(user_cls=None)


class Base(DeclarativeBase):
    """What models are made of."""


class Entry(Base):
    """An entry."""

    __versioned__: ClassVar[dict[str, Any]] = {}
    __tablename__ = "entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    actor: Mapped[str]
    at: Mapped[datetime]
    day: Mapped[str]
    headline: Mapped[str]
    summary: Mapped[str]
    topic: Mapped[str]
    sources: Mapped[Any] = mapped_column(sa.JSON)
    contexts: Mapped[Any] = mapped_column(sa.JSON)


configure_mappers()
EntryVersion: Any = version_class(Entry)


class Continuum(Contestant):
    """SQLAlchemy-Continuum on SQLite."""

    name = "SQLAlchemy-Continuum"
    fewer: ClassVar[dict[str, int]] = {"append": 25, "changes": 250, "as_of": 250}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._engine = sa.create_engine(f"sqlite:///{folder / 'news.db'}")

        @event.listens_for(self._engine, "connect")
        def durably(connection: Any, _: object) -> None:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")

        Base.metadata.create_all(self._engine)

    def about(self) -> str:
        """Return versions and settings."""
        with self._engine.connect() as connection:
            settings = settings_of(connection.connection.dbapi_connection)
        return (
            f"SQLAlchemy-Continuum {version('sqlalchemy-continuum')}, "
            f"SQLAlchemy {sa.__version__}, {settings}"
        )

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # Writing

    def load(self, prepared: list[Change]) -> None:
        """Change objects and commit, no object twice in a transaction."""
        for layer in layers(prepared):
            self._store(layer)

    def append(self, change: Change) -> None:
        """Change an object and commit."""
        self._store([change])

    append_beside = cannot

    def settle(self) -> None:
        """Nothing is behind."""

    def _store(self, changes: Sequence[Change]) -> None:
        with Session(self._engine) as session:
            edited = [change.entry + 1 for change in changes if change.new is None]
            found = session.scalars(sa.select(Entry).where(Entry.id.in_(edited)))
            entries = {entry.id: entry for entry in found}
            for change in changes:
                at = change.at.replace(tzinfo=None)
                if change.new is not None:
                    fields = change.new._asdict() | {"day": change.new.day.isoformat()}
                    session.add(Entry(id=change.entry + 1, actor=change.actor, at=at, **fields))
                else:
                    entry = entries[change.entry + 1]
                    entry.actor, entry.at = change.actor, at
                    for name, value in change.edited.items():
                        setattr(entry, name, value)
            session.commit()

    # Reading

    def current(self, entry: int) -> Any:
        """Get the object."""
        with Session(self._engine) as session:
            return session.get(Entry, entry + 1)

    def changes(self, entry: int) -> list[Any]:
        """Select the versions, and leave out those that kept their headline."""
        with Session(self._engine) as session:
            found = session.scalars(
                sa.select(EntryVersion)
                .where(EntryVersion.id == entry + 1)
                .order_by(EntryVersion.transaction_id)
            ).all()
        versions = enumerate(found, 1)
        return [
            (number, each)
            for number, each in versions
            if number == 1 or each.headline != found[number - 2].headline
        ]

    def as_of(self, entry: int, at: datetime) -> Any:
        """Select the last version until then."""
        with Session(self._engine) as session:
            return session.scalars(
                sa.select(EntryVersion)
                .where(EntryVersion.id == entry + 1, EntryVersion.at <= at.replace(tzinfo=None))
                .order_by(EntryVersion.transaction_id.desc())
                .limit(1)
            ).one()

    by_path = search = current_in_view = changes_in_view = path = cannot

    # Upkeep

    rebuild = rebuild_all = verify = cannot

    def size(self) -> int:
        """Return the bytes of the file."""
        return checkpointed(self.folder / "news.db")

    # What answers say

    def said(self, version: Any) -> tuple[object, ...]:
        """Return the fields."""
        sources = tuple(map(tuple, version.sources))
        return version.headline, version.summary, sources, tuple(version.contexts)

    def listed(self, changes: list[Any]) -> list[tuple[int, datetime, str]]:
        """Return the lines."""
        return [(number, each.at.replace(tzinfo=UTC), each.headline) for number, each in changes]
