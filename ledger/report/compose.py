"""What a report says, put into sections: the one place for its words."""

from __future__ import annotations

from ledger.domain.diffs import FieldDiff
from ledger.report.document import (
    Block,
    Chart,
    Code,
    Document,
    Facts,
    Items,
    Line,
    Paragraph,
    Section,
    Table,
    Text,
    Time,
    line,
    published,
    words,
)
from ledger.report.model import (
    ArchiveReport,
    EditedEntry,
    Editor,
    EntryReport,
    ErasureNotice,
    VersionReport,
)
from ledger.report.sections import (
    SHORT_ID,
    facts_line,
    finding_sections,
    joined,
    label,
    lead,
    listed,
    method_section,
    proof_section,
    replaced,
    source_link,
    sources_line,
    version_link,
    when,
)

_HAPPENED = {
    "EntryCreated": "created",
    "EntryEdited": "edited",
    "EntryRetracted": "retracted",
    "EntryReinstated": "reinstated",
    "CorrectionPublished": "public note",
    "EntryMerged": "merged",
    "EntryErased": "erasure of versions",
    "EntryRestated": "remains restated",
}


def compose(report: ArchiveReport | EntryReport) -> Document:
    """Return a report as a document."""
    return _archive(report) if isinstance(report, ArchiveReport) else _entry(report)


# The archive


def _archive(report: ArchiveReport) -> Document:
    scope = f"events {report.first:,} to {report.last:,}" if report.totals.events else "no events"
    if report.actor is not None:
        scope += f", only those by {report.actor}"
    return Document(
        kind="Audit report on the archive",
        title=Text(report.heading.origin),
        lead=lead(report.heading, ("Reported on", line(scope))),
        sections=(
            Section("summary", "Summary", _totals(report)),
            proof_section(report.heading),
            Section("activity", "Activity over time", _activity(report)),
            Section(
                "entries",
                "Most edited entries",
                listed(
                    report.most_edited,
                    "Entries that were edited",
                    ("edits", "minor", "actors", "entry", "versions", "headline"),
                    _edited_row,
                    "most edits first",
                    frozenset({"edits", "minor", "actors", "versions"}),
                ),
            ),
            Section(
                "actors",
                "Who edited what",
                listed(
                    report.editors,
                    "Actors",
                    ("actor", "created", "edits", "minor", "entries", "fields edited"),
                    _editor_row,
                    "most edits first",
                    frozenset({"created", "edits", "minor", "entries"}),
                ),
            ),
            *finding_sections(report.findings, of_entry=False),
            method_section(),
        ),
    )


def _totals(report: ArchiveReport) -> tuple[Block, ...]:
    totals, found = report.totals, report.findings
    times = tuple(
        (name, line(Time(at)))
        for name, at in (
            ("First recorded", totals.first_recorded_at),
            ("Last recorded", totals.last_recorded_at),
        )
        if at is not None
    )
    numbers = (
        ("Entries", totals.entries),
        ("Events", totals.events),
        ("Edits", totals.edits),
        ("Minor edits", totals.minor),
        ("Public notes", totals.corrections),
        ("Retractions", totals.retractions),
        ("Erasures", totals.erasures),
        ("Actors", totals.actors),
        ("Numbers or names changed in silence", found.facts.total),
        ("Silent headline changes", found.silent_edits.total),
        ("Flips", found.flips.total),
        ("Source changes", found.sources.total),
    )
    by_type = tuple((line(name), line(count)) for name, count in totals.by_type.items())
    return (
        Facts(tuple((name, line(number)) for name, number in numbers), counts=True),
        *((Facts(times),) if times else ()),
        Table("Events by type", ("type", "events"), by_type, frozenset({"events"})),
    )


def _activity(report: ArchiveReport) -> tuple[Block, ...]:
    if not report.activity.bars:
        return (Paragraph(line("Nothing was created or edited.")),)
    caption = f"Entries created, and edits, by {report.activity.period} of publication (UTC)"
    return (Chart(caption, report.activity),)


def _edited_row(item: EditedEntry) -> tuple[Line, ...]:
    return (
        line(item.edits),
        line(item.minor),
        line(item.actors),
        line(Code(str(item.entry)[:SHORT_ID])),
        line(item.versions),
        (published(item.headline, item.language),),
    )


def _editor_row(editor: Editor) -> tuple[Line, ...]:
    fields = (f"{label(field)} {number:,}" for field, number in editor.fields.items())
    return (
        line(editor.actor),
        line(editor.created),
        line(editor.edits),
        line(editor.minor),
        line(editor.entries),
        line(", ".join(fields)),
    )


# An entry


def _entry(report: EntryReport) -> Document:
    return Document(
        kind="Audit report on an entry",
        title=published(report.headline, report.language),
        lead=lead(report.heading, ("Entry", line(Code(str(report.entry))))),
        sections=(
            Section("summary", "Summary", _summary(report)),
            proof_section(report.heading, *_coverage(report)),
            Section("history", "History", (_history(report),)),
            *finding_sections(report.findings, of_entry=True),
            Section(
                "versions",
                "Version by version",
                (Paragraph(line("Deleted and inserted words are marked.")),),
                tuple(_version(version, report) for version in report.versions),
            ),
            method_section(),
        ),
    )


def _assumed(report: EntryReport) -> str:
    fields = dict.fromkeys(field for one in report.versions for field in one.inferred)
    found = [*map(label, fields)]
    if any(one.basis == "inferred" for one in report.versions):
        found.append("times of publication")
    return ", ".join(found) or "nothing"


