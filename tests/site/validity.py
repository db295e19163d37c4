"""Whether every file of a site is what its name says, as strict readers of each format see it."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import RFC_4122, UUID
from xml.etree import ElementTree as ET

import feedparser  # type: ignore[import-untyped]
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from lxml import etree  # type: ignore[import-untyped]

from ledger.pages.markdown import parse
from tests.pages.markup import read_html

ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def require_valid(file: Path) -> None:
    """Hold a file of a site to its format."""
    name = file.name
    if name.endswith((".atom", "_atom.xml")):
        require_atom(file.read_bytes())
    elif name.endswith("_rss.xml"):
        require_rss(file.read_bytes())
    elif name.endswith("_feed.json"):
        require_json_feed(file.read_bytes())
    elif name.startswith("sitemap"):
        require_sitemap(file.read_bytes())
    elif name.endswith(".html"):
        read_html(file.read_text())
    elif name.endswith(".json"):
        errors = list(_json_schema().iter_errors(json.loads(file.read_bytes())))
        assert not errors, errors[0]
    elif name.endswith(".xml"):
        _xml_schema().assertValid(etree.parse(str(file)))
    else:
        assert name.endswith(".md")
        if name != "index.md" and "contexts" not in file.parts:
            parse(file.read_text())


def require_atom(data: bytes) -> None:
    """Hold a feed to RFC 4287 and RFC 6721."""
    found = _parsed(data, "atom10")
    root = ET.fromstring(data)
    assert root.tag == f"{ATOM}feed"
    _require_once(root, "id", "title", "updated", "author")
    assert {link.get("rel") for link in root.findall(f"{ATOM}link")} == {"self", "alternate"}
    entries, tombstones = root.findall(f"{ATOM}entry"), root.findall(TOMBSTONE)
    assert len(found.entries) == len(entries)
    assert entries or tombstones
    ids = [UUID(entry.findtext(f"{ATOM}id")) for entry in entries]
    assert len(set(ids)) == len(ids)
    for entry in entries:
        _require_once(entry, "id", "title", "updated", "published", "content")
        alternate = [one for one in entry.findall(f"{ATOM}link") if one.get("rel") == "alternate"]
        assert [urlsplit(one.get("href") or "").scheme[:4] for one in alternate] == ["http"]
    for gone in tombstones:
        assert UUID(gone.get("ref")).variant == RFC_4122
        assert _is_time(gone.get("when"))
    for name in ("updated", "published"):
        assert all(_is_time(one.text) for one in root.iter(f"{ATOM}{name}"))
    changes = [one.findtext(f"{ATOM}updated") for one in entries]
    newest = [*changes, *(gone.get("when") for gone in tombstones)]
    assert root.findtext(f"{ATOM}updated") == max(filter(None, newest))


def require_rss(data: bytes) -> None:
    """Hold a feed to RSS 2.0."""
    found = _parsed(data, "rss20")
    (channel,) = ET.fromstring(data)
    for name in ("title", "link", "description", "language", "lastBuildDate"):
        assert channel.findtext(name), name
    items = channel.findall("item")
    assert len(items) == len(found.entries) > 0
    guids = [item.findtext("guid") or "" for item in items]
    assert len(set(map(UUID, guids))) == len(guids)
    for item, entry in zip(items, found.entries, strict=True):
        assert all(item.findtext(name) for name in ("title", "link", "pubDate", "description"))
        assert entry.published_parsed
        assert entry.updated_parsed >= entry.published_parsed


def require_json_feed(data: bytes) -> None:
    """Hold a feed to JSON Feed 1.1."""
    feed: dict[str, Any] = json.loads(data)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert all(isinstance(feed[name], str) for name in ("title", "home_page_url", "feed_url"))
    assert feed["items"]
    assert len({UUID(item["id"]) for item in feed["items"]}) == len(feed["items"])
    for item in feed["items"]:
        assert all(isinstance(item[name], str) for name in ("id", "url", "title", "content_html"))
        assert all(isinstance(tag, str) for tag in item["tags"])
        assert _is_time(item["date_published"])
        assert _is_time(item["date_modified"])


def require_sitemap(data: bytes) -> None:
    """Hold a sitemap, or the index of several, to the protocol of sitemaps.org."""
    root = ET.fromstring(data)
    assert root.tag in {f"{SITEMAP}urlset", f"{SITEMAP}sitemapindex"}
    assert 0 < len(root) <= 50_000
    assert len(data) <= 52_428_800
    locations = [one.findtext(f"{SITEMAP}loc") or "" for one in root]
    assert len(set(locations)) == len(locations)
    for location in locations:
        assert location.isascii()
        assert len(location) < 2_048
        assert urlsplit(location).scheme in {"http", "https"}
    assert all(_is_time(one.text) for one in root.iter(f"{SITEMAP}lastmod"))


def _parsed(data: bytes, version: str) -> Any:
    found = feedparser.parse(data)
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == version
    return found


def _require_once(element: ET.Element, *names: str) -> None:
    for name in names:
        assert len(element.findall(f"{ATOM}{name}")) == 1, name


def _is_time(text: str | None) -> bool:
    return text is not None and datetime.fromisoformat(text).tzinfo is not None


@cache
def _json_schema() -> Draft202012Validator:
    text = files("ledger.pages").joinpath("schemas/page.schema.json").read_text()
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(json.loads(text), format_checker=checker)


@cache
def _xml_schema() -> Any:
    path = files("ledger.pages").joinpath("schemas/page.xsd")
    return etree.XMLSchema(etree.fromstring(path.read_bytes()))
