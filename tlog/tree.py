"""The Merkle tree as 256-wide tiles: its right edge grows in memory, all else lies in the store.

Tiles as C2SP tlog-tiles and static-ct-api lay them out: tile ``n`` of level ``l`` holds the hashes of the
complete subtrees ``MTH(D[(n*256+i)*256**l : (n*256+i+1)*256**l])``. Of a tree of any size only the partial
right-most tile of each level is needed to append: at most 255 hashes a level.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tlog.errors import DamagedTree, NotStored
from tlog.storage import Storage
from verifier.transparency.merkle import EMPTY_ROOT, hash_node

TILE_WIDTH = 256
HASH_SIZE = 32
_TILE_BYTES = TILE_WIDTH * HASH_SIZE
_TILE_BITS = 8


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """The name of a tile: ``kind`` is its level as a number, or "data", "entries" for the entries' own."""

    kind: str
    index: int
    width: int = TILE_WIDTH

    @property
    def key(self) -> str:
        """The storage key and URL path, such as ``tile/0/x001/x234/067.p/12``."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        path = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
        return f"tile/{self.kind}/{path}" + (f".p/{self.width}" if self.width < TILE_WIDTH else "")

    @property
    def partials(self) -> str:
        """The prefix under which this tile's partial forms are stored."""
        return Tile(self.kind, self.index).key + ".p/"


def tile_of_level(level: int, index: int, size: int) -> Tile:
    """Return the name of a hash tile as a tree of ``size`` leaves has it, partial if it is the last one."""
    return Tile(str(level), index, min(TILE_WIDTH, (size >> (_TILE_BITS * level)) - index * TILE_WIDTH))


@dataclass(frozen=True, slots=True)
class Growth:
    """What appending leaves does: the new edge, and every tile that is new, full or partial."""

    edge: "RightEdge"
    tiles: dict[Tile, bytes]


@dataclass(frozen=True, slots=True)
class RightEdge:
    """The tree's size and, level by level, the hashes of its last, partial tile (empty if that is full)."""

    size: int = 0
    levels: tuple[bytes, ...] = ()

    @classmethod
    def load(cls, storage: Storage, size: int) -> "RightEdge":
        """Read the edge of a tree of ``size`` leaves; the caller compares its root with the signed one."""
        levels = []
        level = 0
        while (count := size >> (_TILE_BITS * level)) > 0:
            width = count % TILE_WIDTH
            levels.append(_read_tile(storage, Tile(str(level), count // TILE_WIDTH, width)) if width else b"")
            level += 1
        return cls(size, tuple(levels))

    def append(self, leaf_hashes: Iterable[bytes]) -> Growth:
        """Return the tree with these leaves added, and the tiles to store; this edge stays as it is."""
        levels = [bytearray(level) for level in self.levels]
        tiles: dict[Tile, bytes] = {}
        size = self.size
        for leaf_hash in leaf_hashes:
            size += 1
            _push(levels, leaf_hash, size, tiles)
        edge = RightEdge(size, tuple(bytes(level) for level in levels))
        old = set(self.partial_tiles())
        tiles.update({tile: edge.levels[int(tile.kind)] for tile in edge.partial_tiles() if tile not in old})
        return Growth(edge, tiles)

    def partial_tiles(self) -> Iterable[Tile]:
        """Yield the names of the partial tiles that make up this edge."""
        for level, hashes in enumerate(self.levels):
            if hashes:
                yield Tile(str(level), self.size >> (_TILE_BITS * (level + 1)), len(hashes) // HASH_SIZE)

    def root(self) -> bytes:
        """Return the Merkle tree hash, RFC 6962 section 2.1."""
        peaks = [peak for level in reversed(self.levels) for peak in _peaks(_split(level))]
        if not peaks:
            return EMPTY_ROOT
        root = peaks.pop()
        while peaks:
            root = hash_node(peaks.pop(), root)
        return root


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of sibling hashes."""
    while len(hashes) > 1:
        hashes = [hash_node(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def _push(levels: list[bytearray], node: bytes, size: int, tiles: dict[Tile, bytes]) -> None:
    """Add a node to level 0; a tile that it fills is stored, and its root goes to the level above."""
    level = 0
    while True:
        if level == len(levels):
            levels.append(bytearray())
        levels[level] += node
        if len(levels[level]) < _TILE_BYTES:
            return
        tiles[Tile(str(level), (size >> (_TILE_BITS * (level + 1))) - 1)] = bytes(levels[level])
        node = subtree_root(_split(levels[level]))
        levels[level].clear()
        level += 1


def _split(hashes: bytes | bytearray) -> list[bytes]:
    return [bytes(hashes[at : at + HASH_SIZE]) for at in range(0, len(hashes), HASH_SIZE)]


def _peaks(hashes: list[bytes]) -> Iterable[bytes]:
    """Yield the roots of the largest complete subtrees, left to right."""
    start = 0
    while remaining := len(hashes) - start:
        width = 1 << (remaining.bit_length() - 1)
        yield subtree_root(hashes[start : start + width])
        start += width


def _read_tile(storage: Storage, tile: Tile) -> bytes:
    try:
        data = storage.read(tile.key)
    except NotStored:
        raise DamagedTree(f"the tile {tile.key} is missing from the store") from None
    if len(data) != tile.width * HASH_SIZE:
        raise DamagedTree(f"the tile {tile.key} has {len(data)} bytes, not {tile.width * HASH_SIZE}")
    return data


class TileReader:
    """Reads nodes and tiles of a tree of a given size; what the proof functions ask for nodes."""

    def __init__(self, storage: Storage, size: int) -> None:
        self.storage = storage
        self.size = size
        self._tiles: dict[Tile, bytes] = {}

    def hashes(self, level: int, index: int) -> bytes:
        """Return a hash tile's bytes; raises DamagedTree when it is missing or of the wrong length."""
        tile = tile_of_level(level, index, self.size)
        if tile not in self._tiles:
            self._tiles[tile] = _read_or_cut(self.storage, tile)
        return self._tiles[tile]

    def node(self, level: int, index: int) -> bytes:
        """Return the root of complete subtree number ``index`` of ``2**level`` leaves."""
        tile_level, height = divmod(level, _TILE_BITS)
        first = index << height
        tile = self.hashes(tile_level, first // TILE_WIDTH)
        start = (first % TILE_WIDTH) * HASH_SIZE
        return subtree_root(_split(tile[start : start + (HASH_SIZE << height)]))


def _read_or_cut(storage: Storage, tile: Tile) -> bytes:
    """Read a hash tile; a partial one that was cleaned away is the start of the full one."""
    if tile.width < TILE_WIDTH:
        try:
            return _read_tile(storage, tile)
        except DamagedTree as partial:
            try:
                return _read_tile(storage, Tile(tile.kind, tile.index))[: tile.width * HASH_SIZE]
            except DamagedTree:
                raise partial from None
    return _read_tile(storage, tile)
