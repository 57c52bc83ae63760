"""Rebuild a tree from what is stored and compare everything with what was signed."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from tlog.errors import DamagedTree, NotStored
from tlog.head import EntryFormat, Head
from tlog.storage import Storage
from tlog.tree import HASH_SIZE, TILE_WIDTH, RightEdge, Tile, subtree_root, tile_of_level
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
        leaf_hashes, damages = _leaf_hashes(storage, number, edge, head, entries)
        growth = edge.append(leaf_hashes)
        edge = growth.edge
        for damage in (*damages, *_compare(storage, _full(growth.tiles))):
            damaged = True
            yield damage
        newest = Tile(entries.kind, number, len(leaf_hashes))
        yield from _superseded_entries(storage, newest, leaf_hashes, entries)
        yield from _superseded_hashes(storage, _full(growth.tiles))
    last = {tile: edge.levels[int(tile.kind)] for tile in edge.partial_tiles()}
    yield from _superseded_hashes(storage, last)
    for damage in _compare(storage, last):
        damaged = True
        yield damage
    if edge.root() != head.root:
        why = "because of the objects named above" if damaged else "though every tile agrees with its entries"
        yield Damage("checkpoint", f"the root of the stored {edge.size} entries is another one, {why}")


def _full(tiles: dict[Tile, bytes]) -> dict[Tile, bytes]:
    return {tile: data for tile, data in tiles.items() if tile.width == TILE_WIDTH}


def _leaf_hashes(
    storage: Storage, number: int, edge: RightEdge, head: Head, entries: EntryFormat
) -> tuple[list[bytes], list[Damage]]:
    """Hash the entries of one tile; where they are what is damaged, go on with the stored hashes.

    Entries and hashes that disagree are judged by what lies above them: the hash of their tile or, at the
    tree's right edge, the signed root.
    """
    width = min(TILE_WIDTH, head.size - number * TILE_WIDTH)
    tile = Tile(entries.kind, number, width)
    stored = _stored_hashes(storage, number, head.size)
    try:
        hashed = [hash_leaf(leaf) for leaf in entries.leaves(storage.read(tile.key))]
    except NotStored:
        return stored, [Damage(tile.key, "is missing")]
    except DamagedTree as error:
        return stored, [Damage(tile.key, str(error))]
    if hashed == stored:
        return hashed, []
    if len(hashed) != width or _fits_above(storage, number, edge, head, stored):
        return stored, [Damage(tile.key, "does not hold the entries that its hashes commit to")]
    return hashed, []  # the comparison with the stored hash tiles names the one that is damaged


def _fits_above(storage: Storage, number: int, edge: RightEdge, head: Head, hashes: list[bytes]) -> bool:
    """Whether these hashes of a tile give what the level above, or the signed root, holds of them."""
    if len(hashes) < TILE_WIDTH:
        return edge.append(hashes).edge.root() == head.root
    above = tile_of_level(1, number // TILE_WIDTH, head.size)
    start = number % TILE_WIDTH * HASH_SIZE
    try:
        return storage.read(above.key)[start : start + HASH_SIZE] == subtree_root(hashes)
    except NotStored:
        return False


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


def _superseded_hashes(storage: Storage, tiles: dict[Tile, bytes]) -> Iterator[Damage]:
    """Compare the narrower forms of hash tiles that are still stored: whoever asks for them gets them."""
    for tile, data in tiles.items():
        for narrow, found in _narrower(storage, tile):
            if found != data[: narrow.width * HASH_SIZE]:
                yield Damage(narrow.key, f"does not hold the first hashes of {tile.key}")


def _superseded_entries(
    storage: Storage, tile: Tile, leaf_hashes: list[bytes], entries: EntryFormat
) -> Iterator[Damage]:
    """Compare the narrower forms of a tile of entries that are still stored."""
    narrower = list(_narrower(storage, tile))
    whole = _undamaged(storage, tile, leaf_hashes, entries) if narrower else b""
    for narrow, found in narrower:
        if _hashes(found, entries) != leaf_hashes[: narrow.width] or not (whole or found).startswith(found):
            yield Damage(narrow.key, f"does not hold the first entries of {tile.key}")


def _undamaged(storage: Storage, tile: Tile, leaf_hashes: list[bytes], entries: EntryFormat) -> bytes | None:
    """Return the bytes of a tile of entries, None if it is damaged itself."""
    try:
        data = storage.read(tile.key)
    except NotStored:
        return None
    return data if _hashes(data, entries) == leaf_hashes else None


def _hashes(bundle: bytes, entries: EntryFormat) -> list[bytes] | None:
    try:
        return [hash_leaf(leaf) for leaf in entries.leaves(bundle)]
    except DamagedTree:
        return None


def _narrower(storage: Storage, tile: Tile) -> Iterator[tuple[Tile, bytes]]:
    """Read the partial forms of a tile that it has replaced; a running log removes them once it is full."""
    for key in list(storage.keys(tile.partials)):
        width = key.removeprefix(tile.partials)
        if not width.isdecimal() or not 0 < int(width) < tile.width:
            continue
        with suppress(NotStored):
            found = storage.read(key)
            yield Tile(tile.kind, tile.index, int(width)), found
