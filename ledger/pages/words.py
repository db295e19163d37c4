"""The words that only pages for people need: a table, so that an edition is data."""

from __future__ import annotations

import msgspec

from ledger.domain.values import CorrectionKind, Status


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What an edition's pages say, beside the labels of published entries (`labels.Labels`).

    `{}` stands where a time, a link or a number goes.
    """

    title: str
    news: str
    yesterday: str
    day_before: str
    previous_day: str
    next_day: str
    contexts: str
    no_entries: str
    published: str
    updated: str
    inferred: str
    navigation: str
    days: str
    formats: str
    feeds: str
    older: str
    current: str
    previous_version: str
    next_version: str
    erased: str
    erased_mark: str
    notes: str
    marks: dict[Status, str]
    notices: dict[Status, str]
    since: dict[Status, str]
    merged_into: str
    kinds: dict[CorrectionKind, str]
    what_changed: str
    full_history: str
    version: str
    minor: str
    nothing: str
    events: dict[str, str]
    fields: dict[str, str]
    sources: dict[str, str]


WORDS: dict[str, Words] = {
    "en": Words(
        title="News",
        news="News",
        yesterday="Yesterday",
        day_before="Day Before Yesterday",
        previous_day="Previous Day...",
        next_day="Next Day...",
        contexts="Contexts",
        no_entries="No entries.",
        published="Published {}",
        updated="updated {}",
        inferred="assumed",
        navigation="Navigation",
        days="Days before and after",
        formats="This page in other formats",
        feeds="Feeds",
        older="This is an older version, published {}.",
        current="Read the current version",
        previous_version="Previous version",
        next_version="Next version",
        erased="The text of this version was erased; notices stand where it was.",
        erased_mark="erased",
        notes="Corrections and notes",
        marks={"active": "", "retracted": "Retracted", "merged": "Merged"},
        notices={
            "active": "",
            "retracted": "This entry was retracted on {}. It stays readable, as it was.",
            "merged": "This entry was merged into another on {}. It stays readable, as it was.",
        },
        since={
            "active": "",
            "retracted": "The entry has been retracted since.",
            "merged": "The entry has been merged into another since.",
        },
        merged_into="It goes on as: {}",
        kinds={
            "correction": "Correction",
            "clarification": "Clarification",
            "update": "Update",
            "editors-note": "Editor’s note",
        },
        what_changed="What changed",
        full_history="Full history: {} versions",
        version="Version {}",
        minor="minor",
        nothing="nothing",
        events={
            "EntryCreated": "published",
            "EntryEdited": "edited",
            "EntryRetracted": "retracted",
            "EntryReinstated": "reinstated",
            "CorrectionPublished": "note published",
            "EntryMerged": "merged into another entry",
            "EntryErased": "text of earlier versions erased",
            "EntryRestated": "what remains said anew",
        },
        fields={
            "date": "Date",
            "headline": "Headline",
            "slug": "Address",
            "topic": "Topic",
            "summary": "Summary",
            "sources": "Sources",
            "cover_image": "Cover image",
            "contexts": "Contexts",
            "language": "Language",
            "edition": "Edition",
            "layout": "Layout",
            "status": "Status",
            "merged_into": "Merged into",
            "corrections": "Notes",
        },
        sources={
            "added": "added",
            "removed": "removed",
            "moved": "moved to place {}",
            "address": "another address",
            "image": "another image",
        },
    ),
    "zh": Words(
        title="新闻",
        news="新闻",
        yesterday="昨天",
        day_before="前天",
        previous_day="前一天...",
        next_day="后一天...",
        contexts="主题",
        no_entries="没有条目。",
        published="发布于 {}",
        updated="更新于 {}",
        inferred="推定",
        navigation="导航",
        days="前后日期",
        formats="本页的其他格式",
        feeds="订阅源",
        older="这是较早的版本，发布于 {}。",
        current="阅读当前版本",
        previous_version="上一版本",
        next_version="下一版本",
        erased="此版本的文字已被删除，原处有说明。",
        erased_mark="已删除",
        notes="更正与说明",
        marks={"active": "", "retracted": "已撤回", "merged": "已合并"},
        notices={
            "active": "",
            "retracted": "此条目已于 {} 撤回，原文仍可阅读。",
            "merged": "此条目已于 {} 并入另一条目，原文仍可阅读。",
        },
        since={
            "active": "",
            "retracted": "此条目后来已被撤回。",
            "merged": "此条目后来已并入另一条目。",
        },
        merged_into="后续见：{}",
        kinds={
            "correction": "更正",
            "clarification": "澄清",
            "update": "更新",
            "editors-note": "编者按",
        },
        what_changed="更改内容",
        full_history="全部历史：{} 个版本",
        version="版本 {}",
        minor="小修改",
        nothing="无",
        events={
            "EntryCreated": "发布",
            "EntryEdited": "修改",
            "EntryRetracted": "撤回",
            "EntryReinstated": "恢复",
            "CorrectionPublished": "发布说明",
            "EntryMerged": "并入另一条目",
            "EntryErased": "删除早前版本的文字",
            "EntryRestated": "重述余下内容",
        },
        fields={
            "date": "日期",
            "headline": "标题",
            "slug": "地址",
            "topic": "话题",
            "summary": "摘要",
            "sources": "信息来源",
            "cover_image": "封面图片",
            "contexts": "主题",
            "language": "语言",
            "edition": "语言版本",
            "layout": "版式",
            "status": "状态",
            "merged_into": "并入",
            "corrections": "说明",
        },
        sources={
            "added": "新增",
            "removed": "移除",
            "moved": "移至第 {} 位",
            "address": "更换地址",
            "image": "更换图片",
        },
    ),
}
