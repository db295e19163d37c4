"""The whole comparison: settings, tables, goals."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from benchmark import figures, goals, memory, starting, table
from benchmark.entrants import ENTRANTS, taking_part
from benchmark.rounds import Run, run, tell

QUICK, SMALL, MAIN, LARGE = 10_000, 10_000, 200_000, 1_000_000
"""How many events: in a quick run, with all contestants, for the goals, for growth and memory."""

STARTS = 4
"""How often each process is started, in each round."""


def compare(
    *, quick: bool, events: int | None, rounds: int, only: Collection[str], into: Path | None
) -> None:
    """Measure, and print what came of it.

    Args:
        quick: One small size, and one round for those who are slow.
        events: One size, this one; None: all sizes, with growth and memory.
        rounds: How often everything is done again, on fresh files.
        only: The names of those who take part beside the floor; none means all.
        into: Where the figures go as JSON.
    """
    sizes = [events] if events else [QUICK] if quick else [SMALL, MAIN, LARGE]
    settings = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "files": f"{tempfile.gettempdir()} ({filesystem(Path(tempfile.gettempdir()))})",
        "absent": [entrant.name for entrant in ENTRANTS if not entrant.is_there()],
        "most events": {entrant.name: entrant.largest for entrant in ENTRANTS},
    }
    runs = [run(taking_part(size, only), size, rounds, quick=quick) for size in sizes]
    settings["rounds"] = {str(each.events): each.rounds for each in runs}
    tell("start-up of the command line")
    starts = starting.start(STARTS * rounds)
    others: list[tuple[Run, Sequence[figures.Figure]]] = [(starts, figures.STARTING)]
    verdicts = goals.judge(main_of(runs)) + goals.judge_starting(
        starts, (figures.IMPORTS, "python")
    )
    if len(runs) > 1:
        verdicts += goals.judge_growth(*runs[-2:])
        tell(f"memory, at {LARGE:,} events")
        peaks = memory.weigh(LARGE)
        others.append((peaks, figures.MEMORY))
        verdicts += goals.judge_memory(peaks)
    show(settings, runs, others, verdicts)
    if into is not None:
        measured = [*((each, figures.FIGURES) for each in runs), *others]
        into.write_text(
            json.dumps(
                {
                    "settings": settings | {"contestants": runs[0].about},
                    "operations": table.as_object(measured),
                    "goals": [verdict._asdict() for verdict in verdicts],
                },
                indent=1,
            )
        )


def main_of(runs: Sequence[Run]) -> Run:
    """Return the run that the goals are held against: the largest that a peer took part in."""
    return max(
        (each for each in runs if each.events <= MAIN),
        key=lambda each: each.events,
        default=runs[0],
    )


def show(
    settings: dict[str, Any],
    runs: Sequence[Run],
    others: Sequence[tuple[Run, Sequence[figures.Figure]]],
    verdicts: Sequence[goals.Verdict],
) -> None:
    """Print everything."""
    print(f"Python {settings['python']}, {settings['machine']}")
    print(f"Files in {settings['files']}: TMPDIR says where, and it should be on a disk\n")
    for name, about in runs[0].about.items():
        most = settings["most events"][name]
        print(f"- {name}: {about}; takes part up to {most:,} events")
    for name in settings["absent"]:
        print(f"- {name}: not installed")
    print(
        "\nFigures are medians of the rounds. In parentheses are ratios to the floor of the same "
        "round: `speed`, the floor's time by one's own (larger is better); `time`, one's own by "
        "the floor's (smaller is better)."
    )
    for each in runs:
        print(f"\n{each.events:,} events; rounds: {each.rounds}\n")
        print(table.table(each, figures.FIGURES))
    if len(runs) > 1:
        small, large = runs[-2:]
        print(
            f"\nGrowth: what one takes at {large.events:,} events, in times of {small.events:,}\n"
        )
        print(table.growth_table(small, large, figures.FIGURES))
    for each, rows in others:
        print(f"\n{table.table(each, rows)}")
    print(f"\nGoals, at {main_of(runs).events:,} events\n\n{table.goals_table(verdicts)}")


def filesystem(folder: Path) -> str:
    """Return the kind of file system that a folder is on, where the system says so."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "?"
    places = (line.split() for line in mounts.read_text().splitlines())
    above = {str(parent) for parent in (folder.resolve(), *folder.resolve().parents)}
    return max((len(place), kind) for _, place, kind, *_ in places if place in above)[1]
