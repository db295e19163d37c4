"""The read side of the facade, across entries: lists, days, pages, searches, activity."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from ledger.domain import editions
from ledger.domain.entry import at_version
from ledger.domain.values import Status, StyleName
from ledger.errors import InvalidInput, ProjectionDrifted
from ledger.projections import activity, changes, contexts, current, days, permalinks, search
from ledger.projections.activity import By, Count, Flip, SilentEdit
from ledger.projections.database import Db, ViewsDb
from ledger.projections.records import Related
from ledger.projections.tokens import terms
from ledger.reading import EntryRef, LedgerReader, is_text
from ledger.results import ContextCount, Day, EntryVersion, Listed, When

if TYPE_CHECKING:
    from ledger.pages.model import Page

_LISTED = ("current", "changes", "permalinks")
"""The read models that an entry in a list is told from."""


class LedgerLists(LedgerReader):
    """Answers questions about many entries at once, now or at a moment in the past.

    Where a method takes `as_of` and `known_at`, the answer is what was public then, of what the
    ledger had recorded by then.
    """

    def entries(
        self,
        *,
        day: date | None = None,
        topic: str | None = None,
        context: str | None = None,
        status: Status | None = None,
        as_of: When | None = None,
        known_at: When | None = None,
    ) -> list[Listed]:
        """Return the entries that match everything given, by date, then by id."""
        if not all(text is None or is_text(text) for text in (topic, context)):
            return []
        moment = self.moment(as_of, known_at)
        return self.views.read(
            lambda db: [
                self._listed(db, entry, changes.version_at(db, entry, moment))
                for entry in days.find(
                    db, moment, day=day, topic=topic, context=context, status=status
                )
            ],
            *("days", "contexts", *_LISTED),
        )

    def day(
        self,
        day: date,
        *,
        edition: str | None = None,
        as_of: When | None = None,
        known_at: When | None = None,
    ) -> Day:
        """Return a day's entries, in the order the ledger learned of them, and its neighbours.

        Args:
            day: Which.
            edition: Of which edition; None: the only one that has entries, or else the usual one.
            as_of: What was public then.
            known_at: What the ledger knew then.

        Raises:
            InvalidInput: There is no such edition.
        """
        if edition is not None:
            editions.edition(edition)
        moment = self.moment(as_of, known_at)

        def ask(db: Db) -> Day:
            used = [edition] if edition else days.editions_at(db, moment)
            chosen = used[0] if len(used) == 1 else editions.DEFAULT
            entries = days.entries_of(db, chosen, day, moment)
            return Day(
                day,
                chosen,
                tuple(
                    self._listed(db, entry, changes.version_at(db, entry, moment))
                    for entry in entries
                ),
                *days.neighbours(db, chosen, day, moment),
            )

        return self.views.read(ask, *("days", *_LISTED))

    def related(
        self,
        entry: EntryRef,
        limit: int = 10,
        *,
        as_of: When | None = None,
        known_at: When | None = None,
    ) -> tuple[Related, ...]:
        """Return the entries that share contexts with this one, most shared first.

        Raises:
            EntryNotFound: There is no such entry.
            VersionNotFound: It was not there at that time.
        """
        id_ = self.id_of(entry)
        moment = self.moment(as_of, known_at)
        is_there, found = self.views.read(
            lambda db: (
                changes.version_at(db, id_, moment) is not None,
                contexts.related(db, id_, limit, moment),
            ),
            *("contexts", "days", "changes", "permalinks"),
        )
        if not is_there:
            self._reached(id_, as_of, known_at)
        return found

    def contexts(
        self, *, as_of: When | None = None, known_at: When | None = None
    ) -> list[ContextCount]:
        """Return each context with its number of entries, the most touched first."""
        moment = self.moment(as_of, known_at)
        found = self.views.read(lambda db: contexts.counts(db, moment), *("contexts", "changes"))
        return [ContextCount(*row) for row in found]

    def search(
        self,
        query: str,
        *,
        all_versions: bool = False,
        as_of: When | None = None,
        known_at: When | None = None,
    ) -> list[Listed]:
        """Return the entries that hold everything a query asks for, by id, then by version.

        Args:
            query: Words, "phrases in quotation marks", beginnings of words that end in a star;
                see `projections.tokens`. What is searched are headline, topic, summary, sources.
            all_versions: Also versions before; each is the first that has its text.
            as_of: What was public then.
            known_at: What the ledger knew then.

        Raises:
            InvalidInput: The query holds no word.
        """
        if not terms(query):
            raise InvalidInput(f"{query!r} holds no word to search for")
        moment = self.moment(as_of, known_at)

        def ask(db: ViewsDb) -> list[Listed]:
            hits = search.search(db, query, moment, all_versions=all_versions)
            return [
                self._listed(
                    db,
                    hit.entry,
                    hit.version if all_versions else changes.version_at(db, hit.entry, moment),
                )
                for hit in hits
            ]

        return self.views.read(ask, *("search", *_LISTED))

    def activity(self, by: By = "day") -> list[Count]:
        """Return how many edits each day, actor, field or entry has."""
        return self.views.read(lambda db: activity.counts(db, by), "activity")

    def flips(self) -> list[Flip]:
        """Return the edits by which a field went back to what it had said before (A-B-A)."""
        return self.views.read(activity.flips, "activity")

    def silent_edits(self) -> list[SilentEdit]:
        """Return the headline changes after which no correction was published."""
        return self.views.read(activity.silent_edits, "activity")

    def page(self, shown: EntryVersion, style: StyleName | None = None) -> Page:
        """Return the page of an entry in one version.

        Its Changes and Related lists are of the moment that `get` was asked for.

        Args:
            shown: As `get` or `at` returned it.
            style: The style to use; None: the one it was published in.
        """
        from ledger.pages.build import build_page
        from ledger.pages.labels import STYLES

        limit = STYLES[style or shown.entry.layout.style].related
        entry, as_of, known_at = shown.entry.id, shown.as_of, shown.known_at
        return build_page(
            shown.entry,
            shown.path,
            self.changes(entry, as_of=as_of, known_at=known_at),
            self.related(entry, limit, as_of=as_of, known_at=known_at),
            style,
        )

    def _listed(self, db: Db, entry: UUID, version: int | None) -> Listed:
        """Return an entry in one version: as the views have it, or else folded from the log."""
        state = current.get(db, entry)
        if state is None or version is None:
            raise ProjectionDrifted(
                f"the views know entry {entry} only in part: `ledger rebuild` puts them right"
            )
        if state.version != version:
            state = at_version(self.history(entry), version)
        return Listed(state, permalinks.path_of_version(db, entry, version))
