"""What is published: the model of every page, as the ledger has it now or had it at a moment.

Who did what and why is not told here: that is for those who audit. Entries that were retracted or
merged stay on the pages of their day and of their contexts, and say so; the front page, like every
Related list, has only those that stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec.structs import replace

from ledger.domain import editions
from ledger.domain.diffs import FieldDiff, diff_entries
from ledger.domain.entry import NewsEntry
from ledger.domain.events import RecordedEvent
from ledger.domain.values import StyleName
from ledger.errors import VersionNotFound
from ledger.lists import LedgerLists
from ledger.pages.addresses import context_paths
from ledger.pages.model import (
    ChangeLabel,
    ContextCountLine,
    ContextLink,
    ContextPage,
    ContextsPage,
    DayPage,
    EntryLink,
    EntryPage,
    FrontPage,
    Page,
    PublicNote,
    Revision,
    Teaser,
)
from ledger.projections import contexts, days, permalinks
from ledger.report.findings import Step, replaced_whole, steps
from ledger.results import Day, EntryVersion, Listed, When

DAYS_IN_FRONT = 3
"""How many days the front page shows."""


class Publisher:
    """Makes the models of pages; it writes nothing.

    Where a method takes `as_of` and `known_at`, all that its page says is what was public then, of
    what the ledger had recorded by then.

    Args:
        reader: Reads the ledger.
    """

    def __init__(self, reader: LedgerLists) -> None:
        self._reader = reader
        self._contexts: tuple[object, Mapping[str, ContextCountLine]] = (None, {})

    def editions(self, as_of: When | None = None, known_at: When | None = None) -> list[str]:
        """Return the editions that have entries."""
        moment = self._reader.moment(as_of, known_at)
        return self._reader.views.read(lambda db: days.editions_at(db, moment), "days", "changes")

    def entry(self, shown: EntryVersion, style: StyleName | None = None) -> EntryPage:
        """Return the page of an entry in one version, at the moment that it was asked for.

        Args:
            shown: As `get` or `at` returned it.
            style: The style to use; None: the one it was published in.
        """
        entry, as_of, known_at = shown.entry, shown.as_of, shown.known_at
        known = self._reader.changes(entry.id, all_versions=True, as_of=as_of, known_at=known_at)
        folded = list(steps(self._reader.history(entry.id)[: len(known)]))
        moves = self._reader.views.read(lambda db: permalinks.moves(db, entry.id), "permalinks")
        history = tuple(_revisions(folded, moves))
        before, after = _neighbours(history, entry.version)
        now, this = folded[-1].after, folded[entry.version - 1].event
        links = self._context_links(entry, as_of, known_at)
        return EntryPage(
            page=_at_home(self._reader.page(shown, style), history),
            entry=entry.id,
            version=entry.version,
            language=entry.language,
            status=entry.status,
            status_since=_status_since(folded, entry),
            merged_into=self._link(entry.merged_into, as_of, known_at),
            contexts=entry.contexts,
            first_published_at=folded[0].after.published_at,
            published_at=entry.published_at,
            notes=tuple(
                PublicNote(
                    note.kind,
                    note.text,
                    note.version,
                    folded[note.version - 1].after.published_at,
                )
                for note in entry.corrections
            ),
            history=history,
            current=None if entry.version == now.version else history[-1].path,
            predecessor=before,
            successor=after,
            current_status=now.status,
            context_links=links,
            erased=_is_erased(this),
        )

    def day(
        self,
        day: date,
        *,
        edition: str | None = None,
        as_of: When | None = None,
        known_at: When | None = None,
    ) -> DayPage:
        """Return the page of a day; without entries, where it has none.

        Args:
            day: Which.
            edition: Of which edition; None: the only one that has entries, or else the usual one.
            as_of: What was public then.
            known_at: What the ledger knew then.

        Raises:
            InvalidInput: There is no such edition.
        """
        return _day_page(self._reader.day(day, edition=edition, as_of=as_of, known_at=known_at))

    def front(
        self, edition: str, *, as_of: When | None = None, known_at: When | None = None
    ) -> FrontPage:
        """Return the front page of an edition: its newest three days that have entries.

        Raises:
            InvalidInput: There is no such edition.
        """
        shown: list[DayPage] = []
        previous: date | None = date.max
        while previous is not None and len(shown) < DAYS_IN_FRONT:
            day = self.day(previous, edition=edition, as_of=as_of, known_at=known_at)
            standing = tuple(entry for entry in day.entries if entry.status == "active")
            if standing:
                shown.append(replace(day, entries=standing))
            previous = day.previous
        return FrontPage(edition=edition, days=tuple(shown), previous=previous)

    def context(
        self,
        name: str,
        edition: str,
        *,
        as_of: When | None = None,
        known_at: When | None = None,
    ) -> ContextPage:
        """Return the page of a context: its entries, the newest day first, each as on its page.

        Raises:
            InvalidInput: There is no such edition.
        """
        known = self._contexts_of(edition, as_of, known_at)
        line = known.get(name)
        path = (
            context_paths([name], editions.edition(edition))[name] if line is None else line.path
        )
        found = self._reader.entries(context=name, as_of=as_of, known_at=known_at)
        mine = [item for item in found if item.entry.edition == edition]
        moment = self._reader.moment(as_of, known_at)
        places = self._reader.views.read(
            lambda db: {
                entry: place
                for day in {item.entry.date for item in mine}
                for place, entry in enumerate(days.entries_of(db, edition, day, moment))
            },
            *("days", "changes"),
        )
        mine.sort(key=lambda item: places.get(item.entry.id, 0))
        mine.sort(key=lambda item: item.entry.date, reverse=True)
        return ContextPage(
            edition=edition, context=name, path=path, entries=tuple(map(_teaser, mine))
        )

    def contexts(
        self, edition: str, *, as_of: When | None = None, known_at: When | None = None
    ) -> ContextsPage:
        """Return the list of an edition's contexts, in alphabetical order.

        Raises:
            InvalidInput: There is no such edition.
        """
        lines = self._contexts_of(edition, as_of, known_at).values()
        return ContextsPage(edition=edition, contexts=tuple(lines))

    def _contexts_of(
        self, edition: str, as_of: When | None, known_at: When | None
    ) -> Mapping[str, ContextCountLine]:
        """Return the contexts of an edition; those found last are kept while the log stands."""
        found = editions.edition(edition)
        moment = self._reader.moment(as_of, known_at)
        key = (edition, moment, self._reader.application.log.head())
        if self._contexts[0] != key:
            counts = dict(
                self._reader.views.read(
                    lambda db: contexts.counts_in(db, edition, moment),
                    *("contexts", "days", "changes"),
                )
            )
            paths = context_paths(counts, found)
            lines = {
                name: ContextCountLine(name, paths[name], counts[name]) for name in sorted(counts)
            }
            self._contexts = (key, lines)
        return self._contexts[1]

    def _context_links(
        self, entry: NewsEntry, as_of: When | None, known_at: When | None
    ) -> tuple[ContextLink, ...]:
        if not entry.contexts:
            return ()
        known = self._contexts_of(entry.edition, as_of, known_at)
        return tuple(
            ContextLink(name, known[name].path if name in known else None)
            for name in entry.contexts
        )

    def _link(
        self, entry: UUID | None, as_of: When | None, known_at: When | None
    ) -> EntryLink | None:
        if entry is None:
            return None
        try:
            found = self._reader.get(entry, as_of=as_of, known_at=known_at)
        except VersionNotFound:
            # It became public only later than the merge, as times were stated.
            return None
        return EntryLink(found.entry.headline, found.path, found.entry.edition)


def _neighbours(history: Sequence[Revision], version: int) -> tuple[str | None, str | None]:
    """Return the nearest paths that show an earlier and a later version, in the same edition."""
    this = history[version - 1]
    shows = {one.path: one.version for one in history if one.edition == this.edition}
    del shows[this.path]
    there = sorted((shown, path) for path, shown in shows.items())
    return (
        next((path for shown, path in reversed(there) if shown < version), None),
        next((path for shown, path in there if shown > version), None),
    )


def _at_home(page: Page, history: Sequence[Revision]) -> Page:
    """Return a page that says of each line of its Changes list in which edition it was.

    What is related are entries of the edition that the entry has come to.
    """
    *earlier, _ = (one.edition for one in history if one.listed)
    changes = tuple(
        replace(line, edition=None if edition == page.edition else edition)
        for line, edition in zip(page.changes, (*earlier, history[-1].edition), strict=False)
    )
    related = page.related if page.edition == history[-1].edition else ()
    return replace(page, changes=changes, related=related)


def _revisions(folded: Sequence[Step], moves: Sequence[tuple[int, str]]) -> Iterator[Revision]:
    updated_at = folded[0].after.published_at
    for step in folded:
        event, after = step.event, step.after
        label: ChangeLabel = "first_version" if step.before is None else "update"
        revision = Revision(
            version=after.version,
            headline=after.headline,
            path=permalinks.path_at(moves, after.version),
            edition=after.edition,
            published_at=event.meta.published_at,
            updated_at=updated_at,
            basis=event.meta.basis,
            label="current_version" if step is folded[-1] else label,
            listed=step.before is None or "headline" in step.edited,
            type=type(event.data).__name__,
            minor=event.meta.minor,
            erased=_is_erased(event),
            diffs=() if step.before is None else tuple(_differences(step)),
        )
        if revision.is_told:
            updated_at = max(updated_at, revision.published_at)
        yield replace(revision, updated_at=updated_at)


def _differences(step: Step) -> Iterator[FieldDiff]:
    for diff in diff_entries(step.before, step.after):
        if diff.words and diff.field in step.erased:
            yield replace(diff, words=replaced_whole(diff.old or "", diff.new or ""))
        else:
            yield diff


def _is_erased(event: RecordedEvent) -> bool:
    return event.erased is not None and event.erased.text


def _status_since(folded: Sequence[Step], entry: NewsEntry) -> datetime | None:
    """Return when an entry came to the status that it has in its version; None where active."""
    if entry.status == "active":
        return None
    return next(
        step.after.published_at
        for step in reversed(folded[: entry.version])
        if step.before is None or step.before.status != entry.status
    )


def _day_page(found: Day) -> DayPage:
    return DayPage(
        edition=found.edition,
        day=found.day,
        entries=tuple(map(_teaser, found.entries)),
        previous=found.previous,
        next=found.next,
    )


def _teaser(item: Listed) -> Teaser:
    entry = item.entry
    return Teaser(
        entry=entry.id,
        day=entry.date,
        headline=entry.headline,
        path=item.path,
        language=entry.language,
        status=entry.status,
        topic=entry.topic,
        summary=entry.summary,
        contexts=entry.contexts,
    )
