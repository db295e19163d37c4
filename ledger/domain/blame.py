"""Blame: which version each word of an entry's text comes from."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ledger.domain.diffs import opcodes, tokens


class Word(msgspec.Struct, frozen=True):
    """A token of a text and the version that brought it.

    Attributes:
        text: A word, a space or a sign; all tokens joined give the text.
        version: The version that it comes from.
    """

    text: str
    version: int


def blame_words(texts: Iterable[tuple[int, str]]) -> tuple[Word, ...]:
    """Return the words of the last text, each with the version it comes from.

    A word that goes and comes back comes from the version that brought it back.

    Args:
        texts: Version and text of every version, oldest first.
    """
    words: list[Word] = []
    for version, text in texts:
        new = tokens(text)
        old = [word.text for word in words]
        if new == old:
            continue
        kept: list[Word] = []
        for tag, a1, a2, b1, b2 in opcodes(old, new):
            if tag == "equal":
                kept += words[a1:a2]
            else:
                kept += [Word(token, version) for token in new[b1:b2]]
        words = kept
    return tuple(words)
