"""Sitemaps: what the protocol asks for, and the index of several."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

from ledger.pages.sitemap import MOST_BYTES, Location, sitemaps
from tests.site.validity import SITEMAP, require_sitemap

BASE = "http://news.example"
NOON = datetime(2021, 3, 4, 12, tzinfo=UTC)


def places(number: int) -> list[Location]:
    return [Location(f"{BASE}/{n}", NOON + timedelta(hours=n)) for n in range(number)]


def told(text: str) -> list[tuple[str | None, str | None]]:
    require_sitemap(text.encode())
    root = ET.fromstring(text)
    return [(one.findtext(f"{SITEMAP}loc"), one.findtext(f"{SITEMAP}lastmod")) for one in root]


def test_one_holds_what_fits() -> None:
    ((name, text),) = sitemaps(BASE, [Location(f"{BASE}/?a=1&b=2", None), *places(2)], 3)
    assert name == "sitemap.xml"
    assert told(text) == [
        (f"{BASE}/?a=1&b=2", None),
        (f"{BASE}/0", "2021-03-04T12:00:00Z"),
        (f"{BASE}/1", "2021-03-04T13:00:00Z"),
    ]


def test_more_than_fits_comes_in_several_with_an_index() -> None:
    files = dict(sitemaps(BASE, [*places(4), Location(f"{BASE}/x", None)], 2))
    index = files.pop("sitemap.xml")
    assert told(index) == [
        (f"{BASE}/sitemap-1.xml", "2021-03-04T13:00:00Z"),
        (f"{BASE}/sitemap-2.xml", "2021-03-04T15:00:00Z"),
        (f"{BASE}/sitemap-3.xml", None),
    ]
    assert list(files) == ["sitemap-1.xml", "sitemap-2.xml", "sitemap-3.xml"]
    assert [place for text in files.values() for place in told(text)] == [
        *((f"{BASE}/{n}", f"2021-03-04T{12 + n}:00:00Z") for n in range(4)),
        (f"{BASE}/x", None),
    ]


def test_as_many_as_the_protocol_allows_are_in_one() -> None:
    assert [name for name, _ in sitemaps(BASE, places(50_000))] == ["sitemap.xml"]
    names = [name for name, _ in sitemaps(BASE, places(50_001))]
    assert names == ["sitemap-1.xml", "sitemap-2.xml", "sitemap.xml"]


def test_none_is_larger_than_the_protocol_allows() -> None:
    long = [Location(f"{BASE}/{n:05}{'x' * 2_000}", NOON) for n in range(26_000)]
    *parts, (_, index) = sitemaps(BASE, long)
    assert sum(len(told(text)) for _, text in parts) == len(long)
    sizes = [len(text.encode()) for _, text in parts]
    assert len(sizes) == len(told(index)) == 2
    # One more would have been too much.
    assert MOST_BYTES - 2_100 < sizes[0] <= MOST_BYTES
