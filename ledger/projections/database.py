"""The database that read models lie in, as handlers, queries and the projector see it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Protocol

STANDINGS = "SELECT name, schema, position, leaf, failed_at, error FROM projections"
"""Where the read models of a generation stand; see `projector.Standing`."""

Parameters = Sequence[object] | Mapping[str, object]
"""Those of a query, by position or by name."""

# Databases take only so many parameters at a time.
_CHUNK = 500


class Rows(Protocol):
    """What a statement answers."""

    @property
    def rowcount(self) -> int:
        """How many rows were written."""

    def fetchone(self) -> Any:
        """Return the next row, or None."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the rows that are left."""


class Db(Protocol):
    """What handlers write to and query methods ask.

    One SQL for all back ends: every column has a type of SQLite's (INTEGER, TEXT, BLOB, REAL),
    parameters are `?` or `:name`, and what is there already is met by `ON CONFLICT (columns) DO
    UPDATE SET column = table.column + 1`. Text is compared byte by byte.
    """

    def execute(self, sql: str, parameters: Any = ..., /) -> Rows:
        """Run one statement."""

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Rows:
        """Run one statement for each of many sets of parameters."""


def select_among(db: Db, sql: str, values: Collection[object]) -> Iterator[Any]:
    """Yield the rows that a query finds for any of many values.

    Args:
        db: The views.
        sql: The query, with `IN (?)` where the values come; it has no other parameters. What it
            says of order holds for the rows of one value.
        values: Each once.
    """
    asked = list(values)
    for at in range(0, len(asked), _CHUNK):
        chunk = asked[at : at + _CHUNK]
        yield from db.execute(sql.replace("(?)", f"({', '.join('?' * len(chunk))})"), chunk)


class ViewsDb(Db, Protocol):
    """A connection to one generation of the views.

    Attributes:
        is_postgres: Whether statements that are made for PostgreSQL are to be used.
    """

    is_postgres: ClassVar[bool]

    @property
    def Error(self) -> type[Exception]:  # noqa: N802 - as drivers call it (PEP 249)
        """What its driver raises."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction has begun."""

    @abstractmethod
    def begin(
        self,
        done: Callable[[], bool] = lambda: False,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> list[Any] | None:
        """Begin to write, alone; or return None once somebody else has done the work.

        Args:
            done: Tells whether somebody else has.
            meanwhile: What else is to be done; a server answers in the same time.

        Returns:
            What `STANDINGS` gives, now that nobody else writes.

        Raises:
            StoreBusy: Another process has been writing for very long.
        """

    @abstractmethod
    def committed(self) -> AbstractContextManager[None]:
        """Commit at the end what was begun, or roll everything back."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin, and commit at the end."""
        self.begin()
        with self.committed():
            yield

    @abstractmethod
    def attempt(self) -> AbstractContextManager[None]:
        """Undo what handlers did where they fail; they cannot end the transaction themselves."""

    @abstractmethod
    def was_guarded(self, error: BaseException) -> bool:
        """Return whether an error says that a handler tried to."""

    @abstractmethod
    def is_circumstance(self, error: BaseException) -> bool:
        """Return whether an error tells of the disk, of others, of the line: not of the SQL."""

    @abstractmethod
    def stream(self, table: str, columns: str, *, in_order: bool) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a table; `in_order`: by their columns, from left to right."""

    @abstractmethod
    def tables(self) -> list[str]:
        """Return the names of the tables."""

    @abstractmethod
    def drop(self, table: str) -> None:
        """Drop a table, if it is there."""
