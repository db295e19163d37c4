"""Slugs and paths: where an entry's page lives.

A path is `/news/YYYY/MM/D/<slug>`: four-digit year, two-digit month, day without a leading zero.
It is the same in every edition; an edition's own prefix (`/zh/news`) comes with its links.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from urllib.parse import unquote

import msgspec

from ledger.domain.editions import EDITIONS, Edition
from ledger.errors import InvalidInput

ASCII_SLUG_BYTES = 140
OTHER_SLUG_CHARACTERS = 60

# File systems take names of 255 bytes, and an extension follows.
MOST_SLUG_BYTES = 240
ROOT = "/news"

# A slug of ours must not shadow a page that is always there.
RESERVED_SLUGS = frozenset({"index", "readme"})

ERASED = "~erased-"
"""What the slug of a version begins with whose own was erased; no other has one like it."""

_NO_ASCII_SLUG = re.compile(r"[^a-z0-9]+")
_NO_SLUG = re.compile(r"[/\\?#%\s]")
_EXTENSION = re.compile(r"\.(?:md|html|json|xml)$")
_PATH = re.compile(r"(?P<prefix>.*?)/(?P<y>\d{4})/(?P<m>\d{2})/(?P<d>\d{1,2})/(?P<slug>[^/]+)")


def slugify(headline: str, edition: Edition) -> str:
    """Return the slug that the site gives a headline.

    An ASCII edition takes the first 140 bytes, folds them to ASCII without accents and in lower
    case, and makes every run of anything but a letter or digit one `-`. Other editions take the
    first 60 characters, drop `.` and `,`, and keep letters, digits and their case: this gives all
    924 slugs of the corpus. `entry` stands in where nothing is left.
    """
    if edition.ascii_slugs:
        cut = headline.encode()[:ASCII_SLUG_BYTES].decode(errors="ignore")
        # Folding can lengthen: one sign may stand for several letters.
        slug = _NO_ASCII_SLUG.sub("-", _folded(cut).lower())[:MOST_SLUG_BYTES]
    else:
        cut = re.sub(r"[.,]", "", headline[:OTHER_SLUG_CHARACTERS])
        slug = re.sub("-+", "-", "".join(c if _is_word(c) else "-" for c in cut))
    return slug.strip("-") or "entry"


def _folded(text: str) -> str:
    """Return `text` without accents."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _is_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN"


def path_of(day: date, slug: str) -> str:
    """Return the path of a page, without edition prefix and extension."""
    return f"{ROOT}/{day.year:04}/{day.month:02}/{day.day}/{slug}"


def day_path(day: date) -> str:
    """Return the path of a day's index, without edition prefix and extension."""
    return path_of(day, "index")


def with_prefix(path: str, prefix: str) -> str:
    """Return `path` as it is linked under `prefix`."""
    return prefix + path.removeprefix(ROOT)


class Permalink(msgspec.Struct, frozen=True):
    """A permalink taken apart.

    Attributes:
        day: The day it names.
        slug: Its last part, without an extension.
        prefix: What stands before the date, as written.
    """

    day: date
    slug: str
    prefix: str

    @property
    def path(self) -> str:
        """The path, without edition prefix and extension."""
        return path_of(self.day, self.slug)

    @property
    def editions(self) -> list[str]:
        """The codes of all editions, those first whose prefix this one ends in."""

        def unlikeness(code: str) -> int:
            prefix = EDITIONS[code].prefix
            return -len(prefix) if f"/{self.prefix}".endswith(prefix) else 1

        return sorted(EDITIONS, key=unlikeness)


def parse_permalink(text: str) -> Permalink | None:
    """Take a permalink or a page's file name apart; None where it is not one.

    The extension may be there or not, the day's leading zero too.
    """
    text = text.partition("?")[0].partition("#")[0]
    if "%" in text:
        # As a browser copies it; a slug itself never holds a percent sign.
        text = unquote(text, errors="replace")
    match = _PATH.fullmatch(_EXTENSION.sub("", text))
    if match is None:
        return None
    try:
        day = date(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError:
        return None
    return Permalink(day, match["slug"], match["prefix"])


def check_slug(slug: str) -> str:
    """Return `slug` if a page can live under it, in a link and in a folder.

    Raises:
        InvalidInput: It is empty, too long, or holds a character that a path cannot.
    """
    if not slug or slug in {".", ".."}:
        raise InvalidInput(f"a page cannot be called {slug!r}; give a slug of letters and digits")
    if len(slug.encode(errors="surrogatepass")) > MOST_SLUG_BYTES:
        raise InvalidInput(f"the slug is longer than {MOST_SLUG_BYTES} bytes; give a shorter one")
    if slug.startswith(ERASED):
        raise InvalidInput(f"a slug that begins with {ERASED!r} is kept for what was erased")
    if _EXTENSION.search(slug):
        raise InvalidInput(f"the slug {slug!r} ends like a file; leave the extension out")
    if _NO_SLUG.search(slug) or not slug.isprintable():
        wrong = next(c for c in slug if _NO_SLUG.match(c) or not c.isprintable())
        raise InvalidInput(f"the slug must not contain {wrong!r}")
    return slug
