"""The head of an HTML document: what every one has, and that nothing is loaded from anywhere."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256

from ledger.domain.editions import EDITIONS
from ledger.pages.html_parts import words
from ledger.pages.page_style import STYLE

_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"


def opening(edition: str, title: str, more: Iterable[str]) -> Iterator[str]:
    """Yield a document up to where its body begins, line by line.

    Args:
        edition: The code of the edition in whose language it is.
        title: Plain text.
        more: What else its head has, as HTML.
    """
    yield "<!DOCTYPE html>"
    yield f'<html lang="{EDITIONS[edition].language}">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="referrer" content="no-referrer">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f"<title>{words(title)}</title>"
    yield from more
    yield f"<style>{STYLE}</style>"
    yield "</head>"
    yield "<body>"
