"""Pages as XML, as `schemas/page.xsd` documents it: what JSON says, element by element."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ledger.pages.characters import exchangeable
from ledger.pages.links import AnyPage
from ledger.pages.record import record_of

# What an item of a list is called.
_ITEMS = {
    "added": "text",
    "changes": "change",
    "contexts": "context",
    "days": "day",
    "diffs": "diff",
    "entries": "entry",
    "notes": "note",
    "related": "entry",
    "removed": "text",
    "sources": "source",
    "words": "span",
}


def render(page: AnyPage) -> str:
    """Return a page as an XML document; what there is none of is left out.

    U+FFFD stands for noncharacters; see `characters.exchangeable`.
    """
    said = record_of(page, "xml")
    namespace = said.pop("format")
    root = Element(said.pop("kind"), {"xmlns": namespace})
    _fill(root, said)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, "unicode")}\n'


def _fill(element: Element, said: dict[str, Any]) -> None:
    for name, value in said.items():
        if value is not None:
            _write(SubElement(element, name), name, value)


def _write(element: Element, name: str, value: Any) -> None:
    if isinstance(value, dict):
        _fill(element, value)
    elif isinstance(value, list | tuple):
        for item in value:
            _write(SubElement(element, _ITEMS[name]), name, item)
    elif isinstance(value, bool):
        element.text = str(value).lower()
    else:
        element.text = exchangeable(str(value))
