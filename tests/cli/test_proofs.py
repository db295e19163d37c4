"""prove, check and tiles, as commands: evidence goes to a folder where no store is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.audit import tiles_reader
from tests.cli.runner import Shell

ORIGIN = "harbour.example/news"
WITNESS = "wit.example"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A ledger of four events, three of them of the entry `id`, its key, and a witness's."""
    ledger = Shell(tmp_path_factory.mktemp("built"))
    ledger.ok("init", "--origin", ORIGIN)
    id_ = ledger.add("Ferry sails", "--summary", "&quot;At last&quot;")
    ledger.add("Tide rises")
    ledger.ok("edit", id_, "--headline", "Ferry stays", "--published-at", "2021-03-05T09:30Z")
    ledger.ok("edit", id_, "--topic", "Quay", "--reason", "it was missing")
    ledger.ok("audit", "checkpoint", "--out", "plain")
    (ledger.folder / "id").write_text(id_)
    for name, out, *options in ((ORIGIN, "desk"), (WITNESS, "wit", "--witness")):
        vkey = ledger.ok("audit", "keygen", name, "--out", f"{out}.key", *options)
        (ledger.folder / f"{out}.vkey").write_text(vkey.strip())
    return ledger


@pytest.fixture
def desk(built: Shell, ledger: Shell) -> Shell:
    return ledger.filled_by(built)


@pytest.fixture
def stranger(tmp_path: Path) -> Shell:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return Shell(folder)


def said(desk: Shell, name: str) -> str:
    return (desk.folder / name).read_text()


def prove(desk: Shell, *options: str, out: str = "elsewhere/b.json") -> str:
    return desk.ok("audit", "prove", said(desk, "id"), "--out", out, *options)


def check(desk: Shell, stranger: Shell, *keys: str, file: str = "b.json") -> str:
    given = [word for key in keys or ("desk",) for word in ("--key", said(desk, f"{key}.vkey"))]
    before = sorted(stranger.folder.rglob("*"))
    out = stranger.ok("audit", "check", file, *given)
    # Nothing was made, a store least of all.
    assert sorted(stranger.folder.rglob("*")) == before
    return out


def without_times(text: str) -> str:
    times = re.sub(r"20[2-9]\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", "TIME", text)
    return re.sub(r"root [0-9a-f]{64}", "root ROOT", times)


def test_in_plain_words(desk: Shell, stranger: Shell) -> None:
    done = prove(desk, "--sign", "desk.key")
    size = (stranger.folder / "b.json").stat().st_size
    assert done == f"elsewhere/b.json: {size:,} bytes\n"
    assert (
        without_times(check(desk, stranger))
        == f"""\
Entry      {said(desk, "id")}
Headline   Ferry stays
Status     active, in version 3
Log        {ORIGIN}, its first 4 events, root ROOT
Signed by  {ORIGIN}

Version 1  EntryCreated, at /news/2021/03/4/ferry-sails
  published TIME UTC (stated) by desk
  recorded  TIME UTC at position 1
Version 2  EntryEdited, at /news/2021/03/4/ferry-stays
  published 2021-03-05 09:30:00 UTC (stated) by desk
  recorded  TIME UTC at position 3
Version 3  EntryEdited, at /news/2021/03/4/ferry-stays
  published TIME UTC (stated) by desk: it was missing
  recorded  TIME UTC at position 4

Proved:
- That log has recorded versions 1 to 3 of the entry as shown, between TIME and TIME UTC by its \
own clock.
- The page in the file is that of version 3, but for a Related list.

Not proved:
- That there are no other, later versions: the bundle was made without --complete.
- What came after the first 4 events of the log.
- That the text is true.
- Who the actors really were: names are claimed, not authenticated.
- When version 1, 2, 3 became public: that time is stated by the actor.
- The number behind a permalink, and a page's Related list: other entries make them.
"""
    )


def test_completeness_is_claimed_only_with_all_records(desk: Shell, stranger: Shell) -> None:
    assert "no other" not in "".join(
        line for line in prove_and_check(desk, stranger) if not line.startswith("- That there are")
    )
    complete = prove_and_check(desk, stranger, "--complete")
    assert "- Among its 4 events there is no other version of the entry." in complete
    early = prove_and_check(desk, stranger, "--complete", "--version", "1")
    assert "- The log has later versions, not shown here: 2, 3." in early
    for lines in (complete, early):
        assert not any("without --complete" in line for line in lines)


