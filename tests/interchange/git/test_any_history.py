"""Any history of pages that come, change, go and come back: the ledger is as git is, always."""

from __future__ import annotations

import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.pages.build import build_page
from ledger.pages.markdown import render
from ledger.pages.model import Page
from tests.interchange.git.archive import FIRST, Archive, take
from tests.interchange.git.test_going_on import root, still
from tests.interchange.site import at, count, page, related

NAMES = ("bridge", "ferry", "flood", "harbour")

contents = st.builds(
    lambda topic, summary, rain: (topic, summary, rain),
    topic=st.sampled_from([None, "Port", "Quay"]),
    summary=st.sampled_from([None, "Open.", "Closed.", "Closed again."]),
    rain=st.booleans(),
)
# Of some pages, what they come to say in a commit; None: they go.
commits = st.lists(
    st.dictionaries(st.sampled_from(NAMES), st.none() | contents, min_size=1),
    min_size=1,
    max_size=8,
)


def a_page(name: str, content: tuple[str | None, str | None, bool]) -> Page:
    topic, summary, rain = content
    lines = related("elsewhere", "Rain") if rain else ()
    shown = page(name.capitalize(), None, style="archive", topic=topic, summary=summary)
    return replace(shown, related=lines)


def file_of(name: str) -> str:
    return f"{at(name)[1:]}.md"


def made(
    folder: Path, history: list[dict[str, tuple[str | None, str | None, bool] | None]]
) -> Archive:
    """An archive of such commits; those that change nothing are there, too."""
    archive = Archive(folder)
    stream, there = [], set[str]()
    for number, changes in enumerate(history):
        seconds = int((FIRST + timedelta(hours=number)).timestamp())
        stream.append("commit refs/heads/master\n")
        stream.append(f"committer Ada <ada@gazette.example> {seconds} +0000\ndata 4\nNews\n")
        for name, content in sorted(changes.items()):
            if content is not None:
                text = render(a_page(name, content))
                stream.append(f"M 100644 inline {file_of(name)}\n")
                stream.append(f"data {len(text.encode())}\n{text}\n")
                there.add(name)
            elif name in there:
                stream.append(f"D {file_of(name)}\n")
                there.remove(name)
    command = ["git", "-C", str(folder), "fast-import", "--quiet"]
    subprocess.run(command, input="".join(stream).encode(), check=True)
    listed = ["git", "-C", str(folder), "rev-list", "--reverse", "master"]
    found = subprocess.run(listed, check=True, capture_output=True, text=True)
    archive.commits = found.stdout.split()
    return archive


@settings(max_examples=40, deadline=None)
@given(history=commits, cuts=st.sets(st.integers(0, 7)))
def test_the_ledger_is_as_git_is(
    history: list[dict[str, tuple[str | None, str | None, bool] | None]], cuts: set[int]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = made(folder / "archive", history)
        with still(folder, "whole") as ledger:
            ledger.init()
            take(ledger, archive, contexts=False, alike=1.0)
            shown: dict[str, str] = {}
            for number, changes in enumerate(history):
                for name_, content in changes.items():
                    shown.pop(file_of(name_), None)
                    if content is not None:
                        own = replace(a_page(name_, content), related=())
                        shown[file_of(name_)] = render(own)
                found = ledger.entries(as_of=archive.time(number), status="active")
                assert shown == {
                    f"{listed.path[1:]}.md": render(build_page(listed.entry, listed.path, (), ()))
                    for listed in found
                }
            whole = count(ledger), root(ledger)
        ends = [archive.commits[cut] for cut in sorted(cuts) if cut < len(history)]
        with still(folder, "parts") as ledger:
            ledger.init()
            for end in [*ends, archive.commits[-1]]:
                take(ledger, archive, contexts=False, alike=1.0, until=end)
            assert (count(ledger), root(ledger)) == whole
