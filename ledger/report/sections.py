"""The sections that both reports have: how far they can be proved, findings, how to read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from ledger.domain.diffs import SourceChange, Span
from ledger.domain.values import Basis, Source
from ledger.report.document import (
    Block,
    Code,
    Facts,
    Inline,
    Items,
    Line,
    Link,
    Mark,
    Paragraph,
    Section,
    Table,
    Text,
    Time,
    Words,
    line,
    plain,
    published,
    readable,
    words,
)
from ledger.report.facts import ChangedFacts
from ledger.report.model import (
    ErasureNotice,
    Finding,
    Findings,
    Heading,
    Listing,
    Proof,
    SilentEdit,
    SourceEdit,
)

Item = TypeVar("Item")

SHORT_ID = 13
"""How many characters of an id tell entries apart: the date and four digits."""

_NONE = Paragraph(line("None."))


def lead(heading: Heading, *more: tuple[str, Line]) -> tuple[tuple[str, Line], ...]:
    """Return what stands under a report's title."""
    return (
        ("Ledger", line(heading.origin)),
        *more,
        ("Log", line(heading.proof.size, " events")),
        ("Made", line(Time(heading.made_at), f" by {heading.program}")),
    )


def proof_section(heading: Heading, *more: Block) -> Section:
    """Return how far a report can be proved."""
    proof = heading.proof
    blocks: list[Block] = [
        Facts(
            (
                ("Ledger", line(heading.origin, ", id ", Code(heading.ledger))),
                ("Events", line(proof.size)),
                ("Root", line(Code(proof.root))),
            )
        )
    ]
    if proof.checkpoints:
        blocks += _checked(proof)
    else:
        blocks.append(
            Paragraph(
                line(
                    "No checkpoint was given, so this report is only as trustworthy as the store "
                    "that it was made from: whoever can write the store's files can rewrite the "
                    "log, and its root with it. A signed checkpoint that was kept elsewhere tells "
                    "whether the log was rewritten since."
                ),
                alarm=True,
            )
        )
    return Section("proof", "Proof", (*blocks, *more))


def _checked(proof: Proof) -> list[Block]:
    rows = tuple(
        (
            line(one.file),
            line(one.size),
            line(", ".join(one.signers)),
            line(Code(one.root)),
            line("does not hold" if one.problem else "holds"),
        )
        for one in proof.checkpoints
    )
    columns = ("checkpoint", "events", "signed by", "root", "verdict")
    blocks: list[Block] = [
        Table("Checkpoints held against the log", columns, rows, frozenset({"events"}))
    ]
    blocks += [
        Paragraph(line(f"{one.file} does not hold: {one.problem}."), alarm=True)
        for one in proof.checkpoints
        if one.problem is not None
    ]
    if proof.covered:
        text = (
            f"The log begins with exactly the {proof.covered:,} events that were signed for: "
            "their root was reckoned from every one of them, and none was altered, dropped, "
            "inserted or moved since."
        )
        after = proof.size - proof.covered
        if after:
            text += f" The {after:,} after them are not covered yet."
        blocks.append(Paragraph(line(text)))
    return blocks


def finding_sections(findings: Findings, *, of_entry: bool) -> tuple[Section, ...]:
    """Return what somebody should look at.

    Args:
        findings: What was found.
        of_entry: Whether the report is on one entry: then its versions can be linked.
    """

    def where(finding: Finding | ErasureNotice) -> tuple[Line, ...]:
        if of_entry:
            return (version_link(finding.version),)
        return line(Code(str(finding.entry)[:SHORT_ID])), line(str(finding.version))

    def row(finding: Finding, *what: Line) -> tuple[Line, ...]:
        marks = _marks(imported=finding.imported, minor=finding.minor, assumed=finding.assumed)
        published_at = when(finding.published_at, finding.basis)
        return (*where(finding), published_at, (*line(finding.actor), *marks), *what)

    def silent(edit: SilentEdit) -> tuple[Line, ...]:
        return row(edit, (words(edit.words, edit.language),))

    def facts(edit: SilentEdit) -> tuple[Line, ...]:
        return row(edit, facts_line(edit.facts), (words(edit.words, edit.language),))

    def sources(edit: SourceEdit) -> tuple[Line, ...]:
        return row(edit, sources_line(edit.changes), (published(edit.headline, edit.language),))

    def erasure(notice: ErasureNotice) -> tuple[Line, ...]:
        return (
            *where(notice),
            line(Time(notice.recorded_at)),
            line(notice.actor),
            line(", ".join(map(str, notice.versions))),
            line(notice.authority),
            line(notice.reason or ""),
        )

    place = ("version",) if of_entry else ("entry", "version")
    who = (*place, "published", "actor")
    return (
        _listed(
            ("facts", "Numbers and names changed in silence"),
            findings.facts,
            (*who, "number or name", "headline"),
            facts,
        ),
        _listed(
            ("silent", "Silent headline changes"),
            findings.silent_edits,
            (*who, "headline"),
            silent,
        ),
        _listed(
            ("flips", "Flips"),
            findings.flips,
            (*who, "field", "headline"),
            lambda flip: row(
                flip, line(label(flip.field)), (published(flip.headline, flip.language),)
            ),
        ),
        _listed(
            ("sources", "Sources changed after publication"),
            findings.sources,
            (*who, "source", "headline"),
            sources,
        ),
        _listed(
            ("erasures", "Erasures"),
            findings.erasures,
            (*place, "recorded", "actor", "versions erased", "authority", "reason"),
            erasure,
        ),
    )


