"""The versions that a published page tells of, and the path that it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ledger.domain import editions, permalinks
from ledger.domain.values import Basis
from ledger.errors import PageError
from ledger.interchange.files import SUFFIXES
from ledger.pages.model import Page


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
    return slug_of_file(page, file.absolute().as_posix())


def slug_of_file(page: Page, file: str) -> str | None:
    """Return the slug that a file's name tells, if it lies where the page of that day does."""
    name, dot, suffix = file.rpartition(".")
    link = permalinks.parse_permalink(name if f"{dot}{suffix}".lower() in SUFFIXES else file)
    return link.slug if link is not None and link.day == page.day else None


def with_slug(page: Page, file: Path | None = None) -> Page:
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
