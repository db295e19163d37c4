"""What the values of an entry may be. Every check returns the value or says what is wrong."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from ledger.domain import editions
from ledger.domain.permalinks import check_slug
from ledger.domain.values import AS_EDITION, FIELDS, Layout, Source
from ledger.errors import InvalidInput, InvalidTime

# Far above anything published, far below what would choke a reader of the log.
MAX_CHARACTERS = {"headline": 20_000, "topic": 2_000}
MAX_URL = 8_000
MAX_TEXT = 200_000
MAX_ITEMS = 1_000

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_SCHEMES = ("http", "https")
_PLAIN_URL = re.compile(r"https?://[a-z0-9][a-z0-9.-]*(?:[/?#][!-;=?-~]*)?")
_UNLINKABLE = re.compile(r"[\s<>]")
_PREFIX = re.compile(r"(/[A-Za-z0-9_-]+)+")


def check_text(
    what: str, text: str, *, may_be_empty: bool = False, most: int | None = None
) -> str:
    """Return `text`, one line of readable characters.

    Spaces at either end are kept: that is how it was published.

    Raises:
        InvalidInput: It is empty, too long, or holds a control character or a lone surrogate.
    """
    if not isinstance(text, str):
        raise InvalidInput(f"the {what} is no text but {text!r}")
    if not may_be_empty and not text.strip():
        raise InvalidInput(f"the {what} is empty")
    limit = most or MAX_CHARACTERS.get(what, MAX_TEXT)
    if len(text) > limit:
        raise InvalidInput(f"the {what} has {len(text):,} characters; {limit:,} are the most")
    if not text.isprintable():
        for index, character in enumerate(text):
            category = unicodedata.category(character)
            if category in {"Cc", "Cs", "Zl", "Zp"}:
                name = {"\n": "a line break", "\t": "a tab"}.get(
                    character, f"the control character U+{ord(character):04X}"
                )
                raise InvalidInput(
                    f"the {what} holds {name} at character {index + 1}; it must be one plain line"
                )
    return text


def check_url(what: str, url: str) -> str:
    """Return `url`, an absolute http or https address that a page can link.

    Raises:
        InvalidInput: It is not one.
    """
    check_text(what, url, most=MAX_URL)
    # Nearly all are plain; to take them apart, and find nothing wrong, is most of an edit's time.
    if _PLAIN_URL.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
        sound = parts.scheme.lower() in _SCHEMES and bool(parts.hostname)
    except ValueError:
        sound = False
    if not sound or _UNLINKABLE.search(url):
        shown = url if len(url) <= 80 else url[:77] + "..."
        raise InvalidInput(f"the {what} {shown!r} is no http or https address without spaces")
    return url


def check_sources(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """Return `sources` if each has a name and an address.

    Raises:
        InvalidInput: One has not, or there are too many.
    """
    _check_count("sources", sources)
    for source in sources:
        check_text("name of a source", source.name)
        check_url("address of a source", source.url)
        if source.image is not None:
            check_url("image of a source", source.image)
    return sources


def check_contexts(contexts: tuple[str, ...]) -> tuple[str, ...]:
    """Return `contexts` without repetitions.

    Raises:
        InvalidInput: One is no text, or there are too many.
    """
    _check_count("contexts", contexts)
    return tuple(dict.fromkeys(check_text("name of a context", context) for context in contexts))


def _check_count(what: str, items: tuple[object, ...]) -> None:
    if len(items) > MAX_ITEMS:
        raise InvalidInput(f"{len(items):,} {what} are too many; {MAX_ITEMS:,} are the most")


def check_date(day: date, now: datetime) -> date:
    """Return `day` if it has come: tomorrow is allowed, as it begins earlier in the east.

    Raises:
        InvalidTime: It lies further ahead.
    """
    if day > now.astimezone(UTC).date() + timedelta(days=1):
        raise InvalidTime(f"the date {day} lies in the future")
    return day


def check_published_at(moment: datetime, now: datetime) -> datetime:
    """Return `moment` in UTC if it has passed.

    Raises:
        InvalidTime: It has no time zone, or lies in the future: the ledger keeps what has been
            published, not what is planned.
    """
    if not isinstance(moment, datetime):
        raise InvalidTime(f"the publication time is no time but {moment!r}")
    if moment.tzinfo is None:
        raise InvalidTime(f"the publication time {moment} has no time zone")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise InvalidTime(f"the publication time {moment} lies beyond the calendar") from None
    if moment > now:
        raise InvalidTime(f"the publication time {moment:%Y-%m-%d %H:%M:%S} lies in the future")
    return moment


def check_language(tag: str) -> str:
    """Return `tag` if it looks like a BCP 47 tag.

    Raises:
        InvalidInput: It does not.
    """
    if not _LANGUAGE.fullmatch(tag):
        raise InvalidInput(f"the language {tag!r} is no tag such as en or zh-Hant")
    return tag


def check_layout(layout: Layout) -> Layout:
    """Return `layout` if its prefixes are paths.

    Raises:
        InvalidInput: One is not.
    """
    if layout == AS_EDITION:
        # The very object, so that it is left out where defaults are left out.
        return AS_EDITION
    for prefix in (layout.prefix, layout.day_prefix):
        if prefix is not None and not _PREFIX.fullmatch(prefix):
            raise InvalidInput(f"the path prefix {prefix!r} is not one such as /news or /zh/news")
    return layout


def check_inferred(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return `names`, each once and in the usual order, if each is a field.

    Raises:
        InvalidInput: One is not.
    """
    for name in names:
        if name not in FIELDS:
            raise InvalidInput(f"no field is called {name!r}; known are: {', '.join(FIELDS)}")
    return tuple(name for name in FIELDS if name in names)


def check_summary(summary: str) -> str:
    """Return `summary` if a page can show it as one.

    Raises:
        InvalidInput: It cannot.
    """
    if summary.startswith("### "):
        raise InvalidInput("the summary begins with ###: a page would make it a heading")
    return check_text("summary", summary)


def check_field(name: str, value: object, now: datetime) -> object:
    """Return the value of the field called `name`, checked.

    Raises:
        InvalidInput: The value is not one for this field.
    """
    if name == "date" and isinstance(value, date) and not isinstance(value, datetime):
        return check_date(value, now)
    if value is None and name in _REMOVABLE:
        return None
    kind, check = _CHECKS.get(name, _NO_FIELD)
    if not isinstance(value, kind):
        raise InvalidInput(f"the {name} cannot be {value!r}")
    return check(value)


_NO_FIELD: tuple[tuple[type, ...], Callable[[Any], object]] = ((), lambda value: value)

_REMOVABLE = {"topic", "summary", "cover_image"}

_CHECKS: dict[str, tuple[type, Callable[[Any], object]]] = {
    "headline": (str, lambda text: check_text("headline", text)),
    "summary": (str, check_summary),
    # The archive has pages whose topic line is there and empty.
    "topic": (str, lambda text: check_text("topic", text, may_be_empty=True)),
    "cover_image": (str, lambda url: check_url("cover image", url)),
    "slug": (str, check_slug),
    "language": (str, check_language),
    "edition": (str, lambda code: editions.edition(code).code),
    "sources": (tuple, check_sources),
    "contexts": (tuple, check_contexts),
    "layout": (Layout, check_layout),
}
"""Field to the type of its value and to what checks it; the date's check asks for the time."""
