"""Bundles of erased versions that somebody made up: only an honest erasure passes."""

from __future__ import annotations

import pytest

from ledger.audit import bundles
from ledger.audit.bundles import Bundle
from ledger.domain.events import EntryEdited, EntryErased, EntryRestated, Remains
from ledger.domain.values import Layout
from ledger.store.leaf import digest_of
from ledger.store.rows import Row
from tests.audit.evidence import CREATED, DAY, KNOWN, X, forged, logged, with_page
from tests.audit.test_bundles_forged import at, first, refusal


def erased(
    digest: str | None = None, remains: tuple[Remains, ...] | None = None, position: int = 1
) -> list[Row]:
    """Return a log whose first event was erased, if that is true."""
    row = logged((X, 1, CREATED))[0]
    stays = EntryEdited(date=DAY, language="en", edition="en", layout=Layout("archive"))
    left = Remains(version=1, stays=stays, gone=("headline", "slug"))
    line = f"@{position} content {digest or digest_of(row.content)}"
    return logged(
        (X, 1, CREATED),
        (X, 2, EntryErased(authority="a court", blanked=(line,))),
        (X, 3, EntryRestated(versions=(left,) if remains is None else remains)),
    )


def at_slot(bundle: Bundle) -> Bundle:
    return with_page(at("~erased-1")(bundle))


def test_an_honest_erasure_passes() -> None:
    verdict = bundles.check(
        forged(erased(), [1], [2, 3], without=[1], whole=True, change=at_slot), KNOWN
    )
    assert verdict.entry.headline == "[erased, as event 2 says]"
    assert verdict.versions[0].gone == ("headline", "slug")
    assert verdict.unseen == ()


def test_erased_bytes_are_left_out_not_given_as_nothing() -> None:
    data = forged(
        *(erased(), [1], [2, 3]),
        without=[1],
        change=lambda bundle: first(at_slot(bundle), content=b""),
    )
    assert refusal(data) == "version 1: its content is not what its leaf record tells of"


MISSING = "version 1: its content is missing, and no event here says that it was erased"
LOST = "position 1: it was erased, as event 2 says, and nothing says what remains of it"


@pytest.mark.parametrize(
    ("rows", "erasures", "message"),
    [
        (erased(), [], MISSING),
        (erased(), [3], MISSING),
        (erased(digest="ab" * 32), [2, 3], MISSING),
        (erased(position=2), [2, 3], MISSING),
        (erased(), [2], LOST),
        (erased(remains=()), [2, 3], LOST),
        (erased(remains=(Remains(version=1),)), [2, 3], LOST),
        (
            erased(remains=(Remains(version=1, gone=("date", "headline", "slug")),)),
            [2, 3],
            LOST,
        ),
    ],
)
def test_an_erasure_that_nothing_or_nonsense_tells_of(
    rows: list[Row], erasures: list[int], message: str
) -> None:
    assert refusal(forged(rows, [1], erasures, without=[1])).endswith(message)


def test_what_remains_is_held_to_the_rules() -> None:
    stays = EntryEdited(date=DAY, language="en", edition="tlh")
    rows = erased(remains=(Remains(version=1, stays=stays, gone=("headline", "slug")),))
    data = forged(rows, [1], [2, 3], without=[1], change=at("~erased-1"))
    assert refusal(data).endswith("no edition is called 'tlh'; known are: en, zh")
