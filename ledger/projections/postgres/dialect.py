"""Statements as read models write them, in PostgreSQL's words.

Read models are declared in the SQL of SQLite (see `Db`). What differs is little: how parameters
are named, what types are called, and that text is to be compared byte by byte.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SPACE = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)"
# Texts, names in quotation marks, comments and casts stay as they are.
_TOKEN = re.compile(
    rf"(?P<space>{_SPACE}+)|(?P<kept>'(?:[^']|'')*'|\"[^\"]*\"|::)|:(?P<name>[A-Za-z_]\w*)"
    r"|(?P<mark>\?)|(?P<word>\w+)|(?P<other>.)",
    re.DOTALL,
)
_IS_TABLE = re.compile(rf"{_SPACE}*CREATE{_SPACE}+TABLE\b", re.IGNORECASE | re.DOTALL)
_OPTIONS = re.compile(
    rf"\){_SPACE}*(?:(?:STRICT|WITHOUT\s+ROWID){_SPACE}*,?{_SPACE}*)+$", re.IGNORECASE | re.DOTALL
)
_TYPES = {
    "BLOB": "BYTEA",
    "INTEGER": "BIGINT",
    "REAL": "DOUBLE PRECISION",
    "TEXT": 'TEXT COLLATE "C"',
}
_ENDS_TRANSACTION = re.compile(
    rf"(?:{_SPACE}|;)*"
    r"(?:ABORT|BEGIN|COMMIT|END|PREPARE\s+TRANSACTION|ROLLBACK|START)\b(?!\s+(?:WORK\s+)?TO\b)",
    re.IGNORECASE | re.DOTALL,
)


@lru_cache(maxsize=512)
def translated(sql: str) -> str:
    """Return a statement as psycopg and PostgreSQL take it."""
    is_table = _IS_TABLE.match(sql) is not None
    if is_table:
        sql = _OPTIONS.sub(")", sql)
    words: list[str] = []
    before = ""
    for token in _TOKEN.finditer(sql):
        word = token[0].replace("%", "%%")
        if token["mark"]:
            word = "%s"
        elif token["name"]:
            word = f"%({token['name']})s"
        elif is_table and token["word"] and before not in {"(", ","}:
            # Behind a parenthesis or a comma it is a column that is called so.
            word = _TYPES.get(word.upper(), word)
        words.append(word)
        before = before if token["space"] else token[0]
    return "".join(words)


def ends_transaction(sql: str) -> bool:
    """Return whether a statement begins or ends a transaction."""
    return _ENDS_TRANSACTION.match(sql) is not None
