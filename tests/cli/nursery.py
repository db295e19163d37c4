"""Processes of the command line, forked from one that has imported it: the start is paid once.

Each is a process of its own, with its own folder, environment, input, output and exit status. What
is about the start itself (a variable of the environment, say) begins with an interpreter; see
`runner.Shell`.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import IO, NoReturn

_MOST = 1 << 17
"""How many bytes a request may have."""

_PATIENCE = 120


class Nursery:
    """The process that others are forked from; it ends with the one that made it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.nursery", str(theirs.fileno())],
                cwd=Path(__file__).parents[2],
                env=os.environ | {"PYTHONUTF8": "1"},
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self._end)

    def run(
        self, arguments: Sequence[str], folder: Path, environment: dict[str, str], stdin: bytes
    ) -> tuple[int, bytes, bytes]:
        """Run `ledger`; return its exit status, its output, and what it said of errors."""
        request = json.dumps([list(arguments), str(folder), environment]).encode()
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(stdin)
            given.seek(0)
            ours, theirs = socket.socketpair()
            with ours:
                with theirs:
                    files = [given.fileno(), out.fileno(), err.fileno(), theirs.fileno()]
                    socket.send_fds(self._socket, [request], files)
                ours.settimeout(_PATIENCE)
                status = int(ours.recv(16))
            return status, _content(out), _content(err)

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()


@cache
def nursery() -> Nursery:
    """Return the one of this process."""
    return Nursery()


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _serve(listener: socket.socket) -> None:
    """Fork a process for each request; return in that process, where it is to begin."""
    from ledger import cli, ledger  # noqa: F401 - whoever is forked has them
    from ledger.store import postgres  # noqa: F401

    # What is never looked at stays one with the parent's.
    gc.collect()
    gc.freeze()
    # Nobody waits for those who report.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, files, _, _ = socket.recv_fds(listener, _MOST, 4)
        if not request:
            os._exit(0)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            *standard, report = files
            if (child := os.fork()) == 0:
                os.close(report)
                _become(standard, *json.loads(request))
                return
            _report(child, report)
        for file in files:
            os.close(file)


def _report(child: int, report: int) -> NoReturn:
    _, status = os.waitpid(child, 0)
    os.write(report, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(
    standard: Sequence[int], arguments: Sequence[str], folder: str, environment: dict[str, str]
) -> None:
    for number, file in enumerate(standard):
        os.dup2(file, number)
        os.close(file)
    # As an interpreter opens them that was started with these.
    sys.stdin = os.fdopen(0, encoding="utf-8", errors="surrogateescape")
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape")
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace")
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["ledger", *arguments]


def _leave(status: int) -> NoReturn:
    """End as an interpreter does, but for taking down, object by object, what it had imported."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))

    from ledger.cli import main

    try:
        main()
    except SystemExit as end:
        _leave(int(end.code or 0))
