"""The pages of a repository: read, called by their paths, and told from noise."""

from __future__ import annotations

from msgspec.structs import replace

from ledger.interchange.files import decode_text
from ledger.interchange.git.essence import essence
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

    def page(self, file: str, content: bytes) -> Page | None:
        """Read a page, which gets its slug from its links, its file, or the rule.

        Returns:
            The page; None where it is a day's index.

        Raises:
            PageError: It is no page.
        """
        text, _ = decode_text(content)
        if is_index(text):
            return None
        page = parse(text, self._edition)
        if page.slug is None:
            page = replace(page, slug=slug_of_file(page, f"/{file}"))
        return with_slug(page)

    def content(self, name: str) -> bytes:
        """Return the content of an object; see `Repository.content`."""
        return self._repository.content(name)

    def has(self, commit: str, file: str) -> bool:
        """Return whether a commit holds a file."""
        return self._repository.has(commit, file)

    def is_noise(self, change: Change, content: bytes) -> bool:
        """Return whether a page changed in derived parts only; see `essence`."""
        if change.new is None:
            return False
        self._digests[change.new] = new = essence(content)
        if change.old is None:
            return False
        old = self._digests.get(change.old)
        return new == (old or essence(self._repository.content(change.old)))
