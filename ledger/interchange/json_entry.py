"""A new entry as a JSON object."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ledger.domain.values import Source
from ledger.errors import InvalidInput


class JSONEntry(msgspec.Struct, forbid_unknown_fields=True):
    """What the object may hold; the names are those of `domain.commands.CreateEntry`."""

    date: date | UnsetType = UNSET
    headline: str | UnsetType = UNSET
    topic: str | UnsetType | None = UNSET
    summary: str | UnsetType | None = UNSET
    sources: tuple[Source, ...] | UnsetType = UNSET
    cover_image: str | UnsetType | None = UNSET
    contexts: tuple[str, ...] | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    edition: str | UnsetType = UNSET
    language: str | UnsetType = UNSET


def fields_of_json(text: str) -> dict[str, Any]:
    """Return the fields that a JSON object names.

    Raises:
        InvalidInput: It is no such object.
    """
    try:
        given = msgspec.json.decode(text, type=JSONEntry)
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"the JSON is no entry: {error}") from None
    return {
        name: value for name, value in msgspec.structs.asdict(given).items() if value is not UNSET
    }
