"""The commands that read across entries, and moments of the past on every command that reads."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger, Source
from ledger.store.rows import to_microseconds
from tests.cli.runner import Shell
from tests.stores import Store

NOW = datetime.now(UTC)
DAY = date(2021, 3, 4)
FERRY, TIDE, GULL = "20210304", "20210305", "20210306"
FERRIES = "/news/2021/03/4/ferry-sinks.html"


def days_ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


@pytest.fixture(scope="module")
def shell(shared_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A store whose five events were published and recorded ten days, three, and a moment ago."""
    folder = tmp_path_factory.mktemp("lists")
    times = [days_ago(10), days_ago(10), days_ago(3), days_ago(3), NOW]
    with Ledger.open(f"sqlite:///{folder / 'made.db'}") as made:
        ferry = made.create(
            DAY,
            "Ferry sails",
            actor="Ann",
            topic="Harbour",
            contexts=("Ferries", "Quays"),
            sources=(Source("Courier", "https://courier.example/1"),),
            published_at=times[0],
        ).entry
        tide = made.create(
            date(2021, 3, 5),
            "Tide rises",
            actor="Ann",
            contexts=("Quays", "Ferries"),
            published_at=times[1],
        ).entry
        made.edit(ferry, headline="Ferry stays", actor="Ben", published_at=times[2])
        made.edit(
            tide,
            headline="Tide falls",
            contexts=("Quays",),
            actor="Ben",
            minor=True,
            published_at=times[3],
        )
        made.edit(ferry, headline="Ferry sinks", topic=None, actor="Ann", published_at=times[4])
        rows = made.application.log.read(0, 10)
    with Ledger.open(shared_store.url) as news:
        news.init()
        news.application.log.load(
            [
                row._replace(recorded_at=to_microseconds(time))
                for row, time in zip(rows, times, strict=True)
            ]
        )
    return Shell(folder, shared_store)


def records(shell: Shell, *arguments: str) -> Any:
    """Return what a command shows as JSON; JSON Lines are the same records, one a line."""
    return json.loads(shell.ok(*arguments, "--format", "json"))


def test_a_day_with_its_neighbours(shell: Shell) -> None:
    assert shell.ok("day", "2021-03-04") == (
        "id             status  topic  headline\n"
        f"{entry(shell, FERRY)[:13]}  active         Ferry sinks\n"
        "edition en; previous day: none; next day: 2021-03-05\n"
    )
    found = records(shell, "day", "2021-03-05")
    assert (found["date"], found["edition"]) == ("2021-03-05", "en")
    assert found["links"]["previous_day"] == "/news/2021/03/4/index.json"
    assert found["links"]["next_day"] is None
    (tide,) = found["entries"]
    assert (tide["id"], tide["headline"]) == (entry(shell, TIDE), "Tide falls")
    assert tide["link"] == "/news/2021/03/5/tide-falls.json"
    nothing = shell.ok("day", "2021-03-05", "--edition", "zh")
    assert nothing == "edition zh; previous day: none; next day: none\n"
    assert shell.ok("day", "today").endswith("; previous day: 2021-03-05; next day: none\n")


def test_a_day_of_the_only_edition_there_is(ledger: Shell) -> None:
    ledger.add("雨", "--edition", "zh")
    assert ledger.ok("day", "2021-03-05") == (
        "edition zh; previous day: 2021-03-04; next day: none\n"
    )
    ledger.add("Rain")
    assert records(ledger, "day", "2021-03-04")["edition"] == "en"
    assert records(ledger, "day", "2021-03-04", "--known-at", "@1")["edition"] == "zh"
    assert records(ledger, "day", "2021-03-04", "--known-at", "@0")["edition"] == "en"


def entry(shell: Shell, prefix: str) -> str:
    """Return the whole id of an entry."""
    listed = [item["entry"]["id"] for item in records(shell, "list")]
    (found,) = [id_ for id_ in listed if id_.startswith(prefix)]
    return str(found)


def test_related(shell: Shell) -> None:
    assert shell.ok("related", FERRY) == (
        "shared  contexts  permalink                   headline\n"
        "1       Quays     /news/2021/03/5/tide-falls  Tide falls\n"
    )
    tide = {
        "entry": entry(shell, TIDE),
        "headline": "Tide falls",
        "path": "/news/2021/03/5/tide-falls",
        "contexts": ["Quays"],
    }
    assert records(shell, "related", FERRIES) == [tide]
    assert json.loads(shell.ok("related", FERRY, "--limit", "1", "--format", "jsonl")) == tide


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (("FERRY",), [(FERRY, 3)]),
        (("courier", "sinks"), [(FERRY, 3)]),
        (("courier sails",), []),
        (("--all-versions", "ferry"), [(FERRY, 1), (FERRY, 2), (FERRY, 3)]),
        (("--all-versions", '"tide rises"'), [(TIDE, 1)]),
        (("ti*",), [(TIDE, 2)]),
        (('"falls tide"',), []),
    ],
)
def test_search(shell: Shell, query: tuple[str, ...], found: list[tuple[str, int]]) -> None:
    hits = records(shell, "search", *query)
    assert [(hit["entry"]["id"][:8], hit["entry"].get("version")) for hit in hits] == found
    assert all(set(hit) == {"entry", "path"} for hit in hits)


