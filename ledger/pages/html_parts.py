"""What HTML pages are put together from: texts, times, links."""

from __future__ import annotations

from datetime import date, datetime
from html import escape

from ledger.domain.editions import EDITIONS
from ledger.pages.characters import exchangeable
from ledger.pages.inline import is_safe, to_html
from ledger.pages.model import Teaser, day_text
from ledger.pages.times import rfc3339
from ledger.pages.words import WORDS


def words(text: str) -> str:
    """Return a text as it stands, no markup in it."""
    return escape(exchangeable(text))


def anchor(target: str, inside: str, attributes: str = "") -> str:
    """Return a link around HTML; only what is inside, where the target is no safe address."""
    if not is_safe(target):
        return inside
    return f'<a href="{words(target)}"{attributes}>{inside}</a>'


def phrase(text: str, language: str = "") -> str:
    """Return a published text without its links, to stand among words of the page.

    Args:
        text: CommonMark inline text.
        language: As of `language_attribute`.
    """
    return f"<bdi{language}>{to_html(text, links=False)}</bdi>"


def phrase_link(target: str, text: str, attributes: str = "", language: str = "") -> str:
    """Return a published text as one link, whatever links it holds itself; see `phrase`."""
    return anchor(target, phrase(text, language), attributes)


def language_attribute(language: str, edition: str) -> str:
    """Return the attribute for a text's language; nothing where the page is in that."""
    return f' lang="{words(language)}"' if language != EDITIONS[edition].language else ""


def text_attributes(language: str, edition: str) -> str:
    """Return what an element needs that holds one published text: its direction, its language.

    Browsers find the direction by the letters, but for those in a `bdi` inside (HTML, the
    attribute `dir`): where a text stands among others, it is a `phrase` instead.
    """
    return f' dir="auto"{language_attribute(language, edition)}'


def time(moment: datetime) -> str:
    """Return a moment, to the second, in UTC."""
    return f'<time datetime="{rfc3339(moment)}">{moment:%Y-%m-%d %H:%M:%S} UTC</time>'


def day(of: date, edition: str) -> str:
    """Return a date as the edition writes it."""
    return f'<time datetime="{of.isoformat()}">{day_text(of, edition)}</time>'


def mark(entry: Teaser, edition: str) -> str:
    """Return what says that an entry was retracted or merged; nothing where it stands."""
    said = WORDS[edition].marks[entry.status]
    return f' <bdi class="mark">{words(said)}</bdi>' if said else ""
