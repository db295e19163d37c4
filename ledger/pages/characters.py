"""Characters that a format cannot hold."""

from __future__ import annotations

import re

_NONCHARACTERS = re.compile(
    "[\ufdd0-\ufdef"
    + "".join(f"{chr(p + 0xFFFE)}{chr(p + 0xFFFF)}" for p in range(0, 0x110000, 0x10000))
    + "]"
)


def exchangeable(text: str) -> str:
    """Return a text in which U+FFFD stands for each noncharacter (U+FDD0, U+FFFE and the like).

    HTML forbids all 66 of them, XML 1.0 two; the Unicode Standard keeps them from interchange.
    """
    return _NONCHARACTERS.sub("\ufffd", text)
