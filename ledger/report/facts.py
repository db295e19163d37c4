"""The numbers and the names that a headline states, and which of them an edit changed.

This is a rule of thumb, which reads signs and not meaning; it is exact about which.

A number is
- a run of digits, with `.`, `,`, `:`, `/`, an apostrophe or a narrow space between digits, and
  the Chinese units (十 百 千 万 亿 兆) that follow it: `1,250`, `10:30`, `30万`;
- a run of Chinese numerals that holds a digit or 十: `三`, `两千`, `二〇〇八`. A 一 alone is none:
  it stands in too many words.

Numbers are compared as they are written, but for the digits of other scripts and for `,`,
apostrophe and space between thousands: `1,250` is `1250`, and `7` is not `seven`.

A name is
- a context of the entry (a person, a place, a subject), before or after the edit, whose words
  stand in the one headline and not in the other;
- a word that begins with a capital letter, is not the first of its headline, and stands in no
  case in the other. Where one of the two headlines is in title case, capitals tell nothing and no
  such word counts: at least four words after the first begin with a capital, and four of five of
  its words of four letters or more do.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from html import unescape

import msgspec

from ledger.domain.diffs import tokens

_UNITS = "十百千万亿兆拾佰仟萬億"
_NUMERALS = "〇零一二三四五六七八九两兩壹贰叁肆伍陆柒捌玖"
_NUMBER = re.compile(
    rf"[0-9]+(?:[.,:/'\u2019\u00a0\u2009\u202f][0-9]+)*[{_UNITS}]*|[{_NUMERALS}{_UNITS}]+"
)
_BETWEEN_THOUSANDS = re.compile(r"(?<=[0-9])[,'\u2019\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")
_LONG = 4


class ChangedFacts(msgspec.Struct, frozen=True):
    """What a headline stated and states no more, and what it states now and did not.

    Attributes:
        numbers_gone, numbers_new: Numbers, as often as they stand there.
        names_gone, names_new: Contexts and capitalised words.
    """

    numbers_gone: tuple[str, ...] = ()
    numbers_new: tuple[str, ...] = ()
    names_gone: tuple[str, ...] = ()
    names_new: tuple[str, ...] = ()


def changed_facts(old: str, new: str, contexts: Iterable[str] = ()) -> ChangedFacts | None:
    """Return the numbers and names that differ between two headlines; None where none do.

    Args:
        old: The headline before, as published: character references are what they mean.
        new: The headline after.
        contexts: Those of the entry, before and after.
    """
    old, new = unescape(old), unescape(new)
    before, after = Counter(numbers(old)), Counter(numbers(new))
    found = ChangedFacts(
        tuple((before - after).elements()),
        tuple((after - before).elements()),
        *_names(tokens(old), tokens(new), [unescape(context) for context in contexts]),
    )
    return None if found == ChangedFacts() else found


def numbers(text: str) -> list[str]:
    """Return the numbers in a text, in their order, without what parts thousands."""
    folded = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return [
        _BETWEEN_THOUSANDS.sub("", number)
        for number in _NUMBER.findall(folded)
        if number != "一" and not set(number) <= set(_UNITS) - {"十", "拾"}
    ]


def _names(
    old: Sequence[str], new: Sequence[str], contexts: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    known = dict.fromkeys(context for context in contexts if context.strip())
    before = [context for context in known if _stands_in(tokens(context), old)]
    after = [context for context in known if _stands_in(tokens(context), new)]
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    if not (_is_title_case(old) or _is_title_case(new)):
        gone += _capitalised(old, new, gone)
        come += _capitalised(new, old, come)
    return tuple(gone), tuple(come)


def _stands_in(words: Sequence[str], text: Sequence[str]) -> bool:
    """Return whether words follow each other in a text, both as tokens."""
    size = len(words)
    return any(text[at : at + size] == words for at in range(len(text) - size + 1))


def _capitalised(text: Sequence[str], other: Sequence[str], told: Iterable[str]) -> list[str]:
    """Return the capitalised words of a text that are not in the other, nor told already."""
    known = {word.casefold() for word in other} | {w.casefold() for t in told for w in tokens(t)}
    words = dict.fromkeys(word for word in _words(text)[1:] if word[0].isupper())
    return [word for word in words if word.casefold() not in known]


def _is_title_case(text: Sequence[str]) -> bool:
    rest = _words(text)[1:]
    long = [word for word in rest if len(word) >= _LONG]
    capitals = sum(word[0].isupper() for word in rest)
    return capitals >= 4 and sum(word[0].isupper() for word in long) * 5 >= len(long) * 4


def _words(text: Sequence[str]) -> list[str]:
    """Return the tokens that are words of a script with capital letters, or begin with one."""
    return [word for word in text if word[0].isalpha() and word.lower() != word.upper()]