def _listed(
    name: tuple[str, str],
    listing: Listing[Item],
    columns: tuple[str, ...],
    row: Callable[[Item], tuple[Line, ...]],
) -> Section:
    id_, title = name
    return Section(id_, title, listed(listing, title, columns, row, "newest first"))


def listed(
    listing: Listing[Item],
    caption: str,
    columns: tuple[str, ...],
    row: Callable[[Item], tuple[Line, ...]],
    order: str,
    numbers: frozenset[str] = frozenset(),
) -> tuple[Block, ...]:
    """Return a list as a table that says how many there are."""
    if not listing.total:
        return (_NONE,)
    shown = len(listing.items)
    count = f"{shown:,} of {listing.total:,}" if shown < listing.total else f"{listing.total:,}"
    rows = tuple(map(row, listing.items))
    return (Table(f"{caption}: {count}, {order}", columns, rows, numbers),)


def method_section() -> Section:
    """Return how to read a report."""
    return Section(
        "method", "How to read this report", (Items(tuple(map(line, _METHOD.splitlines()))),)
    )


_METHOD = """\
Times are UTC. Published is when a version became public, as stated by whoever made it; inferred \
marks a time that an import had to assume. Recorded is when the ledger learned of it: the store's \
own clock.
An actor is a name that was given, not an identity that was proved. Of what was imported, it is \
who imported it, not who wrote or edited it.
Assumed marks a comparison with a value that an import had to assume, because the archive does \
not say what an older version's was.
A silent change is a headline that changed, with no correction, clarification, update or editor's \
note published on the entry since.
Numbers are digits and Chinese numerals, compared as they are written. Names are contexts of the \
entry and capitalised words within a headline. This is a rule of thumb: it reads signs, not \
meaning, so it points to what somebody should look at, and a number written as a word escapes it.
A flip is a field that went back to what it had said before its last change.
A source changed after publication if an edit added it, removed it, or gave it another address; a \
new order is no change.
What was erased is gone for good; its place in the log, who made it and when, and every proof \
remain. It is compared with nothing.
No report shows who an actor really was, or that a text was true.
"""


# Lines


def label(field: str) -> str:
    """Return a field's name as people say it."""
    return field.replace("_", " ")


def version_link(version: int) -> Line:
    """Return a link to a version's own section."""
    return line(Link(str(version), f"#version-{version}"))


def when(at: datetime, basis: Basis) -> Line:
    """Return a time of publication, marked where an import had to assume it."""
    return line(Time(at), *((" ", Mark("inferred")) if basis == "inferred" else ()))


def _marks(*, imported: bool, minor: bool, assumed: bool) -> Line:
    found: list[str | Inline] = []
    for name, is_so in (("imported", imported), ("minor", minor), ("assumed", assumed)):
        found += [" ", Mark(name)] if is_so else []
    return line(*found)


def facts_line(facts: ChangedFacts | None) -> Line:
    """Return the numbers and names that a headline changed."""
    if facts is None:
        return ()
    pairs = (
        ("numbers", facts.numbers_gone, facts.numbers_new),
        ("names", facts.names_gone, facts.names_new),
    )
    return joined(
        [line(f"{what}: ", replaced(gone, new)) for what, gone, new in pairs if gone or new]
    )


def sources_line(changes: Sequence[SourceChange]) -> Line:
    """Return what became of sources."""
    return joined([_source(change) for change in changes])


def _source(change: SourceChange) -> Line:
    name = source_link(change.source)
    match change.change:
        case "address":
            old = change.old.url if change.old else ""
            return line("address of ", name, ": ", replaced([old], [change.source.url]))
        case "moved":
            return line("moved to place ", change.position, ": ", name)
        case "image":
            return line("another picture: ", name)
        case kind:
            return line(f"{kind}: ", name)


def source_link(source: Source) -> Link:
    """Return a source's name, which leads to where it is."""
    return Link(readable(source.name), plain(source.url))


def replaced(gone: Sequence[str], new: Sequence[str], language: str | None = None) -> Words:
    """Return texts that are gone and texts that came, as one."""
    spans = [Span("delete", text) for text in gone] + [Span("insert", text) for text in new]
    parted = [spans[0]] if spans else []
    for _, span in pairwise(spans):
        parted += [Span("equal", " "), span]
    return words(parted, language)


def joined(lines: Sequence[Line]) -> Line:
    """Return lines as one, with semicolons between them."""
    found: list[Inline] = []
    for number, one in enumerate(lines):
        found += [*([Text("; ")] if number else []), *one]
    return tuple(found)
