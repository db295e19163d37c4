"""The commands that bring an entry to what a page's versions say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from msgspec import UNSET

from ledger.domain import ids
from ledger.domain.commands import (
    Command,
    CreateEntry,
    EditEntry,
    EntryCommand,
    ReinstateEntry,
    RetractEntry,
)
from ledger.domain.decide import Decided, decide
from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.values import Basis
from ledger.interchange.versions import PageVersion
from ledger.pages.model import Page

# What a Changes list does not tell about an older version.
ASSUMED = ("topic", "summary", "sources", "cover_image")

LEARNED = "contexts learned from related pages"

NOTHING_SAID: Mapping[str, object] = MappingProxyType({})


def creation(
    page: Page,
    version: PageVersion,
    contexts: Sequence[str],
    *,
    actor: str,
    origin: str | None = None,
    reason: str | None = None,
    entry: UUID | None = None,
) -> CreateEntry:
    """Return the command that creates an entry as the first of its page's versions.

    Args:
        page: The page.
        version: Its first version.
        contexts: What it touches.
        actor: Who says so.
        origin: Where.
        reason: Why.
        entry: Its id; None: by decision of its first path, as in every import.
    """
    entry = entry or ids.imported_entry_id(version.day, page.edition, version.path)
    return CreateEntry(
        actor=actor,
        reason=reason,
        published_at=version.published_at,
        basis=version.basis,
        origin=origin,
        id=ids.import_command_id(entry, 1, origin),
        entry=entry,
        date=version.day,
        headline=version.headline,
        slug=version.slug,
        topic=version.content.topic,
        summary=version.content.summary,
        sources=version.content.sources,
        cover_image=version.content.cover_image,
        contexts=tuple(contexts),
        edition=page.edition,
        layout=version.content.layout,
        inferred=() if version.known else ASSUMED,
    )


class EditWriter:
    """Writes the commands that lead one entry on, and rehearses each: a bad page fails alone.

    Attributes:
        commands: The commands so far.
        decided: What each makes happen, by its id.
        state: The entry after them.
    """

    def __init__(
        self,
        state: NewsEntry | CreateEntry,
        now: datetime,
        *,
        actor: str,
        origin: str | None,
        reason: str | None = None,
        path: str | None = None,
    ) -> None:
        """Begin with an entry that is at `path`, or with one that is to be created."""
        self.commands: list[Command] = []
        self.decided: dict[UUID, Decided] = {}
        self._now = now
        self._actor = actor
        self._origin = origin
        self._reason = reason
        self._path = path
        self._brought: set[str] = set()
        if isinstance(state, NewsEntry):
            self.state = state
        else:
            self.state = self._rehearsed(state, None)
            self.commands.append(state)

    def edit(
        self,
        version: PageVersion,
        said: Mapping[str, object] = NOTHING_SAID,
        add_contexts: tuple[str, ...] = (),
    ) -> None:
        """Edit the entry to what a version says, unless it says that already.

        Args:
            version: What a page tells.
            said: What imports have said before, field by field; the same again is no news.
            add_contexts: Contexts that were learned meanwhile.
        """
        # A page is at the path that the entry got, where another was at the one it wanted.
        stays = version.path == self._path
        wanted: dict[str, object] = {
            "date": self.state.date if stays else version.day,
            "headline": version.headline,
            "slug": self.state.slug if stays else version.slug,
            "topic": version.content.topic,
            "summary": version.content.summary,
            "sources": version.content.sources,
            "cover_image": version.content.cover_image,
            "edition": version.content.edition,
            "layout": version.content.layout,
        }
        changed = {
            name: value
            for name, value in wanted.items()
            if getattr(self.state, name) != value
            and (name in self._brought or said.get(name, UNSET) != value)
        }
        if "headline" in changed:
            # Where it was published, whatever the rule would give.
            changed["slug"] = wanted["slug"]
        inferred = () if version.known else ASSUMED
        if changed or (inferred != self.state.inferred and not said):
            # A page that has changed since it was imported does not tell when it did.
            dated = version.basis in {"listed", "commit"} or bool(self.commands)
            self._add(
                EditEntry,
                published_at=version.published_at if dated else None,
                basis=version.basis,
                add_contexts=add_contexts,
                inferred=inferred,
                **changed,
            )
        elif add_contexts:
            self.learn(add_contexts)

    def learn(self, contexts: tuple[str, ...]) -> None:
        """Give the entry more contexts, in a minor edit; one that is closed learns nothing."""
        if self.state.status != "active":
            return
        self._add(EditEntry, add_contexts=contexts, basis="inferred", reason=LEARNED, minor=True)

    def retract(self, published_at: datetime, basis: Basis) -> None:
        """Take the entry back: its page is gone."""
        self._add(RetractEntry, published_at=published_at, basis=basis)

    def reinstate(self, published_at: datetime, basis: Basis) -> None:
        """Undo the retraction: its page is back."""
        self._add(ReinstateEntry, published_at=published_at, basis=basis)

    def _add(self, kind: type[EntryCommand], **fields: object) -> None:
        about: dict[str, Any] = {"reason": self._reason} | fields
        command = kind(
            actor=self._actor,
            origin=self._origin,
            id=ids.import_command_id(self.state.id, self.state.version + 1, self._origin),
            entry=self.state.id,
            # Nobody may have come between since the page was compared.
            expected_version=self.state.version,
            **about,
        )
        self.state = self._rehearsed(command, self.state)
        self.commands.append(command)
        self._brought |= fields.keys()
        if "slug" in fields or "date" in fields:
            self._path = None

    def _rehearsed(self, command: Command, state: NewsEntry | None) -> NewsEntry:
        (event,) = decide(command, state, self._now, _NothingElse())
        self.decided[command.id] = Decided(state, event)
        return evolve(state, event)


class _NothingElse:
    """These commands ask for no other version and no other entry."""

    def version(self, entry: UUID, version: int) -> NewsEntry:
        raise LookupError(entry, version)

    def current(self, entry: UUID) -> NewsEntry:
        raise LookupError(entry)
