"""The work that everybody gets: entries, and edits of them, the same ones every time.

A day has some twenty new entries. Each is edited four times on average: most often soon, while
others are new, and now and then years later.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

SEED = 20210304
A_DAY = 20
FIRST = datetime(1998, 1, 1, tzinfo=UTC)
STEP = timedelta(days=1) / (5 * A_DAY)

_RECENT = 60
_LATE = 0.1

_ONSETS = ("b", "br", "c", "d", "f", "gr", "h", "k", "l", "m", "n", "p", "qu", "r", "s", "st", "t")
_RHYMES = ("a", "ai", "an", "e", "el", "en", "i", "is", "o", "or", "ou", "u", "un", "y")
_SYLLABLES = [onset + rhyme for onset in _ONSETS for rhyme in _RHYMES]
_WORDS = [one + other for one in _SYLLABLES for other in _SYLLABLES[:21]]
# Few words are common and most are rare (Zipf).
_WEIGHTS = list(accumulate(1 / (rank + 3) for rank in range(len(_WORDS))))
_RANKS = {word: rank for rank, word in enumerate(_WORDS)}
_NAMES = [
    f"{word.capitalize()} {other.capitalize()}"
    for word, other in zip(_WORDS[::2], _WORDS[1::2], strict=True)
]
_NAME_WEIGHTS = list(accumulate(1 / (rank + 10) for rank in range(len(_NAMES))))
_TOPICS = (
    "Armed conflict",
    "Business",
    "Disasters",
    "Health",
    "Law",
    "Politics",
    "Science",
    "Sport",
)


class Source(NamedTuple):
    """Who reported it, and where."""

    name: str
    url: str


class Fields(NamedTuple):
    """What an entry says."""

    day: date
    headline: str
    summary: str
    topic: str
    sources: tuple[Source, ...]
    contexts: tuple[str, ...]


class Change(NamedTuple):
    """One event of the workload.

    Attributes:
        entry: The number of the entry: 0, 1, 2, ...
        version: 1 for a new entry.
        at: When it was published; aware, UTC.
        actor: Who made it.
        new: What a new entry says; None for an edit.
        edited: The fields that an edit sets, one or two of those of `Fields`.
    """

    entry: int
    version: int
    at: datetime
    actor: str
    new: Fields | None
    edited: dict[str, object]


class Workload:
    """A run of changes; iterating it again begins again.

    Args:
        events: How many.
    """

    def __init__(self, events: int) -> None:
        self.events = events

    def __iter__(self) -> Iterator[Change]:
        return generate(random.Random(SEED), self.events)


def generate(chance: random.Random, events: int) -> Iterator[Change]:
    """Yield changes; every fifth is a new entry, and the others edit one that is there."""
    versions = bytearray()
    at = FIRST
    for number in range(events):
        at += STEP
        actor = chance.choice(("anna", "bo", "chi", "desk"))
        if number % 5 == 0:
            entry = len(versions)
            versions.append(1)
            day = FIRST.date() + timedelta(days=entry // A_DAY)
            yield Change(entry, 1, at, actor, _fields(chance, day), {})
            continue
        if chance.random() < _LATE:
            entry = chance.randrange(len(versions))
        else:
            entry = max(0, len(versions) - 1 - int(chance.expovariate(3 / _RECENT)))
        if versions[entry] == 255:
            entry = len(versions) - 1
        versions[entry] += 1
        yield Change(entry, versions[entry], at, actor, None, edit(chance))


def edit(chance: random.Random) -> dict[str, object]:
    """Return what an edit sets: one field or two."""
    names = {chance.choices(tuple(_EDITS), (45, 20, 20, 15))[0]}
    if chance.random() < 0.3:
        names.add(chance.choice(tuple(_EDITS)))
    return {name: _EDITS[name](chance) for name in sorted(names)}


def _fields(chance: random.Random, day: date) -> Fields:
    return Fields(
        day,
        _headline(chance),
        _summary(chance),
        chance.choice(_TOPICS),
        _sources(chance),
        _contexts(chance),
    )


def _headline(chance: random.Random) -> str:
    return " ".join(_words(chance, chance.randint(7, 11))).capitalize()


def _summary(chance: random.Random) -> str:
    return " ".join(_words(chance, chance.randint(16, 32))).capitalize() + "."


def _words(chance: random.Random, count: int) -> list[str]:
    return chance.choices(_WORDS, cum_weights=_WEIGHTS, k=count)


def _sources(chance: random.Random) -> tuple[Source, ...]:
    return tuple(
        Source(name.capitalize(), f"https://{name}.example/{chance.randrange(10**9):09}")
        for name in _words(chance, chance.randint(1, 4))
    )


def _contexts(chance: random.Random) -> tuple[str, ...]:
    names = chance.choices(_NAMES, cum_weights=_NAME_WEIGHTS, k=chance.randint(2, 5))
    return tuple(dict.fromkeys(names))


_EDITS = {
    "summary": _summary,
    "headline": _headline,
    "sources": _sources,
    "contexts": _contexts,
}


def id_of(entry: int, day: date) -> UUID:
    """Return an id that sorts by day, as `ledger` makes them: they are cheap for an index."""
    digits = int(f"{day.year:04}{day.month:02}{day.day:02}", 16)
    rest = random.Random(entry).getrandbits(96)
    value = digits << 96 | rest
    return UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62)


def rarest(text: str) -> str:
    """Return the two rarest words of a text that was made here; what to search for."""
    words = sorted(set(re.findall(r"[a-z]+", text.lower())), key=_RANKS.__getitem__)
    return " ".join(words[-2:])


def keys(events: int, count: int, round_: int) -> list[int]:
    """Return the numbers of entries to ask for in a round, some of them often."""
    chance = random.Random(SEED + round_)
    return [chance.randrange((events + 4) // 5) for _ in range(count)]
