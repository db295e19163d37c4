"""The audit of one ledger: the root of its tree, checkpoints, and witnesses who check them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from ledger.audit import notes
from ledger.audit.checkpoints import Checkpoint, parse_checkpoint
from ledger.audit.findings import Verification
from ledger.audit.keys import Signer
from ledger.audit.merkle import Peaks, root
from ledger.audit.notes import COSIGNATURE, Note, Verifier
from ledger.errors import AuditError, DoesNotHold, InvalidInput, InvalidTime, ReadOnlyCopy
from ledger.projections.projector import Progress
from ledger.projections.tree import subtrees
from ledger.projections.views import Views
from ledger.store.application import BATCH, LedgerApplication
from ledger.store.leaf import leaf_hash
from ledger.verifying.verifier import Signed, verify

_log = logging.getLogger("ledger")


class TreeHead(msgspec.Struct, frozen=True):
    """The Merkle tree of the log up to a position.

    Attributes:
        size: How many events it covers: the position of the last.
        root: Its root, 32 bytes in hexadecimal digits.
    """

    size: int
    root: str


class Auditor:
    """Tells what the log's tree is, and signs it.

    Args:
        application: The log.
        views: Its views; the tree is one of them.
        now: The present time, aware.
    """

    def __init__(
        self, application: LedgerApplication, views: Views, now: Callable[[], datetime]
    ) -> None:
        self._application = application
        self._views = views
        self._now = now

    @staticmethod
    def check_origin(origin: str) -> None:
        """Refuse an origin that no key can be called by.

        Raises:
            InvalidInput: See `notes.check_key_name`.
        """
        notes.check_key_name(origin)

    def head(self, size: int | None = None) -> TreeHead:
        """Return the tree of the first `size` events; None: of all.

        Raises:
            InvalidTime: The log has not so many.
        """
        size = self._sized(size)
        return TreeHead(size, self._views.read(lambda db: root(subtrees(db), size), "tree").hex())

    def reckoned(self) -> TreeHead:
        """Return the tree of all events, reckoned from each of them, not from the stored one."""
        size = self._sized(None)
        return TreeHead(size, self._roots({size})[size].hex())

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """Return what the ledger says of its first `size` events; None: of all.

        Raises:
            InvalidTime: The log has not so many.
        """
        head = self.head(size)
        origin = self._application.log.identity().origin
        return Checkpoint(origin, head.size, bytes.fromhex(head.root))

    def sign(self, checkpoint: Checkpoint, signers: Sequence[Signer]) -> Note:
        """Return a checkpoint as a note, signed with these keys; witnesses' at the present time.

        Raises:
            MissingExtra: The package `cryptography` is not installed.
            ReadOnlyCopy: This is a copy that nobody has promoted.
        """
        if signers and self._application.log.is_copy():
            raise ReadOnlyCopy(
                "this ledger is a copy, so it signs nothing: sign with the one that it was copied "
                "from, or let this one take over with `ledger promote`"
            )
        for signer in signers:
            if signer.verifier.kind != COSIGNATURE and signer.verifier.name != checkpoint.origin:
                _log.warning(
                    "the key is called %s, the ledger %s: a stranger looks for the ledger's own",
                    signer.verifier.name,
                    checkpoint.origin,
                )
        now = self._now()
        return Note(
            checkpoint.body,
            tuple(
                notes.sign(checkpoint.body, signer.verifier, signer.private, now)
                for signer in signers
            ),
        )

    def cosign(
        self, note: Note, known: Sequence[Verifier], witness: Signer, last: Checkpoint | None
    ) -> Note:
        """Return a checkpoint with a witness's signature added to it.

        The witness reads the log itself, from its first event on; it trusts no view of it.

        Args:
            note: The checkpoint, signed.
            known: The keys that the witness knows the ledger's signatures by.
            witness: Its own key.
            last: The last checkpoint that it signed; None: this is the first.

        Raises:
            InvalidInput: The key is none of a witness.
            NoteError: The note tells no checkpoint.
            BadSignature: A signature of a known key is not that key's.
            UnknownKey: None of the known keys has signed.
            DoesNotHold: The log is not the one that either checkpoint tells of.
        """
        if witness.verifier.kind != COSIGNATURE:
            raise InvalidInput(
                f"the key of {witness.verifier.name} is none of a witness: make one with "
                "`ledger audit keygen --witness`"
            )
        notes.verify(note, known)
        checkpoint = parse_checkpoint(note.text)
        self.require(checkpoint, last)
        added = notes.sign(note.text, witness.verifier, witness.private, self._now())
        others = tuple(
            one for one in note.signatures if (one.name, one.key_id) != (added.name, added.key_id)
        )
        return Note(note.text, (*others, added))

    def verify(
        self,
        checkpoints: Sequence[bytes] = (),
        known: Sequence[Verifier] = (),
        *,
        with_views: bool = False,
        jobs: int = 1,
        progress: Progress | None = None,
    ) -> Verification:
        """Read the log twice, and return what holds of it and what does not.

        The first reading is by position: no holes, times that never run backwards, every leaf and
        every stored hash of the tree, its root against every checkpoint. The second is by entry:
        versions from 1 on, every event readable and legal. Nothing is written.

        Args:
            checkpoints: Signed notes, as files hold them; where no key is known, also unsigned.
            known: The keys that they must be signed by; none: signatures are not looked at.
            with_views: Compare all read models with what the log gives, too.
            jobs: In how many processes to read.
            progress: Is told the events read and to read, of both readings together.

        Raises:
            AuditError: It could not be checked: a note is damaged, of another ledger, or signed by
                none of the keys.
            StoreError: The log cannot be read.
        """
        signed = [self.signed(data, known) for data in checkpoints]
        return verify(
            self._application,
            self._views,
            signed,
            with_views=with_views,
            jobs=jobs,
            progress=progress,
        )

    def signed(self, data: bytes, known: Sequence[Verifier]) -> Signed:
        """Return the checkpoint that a file holds, and who of the known keys has signed it.

        Raises:
            AuditError: It cannot be used; see `verify`.
        """
        try:
            if not known and not data.count(b"\n\n"):
                return Signed(parse_checkpoint(data.decode()))
            note = notes.parse_note(data)
            signed_by = notes.verify(note, known) if known else ()
            return Signed(parse_checkpoint(note.text), tuple(key.name for key in signed_by))
        except UnicodeDecodeError as error:
            raise AuditError(f"the checkpoint is damaged: {error}") from error
        except AuditError as error:
            raise AuditError(f"the checkpoint cannot be used: {error}") from error

    def require(self, checkpoint: Checkpoint, earlier: Checkpoint | None = None) -> None:
        """Refuse a checkpoint that is not of this log, or does not begin with an earlier one.

        Raises:
            DoesNotHold: It says which, and where the two part as far as that can be told.
        """
        origin = self._application.log.identity().origin
        for one in filter(None, (earlier, checkpoint)):
            if one.origin != origin:
                raise DoesNotHold(
                    f"the checkpoint is of {one.origin}, not of this ledger, {origin}"
                )
        size = self._application.log.head().position
        if checkpoint.size > size:
            raise DoesNotHold(
                f"the checkpoint tells of {checkpoint.size} events, the log has {size}: events "
                "are missing at its end, or the checkpoint is of another copy"
            )
        roots = self._roots({checkpoint.size, earlier.size if earlier else 0})
        if roots[checkpoint.size] != checkpoint.root:
            raise DoesNotHold(
                f"the first {checkpoint.size} events of the log are not those that the checkpoint "
                "tells of: at least one was altered, dropped, inserted or moved"
            )
        if earlier is None:
            return
        if earlier.size > checkpoint.size:
            raise DoesNotHold(
                f"the earlier checkpoint tells of {earlier.size} events, this one of "
                f"{checkpoint.size}"
            )
        if roots[earlier.size] != earlier.root:
            raise DoesNotHold(
                f"the log was rewritten: its first {earlier.size} events are not those that the "
                "earlier checkpoint tells of"
            )

    def _roots(self, sizes: set[int]) -> dict[int, bytes]:
        """Return the roots at these sizes, reckoned from the log itself, not from its views."""
        peaks = Peaks()
        found = {0: peaks.root()}
        while rows := self._application.rows(peaks.size, BATCH, max(sizes)):
            for row in rows:
                peaks.add(leaf_hash(row))
                if peaks.size in sizes:
                    found[peaks.size] = peaks.root()
        return found | dict.fromkeys(sizes - found.keys(), b"")

    def _sized(self, size: int | None) -> int:
        head = self._application.log.head().position
        if size is None:
            return head
        if not 0 <= size <= head:
            raise InvalidTime(f"the log has no position {size}; it ends at {head}")
        return size
