"""Stores to test with, a class for each kind: where they are, and how they are looked into.

A test that asks for `store` or `url` runs on both. What it does behind the ledger's back it does
by `log()` and `views()`, in one SQL: `?` for parameters, `x'00'` for bytes.
"""

from __future__ import annotations

import re
import secrets
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from ledger.projections.database import Db
from ledger.projections.sqlite.place import FilePlace
from ledger.store.urls import PostgresURL, parse_store_url
from tests.postgres import Server

_BYTES = re.compile(r"x'([0-9a-f]*)'")


class Store(ABC):
    """A store that is not there yet.

    Attributes:
        kind: Its back end.
        url: What a ledger opens.
        at: Where it is, as messages say it: `at /srv/news.db`.
        views_place: What messages call its views.
        disposal: What messages say to do to throw its views away.
    """

    kind: ClassVar[str]
    url: str
    at: str
    views_place: str
    disposal: str

    @abstractmethod
    def with_options(self, **options: str) -> str:
        """Return its URL with these options and no others."""

    @abstractmethod
    def another(self) -> Store:
        """Return another store of the kind, which goes with this one."""

    @abstractmethod
    def exists(self) -> bool:
        """Return whether anything is there."""

    @abstractmethod
    def delete(self) -> None:
        """Take the log away; its views stay."""

    @abstractmethod
    def keep(self) -> Callable[[], object]:
        """Keep the log as it is; return what restores it. The views stay as they are."""

    @abstractmethod
    def log(self) -> AbstractContextManager[Db]:
        """Open the log as somebody who may write it, and takes its guards away meanwhile."""

    @abstractmethod
    def views(self) -> AbstractContextManager[Db]:
        """Open the generation of views that serves, behind the ledger's back."""

    @abstractmethod
    def serving(self) -> str | None:
        """Return the name of the generation that serves; None: there is none."""

    @abstractmethod
    def generations(self) -> list[str]:
        """Return the names of the generations that there are."""

    @abstractmethod
    def leave_half_made(self) -> None:
        """Leave a generation that was never finished, as somebody does who is killed."""

    @abstractmethod
    def drop_views(self) -> None:
        """Throw all views away, as somebody may at any time."""

    @abstractmethod
    def content(self) -> object:
        """Return all that is in the store; of files, every byte, and when it was written."""

    @abstractmethod
    def found(self, words: Iterable[str]) -> set[str]:
        """Return which of the words lie in the store's files, in any case of letters."""

    @abstractmethod
    def close(self) -> None:
        """Leave nothing behind."""


