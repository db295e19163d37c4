"""The page of an entry as HTML: what stands in its main part."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.pages.diffs import changes_html
from ledger.pages.html_parts import (
    anchor,
    language_attribute,
    phrase,
    phrase_link,
    text_attributes,
    time,
    words,
)
from ledger.pages.inline import to_html
from ledger.pages.labels import LABELS, STYLES, Labels
from ledger.pages.links import Links
from ledger.pages.model import EntryPage, Revision
from ledger.pages.words import WORDS, Words


def article(page: EntryPage, links: Links) -> Iterator[str]:
    """Yield the entry, line by line."""
    return _Article(page, links).lines()


class _Article:
    def __init__(self, page: EntryPage, links: Links) -> None:
        self._page = page
        self._links = links
        self._edition = page.page.edition
        self._words: Words = WORDS[self._edition]
        self._labels: Labels = LABELS[self._edition]
        self._text = text_attributes(page.language, self._edition)
        self._language = language_attribute(page.language, self._edition)

    def lines(self) -> Iterator[str]:
        shown = self._page.page
        yield "<article>"
        yield from self._notices()
        yield "<header>"
        if shown.topic:
            yield f'<p class="topic"{self._text}>{to_html(shown.topic)}</p>'
        yield f"<h1{self._text}>{to_html(shown.headline)}</h1>"
        yield f'<p class="times">{self._times()}</p>'
        yield "</header>"
        if shown.summary is not None:
            yield f'<p class="summary"{self._text}>{to_html(shown.summary)}</p>'
        yield from self._notes()
        yield from self._sources()
        yield from self._contexts()
        yield from self._changes()
        yield from self._related()
        yield "</article>"

    # On top

    def _notices(self) -> Iterator[str]:
        page, said = self._page, self._words
        if page.current is not None:
            current = self._links.to(page.current, page.history[-1].edition)
            older = words(said.older).format(time(page.updated_at))
            link = anchor(current, words(said.current), ' rel="latest-version"')
            if page.status == "active" and page.current_status != "active":
                older += f" {words(said.since[page.current_status])}"
            yield f'<aside class="notice"><p>{older}</p><p>{link}</p></aside>'
        if page.status_since is not None:
            notice = words(said.notices[page.status]).format(time(page.status_since))
            if (merged := page.merged_into) is not None:
                target = self._links.to(merged.path, merged.edition)
                link = phrase_link(target, merged.headline)
                notice += f"</p><p>{words(said.merged_into).format(link)}"
            yield f'<aside class="notice alarm"><p>{notice}</p></aside>'
        if page.erased:
            yield f'<aside class="notice alarm"><p>{words(said.erased)}</p></aside>'

    def _times(self) -> str:
        page, said = self._page, self._words
        first = self._known(time(page.first_published_at), page.history[0])
        told = words(said.published).format(first)
        if (last := page.last_told).version > 1:
            told += f" · {words(said.updated).format(self._known(time(last.updated_at), last))}"
        return told

    def _known(self, moment: str, revision: Revision) -> str:
        if revision.basis != "inferred":
            return moment
        return f"{moment} ({words(self._words.inferred)})"

    # Sections

    def _section(self, id_: str, title: str) -> Iterator[str]:
        yield f'<section id="{id_}" aria-labelledby="{id_}-title">'
        yield f'<h2 id="{id_}-title">{words(title)}</h2>'

    def _notes(self) -> Iterator[str]:
        if not self._page.notes:
            return
        yield from self._section("notes", self._words.notes)
        for note in self._page.notes:
            kind = words(self._words.kinds[note.kind])
            yield f'<div class="note" id="note-{note.version}">'
            yield f"<h3>{kind} · {time(note.published_at)}</h3>"
            yield f"<p{self._text}>{to_html(note.text)}</p>"
            yield "</div>"
        yield "</section>"

    def _sources(self) -> Iterator[str]:
        shown, labels = self._page.page, self._labels
        if not shown.sources and shown.cover_image is None:
            return
        plural = STYLES[shown.layout.style].plural
        yield from self._section("sources", labels.sources if plural else labels.source)
        if shown.sources:
            yield "<ol>"
            for source in shown.sources:
                name = phrase_link(source.url, source.name, language=self._language)
                image = "" if source.image is None else f" {anchor(source.image, 'IMG')}"
                yield f"<li>{name}{image}</li>"
            yield "</ol>"
        if shown.cover_image is not None:
            yield f"<p>{anchor(shown.cover_image, words(labels.cover_image))}</p>"
        yield "</section>"

    def _contexts(self) -> Iterator[str]:
        if not self._page.context_links:
            return
        yield from self._section("contexts", self._words.contexts)
        yield '<ul class="contexts">'
        for context in self._page.context_links:
            name = to_html(context.context, links=False)
            if context.path is not None:
                name = anchor(self._links.to(context.path), name)
            yield f"<li{self._text}>{name}</li>"
        yield "</ul>"
        yield "</section>"

    def _related(self) -> Iterator[str]:
        if not self._page.page.related:
            return
        yield from self._section("related", self._labels.related)
        yield "<ol>"
        for line in self._page.page.related:
            link = phrase_link(self._links.to(line.path), line.headline)
            shared = f"{words(self._labels.context)}: {', '.join(map(phrase, line.contexts))}"
            yield f'<li>{link} <span class="said">{shared}</span></li>'
        yield "</ol>"
        yield "</section>"

    # Changes

    def _changes(self) -> Iterator[str]:
        page, history = self._page, self._page.history
        if len(history) < 2:
            return
        yield from self._section("changes", self._labels.changes)
        listed = [revision for revision in history if revision.listed]
        is_list = len(listed) > 1
        if is_list:
            shown = max(r.version for r in listed if r.version <= page.version)
            yield "<ol>"
            for revision in listed:
                yield from self._listed(revision, revision is listed[-1], shown)
            yield "</ol>"
        count = words(self._words.full_history).format(len(history))
        if page.current is None:
            yield f'<details class="history"><summary>{count}</summary>'
            yield '<ol id="history">'
            for revision in history:
                yield from self._revision(revision, is_list and revision.listed)
            yield "</ol>"
            yield "</details>"
        else:
            current = self._links.to(page.current, history[-1].edition)
            yield f'<p class="said">{anchor(f"{current}#history", count)}</p>'
        yield "</section>"

    def _listed(self, revision: Revision, is_last: bool, shown: int) -> Iterator[str]:
        label = "current_version" if is_last else revision.label
        end = self._page.history[-1] if is_last else revision
        here = ' aria-current="page"' if revision.version == shown else ""
        target = self._links.to(end.path, end.edition)
        said = words(f"({getattr(self._labels, label)})")
        link = phrase_link(target, revision.headline, here, self._language)
        yield f"<li>{link}"
        moment = self._known(time(revision.published_at), revision)
        yield f'<span class="said">{moment} {said}</span>'
        if difference := changes_html(revision.diffs, self._edition):
            yield f"<details><summary>{words(self._words.what_changed)}</summary>"
            # A link to what is inside has browsers open it.
            yield f'<div id="change-{revision.version}">{difference}</div>'
            yield "</details>"
        yield "</li>"

    def _revision(self, revision: Revision, is_above: bool) -> Iterator[str]:
        said = self._words
        facts = [said.events[revision.type]]
        facts += [said.minor] if revision.minor else []
        facts += [said.erased_mark] if revision.erased else []
        moment = self._known(time(revision.published_at), revision)
        number = words(said.version).format(revision.version)
        yield f'<li id="version-{revision.version}">{number}: {words(", ".join(facts))}'
        yield f'<span class="said">{moment}</span>'
        difference = changes_html(revision.diffs, self._edition)
        if difference and is_above:
            what = words(self._words.what_changed)
            difference = f'<a class="said" href="#change-{revision.version}">{what}</a>'
        yield difference
        yield "</li>"
