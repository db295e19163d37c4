"""The words and habits of published pages: tables, so that an edition or a style is data."""

from __future__ import annotations

import msgspec

from ledger.domain.values import StyleName


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """The words that an edition's pages use.

    Attributes:
        context_aliases: What its pages also wrote for `context`, at other times.
    """

    formats: str = "Formats"
    source: str
    sources: str
    cover_image: str
    changes: str
    first_version: str
    update: str
    current_version: str
    related: str
    context: str
    context_aliases: tuple[str, ...] = ()


LABELS: dict[str, Labels] = {
    "en": Labels(
        source="Source",
        sources="Sources",
        cover_image="Cover Image",
        changes="Changes",
        first_version="First version",
        update="Update",
        current_version="Current version",
        related="Related",
        context="Context",
    ),
    "zh": Labels(
        source="信息来源",
        sources="信息来源",
        cover_image="封面图片",
        changes="更改",
        first_version="初版",
        update="更新",
        current_version="当前版本",
        related="有关",
        context="消息",
        context_aliases=("上下文",),
    ),
}


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """What a style of page has.

    Attributes:
        formats: Whether it begins with an empty line and the Formats line.
        topic: Whether it shows the topic.
        plural: Whether its sources stand under the plural heading.
        changes: Whether it shows the Changes list.
        related: How many related entries it shows.
    """

    formats: bool
    topic: bool
    plural: bool
    changes: bool
    related: int


STYLES: dict[StyleName, Style] = {
    "current": Style(formats=True, topic=True, plural=True, changes=True, related=5),
    "older": Style(formats=False, topic=False, plural=False, changes=False, related=10),
    # What lies in the archive's git history: as older, but with the topic and the plural.
    "archive": Style(formats=False, topic=True, plural=True, changes=False, related=10),
}