def test_search_as_a_table(shell: Shell) -> None:
    assert shell.ok("search", "rises", "--all-versions") == (
        "date        id             version  headline\n"
        f"2021-03-05  {entry(shell, TIDE)[:13]}  1        Tide rises\n"
    )
    assert shell.ok("search", "walrus") == ""
    assert shell.ok("search", "walrus", "--format", "json") == "[]\n"


def test_contexts(shell: Shell) -> None:
    assert shell.ok("contexts") == "entries  context\n2        Quays\n1        Ferries\n"
    lines = shell.ok("contexts", "--format", "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"context": "Quays", "entries": 2},
        {"context": "Ferries", "entries": 1},
    ]


def test_activity(shell: Shell) -> None:
    then, now = (f"{days_ago(days):%Y-%m-%d}" for days in (3, 0))
    assert shell.ok("activity") == (
        f"edits  minor  day\n2      1      {then}\n1      0      {now}\n"
    )
    for by, expected in {
        "day": [(then, 2, 1), (now, 1, 0)],
        "actor": [("Ben", 2, 1), ("Ann", 1, 0)],
        "field": [("headline", 3, 1), ("slug", 3, 1), ("contexts", 1, 1), ("topic", 1, 0)],
        "entry": [(entry(shell, FERRY), 2, 0), (entry(shell, TIDE), 1, 1)],
    }.items():
        counts = records(shell, "activity", "--by", by)
        assert counts == [{"of": of, "edits": n, "minor": m} for of, n, m in expected]


def test_flips_and_silent_edits(ledger: Shell) -> None:
    one = ledger.add("Five dead")
    assert ledger.ok("activity", "--flips") == ledger.ok("silent-edits") == ""
    ledger.ok("edit", one, "--headline", "Six dead", "--published-at", "2021-03-04T10:00Z")
    back = ("--published-at", "2021-03-04T11:00Z", "--minor")
    ledger.ok("edit", one, "--headline", "Five dead", *back)
    assert ledger.ok("activity", "--flips") == (
        "entry                                 version  field     published            actor\n"
        f"{one}  3        headline  2021-03-04 11:00:00  desk\n"
    )
    assert records(ledger, "activity", "--flips") == [
        {
            "entry": one,
            "version": 3,
            "field": "headline",
            "actor": "desk",
            "published_at": "2021-03-04T11:00:00Z",
        }
    ]
    assert ledger.ok("silent-edits") == (
        "id             version  published            actor  headline\n"
        f"{one[:13]}  2        2021-03-04 10:00:00  desk   [-Five-]{{+Six+}} dead\n"
        f"{one[:13]}  3        2021-03-04 11:00:00  desk   [-Six-]{{+Five+}} dead\n"
    )
    assert records(ledger, "silent-edits")[1] == {
        "entry": one,
        "version": 3,
        "actor": "desk",
        "published_at": "2021-03-04T11:00:00Z",
        "basis": "stated",
        "minor": True,
        "old": "Six dead",
        "new": "Five dead",
    }
    ledger.ok("correct", one, "It was five all along.")
    assert ledger.ok("silent-edits", "--format", "json") == "[]\n"


# Moments: the store as it was at first, and as it was after the edits of three days ago

FIRST = ("@2", f"{days_ago(5):%Y-%m-%d}", days_ago(10).isoformat(), "9 days ago")
SECOND = (
    "@4",
    "2 days ago",
    "yesterday",
    days_ago(3).isoformat(" "),
    f"{days_ago(1):%Y-%m-%dT%HZ}",
)

SHOWN: dict[tuple[str, ...], tuple[str, str, str]] = {
    # What is shown at first, what after the edits, and what is shown at neither
    ("show", FERRY): ("Ferry sails\n", "Ferry stays\n", "Ferry sinks"),
    ("show", FERRIES, "--format", "md"): ("# Ferry sails", "_(Current version)_", "Ferry sinks"),
    ("changes", FERRY): ("Current version  Ann", "Current version  Ben", "ferry-sinks"),
    ("changes", TIDE, "--all"): ("Current version  Ann", "Current version  Ben", "Ferry sinks"),
    ("diff", FERRY): ("headline: {+Ferry sails+}", "headline: Ferry [-sails-]{+stays+}", "sinks"),
    ("list", "--topic", "Harbour"): ("Ferry sails", "Ferry stays", "Ferry sinks"),
    ("list", "--context", "Quays"): ("Tide rises", "Tide falls", "Ferry sinks"),
    ("day", "2021-03-04"): ("Harbour  Ferry sails", "Harbour  Ferry stays", "Ferry sinks"),
    ("related", FERRY): (
        "Ferries, Quays  /news/2021/03/5/tide-rises",
        "1       Quays",
        "Ferry sinks",
    ),
    ("search", "harbour"): ("Ferry sails", "Ferry stays", "Ferry sinks"),
    ("search", "tide", "--all-versions"): (
        "1        Tide rises",
        "2        Tide falls",
        "Ferry sinks",
    ),
    ("contexts",): ("2        Ferries\n", "1        Ferries\n", "Ferry sinks"),
}


