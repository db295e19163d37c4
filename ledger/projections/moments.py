"""Moments: what was public at one time, of what the ledger knew at another.

Every version of an entry is reached in both times at once: in the order of the log, and, by the
running maximum of the publication times within the entry, in the order of publication. So the
version at a moment is the highest that is reached in both (`changes.version_at`), and a row that
holds from one version to another holds at a moment if the one is reached and the other is not.
"""

from __future__ import annotations

import msgspec

LAST = 2**63 - 1


class Moment(msgspec.Struct, frozen=True):
    """A point in both times.

    Attributes:
        public_at: What was public at this time, in microseconds since 1970-01-01T00:00:00Z.
        position: What the log held up to this position.
    """

    public_at: int = LAST
    position: int = LAST

    @property
    def is_now(self) -> bool:
        """Whether nothing is cut away."""
        return self == NOW

    @property
    def parameters(self) -> dict[str, object]:
        """What a query names `:public_at` and `:position`."""
        return {"public_at": self.public_at, "position": self.position}


NOW = Moment()


def version_of(entry: str, moment: Moment) -> str:
    """Return the subquery of the version that an entry had at a moment; of none, NULL.

    Args:
        entry: What names the entry in the query.
        moment: Which; give its `parameters` to the query.
    """
    until = "" if moment.is_now else " AND position <= :position AND public_at <= :public_at"
    return f"(SELECT max(version) FROM changes WHERE entry = {entry}{until})"


def held(stay: str, moment: Moment) -> str:
    """Return the condition that a row held at a moment.

    Args:
        stay: The row's table, or its name in the query; it has `entry`, `since` (the version it
            holds from) and `until` (the version that ended it, or NULL).
        moment: Which; give its `parameters` to the query.
    """
    if moment.is_now:
        return f"{stay}.until IS NULL"
    return f"({_reached(f'{stay}.since', stay)} AND NOT {_reached(f'{stay}.until', stay)})"


def begun(stay: str, moment: Moment) -> str:
    """Return the condition that a row held at a moment, or before it; see `held`."""
    return "TRUE" if moment.is_now else _reached(f"{stay}.since", stay)


def _reached(version: str, stay: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM changes WHERE entry = {stay}.entry AND version = {version} "
        "AND position <= :position AND public_at <= :public_at)"
    )
