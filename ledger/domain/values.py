"""The values that entries, events and commands are made of."""

from __future__ import annotations

from typing import Literal

import msgspec

Basis = Literal["stated", "listed", "commit", "inferred"]
"""How a publication time is known.

stated: said by whoever gave the command, or simply the time of the command;
listed: read from a page's Changes list; commit: the time of a git commit;
inferred: assumed, because nothing says it.
"""

Status = Literal["active", "retracted", "merged"]

CorrectionKind = Literal["correction", "clarification", "update", "editors-note"]

StyleName = Literal["current", "older", "archive"]


class Source(
    msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False
):
    """A source of an entry, in the order it is listed.

    Attributes:
        name: Who published it.
        url: Where, an absolute http or https address.
        image: A picture that the archive links beside the source, where there is one.
    """

    name: str
    url: str
    image: str | None = None


class Layout(
    msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False
):
    """How an entry's page was published, so that it can be rendered the same way again.

    Attributes:
        style: Which of the styles of `pages.labels`.
        prefix: Where links to entries point, without a trailing slash; None: as its edition does.
        day_prefix: Where the date's link points; None: the same as `prefix`.
    """

    style: StyleName = "current"
    prefix: str | None = None
    day_prefix: str | None = None


AS_EDITION = Layout()
"""The layout of an entry that was never published elsewhere: the current style of its edition."""


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A public note on an entry.

    Attributes:
        kind: What it is.
        text: What it says.
        version: The version of the entry that it made.
    """

    kind: CorrectionKind
    text: str
    version: int


FIELDS = (
    "date",
    "headline",
    "slug",
    "topic",
    "summary",
    "sources",
    "cover_image",
    "contexts",
    "language",
    "edition",
    "layout",
)
"""The fields of an entry that an edit can change, in the order they are shown."""
