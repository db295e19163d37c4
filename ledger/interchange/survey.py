"""The first pass of an import: what only all pages together tell.

Which contexts each entry touches, which pages are older versions of others, and which path a page
has that does not tell its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from hashlib import sha256
from itertools import chain, count, zip_longest

import msgspec
from msgspec.structs import replace

from ledger.errors import PageError
from ledger.interchange.files import Failure, PageFile, read_text
from ledger.interchange.versions import path_of, told_slug, with_slug
from ledger.pages.labels import LABELS
from ledger.pages.markdown import is_index, parse, render
from ledger.pages.model import ChangeLine, Page

Key = tuple[str, str]
"""Edition and path: what a page is called by other pages."""


class Found(msgspec.Struct, frozen=True):
    """A page of the input: where it lies, and what it is called."""

    file: PageFile
    key: Key


class _Seen(msgspec.Struct, frozen=True):
    file: PageFile
    headline: str
    digest: bytes


class Survey:
    """Reads pages one by one and keeps of each only what others need.

    Args:
        edition: The edition of pages that do not tell theirs.

    Attributes:
        indexes: How many day indexes there were, which are derived.
        repeated: How many pages were there once more, to the letter.
        notes: Pages that would be rendered differently.
    """

    def __init__(self, edition: str | None = None) -> None:
        self.indexes = 0
        self.repeated = 0
        self.notes: list[Failure] = []
        self._edition = edition
        self._seen: dict[Key, _Seen] = {}
        self._earlier: dict[Key, list[Key]] = {}
        self._learned: defaultdict[Key, set[str]] = defaultdict(set)

    def __contains__(self, key: Key) -> bool:
        """Return whether a page of the input is called so."""
        return key in self._seen

    def add(self, file: PageFile) -> Found | None:
        """Read a page; None where there is nothing to store.

        Raises:
            PageError: It is no page.
        """
        text, is_exact = ("", True) if file.is_index else read_text(file.path)
        if file.is_index or is_index(text):
            self.indexes += 1
            return None
        whole = parse(text, self._edition)
        page = self._cut(whole, text)
        key = self._key(file, page)
        seen = _Seen(file, page.headline, sha256(text.encode()).digest())
        if key in self._seen and self._seen[key].digest == seen.digest:
            self.repeated += 1
            return None
        self._seen[key] = seen
        learn(self._learned, key, page)
        self._earlier[key] = [(page.edition, change.path) for change in page.changes[:-1]]
        found = Found(file, key)
        if is_exact:
            self._note_difference(found, text, whole)
        else:
            message = "its line ends or byte order mark are not kept"
            self.notes.append(Failure(str(file.path), 0, message))
        return found

    def page(self, found: Found) -> Page:
        """Read a page again, with the path it was found to have.

        Raises:
            PageError: It is no page any more.
        """
        text, _ = read_text(found.file.path)
        return _called(self._cut(parse(text, self._edition), text), found.key)

    def page_at(self, key: Key) -> Page | None:
        """Return the page of the input at a path, or None."""
        seen = self._seen.get(key)
        return None if seen is None else self.page(Found(seen.file, key))

    def newer(self) -> dict[Key, Key]:
        """Return the pages that are older versions of others, each with the page that lists it.

        Where two pages list each other, the one with the longer list is the newer.
        """
        newer: dict[Key, Key] = {}
        for key, earlier in self._earlier.items():
            for old in earlier:
                back = self._earlier.get(old, [])
                is_stale = key in back and (len(back), old) > (len(earlier), key)
                if old != key and {old, key} <= self._seen.keys() and not is_stale:
                    newer[old] = key
        return newer

    def learned(self, owner: Callable[[Key], Key | None]) -> dict[Key, set[str]]:
        """Return the contexts that were learned of each entry, under the path it has now.

        Args:
            owner: Returns the present path of the entry that the ledger has at a path, if any.
        """
        newer = self.newer()
        # A path that only a list names, and no page of the input has, is an older one too.
        named = {old: key for key, earlier in self._earlier.items() for old in earlier}
        found: defaultdict[Key, set[str]] = defaultdict(set)
        for key, contexts in self._learned.items():
            at = key
            passed = {at}
            while at in newer or at not in self._seen:
                then = newer.get(at) or named.get(at) or owner(at)
                if then is None or then in passed:
                    break
                passed.add(then)
                at = then
            found[at] |= contexts
        return found

    def _cut(self, page: Page, text: str) -> Page:
        """Return a page whose Changes list ends with the version that it shows."""
        if page.changes and page.changes[-1].headline != page.headline:
            own = next((c for c in page.changes if _is_own(c, page)), None)
            if own is None:
                line = text.split("\n").index(f"### {LABELS[page.edition].changes}:") + 1
                message = "the current version in the Changes list has another headline"
                raise PageError(message, line)
            # An older version's page, which lists those after it too: the list ends at itself.
            earlier = page.changes[: page.changes.index(own)]
            self._earlier.setdefault(
                (page.edition, page.changes[-1].path),
                [(page.edition, change.path) for change in page.changes[:-1]],
            )
            last = ChangeLine(page.headline, own.path, None, "current_version")
            page = replace(page, changes=(*earlier, last) if earlier else ())
        return page

    def _key(self, file: PageFile, page: Page) -> Key:
        """Return what a page is called; of two that only the rule calls the same, one gets -2."""
        path = path_of(with_slug(page, file.path))
        if told_slug(page, file.path) is not None:
            return page.edition, path
        numbered = (f"{path}-{number}" for number in count(2))
        for candidate in chain((path,), numbered):
            seen = self._seen.get((page.edition, candidate))
            if seen is None or seen.headline == page.headline:
                break
        return page.edition, candidate

    def _note_difference(self, found: Found, text: str, page: Page) -> None:
        """Note the first line that would not come back as it is; the Related list is derived."""
        rendered = render(replace(_called(page, found.key), related=())).split("\n")
        lines = text.split("\n")
        heading = f"### {LABELS[page.edition].related}:"
        if heading in lines:
            lines = [*lines[: lines.index(heading) - 1], ""]
        for number, (was, is_) in enumerate(zip_longest(lines, rendered), 1):
            if was != is_:
                message = f"{_short(was)} would be rendered as {_short(is_)}"
                self.notes.append(Failure(str(found.file.path), number, message))
                return


def learn(learned: defaultdict[Key, set[str]], key: Key, page: Page) -> None:
    """Add which contexts a page tells that its entry and its related entries touch."""
    if page.topic and page.topic.strip():
        learned[key].add(page.topic)
    for line in page.related:
        # What A's page says it shares with B, both have.
        learned[key].update(line.contexts)
        learned[page.edition, line.path].update(line.contexts)


def _short(line: str | None, most: int = 60) -> str:
    line = line or ""
    return repr(line if len(line) <= most else line[: most - 3] + "...")


def _is_own(change: ChangeLine, page: Page) -> bool:
    return change.headline == page.headline and page.path in {None, change.path}


def _called(page: Page, key: Key) -> Page:
    return replace(page, slug=key[1].rpartition("/")[2])
