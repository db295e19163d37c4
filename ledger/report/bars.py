"""How the bars of a chart are named, scaled, and drawn with letters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ledger.report.model import Activity, Bar, Period

_WIDTH = 40


def name_of(start: date, period: Period) -> str:
    """Return a period by its first day: 2021-03-04, 2021-03, 2021 Q1, 2021 or 2020s."""
    match period:
        case "day" | "week":
            return start.isoformat()
        case "month":
            return start.isoformat()[:7]
        case "quarter":
            return f"{start.year} Q{start.month // 3 + 1}"
        case "year":
            return str(start.year)
        case _:
            return f"{start.year // 10 * 10}s"


def told(bar: Bar, period: Period) -> str:
    """Return what a bar says, in words."""
    return f"{name_of(bar.start, period)}: {bar.created:,} created, {bar.edits:,} edits"


def height(activity: Activity) -> int:
    """Return the number that the highest bar stands for; 1 where there is none."""
    return max((bar.created + bar.edits for bar in activity.bars), default=0) or 1


def lines(activity: Activity) -> Iterator[str]:
    """Yield the bars as text, a line each: shaded what was created, solid what was edited."""
    most = height(activity)
    for bar in activity.bars:
        created, edits = (-(-number * _WIDTH // most) for number in (bar.created, bar.edits))
        drawn = "\u2591" * created + "\u2588" * edits
        name, _, numbers = told(bar, activity.period).partition(": ")
        yield f"{name}  {drawn:{_WIDTH + 1}}  {numbers}"
