"""Where the pages are that are not an entry's: the front page, the contexts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from hashlib import sha256

from ledger.domain.editions import Edition
from ledger.domain.permalinks import MOST_SLUG_BYTES, RESERVED_SLUGS, ROOT, slugify

FRONT = f"{ROOT}/index"
CONTEXTS = f"{ROOT}/contexts/index"

_DIGITS = 6


def context_paths(names: Collection[str], edition: Edition) -> dict[str, str]:
    """Return where the page of each context is, without edition prefix and extension.

    It is called by the slug of the name. Where several names of an edition have one slug, be it
    but for capitals, each of them gets `-` and six digits of the SHA-256 of the name; more, where
    that is not enough. A slug that leaves no room for them is cut.
    """
    digits = dict.fromkeys(names, 0)
    while True:
        slugs = {name: _slug(name, edition, number) for name, number in digits.items()}
        taken = Counter(slug.casefold() for slug in slugs.values())
        alike = [name for name, slug in slugs.items() if _is_alike(slug.casefold(), taken)]
        if not alike:
            return {name: f"{ROOT}/contexts/{slug}" for name, slug in slugs.items()}
        for name in alike:
            digits[name] += _DIGITS


def _slug(name: str, edition: Edition, digits: int) -> str:
    slug = slugify(name, edition)
    if not digits:
        return slug
    cut = slug.encode()[: MOST_SLUG_BYTES - digits - 1].decode(errors="ignore").rstrip("-")
    return f"{cut}-{sha256(name.encode()).hexdigest()[:digits]}"


def _is_alike(slug: str, taken: Counter[str]) -> bool:
    return taken[slug] > 1 or slug in RESERVED_SLUGS
