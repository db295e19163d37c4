"""Feeds made from pages: of an edition's newest entries, of its latest changes, of one entry's.

An entry is called by its id (`urn:uuid:...`), a version by a UUID made of that and its number
(version 5, RFC 9562), a feed by one made of the ledger's id: all are the same for life, whatever
the address of the site.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import msgspec

from ledger.domain.editions import EDITIONS
from ledger.pages.addresses import FRONT
from ledger.pages.diffs import changes_html
from ledger.pages.feeds.model import Feed, FeedItem, FeedSource
from ledger.pages.html_parts import anchor, words
from ledger.pages.inline import is_safe, to_html, to_plain
from ledger.pages.labels import LABELS
from ledger.pages.links import Links
from ledger.pages.model import EntryPage, Revision
from ledger.pages.words import WORDS

Kind = Literal["newest", "changes"]

_ENDINGS = frozenset({"EntryRetracted", "EntryMerged"})

_ERASURE = "EntryErased"


class Feeds(msgspec.Struct, frozen=True):
    """Makes the feeds of one site.

    Attributes:
        ledger: The id of the ledger.
        base: The address of the site, without a trailing slash.
    """

    ledger: UUID
    base: str

    def of_edition(
        self, kind: Kind, edition: str, address: str, items: Sequence[FeedItem]
    ) -> Feed:
        """Return a feed of an edition.

        Args:
            kind: Of the newest entries, or of the latest changes.
            edition: Its code.
            address: Where the feed is on the site, from its root.
            items: The newest first; at least one.
        """
        title = WORDS[edition].title
        if kind == "changes":
            title = f"{title}: {LABELS[edition].changes}"
        return Feed(
            id=uuid5(self.ledger, f"{kind} {edition}").urn,
            url=self.base + address,
            page=self._url(edition, FRONT),
            title=title,
            author=self._author,
            language=EDITIONS[edition].language,
            items=tuple(items),
        )

    def of_entry(self, page: EntryPage, address: str) -> Feed:
        """Return the feed of an entry's changes, all of them.

        Args:
            page: The page of its current version.
            address: Where the feed is on the site, from its root.
        """
        edition = page.page.edition
        return Feed(
            id=uuid5(page.entry, "changes").urn,
            url=self.base + address,
            page=self._own_url(page),
            title=f"{LABELS[edition].changes}: {_title(page.page.headline)}",
            author=self._author,
            language=EDITIONS[edition].language,
            items=tuple(self.change(page, revision) for revision in reversed(told(page))),
        )

    def entry(self, page: EntryPage) -> FeedItem:
        """Return an entry as an item, from the page of its current version.

        It is updated by what readers are told of alone; see `Revision.is_told`.
        """
        gone, ending = _gone(page), _ending(page)
        return FeedItem(
            id=page.entry.urn,
            url=self._own_url(page),
            title=_title(page.page.headline),
            html=self._absolute(_content(page) if gone is None else self._farewell(page, gone)),
            language=page.language,
            published_at=page.first_published_at,
            updated_at=page.updated_at if ending is None else ending.updated_at,
            categories=_categories(page),
            sources=_sources(page) if gone is None else (),
            gone=gone and _with_heir(page, gone),
        )

    def change(self, page: EntryPage, revision: Revision) -> FeedItem:
        """Return a version as an item.

        It is published when it was stated to be, be it before earlier versions; but updates never
        run backwards within an entry, so that a reader who asks for what is new is told of it.

        Args:
            page: The page of the entry's current version.
            revision: The version, one of `told`.
        """
        edition = revision.edition
        is_elsewhere = edition != page.page.edition
        said = WORDS[edition]
        note = next((note for note in page.notes if note.version == revision.version), None)
        name = said.events[revision.type] if note is None else said.kinds[note.kind]
        gone = said.erased if revision.erased else None
        content = _paragraph(words(gone or name))
        if gone is None:
            content += changes_html(revision.diffs, edition)
            content += "" if note is None else _paragraph(to_html(note.text))
        return FeedItem(
            id=uuid5(page.entry, str(revision.version)).urn,
            url=self._url(edition, revision.path),
            title=f"{name[:1].upper()}{name[1:]}: {_title(revision.headline)}",
            html=self._absolute(content),
            language=EDITIONS[edition].language if is_elsewhere else page.language,
            published_at=revision.published_at,
            updated_at=_erased_at(page, revision) or revision.updated_at,
            categories=_categories(page),
            gone=gone,
            ends=page.entry.urn if revision == _ending(page) else None,
        )

    @property
    def _author(self) -> str:
        return urlsplit(self.base).netloc

    def _own_url(self, page: EntryPage) -> str:
        return self._url(page.page.edition, page.page.path or "")

    def _farewell(self, page: EntryPage, gone: str) -> str:
        said = _paragraph(words(gone))
        if (merged := page.merged_into) is None:
            return said
        link = anchor(self._url(merged.edition, merged.path), words(_title(merged.headline)))
        return said + _paragraph(words(WORDS[page.page.edition].merged_into).format(link))

    def _url(self, edition: str, path: str) -> str:
        return self.base + Links(edition, path, "html").to(path)

    def _absolute(self, html: str) -> str:
        """Return HTML whose links lead from anywhere to the site."""
        return html.replace(' href="/', f' href="{words(self.base)}/')


def told(page: EntryPage) -> list[Revision]:
    """Return the versions of an entry that feeds tell of, oldest first."""
    return [revision for revision in page.history if revision.is_told]


def _gone(page: EntryPage) -> str | None:
    said = WORDS[page.page.edition]
    if page.status == "active" or page.status_since is None:
        return said.erased if page.erased else None
    return said.notices[page.status].format(f"{page.status_since:%Y-%m-%d}")


def _with_heir(page: EntryPage, gone: str) -> str:
    if page.merged_into is None:
        return gone
    said = WORDS[page.page.edition].merged_into
    return f"{gone} {said.format(_title(page.merged_into.headline))}"


def _erased_at(page: EntryPage, revision: Revision) -> datetime | None:
    """Return when the text of a version was last known to be erased; None where it was not."""
    erasures = [one.updated_at for one in page.history if one.type == _ERASURE]
    return erasures[-1] if revision.erased and erasures else None


def _ending(page: EntryPage) -> Revision | None:
    """Return the version by which an entry came to its end; None where it stands."""
    if page.status == "active":
        return None
    return next(one for one in reversed(page.history) if one.type in _ENDINGS)


def _content(page: EntryPage) -> str:
    shown, said = page.page, WORDS[page.page.edition]
    parts = [_paragraph(to_html(shown.headline if shown.summary is None else shown.summary))]
    parts += (
        _paragraph(f"<strong>{words(said.kinds[note.kind])}:</strong> {to_html(note.text)}")
        for note in page.notes
    )
    if shown.sources:
        names = (
            f"<li>{anchor(source.url, to_html(source.name, links=False))}</li>"
            for source in shown.sources
        )
        heading = _paragraph(words(LABELS[shown.edition].sources))
        parts.append(f"{heading}<ol>{''.join(names)}</ol>")
    return "".join(parts)


def _title(headline: str) -> str:
    return to_plain(headline).strip()


def _paragraph(html: str) -> str:
    return f'<p dir="auto">{html}</p>'


def _categories(page: EntryPage) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(to_plain, page.contexts)))


def _sources(page: EntryPage) -> tuple[FeedSource, ...]:
    return tuple(
        FeedSource(to_plain(source.name), source.url)
        for source in page.page.sources
        if is_safe(source.url)
    )
