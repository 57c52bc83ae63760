"""The tiles of one signed tree for a copy: each is compared with what commits to it before it is copied."""

import hashlib
from pathlib import PurePosixPath

from tlog.ct.reader import LogReader
from tlog.ct.tile_entries import CtEntries
from tlog.errors import DamagedTree, NotStored
from tlog.head import Head
from tlog.startup import check_entries
from tlog.storage import Storage
from tlog.tree import HASH_SIZE, TILE_WIDTH, RightEdge, Tile, TileReader, subtree_root, tile_of_level
from verifier.transparency.tiles import issuer_path


class CheckedTiles(TileReader):
    """Each full hash tile is compared with the tile above it, those of the right edge with the signed root.

    Reading the tiles of a level in order reads those above it once. Raises DamagedTree that names the tile.
    """

    def __init__(self, storage: Storage, head: Head) -> None:
        super().__init__(storage, head.size)
        self._entries = CtEntries()
        self._newest: dict[int, tuple[int, bytes]] = {}  # by level the full tile that was read last
        self._issuers: set[bytes] = set()  # that were looked for and found
        self._edge = self._checked_edge(head)

    def _checked_edge(self, head: Head) -> RightEdge:
        """Read the partial tiles, whose root must be the signed one."""
        tiles, level = [], 0
        while count := head.size >> (8 * level):
            tiles.append(tile_of_level(level, count // TILE_WIDTH, head.size))
            level += 1
        stored = TileReader(self.storage, head.size)
        levels = [stored.hashes(int(tile.kind), tile.index) if tile.width else b"" for tile in tiles]
        edge = RightEdge(head.size, tuple(levels))
        if edge.root() != head.root:
            named = ", ".join(tile.key for tile in tiles if tile.width)
            raise DamagedTree(
                f"the tree's right edge has another root than the signed head: one of {named} is damaged"
            )
        return edge

    def hashes(self, level: int, index: int) -> bytes:
        tile = tile_of_level(level, index, self.size)
        if tile.width < TILE_WIDTH:
            return self._edge.levels[level]
        newest, data = self._newest.get(level, (None, b""))
        if newest != index:
            data = self._full(tile, level)
            self._newest[level] = index, data
        return data

    def _full(self, tile: Tile, level: int) -> bytes:
        above = self.hashes(level + 1, tile.index // TILE_WIDTH)
        start = tile.index % TILE_WIDTH * HASH_SIZE
        data = read_stored(self.storage, tile.key)
        hashes = [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]
        if len(data) != TILE_WIDTH * HASH_SIZE or subtree_root(hashes) != above[start : start + HASH_SIZE]:
            raise DamagedTree(f"{tile.key} does not hold the hashes that the tile above it commits to")
        return data

    def data(self, tile: Tile) -> bytes:
        """Return a data tile, compared with the tree; the issuers that its entries name must be stored."""
        try:
            data = LogReader(self.storage).data_tile(tile)
            check_entries(tile, data, self.hashes(0, tile.index), self._entries)
            named = {fingerprint for entry in self._entries.parse(data) for fingerprint in entry.chain}
        except NotStored:
            raise DamagedTree(f"{tile.key} is missing from the store") from None
        except DamagedTree as error:
            raise DamagedTree(f"{tile.key} cannot be copied: {error}") from error
        self._find_issuers(named, tile)
        return data

    def _find_issuers(self, fingerprints: set[bytes], tile: Tile) -> None:
        for fingerprint in fingerprints - self._issuers:
            try:
                read_issuer(self.storage, issuer_path(fingerprint))
            except DamagedTree as error:
                raise DamagedTree(f"{error}; it is named in {tile.key}") from error
        self._issuers |= fingerprints


def read_issuer(storage: Storage, key: str) -> bytes:
    """Return an issuer's certificate, which is stored under its SHA-256; raises DamagedTree."""
    data = read_stored(storage, key)
    if hashlib.sha256(data).hexdigest() != PurePosixPath(key).name:
        raise DamagedTree(f"{key} is not the certificate of that SHA-256")
    return data


def read_stored(storage: Storage, key: str) -> bytes:
    """Return an object of the tree; raises DamagedTree when it is missing."""
    try:
        return storage.read(key)
    except NotStored:
        raise DamagedTree(f"{key} is missing from the store") from None