@pytest.mark.parametrize("option", ["--as-of", "--known-at"])
@pytest.mark.parametrize(
    ("number", "command"), [*enumerate(SHOWN)], ids=["-".join(command) for command in SHOWN]
)
def test_a_moment_of_the_past(
    shell: Shell, option: str, number: int, command: tuple[str, ...]
) -> None:
    first, second, neither = SHOWN[command]
    number += 2 * (option == "--as-of")
    then = shell.ok(*command, option, FIRST[number % len(FIRST)])
    later = shell.ok(*command, option, SECOND[number % len(SECOND)])
    assert first in then
    assert second in later
    assert second not in then
    assert neither not in then + later
    assert then != later


def test_both_moments_together(shell: Shell) -> None:
    def headline(as_of: str, known_at: str) -> str:
        return shell.ok("show", FERRY, "--as-of", as_of, "--known-at", known_at).split("\n")[0]

    assert headline("now", "@2") == "Ferry sails"
    assert headline("5 days ago", "now") == "Ferry sails"
    assert headline("yesterday", "@3") == "Ferry stays"
    assert headline("now", "now") == "Ferry sinks"


def test_there_was_nothing_yet(shell: Shell) -> None:
    for option in ("--as-of", "--known-at"):
        for command in (("list",), ("search", "ferry"), ("contexts",)):
            assert shell.ok(*command, option, "20 days ago") == ""
    nothing = records(shell, "day", "2021-03-04", "--known-at", "@0")
    assert (nothing["edition"], nothing["entries"]) == ("en", [])
    assert nothing["links"]["previous_day"] is nothing["links"]["next_day"] is None


A = FERRY
WRONG: list[tuple[int, str, tuple[str, ...]]] = [
    (4, "the log has no position 6; it ends at 5", ("show", A, "--as-of", "@6")),
    (4, "the log has no position 99; it ends at 5", ("list", "--known-at", "@99")),
    (4, "position 0 has no time: the first event is at 1", ("contexts", "--as-of", "@0")),
    (4, "'@x' is no position of the log: write it as @1234", ("day", "today", "--as-of", "@x")),
    (4, "'@-1' is no position of the log", ("search", "ferry", "--known-at", "@-1")),
    (4, "'someday' is no time", ("related", A, "--as-of", "someday")),
    (4, "'2021-02-30' is no date: write it as 2014-02-13", ("day", "2021-02-30")),
    (2, "Missing argument 'DATE'.", ("day",)),
    (2, "Missing argument 'QUERY...'.", ("search",)),
    (2, "'week' is not one of", ("activity", "--by", "week")),
    (2, "0 is not in the range x>=1", ("related", A, "--limit", "0")),
    (2, "'jsonl' is not one of", ("day", "today", "--format", "jsonl")),
    (3, "no edition is called 'xx'; known are: en, zh", ("day", "today", "--edition", "xx")),
    (3, "holds no word to search for", ("search", "?!")),
    (11, "no entry has an id that begins with '1999'", ("related", "1999")),
    (11, "no entry is or was at /news/2021/03/4/walrus", ("related", "/news/2021/03/4/walrus")),
    (12, "was not public yet at", ("related", A, "--as-of", "20 days ago")),
    (12, "the ledger knew nothing of entry", ("changes", TIDE, "--known-at", "@1")),
    (12, "has no version 2; it has 1 to 1", ("diff", A, "1", "2", "--known-at", "@2")),
    (13, "'2021' fits several entries", ("related", "2021")),
]


@pytest.mark.parametrize(("status", "message", "arguments"), WRONG)
def test_wrong_input_is_told_in_a_line(
    shell: Shell, status: int, message: str, arguments: tuple[str, ...]
) -> None:
    answer = shell(*arguments)
    assert (answer.status, answer.out) == (status, "")
    assert answer.err.startswith("ledger: ")
    assert answer.err.count("\n") == 1
    assert message in answer.err


def test_there_is_no_ledger(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    for command in (("day", "today"), ("contexts",), ("silent-edits",)):
        assert shell(*command).status == 41
    assert list(tmp_path.iterdir()) == []
