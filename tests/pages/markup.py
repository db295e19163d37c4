"""Reads HTML as strictly as the standard does, and sees that it does no harm."""

from __future__ import annotations

from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import html5lib  # type: ignore[import-untyped]

_NEVER = {
    *("applet", "audio", "base", "button", "embed", "form", "frame", "iframe", "img", "input"),
    *("math", "object", "picture", "svg", "template", "video"),
}


def read_html(text: str) -> Element:
    """Return the root of a document in which nothing can run, load or lead astray."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    root: Element = parser.parse(text)
    for element in root.iter():
        assert element.tag not in _NEVER, element.tag
        for name, value in element.attrib.items():
            assert not name.startswith("on"), name
            assert name not in {"style", "src", "srcset", "action", "formaction"}, name
            if name == "href":
                assert urlsplit(value).scheme in {"http", "https", "mailto", ""}, value
                assert not value.startswith("//"), value
        if element.tag == "script":
            assert element.attrib == {"type": "application/ld+json"}
        if element.tag == "a":
            assert not [inner for inner in element.iter("a") if inner is not element]
    return root


def text_of(element: Element) -> str:
    """Return all text in an element."""
    return "".join(element.itertext())


def one(root: Element, path: str) -> Element:
    """Return the only element at a path."""
    (found,) = root.findall(path)
    return found


def links(root: Element) -> dict[str, list[str]]:
    """Return the addresses of the document's link relations, by relation."""
    found: dict[str, list[str]] = {}
    for link in root.iter("link"):
        found.setdefault(link.attrib["rel"], []).append(link.attrib["href"])
    return found
