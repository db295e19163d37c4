"""The editions of the archive: one row each, so that a new one is data and not code."""

from __future__ import annotations

import re

import msgspec

from ledger.errors import InvalidInput


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """One language edition of the site.

    Attributes:
        code: Its name, as stored with each entry.
        language: The BCP 47 tag of its text.
        prefix: Where its pages live, without a trailing slash.
        ascii_slugs: Whether slugs are folded to ASCII (see `permalinks.slugify`).
        padded_day: Whether a date is written `2014-02-03` or `2014-02-3`.
        script: What its text looks like, to recognise a page that holds no label.
    """

    code: str
    language: str
    prefix: str
    ascii_slugs: bool
    padded_day: bool
    script: re.Pattern[str] | None = None


EDITIONS: dict[str, Edition] = {
    edition.code: edition
    for edition in (
        Edition(
            code="en",
            language="en",
            prefix="/news",
            ascii_slugs=True,
            padded_day=True,
        ),
        Edition(
            code="zh",
            language="zh",
            prefix="/zh/news",
            ascii_slugs=False,
            padded_day=False,
            script=re.compile(r"[\u3400-\u9fff\uf900-\ufaff]"),
        ),
    )
}

DEFAULT = "en"


def edition(code: str) -> Edition:
    """Return the edition called `code`.

    Raises:
        InvalidInput: There is none.
    """
    try:
        return EDITIONS[code]
    except KeyError:
        known = ", ".join(EDITIONS)
        raise InvalidInput(f"no edition is called {code!r}; known are: {known}") from None


def edition_of_text(text: str) -> Edition:
    """Return the edition whose script `text` is written in, else the default one."""
    for candidate in EDITIONS.values():
        if candidate.script is not None and candidate.script.search(text):
            return candidate
    return EDITIONS[DEFAULT]
