"""Audit reports of one ledger: reads the log entry by entry, and holds it against checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from ledger import __version__
from ledger.audit import notes
from ledger.audit.checkpoints import parse_checkpoint
from ledger.audit.notes import Note, Verifier
from ledger.auditing import Auditor
from ledger.domain.events import RecordedEvent
from ledger.errors import DoesNotHold, InvalidInput
from ledger.projections.projector import Progress
from ledger.reading import EntryRef, LedgerReader
from ledger.report.archive import Scope, Tally
from ledger.report.entry import report_on_entry
from ledger.report.model import ArchiveReport, CheckedCheckpoint, EntryReport, Heading, Proof
from ledger.results import When
from ledger.store.application import BATCH

TOP = 20
"""How many items each list of a report on the archive shows, unless somebody wants more."""


class Reporter:
    """Makes audit reports. All but the paths and the tree's root is told from the log itself.

    Args:
        reader: Reads the ledger.
        auditor: Tells its tree.
        now: The present time, aware.
    """

    def __init__(
        self, reader: LedgerReader, auditor: Auditor, now: Callable[[], datetime]
    ) -> None:
        self._reader = reader
        self._auditor = auditor
        self._now = now

    def entry(
        self,
        entry: EntryRef,
        checkpoints: Sequence[tuple[str, Note]] = (),
        known: Sequence[Verifier] = (),
    ) -> EntryReport:
        """Return the report on the complete life of an entry.

        Args:
            entry: Which.
            checkpoints: What was kept elsewhere, each with the name of its file.
            known: The keys that their signatures are known by.

        Raises:
            EntryNotFound: There is no such entry.
            NoteError: A note tells no checkpoint.
            BadSignature: A signature of a known key is not that key's.
            UnknownKey: None of the known keys has signed a checkpoint.
        """
        heading = self._heading(checkpoints, known)
        replayed = [
            step
            for step in self._reader.replay(entry)
            if step.event.position <= heading.proof.size
        ]
        history = [step.event for step in replayed]
        return report_on_entry(history, [step.path for step in replayed], heading)

    def archive(
        self,
        since: When | None = None,
        until: When | None = None,
        actor: str | None = None,
        *,
        checkpoints: Sequence[tuple[str, Note]] = (),
        known: Sequence[Verifier] = (),
        top: int = TOP,
        progress: Progress | None = None,
    ) -> ArchiveReport:
        """Return the report on the archive, in memory that does not grow with the events.

        Args:
            since: Only what was recorded then or after.
            until: Only what was recorded then or before.
            actor: Only what this one did.
            checkpoints: What was kept elsewhere, each with the name of its file.
            known: The keys that their signatures are known by.
            top: How many items each list has at most.
            progress: Is told how many events were read, and how many there are.

        Raises:
            InvalidTime: The log has no such position.
            InvalidInput: A time has no time zone.
            NoteError: A note tells no checkpoint.
            BadSignature: A signature of a known key is not that key's.
            UnknownKey: None of the known keys has signed a checkpoint.
        """
        heading = self._heading(checkpoints, known)
        size = heading.proof.size
        after, upto = self._reader.positions(since, until)
        if upto is not None and upto < after:
            raise InvalidInput("--until lies before --since: nothing can be between")
        scope = Scope(after + 1, size if upto is None else min(upto, size), actor)
        tally = Tally(scope, top)
        done = 0
        for history in self._histories(size):
            tally.add(history)
            done += len(history)
            if progress is not None:
                progress(done, size)
        return ArchiveReport(
            heading=heading,
            first=scope.first,
            last=scope.last,
            actor=actor,
            totals=tally.totals(),
            activity=tally.activity(),
            most_edited=tally.most_edited(),
            editors=tally.editors(),
            findings=tally.findings(),
        )

    def _histories(self, size: int) -> Iterator[list[RecordedEvent]]:
        """Yield the events of each entry, as far as they are among the log's first `size`."""
        application = self._reader.application
        low, last = bytes(16), b"\xff" * 16
        while found := application.log.find_entries(low, last, BATCH):
            for entry in found:
                history = application.history(UUID(bytes=entry))
                if known := [event for event in history if event.position <= size]:
                    yield known
            if found[-1] == last:
                return
            low = (int.from_bytes(found[-1]) + 1).to_bytes(16)

    def _heading(
        self, checkpoints: Sequence[tuple[str, Note]], known: Sequence[Verifier]
    ) -> Heading:
        checked = tuple(self._checked(file, note, known) for file, note in checkpoints)
        head = self._auditor.reckoned()
        identity = self._reader.application.log.identity()
        return Heading(
            made_at=self._now(),
            program=f"ledger {__version__}",
            origin=identity.origin,
            ledger=identity.id,
            proof=Proof(
                size=head.size,
                root=head.root,
                covered=max((one.size for one in checked if one.problem is None), default=0),
                checkpoints=checked,
            ),
        )

    def _checked(self, file: str, note: Note, known: Sequence[Verifier]) -> CheckedCheckpoint:
        signers = notes.verify(note, known)
        checkpoint = parse_checkpoint(note.text)
        problem = None
        try:
            self._auditor.require(checkpoint)
        except DoesNotHold as error:
            problem = str(error)
        return CheckedCheckpoint(
            file=file,
            origin=checkpoint.origin,
            size=checkpoint.size,
            root=checkpoint.root.hex(),
            signers=tuple(signer.name for signer in signers),
            problem=problem,
        )
