"""One generation of the views: tables that follow the log, whichever database they lie in."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, TypeVar

from ledger.errors import InvalidInput
from ledger.projections.database import Db, Parameters, ViewsDb
from ledger.projections.projection import Projection
from ledger.projections.projector import (
    BOOKKEEPING,
    Progress,
    Source,
    Standing,
    add,
    leaf_at,
    project,
    retry,
)
from ledger.store.application import LedgerApplication
from ledger.store.rows import Head

Result = TypeVar("Result")

_log = logging.getLogger("ledger")


class Generation(ABC):
    """Tables that follow the log.

    Args:
        name: What the generation is called in its place.
        where: What its place is called in messages.

    Attributes:
        name: That.
        where: That.
        head: The end of the log up to which those that run are known to be; -1 while nobody
            has looked.
        standings: Where each read model stood then.
        begun: The log's last position when it was begun.
    """

    def __init__(self, name: str, where: str) -> None:
        self.name = name
        self.where = where
        self.head = Head(-1, 0)
        self.standings: dict[str, Standing] = {}
        self.begun = 0

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[ViewsDb]:
        """Lend a connection that sees the tables as they are now, and cannot write them.

        Raises:
            Damaged: They turn out to be damaged, or gone.
        """

    @abstractmethod
    def rows(self, query: str, parameters: Parameters = ()) -> list[Any]:
        """Return the rows that one query finds, which needs no transaction to see one moment.

        Raises:
            Damaged: The tables turn out to be damaged, or gone.
        """

    @abstractmethod
    def writing(self) -> AbstractContextManager[ViewsDb]:
        """Lend a connection that can write; `Damaged` as with `snapshot`."""

    @abstractmethod
    def filling(self) -> AbstractContextManager[ViewsDb]:
        """Lend a connection that can write where nobody reads yet: nothing needs to be safe."""

    @abstractmethod
    def create(self) -> None:
        """Begin with nothing."""

    @abstractmethod
    def copy(self, of: Generation, leaving: Collection[str]) -> None:
        """Begin with what another generation has.

        Args:
            of: That.
            leaving: Tables that need not come along, because they are begun again.
        """

    @abstractmethod
    def remove(self) -> None:
        """Remove what a filling that failed has left."""

    @abstractmethod
    def finish(self) -> None:
        """Make a generation that was filled ready to serve."""

    @abstractmethod
    def close(self) -> None:
        """Close all connections, once whoever reads is done."""

    def fill(
        self,
        source: Source,
        target: int,
        progress: Progress | None,
        *,
        anew: Collection[Projection],
        of: Generation | None = None,
    ) -> None:
        """Begin a generation that nobody else knows of, and bring it up to position `target`.

        Args:
            source: What to fill it from.
            target: The position to reach; those that are copied may be further.
            progress: Is told how far it is.
            anew: The read models to begin; those of them that the copy has are begun again.
            of: The generation to copy; None: begin with nothing.
        """
        # Taken before anything is read: what is erased later may be read as it was.
        begun = source.application.log.head().position
        if of is None:
            self.create()
        else:
            self.copy(of, of.read(lambda db: made_by(db, [model.name for model in anew])))
        with self.filling() as db:
            if of is None:
                for statement in BOOKKEEPING:
                    db.execute(statement)
                identity = source.application.log.identity().id
                db.execute("INSERT INTO generation VALUES (?, ?)", (identity, begun))
            with db.transaction():
                for model in anew:
                    try:
                        add(db, model)
                    except db.Error as error:
                        if db.is_circumstance(error):
                            raise
                        raise InvalidInput(
                            f"the projection {model.name} cannot make its tables: "
                            f"{str(error).partition(chr(10))[0]}"
                        ) from error
            self.standings = project(db, source, target, progress)

    def advance(self, source: Source, target: int, progress: Progress | None) -> None:
        """Bring a generation that nobody else knows of up to position `target`."""
        with self.filling() as db:
            self.standings = project(db, source, target, progress)

    def read(self, query: Callable[[ViewsDb], Result]) -> Result:
        """Ask the tables, all at one moment; `Damaged` where they are damaged, or gone."""
        with self.snapshot() as db:
            return query(db)

    def is_of(self, application: LedgerApplication) -> bool:
        """Return whether these are views of this ledger, be it as it was."""
        rows = self.rows(
            "SELECT ledger, begun, name, schema, position, leaf, failed_at, error "
            "FROM generation LEFT JOIN projections ON TRUE"
        )
        self.standings = {row[2]: Standing(*row[3:]) for row in rows if row[2] is not None}
        ledger, self.begun = rows[0][:2] if rows else ("", 0)
        return bool(ledger == application.log.identity().id)

    def belongs_to(self, application: LedgerApplication) -> bool:
        """Return whether these are views of this very log, as it is now.

        Views that were begun before something was erased still show it: they are not.
        """
        if not self.is_of(application) or self.begun < application.log.last_erasure():
            return False
        known = {(standing.position, standing.leaf) for standing in self.standings.values()}
        if all(leaf_at(application, position) == leaf for position, leaf in known):
            return True
        _warn(self.where)
        return False

    def catch_up(self, source: Source, head: Head) -> None:
        """Bring the read models that run up to the log's end."""
        with self.writing() as db:
            self.standings = project(db, source, head.position, found=self.standings)
        self.head = head

    def retry(self, name: str) -> None:
        """Let a read model that has stopped try again at the next catching up."""
        with self.writing() as db, db.transaction():
            retry(db, name)


def made_by(db: Db, names: Collection[str]) -> list[str]:
    """Return the tables that read models have made, whether they declared them or not."""
    lists = db.execute("SELECT name, tables FROM projections").fetchall()
    return [table for name, tables in lists if name in names for table in tables.split()]


def whole(db: Db, tables: Collection[str]) -> bool:
    """Return whether a generation that has these tables has all that it should have."""
    lists = db.execute("SELECT tables FROM projections").fetchall()
    listed = {table for (names,) in lists for table in names.split()}
    return set(tables).issuperset(listed | {"generation", "projections"})


@cache
def _warn(where: str) -> None:
    """Say that views no longer fit their log; once, however often they are looked at."""
    _log.warning(
        "the log is no longer what its views in %s were made from: another copy was put in its "
        "place, or it was altered; `ledger audit verify` with a checkpoint tells",
        where,
    )
