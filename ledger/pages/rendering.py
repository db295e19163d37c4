"""Any page in any format, by the format's name, which its address ends in."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.pages.links import AnyPage, FeedLink
from ledger.pages.model import EntryPage


def render(page: AnyPage, format_: str, feeds: Sequence[FeedLink] = ()) -> str:
    """Return a page in a format: html (it names `feeds`), json, xml or md."""
    match format_:
        case "html":
            from ledger.pages.html_page import render as in_html

            return in_html(page, feeds)
        case "json":
            from ledger.pages.json_page import render as in_json

            return in_json(page)
        case "xml":
            from ledger.pages.xml_page import render as in_xml

            return in_xml(page)
    if isinstance(page, EntryPage):
        from ledger.pages.markdown import render as in_markdown

        return in_markdown(page.page)
    from ledger.pages.markdown_lists import render as in_markdown_list

    return in_markdown_list(page)
