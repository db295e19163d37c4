"""How alike two pages are, and which page became which."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date

from ledger.pages.model import Page
from ledger.projections.tokens import tokens

ALIKE = 0.5
"""From which likeness on a page that goes and one that comes are taken for the same entry."""


def likeness(one: Page, other: Page) -> float:
    """Return how much of their words two pages share: from 0, nothing, to 1, all.

    It is Dice's coefficient over the words of headline and summary and the addresses of the
    sources, each counted as often as it stands there.
    """
    return _share(_words(one), _words(other))


def pairs(
    gone: Mapping[str, Page], come: Mapping[str, Page], least: float
) -> list[tuple[str, str]]:
    """Return the files of the pages that became each other, each in one pair at most.

    Only pages of one edition and one day are compared; the most alike are paired first, and of
    those that are as alike, the first by name.

    Args:
        gone: Pages that a commit removed, by file.
        come: Pages that it added.
        least: The least likeness that is taken for the same entry.
    """
    words = {file: _words(page) for side in (gone, come) for file, page in side.items()}
    of_day: defaultdict[tuple[str, date], list[str]] = defaultdict(list)
    for file, page in come.items():
        of_day[page.edition, page.day].append(file)
    found = sorted(
        (-alike, old, new)
        for old, page in gone.items()
        for new in of_day[page.edition, page.day]
        if (alike := _share(words[old], words[new])) >= least
    )
    paired: dict[str, str] = {}
    for _, old, new in found:
        if old not in paired and new not in paired.values():
            paired[old] = new
    return list(paired.items())


def _words(page: Page) -> Counter[str]:
    words = tokens(f"{page.headline} {page.summary or ''}")
    return Counter([*words, *(source.url for source in page.sources)])


def _share(ours: Counter[str], theirs: Counter[str]) -> float:
    both = ours.total() + theirs.total()
    return 2 * (ours & theirs).total() / both if both else 0.0
