"""What of a page's bytes is its own, and what the site derives when it publishes."""

from __future__ import annotations

import re
from hashlib import sha256

from ledger.pages.labels import LABELS


def _heading(names: set[str]) -> str:
    return f"^### (?:{'|'.join(map(re.escape, sorted(names)))}):\n"


_CHANGES = {labels.changes for labels in LABELS.values()}
_RELATED = {labels.related for labels in LABELS.values()}
_DERIVED = re.compile(f"{_heading(_CHANGES | _RELATED)}(?:(?!### ).*\n?)*".encode(), re.MULTILINE)
_FIRST_RELATED = re.compile(f"{_heading(_RELATED)}\n*.*\n".encode(), re.MULTILINE)
# The formats, and the date with its link.
_HEAD = re.compile(rb"\s*(?:\w+: .*\n\s*)?### \[([^\]]*)\]\(\S*\)\n")


def essence(page: bytes) -> bytes:
    """Return a digest that stays the same where only derived parts change.

    Those are the Formats line, the date's link, and the lists Changes and Related.
    """
    if b"\r" in page:
        page = page.replace(b"\r\n", b"\n")
    own = _DERIVED.sub(b"", page).rstrip()
    head = _HEAD.match(own)
    digest = sha256(own if head is None else head[1] + own[head.end() :])
    return digest.digest()[:16]


def shortened(page: bytes) -> bytes:
    """Return a page without its Related list but for the first line, whose link tells the prefix.

    It is the longest part of a page, and says nothing of the entry.
    """
    related = _FIRST_RELATED.search(page)
    return page if related is None else page[: related.end()]