class SQLiteStore(Store):
    """A file."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.at = f"at {path}"
        self.folder = FilePlace.beside(path).folder
        self.views_place = str(self.folder)
        self.disposal = "delete that folder"
        self.url = self.with_options(synchronous="normal")

    def with_options(self, **options: str) -> str:
        return f"sqlite:///{self.path}" + (f"?{urlencode(options)}" if options else "")

    def another(self) -> SQLiteStore:
        return SQLiteStore(self.path.with_name(f"{secrets.token_hex(3)}.db"))

    def exists(self) -> bool:
        return self.path.exists()

    def delete(self) -> None:
        for end in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)

    def keep(self) -> Callable[[], object]:
        kept = self.path.with_name("kept")
        shutil.copyfile(self.path, kept)
        return partial(shutil.copyfile, kept, self.path)

    @contextmanager
    def log(self) -> Iterator[Db]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            guards = db.execute(
                "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
            ).fetchall()
            for name, _ in guards:
                db.execute(f"DROP TRIGGER {name}")
            try:
                yield db
            finally:
                for _, guard in guards:
                    db.execute(guard)

    @contextmanager
    def views(self) -> Iterator[Db]:
        serving = self.serving()
        assert serving is not None
        with closing(sqlite3.connect(self.folder / serving, isolation_level=None)) as db:
            yield db

    def serving(self) -> str | None:
        pointer = self.folder / "current"
        return pointer.read_text().strip() if pointer.exists() else None

    def generations(self) -> list[str]:
        return sorted(file.name for file in self.folder.glob("*.db"))

    def leave_half_made(self) -> None:
        for end in ("", "-wal", "-journal"):
            (self.folder / f"0123456789abcdef.db{end}").write_bytes(b"half made")

    def drop_views(self) -> None:
        for file in sorted(self.folder.glob("*")):
            file.unlink()
        self.folder.rmdir()

    def content(self) -> object:
        return {
            path: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(self.path.parent.rglob("*"))
            if path.is_file()
        }

    def found(self, words: Iterable[str]) -> set[str]:
        files = [file for file in self.path.parent.rglob("*") if file.is_file()]
        return _found([file.read_bytes() for file in files], words)

    def close(self) -> None:
        # The test's folder goes with all that is in it.
        pass


class PostgresStore(Store):
    """A schema."""

    kind = "postgres"

    def __init__(self, server: Server) -> None:
        self.server = server
        self.schema = f"t{secrets.token_hex(6)}"
        self.url = self.with_options(synchronous="normal")
        parsed = parse_store_url(self.url)
        assert isinstance(parsed, PostgresURL)
        self.at = f"in schema {self.schema} of {parsed.place}"
        self.home = f"{self.schema}_views"
        self.views_place = f"{self.home} at {parsed.place}"
        self.disposal = f"drop the schemas {self.home}_..."
        self._others: list[PostgresStore] = []

    def with_options(self, **options: str) -> str:
        return self.server.url(user=self.server.owner, schema=self.schema, **options)

    def another(self) -> PostgresStore:
        self._others.append(PostgresStore(self.server))
        return self._others[-1]

    def exists(self) -> bool:
        return self._schemas(self.schema) != []

    def delete(self) -> None:
        self.server.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(self.schema)))

    def keep(self) -> Callable[[], object]:
        with self.log() as db:
            (last,) = db.execute("SELECT max(position) FROM events").fetchone()

        def restore() -> None:
            with self.log() as db:
                db.execute("DELETE FROM events WHERE position > ?", (last,))

        return restore

    @contextmanager
    def log(self) -> Iterator[Db]:
        with self._opened(self.schema) as db:
            triggers = db.execute(
                "SELECT tgname, tgrelid::regclass::text FROM pg_trigger JOIN pg_class "
                "ON pg_class.oid = tgrelid WHERE relnamespace = current_schema()::regnamespace"
            ).fetchall()
            checks = db.execute(
                "SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid) "
                "FROM pg_constraint WHERE contype = 'c' "
                "AND connamespace = current_schema()::regnamespace"
            ).fetchall()
            for name, table in triggers:
                db.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
            for name, table, _ in checks:
                db.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            try:
                yield db
            finally:
                for name, table in triggers:
                    db.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
                for name, table, check in checks:
                    with suppress(psycopg.errors.CheckViolation):
                        db.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {check}")

    @contextmanager
    def views(self) -> Iterator[Db]:
        serving = self.serving()
        assert serving is not None
        with self._opened(serving) as db:
            yield db

    @contextmanager
    def _opened(self, schema: str) -> Iterator[Db]:
        with closing(self.server.connect(self.server.owner)) as db:
            db.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(schema)))
            yield _PostgresDb(db)

    def serving(self) -> str | None:
        if not self._schemas(self.home):
            return None
        with self._opened(self.home) as db:
            (name,) = db.execute("SELECT generation FROM serving").fetchone()
        return name if name in self.generations() else None

    def generations(self) -> list[str]:
        return self._schemas(f"{self.home}_.*")

    def leave_half_made(self) -> None:
        with self._opened(self.schema) as db:
            db.execute(f"CREATE SCHEMA {self.home}_01234567")

    def drop_views(self) -> None:
        with self._opened(self.schema) as db:
            for schema in self.generations():
                db.execute(f"DROP SCHEMA {schema} CASCADE")

    def content(self) -> object:
        with self._opened(self.schema) as db:
            tables = db.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                "WHERE schemaname LIKE ? ORDER BY 1",
                (f"{self.schema}%",),
            ).fetchall()
            return {
                name: db.execute(f"SELECT ctid, xmin, * FROM {name} ORDER BY ctid").fetchall()
                for (name,) in tables
            }

    def found(self, words: Iterable[str]) -> set[str]:
        # What lies in memory is written first. Its write-ahead log holds everything, and is not
        # looked at: it is the server's own, and ages away.
        self.server.execute("CHECKPOINT")
        files = self.server.execute(
            sql.SQL(
                "WITH ours AS (SELECT oid, reltoastrelid FROM pg_class "
                "WHERE relnamespace::regnamespace::text ~ {} AND relkind IN ('r', 'i')) "
                "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM "
                "(SELECT oid FROM ours UNION SELECT reltoastrelid FROM ours) WHERE oid <> 0"
            ).format(f"^{self.schema}")
        )
        return _found([content for (content,) in files], words)

    def _schemas(self, pattern: str) -> list[str]:
        found = self.server.execute(
            sql.SQL("SELECT nspname FROM pg_namespace WHERE nspname ~ {} ORDER BY 1").format(
                f"^({pattern})$"
            )
        )
        return [name for (name,) in found]

    def close(self) -> None:
        for store in (self, *self._others):
            self.server.drop(store.schema)


class _PostgresDb:
    """A connection that takes SQLite's parameters and bytes."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Any = (), /) -> Any:
        return self._connection.execute(_translated(statement), parameters)

    def executemany(self, statement: str, parameters: Iterable[Any], /) -> Any:
        cursor = self._connection.cursor()
        cursor.executemany(_translated(statement), parameters)
        return cursor


def _translated(statement: str) -> bytes:
    text = _BYTES.sub(r"'\\x\1'::bytea", statement).replace(" AS BLOB)", " AS bytea)")
    return text.replace("%", "%%").replace("?", "%s").encode()


def _found(files: Iterable[bytes], words: Iterable[str]) -> set[str]:
    lowered = [content.lower() for content in files]
    assert lowered
    return {word for word in words if any(word.lower().encode() in text for text in lowered)}
