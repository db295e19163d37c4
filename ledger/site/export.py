"""A ledger as a static site: every page that is or was published, at its path.

Below the prefix of each edition (`/news`, `/zh/news`), each page as `.html`, `.json`, `.xml` and
`.md`:

    index                   the front page
    YYYY/MM/D/index         the entries of a day
    YYYY/MM/D/<slug>        an entry; at a path that it has left, the last version shown there
    contexts/index          all contexts
    contexts/<slug>         the entries that touch one

beside them the feeds of the newest entries (`index_rss.xml`, `index_atom.xml`,
`index_feed.json`), of the latest changes (`changes_rss.xml` and so on), and of each entry's
changes (`YYYY/MM/D/<slug>.changes.atom`); and at the root `index.html` and `sitemap.xml`.
"""

from __future__ import annotations

import heapq
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple, TypedDict
from uuid import UUID

from msgspec.structs import replace

from ledger.domain.editions import EDITIONS
from ledger.errors import InvalidInput
from ledger.irreplaceable import require_replaceable
from ledger.lists import LedgerLists
from ledger.pages.feeds import atom
from ledger.pages.feeds.build import Feeds, Kind, told
from ledger.pages.feeds.model import FeedItem
from ledger.pages.labels import LABELS
from ledger.pages.links import EXTENSIONS, AnyPage, FeedLink, links_of
from ledger.pages.model import DayPage, EntryPage, Revision
from ledger.pages.rendering import render
from ledger.pages.sitemap import Location, sitemaps
from ledger.projections import days
from ledger.projections.projector import Progress
from ledger.publishing import Publisher
from ledger.results import EntryVersion, When
from ledger.site.files import FEED_FORMATS, address_of, edition_feed, entry_feed, file_of
from ledger.site.folder import Folder, SiteReport
from ledger.site.root import root_page

BASE_URL = "http://localhost:8000"
"""Where `python -m http.server` has the site."""

MOST_ITEMS = 50
"""How many items a feed of an edition has; that of an entry has all its changes."""


_HOST = re.compile(
    r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?/?", re.IGNORECASE
)


_LAST_PORT = 65535


class _Moment(TypedDict):
    """What was public, of what was known."""

    as_of: When | None
    known_at: When | None


def export_site(
    reader: LedgerLists,
    root: Path,
    base_url: str | None = None,
    *,
    as_of: When | None = None,
    known_at: When | None = None,
    progress: Progress | None = None,
) -> SiteReport:
    """Write the site to a folder, or bring what an earlier export has left there up to date.

    Args:
        reader: Reads the ledger.
        root: The folder; made if it is not there.
        base_url: The address that the site will have, for feeds and sitemaps: a scheme and a
            host, without a path, since the pages link each other from the root. None: that of the
            last export into the folder, or else `BASE_URL`.
        as_of: The site as it was public then.
        known_at: The site of what the ledger knew then.
        progress: Is told how many entries were written, and how many there are.

    Raises:
        InvalidInput: The address is none, or the folder cannot be used; see `Folder`.
        InvalidTime: The log has no such position.
        StoreError: The log cannot be read.
    """
    if base_url is not None:
        base_url = _checked(base_url)
    require_replaceable(root)
    # What is appended meanwhile waits for the next export, so that no link leads nowhere.
    upto = reader.application.log.head().position if known_at is None else known_at
    identity = reader.application.log.identity()
    with Folder(root, identity.id) as folder:
        base = base_url or folder.base_url or BASE_URL
        _Site(reader, folder, Feeds(UUID(identity.id), base), as_of, upto).write(progress)
        return folder.finish(
            base, *(None if when is None else str(when) for when in (as_of, known_at))
        )


def _checked(base_url: str) -> str:
    """Return the address of a site without a trailing slash."""
    match = _HOST.fullmatch(base_url)
    if match is None or int(match["port"] or 0) > _LAST_PORT:
        raise InvalidInput(
            f"{base_url!r} is no address of a site: give a scheme and a host alone, as in "
            "https://news.example (a name in another script as xn--...)"
        )
    return base_url.rstrip("/").lower()


class _Change(NamedTuple):
    """A version that a feed of changes may tell of; they sort by when they became news."""

    updated_at: datetime
    entry: str
    version: int
    page: EntryPage
    revision: Revision


