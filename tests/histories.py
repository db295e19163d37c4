"""Generated histories, and everything that can be asked of a ledger at a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import strategies as st
from msgspec.structs import replace

from ledger import (
    CreateEntry,
    EditEntry,
    Ledger,
    LedgerError,
    MergeEntry,
    PublishCorrection,
    ReinstateEntry,
    RetractEntry,
    RevertEntry,
    Source,
)
from ledger.domain.commands import Command
from ledger.domain.events import RecordedEvent
from ledger.domain.permalinks import with_prefix
from ledger.domain.values import Status
from ledger.errors import EntryNotFound, InvalidInput, NotFound, Refused, VersionNotFound
from ledger.pages.markdown import render
from ledger.results import When
from ledger.store.rows import Row
from tests.stores import Store

DAYS = (date(2021, 3, 4), date(2021, 3, 5), date(2021, 3, 6))
PAST = tuple(datetime(2021, 3, 4, hour, tzinfo=UTC) for hour in (8, 9, 10, 11))
TICK = timedelta(microseconds=1)

CONTEXTS = ("Quays", "Ferries", "Gulls")
TOPICS = ("Harbour", "Weather")
STATUSES: tuple[Status, ...] = ("active", "retracted", "merged")
QUERIES = ("ferry", "tide*", '"ferry sails"', "渡轮", "courier", "harbour calm")
FILTERS: list[dict[str, Any]] = [
    {},
    {"day": DAYS[1], "status": "active"},
    {"topic": TOPICS[0], "context": CONTEXTS[0]},
    *({"day": day} for day in DAYS[:2]),
    *({"topic": topic} for topic in TOPICS),
    *({"context": context} for context in CONTEXTS),
    *({"status": status} for status in STATUSES),
]


class Step(NamedTuple):
    """One thing that somebody wants to do to a ledger."""

    kind: str
    first: int
    second: int
    fields: dict[str, Any]
    published_at: datetime | None
    joins: bool


_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "headline": st.sampled_from(["Ferry sails", "Ferry stays", "Tide rises", "渡轮"]),
        "slug": st.sampled_from(["ferry", "tide"]),
        "date": st.sampled_from(DAYS[:2]),
        "edition": st.sampled_from(["en", "zh"]),
        "topic": st.none() | st.sampled_from(TOPICS),
        "summary": st.none() | st.sampled_from(["The ferry is late.", "Calm.", "渡轮来了"]),
        "contexts": st.sets(st.sampled_from(CONTEXTS)).map(lambda names: tuple(sorted(names))),
        "sources": st.sampled_from([(), (Source("Courier", "https://courier.example/1"),)]),
    },
)
_KINDS = ["create"] * 2 + ["edit"] * 8 + ["revert", "retract", "reinstate", "merge", "correct"]


def histories(*, published: bool = True) -> st.SearchStrategy[list[Step]]:
    """Return histories, with publication times of their own or without."""
    times = st.none() | st.sampled_from(PAST) if published else st.none()
    return st.lists(
        st.builds(
            Step,
            st.sampled_from(_KINDS),
            st.integers(0, 4),
            st.integers(0, 3),
            _FIELDS,
            times,
            st.booleans(),
        ),
        min_size=6,
        max_size=20,
    )


def play(ledger: Ledger, history: Sequence[Step], *, apart: bool = False) -> list[UUID]:
    """Do what a history says, as far as the rules allow; return the ids of its entries.

    With `apart`, no two entries ever want one path.
    """
    ledger.init()
    ids: list[UUID] = []
    batch: list[Command] = []
    for step in history:
        command = _command(step, ids, apart)
        if not step.joins:
            _execute(ledger, batch)
            batch = []
        batch.append(command)
    _execute(ledger, batch)
    return ids


def _execute(ledger: Ledger, batch: Sequence[Command]) -> None:
    try:
        ledger.execute(batch)
    except (Refused, InvalidInput, NotFound):
        for command in batch:
            with suppress(Refused, InvalidInput, NotFound):
                ledger.execute([command])


def _command(step: Step, ids: list[UUID], apart: bool) -> Command:
    common: dict[str, Any] = {"actor": "Ann", "published_at": step.published_at}
    number = step.first % len(ids) if ids else 0
    if step.kind == "create" or not ids:
        number = len(ids)
        ids.append(UUID(bytes=sha256(bytes([number])).digest()[:16]))
        fields = {"headline": "Ferry", "date": DAYS[0], "contexts": CONTEXTS[:2]} | step.fields
        return CreateEntry(entry=ids[-1], **_named(fields, number, apart), **common)
    common["entry"] = ids[number]
    match step.kind:
        case "edit":
            return EditEntry(**_named(step.fields, number, apart), **common)
        case "revert":
            return RevertEntry(to_version=step.second + 1, **common)
        case "retract":
            return RetractEntry(**common)
        case "reinstate":
            return ReinstateEntry(**common)
        case "correct":
            return PublishCorrection(text="It was nine.", **common)
        case _:
            return MergeEntry(into=ids[step.second % len(ids)], **common)


def _named(fields: dict[str, Any], number: int, apart: bool) -> dict[str, Any]:
    if not apart:
        return fields
    letter = "abcdefghijklmno"[number]
    return fields | {
        name: f"{fields[name]}{between}{letter}"
        for name, between in (("headline", " "), ("slug", "-"))
        if name in fields
    }


class Desk:
    """The stores of one history; all is closed and gone at the end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: list[Store] = []
        self._open: list[Ledger] = []

    def url(self) -> str:
        """Return the URL of a store that is not there yet."""
        self._made.append(self._store.another())
        return self._made[-1].url

    def open(self, url: str | None = None) -> Ledger:
        """Open a store."""
        self._open.append(ledger := Ledger.open(url or self.url()))
        return ledger

    def stopped(self, ledger: Ledger, position: int) -> Ledger:
        """Return a ledger that has stopped at a position of another one."""
        ledger.replay_all(until=position, into=(url := self.url()))
        return self.open(url)

    def holding(self, rows: Sequence[Row]) -> Ledger:
        """Return a ledger that holds these events and no others."""
        ledger = self.open()
        ledger.init()
        ledger.application.log.load(
            [row._replace(position=position) for position, row in enumerate(rows, 1)]
        )
        return ledger

    def close(self) -> None:
        """Close all stores that were opened, and leave none behind."""
        for ledger in self._open:
            ledger.close()
        for store in self._made:
            store.close()


