"""Bundles that somebody made up, some of them with the ledger's own key: none passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from ledger.audit import bundles
from ledger.audit.bundles import Bundle
from ledger.domain.events import EntryEdited, EntryErased, EntryRetracted
from ledger.errors import AuditError, DoesNotHold
from ledger.store.rows import Row
from tests.audit.evidence import CREATED, KNOWN, X, Y, forged, logged, with_page

EDITED = EntryEdited(summary="Late.")
AGAIN = EntryEdited(summary="Later.")

HONEST = logged(
    (X, 1, CREATED), (Y, 1, CREATED), (X, 2, EDITED), (X, 3, AGAIN), (X, 4, EntryRetracted())
)


def refusal(data: bytes) -> str:
    with pytest.raises(AuditError) as caught:
        bundles.check(data, KNOWN)
    assert isinstance(caught.value, DoesNotHold)
    return str(caught.value)


def test_an_honest_one_passes() -> None:
    verdict = bundles.check(forged(HONEST, [1, 3, 4], whole=True, change=with_page), KNOWN)
    assert (verdict.complete, verdict.unseen, verdict.entry.summary) == (True, (4,), "Later.")


# Which events


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        ([], "the bundle shows no version"),
        ([3], "version 1 is missing: version 2 at position 3 stands in its place"),
        ([1, 4], "version 2 is missing: version 3 at position 4 stands in its place"),
        ([1, 3, 5], "version 3 is missing: version 4 at position 5 stands in its place"),
        ([1, 1], "version 2 is missing: version 1 at position 1 stands in its place"),
        ([3, 1], "version 1 is missing: version 2 at position 3 stands in its place"),
        ([2], f"version 1 at position 2 is of another entry, {Y}"),
        ([1, 2, 3], f"version 1 at position 2 is of another entry, {Y}"),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_version_that_is_hidden_doubled_or_of_another_entry(
    shown: list[int], message: str, whole: bool
) -> None:
    assert refusal(forged(HONEST, shown, whole=whole)) == message


def test_all_leaf_records_tell_of_a_version_that_was_written_twice() -> None:
    rows = logged((X, 1, CREATED), (X, 2, EDITED), (X, 2, AGAIN), (X, 3, EntryRetracted()))
    for shown in ([1, 3], [1, 3, 4]):
        bundles.check(forged(rows, shown, change=with_page), KNOWN)
        assert refusal(forged(rows, shown, whole=True, change=with_page)) == (
            "the bundle hides an event of the entry: version 2 at position 2"
        )
    verdict = bundles.check(forged(rows, [1, 2], whole=True, change=with_page), KNOWN)
    assert verdict.unseen == (2, 3)


def test_positions_rise_and_times_do_not_run_backwards() -> None:
    at = HONEST[2].recorded_at
    backwards = [*HONEST[:3], HONEST[3]._replace(recorded_at=at - 1), HONEST[4]]
    assert refusal(forged(backwards, [1, 3, 4])) == (
        "version 3 at position 4 cannot follow version 2 at position 3: positions rise, and "
        "recorded times do not run backwards"
    )
    equal = [*HONEST[:3], HONEST[3]._replace(recorded_at=at), HONEST[4]]
    bundles.check(forged(equal, [1, 3, 4], change=with_page), KNOWN)
    moved = logged((X, 2, EDITED), (X, 1, CREATED))
    moved[0] = moved[0]._replace(recorded_at=moved[1].recorded_at)
    assert "cannot follow version 1 at position 2" in refusal(forged(moved, [2, 1]))


def test_what_stands_among_the_erasures_is_one() -> None:
    assert refusal(forged(HONEST, [1, 3], [4])) == (
        "version 3 at position 4 is no erasure, and not among the versions"
    )


def test_erasures_come_in_the_order_of_their_versions() -> None:
    said = EntryErased(authority="a court", blanked=())
    rows = logged((X, 1, CREATED), (X, 2, said), (X, 2, said))
    assert refusal(forged(rows, [1], [2, 3])).startswith(
        "version 2 at position 3 cannot follow version 2 at position 2"
    )


# What they say


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (logged((X, 1, EDITED)), "a history begins with EntryCreated, version 1"),
        (logged((X, 1, CREATED), (X, 2, CREATED)), "it cannot happen to an entry that exists"),
        (
            [HONEST[0]._replace(content=bytes(16) + b"\x80")],
            "position 1: the payload of EntryCreated@1 cannot be read",
        ),
        ([HONEST[0]._replace(meta=bytes(16))], "position 1: the payload of EntryCreated@1 cannot"),
        ([HONEST[0]._replace(type="EntryInvented@1")], "the event type EntryInvented@1 is unknow"),
        ([HONEST[0]._replace(type="EntryCreated@2")], "EntryCreated@2 is newer than this program"),
        ([HONEST[0]._replace(recorded_at=10**18 - 1)], "the payload of EntryCreated@1 cannot be"),
    ],
)
def test_events_that_cannot_be_read_or_happen(rows: list[Row], message: str) -> None:
    found = refusal(forged(rows, list(range(1, len(rows) + 1))))
    assert found.startswith("the events cannot be read: ")
    assert message in found


def test_events_that_no_command_makes() -> None:
    breaks = "breaks the rules: "
    foreign = logged((X, 1, replace(CREATED, edition="tlh")))
    known = "no edition is called 'tlh'; known are: en, zh"
    assert refusal(forged(foreign, [1])) == f"version 1 {breaks}{known}"
    closed = logged((X, 1, CREATED), (X, 2, EntryRetracted()), (X, 3, EDITED))
    assert refusal(forged(closed, [1, 2, 3])) == f"version 3 {breaks}the entry was retracted"


@pytest.mark.parametrize(
    "change",
    [
        lambda b: replace(b, page=b.page + "\n"),
        lambda b: replace(b, page=""),
        lambda b: replace(b, page=b.page.replace("Ferry", "Barge")),
        lambda b: replace(b, page=b.page + "\n### Related:\n\n1. [A](/news/2021/03/4/a.md) _b_\n"),
    ],
)
def test_a_page_that_is_not_what_the_events_make(change: Callable[[Bundle], Bundle]) -> None:
    data = forged(HONEST, [1, 3], change=lambda bundle: change(with_page(bundle)))
    assert refusal(data) == "the page is not the one that the events make"


# Bytes, records and proofs


def first(bundle: Bundle, **changes: object) -> Bundle:
    one = replace(bundle.versions[0], **changes)
    return replace(bundle, versions=(one, *bundle.versions[1:]))


@pytest.mark.parametrize("what", ["meta", "content"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"", "not what its leaf record tells of"),
        (b"another", "not what its leaf record tells of"),
        (None, "missing, and no event here says that it was erased"),
    ],
)
def test_bytes_that_are_not_those_of_the_record(
    what: str, value: bytes | None, message: str
) -> None:
    data = forged(HONEST, [1, 3], change=lambda bundle: first(bundle, **{what: value}))
    assert refusal(data) == f"version 1: its {what} is {message}"


@pytest.mark.parametrize(
    "change",
    [
        lambda b: first(b, proof=()),
        lambda b: first(b, proof=b.versions[0].proof[1:]),
        lambda b: first(b, proof=(*b.versions[0].proof, bytes(32))),
        lambda b: first(b, proof=b.versions[0].proof[::-1]),
        lambda b: first(b, proof=b.versions[1].proof),
        lambda b: first(b, proof=(b.versions[0].proof[0][:31], *b.versions[0].proof[1:])),
        lambda b: first(b, proof=(b"", *b.versions[0].proof)),
        lambda b: first(b, leaf=b.versions[0].leaf.replace("\n1\n", "\n2\n", 1)),
        lambda b: first(b, leaf=b.versions[0].leaf.replace("@1\n", "@2\n")),
        lambda b: first(b, leaf=b.versions[0].leaf.replace("\n1\n", "\n6\n", 1)),
    ],
)
def test_a_record_that_is_not_shown_to_be_in_the_tree(change: Callable[[Bundle], Bundle]) -> None:
    message = refusal(forged(HONEST, [1, 3], change=change))
    assert message.startswith("it is not proved that version 1 of entry")
    assert message.endswith("of the 5 events that were signed")


@pytest.mark.parametrize(
    "change",
    [
        lambda leaf: "",
        lambda leaf: leaf.removesuffix("\n"),
        lambda leaf: leaf + "\n",
        lambda leaf: leaf + leaf,
        lambda leaf: leaf.replace("/v1", "/v2"),
        lambda leaf: leaf.replace("\n1\n", "\n01\n", 1),
        lambda leaf: leaf.replace("\n1\n", "\n+1\n", 1),
        lambda leaf: leaf.replace("\n1\n", "\n0\n", 1),
        lambda leaf: leaf.replace("\n1\n", "\n\u0661\n", 1),
        lambda leaf: leaf.replace("\n1\n", "\n" + "1" * 5000 + "\n", 1),
        lambda leaf: leaf.replace("1000000", "-0"),
        lambda leaf: leaf.replace("1000000", "01000000"),
        lambda leaf: leaf.replace("1000000", " 1000000"),
        lambda leaf: leaf.replace("@1", ""),
        lambda leaf: leaf.replace("@1", "@01"),
        lambda leaf: leaf.replace("\n", "\r\n"),
        lambda leaf: leaf[:-65] + leaf[-65:].upper().replace("A", "G"),
    ],
)
def test_what_is_no_leaf_record(change: Callable[[str], str]) -> None:
    def of_version(bundle: Bundle) -> Bundle:
        return first(bundle, leaf=change(bundle.versions[0].leaf))

    def of_log(bundle: Bundle) -> Bundle:
        leaves = bundle.leaves or ()
        return replace(with_page(bundle), leaves=(change(leaves[0]), *leaves[1:]))

    for data in (
        forged(HONEST, [1, 3], change=of_version),
        forged(HONEST, [1, 3], whole=True, change=of_log),
    ):
        message = refusal(data)
        assert message.endswith(" is no leaf record")
        assert len(message) < 700


@pytest.mark.parametrize(
    "change",
    [
        lambda leaves: (),
        lambda leaves: leaves[:-1],
        lambda leaves: leaves[1:],
        lambda leaves: (*leaves, leaves[-1]),
        lambda leaves: (leaves[1], leaves[0], *leaves[2:]),
        lambda leaves: (leaves[0], leaves[0], *leaves[2:]),
        lambda leaves: tuple(leaf.replace(X.hex, Y.hex) for leaf in leaves),
    ],
)
def test_leaf_records_that_are_not_those_of_the_tree(
    change: Callable[[tuple[str, ...]], tuple[str, ...]],
) -> None:
    data = forged(
        *(HONEST, [1, 3]),
        whole=True,
        change=lambda bundle: replace(with_page(bundle), leaves=change(bundle.leaves or ())),
    )
    assert refusal(data) == "the leaf records of the log are not those of the tree that was signed"


def test_a_tree_whose_records_are_not_numbered_in_its_order() -> None:
    rows = [HONEST[0], HONEST[1]._replace(position=7), *HONEST[2:]]
    bundles.check(forged(rows, [1, 3], change=with_page), KNOWN)
    assert refusal(forged(rows, [1, 3], whole=True, change=with_page)) == (
        "the leaf records of the log are not those of the tree that was signed"
    )


# Paths


MOVES = logged(
    (X, 1, CREATED),
    (X, 2, EntryEdited(slug="tide")),
    (X, 3, EDITED),
    (X, 4, EntryEdited(slug="ferry")),
)


def at(*slugs: str) -> Callable[[Bundle], Bundle]:
    def change(bundle: Bundle) -> Bundle:
        return replace(
            bundle,
            versions=tuple(
                replace(one, path=f"/news/2021/03/4/{slug}")
                for one, slug in zip(bundle.versions, slugs, strict=True)
            ),
        )

    return change


@pytest.mark.parametrize(
    "slugs",
    [
        ("ferry", "tide", "tide", "ferry"),
        ("ferry-2", "tide", "tide", "ferry-2"),
        ("ferry-10", "tide-3", "tide-3", "ferry-10"),
    ],
)
def test_paths_that_versions_may_have(slugs: tuple[str, ...]) -> None:
    data = forged(MOVES, [1, 2, 3, 4], change=lambda bundle: with_page(at(*slugs)(bundle)))
    verdict = bundles.check(data, KNOWN)
    assert tuple(one.path.rpartition("/")[2] for one in verdict.versions) == slugs


@pytest.mark.parametrize(
    ("slugs", "version"),
    [
        (("barge", "tide", "tide", "ferry"), 1),
        (("ferry-1", "tide", "tide", "ferry-1"), 1),
        (("ferry-02", "tide", "tide", "ferry-02"), 1),
        (("ferry-", "tide", "tide", "ferry-"), 1),
        (("ferry-2-2", "tide", "tide", "ferry-2-2"), 1),
        (("ferry2", "tide", "tide", "ferry2"), 1),
        (("ferry/", "tide", "tide", "ferry/"), 1),
        (("ferry", "ferry", "ferry", "ferry"), 2),
        (("ferry", "tide", "ferry", "ferry"), 3),
        (("ferry", "tide", "tide-2", "ferry"), 3),
        (("ferry", "tide", "tide", "ferry-2"), 4),
    ],
)
def test_paths_that_versions_do_not_want(slugs: tuple[str, ...], version: int) -> None:
    assert refusal(forged(MOVES, [1, 2, 3, 4], change=at(*slugs))) == (
        f"'/news/2021/03/4/{slugs[version - 1]}' is not the path of version {version}"
    )


def test_a_slug_that_the_site_takes_itself_has_a_number() -> None:
    rows = logged((X, 1, replace(CREATED, slug="index")))
    assert "is not the path of version 1" in refusal(forged(rows, [1], change=at("index")))
    bundles.check(forged(rows, [1], change=lambda b: with_page(at("index-2")(b))), KNOWN)
