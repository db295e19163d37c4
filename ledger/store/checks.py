"""What `ledger doctor` finds: a check a line, whatever the store's kind."""

from __future__ import annotations

from typing import Literal

import msgspec


class Check(msgspec.Struct, frozen=True):
    """What was looked at, and what was found.

    Attributes:
        name: What was looked at.
        state: ok; warn: it works, but something should be otherwise; fail: it has to be put right.
        found: What was found.
        advice: What to do; empty where there is nothing to do.
    """

    name: str
    state: Literal["ok", "warn", "fail"]
    found: str
    advice: str = ""


def ok(name: str, found: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(name, "ok", found)


def warn_if(wrong: bool, name: str, found: str, advice: str) -> Check:
    """Return a check that warns where something is wrong, and then says what to do."""
    return Check(name, "warn", found, advice) if wrong else ok(name, found)


def fail_if(wrong: bool, name: str, found: str, advice: str) -> Check:
    """Return a check that fails where something is wrong, and then says what to do."""
    return Check(name, "fail", found, advice) if wrong else ok(name, found)
