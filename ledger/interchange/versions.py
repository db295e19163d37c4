"""The versions that a published page tells of, and the commands that store them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ledger.domain import editions, ids, permalinks
from ledger.domain.commands import Command, CreateEntry, EditEntry
from ledger.domain.decide import decide
from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.values import Basis
from ledger.errors import PageError
from ledger.interchange.files import SUFFIXES
from ledger.pages.model import Page

# What a Changes list does not tell about an older version.
ASSUMED = ("topic", "summary", "sources", "cover_image")

LEARNED = "contexts learned from related pages"


class PageVersion(msgspec.Struct, frozen=True):
    """One version that a page tells of.

    Attributes:
        day, slug, headline: What the Changes list tells of it.
        content: The page whose topic, summary, sources and cover image it had.
        published_at: When it became public; aware, UTC.
        basis: How that time is known.
        known: Whether `content` is its own page, or an assumption.
    """

    day: date
    slug: str
    headline: str
    content: Page
    published_at: datetime
    basis: Basis
    known: bool

    @property
    def path(self) -> str:
        """Where it was published, without edition prefix and extension."""
        return permalinks.path_of(self.day, self.slug)


def told_slug(page: Page, file: Path | None) -> str | None:
    """Return the slug that a page's links tell, else its file; None where neither does."""
    if page.slug is not None or file is None:
        return page.slug
    if file.suffix.lower() in SUFFIXES:
        file = file.with_suffix("")
    link = permalinks.parse_permalink("/" + file.absolute().as_posix())
    return link.slug if link is not None and link.day == page.day else None


def with_slug(page: Page, file: Path | None) -> Page:
    """Return a page that knows its path: by its links, else by its file, else by the rule."""
    slug = told_slug(page, file)
    if slug is None:
        slug = permalinks.slugify(page.headline, editions.edition(page.edition))
    return replace(page, slug=slug)


def path_of(page: Page) -> str:
    """Return the path of a page that has a slug."""
    if page.path is None:
        raise PageError("it has no path")
    return page.path


def versions_of(
    page: Page, now: datetime, older_page: Callable[[str, str], Page | None]
) -> list[PageVersion]:
    """Return the versions that a page tells of, oldest first; the last is its own.

    Times come from the Changes list. Without one, the entry's date stands in for it; the current
    version has no time there, so the earliest it can be is assumed.

    Args:
        page: A page that has a slug.
        now: The present time, aware: no version is later.
        older_page: Returns the page of an older version, given its path and headline.
    """
    slug = page.slug or ""
    if len(page.changes) < 2:
        midnight = min(datetime.combine(page.day, time(), UTC), now)
        return [PageVersion(page.day, slug, page.headline, page, midnight, "inferred", known=True)]
    found: list[PageVersion] = []
    published_at = now
    for change in page.changes[:-1]:
        link = permalinks.parse_permalink(change.path)
        if link is None or change.published_at is None:
            raise PageError(f"the change at {change.path} has no permalink or no time")
        published_at = change.published_at
        own = older_page(change.path, change.headline)
        found.append(
            PageVersion(
                link.day,
                link.slug,
                change.headline,
                own or page,
                published_at,
                "listed",
                known=own is not None,
            )
        )
    found.append(
        PageVersion(page.day, slug, page.headline, page, published_at, "inferred", known=True)
    )
    return _carried_forward(found)


def _carried_forward(versions: Sequence[PageVersion]) -> list[PageVersion]:
    """Assume of a version without a page what the one before it said, if that is known."""
    found: list[PageVersion] = []
    content: Page | None = None
    for version in versions:
        if version.known:
            content = version.content
        found.append(version if content is None else replace(version, content=content))
    return found


def creation(
    page: Page,
    version: PageVersion,
    contexts: Sequence[str],
    *,
    actor: str,
    origin: str | None = None,
) -> CreateEntry:
    """Return the command that creates an entry as the first of its page's versions."""
    entry = ids.imported_entry_id(version.day, page.edition, version.path)
    return CreateEntry(
        actor=actor,
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
        state: The entry after them.
    """

    def __init__(
        self, state: NewsEntry | CreateEntry, now: datetime, *, actor: str, origin: str | None
    ) -> None:
        self.commands: list[Command] = []
        self._now = now
        self._actor = actor
        self._origin = origin
        if isinstance(state, NewsEntry):
            self.state = state
        else:
            self.state = self._rehearsed(state, None)
            self.commands.append(state)

    def edit(self, version: PageVersion, contexts: tuple[str, ...]) -> None:
        """Edit the entry to what a version says, unless it says that already."""
        wanted: dict[str, object] = {
            "date": version.day,
            "headline": version.headline,
            "slug": version.slug,
            "topic": version.content.topic,
            "summary": version.content.summary,
            "sources": version.content.sources,
            "cover_image": version.content.cover_image,
            "contexts": contexts,
            "layout": version.content.layout,
        }
        changed = {
            name: value for name, value in wanted.items() if getattr(self.state, name) != value
        }
        if "headline" in changed:
            # Where it was published, whatever the rule would give.
            changed["slug"] = version.slug
        inferred = () if version.known else ASSUMED
        if set(changed) == {"contexts"}:
            self.learn(contexts)
        elif changed or inferred != self.state.inferred:
            # A page that has changed since it was imported does not tell when it did.
            dated = version.basis == "listed" or bool(self.commands)
            self._add(
                published_at=version.published_at if dated else None,
                basis=version.basis,
                inferred=inferred,
                **changed,
            )

    def learn(self, contexts: tuple[str, ...]) -> None:
        """Give the entry its contexts, in a minor edit; one that is closed learns nothing."""
        if self.state.status != "active":
            return
        self._add(contexts=contexts, basis="inferred", reason=LEARNED, minor=True)

    def _add(self, **fields: object) -> None:
        command = EditEntry(
            actor=self._actor,
            origin=self._origin,
            id=ids.import_command_id(self.state.id, self.state.version + 1, self._origin),
            entry=self.state.id,
            **fields,  # type: ignore[arg-type]
        )
        self.state = self._rehearsed(command, self.state)
        self.commands.append(command)

    def _rehearsed(self, command: Command, state: NewsEntry | None) -> NewsEntry:
        (event,) = decide(command, state, self._now, _NothingElse())
        return evolve(state, event)


class _NothingElse:
    """These commands ask for no other version and no other entry."""

    def version(self, entry: UUID, version: int) -> NewsEntry:
        raise LookupError(entry, version)

    def current(self, entry: UUID) -> NewsEntry:
        raise LookupError(entry)
