"""Every command once, as a process: what it prints and what it stores."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

from tests.cli.runner import Shell

SAMPLES = str(Path(__file__).resolve().parents[2] / "ledger" / "samples")

BARRIER = "/news/2021/03/4/port-ellery-approves-tidal-barrier-by-8-votes-to-5-residents-sue"


def test_init_makes_the_store_once(ledger: Shell) -> None:
    first = ledger.ok("init", "--origin", "harbour.example/news")
    assert first.startswith("ledger harbour.example/news (id ")
    assert ledger.ok("init") == first
    other = ledger("init", "--origin", "other")
    assert (other.status, other.out) == (3, first)
    assert "is there already, and is called harbour.example/news" in other.err
    assert ledger.store.exists()


def test_add_from_options(ledger: Shell) -> None:
    out = ledger.ok(
        *("add", "--date", "2021-03-04", "--headline", "Barrier approved", "--topic", "Harbour"),
        *("--summary", "By a vote.", "--source", "Courier=https://c.example/1?a=b"),
        *("--source", "Radio=https://r.example/2", "--cover-image", "https://c.example/1.jpg"),
        *("--context", "Harbour", "--context", "Council", "--reason", "desk", "--minor"),
        *("--published-at", "2021-03-04T12:00:00+01:00"),
    )
    entry = out.split()[1]
    assert out == f"added {entry} version 1 at /news/2021/03/4/barrier-approved\n"
    (event,) = json.loads(ledger.ok("log", "--format", "json"))
    assert event["entry"] == entry
    assert event["meta"] == {
        "actor": "desk",
        "published_at": "2021-03-04T11:00:00Z",
        "command": event["meta"]["command"],
        "basis": "stated",
        "reason": "desk",
        "minor": True,
    }
    assert len(b64decode(event["data"].pop("digest"))) == 16
    assert event["data"] == {
        "date": "2021-03-04",
        "headline": "Barrier approved",
        "slug": "barrier-approved",
        "edition": "en",
        "language": "en",
        "topic": "Harbour",
        "summary": "By a vote.",
        "sources": [
            {"name": "Courier", "url": "https://c.example/1?a=b"},
            {"name": "Radio", "url": "https://r.example/2"},
        ],
        "cover_image": "https://c.example/1.jpg",
        "contexts": ["Harbour", "Council"],
    }


def test_add_from_json_a_page_and_standard_input(ledger: Shell) -> None:
    given = {
        "date": "2021-03-04",
        "headline": "From JSON",
        "sources": [{"name": "Courier", "url": "https://c.example/1"}],
    }
    (ledger.folder / "entry.json").write_text(json.dumps(given))
    assert "/news/2021/03/4/from-json" in ledger.ok("add", "--from", "entry.json")
    out = ledger.ok("add", "-", "--headline", "From options", stdin=json.dumps(given))
    assert "/news/2021/03/4/from-options" in out
    page = next(Path(SAMPLES).rglob("storm-surge*.md"))
    out = ledger.ok("add", "--from", str(page))
    assert f"/news/2019/11/2/{page.stem}" in out
    assert ledger("add", "-", stdin=page.read_bytes()).status == 23
    assert ledger.ok("show", f"/news/2019/11/2/{page.stem}", "--format", "md").startswith(
        page.read_text().split("\n### Related:")[0]
    )
    imported = ledger.ok("import", "pages", str(page))
    assert "entries created: 0" in imported


def test_a_command_id_makes_a_command_repeatable(ledger: Shell) -> None:
    options = ("--command-id", "6f1c1e5e-0000-4000-8000-000000000001")
    entry = ledger.add("One", *options)
    assert ledger.add("One", *options) == entry
    assert len(ledger.ok("log", "--format", "jsonl").splitlines()) == 1
    edit = (
        "edit",
        entry,
        "--add-source",
        "A=https://a.example",
        *options[:1],
        options[1][:-1] + "2",
    )
    assert ledger.ok(*edit) == ledger.ok(*edit)
    again = ledger("edit", entry, "--headline", "Two", *edit[-2:])
    assert again.status == 24
    assert "was already used for another command" in again.err
    assert len(ledger.ok("log", "--format", "jsonl").splitlines()) == 2


def test_edit_changes_what_is_named_and_nothing_else(ledger: Shell) -> None:
    entry = ledger.add(
        "One",
        "--topic",
        "Harbour",
        "--summary",
        "S.",
        "--source",
        "A=https://a.example",
        "--source",
        "B=https://b.example",
        "--context",
        "X",
        "--context",
        "Y",
    )
    ledger.ok("edit", entry, "--remove-source", "1", "--add-source", "C=https://c.example")
    ledger.ok("edit", entry, "--topic", "", "--add-context", "Z", "--remove-context", "X")
    ledger.ok("edit", entry, "--date", "2021-03-05", "--slug", "uno", "--minor")
    out = ledger.ok("edit", entry, "--headline", "Two", "--reason", "clearer")
    assert out == f"edited {entry} version 5 at /news/2021/03/5/two\n"
    records = [json.loads(line) for line in ledger.ok("log", "--format", "jsonl").splitlines()]
    assert len({record["data"].pop("digest") for record in records}) == 5
    assert [record["data"] for record in records[1:]] == [
        {
            "sources": [
                {"name": "B", "url": "https://b.example"},
                {"name": "C", "url": "https://c.example"},
            ]
        },
        {"topic": None, "contexts": ["Y", "Z"]},
        {"date": "2021-03-05", "slug": "uno"},
        {"headline": "Two", "slug": "two"},
    ]
    ledger.ok("edit", entry, "--context", "")
    assert "Contexts:" not in ledger.ok("show", entry)


def test_the_life_of_an_entry(ledger: Shell) -> None:
    entry = ledger.add("One")
    other = ledger.add("Other")
    ledger.ok("edit", entry, "--headline", "Two")
    assert "version 3 at /news/2021/03/4/one" in ledger.ok("revert", entry, "1")
    ledger.ok("correct", entry, "It was nine.", "--kind", "clarification")
    assert ledger.ok("retract", entry, "--reason", "court").startswith("retracted")
    assert "This entry is retracted." in ledger.ok("show", entry)
    ledger.ok("reinstate", entry)
    ledger.ok("merge", entry, "/news/2021/03/4/other.html")
    shown = ledger.ok("show", entry)
    assert f"This entry is merged into {other}." in shown
    assert "Clarification (version 4):\n  It was nine." in shown
    types = [line.split()[5] for line in ledger.ok("log", "--entry", entry).splitlines()[1:]]
    assert types == [
        "EntryCreated",
        "EntryEdited",
        "EntryEdited",
        "CorrectionPublished",
        "EntryRetracted",
        "EntryReinstated",
        "EntryMerged",
    ]


def test_show_any_version(ledger: Shell) -> None:
    entry = ledger.add("One", "--published-at", "2021-03-04T10:00Z")
    ledger.ok("edit", entry, "--headline", "Two", "--published-at", "2021-03-04T20:00Z")
    assert ledger.ok("show", entry).startswith("Two\n")
    assert ledger.ok("show", entry, "--version", "1").startswith("One\n")
    assert ledger.ok("show", entry, "--as-of", "2021-03-04 12:00").startswith("One\n")
    assert ledger.ok("show", entry, "--as-of", "yesterday").startswith("Two\n")
    assert ledger("show", entry, "--known-at", "2 days ago").status == 12
    old = ledger.ok("show", "/news/2021/03/4/one")
    assert old.startswith("One\n")
    assert "Version 1 of 2; the current one is at /news/2021/03/4/two" in old


def test_the_page_in_another_style(ledger: Shell) -> None:
    entry = ledger.add("One", "--topic", "T", "--source", "A=https://a.example")
    current = ledger.ok("show", entry, "--format", "md")
    assert current.startswith("\nFormats: [HTML](/news/2021/03/4/one.html)  [JSON]")
    assert "##### T\n# One\n\n\n\n\n### Sources:\n\n1. [A](https://a.example)\n" in current
    older = ledger.ok("show", entry, "--format", "md", "--style", "older")
    assert older == (
        "### [2021-03-04](/news/2021/03/4/index.md)\n\n# One\n\n\n\n\n### Source:\n\n"
        "1. [A](https://a.example)\n"
    )


def test_the_samples_from_import_to_replay(ledger: Shell) -> None:
    out = ledger.ok("import", "pages", SAMPLES)
    assert out.splitlines() == [
        "files read: 5",
        "entries created: 3",
        "entries edited: 0",
        "entries unchanged: 0",
        "pages of older versions, taken into their histories: 1",
        "day indexes, skipped: 1",
        "events stored: 5",
    ]
    assert ledger.ok("import", "pages", SAMPLES).endswith("nothing new\n")

    changes = json.loads(ledger.ok("changes", BARRIER, "--format", "json"))
    assert [(c["version"], c["label"], c["published_at"], c["basis"]) for c in changes] == [
        (1, "First version", "2021-03-04T16:20:05Z", "listed"),
        (2, "Update", "2021-03-04T18:02:41Z", "listed"),
        (3, "Current version", "2021-03-04T18:02:41Z", "inferred"),
    ]
    for version, change in enumerate(changes, 1):
        assert f"Version {version} of 3" in ledger.ok("show", change["path"] + ".md")
    table = ledger.ok("changes", BARRIER)
    assert "2021-03-04 18:02:41 (inferred)  Current version  desk" in table

    replay = ledger.ok("replay", BARRIER)
    assert "headline: Port Ellery approves tidal barrier by [-7-]{+8+} votes" in replay
    assert "inferred by the import: topic, summary, sources, cover_image" in replay
    assert ledger.ok("replay", BARRIER, "--to", "1").count("version ") == 1

    related = ledger.ok("show", BARRIER, "--format", "md").split("### Related:\n\n")[1]
    assert [line.rsplit("_Context: ")[1] for line in related.splitlines()] == [
        "Ines Okafor, Port Ellery_",
        "Port Ellery, Quay Street_",
    ]
    for page in Path(SAMPLES).rglob("*.md"):
        if page.stem == "index" or "7-votes" in page.stem:
            continue
        permalink = "/" + page.relative_to(SAMPLES).as_posix()
        assert ledger.ok("show", permalink, "--format", "md") == page.read_text()


def test_diff_and_blame(ledger: Shell) -> None:
    entry = ledger.add("Five dead", "--summary", "At the pier.")
    ledger.ok("edit", entry, "--headline", "Six dead", "--add-source", "A=https://a.example")
    assert ledger.ok("diff", entry).splitlines() == [
        "headline: [-Five-]{+Six+} dead",
        "slug: [-five-dead-] {+six-dead+}",
        "sources:",
        "  {+1. A <https://a.example>+}",
    ]
    assert "headline: [-Six-]{+Five+} dead" in ledger.ok("diff", entry, "2", "1")
    (first, *_) = json.loads(ledger.ok("diff", entry, "1", "--format", "json"))
    assert first["words"][0] == {"operation": "delete", "text": "Five"}
    lines = [line.split() for line in ledger.ok("blame", entry).splitlines()[1:]]
    assert [(line[0], line[1], line[4], line[5:]) for line in lines] == [
        ("headline", "2", "desk", ["Six"]),
        ("headline", "1", "desk", ["dead"]),
        ("summary", "1", "desk", ["At", "the", "pier."]),
    ]
    words = [json.loads(w) for w in ledger.ok("blame", entry, "--format", "jsonl").splitlines()]
    assert (words[0]["text"], words[0]["version"]) == ("Six", 2)


def test_the_log_is_cut_and_turned(ledger: Shell) -> None:
    entry = ledger.add("One")
    ledger.add("Two", day="2021-03-05")
    ledger("--actor", "eve", "edit", entry, "--headline", "Uno")

    def positions(*options: str) -> list[int]:
        lines = ledger.ok("log", "--format", "jsonl", *options).splitlines()
        return [json.loads(line)["position"] for line in lines]

    assert positions() == [1, 2, 3]
    assert positions("--reverse", "--limit", "2") == [3, 2]
    assert positions("--actor", "eve") == positions("--type", "EntryEdited") == [3]
    assert positions("--entry", entry, "--reverse") == [3, 1]
    assert positions("--since", "1 hour ago", "--until", "now") == [1, 2, 3]
    assert positions("--until", "yesterday") == []
    second = json.loads(ledger.ok("log", "--format", "json"))[1]["recorded_at"]
    assert positions("--since", second, "--until", second) == [2]


def test_list_and_rebuild(ledger: Shell) -> None:
    entry = ledger.add("One", "--topic", "Harbour", "--context", "Ines")
    other = ledger.add("雨", "--edition", "zh", day="2021-03-05")
    ledger.ok("retract", other)
    found = json.loads(ledger.ok("list", "--format", "json"))
    assert [item["entry"]["id"] for item in found] == [entry, other]
    for options in (
        ("--date", "2021-03-04"),
        ("--topic", "Harbour"),
        ("--context", "Ines"),
        ("--status", "active"),
    ):
        (line,) = ledger.ok("list", *options).splitlines()[1:]
        assert line.split()[1] == entry[:13]
    assert ledger.ok("list", "--date", "1999-01-01") == ""
    assert ledger.ok("show", "/zh/news/2021/03/5/雨").startswith("雨\n")
    rebuilt = ledger.ok("rebuild", "--format", "json")
    assert [
        (proof["status"]["name"], proof["status"]["rows"], proof["status"]["position"])
        for proof in json.loads(rebuilt)
    ] == [
        ("current", 2, 3),
        ("changes", 3, 3),
        ("permalinks", 2, 3),
        ("days", 3, 3),
        ("contexts", 1, 3),
        ("search", 4, 3),
        ("activity", 2, 3),
        ("tree", 3, 3),
    ]
    assert [proof["same"] for proof in json.loads(rebuilt)] == [True] * 8
    assert ledger.ok("rebuild", "--format", "json") == rebuilt


def test_upgrade_has_nothing_to_do(ledger: Shell) -> None:
    ledger.add("One")
    schema = {"sqlite": 4, "postgres": 2}[ledger.store.kind]
    assert ledger.ok("upgrade") == f"the log already has schema {schema}\n"


def test_an_interrupted_pipe_is_no_error(ledger: Shell) -> None:
    import subprocess
    import sys

    for n in range(3):
        ledger.add(f"Number {n}", "--summary", "x" * 100_000)
    done = subprocess.run(
        f'"{sys.executable}" -m ledger log --format json | head -c 10',
        shell=True,
        cwd=ledger.folder,
        env=ledger.environment,
        capture_output=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"[\n  {\n    ", b"")


def test_what_is_shown_can_be_given_back(ledger: Shell) -> None:
    entry = ledger.add("One")
    shown = ledger.ok("show", entry)
    recorded = shown.split("Recorded  ")[1].split(" at position")[0]
    published = shown.split("Published ")[1].split(" (stated)")[0]
    assert recorded.endswith(" UTC")
    assert ledger.ok("show", entry, "--known-at", recorded) == shown
    assert ledger.ok("show", entry, "--as-of", published) == shown


def test_people_read_what_character_references_mean(ledger: Shell) -> None:
    entry = ledger.add("Sisi&#039;s bid", "--summary", "&quot;historic&quot;", "--slug", "bid")
    assert "Sisi's bid\n" in ledger.ok("show", entry)
    assert '"historic"\n' in ledger.ok("show", entry)
    assert "# Sisi&#039;s bid\n" in ledger.ok("show", entry, "--format", "md")


def test_the_changes_list_ends_where_the_entry_is(ledger: Shell) -> None:
    entry = ledger.add("One")
    ledger.ok("edit", entry, "--slug", "uno")
    (change,) = json.loads(ledger.ok("changes", entry, "--format", "json"))
    assert (change["label"], change["path"]) == ("Current version", "/news/2021/03/4/uno")
    labels = [
        c["label"] for c in json.loads(ledger.ok("changes", entry, "--all", "--format", "json"))
    ]
    assert labels == ["First version", "Current version"]


def test_a_permalink_as_a_browser_has_it(ledger: Shell) -> None:
    ledger.add("雨", "--edition", "zh")
    for link in (
        "https://site.example/zh/news/2021/03/4/%E9%9B%A8.html?from=feed#top",
        "zh/news/2021/03/04/雨",
    ):
        assert ledger.ok("show", link).startswith("雨\n")


def test_today_and_yesterday_are_dates(ledger: Shell) -> None:
    assert "version 1 at /news/" in ledger.ok("add", "--date", "yesterday", "--headline", "One")
    assert ledger.ok("list", "--date", "today") == ""


def test_a_merge_says_into_what(ledger: Shell) -> None:
    entry, other = ledger.add("One"), ledger.add("Other")
    ledger.ok("merge", entry, other)
    assert f"merged_into: {{+{other}+}}" in ledger.ok("replay", entry)
    assert f"into {other}" in ledger.ok("log")
