"""The pages of a repository: read, called by their paths, and told from noise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import NamedTuple

from msgspec.structs import replace

from ledger.domain.permalinks import parse_permalink
from ledger.errors import PageError
from ledger.interchange.files import decode_text
from ledger.interchange.git.essence import essence, shortened
from ledger.interchange.git.process import TooLarge
from ledger.interchange.git.recent import Recent
from ledger.interchange.git.repository import Change, Repository
from ledger.interchange.survey import Key
from ledger.interchange.versions import path_of, slug_of_file, with_slug
from ledger.pages.markdown import is_index, parse
from ledger.pages.model import Page

_DIGESTS_KEPT = 100_000


def key_of(page: Page) -> Key:
    """Return what a page that has a slug is called."""
    return page.edition, path_of(page)


class Found(NamedTuple):
    """A page, and whether its links or its file tell its path, or but its headline."""

    page: Page
    is_told: bool


class PageReader:
    """Reads pages.

    Args:
        repository: Where they are.
        edition: The edition of pages that do not tell theirs.
    """

    def __init__(self, repository: Repository, edition: str | None) -> None:
        self._repository = repository
        self._edition = edition
        self._digests: Recent[str, bytes] = Recent(_DIGESTS_KEPT)
        self._listed: tuple[str, Mapping[str, str], Mapping[str, list[str]]] = ("", {}, {})

    def page(self, file: str, content: bytes, *, is_whole: bool = False) -> Found | None:
        """Read a page, with its whole Related list or its first line; None: a day's index.

        Raises:
            PageError: It is no page.
        """
        if isinstance(content, TooLarge):
            raise PageError("it is larger than a page can be", 0)
        text, _ = decode_text(content if is_whole else shortened(content))
        if is_index(text):
            return None
        page = parse(text, self._edition)
        slug = page.slug or slug_of_file(page, f"/{file}")
        return Found(with_slug(replace(page, slug=slug)), slug is not None)

    def content(self, name: str) -> bytes:
        """Return the content of an object; see `Repository.content`."""
        return self._repository.content(name)

    def is_at(self, commit: str, file: str, key: Key) -> Page | None:
        """Return the page that a commit holds in a file, if it is called so."""
        name = self._files(commit)[0].get(file)
        if name is None:
            return None
        try:
            found = self.page(file, self.content(name))
        except PageError:
            return None
        return found.page if found is not None and key_of(found.page) == key else None

    def others_at(self, commit: str, file: str, key: Key) -> Iterator[tuple[str, Page]]:
        """Yield the other files of a commit that hold a page called so, as their names tell."""
        for other in self._files(commit)[1].get(key[1], ()):
            page = None if other == file else self.is_at(commit, other, key)
            if page is not None:
                yield other, page

    def _files(self, commit: str) -> tuple[Mapping[str, str], Mapping[str, list[str]]]:
        """Return the objects of a commit's files, and the files by the permalinks they tell."""
        if self._listed[0] != commit:
            files = dict(self._repository.files(commit))
            told: defaultdict[str, list[str]] = defaultdict(list)
            for file in files:
                link = parse_permalink(f"/{file}")
                if link is not None:
                    told[link.path].append(file)
            self._listed = (commit, files, told)
        return self._listed[1:]

    # Noise

    def is_noise(self, change: Change, content: bytes) -> bool:
        """Return whether a page changed in derived parts only; see `essence`."""
        if change.new is None:
            return False
        self._digests[change.new] = new = essence(content)
        if change.old is None:
            return False
        old = self._digests.get(change.old)
        return new == (old or self._digest(self._repository.content(change.old)))

    def broken(self, change: Change, content: bytes) -> None:
        """Note that a page was not understood: whatever mends it is no noise."""
        if change.new is not None:
            self._digests[change.new] = sha256(content).digest()

    def _digest(self, content: bytes) -> bytes:
        try:
            self.page("", content)
        except PageError:
            return sha256(content).digest()
        return essence(content)
