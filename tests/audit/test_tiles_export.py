"""The export of tiles, as a stranger's reader finds it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ledger import CreateEntry, Ledger
from ledger.audit.merkle import Subtree, complete
from ledger.audit.tiles import Tile, entries_of, hashes_of, tiles_of
from ledger.domain.commands import Command
from ledger.errors import DoesNotHold, InvalidInput, NoteError
from ledger.proving import Exported, write
from ledger.store.leaf import leaf_record
from tests.audit import stranger, tiles_reader
from tests.audit.evidence import DAY, LOG, ORIGIN, newsroom
from tests.stores import Store


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with Ledger.open(url) as opened:
        opened.init(ORIGIN)
        yield opened


def grow(ledger: Ledger, size: int) -> None:
    count = size - ledger.application.log.head().position
    commands: list[Command] = [
        CreateEntry(date=DAY, headline="Ferry", slug=f"f{n}", actor="Ann") for n in range(count)
    ]
    ledger.execute(commands)


def require_whole(folder: Path, ledger: Ledger, size: int) -> None:
    """Require that a stranger finds in the files the log, and its root."""
    records = list(map(leaf_record, ledger.application.rows(0, size)))
    assert tiles_reader.entries(folder, size) == records
    assert tiles_reader.hashes(folder, 0, size) == list(map(tiles_reader.leaf, records))
    assert tiles_reader.root(folder, size).hex() == ledger.audit.head(size).root


def signed_root(folder: Path) -> tuple[bytes, int]:
    text, _ = stranger.opened((folder / "checkpoint").read_bytes(), str(LOG.verifier))
    origin, size, root = text.decode().splitlines()
    assert origin == ORIGIN
    return b64decode(root), int(size)


def test_a_stranger_reads_every_size(ledger: Ledger, tmp_path: Path) -> None:
    for size in (1, 255, 256, 257, 600):
        grow(ledger, size)
        folder = tmp_path / str(size)
        done = ledger.prover.export_tiles(folder, [LOG])
        expected = tiles_reader.expected(size)
        assert tiles_reader.names(folder) == ["checkpoint", *expected]
        assert done == Exported(size, len(expected) + 1, 0)
        require_whole(folder, ledger, size)
        assert signed_root(folder) == (tiles_reader.root(folder, size), size)


def test_an_export_goes_on_from_the_one_before(ledger: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "out"
    grow(ledger, 200)
    assert ledger.prover.export_tiles(out) == Exported(200, 2, 0)
    assert ledger.prover.export_tiles(out) == Exported(200, 0, 2)
    grow(ledger, 250)
    assert ledger.prover.export_tiles(out, [LOG]) == Exported(250, 3, 0)
    # Whoever holds a checkpoint of 200 finds its tiles, until there are full ones.
    for size in (200, 250):
        require_whole(out, ledger, size)
    grow(ledger, 300)
    assert ledger.prover.export_tiles(out, [LOG]) == Exported(300, 6, 0)
    assert tiles_reader.names(out) == ["checkpoint", *tiles_reader.expected(300)]
    full = out / "tile" / "0" / "000"
    before = full.stat().st_mtime_ns, (out / "tile" / "entries" / "000").stat().st_mtime_ns
    grow(ledger, 512)
    assert ledger.prover.export_tiles(out, [LOG]) == Exported(512, 4, 2)
    # Level 1 has no full tile yet, so that of its first hash stays.
    assert tiles_reader.names(out) == sorted(
        ["checkpoint", "tile/1/000.p/1", *tiles_reader.expected(512)]
    )
    assert before == (
        full.stat().st_mtime_ns,
        (out / "tile" / "entries" / "000").stat().st_mtime_ns,
    )
    require_whole(out, ledger, 512)


def test_a_log_without_events_has_no_tiles(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.prover.export_tiles(tmp_path / "out") == Exported(0, 0, 0)
    assert ledger.prover.export_tiles(tmp_path / "out", [LOG]) == Exported(0, 1, 0)
    assert tiles_reader.names(tmp_path / "out") == ["checkpoint"]
    assert signed_root(tmp_path / "out") == (sha256().digest(), 0)


def test_erased_events_keep_their_leaf_records(url: str, tmp_path: Path) -> None:
    with newsroom(url) as room:
        room.ledger.prover.export_tiles(tmp_path / "out", [LOG])
        require_whole(tmp_path / "out", room.ledger, 14)


def test_what_a_crash_left_half_written_is_written_anew(ledger: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "out"
    grow(ledger, 3)
    (out / "tile" / "0" / "000.p").mkdir(parents=True)
    half = out / "tile" / "0" / "000.p" / ".3.00c0ffee"
    half.write_bytes(b"half")
    assert ledger.prover.export_tiles(out) == Exported(3, 2, 0)
    # Nobody reads what begins with a dot; it goes with the folder, once the tile is full.
    assert tiles_reader.names(out) == sorted(
        ["tile/0/000.p/.3.00c0ffee", *tiles_reader.expected(3)]
    )
    require_whole(out, ledger, 3)
    grow(ledger, 256)
    ledger.prover.export_tiles(out)
    assert not half.exists()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write(tmp_path / "1", b"old")
    write(tmp_path / "1", b"new")
    (tmp_path / "2").mkdir()
    with pytest.raises(InvalidInput, match=r"/2 cannot be written: Is a directory$"):
        write(tmp_path / "2", b"new")
    assert [(path.name, path.is_file()) for path in sorted(tmp_path.iterdir())] == [
        ("1", True),
        ("2", False),
    ]
    assert (tmp_path / "1").read_bytes() == b"new"


@pytest.mark.parametrize("kind", ["0", "entries"])
def test_tiles_that_were_changed_are_told(ledger: Ledger, tmp_path: Path, kind: str) -> None:
    grow(ledger, 3)
    ledger.prover.export_tiles(tmp_path / "out")
    tile = tmp_path / "out" / "tile" / kind / "000.p" / "3"
    tile.write_bytes(tile.read_bytes()[:-1] + b"x")
    with pytest.raises(DoesNotHold) as caught:
        ledger.prover.export_tiles(tmp_path / "out")
    assert str(caught.value) == (
        f"{tile} is there and is not of this log: export to another folder"
    )


def test_tiles_of_another_log_are_not_mixed_in(
    ledger: Ledger, store: Store, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    grow(ledger, 14)
    ledger.prover.export_tiles(out)
    before = {name: (out / name).read_bytes() for name in tiles_reader.names(out)}
    with (
        newsroom(store.another().url) as room,
        pytest.raises(DoesNotHold) as caught,
    ):
        room.ledger.prover.export_tiles(out, [LOG])
    assert str(caught.value) == (
        f"{out / 'tile/0/000.p/14'} is there and is not of this log: export to another folder"
    )
    assert before == {name: (out / name).read_bytes() for name in tiles_reader.names(out)}


def test_a_checkpoint_is_only_replaced_by_one_that_goes_on_from_it(
    ledger: Ledger, store: Store, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with newsroom(store.another().url) as room:
        room.ledger.prover.export_tiles(out, [LOG])
    before = (out / "checkpoint").read_bytes()
    grow(ledger, 13)
    with pytest.raises(DoesNotHold, match="tells of 14 events, the log has 13"):
        ledger.prover.export_tiles(out, [LOG])
    grow(ledger, 15)
    with pytest.raises(DoesNotHold, match="the first 14 events of the log are not those"):
        ledger.prover.export_tiles(out, [LOG])
    assert (out / "checkpoint").read_bytes() == before
    (out / "checkpoint").write_bytes(b"damaged")
    with pytest.raises(NoteError, match="this is no signed note"):
        ledger.prover.export_tiles(out, [LOG])


def test_an_altered_log_is_not_exported(ledger: Ledger, store: Store, tmp_path: Path) -> None:
    grow(ledger, 3)
    ledger.audit.head()
    with store.log() as db:
        db.execute("UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 1")
    with pytest.raises(DoesNotHold) as caught:
        ledger.prover.export_tiles(tmp_path / "out", [LOG])
    assert str(caught.value) == (
        "the events at positions 1 to 3 are not those of the tree: at least one was altered since"
    )
    assert tiles_reader.names(tmp_path / "out") == ["tile/0/000.p/3"]


def test_a_folder_that_cannot_be_written(ledger: Ledger, tmp_path: Path) -> None:
    grow(ledger, 1)
    (tmp_path / "file").write_text("here")
    with pytest.raises(InvalidInput, match=r"/file cannot be written: File exists"):
        ledger.prover.export_tiles(tmp_path / "file")


# Far more leaves than a test can store: the layout over hashes that stand for them.


def tree(size: int) -> Subtree:
    """Return the complete subtrees over `size` hashes."""
    levels = [[sha256(b"%d" % n).digest() for n in range(size)]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([complete(below[at : at + 2]) for at in range(0, len(below) - 1, 2)])
    return lambda height, index: levels[height][index]


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 70_000])
def test_a_stranger_reads_three_levels(size: int, tmp_path: Path) -> None:
    subtree = tree(size)
    for tile in tiles_of(size):
        path = tmp_path / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if tile.level is None:
            count = range(tile.number * 256, tile.number * 256 + tile.width)
            path.write_bytes(entries_of(b"%d" % n for n in count))
        else:
            path.write_bytes(hashes_of(subtree, tile))
    assert tiles_reader.names(tmp_path) == tiles_reader.expected(size)
    assert tiles_reader.entries(tmp_path, size) == [b"%d" % n for n in range(size)]
    leaves = [sha256(b"%d" % n).digest() for n in range(size)]
    assert tiles_reader.root(tmp_path, size) == tiles_reader.mth(leaves)


def test_a_tree_of_70_000_has_the_tiles_of_the_format_s_example() -> None:
    found = [tile for tile in tiles_of(70_000) if tile.level is not None]
    edges = [(tile.level, tile.width) for tile in found if not tile.is_full]
    full = [tile.level for tile in found if tile.is_full]
    assert edges == [(0, 112), (1, 17), (2, 1)]
    assert (full.count(0), full.count(1), full.count(2)) == (273, 1, 0)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(3, 1_234_067), "tile/3/x001/x234/067"),
        (Tile(63, 1_234_067, 255), "tile/63/x001/x234/067.p/255"),
        (Tile(None, 1_000_000, 1), "tile/entries/x001/x000/000.p/1"),
    ],
)
def test_names(tile: Tile, path: str) -> None:
    assert tile.path == path
    kind = "entries" if tile.level is None else str(tile.level)
    assert tiles_reader.location(kind, tile.number, tile.width) == path


def test_an_entry_has_its_length_before_it() -> None:
    assert entries_of([b"", b"ab", b"c" * 300]) == b"\0\0\0\2ab\1\x2c" + b"c" * 300
