"""What it takes to start: the command line, beside Python with what it imports."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from itertools import islice
from pathlib import Path

from benchmark.contestant import BATCH
from benchmark.figures import IMPORTS
from benchmark.ours import Ours
from benchmark.rounds import Run
from benchmark.workload import Workload


def start(runs: int) -> Run:
    """Return the wall time of processes, interleaved, in a ledger of a thousand events."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with closing(Ours(Path(folder))) as ours:
            ours.load(ours.prepare(list(islice(Workload(BATCH), BATCH))))
            ours.settle()
            entry = str(ours.current(0).entry.id)
            about = {"ledger": ours.about()}
        program = str(Path(sys.executable).with_name("ledger"))
        commands = {
            IMPORTS: ("python", [sys.executable, "-c", "import click, msgspec, sqlite3"]),
            "ledger --help": ("ledger", [program, "--help"]),
            "ledger show": ("ledger", [program, "--store", ours.url, "show", entry]),
        }
        taken: dict[str, dict[str, list[float]]] = {
            name: {who: []} for name, (who, _) in commands.items()
        }
        # Compiled modules are kept, as where anybody has installed it.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        for number in range(runs + 1):
            for name, (who, command) in commands.items():
                began = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True, env=environment)
                if number:
                    taken[name][who].append(time.perf_counter() - began)
    return Run(BATCH, runs, taken, about)
