"""Pages in Markdown: the exact bytes of each style, read and written, and broken pages."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from ledger.domain.values import Layout, Source
from ledger.errors import PageError
from ledger.pages.markdown import is_index, parse, render
from ledger.pages.model import ChangeLine, Page, RelatedLine

OLDER, ARCHIVE = Layout(style="older"), Layout(style="archive")

EN = Page(
    edition="en", layout=Layout(), day=date(2014, 2, 3), slug="bridge", headline="A bridge opens"
)
ZH = replace(EN, edition="zh", slug="大桥-通车", headline="大桥 通车")

GAZETTE = Source("Gazette", "https://gazette.example/1?a=b")
HERALD = Source("The Herald", "http://herald.example/x_(y)")
PICTURED = Source("时报", "https://times.example/3", "https://img.example/3.png")
COVER = "https://img.example/cover.jpg"


def changed(headline: str, slug: str, seconds: int) -> ChangeLine:
    moment = datetime(2018, 2, 6, 13, 49, seconds, tzinfo=UTC)
    label = "update" if seconds else "first_version"
    return ChangeLine(headline, f"/news/2014/02/3/{slug}", moment, label)  # type: ignore[arg-type]


def current(headline: str, slug: str) -> ChangeLine:
    return ChangeLine(headline, f"/news/2014/02/3/{slug}", None, "current_version")


HISTORY = (changed("A bridge", "a-bridge", 0), current("A bridge opens", "bridge"))
LONG_HISTORY = (
    changed("A bridge", "a-bridge", 0),
    changed("The [bridge](https://b.example)", "the-bridge", 5),
    changed(" A bridge", "a-bridge", 9),
    current("A bridge opens", "bridge"),
)
RELATED = (
    RelatedLine(" Ferry [sold] ", "/news/2013/11/14/ferry-sold", ("Harbour", "Old Town")),
    RelatedLine("隧道", "/news/2003/01/5/隧道", ("A: b_c",)),
)


def text(*lines: str) -> str:
    return "".join(line + "\n" for line in lines)


def formats(path: str) -> str:
    return f"Formats: [HTML]({path}.html)  [JSON]({path}.json)  [XML]({path}.xml)  "


EN_TOP = ("", formats("/news/2014/02/3/bridge"), "", "### [2014-02-03](/news/2014/02/3/index.md)")
ZH_TOP = (
    "",
    formats("/zh/news/2014/02/3/大桥-通车"),
    "",
    "### [2014-02-3](/zh/news/2014/02/3/index.md)",
)
EN_RELATED = (
    "",
    "### Related:",
    "",
    "1. [ Ferry [sold] ](/news/2013/11/14/ferry-sold.md) _Context: Harbour, Old Town_",
    "2. [隧道](/news/2003/01/5/隧道.md) _Context: A: b_c_",
)

FULL = text(
    *EN_TOP,
    "",
    "##### Harbour",
    "# A bridge opens",
    "",
    "After &quot;years&quot;",
    "",
    "",
    "### Sources:",
    "",
    "1. [Gazette](https://gazette.example/1?a=b)",
    "2. [The Herald](http://herald.example/x_(y))",
    "2. [Cover Image](https://img.example/cover.jpg)",
    "",
    "### Changes:",
    "",
    "1. [A bridge](/news/2014/02/3/a-bridge.md) _2018-02-06 13:49:00 (First version)_",
    "2. [The [bridge](https://b.example)](/news/2014/02/3/the-bridge.md)"
    " _2018-02-06 13:49:05 (Update)_",
    "3. [ A bridge](/news/2014/02/3/a-bridge.md) _2018-02-06 13:49:09 (Update)_",
    "3. [A bridge opens](/news/2014/02/3/bridge.md) _(Current version)_",
    *EN_RELATED,
)

EXAMPLES = {
    "current": (
        replace(
            EN,
            topic="Harbour",
            summary="After &quot;years&quot;",
            sources=(GAZETTE, HERALD),
            cover_image=COVER,
            changes=LONG_HISTORY,
            related=RELATED,
        ),
        FULL,
    ),
    "current, bare": (EN, text(*EN_TOP, "", "# A bridge opens", "", "", "")),
    "current, two changes": (
        replace(EN, changes=HISTORY),
        text(
            *(*EN_TOP, "", "# A bridge opens", "", "", "", "", "### Changes:", ""),
            "1. [A bridge](/news/2014/02/3/a-bridge.md) _2018-02-06 13:49:00 (First version)_",
            "1. [A bridge opens](/news/2014/02/3/bridge.md) _(Current version)_",
        ),
    ),
    "current, cover image alone": (
        replace(EN, topic="", cover_image=COVER),
        text(
            *(*EN_TOP, "", "##### ", "# A bridge opens", "", "", "", "", "### Sources:", ""),
            "1. [Cover Image](https://img.example/cover.jpg)",
        ),
    ),
    "current, Chinese": (
        replace(
            ZH,
            topic="港口",
            summary=" 摘要 ",
            sources=(GAZETTE,),
            cover_image=COVER,
            changes=(
                changed("桥", "桥", 0),
                changed("大桥", "大桥", 1),
                current("大桥 通车", "x"),
            ),
            related=(RELATED[1],),
        ),
        text(
            *(*ZH_TOP, "", "##### 港口", "# 大桥 通车", "", " 摘要 ", "", "", "### 信息来源:", ""),
            "1. [Gazette](https://gazette.example/1?a=b)",
            "1. [封面图片](https://img.example/cover.jpg)",
            *("", "### 更改:", ""),
            "1. [桥](/zh/news/2014/02/3/桥.md) _2018-02-06 13:49:00 (初版)_",
            "2. [大桥](/zh/news/2014/02/3/大桥.md) _2018-02-06 13:49:01 (更新)_",
            "2. [大桥 通车](/zh/news/2014/02/3/x.md) _(当前版本)_",
            *("", "### 有关:", ""),
            "1. [隧道](/zh/news/2003/01/5/隧道.md) _消息: A: b_c_",
        ),
    ),
    "current, other prefixes": (
        replace(
            EN,
            layout=Layout(prefix="/en/archive", day_prefix="/days"),
            changes=HISTORY,
            related=RELATED[:1],
        ),
        text(
            *("", formats("/en/archive/2014/02/3/bridge"), ""),
            *("### [2014-02-03](/days/2014/02/3/index.md)", "", "# A bridge opens", "", "", ""),
            *("", "### Changes:", ""),
            "1. [A bridge](/en/archive/2014/02/3/a-bridge.md)"
            " _2018-02-06 13:49:00 (First version)_",
            "1. [A bridge opens](/en/archive/2014/02/3/bridge.md) _(Current version)_",
            *("", "### Related:", ""),
            "1. [ Ferry [sold] ](/en/archive/2013/11/14/ferry-sold.md)"
            " _Context: Harbour, Old Town_",
        ),
    ),
    "older": (
        replace(
            EN,
            layout=OLDER,
            slug=None,
            summary="Done",
            sources=(GAZETTE, HERALD),
            cover_image=COVER,
            related=RELATED,
        ),
        text(
            *(EN_TOP[3], "", "# A bridge opens", "", "Done", "", "", "### Source:", ""),
            "1. [Gazette](https://gazette.example/1?a=b)",
            "2. [The Herald](http://herald.example/x_(y))",
            "2. [Cover Image](https://img.example/cover.jpg)",
            *EN_RELATED,
        ),
    ),
    "older, Chinese": (
        replace(ZH, layout=OLDER, slug=None, related=(RELATED[1],)),
        text(
            *(ZH_TOP[3], "", "# 大桥 通车", "", "", "", "", "### 有关:", ""),
            "1. [隧道](/zh/news/2003/01/5/隧道.md) _消息: A: b_c_",
        ),
    ),
    "archive": (
        replace(EN, layout=ARCHIVE, slug=None, topic="Harbour", sources=(GAZETTE, PICTURED)),
        text(
            *(EN_TOP[3], "", "##### Harbour", "# A bridge opens", "", "", "", "", "### Sources:"),
            "",
            "1. [Gazette](https://gazette.example/1?a=b)",
            "2. [时报](https://times.example/3) [IMG](https://img.example/3.png)",
        ),
    ),
    "archive, Chinese": (
        replace(
            ZH,
            layout=replace(ARCHIVE, day_prefix="/news"),
            slug=None,
            topic="",
            summary="无",
            sources=(PICTURED, GAZETTE, replace(PICTURED, image="")),
            related=(RELATED[1],),
        ),
        text(
            *("### [2014-02-3](/news/2014/02/3/index.md)", "", "##### ", "# 大桥 通车", "", "无"),
            *("", "", "### 信息来源:", ""),
            "1. [时报](https://times.example/3) [IMG](https://img.example/3.png)",
            "2. [Gazette](https://gazette.example/1?a=b)",
            "3. [时报](https://times.example/3) [IMG]()",
            *("", "### 有关:", ""),
            "1. [隧道](/zh/news/2003/01/5/隧道.md) _消息: A: b_c_",
        ),
    ),
    "archive, cover image alone": (
        replace(EN, layout=ARCHIVE, slug=None, cover_image=COVER),
        text(
            *(EN_TOP[3], "", "# A bridge opens", "", "", "", "", "### Sources:", ""),
            "1. [Cover Image](https://img.example/cover.jpg)",
        ),
    ),
    "a source called by a link, with a picture": (
        replace(EN, sources=(replace(PICTURED, name="The [Times](https://t.example)"),)),
        text(
            *(*EN_TOP, "", "# A bridge opens", "", "", "", "", "### Sources:", ""),
            "1. [The [Times](https://t.example)](https://times.example/3)"
            " [IMG](https://img.example/3.png)",
        ),
    ),
    "a slug with brackets": (
        replace(EN, slug="bridge_(road)"),
        text(
            *("", formats("/news/2014/02/3/bridge_(road)"), "", EN_TOP[3], ""),
            *("# A bridge opens", "", "", ""),
        ),
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_exact_bytes(name: str) -> None:
    page, expected = EXAMPLES[name]
    assert render(page) == expected


@pytest.mark.parametrize("name", EXAMPLES)
def test_read_back(name: str) -> None:
    page, published = EXAMPLES[name]
    assert parse(published) == page


def test_a_style_leaves_out_what_it_does_not_have() -> None:
    page, _ = EXAMPLES["current"]
    older = render(replace(page, layout=OLDER))
    archive = render(replace(page, layout=ARCHIVE))
    assert archive == FULL[FULL.index("### [") : FULL.index("\n### Changes")] + text(*EN_RELATED)
    assert older == archive.replace("##### Harbour\n", "").replace("Sources:", "Source:")


def test_context_under_its_other_label() -> None:
    _, published = EXAMPLES["archive, Chinese"]
    assert parse(published.replace("_消息:", "_上下文:")) == parse(published)


def test_loose_spacing_is_understood() -> None:
    page, published = EXAMPLES["older"]
    assert parse("\n\n" + published.removesuffix("\n")) == page
    assert parse(published.replace("\n\n### Rel", "\n### Rel")) == page
    assert parse(published.replace("Done\n\n\n", "")) == replace(page, summary=None)


def test_edition_of_a_page_without_labels() -> None:
    bare = text("### [2014-02-3](/news/2014/02/3/index.md)", "", "# {}", "", "", "")
    assert parse(bare.format("桥")).edition == "zh"
    assert parse(bare.format("Bridge")).edition == "en"
    assert parse(bare.format("Bridge"), "zh").edition == "zh"
    assert parse(FULL, "zh").edition == "en"


def test_slug_and_prefix_come_from_the_changes_where_nothing_else_tells() -> None:
    page, published = EXAMPLES["current, other prefixes"]
    found = parse(published.split("\n", 3)[3])
    layout = Layout(style="archive", prefix="/en/archive", day_prefix="/days")
    assert found == replace(page, layout=replace(layout, style=found.layout.style))
    assert found.path == "/news/2014/02/3/bridge"


def test_what_is_no_entry() -> None:
    assert is_index("## [2014-02-13](/news/2014/02/13/index.md)\n\n### [A](/news/...)\n")
    assert is_index("\n\n## [News](/news/index.md)\n")
    assert not is_index(FULL)
    assert not is_index("## News\n\n## [News](/news/index.md)\n")
    assert not is_index("")


# Broken pages: FULL with some lines changed; a line that becomes None is gone.

DATE = "a page begins with its date, as in ### [2014-02-13](/news/...)"
HEADLINE = "the headline was expected, as in # Headline"
SECTION = "a section was expected, as in ### Sources:"
SOURCE = "a source was expected, as in 1. [Name](https://...)"
CHANGE = "a change was expected, as in 1. [Headline](/news/...) _(...)_"
ORDER = (
    "changes go from the first version over updates to the current version, "
    "which alone has no time"
)
RELATED_ENTRY = "a related entry was expected, as in 1. [Headline](/news/...)"
A_CHANGE = "2. [The bridge](/news/2014/02/3/the-bridge.md) _{}_"

BROKEN: list[tuple[dict[int, str | None], int, str]] = [
    ({2: "Formats:"}, 2, DATE),
    ({2: "Hello, world"}, 2, DATE),
    ({3: "Hello"}, 3, "an empty line was expected after the formats"),
    ({4: "### 2014-02-03"}, 4, DATE),
    ({4: "### [2014-02-03](/news/2014/02/3/bridge.md)"}, 4, DATE),
    ({4: "### [2014-02-30](/news/2014/02/30/index.md)"}, 4, "2014-02-30 is no date"),
    ({4: "### [2014-13-1](/news/2014/13/1/index.md)"}, 4, "2014-13-1 is no date"),
    ({5: None}, 5, "an empty line was expected after the date"),
    ({7: "A bridge opens"}, 7, HEADLINE),
    ({7: "## A bridge opens"}, 7, HEADLINE),
    ({7: "#  "}, 7, HEADLINE),
    ({7: None, 8: None}, 7, HEADLINE),
    ({8: None}, 8, "an empty line was expected after the headline"),
    ({10: "More"}, 10, "an empty line was expected after the summary, which is one line"),
    ({11: "More"}, 11, SECTION),
    ({12: "### Sources"}, 12, SECTION),
    ({12: "### Sauces:"}, 12, "a section called 'Sauces' is unknown"),
    ({12: "### Sauces:", 13: "\n"}, 12, "a section called 'Sauces' is unknown"),
    ({13: "One"}, 13, "an empty line was expected after the heading"),
    ({14: "1. Gazette"}, 14, SOURCE),
    ({15: "2. [Herald](http://herald.example/a b)"}, 15, SOURCE),
    ({15: "Herald"}, 15, SOURCE),
    ({17: "3. [Post](http://post.example)"}, 17, "nothing was expected after the cover image"),
    ({18: "### Sources:"}, 18, "a second section 'Sources'"),
    ({18: "Changes"}, 18, SECTION),
    ({18: "### 更改:"}, 18, "a section called '更改' is unknown"),
    ({21: "2. The bridge"}, 21, CHANGE),
    ({21: "2. [The bridge](/about.md) _2018-02-06 13:49:05 (Update)_"}, 21, CHANGE),
    ({21: A_CHANGE.format("2018-02-06 13:49:05 (Upgrade)")}, 21, CHANGE),
    ({21: A_CHANGE.format("2018-02-06 (Update)")}, 21, CHANGE),
    ({21: A_CHANGE.format("2018-02-06 13:49:05 (First version)")}, 21, ORDER),
    ({21: A_CHANGE.format("(Update)")}, 21, ORDER),
    ({21: A_CHANGE.format("(Current version)")}, 21, ORDER),
    ({21: A_CHANGE.format("2018-02-29 13:49:05 (Update)")}, 21, "2018-02-29 13:49:05 is no time"),
    ({21: A_CHANGE.format("2018-02-28 24:00:00 (Update)")}, 21, "2018-02-28 24:00:00 is no time"),
    ({20: None}, 20, ORDER),
    ({23: None}, 22, ORDER),
    ({27: "1. Ferry"}, 27, RELATED_ENTRY),
    ({27: "1. [Ferry](/about.md) _Context: Harbour_"}, 27, RELATED_ENTRY),
    ({28: "2. [Ferry](/news/2013/11/14/ferry.md) _Kontext: Harbour_"}, 28, RELATED_ENTRY),
    ({29: "\n### Sauces:"}, 30, "a section called 'Sauces' is unknown"),
]


def broken(changes: dict[int, str | None]) -> str:
    lines = dict(enumerate(FULL.splitlines(), 1)) | changes
    return "".join(line + "\n" for _, line in sorted(lines.items()) if line is not None)


@pytest.mark.parametrize(("changes", "line", "message"), BROKEN)
def test_a_broken_page_is_named_by_line(
    changes: dict[int, str | None], line: int, message: str
) -> None:
    with pytest.raises(PageError) as caught:
        parse(broken(changes))
    assert (caught.value.line, str(caught.value)) == (line, message)


@pytest.mark.parametrize(
    ("text_", "line"), [("\n", 1), ("Hello\n", 1), ("\n\nHello", 3), ("{}\n" * 3, 1)]
)
def test_what_is_no_page(text_: str, line: int) -> None:
    with pytest.raises(PageError) as caught:
        parse(text_)
    assert (caught.value.line, str(caught.value)) == (line, DATE)
