"""Sitemaps (sitemaps.org): the addresses of the current pages, and when each changed last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from ledger.pages.feeds.markup import text
from ledger.pages.times import rfc3339

MOST_URLS = 50_000
MOST_BYTES = 52_428_800
"""How much one sitemap may hold, by the protocol."""

NAME = "sitemap.xml"


class Location(NamedTuple):
    """The absolute address of a page, percent-encoded, and when it changed last (aware, UTC)."""

    url: str
    changed_at: datetime | None


def sitemaps(
    base: str, locations: Iterable[Location], most: int = MOST_URLS
) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each sitemap file; `sitemap.xml` comes last.

    That is the sitemap itself; or, where one cannot hold all, the index of `sitemap-1.xml`,
    `sitemap-2.xml` and so on.

    Args:
        base: The address of the site, without a trailing slash.
        locations: At least one.
        most: How many of them one file may hold.
    """
    parts: list[Location] = []
    held: list[Location] = []
    room = MOST_BYTES - len(_document("urlset", "url", ()).encode())
    size = 0
    for location in locations:
        needs = len(_line("url", location).encode())
        if len(held) == most or size + needs > room:
            name = f"sitemap-{len(parts) + 1}.xml"
            parts.append(_part(base, name, held))
            yield name, _document("urlset", "url", held)
            held, size = [], 0
        held.append(location)
        size += needs
    if not parts:
        yield NAME, _document("urlset", "url", held)
        return
    name = f"sitemap-{len(parts) + 1}.xml"
    parts.append(_part(base, name, held))
    yield name, _document("urlset", "url", held)
    yield NAME, _document("sitemapindex", "sitemap", parts)


def _part(base: str, name: str, held: Sequence[Location]) -> Location:
    times = [location.changed_at for location in held if location.changed_at is not None]
    return Location(f"{base}/{name}", max(times, default=None))


def _document(root: str, name: str, locations: Iterable[Location]) -> str:
    lines = "".join(_line(name, location) for location in locations)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}</{root}>\n'
    )


def _line(name: str, location: Location) -> str:
    at = location.changed_at
    changed = "" if at is None else f"<lastmod>{rfc3339(at)}</lastmod>"
    return f"<{name}><loc>{text(location.url)}</loc>{changed}</{name}>\n"
