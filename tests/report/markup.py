"""Reads HTML strictly: every tag closed in its place, every attribute once."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta"}
SHAPES = {"line", "rect"}


class Element:
    """An element with its attributes, its children, and the text right within it."""

    def __init__(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element | str] = []

    def get(self, name: str) -> str:
        return self.attributes.get(name) or ""

    @property
    def text(self) -> str:
        """All text within it."""
        return "".join(one if isinstance(one, str) else one.text for one in self.children)

    def all(self, tag: str = "") -> list[Element]:
        """Return the elements within it, of one tag or of all, in order."""
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                found += [child] if tag in {"", child.tag} else []
                found += child.all(tag)
        return found

    def one(self, tag: str) -> Element:
        """Return the only element of a tag within it."""
        (found,) = self.all(tag)
        return found


class Reader(HTMLParser):
    """Fails on whatever is not well formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]
        self.declarations: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), (tag, names)
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SHAPES, f"<{tag}/> closes nothing in HTML"
        self._open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def handle_decl(self, decl: str) -> None:
        self.declarations.append(decl)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def close(self) -> None:
        super().close()
        assert self._open == [self.root], [element.tag for element in self._open]


def read(text: str) -> Element:
    """Return the document that a text is."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.declarations == ["DOCTYPE html"]
    return reader.root.one("html")
