"""What feeds and sitemaps are written with: XML's text and attributes."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: str) -> str:
    """Return a text for XML; what XML 1.0 cannot hold is U+FFFD there."""
    return escape(_NO_XML.sub("\ufffd", value))


def attribute(value: str) -> str:
    """Return the quoted value of an attribute; see `text`."""
    return quoteattr(_NO_XML.sub("\ufffd", value))
