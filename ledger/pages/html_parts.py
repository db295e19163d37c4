"""What HTML pages are put together from: texts, times, links."""

from __future__ import annotations

from datetime import UTC, date, datetime
from html import escape

from ledger.domain.editions import EDITIONS
from ledger.pages.characters import exchangeable
from ledger.pages.inline import is_safe, to_html
from ledger.pages.model import Teaser, day_text
from ledger.pages.words import WORDS


def words(text: str) -> str:
    """Return a text as it stands, no markup in it."""
    return escape(exchangeable(text))


def anchor(target: str, inside: str, attributes: str = "") -> str:
    """Return a link around HTML; only what is inside, where the target is no safe address."""
    if not is_safe(target):
        return inside
    return f'<a href="{words(target)}"{attributes}>{inside}</a>'


def headline_link(target: str, headline: str, attributes: str = "") -> str:
    """Return a headline as one link, whatever links it holds itself."""
    return anchor(target, f"<bdi>{to_html(headline, links=False)}</bdi>", attributes)


def text_attributes(language: str, edition: str) -> str:
    """Return what an element needs that holds a published text: its direction, its language."""
    other = language != EDITIONS[edition].language
    return ' dir="auto"' + (f' lang="{words(language)}"' if other else "")


def time(moment: datetime) -> str:
    """Return a moment, to the second, in UTC."""
    stamp = f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
    return f'<time datetime="{stamp}">{moment:%Y-%m-%d %H:%M:%S} UTC</time>'


def day(of: date, edition: str) -> str:
    """Return a date as the edition writes it."""
    return f'<time datetime="{of.isoformat()}">{day_text(of, edition)}</time>'


def mark(entry: Teaser, edition: str) -> str:
    """Return what says that an entry was retracted or merged; nothing where it stands."""
    said = WORDS[edition].marks[entry.status]
    return f' <span class="mark">{words(said)}</span>' if said else ""