def _summary(report: EntryReport) -> tuple[Block, ...]:
    found = report.findings
    status: Line = line(report.status)
    if report.merged_into is not None:
        status = (*status, *line(" into ", Code(str(report.merged_into))))
    facts = (
        ("Headline now", (published(report.headline, report.language),)),
        ("Permalink", line(Code(report.path))),
        ("Status", status),
        ("Versions", line(len(report.versions))),
        ("Actors", line(", ".join(dict.fromkeys(one.actor for one in report.versions)))),
        ("Numbers or names changed in silence", line(found.facts.total)),
        ("Silent headline changes", line(found.silent_edits.total)),
        ("Flips", line(found.flips.total)),
        ("Source changes", line(found.sources.total)),
        ("Assumed by an import", line(_assumed(report))),
    )
    notes = tuple(
        (*line(f"{note.kind}, version "), *version_link(note.version), *line(": "), text)
        for note in report.corrections
        for text in (published(note.text, report.language),)
    )
    return Facts(facts), *((Paragraph(line("Public notes:")), Items(notes)) if notes else ())


def _coverage(report: EntryReport) -> tuple[Block, ...]:
    if not report.heading.proof.covered:
        return ()
    covered = [one.version for one in report.versions if one.covered]
    total = len(report.versions)
    if len(covered) == total:
        text = f"All {total} versions of this entry are among them."
    elif covered:
        text = f"Versions 1 to {covered[-1]} of this entry are among them, those after it not."
    else:
        text = "No version of this entry is among them."
    return (Paragraph(line(text), alarm=not covered),)


def _history(report: EntryReport) -> Table:
    rows = tuple(
        (
            version_link(one.version),
            when(one.published_at, one.basis),
            line(Time(one.recorded_at)),
            line(str(one.position)),
            line(one.actor),
            line(_happened(one)),
            line(_remarks(one)),
        )
        for one in report.versions
    )
    columns = ("version", "published", "recorded", "position", "actor", "event", "remarks")
    return Table("All versions, oldest first", columns, rows, frozenset({"position"}))


def _happened(one: VersionReport) -> str:
    return _HAPPENED.get(one.type, one.type) if one.correction is None else one.correction


def _reason(one: VersionReport) -> str:
    if one.erased is not None and one.erased.names:
        return "erased, where there was one"
    return one.reason or "none given"


def _remarks(one: VersionReport) -> str:
    said = (
        ("imported", one.imported),
        ("text erased", one.erased is not None and bool(one.erased.fields)),
        ("names erased", one.erased is not None and one.erased.names),
        ("number or name changed in silence", one.facts is not None),
        ("silent headline change", one.silent and one.facts is None),
        (f"flip of {', '.join(map(label, one.flips))}", bool(one.flips)),
        ("sources changed", one.sources),
        (f"says that it restores version {one.reverts_to}", one.reverts_to is not None),
        ("minor", one.minor),
    )
    return "; ".join(text for text, is_so in said if is_so)


def _version(one: VersionReport, report: EntryReport) -> Section:
    basis = "" if one.basis == "inferred" else f" ({one.basis})"
    facts: list[tuple[str, Line]] = [
        ("Published", (*when(one.published_at, one.basis), *line(basis))),
        ("Recorded", line(Time(one.recorded_at), f" at position {one.position}")),
        ("Actor", line(one.actor)),
        ("Reason", line(_reason(one))),
        ("Permalink", line(Code(one.path))),
    ]
    if remarks := _remarks(one):
        facts.append(("Remarks", line(remarks)))
    if one.facts is not None:
        facts.append(("Changed", facts_line(one.facts)))
    if one.inferred:
        facts.append(("Assumed by the import", line(", ".join(map(label, one.inferred)))))
    if report.heading.proof.covered:
        facts.append(("Checkpoint", line("covers it" if one.covered else "does not cover it")))
    blocks: list[Block] = [Facts(tuple(facts))]
    if one.erased is not None:
        blocks.append(_erased(one, report.findings.erasures.items))
    if one.differences:
        # Of the first version everything is new; that need not be marked.
        tell = _value if one.version == 1 else _difference
        differences = [(label(diff.field), tell(diff, one.language)) for diff in one.differences]
        blocks.append(Facts(tuple(differences)))
    elif one.erased is None:
        blocks.append(Paragraph(line("No field changed.")))
    title = f"Version {one.version}: {_happened(one)}"
    return Section(f"version-{one.version}", title, tuple(blocks))


def _erased(one: VersionReport, notices: tuple[ErasureNotice, ...]) -> Block:
    position = one.erased.position if one.erased else 0
    why = next((notice for notice in notices if notice.position == position), None)
    gone = [*map(label, one.erased.fields if one.erased else ())]
    gone += ["the actor's name and reason"] if one.erased and one.erased.names else []
    text = f"Erased, as event {position} says: {', '.join(gone) or 'nothing that showed'}."
    if why is not None:
        text += f" Authority: {why.authority}. Reason: {why.reason or 'none given'}."
    return Paragraph(line(text), alarm=True)


def _value(diff: FieldDiff, language: str) -> Line:
    if diff.sources:
        return joined([line(source_link(change.source)) for change in diff.sources])
    return (published(diff.new or "", language),)


def _difference(diff: FieldDiff, language: str) -> Line:
    if diff.words:
        return (words(diff.words, language),)
    if diff.sources:
        return sources_line(diff.sources)
    if diff.added or diff.removed:
        return (replaced(diff.removed, diff.added, language),)
    return (replaced(_one(diff.old), _one(diff.new), language),)


def _one(text: str | None) -> tuple[str, ...]:
    return () if text is None else (text,)
