"""`Ledger`: what an embedding service imports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar, Unpack
from weakref import WeakSet

from ledger.domain.commands import EraseVersions
from ledger.errors import InvalidInput
from ledger.options import EraseOptions
from ledger.projections.database import Db
from ledger.projections.places import place_of
from ledger.projections.projection import Projection
from ledger.projections.projector import Progress
from ledger.projections.records import Drift, RebuildProof
from ledger.projections.views import Views
from ledger.reading import EntryRef
from ledger.results import Erased, ReplayReport, When
from ledger.store.application import LedgerApplication
from ledger.store.identity import Identity
from ledger.store.urls import DEFAULT_URL
from ledger.subscription import Subscription
from ledger.writing import LedgerWriter

if TYPE_CHECKING:
    from ledger.auditing import Auditor
    from ledger.domain.erasure import Plan
    from ledger.erasing import Eraser
    from ledger.exporting import Exporter
    from ledger.proving import Prover
    from ledger.publishing import Publisher
    from ledger.reporting import Reporter

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


class Ledger(LedgerWriter):
    """A ledger of news entries: every edit kept, every version readable, nothing overwritten.

    Use it as a context manager. Threads may share one; processes open one each. Times are aware;
    those returned are UTC.

    Every method may raise a `StoreError`: the store is missing, busy, full, damaged, of another
    schema, or not to be written.

    What reads and writes entries is there at once; the rest is imported when it is asked for.
    """

    def __init__(
        self, application: LedgerApplication, views: Views, now: Callable[[], datetime]
    ) -> None:
        """Put a ledger together; `Ledger.open` does it for a URL."""
        super().__init__(application, views, now)
        self._subscriptions: WeakSet[Subscription] = WeakSet()

    @cached_property
    def audit(self) -> Auditor:
        """The log's tree, its checkpoints; see `auditing.Auditor`."""
        from ledger.auditing import Auditor

        return Auditor(self.application, self.views, self._now)

    @cached_property
    def prover(self) -> Prover:
        """Evidence for strangers; see `proving.Prover`."""
        from ledger.proving import Prover

        return Prover(self.application, self.views, self.audit)

    @property
    def reports(self) -> Reporter:
        """What makes audit reports; see `reporting.Reporter`."""
        from ledger.reporting import Reporter

        return Reporter(self, self.audit, self._now)

    @property
    def exports(self) -> Exporter:
        """What gives the ledger out for other programs; see `exporting.Exporter`."""
        from ledger.exporting import Exporter

        return Exporter(self)

    @property
    def pages(self) -> Publisher:
        """What makes the models of all pages; see `publishing.Publisher`."""
        from ledger.publishing import Publisher

        return Publisher(self)

    @cached_property
    def _eraser(self) -> Eraser:
        from ledger.erasing import Eraser

        return Eraser(self.application, self.views, self._handler, self._now)

    @classmethod
    def open(cls, url: str = DEFAULT_URL) -> Self:
        """Open the ledger at a URL such as `sqlite:///news.db`; the first write makes it.

        Raises:
            InvalidStoreURL: The URL is not understood.
        """
        application = LedgerApplication(url)
        views = Views(application, place_of(application.url))
        return cls(application, views, lambda: datetime.now(UTC))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all subscriptions and close all files."""
        for subscription in list(self._subscriptions):
            subscription.close()
        self.views.close()
        self.application.close()

    def init(self, origin: str | None = None) -> Identity:
        """Make the ledger if there is none, and return its identity.

        Args:
            origin: The name it is to be known by for life; None: one made from its random id.

        Raises:
            InvalidInput: Its checkpoints could not bear that name.
        """
        if origin is not None:
            self.audit.check_origin(origin)
        return self.application.log.create(origin)

    @property
    def is_copy(self) -> bool:
        """Whether this is a copy of a ledger, which takes no events until it is promoted."""
        return self.application.log.is_copy()

    def promote(self) -> None:
        """Let a copy take over from the ledger that it was copied from.

        Raises:
            Refused: This is no copy.
        """
        from ledger.copying import promote

        promote(self)

    # Erasing

    def erase(
        self,
        entry: EntryRef,
        versions: Collection[int],
        authority: str,
        **options: Unpack[EraseOptions],
    ) -> Erased:
        """Take the content of versions away for good, out of the log, the views and the files.

        Who did what when stays, and so does every proof; what later versions still show is said
        anew, so that none of them reads differently.

        Args:
            entry: Whose.
            versions: Which.
            authority: Who wants it: a court by its order, a person by a request.
            options: Who does it and why, and whether text and names go.

        Raises:
            NotFound: There is no such entry or version.
            Refused: The current version still shows the text, or nothing would go.
            StoreBusy: It is done, but somebody is reading what was: `purge` once he is not.
        """
        return self._eraser.erase(self._erasing(entry, versions, authority, options))

    def plan_erasure(
        self,
        entry: EntryRef,
        versions: Collection[int],
        authority: str,
        **options: Unpack[EraseOptions],
    ) -> Plan:
        """Return what an erasure would come to, and erase nothing."""
        return self._eraser.plan(self._erasing(entry, versions, authority, options))

    def purge(self) -> None:
        """Take what was erased out of the views and of the freed parts of all files.

        Raises:
            StoreBusy: Somebody is reading what was: try again once he is not.
        """
        self._eraser.purge()

    def _erasing(
        self,
        entry: EntryRef,
        versions: Collection[int],
        authority: str,
        options: EraseOptions,
    ) -> EraseVersions:
        return EraseVersions(
            entry=self.id_of(entry),
            versions=tuple(sorted(set(versions))),
            authority=authority,
            **options,
        )

    # Upkeep

    def upgrade(self) -> tuple[int, int]:
        """Bring an older log up to the program's schema; return the schemas before and after."""
        return self.application.log.upgrade()

    def rebuild(
        self, names: Collection[str] = (), progress: Progress | None = None
    ) -> tuple[RebuildProof, ...]:
        """Throw read models away and have them back, while the old ones serve.

        Args:
            names: Which; none means all.
            progress: Is told the position reached and the position aimed at, after each batch.

        Raises:
            InvalidInput: No read model is called so.
            ProjectionStopped: Rebuilt, one stops that ran until now; the old one serves on.
            StoreTooNew: The views are of a newer program.
            StoreNotWritable: They cannot be written by this user.
        """
        return self.views.rebuild(names, progress)

    def check(
        self, names: Collection[str] = (), progress: Progress | None = None
    ) -> Iterator[Drift]:
        """Yield row by row what read models say otherwise than the log; changes nothing.

        Args:
            names: Which; none means all.
            progress: Is told the position reached and the position aimed at, after each batch.

        Raises:
            InvalidInput: No read model is called so.
            ProjectionDrifted: The file of the views is damaged, or of another log.
            StoreNotWritable: The views cannot be brought up to date by this user.
        """
        return self.views.check(names, progress)

    def replay_all(
        self,
        until: When | None = None,
        into: str | None = None,
        progress: Progress | None = None,
    ) -> ReplayReport:
        """Replay the whole log into read models of its own; see `replaying.replay_all`."""
        from ledger.replaying import replay_all

        upto = self.application.log.head().position if until is None else self.position(until)
        return replay_all(self.application, self.views, upto, into, progress)

    # Embedding

    def register(self, model: Projection) -> None:
        """Add a read model of one's own, until the ledger is closed; see `Projection`.

        Those that installed packages name in the entry point group `ledger.projections` need not
        be registered.

        Raises:
            InvalidInput: It is not declared as it must be, or another has its name or a table.
        """
        self.views.register(model)

    def query(
        self,
        question: Callable[Concatenate[Db, Parameters], Answer],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Answer:
        """Ask a read model of one's own, once it knows every event recorded until now.

        Args:
            question: A method of a registered projection; it takes the connection first, and
                returns a whole answer, not a cursor: what it sees is one moment, while it runs.
            args: What it takes then.
            kwargs: What it takes by name.

        Raises:
            InvalidInput: It is no method of a registered projection.
            ProjectionStopped: The projection has failed on an event.
        """
        model = getattr(question, "__self__", None)
        if not isinstance(model, Projection):
            raise InvalidInput("ask with a method of a projection")
        return self.views.read(lambda db: question(db, *args, **kwargs), model.name)

    def subscribe(self, after: int = 0) -> Subscription:
        """Return an iterator of the events above position `after`, then of those to come.

        Use it as a context manager, or close it, from any thread: the iteration then ends. So it
        does when the ledger is closed.
        """
        subscription = Subscription(self.application, after)
        self._subscriptions.add(subscription)
        return subscription
