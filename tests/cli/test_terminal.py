"""On a terminal: colors, fitted tables, progress, and waiting for a key."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

from tests.cli.runner import Shell
from tests.cli.test_commands import SAMPLES


def on_a_terminal(
    ledger: Shell, *arguments: str, keys: str = "", width: int = 60, **environment: str
) -> str:
    """Run `ledger` on a terminal, press a key at a time, and return what it showed."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "ledger", *arguments],
        cwd=ledger.folder,
        env=ledger.environment | {"TERM": "xterm-256color"} | environment,
        stdin=child,
        stdout=child,
        stderr=child,
        close_fds=True,
    )
    os.close(child)
    shown = b""
    pending = list(keys.encode())
    # A key that is pressed before it is asked for is thrown away.
    answered = 0
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        ready, _, _ = select.select([parent], [], [], 0.5)
        if ready:
            try:
                data = os.read(parent, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
        elif pending and len(shown) > answered:
            answered = len(shown)
            os.write(parent, bytes([pending.pop(0)]))
        elif process.poll() is not None:
            break
    os.close(parent)
    process.wait(timeout=10)
    return shown.decode().replace("\r\n", "\n")


def test_a_diff_is_colored_and_no_color_is_respected(ledger: Shell) -> None:
    entry = ledger.add("Five dead")
    ledger.ok("edit", entry, "--headline", "Six dead")
    colored = on_a_terminal(ledger, "diff", entry)
    assert "headline: \x1b[31m\x1b[9mFive\x1b[0m\x1b[32mSix\x1b[0m dead" in colored
    plain = on_a_terminal(ledger, "diff", entry, NO_COLOR="1")
    assert "headline: [-Five-]{+Six+} dead" in plain


def test_a_table_fits_the_window(ledger: Shell) -> None:
    ledger.add("A headline that is a good deal longer than this narrow window is wide")
    shown = on_a_terminal(ledger, "list", width=100)
    assert "headline" in shown
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.splitlines()]
    assert all(len(line) <= 100 for line in lines)
    assert len(lines) > 2
    assert len(ledger.ok("list").splitlines()) == 2


def test_control_characters_of_a_store_do_not_reach_the_terminal(ledger: Shell) -> None:
    ledger.add("One")
    with ledger.store.log() as db:
        (meta, content) = db.execute("SELECT meta, content FROM events").fetchone()
        db.execute(
            "UPDATE events SET meta = ?, content = ?",
            (meta.replace(b"desk", b"\x1b[2J"), content.replace(b"One", b"\x1bc!")),
        )
    for arguments in (
        ("log",),
        ("list",),
        ("show", "2021"),
        ("replay", "2021"),
        ("blame", "2021"),
    ):
        answer = ledger(*arguments)
        assert answer.status == 0
        assert "\x1b" not in answer.out + answer.err
        assert "\ufffd" in answer.out


def test_an_import_shows_a_bar(ledger: Shell) -> None:
    shown = on_a_terminal(ledger, "import", "pages", SAMPLES, width=80)
    bars = re.findall(r"importing  \[(#*)(-*)\]  (\d+)/(\d+)  [\d,]+ pages/s", shown)
    # Five pages, each read and then stored.
    assert [(int(done), int(total)) for _, _, done, total in bars][-1] == (10, 10)
    assert [int(done) for _, _, done, _ in bars] == sorted(int(done) for _, _, done, _ in bars)
    assert (len(bars[-1][0]), bars[-1][1]) == (36, "")
    assert shown.index("10/10") < shown.index("entries created: 3")
    assert "importing" not in ledger("import", "pages", SAMPLES).err


@pytest.mark.parametrize(
    ("arguments", "label", "after"),
    [
        (("rebuild",), "rebuilding", "contexts"),
        (("rebuild", "--check"), "rebuilding aside", "no drift"),
        (("replay", "--all"), "replaying", "contexts"),
    ],
)
def test_long_work_shows_events_a_second(
    ledger: Shell, arguments: tuple[str, ...], label: str, after: str
) -> None:
    ledger.ok("import", "pages", SAMPLES)
    shown = on_a_terminal(ledger, *arguments, width=120)
    bar = re.search(rf"\r(?:\x1b\[\?25l)?{label}  \[#{{36}}\]  5/5  [\d,]+ events/s", shown)
    assert bar is not None
    assert bar.end() < shown.rindex(after)


def test_replay_waits_for_a_key_and_q_stops(ledger: Shell) -> None:
    entry = ledger.add("One")
    for headline in ("Two", "Three", "Four"):
        ledger.ok("edit", entry, "--headline", headline)
    shown = on_a_terminal(ledger, "replay", entry, "--step", keys="xq", width=99, NO_COLOR="1")
    assert "version 2" in shown
    assert "version 3" not in shown
    # The page as it changes, not the fields.
    assert "\n  {+# One+}\n" in shown
    assert "\n  # [-One-]{+Two+}\n" in shown
    assert "  {+1. [Two](/news/2021/03/4/two.md) _(Current version)_+}\n" in shown
    shown = on_a_terminal(ledger, "replay", entry, "--step", keys="xxx", NO_COLOR="1")
    assert "version 4" in shown
