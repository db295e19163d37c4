"""`ledger`, through its facade, as it is by default."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmark.contestant import (
    Contestant,
    Group,
    Ids,
    bytes_in,
    cannot,
    checkpointed,
    settings_of,
)
from benchmark.verifying import bare_read, readings, rebuild_current
from benchmark.workload import Change
from ledger import CreateEntry, EditEntry, EntryVersion, Ledger, Source, __version__
from ledger.domain.commands import Command
from ledger.domain.decide import decide, entry_of
from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import Event, RecordedEvent
from ledger.projections.changes import Changes
from ledger.projections.current import Current
from ledger.projections.permalinks import Permalinks
from ledger.projections.places import place_of
from ledger.projections.records import Change as Line
from ledger.projections.tree import Tree
from ledger.projections.views import Views
from ledger.results import Listed


class Ours(Contestant):
    """A ledger in one SQLite file, opened as the README opens it."""

    name = "ledger"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.url = f"sqlite:///{folder / 'news.db'}"
        self.ledger = Ledger.open(self.url)
        self.ledger.init()
        self._ids = Ids()
        self._commits: list[Group] = []
        self._unwatch: Callable[[], None] = lambda: None
        # Who asks has the id at hand, so making it of bytes is not what is measured.
        self._id = lru_cache(4096)(lambda entry: UUID(bytes=self._ids[entry]))

    def about(self) -> str:
        """Return versions and settings, as the connection that writes has them."""
        writer = self.ledger.application.log.file.sound_writer()  # type: ignore[attr-defined]
        return f"ledger {__version__}, {settings_of(writer)}"

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()

    # Writing

    def prepare(self, changes: list[Change]) -> list[Event]:
        """Decide what happens; an importer is at this point when it has read a page."""
        states: dict[UUID, NewsEntry] = {}
        events: list[Event] = []
        now = datetime.now(UTC)
        handler = self.ledger._handler
        for command in self._commands(changes, self._ids):
            entry = entry_of(command)
            state = states.get(entry) or handler.histories.get(entry).state
            (event,) = decide(command, state, now, handler)
            states[entry] = evolve(state, event)
            events.append(event)
        return events

    def load(self, prepared: list[Event]) -> None:
        """Append events that are decided, in one transaction."""
        self.ledger.application.append(prepared)

    def load_commands(self, changes: Iterable[list[Change]]) -> float:
        """Give commands to a ledger of their own, a batch in one transaction."""
        seconds, ids = 0.0, Ids()
        with Ledger.open(f"sqlite:///{self.folder / 'commands.db'}") as ledger:
            ledger.init()
            for batch in changes:
                began = time.perf_counter()
                ledger.execute(list(self._commands(batch, ids)))
                seconds += time.perf_counter() - began
        return seconds

    @staticmethod
    def _commands(changes: list[Change], ids: Ids) -> Iterator[Command]:
        for change in changes:
            if change.new is not None:
                create = CreateEntry(actor=change.actor, published_at=change.at, **new(change))
                ids[change.entry] = entry_of(create).bytes
                yield create
            else:
                yield EditEntry(
                    entry=UUID(bytes=ids[change.entry]),
                    actor=change.actor,
                    published_at=change.at,
                    **edited(change),
                )

    def append(self, change: Change) -> None:
        """Create an entry, or edit one."""
        if change.new is not None:
            event = self.ledger.create(actor=change.actor, published_at=change.at, **new(change))
            self._ids[change.entry] = event.entry.bytes
        else:
            self.ledger.edit(
                self._id(change.entry),
                actor=change.actor,
                published_at=change.at,
                **edited(change),
            )

    def append_beside(self, change: Change) -> None:
        """Create an entry, or edit one: threads share a ledger."""
        self.append(change)

    def watch(self) -> None:
        """Note each commit: how many events shared it, and how long it took."""
        application = self.ledger.application
        append = application.append
        self._commits.clear()

        def noted(events: Sequence[Event], *rest: Any) -> list[RecordedEvent]:
            began = time.perf_counter()
            recorded = append(events, *rest)
            self._commits.append(Group(len(events), time.perf_counter() - began))
            return recorded

        setattr(application, "append", noted)  # noqa: B010 - it is no attribute for mypy
        self._unwatch = partial(delattr, application, "append")

    def group(self) -> Group | None:
        """Watch no more, and return the means of what was seen."""
        self._unwatch()
        return Group(*(statistics.fmean(values) for values in zip(*self._commits, strict=True)))

    def settle(self) -> None:
        """Bring all views up to date."""
        self.ledger.views.status()

    # Reading

    def current(self, entry: int) -> EntryVersion:
        """Get it by its id."""
        return self.ledger.get(self._id(entry))

    def by_path(self, path: str) -> EntryVersion:
        """Get what a permalink leads to."""
        return self.ledger.get(path)

    def changes(self, entry: int) -> tuple[Line, ...]:
        """Return what a page lists."""
        return self.ledger.changes(self._id(entry))

    def as_of(self, entry: int, at: datetime) -> EntryVersion:
        """Get what was public then."""
        return self.ledger.get(self._id(entry), as_of=at)

    def search(self, words: str) -> list[Listed]:
        """Search current versions."""
        return self.ledger.search(words)

    current_in_view = changes_in_view = cannot

    def path(self, entry: int) -> str:
        """Return the current path."""
        return self.current(entry).path

    # Upkeep

    def rebuild(self) -> None:
        """Make three read models anew: these and no others are kept, as by who embeds them."""
        models = (Current(), Changes(), Permalinks())
        place = place_of(f"sqlite:///{self.folder / 'three.db'}")
        views = Views(self.ledger.application, place, models)
        views.rebuild()
        views.close()

    def rebuild_all(self) -> None:
        """Make all read models anew, and have them compared with those that served."""
        self.ledger.rebuild()

    def verify(self) -> dict[str, float]:
        """Read the log twice in one process, and beside it what each reading is held against."""
        bare = bare_read(self.folder / "news.db")
        first, second = readings(self.url, jobs=1)
        return {
            "bare read with SHA-256": bare,
            "audit verify, first pass": first,
            "audit verify, second pass": second,
            "rebuild of the current view": rebuild_current(self.url),
        }

    def size(self) -> int:
        """Return the bytes of the log, and of the tree, alone in a file."""
        place = place_of(f"sqlite:///{self.folder / 'tree.db'}")
        views = Views(self.ledger.application, place, (Tree(),))
        views.rebuild()
        views.close()
        return checkpointed(self.folder / "news.db") + bytes_in(self.folder, "tree.db-views/*.db")

    # What answers say

    def said(self, version: EntryVersion | Listed) -> tuple[object, ...]:
        """Return the fields."""
        entry = version.entry
        sources = tuple((source.name, source.url) for source in entry.sources)
        return entry.headline, entry.summary, sources, entry.contexts

    def listed(self, changes: tuple[Line, ...]) -> list[tuple[int, datetime, str]]:
        """Return the lines."""
        return [(line.version, line.published_at, line.headline) for line in changes]


def new(change: Change) -> dict[str, Any]:
    """Return the options of a new entry."""
    fields = change.new
    assert fields is not None
    return {
        "date": fields.day,
        "headline": fields.headline,
        "summary": fields.summary,
        "topic": fields.topic,
        "sources": tuple(Source(*source) for source in fields.sources),
        "contexts": fields.contexts,
    }


def edited(change: Change) -> dict[str, Any]:
    """Return the options of an edit."""
    options: dict[str, Any] = dict(change.edited)
    if "sources" in options:
        options["sources"] = tuple(Source(*source) for source in options["sources"])
    return options
