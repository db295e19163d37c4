"""Runs a program that obeys permission bits, even where the tests run as root."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from typing import Any

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
_CAP_FOWNER = 3


def run_unprivileged(args: list[str], **kw: Any) -> subprocess.CompletedProcess[str]:
    """Run `args` as this user, but without root's right to pass over permission bits."""
    needed = sys.platform == "linux" and os.geteuid() == 0
    return subprocess.run(
        args,
        preexec_fn=_capability_dropper() if needed else None,
        text=True,
        capture_output=True,
        check=False,
        **kw,
    )


def _capability_dropper() -> Any:
    # Loaded before the fork: between fork and exec there is only the system call itself.
    libc = ctypes.CDLL(None, use_errno=True)

    def drop() -> None:
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH, _CAP_FOWNER):
            if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "a capability cannot be dropped")

    return drop
