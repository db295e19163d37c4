"""Changes put so that no entry is changed twice at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from benchmark.workload import Change


def layers(changes: Sequence[Change]) -> list[list[Change]]:
    """Return the first change of each entry, then the second of each that has one, and so on."""
    found: list[list[Change]] = []
    seen: Counter[int] = Counter()
    for change in changes:
        depth = seen[change.entry]
        seen[change.entry] += 1
        if depth == len(found):
            found.append([])
        found[depth].append(change)
    return found
