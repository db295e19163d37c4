"""The most memory that a bulk load and a rebuild ever have, in processes of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from measure import peak_memory

from benchmark.operations import batches
from benchmark.rounds import Run
from benchmark.workload import Workload


def weigh(events: int) -> Run:
    """Return the peaks, in MB."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        taken = {
            name: {"ledger": [_apart(work, Path(folder), events)]}
            for name, work in (
                ("peak memory of a bulk load", load),
                ("peak memory of a rebuild of all views", rebuild),
            )
        }
    return Run(events, 1, taken, {})


def load(folder: Path, events: int) -> float:
    """Load a ledger, and return the peak of this process; the work is made as it is wanted."""
    from benchmark.ours import Ours

    ours = Ours(folder)
    for batch in batches(Workload(events)):
        ours.load(ours.prepare(batch))
    ours.close()
    return peak_memory()


def rebuild(folder: Path, _: int) -> float:
    """Rebuild all views of a ledger, and return the peak of this process."""
    from ledger import Ledger

    with Ledger.open(f"sqlite:///{folder / 'news.db'}") as ledger:
        ledger.rebuild()
    return peak_memory()


def _apart(work: Callable[[Path, int], float], folder: Path, events: int) -> float:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, folder, events).result()
