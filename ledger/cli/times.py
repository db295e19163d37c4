"""Times as people write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from ledger.errors import InvalidTime

_AGO = re.compile(r"(\d{1,6}) (second|minute|hour|day|week)s? ago")


def parse_time(text: str, now: datetime) -> datetime:
    """Return the time that `text` means; aware, UTC.

    Args:
        text: ISO 8601 (UTC where it has no zone), a date (its first moment in UTC), now, today,
            yesterday, or as in `2 days ago`.
        now: The present time, aware.

    Raises:
        InvalidTime: It means none.
    """
    words = " ".join(text.lower().split())
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if words == "now":
        return now.astimezone(UTC)
    if words == "today":
        return midnight
    if words == "yesterday":
        return midnight - timedelta(days=1)
    try:
        if match := _AGO.fullmatch(words):
            return now.astimezone(UTC) - timedelta(**{f"{match[2]}s": int(match[1])})
        # A time as it is shown may be given back with the UTC that stands behind it.
        time = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidTime(
            f"{text!r} is no time: write it as 2018-02-06T12:00Z, as a date, as 'yesterday', "
            "or as '2 days ago'"
        ) from None


def parse_date(text: str) -> date:
    """Return the date that `text` means: as in 2014-02-13, today or yesterday (UTC).

    Raises:
        InvalidTime: It means none.
    """
    today = datetime.now(UTC).date()
    if text.strip().lower() in {"today", "yesterday"}:
        return today - timedelta(days=text.strip().lower() == "yesterday")
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidTime(f"{text!r} is no date: write it as 2014-02-13") from None


def moment_or_position(text: str) -> datetime | int:
    """Return a time; or the position of the log that `@1234` means.

    Raises:
        InvalidTime: It means neither.
    """
    if not text.strip().startswith("@"):
        try:
            return moment(text)
        except InvalidTime as error:
            raise InvalidTime(f"{error}; or as a position of the log: @1234") from None
    digits = text.strip()[1:]
    if not digits.isdecimal() or len(digits) > 18:
        raise InvalidTime(f"{text!r} is no position of the log: write it as @1234")
    return int(digits)


def moment(text: str) -> datetime:
    """Return the time that an option's value means, now being now."""
    return parse_time(text, datetime.now(UTC))
