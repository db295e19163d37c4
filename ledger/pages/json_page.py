"""Pages as JSON, as `schemas/page.schema.json` documents it."""

from __future__ import annotations

import msgspec

from ledger.pages.links import AnyPage
from ledger.pages.record import record_of


def render(page: AnyPage) -> str:
    """Return a page as a JSON object, its keys always in the same order."""
    said = msgspec.json.encode(record_of(page, "json"))
    return msgspec.json.format(said, indent=2).decode() + "\n"