def prove_and_check(desk: Shell, stranger: Shell, *options: str) -> list[str]:
    prove(desk, "--sign", "desk.key", *options)
    return check(desk, stranger).splitlines()


def test_as_json(desk: Shell, stranger: Shell) -> None:
    prove(desk, "--sign", "desk.key", "--version", "2", "--complete")
    key = said(desk, "desk.vkey")
    found = json.loads(stranger.ok("audit", "check", "b.json", "--key", key, "--format", "json"))
    assert list(found) == [
        *("tree", "entry", "versions", "erasures", "page", "complete", "unseen")
    ]
    assert (found["complete"], found["unseen"]) == (True, [3])
    assert found["tree"]["signers"] == [{"name": ORIGIN, "at": None}]
    assert found["tree"]["root"] == desk.ok("audit", "root").split()[1]
    assert [one["headline"] for one in found["versions"]] == ["Ferry sails", "Ferry stays"]
    assert found["page"].startswith("\nFormats: [HTML](/news/2021/03/4/ferry-stays.html)")


def test_what_was_erased_and_inferred_is_told(desk: Shell, stranger: Shell) -> None:
    desk.ok(
        *("erase", said(desk, "id"), "--version", "1", "--authority", "a court"),
        *("--reason", "an order"),
    )
    prove(desk, "--sign", "desk.key", "--version", "2")
    lines = check(desk, stranger).splitlines()
    assert "- Of version 1 was erased, as event 5 says: headline, slug." in lines
    assert "- Event 5 says that this was by the authority of a court: an order" in lines
    samples = str(Path(__file__).parents[2] / "ledger" / "samples")
    desk.ok("import", "pages", samples)
    entry = "/news/2021/03/4/port-ellery-approves-tidal-barrier-by-7-votes-to-5"
    desk.ok("audit", "prove", entry, "--out", "elsewhere/b.json", "--sign", "desk.key")
    lines = check(desk, stranger).splitlines()
    for line in (
        "- When version 1, 2 became public: that time is listed on a page.",
        "- When version 3 became public: that time is inferred by an import.",
        "- topic, summary, sources, cover_image of version 2: inferred by an import.",
    ):
        assert line in lines


def test_a_cosigned_checkpoint_that_was_kept(desk: Shell, stranger: Shell) -> None:
    desk.ok("audit", "checkpoint", "--sign", "desk.key", "--out", "now.note")
    key = said(desk, "desk.vkey")
    desk.ok(
        *("audit", "cosign", "now.note", "--key", key, "--sign", "wit.key", "--last", "last"),
        "--first",
    )
    desk.add("Gull lands")
    prove(desk, "--checkpoint", "now.note")
    out = without_times(check(desk, stranger, "desk", "wit"))
    assert f"Log        {ORIGIN}, its first 4 events, root ROOT\n" in out
    assert re.search(rf"Signed by  {WITNESS}, a witness, at \d{{4}}-\d\d-\d\d \d\d:", out)
    answer = stranger("audit", "check", "b.json", "--key", key)
    assert (answer.status, answer.out) == (64, "")
    assert answer.err.startswith(f"ledger: {WITNESS} has signed, too, with the key ")
    prove(desk, "--checkpoint", "now.note", "--key", key)
    assert WITNESS not in check(desk, stranger)
    prove(desk, "--checkpoint", "now.note", "--key", said(desk, "wit.vkey"))
    lines = check(desk, stranger, "wit").splitlines()
    assert lines[4].startswith(f"Signed by  {WITNESS}, a witness, at ")
    assert lines[5] == "           not by the log itself"


def test_a_proof_file_a_version(desk: Shell, stranger: Shell) -> None:
    id_ = said(desk, "id")
    prove(desk, "--sign", "desk.key", "--format", "tlog-proof", out="elsewhere/proofs")
    names = sorted(path.name for path in (stranger.folder / "proofs").iterdir())
    assert names == [f"{id_}.{version}.tlog-proof" for version in (1, 2, 3)]
    out = without_times(check(desk, stranger, file=f"proofs/{names[1]}"))
    digests = re.sub(r"[0-9a-f]{64}", "DIGEST", out)
    assert (
        digests
        == f"""\
Entry      {id_}
Log        {ORIGIN}, its first 4 events, root ROOT
Signed by  {ORIGIN}

Proved:
- Position 3 of that log is version 2 of the entry, EntryEdited@1, recorded TIME UTC by the log's \
clock.
- SHA-256 of who, why and when, as stored: DIGEST
- SHA-256 of what it says, as stored: DIGEST

Not proved:
- What it says, and who said it: neither is in this file.
- That the entry has no other versions.
"""
    )


