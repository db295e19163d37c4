"""Times as pages, feeds and sitemaps write them for programs."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """Return an aware time in UTC, to the second, as in `2018-02-06T13:49:25Z` (RFC 3339).

    A fraction is left out, as on the pages themselves: HTML takes three digits of it at most.
    """
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
