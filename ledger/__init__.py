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
    from ledger.domain.events import (
        CorrectionPublished,
        EntryCreated,
        EntryEdited,
        EntryMerged,
        EntryReinstated,
        EntryRetracted,
        RecordedEvent,
    )
    from ledger.domain.values import Correction, Layout, Source
    from ledger.errors import LedgerError
    from ledger.ledger import Ledger
    from ledger.projections.projection import Projection, handles
    from ledger.results import EntryVersion

__all__ = [
    "Correction",
    "CorrectionPublished",
    "CreateEntry",
    "EditEntry",
    "EntryCreated",
    "EntryEdited",
    "EntryMerged",
    "EntryReinstated",
    "EntryRetracted",
    "EntryVersion",
    "Layout",
    "Ledger",
    "LedgerError",
    "MergeEntry",
    "NewsEntry",
    "Projection",
    "PublishCorrection",
    "RecordedEvent",
    "ReinstateEntry",
    "RetractEntry",
    "RevertEntry",
    "Source",
    "__version__",
    "handles",
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
    "ledger.domain.events": (
        "CorrectionPublished",
        "EntryCreated",
        "EntryEdited",
        "EntryMerged",
        "EntryReinstated",
        "EntryRetracted",
        "RecordedEvent",
    ),
    "ledger.domain.values": ("Correction", "Layout", "Source"),
    "ledger.errors": ("LedgerError",),
    "ledger.ledger": ("Ledger",),
    "ledger.projections.projection": ("Projection", "handles"),
    "ledger.results": ("EntryVersion",),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
