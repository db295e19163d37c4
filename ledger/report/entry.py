"""The complete life of one entry."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ledger.domain.diffs import FieldDiff, diff_entries
from ledger.domain.events import (
    CorrectionPublished,
    EntryCreated,
    EntryEdited,
    RecordedEvent,
)
from ledger.domain.permalinks import with_prefix
from ledger.report.findings import Collected, Step, find, replaced_whole, steps
from ledger.report.model import (
    EntryReport,
    Finding,
    Flip,
    Heading,
    SilentEdit,
    SourceEdit,
    VersionReport,
)


def report_on_entry(
    history: Sequence[RecordedEvent], paths: Sequence[str], heading: Heading
) -> EntryReport:
    """Return the report on an entry.

    Args:
        history: All its events, from the first on.
        paths: Where each of its versions was published, without edition prefix and extension.
        heading: What the report begins with.
    """
    collected = Collected(None)
    found: dict[int, list[Finding]] = {}
    for finding in find(history):
        collected.add(finding)
        if isinstance(finding, Finding):
            found.setdefault(finding.version, []).append(finding)
    covered = heading.proof.covered
    folded = list(steps(history))
    now = folded[-1].after
    return EntryReport(
        heading=heading,
        entry=now.id,
        headline=now.headline,
        language=now.language,
        path=with_prefix(paths[-1], now.prefix),
        status=now.status,
        merged_into=now.merged_into,
        corrections=now.corrections,
        inferred=now.inferred,
        versions=tuple(
            _version(step, path, found.get(step.event.version, ()), covered)
            for step, path in zip(folded, paths, strict=True)
        ),
        findings=collected.findings(),
    )


def _version(step: Step, path: str, found: Sequence[Finding], covered: int) -> VersionReport:
    event, data, meta = step.event, step.event.data, step.event.meta
    silent = next((one for one in found if isinstance(one, SilentEdit)), None)
    return VersionReport(
        version=event.version,
        position=event.position,
        type=type(data).__name__,
        path=with_prefix(path, step.after.prefix),
        language=step.after.language,
        actor=meta.actor,
        reason=meta.reason,
        minor=meta.minor,
        imported=data.origin is not None,
        published_at=meta.published_at,
        basis=meta.basis,
        recorded_at=event.recorded_at,
        differences=tuple(_uncompared(step, d) for d in diff_entries(step.before, step.after)),
        correction=data.kind if isinstance(data, CorrectionPublished) else None,
        reverts_to=data.reverts_to if isinstance(data, EntryEdited) else None,
        inferred=step.after.inferred if isinstance(data, EntryCreated | EntryEdited) else (),
        erased=event.erased,
        silent=silent is not None,
        facts=None if silent is None else silent.facts,
        flips=tuple(one.field for one in found if isinstance(one, Flip)),
        sources=any(isinstance(one, SourceEdit) for one in found),
        covered=event.position <= covered,
    )


def _uncompared(step: Step, diff: FieldDiff) -> FieldDiff:
    if not diff.words or diff.field not in step.erased:
        return diff
    return replace(diff, words=replaced_whole(diff.old or "", diff.new or ""))
