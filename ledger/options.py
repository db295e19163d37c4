"""The options of the facade's commands, as keyword arguments."""

from __future__ import annotations

from datetime import date, datetime
from typing import Required, TypedDict
from uuid import UUID

from ledger.domain.values import Basis, Layout, Source


class CommandOptions(TypedDict, total=False):
    """What every command takes; see `domain.commands.Command`."""

    actor: Required[str]
    reason: str | None
    minor: bool
    published_at: datetime | None
    basis: Basis
    origin: str | None
    id: UUID
    expected_version: int | None


class EraseOptions(TypedDict, total=False):
    """What an erasure takes; see `domain.commands.EraseVersions`."""

    actor: Required[str]
    reason: Required[str]
    text: bool
    names: bool
    id: UUID
    expected_version: int | None


class CreateOptions(CommandOptions, total=False):
    """What a new entry takes beside date and headline; see `domain.commands.CreateEntry`."""

    entry: UUID | None
    slug: str | None
    topic: str | None
    summary: str | None
    sources: tuple[Source, ...]
    cover_image: str | None
    contexts: tuple[str, ...]
    language: str | None
    edition: str
    layout: Layout
    inferred: tuple[str, ...]


class EditOptions(CommandOptions, total=False):
    """What an edit takes: a field left out stays, None removes it."""

    date: date
    headline: str
    slug: str
    topic: str | None
    summary: str | None
    sources: tuple[Source, ...]
    cover_image: str | None
    contexts: tuple[str, ...]
    language: str
    edition: str
    layout: Layout
    add_sources: tuple[Source, ...]
    remove_sources: tuple[int, ...]
    add_contexts: tuple[str, ...]
    remove_contexts: tuple[str, ...]
    inferred: tuple[str, ...]