def test_tiles(desk: Shell) -> None:
    assert desk.ok("audit", "tiles", "--out", "site", "--sign", "desk.key") == (
        "events: 4\nfiles written: 3\nfiles left: 0\n"
    )
    root = tiles_reader.root(desk.folder / "site", 4).hex()
    assert desk.ok("audit", "root") == f"4 {root}\n"
    assert desk.ok("audit", "tiles", "--out", "site") == (
        "events: 4\nfiles written: 0\nfiles left: 2\n"
    )


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        (lambda text: "", 62, "this is no evidence bundle (ledger/evidence/v1): Input data was"),
        (lambda text: text.replace("/v1", "/v2", 1), 62, "'ledger/evidence/v2'"),
        (lambda text: text.replace("Ferry", "Barge"), 61, "the bundle is damaged"),
        (lambda text: text[:-1], 61, "the bundle is damaged"),
    ],
)
def test_a_damaged_bundle(
    desk: Shell, stranger: Shell, change: object, status: int, message: str
) -> None:
    prove(desk, "--sign", "desk.key")
    path = stranger.folder / "b.json"
    assert callable(change)
    path.write_text(change(path.read_text()))
    answer = stranger("audit", "check", "b.json", "--key", said(desk, "desk.vkey"))
    assert (answer.status, answer.out, answer.err.count("\n")) == (status, "", 1)
    assert message in answer.err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("prove", "ID", "--out", "b"), 2, "give --sign or --checkpoint: a stranger needs a sign"),
        (("prove", "ID", "--out", "b", "--sign", "desk.key", "--checkpoint", "n"), 2, "give --s"),
        (
            (
                *("prove", "ID", "--out", "b", "--sign", "desk.key"),
                *("--complete", "--format", "tlog-proof"),
            ),
            2,
            "--complete goes with a bundle",
        ),
        (("prove", "ID", "--out", "b", "--sign", "desk.key", "--version", "0"), 2, "--version"),
        (("prove", "ID", "--out", "b", "--sign", "desk.key", "--version", "4"), 12, "it has 1 to"),
        (("prove", "ffff", "--out", "b", "--sign", "desk.key"), 11, "no entry has an id"),
        (("prove", "ID", "--out", "b", "--sign", "none.key"), 3, "none.key cannot be read"),
        (("prove", "ID", "--out", "b", "--checkpoint", "none.note"), 3, "none.note cannot be re"),
        (("prove", "ID", "--out", "b", "--checkpoint", "plain"), 62, "this is no signed note"),
        (("prove", "ID", "--out", "id/b", "--sign", "desk.key"), 3, "id/b cannot be written"),
        (("prove", "ID", "--out", "b", "--sign", "desk.key", "--key", "VKEY"), 64, "none of the"),
        (("prove", "ID", "--out", "b", "--sign", "desk.key", "--key", "x"), 62, "is no verifier"),
        (("check", "none.json", "--key", "VKEY"), 3, "none.json cannot be read"),
        (("check", "plain", "--key", "VKEY"), 62, "this is no evidence bundle"),
        (("check", "plain"), 2, "--key"),
        (("tiles", "--out", "id"), 2, "'id' is a file"),
        (("tiles", "--out", "id/b"), 3, "cannot be written: Not a directory"),
    ],
)
def test_wrong_input(desk: Shell, arguments: tuple[str, ...], status: int, message: str) -> None:
    words = {"ID": said(desk, "id"), "VKEY": said(desk, "wit.vkey")}
    answer = desk("audit", *(words.get(word, word) for word in arguments))
    assert (answer.status, answer.out, answer.err.count("\n")) == (status, "", 1)
    assert message in answer.err
    assert not (desk.folder / "b").exists()


def test_without_the_extra(desk: Shell, stranger: Shell) -> None:
    prove(desk, "--sign", "desk.key")
    package = stranger.folder / "blocked" / "cryptography"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError\n")
    answer = stranger(
        *("audit", "check", "b.json", "--key", said(desk, "desk.vkey")),
        env={"PYTHONPATH": f"blocked:{Path(__file__).parents[2]}"},
    )
    assert (answer.status, answer.out, answer.err) == (
        65,
        "",
        "ledger: signatures need the package cryptography: pip install 'ledger[sign]'\n",
    )
