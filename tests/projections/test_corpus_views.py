"""The read models over a real archive of 924 pages: rebuilt the same, searched, and folded."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger import EditEntry, Ledger, NewsEntry, PublishCorrection, copying
from ledger.domain.commands import Command
from ledger.domain.events import CorrectionPublished
from ledger.projections import days
from ledger.projections.activity import Count
from ledger.projections.records import RebuildProof, ViewStatus
from ledger.projections.registry import BUILT_IN
from ledger.projections.sqlite.place import FilePlace
from ledger.projections.views import Views
from tests.conftest import SHARED
from tests.places import views_folder
from tests.stores import PostgresStore

BUNDLE = SHARED / "corpus" / "context-zh-2003-2009.bundle"
ENTRIES = 924
ZH = "zh"
MORNING = datetime(2010, 1, 1, 8, tzinfo=UTC)

State = dict[UUID, NewsEntry]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of the archive's pages, and of some edits to them."""
    if not BUNDLE.is_file():
        pytest.skip("the archive is not here (../shared/corpus)")
    folder = tmp_path_factory.mktemp("corpus")
    clone, file = folder / "clone", folder / "news.db"
    subprocess.run(
        ["git", "clone", "--quiet", "--branch", "master", str(BUNDLE), str(clone)], check=True
    )
    with Ledger.open(f"sqlite:///{file}") as ledger:
        assert ledger.import_pages([clone], actor="importer", strict=True).events == ENTRIES
        ledger.execute(edits(ledger))
    return file


def edits(ledger: Ledger) -> list[Command]:
    """Return edits to every fifth entry, its text swapped with a neighbour's, and some back."""
    found: list[Command] = []
    entries = [listed.entry for listed in ledger.entries()]
    for number in range(0, len(entries), 5):
        one, other = entries[number], entries[number - 1]
        swapped: dict[str, Any] = {
            "summary": other.summary,
            "contexts": other.contexts,
            "topic": other.topic,
        }
        moment = MORNING + timedelta(hours=number)
        found.append(
            EditEntry(
                entry=one.id,
                headline=f"{other.headline} (2)",
                actor=f"desk {number % 3}",
                minor=number % 2 == 0,
                published_at=moment,
                **swapped,
            )
        )
        if number % 4 == 0:
            found.append(
                PublishCorrection(entry=one.id, text="更正", actor="desk", published_at=moment)
            )
        if number % 3 == 0:
            found.append(
                EditEntry(entry=one.id, headline=one.headline, actor="desk", published_at=moment)
            )
        if number % 15 == 0:
            found.append(
                EditEntry(
                    entry=one.id,
                    date=one.date + timedelta(days=1),
                    summary=one.summary,
                    actor="desk",
                    published_at=moment,
                )
            )
    return found


@pytest.fixture(scope="module")
def ledger(log: Path) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{log}") as opened:
        yield opened


@pytest.fixture(scope="module")
def before(ledger: Ledger) -> tuple[ViewStatus, ...]:
    """What the views hold that followed the log, before any of them was rebuilt."""
    status = ledger.views.status()
    assert [one.name for one in status] == [model.name for model in BUILT_IN]
    assert {one.position for one in status} == {ledger.application.log.head().position}
    # Full tiles of the tree are few.
    assert min(one.rows for one in status if one.name != "tree") > 100
    return status


@pytest.fixture(scope="module")
def folded(ledger: Ledger) -> State:
    """Every entry as the fold of its events has it."""
    found: State = {}
    for event in ledger.events():
        if event.entry not in found:
            *_, last = ledger.replay(event.entry)
            found[event.entry] = last.after
    assert len(found) == ENTRIES
    return found


# Rebuilt


def same(before: tuple[ViewStatus, ...]) -> tuple[RebuildProof, ...]:
    return tuple(RebuildProof(status, True) for status in before)


def test_a_rebuild_ends_as_it_was_twice(ledger: Ledger, before: tuple[ViewStatus, ...]) -> None:
    assert ledger.rebuild() == same(before)
    assert ledger.rebuild() == same(before)
    assert ledger.views.status() == before


