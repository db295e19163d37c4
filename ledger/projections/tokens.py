"""The tokenizer of the search: one, in Python, for every back end.

Words are folded: case, width, other compatibility forms and accents make no difference. Scripts
that do not part their words (Chinese, Japanese, Thai) or join particles to them (Korean) are taken
character by character, so a word of theirs is found as a phrase.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache

BREAK = "\u241f"
"""Stands between two characters that are taken alone and do not follow each other directly.

So a phrase of them is found where they stand together, and nowhere else.
"""

LONGEST = 255
"""How many characters a token may have."""

# Thai and Lao; Burmese; Khmer; what stands for ideographs; kana; ideographs, the rarer ones last;
# Hangul syllables.
_ALONE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
# Accents, and what only tells how to draw a text: soft hyphens, variation selectors.
_UNSEEN = re.compile("[\u0300-\u036f\u00ad\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# CommonMark 6.2: with its semicolon, or it is only an ampersand, as in an address.
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]*);")
_PART = re.compile(r'"([^"]*)"?|([^\s"]+)')


@cache
def _token() -> re.Pattern[str]:
    # Vowel signs and the like belong to a word, but `\w` does not know them.
    marks = "".join(
        chr(code) for code in range(0x0483, 0x1E900) if unicodedata.category(chr(code))[0] == "M"
    )
    return re.compile(rf"(?=[\w{marks}])[{_ALONE}]|(?:(?![_{_ALONE}])[\w{marks}])+")


def tokens(text: str) -> list[str]:
    """Return the tokens of a text as published; character references are what they stand for.

    What is longer than any word is cut: no index takes a token of any length.
    """
    return [token[:LONGEST] for token in _tokens(text)]


def _tokens(text: str) -> list[str]:
    if "&" in text:
        text = _REFERENCE.sub(lambda reference: html.unescape(reference[0]), text)
    plain = unicodedata.normalize("NFKD", text)
    folded = unicodedata.normalize("NFKC", _UNSEEN.sub("", plain)).casefold()
    if folded.isascii():
        return _ASCII.findall(folded)
    found: list[str] = []
    end, was_alone = 0, False
    for match in _token().finditer(folded):
        is_alone = re.match(f"[{_ALONE}]", match[0]) is not None
        if is_alone and was_alone and match.start() > end:
            found.append(BREAK)
        found.append(match[0])
        end, was_alone = match.end(), is_alone
    return found


_ASCII = re.compile(r"[a-z0-9]+")

Term = tuple[tuple[str, ...], bool]
"""A sequence of tokens that follow each other, and whether the last of them may go on."""


def terms(query: str) -> list[Term]:
    """Return what a query asks for, all of it together.

    Words, "phrases in quotation marks", and prefixes ending in a star: each is a sequence of
    tokens, with whether its last token may go on.
    """
    found: list[Term] = []
    for quoted, word in _PART.findall(query):
        sequence = tuple(tokens(quoted or word))
        if sequence:
            found.append((sequence, bool(word) and word.endswith("*")))
    return found