@contextmanager
def desk(store: Store) -> Iterator[Desk]:
    """Lend a desk, with stores of a kind."""
    with closing(Desk(store)) as lent:
        yield lent


def rows_at(ledger: Ledger, as_of: When | None, known_at: int | None) -> list[Row]:
    """Return the events that were public at a time, of those known at a position.

    Told from the events alone: an event is public at the latest of the times that it and those
    before it in its entry state.
    """
    events, rows = list(ledger.events()), ledger.application.log.read(0, 1000)
    time = events[as_of - 1].recorded_at if isinstance(as_of, int) else as_of
    public: dict[UUID, datetime] = {}
    found: list[Row] = []
    for event, row in zip(events, rows, strict=True):
        stated = event.meta.published_at
        public[event.entry] = max(public.get(event.entry, stated), stated)
        is_known = known_at is None or event.position <= known_at
        if is_known and (time is None or public[event.entry] <= time):
            found.append(row)
    return found


Places = dict[int, int]
"""Positions of one log to those of another that holds part of it."""


def answers(
    ledger: Ledger, entries: Sequence[UUID], places: Places | None = None, **moment: Any
) -> dict[str, object]:
    """Return all that a ledger answers at a moment; at present where there is none.

    At present, an entry that is not there answers as at a moment when it was not there yet.
    """
    found: dict[str, object] = {}

    def ask(name: str, question: Callable[[], object]) -> None:
        try:
            found[name] = question()
        except LedgerError as error:
            kind = type(error)
            found[name] = VersionNotFound if kind is EntryNotFound and not moment else kind

    def place(position: int) -> int:
        return position if places is None else places[position]

    def get(entry: UUID | str) -> tuple[object, ...]:
        shown = ledger.get(entry, **moment)
        event: RecordedEvent = replace(shown.event, position=place(shown.event.position))
        return shown.entry, shown.path, event

    def get_by_path(entry: UUID) -> tuple[object, ...]:
        shown = ledger.get(entry, **moment)
        return get(with_prefix(shown.path, shown.entry.prefix))

    def changes(entry: UUID, *, all_versions: bool) -> list[object]:
        listed = ledger.changes(entry, all_versions=all_versions, **moment)
        return [replace(change, position=place(change.position)) for change in listed]

    def page(entry: UUID) -> str:
        return render(ledger.page(ledger.get(entry, **moment)))

    for number, id_ in enumerate(entries):
        of: dict[str, Callable[[], object]] = {
            "get": partial(get, id_),
            "get by path": partial(get_by_path, id_),
            "changes": partial(changes, id_, all_versions=False),
            "changes all": partial(changes, id_, all_versions=True),
            "diff": partial(ledger.diff, id_, **moment),
            "diff 1": partial(ledger.diff, id_, 1, **moment),
            "diff 1 2": partial(ledger.diff, id_, 1, 2, **moment),
            "diff 3 1": partial(ledger.diff, id_, 3, 1, **moment),
            "related": partial(ledger.related, id_, **moment),
            "related, one": partial(ledger.related, id_, 1, **moment),
            "page": partial(page, id_),
        }
        for name, question in of.items():
            ask(f"{name} of {number}", question)
    for given in FILTERS:
        ask(f"entries {given}", partial(ledger.entries, **given, **moment))
    for day in DAYS:
        for edition in ("en", "zh", None):
            ask(f"day {day} {edition}", partial(ledger.day, day, edition=edition, **moment))
    ask("contexts", partial(ledger.contexts, **moment))
    for query in QUERIES:
        for every in (False, True):
            ask(
                f"search {query} {every}",
                partial(ledger.search, query, all_versions=every, **moment),
            )
    return found


def between(last: datetime | None, first: datetime | None) -> list[datetime]:
    """Return times from `last` on, before `first`; None is no bound. None in no time at all."""
    if last is None:
        return [] if first is None else [first - TICK]
    if first is None:
        return [last, last + TICK]
    return [last, first - TICK] if last < first else []
