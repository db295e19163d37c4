"""Importing git history: commit by commit, oldest first, what really changed.

Everything that is stored follows from the repository and from what the ledger holds, so a run that
was cut short, or one that finds new commits, goes on from the last commit the ledger knows. That
commit is gone through again: it may have been stored in part.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Literal, Protocol, TypedDict
from uuid import UUID

import msgspec

from ledger.domain import editions
from ledger.domain.commands import Command
from ledger.domain.decide import Decided
from ledger.domain.events import RecordedEvent
from ledger.errors import Conflict, InvalidInput, NotFound, PageError, Refused, StoreError
from ledger.interchange.edits import EditWriter
from ledger.interchange.files import INDEX_NAMES, SUFFIXES, Failure
from ledger.interchange.git.entries import Entries, Log, commit_of, origin_of
from ledger.interchange.git.likeness import ALIKE
from ledger.interchange.git.planner import Planner
from ledger.interchange.git.plans import Fate, Group, Kind, Plan
from ledger.interchange.git.reader import PageReader, key_of
from ledger.interchange.git.repository import Change, Commit, Repository
from ledger.interchange.pages import Progress
from ledger.interchange.survey import Key, learn

COMMANDS_A_TRANSACTION = 1000
PAGES_A_GROUP = 1000
FAILURES_KEPT = 1000
ATTEMPTS = 10


class Target(Log, Protocol):
    """The ledger that a history is written to."""

    def execute(
        self, commands: Sequence[Command], decided: Mapping[UUID, Decided]
    ) -> list[tuple[RecordedEvent, bool]]:
        """Do all commands in one transaction, or none; tell which were not done before.

        Args:
            commands: What to do.
            decided: What was decided already, by the commands' ids.
        """

    def origins(self) -> Iterator[str]:
        """Yield where imports found what they stored, last first."""


class GitReport(msgspec.Struct, kw_only=True):
    """What an import of git history did.

    Attributes:
        commits: How many commits were read.
        last: The hash of the last one; None where there was none.
        changes: How many changes of pages they hold.
        stored: How many events were stored, by what they are; `learned` are contexts.
        fates: How many changes of pages came to nothing, and why: noise (only derived parts
            changed), unchanged (the ledger has it), older (a page of an older version), indexes.
        failed: How many changes brought a page that was not understood, or cannot be stored.
        failures: The first of them, by commit and file.
    """

    commits: int = 0
    last: str | None = None
    changes: int = 0
    stored: Counter[Kind | Literal["learned"]] = msgspec.field(default_factory=Counter)
    fates: Counter[Fate] = msgspec.field(default_factory=Counter)
    failed: int = 0
    failures: list[Failure] = []

    @property
    def events(self) -> int:
        """How many events were stored."""
        return self.stored.total()


class GitOptions(TypedDict, total=False):
    """What `import_git` takes, and need not be given."""

    branch: str | None
    since: str | None
    until: str | None
    edition: str | None
    alike: float
    contexts: bool
    another: bool
    progress: Progress | None


def import_git(
    target: Target,
    repository: Repository,
    *,
    actor: str,
    now: datetime,
    branch: str | None = None,
    since: str | None = None,
    until: str | None = None,
    edition: str | None = None,
    alike: float = ALIKE,
    contexts: bool = True,
    another: bool = False,
    progress: Progress | None = None,
) -> GitReport:
    """Store what the commits of a repository of published pages changed.

    Args:
        target: The ledger.
        repository: Where they are.
        actor: Who imports, and so tells what is learned at the end; what a commit changed is
            told by its author.
        now: The present time, aware; no version is later.
        branch: Which branch; None: the one that is checked out.
        since: The commit before the first to read, unless the ledger knows a later one; None: the
            last that the ledger knows, or else the beginning.
        until: The last commit to read; None: the branch's last.
        edition: The edition of pages that do not tell theirs.
        alike: From which likeness on (above 0, up to 1) a page that goes and one that comes are
            one entry; see `likeness`.
        contexts: Whether to learn, at the end, which contexts entries touch.
        another: Whether to begin at the beginning, though the ledger has imported commits, and
            none of this history.
        progress: Is told how many commits are done, and how many there are.

    Raises:
        InvalidInput: There is no such commit, or the history cannot be read; or the ledger has
            imported another one.
        StoreError: The store failed; the transactions before are stored.
    """
    if edition is not None:
        editions.edition(edition)
    if not 0 < alike <= 1:
        raise InvalidInput(f"likeness goes from above 0 to 1: {alike} does not")
    tip = repository.tip(branch)
    last = tip if until is None else _on(repository, until, tip)
    after = None if since is None else _on(repository, since, last)
    run = _Run(target, repository, tip, last, actor, now, edition, alike, progress)
    try:
        run.run(run.begin(after, another=another), contexts=contexts)
    except StoreError as error:
        if run.report.events:
            stored = f"{run.report.events} events of this run are stored"
            error.args = (f"{error}; {stored}: run it again to go on",)
        raise
    return run.report


def _on(repository: Repository, name: str, tip: str) -> str:
    """Return a commit of the history that ends at `tip`."""
    commit = repository.commit(name)
    if commit not in repository.history(tip):
        raise InvalidInput(
            f"commit {name} is not in the history of {tip[:12]}, along first parents"
        )
    return commit


class _Run:
    def __init__(
        self,
        target: Target,
        repository: Repository,
        tip: str,
        until: str,
        actor: str,
        now: datetime,
        edition: str | None,
        alike: float,
        progress: Progress | None,
    ) -> None:
        self.report = GitReport()
        self._target = target
        self._repository = repository
        self._until = until
        self._actor = actor
        self._now = now
        self._progress = progress
        self._order = repository.order(tip)
        self._entries = Entries(target, self._order)
        self._reader = PageReader(repository, edition)
        self._planner = Planner(self._reader, self._entries, now, alike)
        self._waiting: list[tuple[Commit, Group, Plan]] = []
        self._commands = 0

    def begin(self, since: str | None, *, another: bool) -> str | None:
        """Return the commit behind which to begin; None: at the beginning.

        Raises:
            InvalidInput: The repository does not hold what comes before; or the ledger has
                imported another history.
        """
        known = self._last_known(another or since is not None)
        after = since
        if known is not None and (since is None or self._order[known] > self._order[since]):
            after = self._repository.parent(known)
        if after is None and self._repository.is_shallow():
            raise InvalidInput(
                "the repository is a shallow clone, whose history begins in the middle: fetch the "
                "rest (git fetch --unshallow), or begin behind a commit of it, with --since"
            )
        return after

    def _last_known(self, is_asked: bool) -> str | None:
        """Return the last commit of the history that something is stored of."""
        if self._target.is_empty():
            return None
        other: str | None = None
        for commit in map(commit_of, self._target.origins()):
            if commit is None or commit not in self._order:
                other = other or commit
            elif self._order[commit] <= self._order[self._until]:
                return commit
        if other is not None and not is_asked:
            raise InvalidInput(
                f"the ledger has imported another history, last its commit {other[:12]}: where "
                "this one is that one rewritten, begin behind the commit that the ledger is at, "
                "with --since; where it is of another archive, say --another"
            )
        return None

    def run(self, after: str | None, *, contexts: bool) -> None:
        changes = self._repository.contents(self._changes(after))
        for (commit, _), together in groupby(changes, key=lambda one: one[0][:2]):
            size = None if commit.removes else PAGES_A_GROUP
            while group := [(item[2], page) for item, page in islice(together, size)]:
                self._take(commit, group)
        self._flush()
        if contexts and self.report.commits:
            self._learn()

    def _changes(self, since: str | None) -> Iterator[tuple[tuple[Commit, str, Change], str]]:
        """Yield the changes of pages, those that are decided together behind each other."""
        total = self._repository.count(since, self._until)
        for commit in self._repository.commits(since, self._until):
            self.report.commits += 1
            self.report.last = commit.id
            pages = [change for change in commit.changes if _is_page(change.path)]
            self.report.changes += len(pages)
            # Those of a day that come tell of each other; where pages go, any may have become any.
            is_one = commit.removes
            days = [
                ("" if is_one or change.old else _day(change.path), change) for change in pages
            ]
            for day, change in sorted(days, key=itemgetter(0)):
                yield (commit, day, change), change.new or change.old or ""
            if self._progress is not None:
                self._progress(self.report.commits, total)

    # Storing

    def _take(self, commit: Commit, group: Group) -> None:
        """Plan what pages of a commit come to; it waits until there is enough to store."""
        # Only now: what mends a page that was not understood before is no noise.
        real = [(change, page) for change, page in group if not self._is_noise(change, page)]
        if not real:
            return
        plan = self._plan(commit, real)
        if not plan.commands:
            self._count(plan)
            return
        self._waiting.append((commit, real, plan))
        self._commands += len(plan.commands)
        if self._commands >= COMMANDS_A_TRANSACTION:
            self._flush()

    def _is_noise(self, change: Change, page: bytes) -> bool:
        is_noise = self._reader.is_noise(change, page)
        self.report.fates["noise"] += is_noise
        return is_noise

    def _plan(self, commit: Commit, group: Group) -> Plan:
        return self._planner.plan(commit, self._order[commit.id], group)

    def _flush(self) -> None:
        """Store what waits, in one transaction."""
        waiting, self._waiting, self._commands = self._waiting, [], 0
        try:
            self._store([plan for _, _, plan in waiting])
        except (Conflict, NotFound, Refused):
            # Another writer came between: plan each again, on what is there now.
            self._entries.forget()
            for commit, group, _ in waiting:
                self._store_alone(commit, group)

    def _store_alone(self, commit: Commit, group: Group) -> None:
        """Store a group, whatever others write meanwhile."""
        for _ in range(ATTEMPTS):
            plan = self._plan(commit, group)
            try:
                self._store([plan])
            except (Conflict, NotFound, Refused) as error:
                self._entries.forget()
                failure = Failure(f"{commit.id[:12]}:{group[0][0].path}", 0, str(error))
            else:
                return
        if len(group) == 1:
            self._count(Plan(failures=[failure]))
        for change in group if len(group) > 1 else ():
            self._store_alone(commit, [change])

    def _store(self, plans: Sequence[Plan]) -> None:
        commands = [command for plan in plans for command in plan.commands]
        decided = dict(chain.from_iterable(plan.decided.items() for plan in plans))
        done = self._target.execute(commands, decided) if commands else []
        kinds = [kind for plan in plans for kind in plan.kinds]
        self.report.stored.update(
            kind for kind, (_, is_new) in zip(kinds, done, strict=True) if is_new
        )
        for plan in plans:
            self._count(plan)

    def _count(self, plan: Plan) -> None:
        """Count what came to nothing."""
        self.report.fates += plan.fates
        self.report.failed += len(plan.failures)
        room = FAILURES_KEPT - len(self.report.failures)
        self.report.failures += plan.failures[:room]

    # Learning

    def _learn(self) -> None:
        """Teach entries the contexts that the pages of the last commit tell of."""
        learned: defaultdict[Key, set[str]] = defaultdict(set)
        files = (
            (file, name) for file, name in self._repository.files(self._until) if _is_page(file)
        )
        for file, content in self._repository.contents(files):
            with suppress(PageError):
                if (found := self._reader.page(file, content, is_whole=True)) is not None:
                    learn(learned, key_of(found.page), found.page)
        lessons: defaultdict[UUID, set[str]] = defaultdict(set)
        for key in sorted(learned):
            known = self._entries.at(key) or self._entries.once_at(key)
            if known is not None:
                lessons[known.state.id] |= learned[key]
        waiting = iter(lessons.items())
        while batch := list(islice(waiting, COMMANDS_A_TRANSACTION)):
            self._teach(origin_of(self._until), batch)

    def _teach(self, origin: str, lessons: Sequence[tuple[UUID, set[str]]]) -> None:
        commands: list[Command] = []
        decided: dict[UUID, Decided] = {}
        for entry, contexts in lessons:
            known = self._entries.get(entry)
            missing = contexts.difference(known.state.contexts if known else contexts)
            if known is not None and missing:
                writer = EditWriter(known.state, self._now, actor=self._actor, origin=origin)
                writer.learn(tuple(sorted(missing)))
                commands += writer.commands
                decided |= writer.decided
        try:
            done = self._target.execute(commands, decided) if commands else []
        except (Conflict, NotFound, Refused):
            self._entries.forget()
            if len(lessons) > 1:
                # Another writer came between: each alone, on what is there now.
                for lesson in lessons:
                    self._teach(origin, [lesson])
            return
        self.report.stored["learned"] += sum(is_new for _, is_new in done)


_NAMES, _ENDS = ("|".join(map(re.escape, sorted(some))) for some in (INDEX_NAMES, SUFFIXES))
_PAGE = re.compile(rf"(?:.*/)?(?!\.|(?:{_NAMES})\.)[^/]*(?:{_ENDS})", re.IGNORECASE | re.DOTALL)
_DAY = re.compile(r"(?:.*/)?(\d{4}/\d{2}/\d{1,2})/[^/]+", re.DOTALL)


def _is_page(file: str) -> bool:
    """Return whether a file is a page by its name, and not a day's index."""
    return _PAGE.fullmatch(file) is not None


def _day(file: str) -> str:
    """Return the day that a file is of, by its path; else its folder."""
    match = _DAY.fullmatch(file)
    return file.rpartition("/")[0] if match is None else match[1]
