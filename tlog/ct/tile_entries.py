"""Entries as static-ct-api lays them into data tiles: the engine's EntryFormat for certificates."""

from collections.abc import Sequence

from tlog.errors import DamagedTree
from verifier.errors import MalformedInput
from verifier.transparency.tiles import TileLeaf, encode_data_tile
from verifier.transparency.wire import Reader


class CtEntries:
    """Reads data tiles of any width; what cannot be read is damage, since the log wrote it itself."""

    kind = "data"

    def parse(self, bundle: bytes) -> Sequence[TileLeaf]:
        """Return the entries of a tile; raises DamagedTree."""
        reader = Reader(bundle, "data tile")
        entries: list[TileLeaf] = []
        try:
            while not reader.at_end:
                entries.append(TileLeaf.read(reader))
        except MalformedInput as error:
            raise DamagedTree(f"entry {len(entries)} of a data tile is damaged: {error}") from error
        return entries

    def leaves(self, bundle: bytes) -> Sequence[bytes]:
        """Return the MerkleTreeLeaf of each entry; raises DamagedTree."""
        return [entry.timestamped.merkle_tree_leaf() for entry in self.parse(bundle)]

    def first(self, bundle: bytes, count: int) -> bytes:
        """Return the bytes of the first entries of a tile."""
        return encode_data_tile(self.parse(bundle)[:count])
