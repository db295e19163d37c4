"""What of a page's bytes is its own, and what the site derives when it publishes."""

from __future__ import annotations

import re
from hashlib import sha256

from ledger.pages.labels import LABELS

_SECTION = b"\n### "
_RELATED = tuple(f"{labels.related}:\n".encode() for labels in LABELS.values())
_CHANGES = tuple(f"{labels.changes}:\n".encode() for labels in LABELS.values())
_DERIVED = _RELATED + _CHANGES
# The formats, and the date with its link.
_HEAD = re.compile(rb"\s*(?:\w+: .*\n\s*)?### \[([^\]]*)\]\(\S*\)\n")
_FIRST_LINE = re.compile(rb"\n*.*\n")


def essence(page: bytes) -> bytes:
    """Return a digest that stays the same where only derived parts change.

    Those are the Formats line, the date's link, and the lists Changes and Related.
    """
    if b"\r" in page:
        page = page.replace(b"\r\n", b"\n")
    sections = page.split(_SECTION)
    own = _SECTION.join([s for s in sections if not s.startswith(_DERIVED)]).rstrip()
    head = _HEAD.match(own)
    digest = sha256(own if head is None else head[1] + own[head.end() :])
    return digest.digest()[:16]


def shortened(page: bytes) -> bytes:
    """Return a page whose Related list has but its first line, whose link tells the prefix.

    It is the longest part of a page, and says nothing of the entry.
    """
    sections = page.split(_SECTION)
    for number, section in enumerate(sections):
        if section.startswith(_RELATED):
            heading, line, rest = section.partition(b"\n")
            first = _FIRST_LINE.match(rest)
            sections[number] = heading + line + (rest if first is None else first[0])
    return _SECTION.join(sections)
