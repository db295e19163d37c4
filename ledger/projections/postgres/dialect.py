"""Statements as read models write them, in PostgreSQL's words.

Read models are declared in the SQL of SQLite (see `Db`). What differs is little: how parameters
are named, what types are called, and that text is to be compared byte by byte.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Texts and names in quotation marks, comments and casts stay as they are.
_TOKEN = re.compile(
    r"(?P<kept>'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|::)|:(?P<name>[A-Za-z_]\w*)|(?P<mark>\?)"
)
_IS_TABLE = re.compile(r"\s*CREATE\s+TABLE\b", re.IGNORECASE)
_TYPES = {
    "BLOB": "BYTEA",
    "INTEGER": "BIGINT",
    "REAL": "DOUBLE PRECISION",
    "TEXT": 'TEXT COLLATE "C"',
}
_TYPE = re.compile(rf"(?P<kept>'(?:[^']|'')*'|\"[^\"]*\")|\b(?P<type>{'|'.join(_TYPES)})\b")
_OPTIONS = re.compile(r"\)\s*(?:(?:STRICT|WITHOUT\s+ROWID)\s*,?\s*)+$", re.IGNORECASE)

_ENDS_TRANSACTION = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/|;)*"
    r"(?:ABORT|BEGIN|COMMIT|END|PREPARE\s+TRANSACTION|ROLLBACK|START)\b(?!\s+(?:WORK\s+)?TO\b)",
    re.IGNORECASE | re.DOTALL,
)


@lru_cache(maxsize=512)
def translated(sql: str) -> str:
    """Return a statement as psycopg and PostgreSQL take it."""
    if _IS_TABLE.match(sql):
        sql = _TYPE.sub(lambda found: found["kept"] or _TYPES[found["type"]], sql)
        sql = _OPTIONS.sub(")", sql.rstrip())
    return _TOKEN.sub(_parameter, sql.replace("%", "%%"))


def _parameter(found: re.Match[str]) -> str:
    if found["mark"]:
        return "%s"
    return f"%({found['name']})s" if found["name"] else found["kept"]


def ends_transaction(sql: str) -> bool:
    """Return whether a statement begins or ends a transaction."""
    return _ENDS_TRANSACTION.match(sql) is not None
