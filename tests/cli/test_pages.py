"""Pages on the command line: entries and days, in every format that they are published in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger import Ledger
from ledger.pages.links import EXTENSIONS
from tests.cli.runner import Shell
from tests.pages.formats import read_json, read_xml
from tests.pages.markup import one, read_html, text_of
from tests.pages.newsroom import SECRET, fill
from tests.stores import Store

FERRY = "/news/2021/03/4/ferry"


@pytest.fixture(scope="module")
def shell(shared_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A filled store, which is only read."""
    with Ledger.open(shared_store.url) as ledger:
        ledger.init()
        fill(ledger)
    return Shell(tmp_path_factory.mktemp("pages"), shared_store)


def test_an_entry_in_every_format(shell: Shell) -> None:
    page = {name: shell.ok("show", f"{FERRY}-safe", "--format", name) for name in EXTENSIONS}
    assert text_of(one(read_html(page["html"]), ".//h1")) == "Ferry safe"
    assert read_json(page["json"])["headline"] == "Ferry safe"
    assert read_xml(page["xml"]).findtext("{*}headline") == "Ferry safe"
    assert "\n# Ferry safe\n" in page["md"]
    assert not [name for name, text in page.items() if SECRET in text]


def test_a_version_and_a_moment(shell: Shell) -> None:
    older = read_html(shell.ok("show", f"{FERRY}-sails", "--format", "html"))
    assert "This is an older version" in text_of(one(older, ".//aside"))
    second = read_json(shell.ok("show", f"{FERRY}-safe", "--version", "2", "--format", "json"))
    assert (second["version"], second["links"]["current"]) == (2, f"{FERRY}-safe.json")
    moment = ("--as-of", "2021-03-04 12:00")
    then = read_json(shell.ok("show", f"{FERRY}-safe", *moment, "--format", "json"))
    assert (then["headline"], then["links"]["current"]) == ("Ferry turns back", None)
    assert len(then["changes"]) == 2


def test_an_entry_in_a_style(shell: Shell) -> None:
    arguments = ("show", f"{FERRY}-safe", "--style", "older", "--format")
    assert "### Source:" in shell.ok(*arguments, "md")
    assert '<h2 id="sources-title">Source</h2>' in shell.ok(*arguments, "html")


def test_a_day_in_every_format(shell: Shell) -> None:
    day = ("day", "2021-03-04", "--edition", "en", "--format")
    page = {name: shell.ok(*day, name) for name in EXTENSIONS}
    assert text_of(one(read_html(page["html"]), ".//h1")) == "2021-03-04"
    said = read_json(page["json"])
    assert [entry["status"] for entry in said["entries"]] == ["active", "retracted", "merged"]
    assert said["links"]["next_day"] == "/news/2021/03/5/index.json"
    assert len(read_xml(page["xml"]).findall("{*}entries/{*}entry")) == 3
    assert page["md"].startswith("## [2021-03-04](/news/2021/03/4/index.md)\n")
    then = json.loads(shell.ok(*day, "json", "--as-of", "2021-03-04 10:00"))
    assert [entry["headline"] for entry in then["entries"]] == ["Ferry sails"]


def test_a_page_goes_into_a_file_as_it_is(shell: Shell, tmp_path: Path) -> None:
    text = shell.ok("show", "/zh/news/2021/03/4/渡輪平安", "--format", "html")
    (tmp_path / "page.html").write_text(text)
    assert (tmp_path / "page.html").read_text() == text
    assert text.startswith("<!DOCTYPE html>\n")
    assert text.endswith("</html>\n")


@pytest.mark.parametrize("format_", EXTENSIONS)
def test_a_day_without_entries_is_no_mistake(shell: Shell, format_: str) -> None:
    answer = shell("day", "2021-03-03", "--edition", "en", "--format", format_)
    assert (answer.status, answer.err) == (0, "")
    assert "2021-03-03" in answer.out


@pytest.mark.parametrize("format_", EXTENSIONS)
def test_what_is_not_there(shell: Shell, format_: str) -> None:
    answer = shell("show", "/news/2021/03/4/none-such", "--format", format_)
    assert (answer.status, answer.out) == (11, "")
    assert answer.err == "ledger: no entry is or was at /news/2021/03/4/none-such\n"
    answer = shell("day", "2021-03-04", "--edition", "fr", "--format", format_)
    assert (answer.status, answer.out) == (3, "")
    assert "no edition is called 'fr'" in answer.err
