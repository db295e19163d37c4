"""URLs to stores: what a user writes, and what it names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ledger.errors import InvalidStoreURL

DEFAULT_URL = "sqlite:///ledger.db"

_SECONDS = re.compile(r"[0-9]{1,5}(\.[0-9]+)?")
_SYNCHRONOUS = {"full": "FULL", "normal": "NORMAL"}

# As libpq takes a URL apart (fe-connect.c, conninfo_uri_parse_options): an @ before the first
# slash ends user and password.
_POSTGRES = re.compile(
    r"postgres(?:ql)?://(?:(?P<user>[^:@/]*)(?::(?P<password>[^@/]*))?@)?"
    r"(?P<hosts>[^@/?]*)(?P<database>/[^?]*)?(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_HOST = r"(?:\[[0-9A-Fa-f:.%]+\]|[^:,\[\]]*)(?::[0-9]*)?"
_HOSTS = re.compile(f"{_HOST}(?:,{_HOST})*")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_PARAMETER = re.compile(r"[a-z_]+=[^=]*")
# Whatever a URL is meant to be: what may be a password in it is between a colon and the last @.
_PASSWORD = re.compile(r":(?!//).*@", re.DOTALL)
_KEYWORD = re.compile(r"(pass\w*\s*=\s*)[^&\s]+", re.IGNORECASE)
_NO_PARAMETER = re.compile(r"(?:^|&)[^=&]*@")
# Not as the schemas of another ledger's views are called.
_SCHEMA = re.compile(r"(?!pg_)(?!.*_views(?:_[0-9a-f]{8})?$)[a-z_][a-z0-9_]{0,39}")
_POOL = re.compile(r"[1-9][0-9]{0,3}")


class SQLiteURL(NamedTuple):
    """What a `sqlite:///` URL says.

    Attributes:
        path: The file.
        synchronous: FULL (an acknowledged event survives a power cut) or NORMAL (it may not; the
            file stays sound).
        timeout: How many seconds to wait for another process's write lock.
    """

    path: Path
    synchronous: str = "FULL"
    timeout: float = 30.0


class PostgresURL(NamedTuple):
    """What a `postgresql://` URL says.

    Attributes:
        conninfo: What libpq is to connect to: the URL without our own options.
        schema: The schema that the ledger lies in; its views lie in others, called after it.
        pool: How many connections one process may have.
        synchronous: FULL (an acknowledged event survives a power cut) or NORMAL (it may not).
        timeout: How many seconds to wait for a lock, or for a lost server to come back.
    """

    conninfo: str
    schema: str = "ledger"
    pool: int = 10
    synchronous: str = "FULL"
    timeout: float = 30.0

    @property
    def place(self) -> str:
        """What to call it in a message: the URL, without its password."""
        return without_password(self.conninfo)


def without_password(url: str) -> str:
    """Return a URL, understood or not, as it may be shown to anybody."""
    # As libpq also takes it: host=db.example password=...
    url = _KEYWORD.sub(r"\1***", url)
    base, mark, query = url.partition("?")
    parameters = query.split("&")
    for at, parameter in enumerate(parameters):
        name = parameter.partition("=")[0]
        if "pass" in unquote(name).lower():
            parameters[at] = f"{name}=***"
    query = "&".join(parameters)
    if _NO_PARAMETER.search(query):
        # A question mark within a password, which libpq would not take.
        base, mark, query = base + mark + query, "", ""
    return _PASSWORD.sub(":***@", base) + mark + query


StoreURL = SQLiteURL | PostgresURL


def absolute(url: str) -> str:
    """Return a store's URL that means the same wherever the process goes.

    Raises:
        InvalidStoreURL: It is none.
    """
    found = parse_store_url(url)
    if isinstance(found, PostgresURL):
        return url
    path = quote(str(found.path.absolute()))
    query = urlsplit(url).query
    return f"sqlite:///{path}" + (f"?{query}" if query else "")


def parse_store_url(url: str) -> StoreURL:
    """Take a store's URL apart.

    `sqlite:///news.db` is relative to the working folder, `sqlite:////srv/news.db` is absolute.
    Options: `?synchronous=full|normal`, `&timeout=SECONDS`. `postgresql://` takes these too,
    `&schema=NAME` and `&pool=CONNECTIONS`; all else of it is libpq's.

    Raises:
        InvalidStoreURL: It is none, or has an option that is unknown.
    """
    scheme, colon, rest = url.partition(":")
    if colon and scheme.lower() in {"postgresql", "postgres"}:
        return _parse_postgres(f"{scheme.lower()}:{rest}")
    return _parse_sqlite(url)


def _parse_sqlite(url: str) -> SQLiteURL:
    try:
        parts = urlsplit(url)
        options = (
            dict(parse_qsl(parts.query, strict_parsing=True, keep_blank_values=True))
            if parts.query
            else {}
        )
    except ValueError as error:
        shown = without_password(url)
        raise InvalidStoreURL(f"the store {shown!r} is no URL: {error}") from None
    if parts.scheme != "sqlite":
        shown = without_password(url)
        raise InvalidStoreURL(
            f"the store {shown!r} is not understood; write it as sqlite:///news.db "
            "or, from the root, sqlite:////srv/news.db; or as postgresql://user@host/database"
        )
    try:
        path = unquote(parts.path, errors="strict")[1:]
    except UnicodeDecodeError:
        raise InvalidStoreURL(f"the store {url!r} holds a stray %; write it as %25") from None
    if parts.netloc or not Path(path).name or path.endswith("/") or "\0" in path:
        raise InvalidStoreURL(
            f"the store {url!r} names no file; write it as sqlite:///news.db (three slashes)"
        )
    if not url[len("sqlite") :].startswith(":///") or "#" in url:
        raise InvalidStoreURL(
            f"the store {url!r} is not understood; write it as sqlite:///news.db (three slashes), "
            "and # as %23"
        )
    if path == ":memory:":
        raise InvalidStoreURL("a ledger in memory would keep nothing; name a file")
    synchronous = _synchronous(url, options.pop("synchronous", "full"))
    timeout = _timeout(url, options.pop("timeout", "30"))
    for name, value in options.items():
        raise _bad_option(url, name, value)
    return SQLiteURL(Path(path), synchronous, timeout)


def _parse_postgres(url: str) -> PostgresURL:
    """Take a URL of libpq's apart as far as it is ours; libpq judges the rest when it connects."""
    shown = without_password(url)
    match = _POSTGRES.fullmatch(url)
    if " " in url:
        raise InvalidStoreURL(f"the store {shown!r} holds a space; write it as %20")
    if match is None or not _HOSTS.fullmatch(match["hosts"]):
        raise InvalidStoreURL(
            f"the store {shown!r} is not understood; write it as "
            "postgresql://user:password@host:5432/database, and @ : / in a name or a password "
            "as %40 %3A %2F"
        )
    if _STRAY_PERCENT.search(url):
        raise InvalidStoreURL(f"the store {shown!r} holds a stray %; write it as %25")
    ours: dict[str, str] = {}
    theirs: list[str] = []
    for parameter in filter(None, (match["query"] or "").split("&")):
        name, _, value = parameter.partition("=")
        if not _PARAMETER.fullmatch(parameter):
            raise InvalidStoreURL(
                f"the store {shown!r} is no URL: a parameter is not written name=value"
            )
        if name in {"schema", "pool", "synchronous", "timeout"}:
            ours[name] = unquote(value)
        else:
            theirs.append(parameter)
    schema, pool = ours.get("schema", "ledger"), ours.get("pool", "10")
    if not _SCHEMA.fullmatch(schema):
        raise InvalidStoreURL(
            f"the store {shown!r} has the option schema={schema}; a schema is called by at most "
            "40 small letters, digits and _, beginning with a letter or _, not "
            "with pg_, and not called like the views of another: ..._views"
        )
    if not _POOL.fullmatch(pool):
        raise InvalidStoreURL(
            f"the store {shown!r} has the option pool={pool}; it is a number of connections"
        )
    base = url if match["query"] is None else url[: match.start("query") - 1]
    return PostgresURL(
        "?".join(filter(None, (base, "&".join(theirs)))),
        schema,
        int(pool),
        _synchronous(shown, ours.get("synchronous", "full")),
        _timeout(shown, ours.get("timeout", "30")),
    )


def _synchronous(url: str, value: str) -> str:
    if value.lower() not in _SYNCHRONOUS:
        raise _bad_option(url, "synchronous", value)
    return _SYNCHRONOUS[value.lower()]


def _timeout(url: str, value: str) -> float:
    if not _SECONDS.fullmatch(value):
        raise _bad_option(url, "timeout", value)
    return float(value)


def _bad_option(url: str, name: str, value: str) -> InvalidStoreURL:
    known = "synchronous=full|normal and timeout=SECONDS"
    if url.startswith("postgres"):
        known = f"schema=NAME, pool=CONNECTIONS, {known}"
    return InvalidStoreURL(f"the store {url!r} has the option {name}={value}; known are {known}")
