"""Archives of pg_dump's: the command that makes one, and the events that one holds.

To restore an archive is the server's business. Here its data is only read, as pg_restore prints
it: in the text format of COPY.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path

from ledger.errors import AuditError, DoesNotHold, MissingExtra
from ledger.store.application import BATCH
from ledger.store.postgres.functions import FUNCTIONS
from ledger.store.postgres.schema import CONSTRAINTS, INDEXES, TABLES, TRIGGERS, views_home
from ledger.store.rows import Row
from ledger.store.urls import PostgresURL

_COPY = re.compile(rb"COPY \S+ \((.*)\) FROM stdin;\n")
_PASSWORD = re.compile(r"(?<=//)(?P<user>[^:/@]*):[^@/]*(?=@)")
_ESCAPED = re.compile(rb"\\(.)")
_CONTROLS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def dump_command(url: PostgresURL, path: Path) -> str:
    """Return the command line that backs a ledger up into an archive.

    It holds no password: libpq takes that from its own files or the environment. The views are
    left out, but for their home: it keeps which events people let projections pass over.
    """
    return shlex.join(
        [
            "pg_dump",
            "--format=custom",
            f"--schema={url.schema}",
            f"--schema={views_home(url.schema)}",
            f"--file={path}",
            f"--dbname={_without_password(url.conninfo)}",
        ]
    )


def _without_password(conninfo: str) -> str:
    base, _, query = conninfo.partition("?")
    kept = [
        parameter
        for parameter in query.split("&")
        if not parameter.partition("=")[0].endswith("password")
    ]
    return "?".join(filter(None, (_PASSWORD.sub(r"\g<user>", base), "&".join(kept))))


def require_whole(path: Path) -> None:
    """Refuse an archive that is damaged somewhere, or lacks what guards the log.

    Raises:
        AuditError: The pg_restore on the PATH is too old for it.
        DoesNotHold: It is damaged, or something of the ledger's own is not in it.
        MissingExtra: pg_restore is not installed.
    """
    for _ in _restored(path, "--file=/dev/null"):
        pass
    words = {word for line in _restored(path, "--list") for word in line.decode().split()}
    # What a table's columns have to be is written with the table.
    keys = [name for name, what in CONSTRAINTS.items() if not what.startswith("CHECK")]
    names = [name.rpartition(".")[2] for name in (*TRIGGERS, *keys, *INDEXES)]
    for name in (*TABLES, *names):
        if name not in words:
            raise DoesNotHold(f"the backup {path} lacks {name} of the ledger's own")
    for name in FUNCTIONS:
        if not any(word.startswith(f"{name}(") for word in words):
            raise DoesNotHold(f"the backup {path} lacks the function {name} of the ledger's own")


def identity_in(path: Path, schema: str | None) -> str:
    """Return the id of the ledger in an archive.

    Args:
        path: The archive.
        schema: The schema that the ledger lies in; None: there is one ledger in the archive.

    Raises:
        DoesNotHold: There is none, or the archive is damaged.
        MissingExtra: pg_restore is not installed.
    """
    found = [_id(path, record) for record in _records(path, schema, "ledger")]
    if len(found) != 1:
        raise DoesNotHold(f"the backup {path} holds {len(found)} ledgers, not one")
    return found[0]


def rows_in(path: Path, schema: str | None) -> Iterator[list[Row]]:
    """Yield the events in an archive, in runs of positions without a gap.

    They lie in it as they do in the table, where what was erased has moved to another place. The
    arguments and errors are those of `identity_in`.
    """
    rows = (_row(path, record) for record in _records(path, schema, "events"))
    while batch := sorted(islice(rows, BATCH)):
        for _, run in groupby(enumerate(batch), lambda pair: pair[1].position - pair[0]):
            yield [row for _, row in run]


def _id(path: Path, record: dict[str, bytes]) -> str:
    try:
        return record["id"].decode()
    except (KeyError, ValueError) as error:
        raise _unreadable(path, "its identity is damaged") from error


def _row(path: Path, record: dict[str, bytes]) -> Row:
    try:
        return Row(
            position=int(record["position"]),
            entry=_bytes(record["entry"]),
            version=int(record["version"]),
            type=record["type"].decode(errors="surrogateescape"),
            recorded_at=int(record["recorded_at"]),
            meta=_bytes(record["meta"]),
            content=_bytes(record["content"]),
        )
    except (KeyError, ValueError) as error:
        raise _unreadable(path, "an event in it is damaged") from error


def _bytes(text: bytes) -> bytes:
    return bytes.fromhex(text.removeprefix(b"\\x").decode())


def _records(path: Path, schema: str | None, table: str) -> Iterator[dict[str, bytes]]:
    """Yield the records of a table in an archive: column to value."""
    options = ["--data-only", f"--table={table}", "--file=-"]
    if schema is not None:
        options.append(f"--schema={schema}")
    columns: list[str] = []
    for line in _restored(path, *options):
        if match := _COPY.fullmatch(line):
            columns = match[1].decode(errors="replace").replace('"', "").split(", ")
        elif line == b"\\.\n":
            columns = []
        elif columns:
            values = line[:-1].split(b"\t")
            if len(values) != len(columns):
                raise _unreadable(path, "a line in it is damaged")
            yield dict(zip(columns, map(_unescaped, values), strict=True))


def _restored(path: Path, *options: str) -> Iterator[bytes]:
    """Yield the lines that pg_restore makes of an archive."""
    command = ["pg_restore", *options, str(path.absolute())]
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said)  # noqa: S603
        except FileNotFoundError:
            raise MissingExtra(
                "pg_restore is needed to read this backup, and is not on the PATH: install "
                "PostgreSQL's client programs"
            ) from None
        with process:
            assert process.stdout is not None  # noqa: S101 - it was asked for
            try:
                yield from process.stdout
            finally:
                process.stdout.close()
        if process.returncode:
            said.seek(0)
            why = said.readline().decode(errors="replace").strip()
            if "unsupported version" in why:
                raise AuditError(
                    f"the backup {path} could not be read: the pg_restore on the PATH is older "
                    f"than what wrote it ({why})"
                )
            raise _unreadable(path, why)


def _unescaped(value: bytes) -> bytes:
    """Return a value as COPY's text format means it (PostgreSQL, COPY, Text Format)."""
    if b"\\" not in value:
        return value
    return _ESCAPED.sub(lambda found: _CONTROLS.get(found[1], found[1]), value)


def _unreadable(path: Path, why: str) -> DoesNotHold:
    return DoesNotHold(f"the backup {path} cannot be read: {why}")
