"""Rebuild a tree from what is stored and compare everything with what was signed."""

from collections.abc import Iterator
from dataclasses import dataclass

from tlog.errors import DamagedTree, NotStored
from tlog.head import EntryFormat, Head
from tlog.storage import Storage
from tlog.tree import HASH_SIZE, TILE_WIDTH, RightEdge, Tile, tile_of_level
from verifier.transparency.merkle import hash_leaf


@dataclass(frozen=True, slots=True)
class Damage:
    """One stored object that is not what the signed tree commits to."""

    key: str
    found: str


def verify_tree(storage: Storage, head: Head, entries: EntryFormat) -> Iterator[Damage]:
    """Yield everything that is wrong with the stored tree of this head; nothing when all is well.

    Reads every entry once and recomputes every tile and the root, in memory for one tile a level.
    """
    edge = RightEdge()
    damaged = False
    for number in range(-(-head.size // TILE_WIDTH)):
        leaf_hashes, damages = _leaf_hashes(storage, number, head.size, entries)
        growth = edge.append(leaf_hashes)
        edge = growth.edge
        for damage in (*damages, *_compare(storage, _full(growth.tiles))):
            damaged = True
            yield damage
    last = {tile: edge.levels[int(tile.kind)] for tile in edge.partial_tiles()}
    for damage in _compare(storage, last):
        damaged = True
        yield damage
    if edge.root() != head.root:
        why = "because of the objects named above" if damaged else "though every tile agrees with its entries"
        yield Damage("checkpoint", f"the root of the stored {edge.size} entries is another one, {why}")


def _full(tiles: dict[Tile, bytes]) -> dict[Tile, bytes]:
    return {tile: data for tile, data in tiles.items() if tile.width == TILE_WIDTH}


def _leaf_hashes(
    storage: Storage, number: int, size: int, entries: EntryFormat
) -> tuple[list[bytes], list[Damage]]:
    """Hash the entries of one tile; where they are damaged, go on with the stored hashes."""
    width = min(TILE_WIDTH, size - number * TILE_WIDTH)
    tile = Tile(entries.kind, number, width)
    try:
        leaf_hashes = [hash_leaf(leaf) for leaf in entries.leaves(storage.read(tile.key))]
        if len(leaf_hashes) == width:
            return leaf_hashes, []
        damage = Damage(tile.key, f"holds {len(leaf_hashes)} entries, not {width}")
    except NotStored:
        damage = Damage(tile.key, "is missing")
    except DamagedTree as error:
        damage = Damage(tile.key, str(error))
    return _stored_hashes(storage, number, size), [damage]


def _stored_hashes(storage: Storage, number: int, size: int) -> list[bytes]:
    tile = tile_of_level(0, number, size)
    try:
        data = storage.read(tile.key).ljust(tile.width * HASH_SIZE, b"\0")
    except NotStored:
        data = bytes(tile.width * HASH_SIZE)
    return [data[at : at + HASH_SIZE] for at in range(0, tile.width * HASH_SIZE, HASH_SIZE)]


def _compare(storage: Storage, tiles: dict[Tile, bytes]) -> Iterator[Damage]:
    """Compare computed hash tiles with the stored ones."""
    for tile, data in tiles.items():
        try:
            if storage.read(tile.key) != data:
                yield Damage(tile.key, "does not hold the hashes of what is stored below it")
        except NotStored:
            yield Damage(tile.key, "is missing")
