"""Git history beside what is in the ledger already: imported as pages, or done by people."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from ledger import Ledger
from ledger.domain import ids
from ledger.domain.values import Layout
from tests.interchange.git.archive import Archive, take
from tests.interchange.git.test_history import BRIDGE, FILE
from tests.interchange.site import DAY, at, history, write


def test_what_was_imported_as_pages_is_met_again(
    ledger: Ledger, archive: Archive, tmp_path: Path
) -> None:
    new = replace(BRIDGE, summary="It opens in May.")
    site = write(tmp_path / "site", {FILE: new})
    ledger.import_pages([site], actor="importer")
    archive.commit({FILE: BRIDGE})
    archive.commit({FILE: new})
    found = take(ledger, archive, contexts=False)
    assert found == {"commits": 2, "changes": 2, "edited": 2}
    assert ledger.get(at("bridge-closed")).entry.summary == "It opens in May."
    assert len(ledger.entries()) == 1


def test_what_people_edited_here_stays(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    take(ledger, archive)
    ledger.edit(at("bridge-closed"), topic="Old town", actor="eve")
    archive.commit({FILE: replace(BRIDGE, summary="It opens in May.")})
    take(ledger, archive)
    entry = ledger.get(at("bridge-closed")).entry
    assert (entry.topic, entry.summary) == ("Old town", "It opens in May.")


def test_what_people_retitled_here_is_met_again(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    take(ledger, archive, contexts=False)
    ledger.edit(at("bridge-closed"), headline="Old bridge closed", actor="eve")
    archive.commit({FILE: replace(BRIDGE, summary="It opens in May.")})
    archive.commit({FILE: None})
    archive.commit({FILE: replace(BRIDGE, summary="It opens in June.")})
    found = take(ledger, archive, contexts=False)
    assert {name: found[name] for name in ("edited", "retracted", "reinstated")} == {
        "edited": 2,
        "retracted": 1,
        "reinstated": 1,
    }
    entry = ledger.get(at("old-bridge-closed")).entry
    assert (entry.headline, entry.summary) == ("Old bridge closed", "It opens in June.")
    listed = replace(
        BRIDGE,
        headline="Bridge open",
        layout=Layout(style="current"),
        slug="bridge-open",
        changes=history(("Bridge closed", "bridge-closed"), ("Bridge open", "bridge-open")),
    )
    archive.commit({f"{at('bridge-open')[1:]}.md": listed})
    assert take(ledger, archive, contexts=False)["retitled"] == 1
    assert ledger.get(at("bridge-open")).entry.id == entry.id


def test_what_people_closed_here_stays_closed(ledger: Ledger, archive: Archive) -> None:
    archive.commit({FILE: BRIDGE})
    take(ledger, archive)
    ledger.retract(at("bridge-closed"), actor="eve")
    changed = archive.commit({FILE: replace(BRIDGE, summary="It opens in May.")})
    entry = ids.imported_entry_id(DAY, "en", at("bridge-closed"))
    (failure,) = take(ledger, archive)["failures"]
    where = f"{changed[:12]}:{FILE}: its entry {entry} is retracted in the ledger"
    assert failure == f"{where}: reinstate it there, and edit it to what the page says"
    archive.commit({FILE: None})
    assert "retracted" not in take(ledger, archive)
