"""Evidence bundles: all that a stranger needs to check an entry's versions, in one file.

A bundle is made by a `proving.Prover` and checked here, without any store: bytes in, verdict out.
It is JSON, written in one way only: UTF-8, the fields in the order below, no spaces, bytes in
standard base64, a line feed at the end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ledger.audit.merkle import root_of
from ledger.audit.notes import Verifier, parse_note
from ledger.audit.proofs import SignedTree, parse_leaf, require_included, signed_tree
from ledger.domain.entry import NewsEntry, evolve
from ledger.domain.events import EntryErased, EntryRestated, RecordedEvent, fields_set
from ledger.domain.legality import why_illegal
from ledger.domain.permalinks import RESERVED_SLUGS, path_of
from ledger.errors import DoesNotHold, NoteError, UndecodableEvent
from ledger.pages.build import build_page
from ledger.pages.markdown import render
from ledger.projections.records import Change, listed
from ledger.store.erasures import Erasures, erasures_of
from ledger.store.leaf import digest_of, leaf_hash
from ledger.store.mapper import EventMapper
from ledger.store.rows import Row

FORMAT: Final = "ledger/evidence/v1"

_NUMBER = re.compile(r"-([2-9]|[1-9][0-9]{1,8})")
_MAPPER = EventMapper()


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shows that an event is in the log.

    Attributes:
        leaf: Its leaf record.
        meta: The stored bytes of who, why and when; None where they were erased.
        content: The stored bytes of what it says; None where they were erased.
        proof: The inclusion proof of the leaf record in the tree of the checkpoint.
    """

    leaf: str
    meta: bytes | None
    content: bytes | None
    proof: tuple[bytes, ...]