class _Site:
    """Writes one site.

    Args:
        reader: Reads the ledger.
        folder: Takes the files.
        feeds: Makes the feeds.
        as_of, known_at: The moment that is published.
    """

    def __init__(
        self,
        reader: LedgerLists,
        folder: Folder,
        feeds: Feeds,
        as_of: When | None,
        known_at: When,
    ) -> None:
        self._reader = reader
        self._pages = Publisher(reader)
        self._folder = folder
        self._feeds = feeds
        self._moment = _Moment(as_of=as_of, known_at=known_at)
        self._newest: defaultdict[str, list[FeedItem]] = defaultdict(list)
        self._latest: defaultdict[str, list[_Change]] = defaultdict(list)
        self._locations: list[Location] = []
        # The days, of each edition, that pages link.
        self._linked: set[tuple[str, date]] = set()

    def write(self, progress: Progress | None) -> None:
        """Write all files."""
        moment = self._reader.moment(**self._moment)
        total = len(self._reader.views.read(lambda db: days.find(db, moment), "days", "changes"))
        done = 0
        for edition in self._pages.editions(**self._moment):
            for page in self._days(edition):
                self._day(page)
                done += len(page.entries)
                if progress is not None:
                    progress(done, total)
        for edition, day in sorted(self._linked):
            self._put(self._pages.day(day, edition=edition, **self._moment))
        editions = [code for code in EDITIONS if code in {edition for edition, _ in self._linked}]
        for edition in editions:
            self._lists(edition)
        self._write("index.html", root_page(editions))
        home = Location(f"{self._feeds.base}/", None)
        for name, text in sitemaps(self._feeds.base, [home, *self._locations]):
            self._write(name, text)

    def _days(self, edition: str) -> Iterator[DayPage]:
        """Yield the pages of the days that have entries, the newest first."""
        day: date | None = date.max
        while day is not None:
            page = self._pages.day(day, edition=edition, **self._moment)
            if page.entries:
                yield page
            day = page.previous

    def _day(self, day: DayPage) -> None:
        """Write the pages of the entries of a day; the day's own waits for all that link it."""
        self._linked.add((day.edition, day.day))
        pages = [self._entry(teaser.entry) for teaser in day.entries]
        self._locate(day, max(page.updated_at for page in pages))
        items = self._newest[day.edition]
        if len(items) < MOST_ITEMS:
            found = map(self._feeds.entry, pages)
            items += sorted(found, key=lambda item: item.published_at, reverse=True)
            del items[MOST_ITEMS:]

    def _entry(self, entry: UUID) -> EntryPage:
        """Write an entry at every path that it ever had, and the feed of its changes."""
        page = self._page(self._reader.get(entry, **self._moment))
        shows = {(one.edition, one.path): one.version for one in page.history}
        for version in shows.values():
            if version == page.version:
                self._put_entry(page)
            else:
                self._old_entry(entry, version)
        if page.status == "active":
            self._locate(page, page.updated_at)
        self._changes(page)
        return page

    def _old_entry(self, entry: UUID, version: int) -> None:
        """Write the page of an older version of an entry."""
        shown = self._reader.get(entry, version=version)
        page = self._page(replace(shown, **self._moment))
        self._linked.add((page.page.edition, page.page.day))
        self._put_entry(page)

    def _page(self, shown: EntryVersion) -> EntryPage:
        """Return the page of an entry, whose links lead to pages of the site."""
        page = self._pages.entry(shown)
        layout = replace(page.page.layout, prefix=None, day_prefix=None)
        return replace(page, page=replace(page.page, layout=layout))

    def _changes(self, page: EntryPage) -> None:
        """Write the feed of an entry's changes, and keep those that an edition's may tell of."""
        path = entry_feed(page)
        if path is None:
            self._folder.note(f"{page.page.path} has no feed of its changes: the name is too long")
        else:
            self._write(path, atom.render(self._feeds.of_entry(page, address_of(path))))
        for revision in told(page):
            latest = self._latest[revision.edition]
            change = _Change(
                revision.updated_at, str(page.entry), revision.version, page, revision
            )
            if len(latest) < MOST_ITEMS:
                heapq.heappush(latest, change)
            else:
                heapq.heappushpop(latest, change)

    def _lists(self, edition: str) -> None:
        """Write the front page of an edition, its feeds, and its contexts."""
        feeds = list(self._edition_feeds(edition))
        self._put_listed(self._pages.front(edition, **self._moment), feeds)
        contexts = self._pages.contexts(edition, **self._moment)
        self._put_listed(contexts)
        for line in contexts.contexts:
            self._put_listed(self._pages.context(line.context, edition, **self._moment))

    def _edition_feeds(self, edition: str) -> Iterator[FeedLink]:
        """Write the feeds of an edition, and yield where they are."""
        latest = sorted(self._latest[edition], reverse=True)
        feeds: dict[Kind, list[FeedItem]] = {
            "newest": self._newest[edition],
            "changes": [self._feeds.change(one.page, one.revision) for one in latest],
        }
        for kind, items in feeds.items():
            for format_ in FEED_FORMATS if items else ():
                path = edition_feed(kind, edition, format_)
                feed = self._feeds.of_edition(kind, edition, address_of(path), items)
                self._write(path, format_.render(feed))
                yield FeedLink(format_.type, feed.title, address_of(path))

    def _put_listed(self, page: AnyPage, feeds: Sequence[FeedLink] = ()) -> None:
        self._put(page, feeds)
        self._locate(page, None)

    def _put_entry(self, page: EntryPage) -> None:
        feed = entry_feed(page)
        title = LABELS[page.page.edition].changes
        links = () if feed is None else (FeedLink(atom.TYPE, title, address_of(feed)),)
        self._put(page, links)

    def _put(self, page: AnyPage, feeds: Sequence[FeedLink] = ()) -> None:
        """Write a page in all formats."""
        own = links_of(page, "")
        for extension in EXTENSIONS:
            text = render(page, extension, feeds)
            self._write(file_of(own.edition, own.own, f".{extension}"), text)

    def _write(self, path: str, text: str) -> None:
        self._folder.put(path, text.encode())

    def _locate(self, page: AnyPage, changed_at: datetime | None) -> None:
        links = links_of(page, "html")
        self._locations.append(Location(self._feeds.base + links.to(links.own), changed_at))
