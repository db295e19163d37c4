"""A link checker: every link of an exported site that leads to the site must lead to a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from lxml import html  # type: ignore[import-untyped]

BASE = "http://localhost:8000"

_MARKDOWN = re.compile(r"(?<!\\)\]\((/[^()\s]*)\)")


def files_of(folder: Path) -> list[Path]:
    """Return the files of a site, but for those that the export keeps for itself."""
    return sorted(f for f in folder.rglob("*") if f.is_file() and not f.name.startswith("."))


def dead_links(folder: Path, base: str = BASE) -> list[str]:
    """Return the links that lead nowhere, each with the file that it is in."""
    return [
        f"{file.relative_to(folder)}: {link}"
        for file in files_of(folder)
        for link in links_in(file, base)
        if not _leads(folder, file, link)
    ]


def links_in(file: Path, base: str = BASE) -> Iterator[str]:
    """Yield the links of a file that lead to its site: from the root, or relative to the file."""
    text = file.read_text()
    match file.suffix:
        case ".html":
            found = _in_html(text)
        case ".json":
            found = _in_json(json.loads(text))
        case ".md":
            found = iter(_MARKDOWN.findall(text))
        case _:
            found = _in_xml(text)
    for link in found:
        if link == base or link.startswith(f"{base}/"):
            yield link.removeprefix(base) or "/"
        elif not re.match(r"[a-z][a-z0-9+.-]*:", link, re.IGNORECASE):
            yield link


def _in_html(text: str) -> Iterator[str]:
    for element in html.document_fromstring(text.encode()).iter():
        if element.tag == "script":
            yield from _in_json(json.loads(element.text_content()))
        for name in ("href", "src"):
            if (link := element.get(name)) is not None:
                yield link


def _in_fragment(text: str) -> Iterator[str]:
    if "<" in text:
        yield from (str(link) for link in html.fromstring(f"<div>{text}</div>").xpath("//@href"))


def _in_json(value: object) -> Iterator[str]:
    match value:
        case dict():
            for name, one in value.items():
                yield from _in_fragment(one) if name == "content_html" else _in_json(one)
        case list():
            for one in value:
                yield from _in_json(one)
        case str() if value.startswith(("/", "http:", "https:")):
            yield value


def _in_xml(text: str) -> Iterator[str]:
    for element in ET.fromstring(text).iter():
        name = element.tag.rpartition("}")[2]
        if name in {"content", "description"}:
            yield from _in_fragment(element.text or "")
        for value in (element.text or "", *element.attrib.values()):
            if value.startswith(("/", "http:", "https:")):
                yield value


def _leads(folder: Path, file: Path, link: str) -> bool:
    path, _, fragment = link.partition("#")
    path = unquote(path.partition("?")[0])
    if not path:
        target = file
    else:
        target = folder / path[1:] if path.startswith("/") else file.parent / path
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return False
    return not fragment or fragment in _ids(target.read_bytes())


@lru_cache(1)
def _ids(page: bytes) -> frozenset[str]:
    return frozenset(html.document_fromstring(page).xpath("//@id"))