class VersionEvidence(Evidence, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shows a version of the entry.

    Attributes:
        path: Where it was published, without edition prefix and extension.
    """

    path: str


class Bundle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An evidence bundle.

    Attributes:
        format: What it is.
        entry: The entry.
        checkpoint: The signed note that all proofs lead to.
        versions: The entry's versions, from the first on.
        erasures: Later events of the entry that say what was erased of these, and what remains.
        page: The page of the last version in Markdown, with the Changes list up to there, and
            without the Related list, which is made of other entries.
        leaves: All leaf records up to the checkpoint; None: it does not tell of other versions.
        digest: SHA-256 of the bundle with an empty digest. It tells damage, and no more: the
            number behind a permalink is nowhere else in what was signed.
    """

    format: Literal["ledger/evidence/v1"] = FORMAT
    entry: UUID
    checkpoint: str
    versions: tuple[VersionEvidence, ...]
    erasures: tuple[Evidence, ...]
    page: str
    leaves: tuple[str, ...] | None
    digest: str = ""


class ProvenVersion(Change, frozen=True, kw_only=True):
    """A version as its event in the log tells it.

    Attributes:
        inferred: The fields whose value an import had to assume.
        gone: What was erased of it: fields, the text of a correction, names.
    """

    inferred: tuple[str, ...]
    gone: tuple[str, ...]


class ProvenErasure(msgspec.Struct, frozen=True):
    """An erasure that a bundle shows.

    Attributes:
        position: Its place in the log.
        version: The version of the entry that it made.
        authority: Who wanted it.
        reason: Why.
    """

    position: int
    version: int
    authority: str
    reason: str | None


class Told(msgspec.Struct, frozen=True):
    """What the events of a bundle tell.

    Attributes:
        entry: The entry, as the last version has it.
        versions: Its versions, oldest first.
        erasures: What was erased, as which event says.
    """

    entry: NewsEntry
    versions: tuple[ProvenVersion, ...]
    erasures: tuple[ProvenErasure, ...]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle proves.

    Attributes:
        tree: The tree that was signed, and by whom.
        entry: The entry, as the last version shown has it.
        versions: The versions shown, from the first on.
        erasures: What was erased, as which event says.
        page: The page of the last version shown, without the Related list.
        complete: Whether it is proved which versions the entry had in that tree.
        unseen: The later ones of these, which are not shown; empty where that is not proved.
    """

    tree: SignedTree
    entry: NewsEntry
    versions: tuple[ProvenVersion, ...]
    erasures: tuple[ProvenErasure, ...]
    page: str
    complete: bool
    unseen: tuple[int, ...]


def encode(bundle: Bundle) -> bytes:
    """Return a bundle as a file; its digest is made here."""
    digest = sha256(msgspec.json.encode(replace(bundle, digest=""))).hexdigest()
    return msgspec.json.encode(replace(bundle, digest=digest)) + b"\n"


def parse(data: bytes) -> Bundle:
    """Return the bundle that a file is.

    Raises:
        NoteError: It is none.
        DoesNotHold: It is damaged, or not written in the one way.
    """
    try:
        bundle = msgspec.json.decode(data, type=Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoteError(f"this is no evidence bundle ({FORMAT}): {error}") from error
    if encode(bundle) != data:
        raise DoesNotHold("the bundle is damaged: it is not what its digest was taken of")
    return bundle


def check(data: bytes, known: Sequence[Verifier]) -> Verdict:
    """Return what a bundle proves.

    1. It is a bundle, written in the one way, and not damaged.
    2. Its checkpoint is signed by known keys, and by no others.
    3. Each leaf record is in the signed tree.
    4. The records are of one entry, its versions 1, 2, 3, ..., in the log's order.
    5. The stored bytes are those that the records tell of, or an erasure says what they were.
    6. The events can be read and follow each other by the rules.
    7. Each path is the one that its version wants, or that with a number behind it.
    8. The page is what they make.
    9. The leaf records of the whole log, where they are given, are those of the signed tree, and
       name the entry where the bundle does.

    Args:
        data: The file.
        known: The keys of whoever is believed to have signed.

    Raises:
        NoteError: It is no bundle, or its checkpoint is none.
        BadSignature: A signature of a known key is not that key's.
        UnknownKey: A key that is not known has signed, or none that is.
        DoesNotHold: It does not prove what it says; the message tells why.
    """
    bundle = parse(data)  # (1)
    return examine(bundle, signed_tree(parse_note(bundle.checkpoint.encode()), known))  # (2)


def examine(bundle: Bundle, tree: SignedTree) -> Verdict:
    """Return what a bundle proves, given the tree that its checkpoint tells of; see `check`.

    Raises:
        DoesNotHold: It does not prove what it says; the message tells why.
    """
    leaves = [parse_leaf(one.leaf) for one in (*bundle.versions, *bundle.erasures)]
    for leaf, evidence in zip(leaves, (*bundle.versions, *bundle.erasures), strict=True):
        require_included(leaf, evidence.proof, tree)  # (3)
    _require_order(bundle, leaves)  # (4)
    told = tell(bundle)  # (5) (6) (7)
    if page_of(told) != bundle.page:  # (8)
        raise DoesNotHold("the page is not the one that the events make")
    return Verdict(
        tree=tree,
        entry=told.entry,
        versions=told.versions,
        erasures=told.erasures,
        page=bundle.page,
        complete=bundle.leaves is not None,
        unseen=()
        if bundle.leaves is None
        else _unseen(bundle, bundle.leaves, leaves, tree),  # (9)
    )


def _require_order(bundle: Bundle, leaves: Sequence[Row]) -> None:
    if not bundle.versions:
        raise DoesNotHold("the bundle shows no version")
    shown = len(bundle.versions)
    for number, leaf in enumerate(leaves, 1):
        before = leaves[number - 2] if number > 1 else None
        where = f"version {leaf.version} at position {leaf.position}"
        if leaf.entry != bundle.entry.bytes:
            raise DoesNotHold(f"{where} is of another entry, {UUID(bytes=leaf.entry)}")
        if number <= shown and leaf.version != number:
            raise DoesNotHold(f"version {number} is missing: {where} stands in its place")
        if number > shown and not _is_erasure(leaf):
            raise DoesNotHold(f"{where} is no erasure, and not among the versions")
        if before is not None and (
            leaf.version <= before.version
            or leaf.position <= before.position
            or leaf.recorded_at < before.recorded_at
        ):
            raise DoesNotHold(
                f"{where} cannot follow version {before.version} at position {before.position}: "
                "positions rise, and recorded times do not run backwards"
            )


def _is_erasure(leaf: Row) -> bool:
    return leaf.type.partition("@")[0] in {EntryErased.__name__, EntryRestated.__name__}


def tell(bundle: Bundle) -> Told:
    """Return what the events of a bundle tell; that they are in a tree is not looked at here.

    Raises:
        DoesNotHold: Bytes are not those of their records, or missing though nobody erased them;
            or nobody can read them; or a path is not that of its version.
    """
    try:
        rows, erasures = _rows(bundle)
        events = [erasures.event(row, _MAPPER) for row in rows]
        state: NewsEntry | None = None
        versions: list[ProvenVersion] = []
        is_partial = False
        paths: dict[tuple[str, str], str] = {}
        for event, evidence in zip(events, bundle.versions, strict=False):
            is_partial |= event.erased is not None
            why = why_illegal(state, event, is_partial=is_partial)
            if why is not None:
                raise DoesNotHold(f"version {event.version} breaks the rules: {why}")
            state = evolve(state, event)
            wanted = path_of(state.date, state.slug)
            # Who wants a path again has had it all the time.
            had = paths.setdefault((state.edition, wanted), evidence.path)
            if evidence.path != had or not _is_numbered(evidence.path, wanted, state.slug):
                raise DoesNotHold(f"{evidence.path!r} is not the path of version {event.version}")
            versions.append(_proven(event, state, evidence.path))
    except (UndecodableEvent, AttributeError, KeyError, TypeError, ValueError) as error:
        # A log may be signed and hold nonsense all the same: a restatement that restates nothing.
        raise DoesNotHold(f"the events cannot be read: {error}") from error
    for event in events[len(versions) :]:
        if (why := why_illegal(None, event)) is not None:
            raise DoesNotHold(f"version {event.version} breaks the rules: {why}")
    if state is None:
        raise DoesNotHold("the bundle shows no version")
    said = tuple(
        ProvenErasure(event.position, event.version, event.data.authority, event.meta.reason)
        for event in events
        if isinstance(event.data, EntryErased)
    )
    return Told(state, tuple(versions), said)


def _rows(bundle: Bundle) -> tuple[list[Row], Erasures]:
    """Return the rows as the log has them, with digests where something was erased."""
    given = (*bundle.versions, *bundle.erasures)
    leaves = [parse_leaf(one.leaf) for one in given]
    stored = [
        leaf._replace(meta=one.meta or b"", content=one.content or b"")
        for leaf, one in zip(leaves, given, strict=True)
    ]
    erasures = erasures_of(stored, _MAPPER)
    rows = list(map(erasures.resolved, stored))
    for leaf, row, one in zip(leaves, rows, given, strict=True):
        for what, bytes_, found, expected in (
            ("meta", one.meta, row.meta, leaf.meta),
            ("content", one.content, row.content, leaf.content),
        ):
            if digest_of(found if bytes_ is None else bytes_) != digest_of(expected):
                raise DoesNotHold(
                    f"version {leaf.version}: its {what} is "
                    + (
                        "missing, and no event here says that it was erased"
                        if bytes_ is None
                        else "not what its leaf record tells of"
                    )
                )
    return rows, erasures


def _is_numbered(path: str, wanted: str, slug: str) -> bool:
    """Return whether a path is the one wanted, or that with the number of a later wish."""
    if path == wanted:
        return slug.lower() not in RESERVED_SLUGS
    return path.startswith(wanted) and _NUMBER.fullmatch(path[len(wanted) :]) is not None


def _proven(event: RecordedEvent, state: NewsEntry, path: str) -> ProvenVersion:
    meta, erased, fields = event.meta, event.erased, fields_set(event)
    names = ("names",) if erased is not None and erased.names else ()
    return ProvenVersion(
        version=event.version,
        label="First version" if event.version == 1 else "Update",
        listed="headline" in fields,
        headline=state.headline,
        path=path,
        published_at=meta.published_at,
        basis=meta.basis,
        recorded_at=event.recorded_at,
        position=event.position,
        type=type(event.data).__name__,
        actor=meta.actor,
        reason=meta.reason,
        minor=meta.minor,
        fields=fields,
        erased=None if erased is None else erased.position,
        inferred=state.inferred,
        gone=names if erased is None else (*erased.fields, *names),
    )


def page_of(told: Told) -> str:
    """Return the page of the last version, without the Related list.

    Raises:
        DoesNotHold: Nobody can render it.
    """
    last = told.versions[-1]
    try:
        return render(build_page(told.entry, last.path, listed(told.versions), ()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DoesNotHold(f"the page cannot be rendered: {error}") from error


def _unseen(
    bundle: Bundle, records: Sequence[str], leaves: Sequence[Row], tree: SignedTree
) -> tuple[int, ...]:
    """Return the versions that the whole log has and the bundle does not show."""
    log = [parse_leaf(record) for record in records]
    root = root_of(map(leaf_hash, log)).hex()
    if [leaf.position for leaf in log] != list(range(1, tree.size + 1)) or root != tree.root:
        raise DoesNotHold("the leaf records of the log are not those of the tree that was signed")
    own = [leaf for leaf in log if leaf.entry == bundle.entry.bytes]
    shown = len(bundle.versions)
    if own[:shown] != leaves[:shown]:
        hidden = next(leaf for leaf in own if leaf not in leaves)
        raise DoesNotHold(
            f"the bundle hides an event of the entry: version {hidden.version} at position "
            f"{hidden.position}"
        )
    return tuple(leaf.version for leaf in own[shown:] if leaf not in leaves)
