"""What is printed: Markdown tables, and one object of JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from benchmark.figures import Figure
from benchmark.goals import Verdict, growth
from benchmark.rounds import Run


def table(run: Run, figures: Sequence[Figure]) -> str:
    """Return a table of figures by contestants, each with its ratio."""
    contestants = list(dict.fromkeys(who for by in run.taken.values() for who in by))
    lines = [
        ("operation", "unit", "ratio", *contestants),
        ("---",) * (3 + len(contestants)),
    ]
    for figure in figures:
        cells = [cell(run, figure, contestant) for contestant in contestants]
        if any(cells):
            lines.append((figure.name, figure.unit, figure.kind or "", *cells))
    return drawn(lines)


def cell(run: Run, figure: Figure, contestant: str) -> str:
    """Return a figure and its ratio; empty: there is none."""
    median = run.median(figure.name, contestant)
    if median is None:
        return ""
    ratio = figure.ratio(run, contestant)
    beside = "" if ratio is None or contestant == "floor" else f" ({short(ratio)})"
    return f"{short(figure.told(median))}{beside}"


def growth_table(small: Run, large: Run, figures: Sequence[Figure]) -> str:
    """Return how much more each figure is in the larger run."""
    contestants = list(large.about)
    lines = [("operation", *contestants), ("---",) * (1 + len(contestants))]
    for figure in figures:
        grown = [growth(small, large, figure.name, contestant) for contestant in contestants]
        if figure.kind and any(grown):
            lines.append((figure.name, *("" if g is None else short(g) for g in grown)))
    return drawn(lines)


def goals_table(verdicts: Iterable[Verdict]) -> str:
    """Return goals, what was measured, and whether it meets them."""
    lines: list[tuple[str, ...]] = [("operation", "goal", "measured", ""), ("---",) * 4]
    for what, goal, measured, met in verdicts:
        lines.append((what, goal, short(measured), "met" if met else "missed"))
    return drawn(lines)


def drawn(lines: Iterable[Sequence[str]]) -> str:
    """Return lines of a Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def short(figure: float) -> str:
    """Return a figure with three digits that count, or more where it is large."""
    if figure >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"


def as_object(runs: Iterable[tuple[Run, Sequence[Figure]]]) -> dict[str, Any]:
    """Return operations with their figures and ratios, by size and by contestant."""
    found: dict[str, Any] = {}
    for run, figures in runs:
        for figure in figures:
            for contestant, taken in run.taken.get(figure.name, {}).items():
                found.setdefault(figure.name, {}).setdefault(str(run.events), {})[contestant] = {
                    "unit": figure.unit,
                    "rounds": [figure.told(one) for one in taken],
                    "median": figure.told(run.median(figure.name, contestant) or 0),
                    "ratio": figure.ratio(run, contestant),
                    "ratio of": figure.kind,
                }
    return found
