"""An event-sourced versioning backend for news entries.

    from ledger import Ledger

    with Ledger.open("sqlite:///news.db") as ledger:
        ...

Names are imported when they are first used, so that a command line starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.domain.commands import (
        CreateEntry,
        EditEntry,
        MergeEntry,
        PublishCorrection,
        ReinstateEntry,
        RetractEntry,
        RevertEntry,
    )
    from ledger.domain.entry import NewsEntry
    from ledger.domain.values import Correction, Layout, Source
    from ledger.errors import LedgerError
    from ledger.ledger import Ledger
    from ledger.results import EntryVersion

__all__ = [
    "Correction",
    "CreateEntry",
    "EditEntry",
    "EntryVersion",
    "Layout",
    "Ledger",
    "LedgerError",
    "MergeEntry",
    "NewsEntry",
    "PublishCorrection",
    "ReinstateEntry",
    "RetractEntry",
    "RevertEntry",
    "Source",
    "__version__",
]

__version__ = "0.1.0"

_HOMES = {
    "ledger.domain.commands": (
        "CreateEntry",
        "EditEntry",
        "MergeEntry",
        "PublishCorrection",
        "ReinstateEntry",
        "RetractEntry",
        "RevertEntry",
    ),
    "ledger.domain.entry": ("NewsEntry",),
    "ledger.domain.values": ("Correction", "Layout", "Source"),
    "ledger.errors": ("LedgerError",),
    "ledger.ledger": ("Ledger",),
    "ledger.results": ("EntryVersion",),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