@pytest.mark.parametrize("batch", [1, 7, 5000])
def test_batches_of_any_size_end_alike(
    ledger: Ledger, before: tuple[ViewStatus, ...], tmp_path: Path, batch: int
) -> None:
    views = Views(ledger.application, FilePlace(tmp_path / "views"), batch=batch)
    try:
        assert views.status() == before
        assert views.rebuild() == same(before)
        assert views.status() == before
    finally:
        views.close()


def test_views_that_were_deleted_come_back(
    log: Path, ledger: Ledger, before: tuple[ViewStatus, ...]
) -> None:
    ledger.views.close()
    shutil.rmtree(views_folder(log))
    assert ledger.views.status() == before
    shutil.rmtree(views_folder(log))
    assert ledger.views.status() == before
    ledger.views.close()
    shutil.rmtree(views_folder(log))
    assert ledger.rebuild() == tuple(RebuildProof(status, None) for status in before)
    assert list(ledger.check()) == []


# Searched


def texts(entry: NewsEntry) -> list[str]:
    """Return the texts that a search looks at, as a reader sees them."""
    sources = [text for source in entry.sources for text in (source.name, source.url)]
    return [html.unescape(t) for t in (entry.headline, entry.topic, entry.summary, *sources) if t]


def words(folded: State) -> list[str]:
    """Return pairs of Chinese characters: the most frequent, rarer ones, and some of no entry."""
    pairs: Counter[str] = Counter()
    letters: set[str] = set()
    for entry in folded.values():
        for text in texts(entry):
            for run in re.findall(r"[\u4e00-\u9fff]+", text):
                letters.update(run)
                pairs.update(run[start : start + 2] for start in range(len(run) - 1))
    ranked = sorted(pairs, key=lambda pair: (-pairs[pair], pair))
    once = [pair for pair in ranked if pairs[pair] == 1]
    turned = [pair[::-1] for pair in ranked if pair[::-1] not in pairs]  # in no entry
    found = [*ranked[:60], *ranked[60 :: len(ranked) // 60], *once[:: len(once) // 60]]
    return [*dict.fromkeys(found), *turned[:20]]


def test_a_word_of_two_characters_is_found_where_it_is_and_nowhere_else(
    ledger: Ledger, folded: State
) -> None:
    asked = words(folded)
    assert len(asked) > 150
    totals = []
    for word in asked:
        expected = {e.id for e in folded.values() if any(word in text for text in texts(e))}
        listed = ledger.search(word)
        assert [item.entry.id for item in listed] == sorted(expected, key=lambda id_: id_.bytes)
        assert [item.entry for item in listed] == [folded[item.entry.id] for item in listed]
        totals.append(len(expected))
    assert totals[0] > 100
    assert 1 in totals
    assert totals[-20:] == [0] * 20


def test_a_word_that_an_edit_took_away_is_found_in_the_version_before(
    ledger: Ledger, folded: State
) -> None:
    for entry in [e for e in folded.values() if e.version > 1][:20]:
        first = ledger.get(entry.id, version=1).entry
        found = ledger.search(f'"{first.headline}"', all_versions=True)
        assert first in [item.entry for item in found]
        assert all(
            re.sub(r"\W", "", html.unescape(first.headline))
            in re.sub(r"\W", "", "/".join(texts(item.entry)))
            for item in found
        )


# Folded


def test_days_are_those_of_the_fold(ledger: Ledger, folded: State) -> None:
    by_day: dict[date, list[UUID]] = {}
    for entry in folded.values():
        by_day.setdefault(entry.date, []).append(entry.id)
    there = sorted(by_day)
    assert len(there) > 300

    def ask(day: date) -> tuple[object, object]:
        return ledger.views.read(
            lambda db: (days.entries_of(db, ZH, day), days.neighbours(db, ZH, day))
        )

    for number, day in enumerate(there):
        around = (
            there[number - 1] if number else None,
            there[number + 1] if day != there[-1] else None,
        )
        assert ask(day) == (tuple(by_day[day]), around)
    shown = ledger.day(there[0], edition=ZH)
    assert [listed.entry for listed in shown.entries] == [folded[id_] for id_ in by_day[there[0]]]


def test_contexts_are_those_of_the_fold(ledger: Ledger, folded: State) -> None:
    totals = Counter(name for entry in folded.values() for name in entry.contexts)
    assert [(one.context, one.entries) for one in ledger.contexts()] == sorted(
        totals.items(), key=lambda item: (-item[1], item[0])
    )
    paths = {listed.entry.id: listed.path for listed in ledger.entries()}
    lengths = []
    for this in list(folded.values())[::9]:
        lines = []
        for other in folded.values():
            shared = tuple(sorted(set(this.contexts) & set(other.contexts)))
            if shared and other.id != this.id:
                lines.append((other.id, other.headline, paths[other.id], shared))
        lines.sort(key=lambda line: line[2], reverse=True)
        lines.sort(key=lambda line: -len(line[3]))
        found = ledger.related(this.id, 5)
        assert [(r.entry, r.headline, r.path, r.contexts) for r in found] == lines[:5]
        lengths.append(len(lines))
    assert max(lengths) > 5


def test_activity_is_that_of_the_events(ledger: Ledger, folded: State) -> None:
    actors: Counter[str] = Counter()
    minor: Counter[str] = Counter()
    silent: list[tuple[UUID, int]] = []
    back: list[tuple[UUID, int, str]] = []
    for entry in folded.values():
        steps = list(ledger.replay(entry.id))
        for step in steps[1:]:
            if isinstance(step.event.data, CorrectionPublished):
                silent = [one for one in silent if one[0] != entry.id]
                continue
            actors[step.event.meta.actor] += 1
            minor[step.event.meta.actor] += step.event.meta.minor
            changed = step.before is not None and step.before.headline != step.after.headline
            silent += [(entry.id, step.event.version)] if changed else []
        # An entry is edited at most once there and once back.
        for name in ("headline", "summary"):
            values = [getattr(step.after, name) for step in steps]
            returned = [n for n in range(1, len(values)) if values[n] != values[n - 1]][1:]
            back += [(entry.id, n + 1, name) for n in returned if values[n] == values[0]]
    assert actors.total() > 200
    assert ledger.activity("actor") == [
        Count(actor, edited, minor[actor])
        for actor, edited in sorted(actors.items(), key=lambda item: (-item[1], item[0]))
    ]
    assert sum(count.edits for count in ledger.activity("day")) == actors.total()
    assert {(one.entry, one.version) for one in ledger.silent_edits()} == set(silent)
    assert sorted((one.entry, one.version, one.field) for one in ledger.flips()) == sorted(back)
    assert len(back) > 60


def test_the_archive_goes_to_postgresql_and_back(
    log: Path, postgres_store: PostgresStore, tmp_path: Path
) -> None:
    back = f"sqlite:///{tmp_path / 'back.db'}"
    found = []
    for source, dest in ((f"sqlite:///{log}", postgres_store.url), (postgres_store.url, back)):
        with Ledger.open(source) as one, Ledger.open(dest) as other:
            copied = copying.copy(one, other)
            assert other.views.status() == one.views.status()
            assert [*other.views.check()] == []
            found.append((copied.root, one.views.status(), found_everywhere(other)))
    assert found[0] == found[1]


def found_everywhere(ledger: Ledger) -> list[list[tuple[UUID, int]]]:
    """Return what searches of many kinds find, in all versions."""
    queries = (
        "2008",
        "北京",
        '"北京 奥运"',
        "奥运 会*",
        "a*",
        "中 国",
        "the",
        '"2008 年"',
        "不 存在 的",
    )
    return [
        [(hit.entry.id, hit.entry.version) for hit in ledger.search(query, all_versions=True)]
        for query in queries
    ]
